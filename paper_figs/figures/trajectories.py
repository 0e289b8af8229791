"""Signal and noise through pretraining and unlearning.

The problem and the phases are those of the claims on unlearning, `theory.experiments.unlearning`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs.workshop.caption import Caption, by_sign, with_interval
from paper_figs.workshop.results import Results
from paper_figs.workshop.sheet import figure
from paper_figs.workshop.style import COLORS, LINES, MARKERS, label_panels, legend_below, new_figure
from simulate import NegGrad, Phase, Problem, run
from simulate.runs.record import Record
from theory.experiments.course import STANDARD, Course
from theory.experiments.lab import Lab
from theory.experiments.protocols import REFERENCE, Pretraining
from theory.experiments.unlearning import ALPHA, PRETRAINED_LOSS
from theory.statistics import from_replicates

__all__ = ["draw", "main"]

_OPTIMIZERS: tuple[Pretraining, ...] = ("SGD", "SAM")
_EVERY = 50
"""Steps from one record to the next."""
_TIME = np.linspace(0.0, 2.0, 201)
"""Share of pretraining, then 1 + share of unlearning."""
_OPEN = {"retain": False, "forget": True}
"""Whether the markers of a set are open; colour, marker and line are those of the optimizer."""


def draw(results: Results) -> tuple[Figure, Caption]:
    """κ, and ζ of own-class and opposite-class filters on both sets, under SGD and under SAM."""
    seeds = range(results.choose(quick=8, full=40))
    data = results.dataset(
        "trajectories", lambda progress: _trajectories(seeds, progress), seeds=seeds,
        n_runs=len(_OPTIMIZERS) * len(seeds),
        configuration={
            **{name: repr(_plan(name)) for name in _OPTIMIZERS}, "recorded every": _EVERY,
        },
    )  # fmt: skip
    made = new_figure(2.35)
    panels = made.subplots(1, 3)
    for name in _OPTIMIZERS:
        one = data.sel(optimizer=name)
        _band(panels[0], one["kappa"], name)
        for axes, relation in zip(panels[1:], ("own", "opposite"), strict=True):
            for part, is_open in _OPEN.items():
                _band(axes, one["zeta"].sel(relation=relation, set=part), name, is_open=is_open)
    for axes in panels:
        axes.axvline(1.0, color="0.6", lw=0.7, zorder=0)
        axes.set_xticks([0.5, 1.5], ["pretraining", "unlearning"])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(0.0, 2.0)
    panels[0].set_ylabel("mean coefficient")
    label_panels(panels, [r"signal $\kappa$", r"noise $\zeta$, own class", r"noise $\zeta$, opposite"])
    handles = [
        Line2D([], [], color=COLORS[name], ls=LINES[name], marker=MARKERS[name], label=name) for name in _OPTIMIZERS
    ]
    handles += [
        Line2D([], [], color="0.25", ls="none", marker="o", mfc="white" if is_open else "0.25", label=f"{part} set")
        for part, is_open in _OPEN.items()
    ]
    legend_below(made, handles, columns=4)
    return made, _caption(data)


def _plan(name: Pretraining) -> tuple[Problem, tuple[Phase, ...]]:
    """Problem, and pretraining and unlearning with one optimizer."""
    course = Course(Lab())
    problem = course.problem(STANDARD, name)
    before = course.pretrain(problem, name)
    return problem, course.unlearn(problem, before, NegGrad(alpha=ALPHA), course.optimizer(problem, name))


def _trajectories(seeds: Sequence[int], progress: Callable[[int], None]) -> xarray.Dataset:
    """Traces of every run at common shares of its phases."""
    runs = []
    for name in _OPTIMIZERS:
        for seed in seeds:
            runs.append(_trajectory(name, seed))
            progress(1)
    table = xarray.concat(runs, dim="run")
    index: dict[str, list[Any]] = {"optimizer": list(_OPTIMIZERS), "seed": list(seeds)}
    shape = tuple(len(labels) for labels in index.values())
    return xarray.Dataset(
        {
            name: ((*index, *value.dims[1:]), value.values.reshape(*shape, *value.shape[1:]))
            for name, value in table.items()
        },
        coords={**index, **{name: table[name].values for name in ("time", "relation", "set", "stage")}},
    )


def _trajectory(name: Pretraining, seed: int) -> xarray.Dataset:
    problem, phases = _plan(name)
    record = Record(every=_EVERY, observe=("coefficients",))
    trace = run(problem, phases, seed=seed, test_directions=16, record=record).trace
    trace = trace.isel(step=[not str(phase).startswith(REFERENCE) for phase in trace["phase"].values])
    trace = trace.assign_coords(step=trace["step"] - trace["step"][0])
    later = (trace["phase"] == "unlearn").values
    step = trace["step"].values.astype(float)
    begin, end = step[later][0], step[-1]
    share = np.where(later, 1.0 + (step - begin) / (end - begin), step / begin)
    first = np.unique(share, return_index=True)[1]  # the last step of a phase is the first of the next
    on_share = trace[["kappa_mean", "zeta_mean"]].mean("sign").isel(step=first)
    on_share = on_share.drop_vars(["phase", "phase_step"]).assign_coords(step=share[first])
    even = on_share.interp(step=_TIME).rename(step="time", kappa_mean="kappa", zeta_mean="zeta")
    return even.assign(steps=("stage", [begin, end - begin])).assign_coords(stage=["pretraining", "unlearning"])


def _band(axes: Axes, values: xarray.DataArray, name: str, *, is_open: bool = False) -> None:
    """Mean over seeds with its 95 % interval; the markers stand where the two optimizers' do not meet."""
    found = [from_replicates(column) for column in values.transpose("time", "seed").values]
    low, high = np.array([each.interval() for each in found]).T
    first = 20 + 20 * _OPTIMIZERS.index(name)
    axes.fill_between(_TIME, low, high, color=COLORS[name], alpha=0.15, lw=0)
    axes.plot(
        _TIME, [each.value for each in found], ls=LINES[name], color=COLORS[name], marker=MARKERS[name],
        markevery=(first, 50), mfc="white" if is_open else COLORS[name],
    )  # fmt: skip


