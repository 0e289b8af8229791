"""What experiments are made of: protocols, lines, thresholds and the noise of images."""

from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest
from PIL import Image

from simulate import SAM, SGD, Loss, NegGrad, Phase, Problem, RandomLabel, SharpMinMax
from simulate.problems.scales import sam_radius, step_size, with_sam_weights, with_small_weights
from simulate.runs.ensemble import Cell
from theory.experiments.boundaries import BASE, Line, predicted_boundary, run_lines
from theory.experiments.forgetting.thresholds import critical_alpha
from theory.experiments.images import Residuals, digit_residuals, folder_residuals
from theory.experiments.lab import Lab
from theory.experiments.protocols import fit, pretrain, retrain, sam_stage, unlearn, unlearning_radius
from theory.experiments.unlearning import phase_from_end

PROBLEM = with_sam_weights(Problem(d=8000, n=40, m=10, signal=5.0, forget=0.25))


# --- protocols ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [NegGrad(alpha=0.2), NegGrad(alpha=0.9), RandomLabel()])
def test_no_sample_moves_by_more_than_the_own_step(objective) -> None:
    lr = unlearn(PROBLEM, objective, SGD()).optimizer.lr
    alpha = getattr(objective, "alpha", None)
    weights = (1 / 40,) if alpha is None else (alpha / 30, (1 - alpha) / 10)
    steps = [weight * lr * PROBLEM.d / PROBLEM.m for weight in weights]  # σ_p = P - 1 = 1
    assert max(steps) == pytest.approx(0.2)


@pytest.mark.parametrize("optimizer", [SGD(), SAM(tau=0.3), SharpMinMax(tau=0.3, fraction=0.2)])
def test_unlearning_changes_nothing_of_the_optimizer_but_its_step(optimizer) -> None:
    phase = unlearn(PROBLEM, NegGrad(alpha=0.5), optimizer)
    assert replace(phase.optimizer, lr=optimizer.lr) == optimizer
    assert phase.stop_forget_below == 0.5


def test_retraining_is_pretraining_without_the_forget_set() -> None:
    phases = pretrain(PROBLEM, "SAM")
    again = retrain(phases)
    assert [phase.objective for phase in again] == [Loss(on="retain")] * 2
    assert [phase.optimizer for phase in again] == [phase.optimizer for phase in phases]


@pytest.mark.parametrize("d", [10**3, 10**5, 10**6, 10**8])
def test_the_sam_stage_lasts_as_long_at_every_dimension(d: int) -> None:
    problem = with_sam_weights(replace(PROBLEM, d=d))
    stage = sam_stage(problem, time=3.0)
    assert stage.steps * stage.optimizer.lr / problem.m == pytest.approx(3.0, rel=2e-2)
    assert stage.optimizer.tau == sam_radius(problem)
    assert stage.optimizer.lr <= 32 * step_size(problem)


def test_unlearning_radius_puts_the_ratio_at_one() -> None:
    assert unlearning_radius(PROBLEM) == pytest.approx(PROBLEM.sigma_0 * np.sqrt(PROBLEM.m * PROBLEM.n))


# --- lines ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lines():
    return run_lines(
        Lab(), "test", (Line("d", (1000, 4000)), Line("n", (10, 20)), Line("noise", (0.25, 1.0, 4.0))), (0.6, 1.2),
        scale=predicted_boundary, prepare=with_small_weights, phases=lambda problem: (fit(problem, loss=0.2),),
        replicates=3, base=replace(BASE, d=1000),
    )  # fmt: skip


def test_cells_are_where_they_say(lines) -> None:
    assert lines.error.shape == (3, 14)
    expected = lines.place * (lines.factors["d"] / lines.factors["n"]) ** 0.25 * lines.factors["noise"]
    np.testing.assert_allclose(lines.factors["signal"], expected)
    cell = (lines.line == "n") & (lines.factors["n"] == 10) & (lines.place == 1.2)
    data = lines.data["n"]["test_error"].sel(n=10, place=1.2)
    np.testing.assert_array_equal(lines.error[:, cell].ravel(), data.values)


def test_equal_cells_enter_the_pooled_model_once(lines) -> None:
    # d: 2 values; n = 10 is new, n = 20 is the crossing; the scale of the noise is a change of units
    assert np.count_nonzero(lines._different) == 2 * (2 + 1)


def test_scale_of_the_noise_is_a_change_of_units(lines) -> None:
    error = lines.data["noise"]["test_error"]
    np.testing.assert_allclose(error.sel(noise=0.25), error.sel(noise=4.0), rtol=1e-9)


def test_endings_add_up(lines) -> None:
    assert sum(lines.endings.values()) == pytest.approx(1.0)
    assert lines.n_runs == 42


def test_phases_are_counted_from_each_runs_own_end() -> None:
    long, short = (Phase("a", Loss(), SGD(), steps=3), Phase("b", Loss(), SGD(), steps=5)), (Phase("a", steps=7),)

    def make(seed: int, kind: str) -> Cell:
        return Cell(Problem(d=500, n=6, m=2), long if kind == "long" else short, seed)

    data = Lab().grid("phases", make, {"kind": ("long", "short")}, replicates=2)
    assert phase_from_end(data, "phase_steps").values.tolist() == [[5, 5], [7, 7]]
    assert phase_from_end(data.sel(kind=["long"]), "phase_steps", 2).values.tolist() == [[3, 3]]


