"""What commands that run claims have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress, TaskID

from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.version import __version__
from simulate.problems.images import digits
from theory import claims as registry
from theory.claims.universality import CLAIMS as ON_IMAGES
from theory.experiments.lab import Budget, Lab
from theory.ledger import Claim, Ledger, family_sizes, run_claims

__all__ = ["ALL_CLAIMS", "check_folder", "folder_of", "run_on"]

ALL_CLAIMS = Shown(value="NAME", default="all claims")
"""How help shows an option that names claims."""


_LONGEST = 80
"""Signs of a folder's name, of names of claims."""


def folder_of(whole: Path, names: Sequence[str], out: Path | None) -> Path:
    """Where results go: some of the claims have a folder of their own, so that they do not stand in the way of all.

    Args:
        whole: The folder of all claims.
        names: The claims that were asked for, as they were typed; none is all.
        out: A folder that was named, which is taken.

    Example:
        >>> folder_of(Path("results/ledger"), ["3", "sgd-boundary-d"], None).as_posix()
        'results/ledger_of/3+sgd-boundary-d'
    """
    if out is not None or not names:
        return out or whole
    return whole.with_name(f"{whole.name}_of") / "+".join(sorted(set(names)))[:_LONGEST]


def check_folder(name: str, path: Path | None) -> None:
    """Require a folder, if one is named."""
    if path is not None and not path.is_dir():
        checks.fail(name, "be a folder", str(path))


def run_on(
    bar: Progress, task: TaskID, claims: Sequence[Claim], *, budget: Budget, seed: int, images: Path | None = None
) -> Ledger:
    """Run claims, one step of the bar each; beside it their names and the trainings done so far.

    Intervals allow for all claims of their family, whichever of them run, so that a row does not depend on its company.

    Raises:
        ValueError: before anything runs, if a claim is on the digits and they are not installed.
    """
    if {claim.name for claim in claims} & {claim.name for claim in ON_IMAGES}:
        digits()
    name, trainings, started = "", 0, 0

    def show() -> None:
        bar.update(task, description=f"{name} ({trainings:,} trainings)")

    def begin(claim: Claim) -> None:
        nonlocal name, started
        name = claim.name
        bar.advance(task, 1 if started else 0)
        started += 1
        show()

    def trained(count: int) -> None:
        nonlocal trainings
        trainings += count
        show()

    lab = Lab(budget, seed, images, progress=trained)
    rows = family_sizes(registry.all_claims())
    holds = registry.holds()
    ledger = run_claims(claims, lab, rows=rows, seed=seed, budget=budget, version=__version__, holds=holds, begin=begin)
    bar.advance(task)
    return ledger
