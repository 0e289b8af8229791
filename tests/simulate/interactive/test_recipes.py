"""What a slider stands for, against the formulas with their numbers written out: step sizes, radii, times, captions."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray

pytest.importorskip("ipywidgets", reason="needs the extra notebooks")

from simulate import SAM, SGD, NegGrad, Phase, Problem, SharpMinMax
from simulate.dynamics.state import Status
from simulate.interactive import MapSettings, TrajectorySettings, map_data, phase_map_explorer, trajectory_explorer
from simulate.interactive.captions import describe_map, describe_trajectory
from simulate.interactive.map_settings import DIMENSIONS, SIGNALS
from simulate.interactive.recipes import fit, sam_stage, unlearn

PROBLEM = Problem(d=40_000, n=100, m=16, P=3, sigma_p=1.0, signal=2.0, forget=0.25)
"""q = (P - 1) σ_p = 2, P σ_p = 3, √d = 200."""
RADIUS = 16 * 10 / (3 * 200)
"""τ* = m √n / (P σ_p √d)."""


def check(phase: Phase, kind: type, lr: float, tau: float = 0.0) -> None:
    """Require an optimizer of a kind with this step size and radius."""
    assert type(phase.optimizer) is kind
    assert (phase.optimizer.lr, getattr(phase.optimizer, "tau", 0.0)) == pytest.approx((lr, tau), rel=1e-12)


# --- recipes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [5e-324, 1e200])
def test_a_signal_whose_square_no_float_holds_is_refused(signal: float) -> None:
    with pytest.raises(ValueError, match="`signal` must be from 1e-100 to 1e100"):
        fit(replace(PROBLEM, signal=signal), steps=7)


def test_fitting_moves_an_output_by_half_through_its_own_noise() -> None:
    """η q² d / (n m) = 1/2."""
    phase = fit(PROBLEM, steps=7, stop_loss=0.01)
    check(phase, SGD, 0.5 * 100 * 16 / (4 * 40_000))
    assert (phase.steps, phase.stop_loss, phase.stop_forget_below) == (7, 0.01, None)


def test_no_step_moves_an_output_by_more_than_one_through_the_signal() -> None:
    """η ‖φ‖² / m = 1."""
    strong = Problem(d=40_000, n=100, m=16, P=3, signal=100.0, forget=0.25)
    assert fit(strong, steps=7).optimizer.lr == pytest.approx(16 / 100.0**2)
    assert sam_stage(strong, steps=7).optimizer.lr == pytest.approx(16 / 100.0**2)
    assert unlearn(strong, optimizer="SGD", alpha=0.5, tau=1.0, stop=0.5).optimizer.lr == pytest.approx(0.25 * 0.0016)


def test_sam_takes_the_time_in_which_noise_is_learned() -> None:
    """η T q² / m = 2 at the theorem's radius, unless an own-noise step bounds it."""
    phase = sam_stage(PROBLEM, steps=50, tau=1.5, stop_loss=0.4)
    check(phase, SAM, 2 * 16 / (4 * 50), 1.5 * RADIUS)
    assert (phase.steps, phase.stop_loss) == (50, 0.4)
    assert sam_stage(PROBLEM, steps=50, own_step=0.1).optimizer.lr == pytest.approx(0.1 * 1600 / (4 * 40_000))
    assert sam_stage(PROBLEM, steps=50).optimizer.tau == pytest.approx(RADIUS)


def test_unlearning_moves_a_forget_sample_by_three() -> None:
    """η q² d / (n_F m) = 3 for a sample of the forget set, whatever α is; the radius is that of SAM over √m."""
    lr = 3.0 * 100 * 16 / (4 * 40_000) * 0.25
    for name, cls in (("SGD", SGD), ("SAM", SAM), ("SharpMinMax", SharpMinMax)):
        phase = unlearn(PROBLEM, optimizer=name, alpha=0.3, tau=0.5, stop=0.2)
        check(phase, cls, lr, 0.0 if name == "SGD" else 0.5 * RADIUS / 4)
        assert phase.objective == NegGrad(alpha=0.3)
        assert (phase.steps, phase.stop_forget_below, phase.stop_loss) == (200, 0.2, None)


# --- sliders -------------------------------------------------------------------------------------------