# --- thresholds -----------------------------------------------------------------------------------------

ALPHA, ERROR = np.array([0.1, 0.3, 0.5, 0.9]), np.array([0.4, 0.3, 0.2, 0.1])


def test_threshold_is_where_the_error_crosses() -> None:
    assert critical_alpha(ALPHA, ERROR, np.ones(4), 0.25) == pytest.approx(0.4)
    assert critical_alpha(ALPHA, ERROR, np.ones(4), 0.15) == pytest.approx(0.7)


@pytest.mark.parametrize("level", [0.05, 0.5])
def test_censored_thresholds_have_no_number(level: float) -> None:
    assert np.isnan(critical_alpha(ALPHA, ERROR, np.ones(4), level))


def test_where_nothing_is_forgotten_nothing_counts() -> None:
    assert np.isnan(critical_alpha(ALPHA, ERROR, np.array([1.0, 1.0, 1.0, 0.5]), 0.15))
    assert np.isnan(critical_alpha(ALPHA, ERROR, np.zeros(4), 0.25))


# --- images ---------------------------------------------------------------------------------------------


def test_residuals_have_no_class_mean_and_unit_scale() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    residuals = Residuals.of(rng.random((60, 4, 5)) + labels[:, None, None], labels, "test")
    assert np.mean(residuals.rows**2) == pytest.approx(1.0)
    for label in range(3):
        np.testing.assert_allclose(residuals.rows[labels == label].mean(axis=0), 0.0, atol=1e-12)


def test_effective_dimension_of_isotropic_noise_is_its_dimension() -> None:
    rows = np.random.default_rng(1).standard_normal((20_000, 12))
    assert Residuals(rows, "test").effective_dimension == pytest.approx(12, rel=0.02)
    assert Residuals(rows * [1, *[0] * 11], "test").effective_dimension == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("values", [[0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.7, 0.7]])
def test_images_that_do_not_differ_within_a_class_are_refused(values: list[float]) -> None:
    """What is left of them is nothing, or rounding."""
    images = np.repeat(values, 64).reshape(4, 8, 8)
    with pytest.raises(ValueError, match=r"^Argument `images` must differ within a class, but those of test do not\.$"):
        Residuals.of(images, np.array([0, 0, 1, 1]), "test")


def test_gaussian_twins_have_the_covariance_of_the_residuals() -> None:
    residuals = digit_residuals()
    drawn = residuals.draw(20_000, "gaussian", np.random.default_rng(2))
    expected = residuals.rows.T @ residuals.rows / len(residuals.rows)
    assert np.abs(drawn.T @ drawn / len(drawn) - expected).max() < 0.06 * expected.max()
    images = residuals.draw(100, "images", np.random.default_rng(2))
    assert {row.tobytes() for row in images} <= {row.tobytes() for row in residuals.rows}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(3)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for k in range(5):
            matplotlib.image.imsave(tmp_path / name / f"{k}.png", rng.random((4, 4, 3)))
    return tmp_path


def test_folders_of_images_are_read(folder) -> None:
    residuals = folder_residuals(folder)
    assert residuals.rows.shape[0] == 10
    assert folder.name in residuals.source
    assert folder_residuals(folder, limit=4).rows.shape[0] == 4


def test_all_formats_and_modes_of_a_folder_are_on_one_scale(folder) -> None:
    plain = folder_residuals(folder).rows
    for path in sorted((folder / "cat").iterdir())[:2]:  # the same colours, but floats beside bytes
        colours = np.round(matplotlib.image.imread(path)[..., :3] * 255).astype(np.uint8)
        Image.fromarray(colours).save(path.with_suffix(".bmp"))
        path.unlink()
    assert np.allclose(folder_residuals(folder).rows, plain)
    for path in (folder / "dog").iterdir():  # without colours, beside images with colours
        Image.fromarray(np.full((4, 4), 7, np.uint8)).save(path)
    assert folder_residuals(folder).rows.shape == plain.shape


def test_classes_of_folders_are_named(folder) -> None:
    for path in sorted((folder / "dog").iterdir())[1:]:
        path.unlink()
    (folder / "dog" / ".DS_Store").touch()
    with pytest.raises(ValueError, match=r"class folder .*dog holds one image; there must be 2"):
        folder_residuals(folder)
    (folder / "cat" / "9.heic").touch()
    with pytest.raises(ValueError, match=r"9\.heic is no image by its name"):
        folder_residuals(folder)


def test_folders_of_something_else_are_refused(folder) -> None:
    with pytest.raises(ValueError, match="`images`"):
        folder_residuals(folder / "cat")
    matplotlib.image.imsave(folder / "cat" / "9.png", np.zeros((5, 4, 3)))
    with pytest.raises(ValueError, match="one shape"):
        folder_residuals(folder)
    (folder / "cat" / "9.png").write_text("no image")
    with pytest.raises(ValueError, match=r"9\.png"):
        folder_residuals(folder)
