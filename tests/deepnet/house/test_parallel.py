"""Two processes that share each batch walk the path of one."""

import multiprocessing
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import torch.distributed as dist  # noqa: E402
from torch.multiprocessing import start_processes  # noqa: E402

from deepnet.data.augment import Augment  # noqa: E402
from deepnet.house import parallel  # noqa: E402
from deepnet.learning.descent import Descent  # noqa: E402
from deepnet.learning.journal import Journal  # noqa: E402
from deepnet.learning.loop import History  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.methods import (  # noqa: E402
    CurvatureSelection,
    FineTune,
    Influence,
    L1Sparse,
    NegGrad,
    RandomLabel,
    RetainSAM,
    SalUn,
    Scrub,
    SharpMinMax,
)
from deepnet.methods import apply as apply_method  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.networks.normalization import BatchNorm  # noqa: E402
from deepnet.studies.measuring.relearning import relearning_curve  # noqa: E402
from deepnet.studies.memorization import cast_vote  # noqa: E402
from tests.deepnet.oracles import batch_of, small_network, small_task  # noqa: E402
from tests.once import folder_once  # noqa: E402

Tensor = torch.Tensor
CPU = torch.device("cpu")
SGD = Descent(lr=0.05, momentum=0.9, weight_decay=0.01, schedule="cosine")
PLAIN = sgd()
ADAMW = Descent(rule="adamw", lr=0.01, weight_decay=0.1)


@dataclass(frozen=True)
class Case:
    method: Method
    sharpness: Sharpness = PLAIN
    descent: Descent = SGD
    dtype: torch.dtype = torch.float64
    augment: bool = False


CASES = {
    "neggrad-sgd": Case(NegGrad(alpha=0.8)),
    "neggrad-asam": Case(NegGrad(alpha=0.8), asam(0.5)),
    "neggrad-asam-single": Case(NegGrad(alpha=0.8), asam(0.5), dtype=torch.float32),
    "minmax-sgd": Case(SharpMinMax(alpha=0.8)),
    "minmax-asam": Case(SharpMinMax(alpha=0.8), asam(0.5), ADAMW),
    "minmax-asam-single": Case(SharpMinMax(alpha=0.8), asam(0.5), dtype=torch.float32),
    "l1": Case(L1Sparse(gamma=0.02)),
    "l1-sam": Case(L1Sparse(gamma=0.02), sam(0.2)),
    "finetune-augmented": Case(FineTune(), sam(0.2), augment=True),
    "retain-sam": Case(RetainSAM(alpha=0.8), sam(0.2)),
    "random-label": Case(RandomLabel(), augment=True),
    "salun": Case(SalUn(fraction=0.4), sam(0.2)),
    "scrub": Case(Scrub(ascent_epochs=1), sam(0.2)),
    "influence": Case(Influence(damping=0.5, batches=3, batch_size=9), sam(0.2)),
    "selection": Case(CurvatureSelection(alpha=0.8, fraction=0.3, probes=2), sam(0.2)),
}


def task_of(case: Case) -> Task:
    """35 images to retain in batches of 11 and 12, 15 to forget in batches of 7 and 8."""
    epochs = 0 if isinstance(case.method, Influence) else 2
    task = small_task(
        model=small_network(dtype=case.dtype), descent=case.descent, sharpness=case.sharpness, epochs=epochs
    )
    if case.augment:
        images = replace(task.dataset.train, augment=Augment(pad=1))
        task = replace(task, dataset=replace(task.dataset, train=images))
    return task


def outcome(task: Task, history: History, steps: list[int]) -> dict[str, object]:
    return {
        "state": task.model.state_dict(), "losses": [epoch.loss for epoch in history.epochs],
        "images": [epoch.images for epoch in history.epochs], "steps": steps,
    }  # fmt: skip


def run(case: Case) -> dict[str, object]:
    task, steps = task_of(case), []
    return outcome(task, apply_method(case.method, task, on_step=steps.append), steps)


class KilledError(Exception):
    pass


def die_at(step: int) -> None:
    if step == 5:
        raise KilledError