def test_sliders_of_plain_trajectories() -> None:
    """q = 1 and m = 10: σ_0 = √n / (10 d), η = n m / (2 d)."""
    chosen = TrajectorySettings(d=20_000, n=100, signal=4.0, label_flip=0.1, forget=0.2, alpha=0.6, stop=0.3, tau=3.0)
    assert chosen.problem.sigma_0 == pytest.approx(5e-5)
    others = {"d": 20_000, "n": 100, "signal": 4.0, "label_flip": 0.1, "forget": 0.2}
    assert chosen.problem == Problem(**others, sigma_0=chosen.problem.sigma_0)  # type: ignore[arg-type]
    first, last = chosen.phases
    check(first, SGD, 0.025)
    assert (first.steps, first.stop_loss) == (96, None)
    check(last, SGD, 3 * 1000 / 20_000 * 0.2)
    assert (last.objective, last.stop_forget_below) == (NegGrad(alpha=0.6), 0.3)


@pytest.mark.parametrize(
    ("d", "n", "lr"),
    [
        (10**9, 30, 0.5 * math.sqrt(1000) * 300 / 10**9),  # an own-noise step that grows with √(d/1000) up to 10⁶
        (10**5, 20, 0.5 * 10 * 200 / 10**5),
        (600, 20, 0.5 * 200 / 600),  # and does not shrink below 1000
        (1000, 200, 2 * 10 / 40),  # the time η T / m = 2
    ],
)
def test_sliders_of_sam(d: int, n: int, lr: float) -> None:
    chosen = TrajectorySettings(d=d, n=n, signal=0.5, pretraining="SAM", optimizer="SharpMinMax", tau=0.5)
    assert chosen.problem.sigma_0 == pytest.approx(1 / (2 * math.sqrt(d)))
    stage, plain, last = chosen.phases
    radius = 0.5 * 10 * math.sqrt(n) / (2 * math.sqrt(d))
    check(stage, SAM, lr, radius)
    assert (stage.steps, stage.stop_loss) == (40, None)
    check(plain, SGD, 0.5 * n * 10 / d)
    assert plain.steps == 56
    assert last.optimizer.tau == pytest.approx(radius / math.sqrt(10))


@pytest.mark.parametrize("d", [DIMENSIONS[0], DIMENSIONS[-1]])
def test_sliders_of_maps(d: int) -> None:
    """σ_p = 2: q = 2 and P σ_p = 4."""
    plain = MapSettings(optimizer="SGD", n=30, sigma_p=2.0, label_flip=0.2).cell(d, 0.5, 7)
    assert plain.problem.sigma_0 == pytest.approx(0.1 * math.sqrt(30) / (2 * d))
    assert (plain.problem.signal, plain.problem.sigma_p, plain.problem.label_flip) == (0.5, 2.0, 0.2)
    assert (plain.problem.n, plain.problem.n_forget, plain.seed) == (30, 0, 7)
    (phase,) = plain.phases
    check(phase, SGD, 0.5 * 30 * 10 / (4 * d))
    assert (phase.steps, phase.stop_loss) == (2000, 0.01)
    flat = MapSettings(optimizer="SAM", n=30, sigma_p=2.0, tau=0.25).cell(d, 0.5, 7)
    assert flat.problem.sigma_0 == pytest.approx(1 / (4 * math.sqrt(d)))
    stage, after = flat.phases
    radius = 0.25 * 10 * math.sqrt(30) / (4 * math.sqrt(d))
    check(stage, SAM, 2 * 10 / (4 * 2000), radius)
    assert (stage.steps, stage.stop_loss) == (2000, 0.4)
    assert after == phase


def test_a_map_reaches_from_a_sixth_of_the_noise_to_fifty_times_it() -> None:
    assert [SIGNALS[0], SIGNALS[-1]] == pytest.approx([2**-2.5, 2**5.75], rel=1e-3)
    assert np.diff(np.log2(SIGNALS)) == pytest.approx(0.75, abs=1e-3)
    assert MapSettings(sigma_p=2.0).signals == tuple(2.0 * signal for signal in SIGNALS)
    assert DIMENSIONS == (10**3, 10**4, 10**5, 10**6, 10**7)
    assert MapSettings(replicates=3).n_runs == 5 * 12 * 3


