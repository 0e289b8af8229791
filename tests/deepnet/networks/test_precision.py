"""Gradients from half-precision products against those of single precision, on a trained network."""

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import cache, partial

import pytest

torch = pytest.importorskip("torch")

from deepnet.data.datasets import load  # noqa: E402
from deepnet.data.splits import ForgetSet, make_split  # noqa: E402
from deepnet.data.streams import Batch  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, gradient, sam, sgd  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.methods import FineTune, NegGrad, Pretrain, SharpMinMax  # noqa: E402
from deepnet.methods import apply as apply_method  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.methods.losses import cross_entropy  # noqa: E402
from deepnet.networks.models import build  # noqa: E402
from deepnet.networks.normalization import frozen_statistics  # noqa: E402
from deepnet.networks.precision import PRECISIONS, autocast, loss_scale, matrix_products, on_device  # noqa: E402
from deepnet.studies.presets import preset  # noqa: E402
from tests.deepnet.oracles import batches_of, cosine, small_task, weights_of  # noqa: E402

Tensor = torch.Tensor
CPU = torch.device("cpu")
SETTLED = [precision for precision in PRECISIONS if precision != "auto"]


@pytest.fixture(scope="module")
def trained() -> Task:
    """The network of the digits preset, pretrained as it says."""
    study = preset("digits")
    data = load(study.data)
    split = make_split(data.train.labels, ForgetSet(kind="random", fraction=0.05), 0)
    model = build(study.model, n_classes=10, channels=1, mean=data.mean, std=data.std, seed=0)
    task = Task(model=model, dataset=data, split=split, training=study.pretrain, seed=(1,))
    history = apply_method(Pretrain(), task)
    assert history.epochs[-1].loss < 0.1
    return task


def direction(
    task: Task, batch: Batch, sharpness: Sharpness, precision: str, scale: float | None = None
) -> list[Tensor]:
    """ĝ of the mean cross-entropy, with the products of the network made in a number format."""
    scale = loss_scale(precision) if scale is None else scale

    def loss() -> Tensor:
        with autocast(precision, CPU):
            return cross_entropy(task.model.train(), batch)

    with frozen_statistics(task.model):
        return gradient(loss, task.parameters, sharpness, loss_scale=scale)[0]


Cosines = Callable[[Sharpness, str], list[float]]


@pytest.fixture(scope="module")
def cosines(trained: Task) -> Cosines:
    """Of a format's directions and those of single precision, for batches to pretrain on and to forget."""
    batches = [*batches_of(trained, "pretrain", 3), *batches_of(trained, "forget", 3)]

    @cache
    def directions(sharpness: Sharpness, precision: str) -> list[list[Tensor]]:
        return [direction(trained, batch, sharpness, precision) for batch in batches]

    def found(sharpness: Sharpness, precision: str) -> list[float]:
        pairs = zip(directions(sharpness, "float32"), directions(sharpness, precision), strict=True)
        return [cosine(exact, rounded) for exact, rounded in pairs]

    return found


TRANSFORMS = [
    sgd(), sam(0.1), asam(0.5), asam(1.0), Sharpness(rho=0.1, goal="max"),
    Sharpness(rho=0.5, adaptive="all", goal="max"), Sharpness(rho=1.0, adaptive="all", goal="max"),
]  # fmt: skip
each_transform = pytest.mark.parametrize("sharpness", TRANSFORMS, ids=lambda s: f"{s.label}-{s.goal}")


@each_transform
def test_float16_keeps_the_direction(cosines: Cosines, sharpness: Sharpness) -> None:
    """Measured: at least .9958 for every batch and transform."""
    assert min(cosines(sharpness, "float16")) >= 0.95


@each_transform
def test_bfloat16_is_worse(cosines: Cosines, sharpness: Sharpness) -> None:
    """Measured: down to .90 where sharpness is maximised, which is why it is for SGD."""
    half, brain = (cosines(sharpness, precision) for precision in ("float16", "bfloat16"))
    assert sum(brain) < sum(half)
    if sharpness.rho == 0:
        assert min(brain) >= 0.95


