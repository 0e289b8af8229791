"""Commands of `python -m simulate`, each one dataclass whose fields are its options."""

from __future__ import annotations

from simulate.house.command_line.door import Command, Door

__all__ = ["DOOR", "main"]


def _run() -> Command:
    from simulate.cli.run import USUAL, Run

    return _of_phases(Run, USUAL)


def _sweep() -> Command:
    from simulate.cli.sweep import Sweep

    return _of_phases(Sweep)


def _map() -> Command:
    from simulate.cli.map import Map

    return Command(cls=Map)


def _verify() -> Command:
    from simulate.cli.verify import Verify

    return Command(cls=Verify)


def _explore() -> Command:
    from simulate.cli.explore import Explore

    return Command(cls=Explore)


def _of_phases(cls: type, usual: tuple[str, ...] = ()) -> Command:
    """A command of which phases are asked, and whose help says what they are made of."""
    from simulate.cli.phrases import describe_vocabulary, places_of_options, vocabulary_in_brief

    return Command(
        cls=cls, usual=usual, notes=vocabulary_in_brief, elsewhere=places_of_options,
        whole=lambda: f"What a phase is made of:\n\n{describe_vocabulary()}",
    )  # fmt: skip


DOOR = Door(
    package="simulate",
    about="Exact simulation of signal and noise learning under SGD, SAM and NegGrad unlearning.",
    commands={"run": _run, "sweep": _sweep, "map": _map, "verify": _verify, "explore": _explore},
    summaries={
        "run": "one network through its phases: pretrain, unlearn, relearn; with --out it can be resumed",
        "sweep": "a grid that a TOML file describes; it can be resumed",
        "map": "the test error over dimension and signal strength, SGD beside SAM",
        "verify": "the two boundaries from d = 10^3 to 10^7, and a tenth of real images unlearned",
        "explore": "a page with sliders to play with, on a phone too; it works offline",
    },
    goes_on=frozenset({"sweep"}),
)
"""All commands, as `sharpmu` finds them, too."""

main = DOOR.main
