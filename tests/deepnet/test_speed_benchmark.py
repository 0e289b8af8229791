"""The speed benchmark: it measures what it says, and what fails in it stops nothing else."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.networks.models import ModelConfig, build  # noqa: E402
from tests.benchmarks import __main__ as front  # noqa: E402
from tests.benchmarks import deepnet as bench  # noqa: E402
from tests.benchmarks.deepnet_learning import MARGIN, difference  # noqa: E402
from tests.benchmarks.deepnet_loops import make_loop, random_images  # noqa: E402
from tests.benchmarks.deepnet_options import Options, Variant, variants  # noqa: E402
from tests.benchmarks.deepnet_options import chosen as picked  # noqa: E402
from tests.benchmarks.deepnet_plain import PlainLoop, plain_network  # noqa: E402
from tests.benchmarks.deepnet_timing import Timing, interleave, time_limit  # noqa: E402
from tests.benchmarks.measurement import Figure  # noqa: E402
from tests.deepnet.pretended_card import pretended_card  # noqa: E402

CPU = torch.device("cpu")


def options(folder: Path, **given: object) -> Options:
    small = {"image_size": 8, "batch_size": 4, "steps": 2, "warm": 1, "rounds": 2, "workers": 0, "seeds": 0}
    return Options(device="cpu", out=folder / "speed.json", **{**small, **given}).resolved()  # type: ignore[arg-type]


class Pretends:
    """A loop that says it took so long."""

    def __init__(self, seconds: float, order: list[str], name: str) -> None:
        self.seconds, self.order, self.name = seconds, order, name

    def block(self, number: int) -> float:
        self.order.append(self.name)
        return self.seconds * (1 + number)


class Sleeps:
    """A loop that does not come to an end for half a minute."""

    def block(self, number: int) -> float:
        time.sleep(30)
        return 30.0


def test_rounds_take_variants_in_turn() -> None:
    order: list[str] = []
    made = {"plain": Pretends(0.1, order, "plain"), "ours": Pretends(0.3, order, "ours")}
    timings = [Timing(Variant(loop=name), 10) for name in made]
    interleave(timings, lambda variant: made[variant.loop], CPU, rounds=3, limit=60)
    assert order == ["plain", "ours"] * 4  # one round is not counted
    assert [len(one.seconds) for one in timings] == [3, 3]
    assert timings[0].seconds == pytest.approx([0.2, 0.3, 0.4])
    assert timings[0].rate == pytest.approx(10 / 0.3)
    assert timings[1].rates == pytest.approx((10 / 1.2, 10 / 0.6))
    assert bench._ratio(timings[1], timings[0]) == "3.00x (3.00 to 3.00)"


def test_a_failure_is_a_row_and_stops_nothing() -> None:
    order: list[str] = []

    def make(variant: Variant) -> Pretends:
        if variant.compile:
            raise RuntimeError("no compiler\nat all")
        return Pretends(1.0, order, "fine")

    timings = [Timing(Variant(loop="ours", compile=True), 1), Timing(Variant(loop="ours"), 1)]
    interleave(timings, make, CPU, rounds=2, limit=60)
    assert timings[0].failure == "RuntimeError: no compiler"
    assert not timings[0].seconds
    assert len(timings[1].seconds) == 2


def test_a_variant_that_takes_too_long_is_given_up() -> None:
    timings = [Timing(Variant(loop="ours"), 1), Timing(Variant(loop="bare"), 1)]
    made = {"ours": Sleeps(), "bare": Pretends(1.0, [], "")}
    began = time.perf_counter()
    interleave(timings, lambda variant: made[variant.loop], CPU, rounds=1, limit=1.0)
    assert time.perf_counter() - began < 25
    assert "TimeoutError" in (timings[0].failure or "")
    assert timings[1].failure is None


def test_what_is_in_time_is_not_disturbed() -> None:
    with time_limit(0.3):
        pass
    time.sleep(0.4)


def test_results_are_kept_after_each_block() -> None:
    kept = []
    timings = [Timing(Variant(loop="ours"), 1), Timing(Variant(loop="bare"), 1)]
    after = lambda timing: kept.append((timing.variant.loop, len(timing.seconds)))  # noqa: E731
    interleave(timings, lambda variant: Pretends(1.0, [], ""), CPU, rounds=2, limit=60, after_block=after)
    assert kept == [("ours", 0), ("bare", 0), ("ours", 1), ("bare", 1), ("ours", 2), ("bare", 2)]


def test_whoever_ends_it_early_has_what_there_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ended in its sixth block, when one of four variants was timed: printed and on disk."""
    blocks = [0]

    class Ends:
        def block(self, number: int) -> float:
            blocks[0] += 1
            if blocks[0] == 6:
                raise KeyboardInterrupt
            return 0.5

    monkeypatch.setattr(bench, "make_loop", lambda variant, **rest: Ends())
    chosen = options(tmp_path, parts=("products", "speed"), only=("float32", "SGD"))
    with pytest.raises(KeyboardInterrupt):
        list(bench.deepnet(chosen))
    kept = json.loads(chosen.out.read_text(encoding="utf-8"))
    assert [one["seconds"] for one in kept["speed"]] == [[0.5], [], [], []]
    assert kept["matrix_product_flops"]["float32"] > 0
    printed = capsys.readouterr().out
    assert "plain SGD float32, round 1: 16 images/s" in printed
    assert "large matrix product, float32" in printed