@pytest.mark.parametrize(("optimizer", "exponent"), [("SGD", 0.25), ("SAM", 0.0)])
def test_the_constant_is_the_one_that_the_errors_were_made_with(
    optimizer: Any, exponent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = MapSettings(optimizer=optimizer, n=16, sigma_p=0.5, level=0.2, replicates=1, seed=4)

    def made(flat: object, axes: dict[str, Any]) -> xarray.Dataset:
        assert list(axes["seed"]) == [4]
        d, signal = np.array(axes["d"])[:, None], np.array(axes["signal"])
        error = 0.2 - 0.02 * np.log(signal / (1.7 * 0.5 * (d / 16) ** exponent))
        places = {name: list(values) for name, values in axes.items()}
        return xarray.Dataset({"test_error": (tuple(axes), error[None, :, :, None])}, coords=places)

    monkeypatch.setattr(map_data, "run_ensemble", lambda cells, **how: None)
    monkeypatch.setattr(map_data, "unfold", made)
    found = map_data.simulate_map(chosen)
    assert (found.constant, found.boundary.slope) == (pytest.approx(1.7), pytest.approx(exponent, abs=1e-9))
    assert found.exponent == exponent


# --- captions and controls -----------------------------------------------------------------------------


def test_the_caption_of_a_trajectory_tells_its_numbers() -> None:
    chosen = TrajectorySettings(d=20_000, signal=4.0, optimizer="SAM", tau=0.5, seed=3)
    result = SimpleNamespace(
        phases={"fit": (96, Status.MAX_STEPS), "unlearn": (31, Status.CONVERGED)},
        test_error=0.25, test_error_se=0.1, retain_accuracy=0.9, forget_accuracy=0.4,
    )  # fmt: skip
    said = describe_trajectory(chosen, SimpleNamespace(result=result))  # type: ignore[arg-type]
    assert "d = 20000, ‖φ‖ = 4, σ₀ = 5e-05." in said
    assert "fit: η = 0.025, took 96 steps; unlearn: η = 0.015, τ = 0.056, stopped after 31 steps." in said
    assert "test error 0.25 ± 0.2 (95 % interval)" in said  # 1.96 standard errors
    assert "retain set 0.90, on the forget set 0.40. Seed 3, " in said


def test_the_caption_of_a_map_tells_its_numbers() -> None:
    chosen = MapSettings(replicates=2, seed=5, level=0.3)
    boundary = SimpleNamespace(slope=0.26, slope_interval=(0.24, 0.29))
    status = xarray.DataArray(["converged", "converged", "converged", "max_steps"])
    data = SimpleNamespace(boundary=boundary, exponent=0.25, constant=1.5, maps={"status": status})
    said = describe_map(chosen, data)  # type: ignore[arg-type]
    assert "Boundary at test error 0.3: ‖φ‖ ∝ d^0.260 (between 0.240 and 0.290" in said
    assert "predicted 0.25; in the prediction ‖φ‖ = C σ_p (d/n)^¼, fitted C = 1.50." in said
    assert "120 trainings, 75 % of them to a training loss of 0.01; seeds 5 to 6, " in said


def test_each_control_moves_the_setting_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the ranges and steps below; nothing is simulated."""
    monkeypatch.setattr("simulate.interactive.explorers.Explorer", lambda view, controls, settings: controls)
    trajectories, maps = trajectory_explorer(), phase_map_explorer()
    sliders = {
        name: (control.description, control.value, control.min, control.max, getattr(control, "step", 1))
        for name, control in trajectories.items() if hasattr(control, "min") and name != "seed"
    }  # fmt: skip
    assert sliders == {  # type: ignore[comparison-overlap]
        "d": ("dimension d", 20_000, 3.0, 9.0, 0.25),
        "signal": ("signal ‖φ‖", 4.0, -1.0, 3.0, 0.05),
        "n": ("samples n", 100, 20, 200, 10),
        "forget": ("forget share", 0.1, 0.0, 0.5, 0.01),
        "label_flip": ("wrong labels", 0.0, 0.0, 0.4, 0.01),
        "tau": ("radius τ / τ*", 1.0, -2.0, 1.0, 0.05),
        "alpha": ("NegGrad α", 0.7, 0.0, 1.0, 0.01),
        "stop": ("stop accuracy", 0.5, 0.0, 1.0, 0.05),
    }
    assert (trajectories["seed"].value, trajectories["seed"].min) == (0, 0)
    assert {name: (control.description, control.value, control.min, control.max) for name, control in maps.items()
            if hasattr(control, "min")} == {
        "n": ("samples n", 20, 10, 60),
        "sigma_p": ("noise σ_p", 1.0, -1.0, 1.0),
        "label_flip": ("wrong labels", 0.1, 0.0, 0.4),
        "tau": ("radius τ / τ*", 1.0, -2.0, 1.0),
        "level": ("level of error", 0.3, 0.05, 0.45),
    }  # fmt: skip
