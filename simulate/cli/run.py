"""`python -m simulate run`: one run through phases."""

from __future__ import annotations

from ast import literal_eval
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import xarray

from simulate.cli.phrases import parse_phase
from simulate.dynamics.phases import Phase
from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.drawing.saving import check_figure, save_figure
from simulate.house.terminal import console, progress_bar, table
from simulate.problems.problem import Problem
from simulate.runs.kept import run_to_disk
from simulate.runs.record import Record
from simulate.runs.run import Progress, run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["USUAL", "Run"]

USUAL = (
    "--phases", "--seed", "--engine", "--out", "--overwrite", "--figure", "--problem.d", "--problem.n",
    "--problem.m", "--problem.signal", "--problem.sigma-p", "--problem.sigma-0", "--problem.label-flip",
    "--problem.forget", "--record.every", "--record.points", "--record.observe",
)  # fmt: skip
"""The options that people use; `--help-all` tells the others."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Train one network through phases and print how it ended; with --out, an interrupted run resumes."""

    problem: Problem = field(default_factory=Problem)
    """The law of the data."""
    phases: Annotated[tuple[str, ...], Shown(value="PHASE")] = (
        "pretrain, Loss(), SGD(lr=0.01), steps=1000, stop_loss=0.01",
        "unlearn, NegGrad(alpha=0.7), SAM(lr=0.01, tau=0.03), steps=1000, stop_forget_below=0.5",
    )
    """The phases, each the arguments of Phase(…) in quotes: name, objective, optimizer, options, as listed below."""
    seed: int = 0
    """Seed of everything random."""
    engine: str = "numba"
    """Engine: numba (fast), numpy (readable), dense (weights in R^d) or cupy (a GPU); dense draws other data from the
    same seed."""
    record: Record = field(default_factory=Record)
    """What is recorded."""
    test_directions: int = 1024
    """Noise directions the test error averages over."""
    out: Path | None = None
    """Where to write the result (a zarr store); an interrupted run goes on from there. Nothing is kept without it."""
    figure: Path | None = None
    """Where to draw κ, ζ and accuracies (PNG, PDF or SVG); nothing is drawn without it."""
    overwrite: bool = False
    """Replace other results at `--out`, which are refused otherwise."""

    def __call__(self) -> int:
        """Run, or open or go on with what is there; write what was asked for, then print."""
        phases = [parse_phase(text) for text in self.phases]
        if self.figure is not None:
            check_figure(self.figure, name="figure")
            if self.out is not None and self.figure.absolute().is_relative_to(self.out.absolute()):
                checks.fail("figure", f"lie outside of the store {self.out}", str(self.figure))
        with progress_bar() as bar:
            tasks = {phase.name: bar.add_task(phase.name, total=phase.steps) for phase in phases}
            trained = set()

            def step(name: str, done: int, _: object) -> None:
                trained.add(name)
                bar.update(tasks[name], completed=done)

            found = self._found(phases, step)
        opened = "" if trained else " (it was there, and has been opened)"
        files = [] if self.out is None else [f"Result: {self.out}{opened}"]
        if self.figure is not None:
            files.append(f"Figure: {save_figure(self._drawn(phases, found), self.figure)}")
        _print_summary(self, found)
        for told in files:
            console.print(told)
        return 0

    def _found(self, phases: list[Phase], progress: Progress) -> xarray.Dataset:
        """The trace and the end of the run."""
        options: dict[str, Any] = {
            "seed": self.seed,
            "engine": self.engine,
            "record": self.record,
            "test_directions": self.test_directions,
            "progress": progress,
        }
        if self.out is not None:
            return run_to_disk(self.out, self.problem, phases, **options, overwrite=self.overwrite)
        try:
            return run(self.problem, phases, **options).to_dataset()
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing is kept of a run without --out") from None

    def _drawn(self, phases: list[Phase], found: xarray.Dataset) -> Figure:
        from simulate.boundaries.plots import draw_coefficients  # matplotlib, only when a figure is asked for

        stages = ", then ".join(f"{phase.name} with {type(phase.optimizer).__name__}" for phase in phases)
        title = f"{stages} (d = {self.problem.d:,}, ‖φ‖ = {self.problem.signal:g}, seed {self.seed})"
        return draw_coefficients({type(phases[-1].optimizer).__name__: found}, title=title)


def _print_summary(command: Run, found: xarray.Dataset) -> None:
    """How each phase ended, and what was learned and forgotten."""
    phases = table("Phases", "phase", "steps", "ended")
    for name, told in literal_eval(found.attrs["ended"]).items():
        steps, status = told.split(" steps, ")
        phases.add_row(name, steps, status)
    console.print(phases)

    end = table(f"End of the run (seed {command.seed}, engine {command.engine})", "quantity", "value")
    end.add_row("test error", f"{float(found['final_test_error']):.4g} ± {float(found['final_test_error_se']):.1g}")
    end.add_row("train loss", f"{float(found['train_loss']):.4g}")
    end.add_row("retain accuracy", f"{float(found['retain_accuracy']):.3f}")
    end.add_row("forget accuracy", f"{float(found['forget_accuracy']):.3f}")
    end.add_row("κ, mean over filters", f"{found['final_kappa'].values.mean():.4g}")
    if "zeta_mean" in found:
        last = found["zeta_mean"].isel(step=-1)
        for relation in last["relation"].values:
            for chosen in last["set"].values:
                value = float(last.sel(relation=relation, set=chosen))
                end.add_row(f"ζ, {relation} class, {chosen} set", f"{value:.4g}")
    console.print(end)
