"""`python -m simulate run`: one run through phases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from simulate.cli.phrases import parse_phase
from simulate.house.command_line.options import Shown
from simulate.house.saving import check_figure, save_figure
from simulate.house.storage import check_target, save
from simulate.house.terminal import console, progress_bar, table
from simulate.problems.problem import Problem
from simulate.runs.record import Record
from simulate.runs.result import Result
from simulate.runs.run import run

__all__ = ["USUAL", "Run"]

USUAL = (
    "--phases", "--seed", "--engine", "--out", "--figure", "--problem.d", "--problem.n",
    "--problem.m", "--problem.signal", "--problem.sigma-p", "--problem.sigma-0", "--problem.label-flip",
    "--problem.forget", "--record.every", "--record.points", "--record.observe",
)  # fmt: skip
"""The options that people use; `--help-all` tells the others."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Train one network through phases and print how it ended."""

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
    """Engine: numba (fast), numpy (readable), dense (weights in R^d; draws other data from the same seed) or cupy (a
    GPU)."""
    record: Record = field(default_factory=Record)
    """What is recorded."""
    test_directions: int = 1024
    """Noise directions the test error averages over."""
    out: Path | None = None
    """Where to write the result (a zarr store); nothing is written without it."""
    figure: Path | None = None
    """Where to draw κ, ζ and accuracies (PNG, PDF or SVG); nothing is drawn without it."""

    def __call__(self) -> int:
        """Run, print, and write what was asked for."""
        phases = [parse_phase(text) for text in self.phases]
        if self.out is not None:
            check_target(self.out)
        if self.figure is not None:
            check_figure(self.figure, name="figure")
        with progress_bar() as bar:
            tasks = {phase.name: bar.add_task(phase.name, total=phase.steps) for phase in phases}
            result = run(
                self.problem,
                phases,
                seed=self.seed,
                engine=self.engine,
                record=self.record,
                test_directions=self.test_directions,
                progress=lambda name, step, _: bar.update(tasks[name], completed=step),
            )
        _print_summary(self, result)
        if self.out is not None:
            console.print(f"Result: {save(result.to_dataset(), self.out)}")
        if self.figure is not None:
            from simulate.boundaries.plots import draw_coefficients  # matplotlib, only when a figure is asked for

            stages = ", then ".join(f"{phase.name} with {type(phase.optimizer).__name__}" for phase in phases)
            title = f"{stages} (d = {self.problem.d:,}, ‖φ‖ = {self.problem.signal:g}, seed {self.seed})"
            drawn = draw_coefficients({type(phases[-1].optimizer).__name__: result.trace}, title=title)
            console.print(f"Figure: {save_figure(drawn, self.figure)}")
        return 0


def _print_summary(command: Run, result: Result) -> None:
    """How each phase ended, and what was learned and forgotten."""
    phases = table("Phases", "phase", "steps", "ended")
    for name, (steps, status) in result.phases.items():
        phases.add_row(name, str(steps), status.value)
    console.print(phases)

    end = table(f"End of the run (seed {command.seed}, engine {command.engine})", "quantity", "value")
    end.add_row("test error", f"{result.test_error:.4g} ± {result.test_error_se:.1g}")
    end.add_row("train loss", f"{result.train_loss:.4g}")
    end.add_row("retain accuracy", f"{result.retain_accuracy:.3f}")
    end.add_row("forget accuracy", f"{result.forget_accuracy:.3f}")
    end.add_row("κ, mean over filters", f"{result.kappa.mean():.4g}")
    if "zeta_mean" in result.trace:
        last = result.trace["zeta_mean"].isel(step=-1)
        for relation in last["relation"].values:
            for chosen in last["set"].values:
                value = float(last.sel(relation=relation, set=chosen))
                end.add_row(f"ζ, {relation} class, {chosen} set", f"{value:.4g}")
    console.print(end)
