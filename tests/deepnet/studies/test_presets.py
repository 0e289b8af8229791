"""Presets are what docs and papers say of them, written out by hand."""

import pytest

pytest.importorskip("torch")

from deepnet.data.scores import ESTIMATED
from deepnet.methods import METHODS
from deepnet.studies.presets import PRESETS, preset

DIGITS = {
    "finetune": (5, 0.2, {}), "ascent": (5, 0.007, {}), "neggrad": (5, 0.03, {"alpha": 0.98}),
    "retain-sam": (5, 0.03, {"alpha": 0.98}), "random-label": (5, 0.02, {}), "salun": (5, 0.03, {"fraction": 0.5}),
    "l1-sparse": (5, 0.03, {"gamma": 5e-3}), "scrub": (5, 0.1, {"ascent_epochs": 2}),
    "influence": (0, 0.01, {"damping": 0.3}), "selection": (5, 0.01, {"alpha": 0.9, "fraction": 0.2}),
    "sharp-minmax": (5, 0.03, {"alpha": 0.98, "fraction": 0.3}),
}  # fmt: skip
"""Epochs, learning rate and parameters of each method."""
DIGITS_METHODS = {
    "finetune": (5, 0.2, {}), "ascent": (5, 0.005, {}), "neggrad": (5, 0.01, {"alpha": 0.95}),
    "retain-sam": (5, 0.03, {"alpha": 0.98}), "random-label": (5, 0.03, {}), "salun": (5, 0.03, {"fraction": 0.5}),
    "l1-sparse": (5, 0.1, {"gamma": 5e-3}), "scrub": (5, 0.1, {"ascent_epochs": 1}),
    "influence": (0, 0.01, {"damping": 0.3}), "selection": (5, 0.1, {"alpha": 0.98, "fraction": 0.2}),
    "sharp-minmax": (5, 0.01, {"alpha": 0.95, "fraction": 0.3}),
    "gradient-selection": (5, 0.03, {"alpha": 0.95, "fraction": 0.1}),
    "random-selection": (5, 0.03, {"alpha": 0.95, "fraction": 0.3}), "last-layer": (5, 0.1, {"alpha": 0.9}),
    "neggrad-kl": (5, 0.03, {"alpha": 0.98, "beta": 1.0}), "bad-teacher": (5, 0.3, {"part": 0.6}),
    "boundary": (5, 0.01, {"step": 0.2}), "unsir": (5, 0.1, {"impair_epochs": 1}), "ssd": (0, 0.01, {"selection": 20}),
    "ssd-loss-free": (0, 0.01, {"selection": 50}), "fisher": (0, 0.01, {"alpha": 3e-6}),
}  # fmt: skip
RESNET = {
    "neggrad": (5, 0.01, {"alpha": 0.99}), "sharp-minmax": (5, 0.01, {"alpha": 0.99, "fraction": 0.3}),
    "retain-sam": (5, 0.01, {"alpha": 0.99}), "finetune": (10, 0.01, {}), "ascent": (5, 1e-4, {}),
    "random-label": (10, 0.1, {}), "salun": (10, 0.1, {"fraction": 0.5}), "l1-sparse": (10, 0.01, {"gamma": 5e-4}),
    "scrub": (5, 5e-3, {"ascent_epochs": 4}), "selection": (5, 0.01, {"alpha": 0.99, "fraction": 0.1}),
    "influence": (0, 0.01, {"batch_size": 64, "damping": 0.3}),
}  # fmt: skip
IMAGENET = RESNET | {"sharp-minmax": (5, 0.01, {"alpha": 0.99, "fraction": 0.05})}
STUDIES = {
    "digits": ("digits", "convnet", 12, 64, "float32", DIGITS, "asam-0.5"),
    "digits-methods": ("digits", "convnet", 12, 64, "float32", DIGITS_METHODS, "asam-0.5"),
    "cifar10-resnet18": ("cifar10", "resnet18", 30, 256, "auto", RESNET, "asam-1"),
    "cifar10-resnet50": ("cifar10", "resnet50", 60, 256, "auto", RESNET, "asam-1"),
    "cifar100-resnet50": ("cifar100", "resnet50", 200, 256, "auto", RESNET, "asam-1"),
    "imagenet-resnet50": ("imagenet", "resnet50", 90, 256, "auto", IMAGENET, "asam-1"),
}
"""Images, network, epochs and batch of pretraining, number format, methods, ASAM."""


def test_every_method_is_tried_on_digits() -> None:
    assert {one.method.name for one in preset("digits-methods").unlearners} == set(METHODS) - {"retrain"}


def test_every_preset_is_here() -> None:
    assert list(PRESETS) == list(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_trainings_are_those_of_the_preset(name: str) -> None:
    study, (images, network, epochs, batch, precision, methods, asam) = preset(name), STUDIES[name]
    assert (study.name, study.data.name, study.model.architecture) == (name, images, network)
    train = study.pretrain
    assert (train.epochs, train.batch_size, train.precision) == (epochs, batch, precision)
    assert (train.descent.lr, train.descent.schedule, study.retrain) == (0.1, "cosine", None)
    assert {one.method.name for one in study.unlearners} == set(methods)
    for one in study.unlearners:
        found, (epochs, lr, parameters) = one.training, methods[one.method.name]
        assert (found.epochs, found.descent.lr, found.descent.schedule) == (epochs, lr, "constant"), one.method.name
        assert (found.batch_size, found.precision) == (batch, precision)
        assert {key: getattr(one.method, key) for key in parameters} == parameters, one.method.name
        if name == "digits-methods":
            aware = one.method.name in ("sharp-minmax", "retain-sam")
            assert [how.label for how in one.sharpness] == [asam if aware else "sgd"], one.method.name
            continue
        everywhere = name != "digits" or one.method.name in ("neggrad", "sharp-minmax", "retain-sam")
        tried = ["sgd", "sam-0.1", asam] if everywhere else ["sgd"]
        assert [how.label for how in one.sharpness] == tried[one.method.name == "retain-sam" :], one.method.name


def test_forget_sets_are_those_of_the_preset() -> None:
    found = {name: [(one.kind, one.size, one.fraction) for one in preset(name).forget] for name in STUDIES}
    by_score = ("high", "mid", "low")
    assert found["digits"] == [("high", None, 0.05)]
    assert found["digits-methods"] == [("high", None, 0.05), ("class", None, None)]
    assert found["cifar10-resnet18"] == found["cifar10-resnet50"] == [("random", None, None)]
    assert found["cifar100-resnet50"] == [(kind, 3000, None) for kind in by_score]
    assert found["imagenet-resnet50"] == [(kind, 50_000, None) for kind in by_score]
    assert preset("digits").forget[0].scores == ESTIMATED
    assert (preset("imagenet-resnet50").model.stem, preset("imagenet-resnet50").val_fraction) == ("imagenet", 0.02)
    assert {preset(name).model.stem for name in STUDIES if "cifar" in name} == {"cifar"}
