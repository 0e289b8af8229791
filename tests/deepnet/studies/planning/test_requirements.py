"""What cannot be measured is said before the first model, with the field and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from deepnet.data.datasets import DataConfig  # noqa: E402
from deepnet.data.scores import ESTIMATED  # noqa: E402
from deepnet.data.splits import ForgetSet  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.learning.updates import Pass  # noqa: E402
from deepnet.methods import METHODS, FineTune, GradientAscent, Influence, NegGrad, apply  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.networks.models import ModelConfig  # noqa: E402
from deepnet.networks.normalization import BatchNorm  # noqa: E402
from deepnet.studies.memorization import Memorization  # noqa: E402
from deepnet.studies.planning.requirements import check_comparable, check_measurable, check_validated  # noqa: E402
from deepnet.studies.running import run_study  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.oracles import small_task  # noqa: E402

Change = Callable[[Study], Study]
SHORT = Training(epochs=1, batch_size=50)
OFF = Evaluation(shadow=0, entangled=0, divergence=False, relearning=None)
STUDY = Study(
    data=DataConfig(name="digits", subset=100, test_subset=40),
    model=ModelConfig(architecture="convnet", width=2),
    forget=(ForgetSet(size=12),),
    pretrain=SHORT,
    unlearners=(Unlearner(method=FineTune(), training=SHORT),),
    evaluation=OFF,
    seeds=(0,),
)
RESNET = ModelConfig(architecture="resnet18")
"""On digits of 8 x 8 pixels its last layers see a single pixel."""


def of(size: int, **evaluation: Any) -> Study:
    return replace(STUDY, forget=(ForgetSet(size=size),), evaluation=replace(OFF, **evaluation))


def by(method: Method, study: Study) -> Study:
    return replace(study, unlearners=(Unlearner(method=method, training=SHORT),))


REFUSED = {
    "shadow": (
        of(9, shadow=50), r"`evaluation.shadow` must be 0 .*forget \(random\) set have at least 10 images, .* 9\."
    ),
    "few tests": (
        replace(of(12, shadow=50), data=replace(STUDY.data, test_subset=5)), r"`evaluation.shadow`.*the test set"
    ),
    "map": (of(12, feature_map=3), r"`evaluation.feature_map` must be 0 .*at least 8 images .* 3 of each are 6\."),
    "relearning": (
        replace(of(1, relearning=SHORT), model=RESNET),
        r"`evaluation.relearning` must be None .* 1 image, but needs 2",
    ),
    "ascent": (replace(by(GradientAscent(), of(1)), model=RESNET), r"`methods \(ascent\)` must leave this one out"),
    "neggrad": (replace(by(NegGrad(), of(1)), model=RESNET), r"`methods \(neggrad\)` must leave this one out"),
    "batches": (
        replace(STUDY, model=RESNET, pretrain=replace(SHORT, batch_size=2), val_fraction=0.01,
                data=replace(STUDY.data, subset=99)),
        r"`pretrain` must have another `batch_size`",
    ),
    "scores": (
        replace(STUDY, forget=(ForgetSet(kind="high", size=60, scores=ESTIMATED),),
                memorization=Memorization(models=2)),
        "`forget` asks for 60 images by score, but only",
    ),
    "no class": (replace(STUDY, forget=(ForgetSet(kind="class", cls=10),)), "`cls` must be of the classes of"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_the_first_model(name: str, tmp_path: Path) -> None:
    study, told = REFUSED[name]
    with pytest.raises(ValueError, match=told):
        run_study(study, tmp_path, Execution())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


MEASURABLE = {
    "shadow off": of(9),
    "ten forgotten": of(10, shadow=50),
    "eight in a map": of(12, feature_map=4),
    "no map of any seed": of(12, feature_map=3, geometry_seeds=0),
    "one pixel more": of(1, relearning=SHORT),
    "nothing trains on one image": replace(by(Influence(), of(1)), model=RESNET),
    "retained alone": replace(by(FineTune(), of(1)), model=RESNET),
    "two forgotten": replace(by(NegGrad(), of(2, relearning=SHORT)), model=RESNET),
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURABLE)
def test_what_can_be_measured_is_not_refused(name: str, tmp_path: Path) -> None:
    check_measurable(Stages(MEASURABLE[name], Store(tmp_path), Execution()))


def test_what_is_refused_would_have_failed(tmp_path: Path) -> None:
    """The two sides of the border of batch normalisation, in torch itself."""
    layer = BatchNorm(2).train()
    layer(torch.ones(1, 2, 1, 2))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(torch.ones(1, 2, 1, 1))


@pytest.mark.parametrize("name", METHODS)
def test_methods_say_which_sets_they_normalise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = small_task(epochs=1)
    found: set[str] = set()
    monkeypatch.setattr(
        "deepnet.methods.application.train",
        lambda task, plan, **how: found.update(_drawn(passes) for one in plan for passes in one) or _History(),
    )
    apply(METHODS[name](), task)
    drawn = {part for parts in found for part in parts}
    assert drawn == set(METHODS[name].normalises)


class _History:
    preparation = 0.0


def _drawn(one: Pass) -> tuple[str, ...]:
    return tuple(part for update in one.updates for term in update.terms for part in term.draws)


def test_a_search_needs_validation_images_and_scores_a_choice_of_models(tmp_path: Path) -> None:
    stages = Stages(replace(STUDY, val_fraction=0.0), Store(tmp_path), Execution())
    with pytest.raises(ValueError, match="`val_fraction` must set aside at least one validation image"):
        check_validated(stages)
    check_validated(Stages(STUDY, Store(tmp_path), Execution()))
    scores = torch.zeros(100).double().numpy()
    check_comparable(stages, scores)
    few = Stages(replace(STUDY, memorization=Memorization(models=2, fraction=0.999)), Store(tmp_path), Execution())
    with pytest.raises(ValueError, match="`models` must be so many that 3 images"):
        check_comparable(few, scores)


def test_one_sample_of_a_set_cannot_be_transported() -> None:
    with pytest.raises(ValueError, match=r"`entangled` must be 0 .* or at least 2, but is 1"):
        Evaluation(entangled=1)