def run_killed(case: Case, folder: Path) -> dict[str, object]:
    """Killed in the second epoch, and taken up again."""
    path, steps = folder / "journal", []
    try:
        apply_method(case.method, task_of(case), journal=Journal(path, every=0.0), on_step=die_at)
    except KilledError:
        parallel.barrier()
    task = task_of(case)
    return outcome(task, apply_method(case.method, task, journal=Journal(path, every=0.0), on_step=steps.append), steps)


def watched() -> list[object]:
    """Accuracies of a relearning attack, and the vote of a model trained on a part."""
    task = task_of(CASES["neggrad-sgd"])
    task = replace(task, model=small_network(width=4))
    eager = replace(task.training, epochs=8, batch_size=7, descent=replace(SGD, lr=0.2))
    curve = relearning_curve(task, eager)
    vote = cast_vote(small_network(width=4), task.dataset, replace(eager, epochs=1), 0.6, 1)
    return [list(curve.steps), list(curve.accuracy), vote.seen.tolist(), vote.right.tolist()]


def normalised(layer: torch.nn.Module, images: Tensor, weights: Tensor) -> list[Tensor]:
    """Output, gradients and running statistics after two batches, the second of which leaves no trace."""
    images = images.clone().requires_grad_()
    layer.train()
    out = layer(images)
    (out.pow(3) * weights).sum().backward()
    slopes = [images.grad, layer.weight.grad, layer.bias.grad]
    return [out.detach(), *slopes, layer.running_mean, layer.running_var]


