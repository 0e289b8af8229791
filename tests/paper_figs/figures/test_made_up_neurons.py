"""Figures of trajectories and of neurons that are switched off, on made-up experiments."""

import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import xarray
from scipy import stats

from paper_figs.figures import deactivation, trajectories
from paper_figs.tables import lemma31_table
from tests.paper_figs.figures.made_up_experiments import SEEDS, MadeUp, bars, drawn, student
from theory.experiments.deactivation import at_start
from theory.experiments.lemma31 import LOOKS, MULTIPLES, NOTHING
from theory.experiments.lemma31 import tables as lemma_tables
from theory.statistics import bootstrap


def test_bands_are_means_over_seeds_with_their_intervals() -> None:
    rng = np.random.default_rng(4)
    time = np.linspace(0.0, 2.0, 201)
    index = {"optimizer": ["SGD", "SAM"], "seed": range(SEEDS)}
    kappa = rng.standard_normal((2, SEEDS, 201))
    zeta = rng.standard_normal((2, SEEDS, 201, 2, 2)) + np.arange(4).reshape(2, 2)
    steps = np.array([[100.0, 30.0], [200.0, 50.0]])[:, None] + np.zeros((2, SEEDS, 2))
    data = xarray.Dataset(
        {"kappa": ((*index, "time"), kappa), "zeta": ((*index, "time", "relation", "set"), zeta),
         "steps": ((*index, "stage"), steps)},
        coords={**index, "time": time, "relation": ["own", "opposite"], "set": ["retain", "forget"],
                "stage": ["pretraining", "unlearning"]},
    )  # fmt: skip
    made, caption = drawn(trajectories.draw, MadeUp({}, data))
    expected = [[kappa[0], kappa[1]]]
    expected += [[zeta[o, ..., r, s] for o in range(2) for s in range(2)] for r in range(2)]
    for axes, curves in zip(made.axes, expected, strict=True):
        lines = [line for line in axes.lines if len(line.get_xdata()) == 201]
        for line, band, values in zip(lines, axes.collections, curves, strict=True):
            mean, low, high = student(values).T
            np.testing.assert_allclose(line.get_data(), (time, mean))
            edges = band.get_paths()[0].vertices
            assert (edges[:, 1].min(), edges[:, 1].max()) == pytest.approx((low.min(), high.max()))
    assert "unlearning: SGD 100 and 30; SAM 200 and 50." in caption.shows
    own = zeta[..., 0, :]
    gone = own[:, :, 100, 1] - own[:, :, -1, 1]
    for which, values in (
        ("SGD less SAM", own[0, :, 100, 0] - own[1, :, 100, 0]),
        ("SAM less SGD", gone[1] - gone[0]),
    ):
        mean, low, high = (f"{value:.3g}".replace("-", "−") for value in student(values[:, None])[0])
        assert f"{which}: {mean} [{low}, {high}]" in caption.answers


