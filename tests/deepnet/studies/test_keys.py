"""The key of a stage: whatever changes a training changes it, and nothing else does, for every field there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

pytest.importorskip("torch")

from deepnet.data.augment import Augment
from deepnet.data.datasets import DataConfig
from deepnet.data.noise import Noise
from deepnet.data.scores import ESTIMATED
from deepnet.data.splits import ForgetSet
from deepnet.data.superclasses import SUPERCLASSES
from deepnet.house.identity import as_json, key_of
from deepnet.learning.sharpness import asam
from deepnet.learning.training import Training
from deepnet.methods import METHODS, Method
from deepnet.networks.models import ModelConfig
from deepnet.studies.measuring.measurement import measurement_key
from deepnet.studies.memorization import Memorization
from deepnet.studies.running import runs_of
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.study import Study, Unlearner
from tests.deepnet.small_study import small_study

FOLDER = Study(
    data=DataConfig(
        name="folder",
        root="a",
        image_size=8,
        test_fraction=0.2,
        subset=9,
        test_subset=9,
        augment=Augment(),
        workers=2,
        noise=Noise(kind="gauss", severity=2, seed=1, fraction=0.5),
    ),
    forget=(ForgetSet(kind="high", size=3, scores=ESTIMATED),),
    pretrain_sharpness=(asam(0.5),),
    unlearners=(Unlearner(sharpness=(asam(0.5),), variant="it"),),
    seeds=(4,),
    separate_val_seed=2,
)
"""References and votes are trained as models are pretrained."""
CIFAR = replace(
    FOLDER,
    data=DataConfig(name="cifar10", root="a"),
    forget=(ForgetSet(kind="class", cls=1, fraction=0.5, scores="some/scores.npz"),),
    retrain=Training(epochs=3),
    memorization=Memorization(training=Training(epochs=4)),
    compat=("adamw",),
)
"""They are trained otherwise, and the scores are published ones."""
CHOSEN = replace(
    CIFAR,
    data=DataConfig(name="torchvision", dataset="MNIST", root="a"),
    model=ModelConfig(factory="a:b"),
    forget=(
        ForgetSet(kind="classes", classes=(1, 2)),
        ForgetSet(kind="superclass", superclass="fish"),
        ForgetSet(kind="file", rows="rows.txt"),
    ),
)
"""Images, network and forget sets by the names of others."""
GIVEN = replace(CIFAR, checkpoint="net.safetensors")
"""It begins with a network that was trained elsewhere."""


@pytest.fixture(autouse=True)
def files_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What files of rows hold is told by their names, without files; any superclass is one."""
    monkeypatch.setattr(Path, "read_bytes", lambda path: str(path).encode())
    monkeypatch.setitem(SUPERCLASSES, "fish-other", ("ray",))


CONCERNS = {
    "name": "", "compat": "", "data.root": "", "data.workers": "", "data.download": "", "unlearners.variant": "",
    "data": "pretrained retrained unlearned vote", "model": "pretrained retrained unlearned vote",
    "seeds": "pretrained retrained unlearned", "split_seed": "pretrained retrained unlearned",
    "val_fraction": "pretrained retrained unlearned", "separate_val_seed": "pretrained retrained unlearned",
    "request": "pretrained retrained unlearned", "pretrain_sharpness": "pretrained retrained unlearned",
    "checkpoint": "pretrained unlearned", "forget": "retrained unlearned", "unlearners": "unlearned",
    "holds_masked_weights": "unlearned", "forget_statistics": "unlearned", "cycles_forget_batches": "unlearned",
    "evaluation": "measured", "evaluation.geometry_seeds": "", "evaluation.official_tow": "",
    "evaluation.divergence": "",
}  # fmt: skip
"""Which stages a field decides, by its path or the beginning of it. A changed unlearned model is measured anew."""
IN_FOLDER = CONCERNS | {
    "pretrain": "pretrained retrained unlearned vote",
    "memorization": "retrained unlearned vote",
    "memorization.models": "retrained unlearned",  # each vote is as it was
}
IN_CIFAR = CONCERNS | {"pretrain": "pretrained unlearned", "retrain": "retrained", "memorization": "vote"}
IN_CIFAR["memorization.models"] = ""
IN_GIVEN = IN_CIFAR | {
    "pretrain": "",
    "pretrain.precision": "pretrained unlearned",  # in which models are measured
    "pretrain_sharpness": "retrained",
}


