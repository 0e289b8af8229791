"""Vision transformers: all that is done with convolutions is done with layer normalisation and attention."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from deepnet.house.seeding import generator  # noqa: E402
from deepnet.learning.masks import saliency  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, gradient, sam, sgd  # noqa: E402
from deepnet.methods import (  # noqa: E402
    METHODS,
    CurvatureSelection,
    SalUn,
    SharpMinMax,
    apply,
)  # fmt: skip
from deepnet.metrics.curvature import curvature, hessian_diagonal  # noqa: E402
from deepnet.networks import architectures  # noqa: E402
from deepnet.networks.models import ModelConfig, build  # noqa: E402
from deepnet.studies.planning.appraisal import Appraisal  # noqa: E402
from deepnet.studies.running import run_study  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation  # noqa: E402
from tests.deepnet.methods.first_steps import ADAMW, SGD, each_descent  # noqa: E402
from tests.deepnet.oracles import (  # noqa: E402
    batch_of,
    batches_of,
    naive_cross_entropy,
    network_direction,
    small_dataset,
    small_task,
    weights_of,
)  # fmt: skip
from tests.deepnet.quick_methods import EDITS, QUICK  # noqa: E402
from tests.deepnet.small_study import small_study  # noqa: E402
from tests.deepnet.small_transformer import small_transformer, transformer_body  # noqa: E402

TRIED = QUICK | {"salun": SalUn(fraction=0.3)}
"""Methods whose defaults do little on a set of sixty pictures."""
ATTENTION = {"in_proj_weight", "in_proj_bias"}
"""What the attention of torch has beside the weights and biases of layers."""


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """Names of the weights that changed."""
    return {name for name, value in before.items() if not torch.equal(value, after[name])}


@pytest.mark.parametrize("sharpness", [sam(0.2), asam(0.4), Sharpness(rho=0.3, adaptive="weights", eta=0.1)])
def test_sharpness_sees_normalisation_attention_and_embeddings(sharpness: Sharpness) -> None:
    """As a twin does, weight by weight; none has a gradient of 0."""
    network = small_transformer().train()
    batch = batch_of(small_task(model=network), "retain")

    def loss() -> torch.Tensor:
        return functional.cross_entropy(network(batch.x), batch.y)

    parameters = dict(network.named_parameters())
    found, _ = gradient(loss, parameters, sharpness)
    expected = network_direction(network, lambda at: naive_cross_entropy(at.quiet(batch.x), batch.y), sharpness)
    for name, value in zip(parameters, found, strict=True):
        assert torch.allclose(value, expected[name], rtol=1e-9, atol=1e-12), name
        assert value.any(), name
    kinds = {name.rpartition(".")[2] for name in parameters}
    assert kinds == ATTENTION | {"weight", "bias", "class_token", "pos_embedding"}


@each_descent
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_goes_through(name: str, descent: object) -> None:
    task = small_task(
        model=small_transformer(dtype=torch.float32), sharpness=asam(0.4), descent=descent,
        epochs=0 if name in EDITS else 1,
    )  # fmt: skip
    before = weights_of(task.model)
    apply(TRIED.get(name) or METHODS[name](), task)
    after = weights_of(task.model)
    everywhere = name not in ("last-layer", "ssd", "ssd-loss-free")  # these leave most weights alone
    assert {key.rpartition(".")[2] for key in moved(before, after)} >= (
        ATTENTION | {"weight", "bias"} if everywhere else {"weight"}
    )
    assert all(bool(value.isfinite().all()) for value in after.values())


@pytest.mark.parametrize("method", [SalUn(fraction=0.3), CurvatureSelection(fraction=0.3, probes=2, alpha=0.7)])
def test_what_a_mask_hides_stays_to_the_bit(method: SalUn | CurvatureSelection) -> None:
    """Whatever decay and the momenta of AdamW do; the mask is one over all weights together."""
    task = small_task(model=small_transformer(), sharpness=asam(0.4), descent=ADAMW, epochs=2)
    before = weights_of(task.model)
    (mask,) = {id(update.mask): update.mask for one in method.plan(task)[0] for update in one.updates}.values()
    assert mask.fraction == pytest.approx(0.3, abs=0.01)
    apply(method, task)
    for name, value in weights_of(task.model).items():
        assert torch.equal(value[~mask.values[name]], before[name][~mask.values[name]]), name
    assert moved(before, weights_of(task.model))


def test_the_saliency_is_a_sum_of_gradients() -> None:
    network = small_transformer().train()
    batches = batches_of(small_task(model=network), "forget", 2)
    total = {name: torch.zeros_like(weight) for name, weight in network.named_parameters()}
    for batch in batches:
        found = network_direction(network, lambda at, b=batch: naive_cross_entropy(at(b.x), b.y), sgd())
        total = {name: value + found[name] for name, value in total.items()}
    for name, found in saliency(network, batches).items():
        assert torch.allclose(found, total[name].abs(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["finetune", "sharp-minmax", "scrub", "selection"])
def test_a_head_alone_can_be_unlearned(name: str) -> None:
    network = small_transformer(dtype=torch.float32)
    network.body.requires_grad_(False)
    task = small_task(model=network, sharpness=asam(0.4))
    before = weights_of(network)
    apply(TRIED.get(name) or METHODS[name](), task)
    assert "head.weight" in moved(before, weights_of(network)) <= {"head.weight", "head.bias"}


def test_products_with_the_hessian_go_through_attention() -> None:
    """Its fused kernel has no second derivative."""
    network, images = small_transformer().eval(), small_dataset(11).train
    weights = list(network.parameters())
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        loss = functional.cross_entropy(network(images.pixels), images.labels)
        slopes = torch.autograd.grad(loss, weights, create_graph=True)
        drawn = generator(3, "probe", 0).integers(0, 2, size=sum(map(torch.numel, weights)), dtype=np.int8)
        signs = torch.from_numpy(2.0 * drawn - 1).split([weight.numel() for weight in weights])
        shaped = [part.view_as(weight) for part, weight in zip(signs, weights, strict=True)]
        product = torch.autograd.grad(slopes, weights, shaped)
    batches = [(images.pixels[:6], images.labels[:6]), (images.pixels[6:], images.labels[6:])]
    found = hessian_diagonal(network, batches, probes=1, seed=3)
    for part, sign, expected in zip(found.values(), shaped, product, strict=True):
        assert torch.allclose(part, sign * expected, rtol=1e-9, atol=1e-10)
    assert curvature(network, batches, seed=0, probes=2).top > 0


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_layouts_and_formats_agree(precision: str) -> None:
    """Channels last change last bits only; bfloat16 stays close, with weights in single precision."""
    ends = []
    for channels_last, used in ((False, "float32"), (True, precision)):
        model = small_transformer(dtype=torch.float32)
        if channels_last:
            model.memory_format = torch.channels_last
            model = model.to(memory_format=torch.channels_last)
        task = small_task(model=model, sharpness=sam(0.1), descent=SGD)
        apply(SharpMinMax(alpha=0.8), replace(task, training=replace(task.training, precision=used)))
        ends.append(torch.cat([value.flatten() for value in weights_of(model).values()]))
    start = torch.cat([value.flatten() for value in weights_of(small_transformer(dtype=torch.float32)).values()])
    distance = float((ends[0] - ends[1]).norm() / (ends[0] - start).norm())
    assert distance < (1e-4 if precision == "float32" else 0.2)
    assert ends[1].dtype == torch.float32


@pytest.mark.parametrize("architecture", ["vit_mini", "convnet"])
def test_products_are_those_that_torch_counts(architecture: str, tmp_path: Path) -> None:
    study = replace(small_study(), model=ModelConfig(architecture=architecture))
    stages = Stages(study, Store(tmp_path), Execution())
    shape = stages.dataset.train.shape
    with torch.device("meta"):
        model = build(
            study.model, n_classes=10, channels=1, mean=(0.5,), std=(0.2,), seed=0, image_size=shape[1:]
        ).eval()  # fmt: skip
        with FlopCounterMode(display=False) as counted, torch.no_grad():
            model(torch.empty(1, *shape))
    assert Appraisal.of(stages).products == counted.get_total_flops() / 2


def test_a_study_measures_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(architectures.BODIES, "vit_mini", transformer_body)
    study = small_study()
    evaluation = Evaluation(
        shadow=20, shadow_sets=2, entangled=20, relearning=study.unlearners[0].training, curvature=20, landscape=20,
        landscape_points=3,
    )  # fmt: skip
    study = replace(
        study, seeds=(0,), evaluation=evaluation, model=ModelConfig(architecture="vit_mini"),
        unlearners=study.unlearners[-1:], data=replace(study.data, subset=120, test_subset=30),
    )  # fmt: skip
    rows = run_study(study, tmp_path, Execution(channels_last=True)).rows
    assert [row["status"] for row in rows] == ["finished"] * 3
    for name in ("hessian_top", "hessian_trace_forget", "entanglement", "mia", "relearn", "tow"):
        assert np.isfinite(rows[-1][name]), name
    assert rows[-1]["config"]["start"]["model"]["architecture"] == "vit_mini"