def _answer(data: xarray.Dataset) -> str:
    """What SAM learned of the noise less than SGD, and forgot of it more, seed by seed."""
    noise = data["zeta"].sel(relation="own").transpose("optimizer", "set", "time", "seed")
    learned = noise.sel(set="retain").sel(time=1.0, method="nearest")
    gone = noise.sel(set="forget").sel(time=1.0, method="nearest") - noise.sel(set="forget").isel(time=-1)
    less = from_replicates((learned.sel(optimizer="SGD") - learned.sel(optimizer="SAM")).values)
    more = from_replicates((gone.sel(optimizer="SAM") - gone.sel(optimizer="SGD")).values)
    learns = by_sign(less, positive="less", negative="more", neither="as much")
    forgets = by_sign(more, positive="more", negative="less", neither="as much")
    yes = by_sign(less, positive="Yes", negative="No", neither="No")
    yes = yes if yes == by_sign(more, positive="Yes", negative="No", neither="No") else "In part"
    return (
        f"{yes}, in this setting: pretrained to the same loss, SAM has learned {learns} noise of the retain set in "
        f"filters of a sample's own class (SGD less SAM: {with_interval(less)}), and unlearning to the match then "
        "takes "
        f"{forgets} noise of the forget set away (SAM less SGD: {with_interval(more)})."
    )


def _caption(data: xarray.Dataset) -> Caption:
    steps = data["steps"].median("seed")
    lengths = "; ".join(
        f"{name} {float(steps.sel(optimizer=name, stage='pretraining')):,.0f} and "
        f"{float(steps.sel(optimizer=name, stage='unlearning')):,.0f}"
        for name in _OPTIMIZERS
    )
    return Caption(
        answers=_answer(data),
        shows=(
            "Means over filters (and samples) of the coefficients of signal and noise, from the initial weights "
            f"through pretraining to a loss of {PRETRAINED_LOSS:g}, and through NegGrad (α = {ALPHA:g}) until the "
            "mean loss on the forget set is that of the network retrained without it. Each optimizer does both, from "
            "the "
            "initial weights and at the radius of its theorem; SAM's pretraining ends with SGD, as it asks. Time runs "
            "evenly within each "
            f"phase; median numbers of steps of pretraining and unlearning: {lengths}.\n\n"
            f"Bands are 95 % Student intervals of the mean over {data.sizes['seed']} seeds. "
            f"d = {STANDARD.d:,}, n = {STANDARD.n}, |F| = {STANDARD.n_forget}, m = {STANDARD.m}, "
            f"‖φ‖ = {STANDARD.signal:g}, p = {STANDARD.label_flip:g}."
        ),
        symbols={
            "κ": "coefficient of the signal, w = w(0) + j κ φ/‖φ‖² + …",
            "ζ": "coefficient of a sample's noise; own class: filters whose sign j is the sample's label",
        },
    )


main = figure(draw, number=4, asks="Does SAM learn less noise than SGD, and forget more of it?")
