"""Each quirk of the released code does what it says, seen on weights, batches or measured numbers.

A quirk without an entry in `PROOFS` fails: a switch that changes a configuration and nothing else tests nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from deepnet.data.augment import Augment  # noqa: E402
from deepnet.data.datasets import DataConfig, load  # noqa: E402
from deepnet.data.splits import ForgetSet  # noqa: E402
from deepnet.data.streams import Batch, Stream  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.masks import saliency  # noqa: E402
from deepnet.learning.sharpness import asam, sgd  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.learning.updates import Pass, Term, Update  # noqa: E402
from deepnet.methods import FineTune, GradientAscent, Method, NegGrad, SalUn, Scrub, SharpMinMax  # noqa: E402
from deepnet.methods.losses import cross_entropy  # noqa: E402
from deepnet.metrics.entanglement import wasserstein_entanglement  # noqa: E402
from deepnet.metrics.outputs import collect, m_entropy_official  # noqa: E402
from deepnet.networks.models import ModelConfig  # noqa: E402
from deepnet.studies.compat import QUIRKS, with_quirks  # noqa: E402
from deepnet.studies.measuring.comparison import compare  # noqa: E402
from deepnet.studies.measuring.measurement import measure  # noqa: E402
from deepnet.studies.running import runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Run, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.oracles import small_dataset  # noqa: E402

STUDY = Study(
    model=ModelConfig(architecture="convnet", width=2),
    forget=(ForgetSet(size=15),),
    pretrain=Training(epochs=1, batch_size=12, descent=Descent(lr=0.05)),
    evaluation=Evaluation(shadow=20, shadow_sets=3, entangled=50, relearning=None),
    seeds=(0,),
    val_fraction=0.0,
)


class Made(Stages):
    """The stages of a small study on small pictures, and what unlearning by one method did."""

    def __init__(self, study: Study, folder: Path) -> None:
        super().__init__(study, Store(folder), Execution())
        images = replace(small_dataset().train, augment=Augment(pad=1))
        self.__dict__["dataset"] = replace(small_dataset(), train=images)
        self.run: Run = runs_of(study)[1][-1]
        self.plan: list[Sequence[Pass]] = []

    def unlearned(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """All that the model holds before and after."""
        before = self.finished(replace(self.run, unlearner=None, sharpness=None)).model.state_dict()
        return before, self.finished(self.run).model.state_dict()

    def moved(self) -> dict[str, Tensor]:
        """How far unlearning moved each number that the model holds."""
        before, after = self.unlearned()
        return {name: (after[name] - value).abs().double() for name, value in before.items()}

    def _train(self, config: dict[str, Any], run: Run, method: Method, task: Task) -> dict[str, Any]:
        self.plan = method.plan(task)
        return super()._train(config, run, method, task)


def sides(
    quirk: str, folder: Path, method: Method, *, epochs: int = 1, sharp: bool = False, study: Study = STUDY, **how: Any
) -> tuple[Made, Made]:
    """One study without the quirk and with it, each in a folder of its own."""
    training = Training(epochs=epochs, batch_size=12, descent=Descent(**{"lr": 0.05, "weight_decay": 0.0} | how))
    unlearner = Unlearner(method=method, training=training, sharpness=(asam(0.5) if sharp else sgd(),))
    usual = replace(study, unlearners=(unlearner,))
    return Made(usual, folder / "usual"), Made(with_quirks(usual, [quirk]), folder / "quirky")


def hidden(made: Made) -> Tensor:
    """How far the weights moved that the last mask of the plan hides."""
    mask, moved = made.plan[0][0].updates[-1].mask, made.moved()
    assert mask is not None
    return torch.cat([moved[name][~value] for name, value in mask.values.items()])


def mask_polarity(folder: Path) -> None:
    """Weights that moved had gradients on the forget set far above the mean of all, and far below it."""
    usual, quirky = sides("mask_polarity", folder, SalUn(fraction=0.3))
    ratios = []
    for made in (usual, quirky):
        pretrained = made.finished(replace(made.run, unlearner=None, sharpness=None)).model
        dataset, split = made.data(STUDY.forget[0])
        whole = next(Stream(dataset.train, split.forget, 15, 0, augment=False).batches())
        scores, moved = saliency(pretrained, [whole]), made.moved()
        held = torch.cat([score[moved[name] > 0] for name, score in scores.items()])
        ratios.append(float(held.mean() / torch.cat([score.flatten() for score in scores.values()]).mean()))
    assert ratios[0] > 2
    assert ratios[1] < 0.2


def max_leak(folder: Path) -> None:
    """Nothing is retained: all that moves the weights outside the forget part is what leaks to them."""
    usual, quirky = sides("max_leak", folder, SharpMinMax(alpha=0.0, fraction=0.3), sharp=True)
    for made in (usual, quirky):
        made.unlearned()
    assert not hidden(usual).any()
    assert float(hidden(quirky).median()) > 1e-4


def decay_through_masks(folder: Path) -> None:
    usual, quirky = sides("decay_through_masks", folder, SalUn(fraction=0.3), weight_decay=0.1)
    for made in (usual, quirky):
        made.unlearned()
    assert not hidden(usual).any()
    assert float(hidden(quirky).median()) > 1e-5


def adamw(folder: Path) -> None:
    """The first step of AdamW has the length of the learning rate along every weight."""
    study = replace(STUDY, forget=(ForgetSet(size=50),))  # what is left is one batch
    usual, quirky = sides("adamw", folder, FineTune(), study=study, lr=0.01)
    medians = [float(torch.cat([x.flatten() for n, x in made.moved().items() if "weight" in n]).median())
               for made in (usual, quirky)]  # fmt: skip
    assert medians[1] == pytest.approx(0.01, rel=1e-3)
    assert medians[0] < 0.005
    references = [next(run for run in runs_of(made.study)[0] if run.unlearner) for made in (usual, quirky)]
    ends = [made.finished(run).model.state_dict() for made, run in zip((usual, quirky), references, strict=True)]
    assert not torch.equal(ends[0]["head.weight"], ends[1]["head.weight"])


def split_seed(folder: Path) -> None:
    usual, quirky = sides("split_seed", folder, FineTune(), study=replace(STUDY, val_fraction=0.2))
    splits = [made.data(STUDY.forget[0])[1] for made in (usual, quirky)]
    known = [torch.isin(split.forget, split.pretrain) for split in splits]
    assert known[0].all()
    assert not known[1].all()


def signed_tow(folder: Path) -> None:
    usual, quirky = sides("signed_tow", folder, FineTune())
    config = {"data": {"name": "cifar10"}, "model": {"architecture": "resnet50"}}
    common = {"forget_set": "random", "variant": "", "pretrain": "sgd", "optimizer": "sgd", "seed": 0,
              "status": "finished", "config": config}  # fmt: skip
    rows = [
        common | {"method": name, "retain_accuracy": 1.0, "forget_accuracy": forget, "test_accuracy": 0.9}
        for name, forget in (("retrain", 0.9), ("finetune", 0.5))
    ]
    tow = [compare(rows, {}, official_tow=made.study.evaluation.official_tow)[1]["tow"] for made in (usual, quirky)]
    assert tow[0] == pytest.approx(0.6)
    assert tow[1] == pytest.approx((1 - 0.99943 + 1) * (1 - 0.5 + 0.92567) * (1 - 0.9249 + 0.9), rel=1e-6)


def m_entropy(folder: Path) -> None:
    usual, quirky = sides("m_entropy", folder, NegGrad(alpha=0.5))
    found = [measure(made, made.run).row["membership"] for made in (usual, quirky)]
    assert found[0]["m_entropy"] != found[1]["m_entropy"]
    assert {**found[0], "m_entropy": 0, "spread": 0} == {**found[1], "m_entropy": 0, "spread": 0}
    dataset, split = usual.data(STUDY.forget[0])
    forgotten = collect(usual.finished(usual.run).model, dataset.train, split.forget)
    other = replace(forgotten, labels=(forgotten.labels + 1) % 3)
    assert np.array_equal(m_entropy_official(forgotten), m_entropy_official(other))  # it is blind to the label


def randaugment(folder: Path) -> None:
    data = DataConfig(name="digits", subset=30, test_subset=30, augment=Augment(pad=1))
    usual, quirky = sides("randaugment", folder, FineTune(), study=replace(STUDY, data=data))
    seen = []
    for made in (usual, quirky):
        images = load(made.study.data).train
        seen.append(next(Stream(images, torch.arange(30), 30, 0).batches()).x)
    changed = (seen[0] != seen[1]).flatten(1).any(1)
    assert float(changed.double().mean()) > 0.5


def forget_statistics(folder: Path) -> None:
    for method in (GradientAscent(), Scrub(ascent_epochs=1, beta=0.0, gamma=0.0)):
        usual, quirky = sides("forget_statistics", folder / method.name, method, lr=0.001)
        counts = [made.unlearned()[1]["body.1.num_batches_tracked"] - made.unlearned()[0]["body.1.num_batches_tracked"]
                  for made in (usual, quirky)]  # fmt: skip
        retained = 0 if method.name == "ascent" else 4  # 45 images in batches of at most 12
        assert [int(count) for count in counts] == [retained, retained + 2]
    for method in (NegGrad(), SharpMinMax()):
        usual, quirky = sides("forget_statistics", folder / method.name, method, lr=1e-9, sharp=True)
        means = [made.unlearned()[1]["body.1.running_mean"] for made in (usual, quirky)]
        assert float((means[0] - means[1]).abs().max()) > 1e-4


@dataclass(frozen=True, kw_only=True)
class Watching(Method):
    """Passes over the retain set, each of whose steps notes its forget batch."""

    name: ClassVar[str] = "watching"
    title: ClassVar[str] = "Watching"
    seen: ClassVar[list[Tensor]] = []

    def passes(self, task: Task, epoch: int) -> list[Pass]:
        def loss(retain: Batch, forget: Batch) -> Tensor:
            self.seen.append(forget.x)
            return cross_entropy(task.model, retain)

        return [Pass("retain", (Update((Term(loss, ("retain", "forget")),)),))]


def cycled_forget(folder: Path) -> None:
    """Two forget batches to four or five of the retain set, two epochs."""
    for made, cycled in zip(sides("cycled_forget", folder, Watching(), epochs=2), (False, True), strict=True):
        Watching.seen.clear()
        made.unlearned()
        epochs = Watching.seen[:4], Watching.seen[4:]
        for one in epochs:
            assert (torch.equal(one[0], one[2]), torch.equal(one[1], one[3])) == (cycled, cycled)
        assert not any(torch.equal(one, other) for one, other in zip(*epochs, strict=True))
    weights = [made.unlearned()[1]["head.weight"] for made in sides("cycled_forget", folder, NegGrad(alpha=0.5))]
    assert not torch.equal(*weights)


def scrub_epoch(folder: Path) -> None:
    usual, quirky = sides("scrub_epoch", folder, Scrub(ascent_epochs=1), epochs=3)
    ends = [made.unlearned()[1]["head.weight"] for made in (usual, quirky)]
    climbs = [sum(one.over == "forget" for passes in made.plan for one in passes) for made in (usual, quirky)]
    assert climbs == [1, 2]
    assert not torch.equal(*ends)


def own_maximum(folder: Path) -> None:
    usual, quirky = sides("own_maximum", folder, NegGrad(alpha=0.5))
    found = [measure(made, made.run).row["entanglement"] for made in (usual, quirky)]
    dataset, split = usual.data(STUDY.forget[0])
    parts = [collect(usual.finished(usual.run).model, dataset.train, rows).features
             for rows in (split.retain, split.forget)]  # fmt: skip
    expected = [wasserstein_entanglement(*parts, scale=scale) for scale in ("diameter", "own maximum")]
    assert found == pytest.approx(expected, abs=1e-9)
    assert abs(found[0] - found[1]) > 0.01


def whole_shadow(folder: Path) -> None:
    usual, quirky = sides("whole_shadow", folder, NegGrad(alpha=0.5))
    rows = [measure(made, made.run).row for made in (usual, quirky)]
    found = [SimpleNamespace(**row["membership"]) for row in rows]
    assert [(one.n_sets, one.n_shadow) for one in found] == [(3, 20), (1, 45)]  # 45 images are retained
    assert rows[0]["mia_spread"] == found[0].spread["confidence"]
    assert (rows[1]["mia_spread"], found[1].spread) == (None, {})


PROOFS: dict[str, Callable[[Path], None]] = {
    proof.__name__: proof
    for proof in (
        mask_polarity, max_leak, adamw, split_seed, signed_tow, m_entropy, randaugment, decay_through_masks,
        forget_statistics, cycled_forget, scrub_epoch, own_maximum, whole_shadow,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_does_what_it_says(name: str, tmp_path: Path) -> None:
    assert name in PROOFS, f"the quirk {name} has no proof here that it acts"
    PROOFS[name](tmp_path)


def test_every_proof_is_of_a_quirk() -> None:
    assert set(PROOFS) == set(QUIRKS)
