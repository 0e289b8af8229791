"""Doors that take configurations: every dataclass of a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any

from hypothesis import strategies as st

from deepnet.data.augment import Augment
from deepnet.data.datasets import DataConfig
from deepnet.data.noise import Noise
from deepnet.data.splits import ForgetSet
from deepnet.house.identity import as_json, key_of
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam
from deepnet.learning.training import Training
from deepnet.methods import METHODS
from deepnet.networks.models import ModelConfig
from deepnet.studies.compat import QUIRKS, with_quirks
from deepnet.studies.memorization import Memorization
from deepnet.studies.presets import preset
from deepnet.studies.running import runs_of
from deepnet.studies.scales import scale
from deepnet.studies.study import Evaluation, Study, Unlearner
from tests.fuzz.deepnet_values import COUNT, FRACTION, LEAST_TWO, ODD, POSITIVE, Door, Draw, Values, among, arguments

BELOW_ONE = among(0.0, 0.1, 0.5, 0)
WORDS = st.booleans()
TRAINING: Values = {
    "epochs": COUNT, "batch_size": LEAST_TWO, "descent": st.builds(Descent, lr=POSITIVE),
    "precision": among("float32", "bfloat16"),
}  # fmt: skip
SETTINGS: Mapping[type, Values] = {
    Augment: {"pad": COUNT, "flip": WORDS, "random": among("none", "randaugment")},
    DataConfig: {
        "name": among("digits", "cifar10", "folder", "imagenet"), "root": among(None, "data"),
        "image_size": among(None, 8), "download": WORDS, "test_fraction": among(None, 0.2), "subset": among(None, 100),
        "test_subset": among(None, 10), "augment": among(None, Augment()), "workers": among(None, 0, 2),
        "noise": among(Noise(), Noise(kind="gauss"), Noise(kind="snow", severity=5)),
    },
    Noise: {
        "kind": among("none", "gauss", "glass", "snow"), "severity": among(1, 3, 5), "seed": COUNT,
        "fraction": among(0.5, 1.0),
    },
    ForgetSet: {
        "kind": among("random", "class", "high", "mid", "low"), "size": among(None, 3), "fraction": among(None, 0.1),
        "cls": among(None, 1), "scores": among(None, "estimated", "file.npz"),
    },
    ModelConfig: {
        "architecture": among("convnet", "resnet18", "vgg16_bn", "vit_mini"), "stem": among("cifar", "imagenet"),
        "width": among(1, 8),
    },
    Descent: {
        "rule": among("sgd", "adamw"), "lr": POSITIVE, "momentum": BELOW_ONE, "weight_decay": POSITIVE,
        "schedule": among("constant", "cosine"), "warmup": BELOW_ONE,
    },
    Training: TRAINING,
    Sharpness: {
        "rho": POSITIVE, "adaptive": among("none", "weights", "all"), "eta": POSITIVE, "mixing": POSITIVE,
        "goal": among("min", "max"), "mask_perturbation": WORDS, "mask_site": among("final", "second"),
    },
    Memorization: {"models": LEAST_TWO, "fraction": among(0.1, 0.7), "training": among(None, Training())},
    Evaluation: {
        "shadow": COUNT, "m_entropy": among("corrected", "official"), "entangled": COUNT, "divergence": WORDS,
        "relearning": among(None, Training()), "curvature": COUNT, "landscape": COUNT, "landscape_points": among(3, 5),
        "feature_map": COUNT, "geometry_seeds": COUNT, "official_tow": WORDS, "shadow_sets": COUNT,
        "transport_scale": among("diameter", "own maximum"),
    },
    Unlearner: {
        "method": st.sampled_from([cls() for cls in METHODS.values()]), "training": among(Training(epochs=1)),
        "sharpness": among((), (Sharpness(),), (sam(), asam()), (Sharpness(rho=1.0, goal="max"),)),
        "variant": among("", "other"),
    },
}  # fmt: skip
PARAMETERS: Values = {
    "forget_goal": among("max", "min", "none"),
    "alpha": FRACTION, "fraction": FRACTION, "order": among("largest", "smallest"), "gamma": POSITIVE, "beta": POSITIVE,
    "free_epochs": COUNT, "ascent_epochs": COUNT, "temperature": POSITIVE, "damping": POSITIVE, "batches": LEAST_TWO,
    "batch_size": LEAST_TWO, "probes": LEAST_TWO, "samples": LEAST_TWO, "part": FRACTION, "step": POSITIVE,
    "selection": POSITIVE, "dampening": POSITIVE, "least": POSITIVE, "penalty": POSITIVE, "impair_epochs": COUNT,
    "noise_steps": COUNT,
}  # fmt: skip
"""The methods' hyper-parameters, by the names that all methods use for them."""
STUDY: Values = {
    "name": among("study", "a-b", "two words", ".."), "data": among(DataConfig()), "model": among(ModelConfig()),
    "forget": among((ForgetSet(),), (ForgetSet(), ForgetSet(kind="class", cls=1)), (ForgetSet(), ForgetSet())),
    "request": among("samples", "labels", "feature", "backdoor"), "pretrain": among(Training()),
    "pretrain_sharpness": among((Sharpness(),), (Sharpness(), sam()), (sam(), sam())),
    "unlearners": st.lists(st.builds(Unlearner, method=st.sampled_from([cls() for cls in METHODS.values()])),
                           max_size=2).map(tuple),
    "evaluation": among(Evaluation()), "memorization": among(Memorization()), "seeds": among((0,), (0, 1), (1, 1), [0]),
    "split_seed": COUNT, "val_fraction": BELOW_ONE, "retrain": among(None, Training()),
    "forget_statistics": WORDS, "cycles_forget_batches": WORDS,
    "holds_masked_weights": WORDS, "separate_val_seed": among(None, 1), "compat": among((), ("adamw",)),
}  # fmt: skip


def parameters_of(cls: type) -> Values:
    """Valid values of the hyper-parameters of a method."""
    return {name: PARAMETERS[name] for name in [item.name for item in dataclass_fields(cls)]}


@dataclass(frozen=True)
class _Made:
    """Make a configuration and use it as a study would: rebuild it, and name it by its hash."""

    cls: type
    fields: Mapping[str, Any]

    def __call__(self) -> None:
        made = self.cls(**self.fields)
        assert replace(made) == made
        assert key_of(made) == key_of(json.loads(json.dumps(as_json(made))))
        assert isinstance(getattr(made, "label", ""), str)


@st.composite
def settings(draw: Draw) -> Door:
    """One of the dataclasses of a study."""
    cls = draw(among(*SETTINGS))
    return _Made(cls, draw(arguments(SETTINGS[cls])))


@st.composite
def methods(draw: Draw) -> Door:
    """The constructor of a method."""
    cls = METHODS[draw(among(*METHODS))]
    return _Made(cls, draw(arguments(parameters_of(cls) or {"alpha": FRACTION})))


@st.composite
def studies(draw: Draw) -> Door:
    """A whole study: its runs can be listed, and each has a name."""
    fields = draw(arguments(STUDY))
    quirks = draw(among((), ("official",), tuple(QUIRKS)[:2], ("nonsense",)))

    def door() -> None:
        _Made(Study, fields)()
        study = with_quirks(Study(**fields), quirks)
        assert all(run.label for group in runs_of(study) for run in group)

    return door


@st.composite
def names(draw: Draw) -> Door:
    """Presets by name."""
    door = draw(among(preset, scale))
    name = draw(st.one_of(among("digits", "cifar10-small", "cifar10-resnet18", "", "Digits"), ODD))
    return lambda: door(name)
