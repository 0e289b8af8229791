"""Noise of images, on made-up residuals: signals, labels, weights and steps, without a run."""

import numpy as np
import pytest
import xarray

from simulate import SAM, SGD, Instance, Loss, Phase
from tests.theory.recording import check_alike
from theory.experiments.images import NOISES, PLACES, Residuals, _instance, thresholds
from theory.experiments.lab import Lab

SIZE = 16
ROWS = np.random.default_rng(0).standard_normal((430, SIZE)) * np.array([3.0] + [1.0] * (SIZE - 1))


class Columns(Lab):
    """A laboratory that keeps the cells of one seed, and calls the number of a column its error."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[dict[str, object]] = []
        self.replicates = 0

    def grid(self, name: str, make: object, axes: object, **options: object) -> xarray.Dataset:
        assert name == "images"
        self.made.append({noise: make(7, noise=noise) for noise in axes["noise"]})  # type: ignore[operator,index]
        self.replicates = options["replicates"]  # type: ignore[assignment]
        error = np.full((2, 3), float(len(self.made))) + np.array([[0.0], [0.5]])
        data = xarray.Dataset({"test_error": (("noise", "seed"), error)}, coords={"seed": [5, 6, 7]})
        return data.assign_attrs(n_runs=6)


@pytest.fixture(scope="module")
def run() -> tuple[Columns, xarray.Dataset]:
    lab = Columns()
    return lab, thresholds(lab, Residuals.of(ROWS, np.arange(430) % 2, "made-up rows"))


def residuals() -> Residuals:
    return Residuals.of(ROWS, np.arange(430) % 2, "made-up rows")


def test_columns_stand_where_they_were_run(run: tuple[Columns, xarray.Dataset]) -> None:
    lab, data = run
    assert lab.replicates == 20
    assert data["test_error"].dims == ("optimizer", "place", "noise", "seed")
    count = len(PLACES)
    for number, place in enumerate(PLACES):
        for shift, noise in enumerate(NOISES):
            for row, optimizer in enumerate(("SGD", "SAM")):
                here = data["test_error"].sel(optimizer=optimizer, place=place, noise=noise)
                assert set(here.values) == {row * count + number + 1 + 0.5 * shift}
    assert data.attrs["n_runs"] == 2 * count * 6
    assert data["seed"].values.tolist() == [5, 6, 7]


def test_signals_are_placed_by_the_trace_of_the_covariance(run: tuple[Columns, xarray.Dataset]) -> None:
    rows = residuals().rows
    trace = np.trace(np.linalg.matrix_power(rows.T @ rows / len(rows), 2))
    for number, place in enumerate(PLACES):
        for cell in run[0].made[number].values():
            strength = np.linalg.norm(cell.problem.phi)  # type: ignore[attr-defined]
            assert strength == pytest.approx(place * (trace / 20) ** 0.25)


def test_both_noises_have_the_same_labels_and_weights(run: tuple[Columns, xarray.Dataset]) -> None:
    images, gaussian = (run[0].made[0][noise].problem for noise in NOISES)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(images.y, gaussian.y)
    np.testing.assert_array_equal(images.y_true, gaussian.y_true)
    np.testing.assert_allclose(products(images), products(gaussian), atol=1e-9)
    assert images.w0.std() == pytest.approx(0.5 / np.sqrt(SIZE), rel=0.1)
    assert not images.forget.any()
    norms = {round(norm, 9) for norm in np.linalg.norm(residuals().rows, axis=1)}
    drawn = [round(float(norm), 9) for norm in np.linalg.norm(every(images), axis=1)]
    assert set(drawn) <= norms
    assert len(set(drawn)) == 420  # the held-out ones are others
    assert not {round(float(norm), 9) for norm in np.linalg.norm(every(gaussian), axis=1)} & norms


def products(instance: Instance) -> np.ndarray:
    """Inner products of the initial weights with each other and with φ, which no rotation changes."""
    vectors = np.concatenate([instance.w0.reshape(-1, instance.w0.shape[-1]), instance.phi[None]])
    return np.asarray(vectors @ vectors.T)


def every(instance: Instance) -> np.ndarray:
    """Noise of the training samples and of those held out."""
    assert instance.test_set is not None
    return np.concatenate([instance.xi[:, 0], instance.test_set.xi[:, 0]])


def test_a_tenth_of_the_labels_is_wrong() -> None:
    instances = [_instance(residuals(), "images", 1.0, seed) for seed in range(40)]
    wrong = [np.mean(instance.y != instance.y_true) for instance in instances]
    assert np.mean(wrong) == pytest.approx(0.1, abs=0.03)


def test_phases_are_those_of_noise_of_as_many_pixels(run: tuple[Columns, xarray.Dataset]) -> None:
    lr = 0.1 * 20 * 10 / SIZE
    fit = Phase("fit", Loss(), SGD(lr=lr), steps=5000, stop_loss=0.05)
    (plain,) = run[0].made[0]["images"].phases  # type: ignore[attr-defined]
    check_alike(plain, fit)
    stage, last = run[0].made[-1]["images"].phases  # type: ignore[attr-defined]
    check_alike(last, fit)
    radius = float(0.5 / np.sqrt(SIZE) * 10 * np.sqrt(20))
    check_alike(stage, Phase("sam", Loss(), SAM(lr=lr, tau=radius), steps=round(20 / lr), stop_loss=0.4))