@pytest.mark.parametrize("sharpness", [sam(0.1), asam(0.5), asam(1.0)], ids=lambda s: s.label)
def test_float16_keeps_the_sharpness_term_alone(trained: Task, sharpness: Sharpness) -> None:
    """g(w + ε) - g(w), the small difference that SAM adds; measured: at least .997."""
    for batch in batches_of(trained, "pretrain", 3):
        terms = []
        for precision in ("float32", "float16"):
            both = (direction(trained, batch, each, precision) for each in (sharpness, sgd()))
            terms.append([one - other for one, other in zip(*both, strict=True)])
        assert cosine(*terms) >= 0.95


def test_single_formats_are_the_same_on_this_device(trained: Task) -> None:
    """TF32 is a matter of CUDA devices."""
    batch = batches_of(trained, "forget", 1)[0]
    one, other = (direction(trained, batch, sam(0.1), precision) for precision in ("float32", "tf32"))
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


# --- the scale of the loss -----------------------------------------------------------------------------


def test_the_scale_is_a_power_of_two_in_float16_only() -> None:
    scales = {precision: loss_scale(precision) for precision in PRECISIONS}
    assert scales.pop("float16") == 2.0 ** round(torch.tensor(loss_scale("float16")).log2().item()) > 1
    assert set(scales.values()) == {1.0}


@pytest.mark.parametrize("sharpness", [sgd(), sam(0.1), asam(0.5)], ids=lambda s: s.label)
def test_the_scale_leaves_single_precision_alone(trained: Task, sharpness: Sharpness) -> None:
    batch = batches_of(trained, "forget", 1)[0]
    plain = direction(trained, batch, sharpness, "float32", 1.0)
    scaled = direction(trained, batch, sharpness, "float32", loss_scale("float16"))
    assert all(torch.equal(*pair) for pair in zip(plain, scaled, strict=True))


@pytest.mark.parametrize("sharpness", [sgd(), asam(0.5)], ids=lambda s: s.label)
def test_the_scale_keeps_small_gradients(trained: Task, sharpness: Sharpness) -> None:
    """A loss so small that its gradient vanishes in float16 unless it is scaled."""
    batch, found = batches_of(trained, "forget", 1)[0], {}
    for precision, scale in (("float32", 1.0), ("float16", 1.0), ("float16", loss_scale("float16"))):

        def loss(precision: str = precision) -> Tensor:
            with autocast(precision, CPU):
                return 1e-4 * cross_entropy(trained.model.train(), batch)

        with frozen_statistics(trained.model):
            found[precision, scale], _ = gradient(loss, trained.parameters, sharpness, loss_scale=scale)
    exact = found["float32", 1.0]
    assert cosine(exact, found["float16", loss_scale("float16")]) > 0.99
    plain = found["float16", 1.0]
    assert not any(bool(g.isnan().any()) for g in plain)
    lost = sum(int(((g == 0) & (e != 0)).sum()) for g, e in zip(plain, exact, strict=True))
    kept = found["float16", loss_scale("float16")]
    assert lost > sum(int(((g == 0) & (e != 0)).sum()) for g, e in zip(kept, exact, strict=True))


# --- in the loop ---------------------------------------------------------------------------------------


def after_one_pass(trained: Task, method: Method, sharpness: Sharpness, precision: str) -> list[Tensor]:
    """How far the weights went in one epoch of few, small, plain steps."""
    descent = Descent(lr=1e-3, momentum=0.0, weight_decay=0.0)
    training = replace(trained.training, epochs=1, batch_size=700, descent=descent, precision=precision)
    task = replace(trained, model=deepcopy(trained.model), training=training, sharpness=sharpness)
    apply_method(method, task)
    assert all(value.dtype == torch.float32 for value in task.model.state_dict().values() if value.is_floating_point())
    before = weights_of(trained.model)
    return [value - before[name] for name, value in weights_of(task.model).items()]


@pytest.mark.parametrize("sharpness", [sgd(), asam(0.5)], ids=lambda s: s.label)
@pytest.mark.parametrize("method", [FineTune(), NegGrad(alpha=0.7), SharpMinMax(alpha=0.7)], ids=lambda m: m.name)
def test_the_loop_uses_the_format(trained: Task, method: Method, sharpness: Sharpness) -> None:
    run = partial(after_one_pass, trained, method, sharpness)
    exact, half = run("float32"), run("float16")
    assert cosine(exact, half) >= 0.95
    assert not all(torch.equal(*pair) for pair in zip(exact, half, strict=True))  # it did something


