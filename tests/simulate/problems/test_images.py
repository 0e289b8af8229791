"""Real images as instances of the signal-noise model."""

import numpy as np
import pytest

from simulate import SGD, Instance, Loss, NegGrad, Phase, Record, run
from simulate.problems.images import digits

sklearn = pytest.importorskip("sklearn", reason="the digits come with scikit-learn")


@pytest.fixture(scope="module")
def instance() -> Instance:
    return Instance.from_images(*digits(), classes=(3, 8), m=5, sigma_0=1e-2, seed=0, space="ambient")


def test_images_are_midpoint_plus_signal_plus_noise(instance: Instance) -> None:
    images, labels = digits()
    chosen = np.isin(labels, (3, 8))
    pixels = images[chosen].reshape(-1, 64) / images[chosen].max()
    rebuilt = np.concatenate(
        [
            instance.y[:, None] * instance.phi + instance.xi[:, 0],
            instance.test_set.y[:, None] * instance.phi + instance.test_set.xi[:, 0],
        ]
    )
    midpoints = _sorted_rows(pixels) - _sorted_rows(rebuilt + _midpoint(instance, pixels, labels[chosen]))
    assert np.abs(midpoints).max() < 1e-12


def test_noise_of_each_class_averages_to_zero(instance: Instance) -> None:
    for sign in (1, -1):
        assert np.abs(instance.xi[instance.y == sign, 0].mean(axis=0)).max() < 1e-12


def test_sets_have_the_sizes_asked_for(instance: Instance) -> None:
    assert len(instance.test_set.y) == round(0.3 * 357)
    assert instance.forget.sum() == round(0.1 * instance.n)


def test_pretraining_generalises_and_unlearning_forgets(instance: Instance) -> None:
    phases = [
        Phase("pretrain", Loss(), SGD(lr=0.5), steps=2000),
        Phase("unlearn", NegGrad(alpha=0.5), SGD(lr=0.5), steps=3000, stop_forget_below=0.8),
    ]
    result = run(instance, phases, record=Record(every=500))
    learned = result.trace.sel(step=2000).isel(step=0)
    assert float(learned["accuracy"].sel(set="forget")) > 0.95
    assert result.forget_accuracy <= 0.8
    assert run(instance, phases[:1]).test_error < 0.05


def test_frame_and_pixels_give_the_same_run(instance: Instance) -> None:
    phases = [Phase("pretrain", Loss(), SGD(lr=0.5), steps=100)]
    reduced = Instance.from_images(*digits(), classes=(3, 8), m=5, sigma_0=1e-2, seed=0)
    one, other = run(instance, phases), run(reduced, phases)
    np.testing.assert_allclose(one.zeta, other.zeta, rtol=0, atol=1e-12 * np.abs(one.zeta).max())
    assert one.test_error == other.test_error


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("classes", {"classes": (3, 3)}),
        ("classes", {"classes": (3, 11)}),
        ("test", {"test": 1.0}),
        ("forget", {"forget": 2.0}),
        ("sigma_0", {"sigma_0": 0.0}),
        ("m", {"m": 0}),
    ],
)
def test_bad_arguments_are_named(name: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        Instance.from_images(*digits(), **{"classes": (3, 8), **options})


def test_images_without_signal_or_without_noise_are_named() -> None:
    labels = np.tile([0, 1], 10)
    with pytest.raises(ValueError, match="`images` must have two classes of different means"):
        Instance.from_images(np.full((20, 4, 4), 0.3), labels, classes=(0, 1))
    with pytest.raises(ValueError, match="`images` must differ within each class"):
        Instance.from_images(np.full((20, 4, 4), 0.3) * labels[:, None, None], labels, classes=(0, 1))


def test_labels_must_fit_the_images() -> None:
    images, labels = digits()
    with pytest.raises(ValueError, match="`labels`"):
        Instance.from_images(images, labels[:-1], classes=(3, 8))


def _midpoint(instance: Instance, pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The midpoint that makes the mean of all rebuilt images that of the images."""
    parts = [(instance.y, instance.xi), (instance.test_set.y, instance.test_set.xi)]
    rebuilt = np.concatenate([y[:, None] * instance.phi + xi[:, 0] for y, xi in parts])
    return pixels.mean(axis=0) - rebuilt.mean(axis=0)


def _sorted_rows(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(np.round(rows, 6).T)]