def changes(config: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """For each leaf of the tree its path and the configuration with this leaf changed, if there is one."""
    hints = get_type_hints(type(config))
    for name in (item.name for item in fields(config)):
        value, where = getattr(config, name), f"{path}.{name}".removeprefix(".")
        if is_dataclass(value):
            inner = list(changes(value, where))
        elif isinstance(value, tuple):
            inner = [(at, _put(value, i, new)) for i, one in enumerate(value) for at, new in _inside(one, where)]
        else:
            inner = [(where, other) for other in _others(value, hints[name])]
        met: set[str] = set()
        for at, new in inner:
            if at not in met:
                with suppress(ValueError):  # it does not go with another field
                    yield at, replace(config, **{name: new})
                    met.add(at)


def _inside(entry: Any, path: str) -> Iterator[tuple[str, Any]]:
    return changes(entry, path) if is_dataclass(entry) else ((path, other) for other in _others(entry, type(entry)))


def _put(values: tuple, place: int, new: Any) -> tuple:
    return (*values[:place], new, *values[place + 1 :])


def _others(value: Any, hint: Any) -> list[Any]:
    """Values a leaf may have instead; none for None."""
    if get_origin(hint) is Literal:
        return [other for other in get_args(hint) if other != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value + 2]
    if isinstance(value, float):
        return [value / 2] if value else [0.25]
    return [f"{value}-other"] if isinstance(value, str) else []


class Asked:
    """A store that has everything, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def has_arrays(self, config: Any) -> bool:
        self.keys.append(key_of(config))
        return True

    def arrays(self, config: Any) -> dict[str, np.ndarray]:
        return {"seen": np.ones(1, bool), "right": np.ones(1, bool)}


def keys(study: Study) -> dict[str, list[str]]:
    """Under what the models of a study, its votes and its measurements are kept."""
    store = Asked()
    stages = Stages(study, store, Execution())  # type: ignore[arg-type]
    stages.votes(range(1))
    runs = [run for group in runs_of(study) for run in group]
    by_stage = {
        "pretrained": [run for run in runs if run.unlearner is None],
        "retrained": [run for run in runs if run.unlearner and run.unlearner.method.start == "fresh"],
        "unlearned": [run for run in runs if run.unlearner and run.unlearner.method.start != "fresh"],
    }
    found = {stage: [key_of(stages.config(run)) for run in made] for stage, made in by_stage.items()}
    measured, first = (
        [key_of(measurement_key(stages, run)) for run in by_stage[stage]] for stage in ("unlearned", "pretrained")
    )
    return found | {"vote": store.keys, "measured": measured, "measured before": first}


def concerned(path: str, table: dict[str, str]) -> set[str]:
    """The stages that a field decides, by the longest entry that its path begins with."""
    parts = path.split(".")
    entry = next(entry for n in range(len(parts), 0, -1) if (entry := ".".join(parts[:n])) in table)
    stages = set(table[entry].split())
    # What decides references and unlearnings decides what is forgotten: a pretrained model is measured by that, too.
    before = stages & {"pretrained", "measured"} or {"retrained", "unlearned"} <= stages
    measured = {"measured"} if "unlearned" in stages else set()
    return stages | measured | ({"measured before"} if before else set())


@pytest.mark.parametrize(
    ("study", "table"),
    [(FOLDER, IN_FOLDER), (CIFAR, IN_CIFAR), (CHOSEN, IN_CIFAR), (GIVEN, IN_GIVEN)],
    ids=["folder", "cifar", "chosen", "given"],
)
def test_a_field_changes_the_keys_of_what_it_decides(study: Study, table: dict[str, str]) -> None:
    usual = keys(study)
    wrong = []
    for path, changed in changes(study):
        found = keys(changed)
        differing = {stage for stage, before in usual.items() if found[stage] != before}
        if differing != concerned(path, table):
            wrong.append((path, sorted(differing)))
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, cls in METHODS.items() if cls.start != "fresh"])
def test_the_parameters_of_a_method_are_in_the_key_of_its_models(name: str) -> None:
    method = METHODS[name]()
    usual, tried = keys(_unlearned_by(method)), dict(changes(method))
    assert set(tried) == {item.name for item in fields(method)}
    for changed in tried.values():
        found = keys(_unlearned_by(changed))
        assert {stage for stage in usual if found[stage] != usual[stage]} == {"unlearned", "measured"}


def _unlearned_by(method: Method) -> Study:
    return replace(FOLDER, unlearners=(Unlearner(method=method),))


def test_no_field_is_left_out() -> None:
    """Each is changed in one of the studies, but the goal of an optimizer, which only a method may turn."""
    tried = {path for study in (FOLDER, CIFAR, CHOSEN, GIVEN) for path, _ in changes(study)}
    assert set(leaves(Study)) - tried == {"pretrain_sharpness.goal", "unlearners.sharpness.goal"}


def leaves(cls: type, path: str = "") -> Iterator[str]:
    """Paths of all fields of a configuration and of those in it, as their types are declared."""
    for name, hint in get_type_hints(cls).items():
        if get_origin(hint) is ClassVar:
            continue
        where = f"{path}.{name}".removeprefix(".")
        inner = [one for one in (hint, *get_args(hint)) if is_dataclass(one)]
        yield from leaves(inner[0], where) if inner else (where,)


def test_where_a_file_of_scores_lies_makes_no_difference() -> None:
    moved = replace(CIFAR, forget=(replace(CIFAR.forget[0], scores="elsewhere/scores.npz"),))
    assert keys(moved) == keys(CIFAR)


def test_geometry_is_part_of_the_key_where_it_is_looked_at() -> None:
    """Of three seeds two are looked at, whatever their number says."""
    study = replace(FOLDER, seeds=(7, 0, 3), evaluation=replace(FOLDER.evaluation, geometry_seeds=2))
    stages = Stages(study, Asked(), Execution())  # type: ignore[arg-type]
    looked = {run.seed: measurement_key(stages, run)["geometry"] for group in runs_of(study) for run in group}
    assert looked == {7: True, 0: True, 3: False}


def test_the_same_fields_of_another_method_are_another_key() -> None:
    names = [key_of({"method": cls()}) for cls in METHODS.values()]
    assert len(set(names)) == len(names)


def test_fields_that_came_later_leave_older_keys_as_they_were() -> None:
    """These are the keys of models that were made before images could have noise."""
    store, study = Asked(), small_study()
    stages = Stages(study, store, Execution())  # type: ignore[arg-type]
    found = [key_of(stages.config(runs_of(study)[group][0])) for group in (0, 1)]
    assert found == ["e93b15154e74925a", "9bcc070341572f5c"]
    assert "noise" not in as_json(study)["data"]
    noisy = as_json(replace(study, data=replace(study.data, noise=Noise(kind="glass"))))
    assert noisy["data"]["noise"] == {"kind": "glass", "severity": 3, "seed": 0, "fraction": 1.0}


def test_models_whose_masks_should_have_leaked_are_not_taken_for_those_that_did() -> None:
    """Before, all that leaked was put back; they lie under a key without a word for it. All other keys stay."""
    leaking = replace(FOLDER, unlearners=(Unlearner(sharpness=(replace(asam(0.5), mask_site="second"),)),))
    for study, words in ((leaking, {"leaks"}), (FOLDER, set())):
        stages = Stages(study, Asked(), Execution())  # type: ignore[arg-type]
        config = stages.config(runs_of(study)[1][-1])
        older = {"forget", "request", "scores", "method", "training", "sharpness", "holds", "start"}
        assert set(config) - older == words
