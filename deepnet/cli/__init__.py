"""Commands of `python -m deepnet`, each one dataclass whose fields are its options."""

from __future__ import annotations

from simulate.house.command_line.door import Command, Door

__all__ = ["DOOR", "main"]


def _run() -> Command:
    from deepnet.cli.run import USUAL, RunCommand, run_with_preset

    return Command(
        cls=RunCommand, usual=USUAL, default=run_with_preset,
        notes=lambda: "The other fields of a study: the command options WORD, with a word such as lr or sharpness.",
    )  # fmt: skip


def _options() -> Command:
    from deepnet.cli.options import OptionsCommand

    return Command(cls=OptionsCommand)


def _unlearn() -> Command:
    from deepnet.cli.unlearning.command import USUAL, UnlearnCommand  # torch comes when it runs

    sharpness = "behind `--sharpness`, as in sam:0.1 or asam:1.0"
    settings = {name: f"behind `--method`, as in sharp-minmax:{name}=0.9" for name in ("alpha", "fraction")}
    return Command(
        cls=UnlearnCommand, usual=USUAL, elsewhere=lambda: settings | dict.fromkeys(("rho", "tau", "radius"), sharpness)
    )


def _matched() -> Command:
    from deepnet.cli.matched import MatchedCommand

    return Command(cls=MatchedCommand)


def _judge() -> Command:
    from deepnet.cli.judge import JudgeCommand  # rows are judged without torch

    return Command(cls=JudgeCommand)


def _search() -> Command:
    from deepnet.cli.search import SearchCommand

    return Command(cls=SearchCommand)


def _scores() -> Command:
    from deepnet.cli.scores import ScoresCommand

    return Command(cls=ScoresCommand)


def _report() -> Command:
    from deepnet.cli.report import ReportCommand  # a report needs no torch

    return Command(cls=ReportCommand)


def _pack() -> Command:
    from deepnet.cli.packing import PackCommand

    return Command(cls=PackCommand)


def _unpack() -> Command:
    from deepnet.cli.packing import UnpackCommand

    return Command(cls=UnpackCommand)


def _presets() -> Command:
    from deepnet.cli.presets import PresetsCommand

    return Command(cls=PresetsCommand)


DOOR = Door(
    package="deepnet",
    about="Unlearning of deep networks: every method with SGD, SAM and ASAM, measured against retrained models.",
    commands={
        "run": _run, "options": _options, "unlearn": _unlearn, "matched": _matched, "judge": _judge,
        "search": _search, "scores": _scores, "report": _report, "pack": _pack, "unpack": _unpack, "presets": _presets,
    },
    summaries={
        "run": "make and measure every model of a study (--preset digits takes a minute or two on a CPU)",
        "options": "the fields of a study that match a word: each is an option of `run`",
        "unlearn": "unlearn with a network of your own: from a checkpoint and images to a network and a report",
        "matched": "methods compared step by step, at equal forgetting, each at its own learning rate",
        "judge": "the deep ledger: the paper's conclusions and ours, judged from the rows of `matched`, scale by scale",
        "search": "hyper-parameters of every method, the same number of trials each, judged on the validation split",
        "scores": "memorization scores estimated here, beside published ones",
        "report": "tables and figures of a study's results",
        "pack": "a study's results as parts of a chosen size, to be moved to another machine",
        "unpack": "a study's folder restored from such parts, ready to resume",
        "presets": "the studies that come with the project, and the quirks of the released code",
    },
    goes_on=frozenset({"run", "matched", "search", "scores", "pack", "unpack"}),
    extra="deepnet",
)  # fmt: skip
"""All commands, as `sharpmu` finds them, too."""

main = DOOR.main