def test_time_runs_evenly_within_each_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretraining from step 0 to 20, unlearning to 50; κ is the step and ζ ten times it."""
    step = np.array([0, 10, 20, 20, 30, 50])
    trace = xarray.Dataset(
        {"kappa_mean": (("step", "sign"), np.stack([step - 1.0, step + 1.0], 1)),
         "zeta_mean": (("step", "sign", "relation", "set"), 10.0 * np.tile(step[:, None, None, None], (1, 2, 2, 2)))},
        coords={"step": step, "phase": ("step", ["fit"] * 3 + ["unlearn"] * 3), "phase_step": ("step", step),
                "relation": ["own", "opposite"], "set": ["retain", "forget"]},
    )  # fmt: skip
    monkeypatch.setattr(trajectories, "run", lambda *given, **how: SimpleNamespace(trace=trace))
    found = trajectories._trajectory("SGD", 0)
    np.testing.assert_allclose(
        found["kappa"].sel(time=[0.0, 0.5, 1.0, 1.5, 2.0], method="nearest"), [0, 10, 20, 35, 50]
    )
    np.testing.assert_allclose(found["zeta"].isel(relation=0, set=1), 10 * found["kappa"])
    assert found["steps"].values.tolist() == [20, 30]


def made_up_lemma() -> xarray.DataArray:
    """Fractions around a level for each pretraining, class and set."""
    rng = np.random.default_rng(5)
    levels = np.arange(2, 14).reshape(3, 1, 2, 2, 1) / 16
    values = levels + 0.02 * rng.standard_normal((3, len(LOOKS), 2, 2, SEEDS))
    coords = {"pretraining": ["none", "SGD", "SAM"], "relation": ["own", "opposite"], "set": ["retain", "forget"]}
    dims = ("pretraining", "look", "relation", "set", "seed")
    return xarray.DataArray(values, dims=dims, coords={**coords, "seed": range(SEEDS)})


def test_switched_off_neurons_are_those_of_the_experiments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deactivation, "bootstrap", partial(bootstrap, resamples=20))
    rng = np.random.default_rng(6)
    sizes = {"n": [40, 160], "m": [5, 20], "ratio": [0.25, 0.5, 1.0, 2.0]}
    law = 2 * stats.norm.cdf(1.1 * np.array(sizes["ratio"])) - 1
    off = law[:, None] + 0.004 * rng.standard_normal((2, 2, 4, SEEDS))
    start = xarray.Dataset(
        {"deactivated": (("phase", "relation", "set", *sizes, "seed"), off[None, None, None])},
        coords={**sizes, "relation": ["own"], "set": ["retain"], "seed": range(SEEDS)},
    )
    lemma = made_up_lemma()
    made, caption = drawn(deactivation.draw, MadeUp({at_start: start, lemma_tables: lemma}))
    for i, n in enumerate(sizes["n"]):
        for j, m in enumerate(sizes["m"]):
            found = bars(made.axes[0])[f"$n={n},\\,m={m}$"]
            assert found[0].tolist() == sizes["ratio"]
            expected = student(off[i, j].T)
            np.testing.assert_allclose(found[1], expected[:, 0])
            assert (np.diff(found[2], axis=1)[:, 0] >= (expected[:, 2] - expected[:, 1]) * (1 - 1e-9)).all()
    (told,) = re.findall(r"argument of Φ is ([0-9.]+) \[", caption.shows)
    assert float(told) == pytest.approx(1.1, abs=0.01)
    (at_theory,) = [k for k, look in enumerate(LOOKS) if look.objective == deactivation.EQUAL and look.multiple == 1.0]
    told = lemma.isel(look=at_theory).sel(relation="own").mean("seed")
    shares = [f"{float(told.sel(pretraining=name, set=part)):.1%}" for name, part in (
        ("none", "retain"), ("none", "forget"), ("SGD", "retain"), ("SGD", "forget"), ("SAM", "retain"),
        ("SAM", "forget"),
    )]  # fmt: skip
    assert re.findall(r"[0-9.]+%", caption.answers) == shares
    equal = [k for k, look in enumerate(LOOKS) if look.objective == deactivation.EQUAL and look.multiple != NOTHING]
    words = {"own": "own class", "opposite": "opposite"}
    for axes, pretraining in zip(made.axes[1:], ("none", "SGD", "SAM"), strict=True):
        for part, relation in (("retain", "own"), ("retain", "opposite"), ("forget", "own"), ("forget", "opposite")):
            x, y, _ = bars(axes)[f"{part[0].upper()}, {words[relation]}"]
            values = lemma.sel(pretraining=pretraining, relation=relation, set=part).isel(look=equal)
            np.testing.assert_allclose(y, values.mean("seed"))
            np.testing.assert_allclose(x, [LOOKS[k].multiple for k in equal])
            assert x.tolist() == list(MULTIPLES)


def test_the_table_of_the_lemma_has_the_fractions_at_the_radius_of_the_theory() -> None:
    lemma = made_up_lemma()
    table, _ = drawn(lemma31_table.draw, MadeUp({lemma_tables: lemma}))
    assert table.heads[2:] == (
        "retain, own class",
        "retain, opposite class",
        "forget, own class",
        "forget, opposite class",
    )
    objectives = ["NegGrad, α = 0.8", "NegGrad, α = 0.5", "NegGrad, α = 0.9", "random label"]
    assert [row[:2] for row in table.rows] == [(o, p) for o in objectives for p in ("none", "SGD", "SAM")]
    weights = {"NegGrad, α = 0.8": 0.8, "NegGrad, α = 0.5": 0.5, "NegGrad, α = 0.9": 0.9, "random label": None}
    for row in table.rows:
        (look,) = [
            k for k, each in enumerate(LOOKS)
            if getattr(each.objective, "alpha", None) == weights[row[0]] and each.multiple == 1.0
        ]  # fmt: skip
        for place, cell in enumerate(row[2:]):
            part, relation = ("retain", "forget")[place // 2], ("own", "opposite")[place % 2]
            values = lemma.sel(pretraining=row[1], relation=relation, set=part).isel(look=look).values
            mean, low, high = student(values[:, None])[0]
            samples = {"retain": 16, "forget": 4}[part] * 10 / 2 * SEEDS
            shrunk = (mean * samples + 1) / (samples + 2)  # at least the error of so many trials
            reach = max((high - low) / 2, stats.t.ppf(0.975, SEEDS - 1) * (shrunk * (1 - shrunk) / samples) ** 0.5)
            assert cell == f"{mean:.3f} [{max(mean - reach, 0):.3f}, {min(mean + reach, 1):.3f}]"