def test_parts_are_measured_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "counts", lambda network: iter([Figure(f"a step, {network}", "9 operations")]))
    figures = list(bench.deepnet(options(tmp_path, parts=("operations",))))
    assert [figure.name for figure in figures] == ["a step, resnet18", "everything, with versions and hardware"]
    kept = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    assert kept["operations"] == {"a step, resnet18": "9 operations"}
    assert not any(one["seconds"] for one in kept["speed"])
    assert options(tmp_path).parts == ("operations", "products", "speed", "learned")
    with pretended_card():
        assert Options(device="cuda").resolved().parts == ("products", "speed", "learned")  # no card is needed for it
    with pytest.raises(ValueError, match="`parts`"):
        options(tmp_path, parts=("everything",))


def test_variants_are_chosen_by_words(tmp_path: Path) -> None:
    labels = [one.label for one in variants(torch.device("cuda"))]
    assert [one.label for one in picked(variants(torch.device("cuda")), ())] == labels
    found = [one.label for one in picked(variants(torch.device("cuda")), ("ours", "SAM", "float16"))]
    assert found == [label for label in labels if label.startswith("ours SAM float16")]
    assert len(found) == 4
    with pytest.raises(
        ValueError, match=r"Argument `only` must hold words of a variant out of plain SGD .*, but has SA"
    ):
        list(bench.deepnet(options(tmp_path, only=("SA",))))


@pytest.mark.parametrize("name", ["convnet", "resnet18", "resnet50"])
def test_the_plain_network_is_of_the_same_size(name: str) -> None:
    config = ModelConfig(architecture=name, stem="cifar", width=32)  # type: ignore[arg-type]
    ours = build(config, n_classes=10, channels=3, mean=(0.5,) * 3, std=(0.2,) * 3, seed=0)
    counts = [sum(weight.numel() for weight in net.parameters()) for net in (ours, plain_network(name))]
    assert counts[0] == counts[1]


def test_the_plain_loop_does_sam(tmp_path: Path) -> None:
    """Its second pass leaves the weights where they were and other gradients than the first."""
    chosen = options(tmp_path)
    loop = PlainLoop(Variant(loop="plain", optimizer="SAM"), chosen, *random_images(chosen))
    x, y = next(iter(loop.loader))
    loop.model.eval()  # the running statistics do not matter then
    loop.criterion(loop.model(x), y).backward()
    weights = [weight.detach().clone() for weight in loop.model.parameters()]
    first = [weight.grad.clone() for weight in loop.model.parameters() if weight.grad is not None]
    loop._second_pass(x, y)
    assert all(torch.equal(a, b) for a, b in zip(weights, loop.model.parameters(), strict=True))
    second = [weight.grad for weight in loop.model.parameters() if weight.grad is not None]
    assert any(not torch.equal(a, b) for a, b in zip(first, second, strict=True))
    norm = torch.stack([grad.norm() for grad in first]).norm()
    with torch.no_grad():
        for weight, grad in zip(loop.model.parameters(), first, strict=True):
            weight.add_(0.1 * grad / norm)
    loop.optimizer.zero_grad()
    loop.criterion(loop.model(x), y).backward()
    wanted = [weight.grad for weight in loop.model.parameters() if weight.grad is not None]
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(second, wanted, strict=True))