def some_images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    draws = (torch.randn(7, 3, 2, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    return 2 * next(draws) + 1, next(draws)


def work(rank: int, folder: Path, ports: list[int]) -> None:
    """What each of two processes does: every case, then the roles under torchrun's variables."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    found: dict[str, object] = {name: run(case) for name, case in CASES.items()}
    found["killed"] = run_killed(CASES["minmax-asam"], folder)
    found["watched"] = watched()
    images, weights = some_images()
    found["normalised"] = normalised(BatchNorm(3, dtype=torch.float64), images[rank::2], weights[rank::2])
    pieces = [torch.full((2, 2), 1.0 + rank), torch.arange(3.0) * (rank + 1), torch.tensor(5.0)]
    parallel.sum_across_ranks_(pieces)
    found["sums"] = pieces
    value = torch.tensor(2.0 + rank, requires_grad=True)
    total = parallel.sum_across_ranks(value)
    (slope,) = torch.autograd.grad(total * (rank + 1.0), value)
    found["sum"] = [total.item(), slope.item()]
    batch = batch_of(task_of(CASES["neggrad-sgd"]), "retain")
    found["batch"] = [len(batch.rows), batch.total]
    dist.destroy_process_group()
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
    found["roles"] = {sharing: roles(sharing, port) for sharing, port in zip(("batches", "runs"), ports, strict=True)}
    found["after"] = [parallel.world_size(), parallel.rank(), *parallel.shard(), parallel.is_first()]
    torch.save(found, folder / f"found{rank}.pt")


def roles(sharing: str, port: int) -> list[object]:
    os.environ["MASTER_PORT"] = str(port)
    with parallel.processes(sharing, CPU):
        parallel.barrier()
        parallel.keep_in_step()
        small = run(CASES["l1"]) if sharing == "batches" else {"losses": []}
        return [parallel.world_size(), parallel.rank(), *parallel.shard(), parallel.is_first(), small["losses"]]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """What the two processes found; they are forks of one that has imported what is dear."""

    def fill(folder: Path) -> None:
        multiprocessing.set_forkserver_preload([__name__])
        start_processes(work, args=(folder, free_ports(2)), nprocs=2, start_method="forkserver")

    folder = folder_once(tmp_path_factory, "parallel", fill)
    return [torch.load(folder / f"found{rank}.pt", weights_only=True) for rank in range(2)]


def deviation(one: dict[str, object], other: dict[str, object]) -> float:
    """Largest difference of weights, running statistics and losses."""
    differences = [
        float((value.double() - other["state"][name].double()).abs().max()) for name, value in one["state"].items()
    ]
    losses = [abs(a - b) for a, b in zip(one["losses"], other["losses"], strict=True)]
    return max(differences + losses)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_walk_the_path_of_one(name: str, both: list[dict[str, object]]) -> None:
    case = CASES[name]
    alone = run(case)
    print(f"{name}: one process and two differ by {deviation(alone, both[0][name]):.2g}, ", end="")
    print(f"the two by {deviation(both[0][name], both[1][name]):.2g}.")
    for found in both:
        assert deviation(alone, found[name]) <= 1e-6
        assert found[name]["images"] == alone["images"]
        assert found[name]["steps"] == alone["steps"]
        if case.dtype == torch.float64:
            for key, value in alone["state"].items():  # losses are summed in single precision
                assert torch.allclose(found[name]["state"][key].double(), value.double(), rtol=1e-10, atol=1e-11), key
    for key, value in both[0][name]["state"].items():
        assert torch.equal(value, both[1][name]["state"][key])


def test_killed_processes_go_on_where_they_were(both: list[dict[str, object]]) -> None:
    for found in both:
        whole = found["minmax-asam"]
        assert found["killed"]["steps"] == [4, 5, 6]
        assert found["killed"]["losses"] == whole["losses"]
        assert all(torch.equal(value, whole["state"][name]) for name, value in found["killed"]["state"].items())


def test_what_is_watched_is_the_same(both: list[dict[str, object]]) -> None:
    alone = watched()
    assert len(set(alone[1])) > 2  # neither a curve nor a vote that anything would give
    assert 25 < sum(alone[3]) < 60
    assert both[0]["watched"] == alone
    assert both[1]["watched"] == alone


def test_batches_are_normalised_as_one(both: list[dict[str, object]]) -> None:
    """Four images here, three there: outputs, gradients and statistics are those of torch on all seven."""
    images, weights = some_images()
    out, slope, of_weight, of_bias, mean, variance = normalised(
        torch.nn.BatchNorm2d(3, dtype=torch.float64), images, weights
    )
    parts = [found["normalised"] for found in both]
    for rank, part in enumerate(parts):
        assert torch.allclose(part[0], out[rank::2], rtol=1e-10)
        assert torch.allclose(part[1], slope[rank::2], rtol=1e-9, atol=1e-10)
        assert torch.allclose(part[4], mean, rtol=1e-12)
        assert torch.allclose(part[5], variance, rtol=1e-12)
    assert torch.allclose(parts[0][2] + parts[1][2], of_weight, rtol=1e-10)
    assert torch.allclose(parts[0][3] + parts[1][3], of_bias, rtol=1e-10)


def test_sums(both: list[dict[str, object]]) -> None:
    for rank, found in enumerate(both):
        assert torch.equal(found["sums"][0], torch.full((2, 2), 3.0))
        assert torch.equal(found["sums"][1], torch.arange(3.0) * 3)
        assert float(found["sums"][2]) == 10
        assert found["sum"] == [5.0, 3.0]  # the total counts with weight 1 there and weight 2 here
        assert found["batch"] == [6 - rank, 11]  # an odd batch: not the same share for both


def test_roles_under_torchrun(both: list[dict[str, object]]) -> None:
    """[world size, rank, shard, shards, first]: they share batches, or runs, or, afterwards, nothing."""
    alone = run(CASES["l1"])["losses"]
    for rank, found in enumerate(both):
        assert found["roles"]["batches"][:5] == [2, rank, 0, 1, rank == 0]
        assert found["roles"]["batches"][5] == pytest.approx(alone, rel=1e-6)
        assert found["roles"]["runs"][:5] == [1, 0, rank, 2, rank == 0]
        assert found["after"] == [1, 0, 0, 1, True]


def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    value = torch.tensor(2.0)
    for sharing in ("batches", "runs"):
        with parallel.processes(sharing, CPU):
            assert (parallel.world_size(), parallel.rank(), parallel.shard()) == (1, 0, (0, 1))
            assert parallel.is_first()
            parallel.barrier()
            parallel.keep_in_step()
            assert float(parallel.sum_across_ranks(value)) == 2
            parallel.sum_across_ranks_([value])
            assert float(value) == 2
