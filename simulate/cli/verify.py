"""`python -m simulate verify`: the main job, in about a minute on two cores."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray

from simulate.boundaries.boundary import check_level
from simulate.boundaries.maps import PhaseMap
from simulate.cli.map import check_map, draw_and_judge
from simulate.dynamics.objectives import Loss, NegGrad
from simulate.dynamics.optimizers import SAM, SGD, Optimizer
from simulate.dynamics.phases import Phase
from simulate.house.drawing.saving import check_figure, save_figure
from simulate.house.records.record import make_record
from simulate.house.storage import MADE_BY, check_store, save
from simulate.house.terminal import console, progress_bar, table
from simulate.problems.images import digits
from simulate.problems.instance import Instance
from simulate.runs.record import Record
from simulate.runs.result import Result
from simulate.runs.run import run

__all__ = ["Verify", "unlearn_digits"]


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Check the two boundaries from d = 10^3 to 10^7, and unlearn a tenth of real images (digits 3 against 8)."""

    grid: PhaseMap = field(default_factory=PhaseMap)
    """The grid of the phase maps."""
    level: float = 0.3
    """Test error that defines the boundary."""
    out: Path = Path("results/verify")
    """Folder for the figures (PNG) and the data (zarr)."""
    overwrite: bool = False
    """Replace other results in `--out`, which are refused otherwise."""

    def __call__(self) -> int:
        """Run both parts, as often as it is asked; write their files, then print their tables."""
        check_level(self.level)
        digits()  # where they are missing that is said at once, not after the maps
        for name in ("maps.png", "digits.png"):
            check_figure(self.out / name, name="out")
        check_map(self.grid, self.out, overwrite=self.overwrite)
        for name in ("SGD", "SAM"):
            check_store(self.out / f"digits_{name}.zarr", _record(name), overwrite=self.overwrite)
        tell_of_maps = draw_and_judge(self.grid, self.level, self.out)
        with progress_bar() as bar:
            task = bar.add_task("digits 3 against 8", total=2)
            results = unlearn_digits(progress=lambda: bar.advance(task))
        tell_of_digits = _write_digits(results, self.out)
        tell_of_maps()
        tell_of_digits()
        return 0


def _record(name: str) -> dict[str, Any]:
    return make_record("simulate verify, digits", {"optimizer": name})


def unlearn_digits(progress: Callable[[], None] = lambda: None) -> dict[str, Result]:
    """Pretrain on the digits 3 and 8, then unlearn a tenth of them by NegGrad, with SGD and with SAM.

    Returns:
        The result of each unlearning optimizer; both start from the same pretrained network and stop when the
        accuracy on the forget set has fallen to 0.8, or after 3,000 steps.
    """
    images, labels = digits()
    instance = Instance.from_images(images, labels, classes=(3, 8), m=10, sigma_0=1e-2, forget=0.1, seed=0)
    pretrain = Phase("pretrain", Loss(), SGD(lr=0.2), steps=5000, stop_loss=0.02)
    record = Record(every=50)
    results = {}
    optimizers: dict[str, Optimizer] = {"SGD": SGD(lr=0.2), "SAM": SAM(lr=0.2, tau=2.0)}
    for name, optimizer in optimizers.items():
        unlearn = Phase("unlearn", NegGrad(alpha=0.5), optimizer, steps=3000, stop_forget_below=0.8)
        results[name] = run(instance, [pretrain, unlearn], record=record)
        progress()
    return results


def _write_digits(results: dict[str, Result], out: Path) -> Callable[[], None]:
    """Write data and figure; returns what prints the table."""
    from simulate.boundaries.plots import draw_coefficients  # matplotlib, only when something is drawn

    rows = table(
        "Digits 3 against 8, a tenth unlearned",
        "optimizer", "steps", "retain accuracy", "forget accuracy", "test error", "mean κ", "mean ζ, forget set",
    )  # fmt: skip
    traces: dict[str, xarray.Dataset] = {}
    for name, result in results.items():
        trace = traces[name] = result.trace
        noise = float(trace["zeta_mean"].sel(relation="own", set="forget").isel(step=-1))
        rows.add_row(
            name,
            str(result.phases["unlearn"][0]),
            f"{result.retain_accuracy:.3f}",
            f"{result.forget_accuracy:.3f}",
            f"{result.test_error:.3f} ± {result.test_error_se:.3f}",
            f"{result.kappa.mean():.3f}",
            f"{noise:.3f}",
        )
        made = result.to_dataset().assign_attrs({MADE_BY: json.dumps(_record(name))})
        save(made, out / f"digits_{name}.zarr", overwrite=True)
    figure = save_figure(draw_coefficients(traces, title="Digits 3 against 8"), out / "digits.png")

    def tell() -> None:
        console.print(rows)
        console.print(f"Figure: {figure}")

    return tell