def test_autocast_uses_the_format() -> None:
    x = torch.ones(2, 2)
    types = {"float16": torch.float16, "bfloat16": torch.bfloat16}
    for precision in SETTLED:
        with autocast(precision, CPU):
            assert (x @ x).dtype == types.get(precision, torch.float32)
        assert (x @ x).dtype == torch.float32


class StoppedError(Exception):
    pass


def test_rounding_to_tf32_only_where_asked_and_put_back_after() -> None:
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)

    def found() -> list[str]:
        return [backend.fp32_precision for backend in backends]

    before = found()
    for precision in SETTLED:
        with matrix_products(precision):
            assert found() == ["tf32" if precision == "tf32" else "ieee"] * 2
            with pytest.raises(StoppedError), matrix_products("tf32"):
                raise StoppedError
            assert found() == ["tf32" if precision == "tf32" else "ieee"] * 2
        assert found() == before


READ = {
    "allow_tf32 of cuDNN": lambda: torch.backends.cudnn.allow_tf32, "flags of cuDNN": lambda: _flags(),
    "allow_tf32 of products": lambda: torch.backends.cuda.matmul.allow_tf32,
    "precision of products": torch.get_float32_matmul_precision,
}  # fmt: skip


def _flags() -> bool:
    with torch.backends.cudnn.flags(benchmark=True, allow_tf32=torch.backends.cudnn.allow_tf32):
        return torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("precision", SETTLED)
@pytest.mark.parametrize("name", READ)
def test_switches_can_be_read(name: str, precision: str) -> None:
    """torch refuses to read its older ones where its newer ones say otherwise, and its compiler reads them."""
    before = {other: read() for other, read in READ.items()}
    with matrix_products(precision):
        found = READ[name]()
        with matrix_products("tf32"):
            READ[name]()
        assert READ[name]() == found
        assert found in ((True, "high") if precision == "tf32" else (False, "highest"))
    assert {other: read() for other, read in READ.items()} == before


@pytest.mark.parametrize("said", ["highest", "high", "medium"])
def test_what_was_said_with_older_switches_is_put_back(said: str) -> None:
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn,
                torch.backends.mkldnn.matmul)  # fmt: skip
    start = [switch.fp32_precision for switch in switches]
    older = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(said)
        before = [switch.fp32_precision for switch in switches]
        for precision in ("float32", "tf32"):
            with matrix_products(precision):
                assert torch.backends.mkldnn.matmul.fp32_precision == before[-1]  # the CPU's are not ours
            assert torch.get_float32_matmul_precision() == said
            assert [switch.fp32_precision for switch in switches] == before
    finally:
        torch.set_float32_matmul_precision(older)
        for switch, value in zip(switches, start, strict=True):
            switch.fp32_precision = value


def test_what_was_said_with_newer_switches_is_put_back() -> None:
    """And it refuses to be read after as before, since that is torch's own doing."""
    before = torch.backends.cuda.matmul.fp32_precision
    try:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        with matrix_products("float32"):
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
        with pytest.raises(RuntimeError, match="legacy and new"):
            torch.get_float32_matmul_precision()
    finally:
        torch.backends.cuda.matmul.fp32_precision = before
    assert torch.get_float32_matmul_precision() == "highest"


def test_auto_is_settled_by_the_device_and_by_nothing_else() -> None:
    found = {kind: on_device("auto", torch.device(kind)) for kind in ("cuda", "cpu", "mps")}
    assert found == {"cuda": "float16", "cpu": "float32", "mps": "float32"}
    assert [on_device(each, torch.device("cuda")) for each in SETTLED] == SETTLED
    with pytest.raises(KeyError, match="auto"):  # or it would be taken for float32 in silence
        autocast("auto", CPU)


def test_a_task_is_in_the_precision_of_its_device() -> None:
    assert small_task().training.precision == "float32"
    task = small_task()
    assert replace(task, training=replace(task.training, precision="auto")).training.precision == "float32"


def test_the_context_of_single_precision_is_none() -> None:
    assert isinstance(autocast("float32", CPU), nullcontext)