@pytest.mark.parametrize("variant", variants(CPU), ids=lambda variant: variant.label)
def test_every_loop_makes_its_steps(variant: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, steps, real = options(tmp_path), [0], torch.optim.SGD.step

    def counted(self: torch.optim.SGD, *rest: object) -> object:
        steps[0] += 1
        return real(self, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.SGD, "step", counted)
    assert make_loop(variant, chosen, *random_images(chosen)).block(1) > 0
    assert steps[0] == 3  # one of them is not timed


QUICK = ("plain SGD tf32 autotune", "ours SAM float16 channels_last")
CARDS = [
    pytest.param(one, marks=() if one.label in QUICK else pytest.mark.slow, id=one.label)
    for one in variants(torch.device("cuda"))
    if not one.compile
]


@pytest.mark.parametrize("variant", CARDS)
def test_every_loop_goes_through_on_a_card(variant: Variant, tmp_path: Path) -> None:
    with pretended_card() as books:
        chosen = replace(options(tmp_path), device="cuda:0")
        assert make_loop(variant, chosen, *random_images(chosen)).block(1) > 0
        assert books.steps == (0 if variant.loop == "plain" else 3)


def test_operations_are_counted(tmp_path: Path) -> None:
    """Three convolutions at 8x8, 4x4, 4x4, forward and twice backward, but no gradient for the image."""
    forward = [2 * 9 * 3 * 32 * 64, 2 * 9 * 32 * 64 * 16, 2 * 9 * 64 * 128 * 16, 2 * 128 * 10]
    assert bench._flops(options(tmp_path)) == 3 * sum(forward) - forward[0]


@pytest.mark.slow  # ten seconds of timing; its parts are held above
def test_the_whole_of_it(tmp_path: Path) -> None:
    chosen = options(tmp_path, seeds=2, epochs=1)
    figures = {figure.name: figure for figure in bench.deepnet(chosen)}
    for variant in variants(CPU):
        assert "images/s" in figures[variant.label].value
    assert figures["ours SAM / SGD, a step: float32"].target == "≤ 2.1x"
    assert figures["SGD, fastest option, images/s"].met is None  # the target is one of an H100
    assert "over 2 seeds" in figures["learned by ours SGD bfloat16"].value
    kept = json.loads(chosen.out.read_text(encoding="utf-8"))
    assert [len(one["seconds"]) for one in kept["speed"]] == [2] * len(variants(CPU))
    assert kept["options"]["architecture"] == "convnet"
    assert {"torch", "sharpmu"} <= kept["versions"].keys()
    assert [len(one["test"]) for one in kept["learned"]] == [2] * len(kept["learned"])
    assert asdict(chosen)["steps"] == kept["options"]["steps"]


@pytest.mark.parametrize(
    ("mine", "theirs", "word"),
    [
        ([0.9, 0.9, 0.9], [0.9, 0.9, 0.9], "equivalent"),
        ([0.900, 0.902, 0.901], [0.895, 0.897, 0.896], "equivalent and different"),
        ([0.9, 0.91, 0.9], [0.8, 0.81, 0.8], "different"),
        ([0.9, 0.8, 0.95], [0.8, 0.9, 0.9], "undecided"),
        ([0.9], [0.9], "undecided"),
    ],
)
def test_differences_are_judged(mine: list[float], theirs: list[float], word: str) -> None:
    mean, low, high, found = difference(mine, theirs)
    assert found == word
    assert low <= mean <= high


def test_intervals_cover() -> None:
    """True differences of the margin are called equivalent in at most one of twenty, 0 different in one of twenty."""
    rng, equivalent, different = np.random.default_rng(0), 0, 0
    for _ in range(2000):
        noise = rng.normal(0, 0.01, size=(2, 5))
        equivalent += "equivalent" in difference(noise[0] + MARGIN, np.zeros(5))[3]  # type: ignore[arg-type]
        different += "different" in difference(noise[1], np.zeros(5))[3]  # type: ignore[arg-type]
    assert equivalent / 2000 < 0.065
    assert 0.035 < different / 2000 < 0.065


def test_options_belong_to_this_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["dimension", "--device", "cpu"]) == 2
    assert "deepnet" in capsys.readouterr().err
    assert front.main(["deepness"]) == 2
