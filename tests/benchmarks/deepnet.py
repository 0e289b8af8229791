"""The training loop of the deep networks beside a plain one: `python -m tests.benchmarks deepnet --help`.

What to expect of an H100, counted before any measurement. ResNet-50 with the stem of CIFAR takes 7.8 GFLOP an image of
32x32 to train. At 8,000 images a second that is 62 TFLOP/s, an eighth of what a large product reaches in float16, so
arithmetic does not limit it. Memory does: a training pass writes and reads the 3.4 million values that the
convolutions give for each image some ten times, two bytes each, 70 MB; at 3 TB/s that allows 40,000 images a second
if everything were fused, and about a third of it in eager mode, where normalisation, activation and their gradients
are kernels of their own. A plain loop has its workers: cropping, flipping and converting an image takes a core 0.3 ms
(measured on an AMD EPYC), so eight of them give 25,000 images a second, and its network in TF32 about 4,000.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from deepnet.house.environment import hardware, versions
from deepnet.networks.precision import half_type, matrix_products
from simulate.house.files import write_text
from tests.benchmarks.deepnet_counts import counts
from tests.benchmarks.deepnet_learning import Learned, difference, learned
from tests.benchmarks.deepnet_loops import make_loop, network, random_images
from tests.benchmarks.deepnet_options import Options, Variant, chosen, variants
from tests.benchmarks.deepnet_timing import Timing, interleave, matrix_rate
from tests.benchmarks.measurement import Figure

__all__ = ["deepnet"]

SGD_RATE, SAM_RATIO, SPEED_UP, OVERHEAD = 8_000.0, 2.1, 3.0, 0.02
"""Targets: images a second and speed-up for ResNet-50 on one H100; SAM's step over SGD's; ours over bare passes."""


@dataclass
class _Record:
    """Everything that was found, as it is kept on disk."""

    options: Options
    flops: float
    """Operations to train on an image: forward and backward pass."""
    timings: list[Timing]
    rates: dict[str, float] = field(default_factory=dict)
    """Operations a second of a large product, by number format."""
    learned: list[Learned] = field(default_factory=list)
    operations: list[Figure] = field(default_factory=list)
    """What a step asks of a card."""

    def save(self) -> None:
        options = self.options
        found: dict[str, Any] = {
            "options": {**asdict(options), "out": str(options.out)},
            "versions": versions(), "hardware": hardware(options.on), "flops_per_image": self.flops,
            "matrix_product_flops": self.rates, "operations": {one.name: one.value for one in self.operations},
            "speed": [
                {**asdict(one.variant), "seconds": one.seconds, "images": one.images, "peak_bytes": one.peak,
                 "failure": one.failure, "spent": one.spent}
                for one in self.timings
            ],
            "learned": [{**asdict(one.variant), **{k: v for k, v in vars(one).items() if k != "variant"}}
                        for one in self.learned],
        }  # fmt: skip
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_text(options.out, json.dumps(found, indent=1) + "\n")

    def of(self, **wanted: Any) -> Timing | None:
        """The timing of the first variant like this that was measured."""
        fits = (one for one in self.timings if all(getattr(one.variant, key) == wanted[key] for key in wanted))
        return next((one for one in fits if one.seconds), None)


def deepnet(options: Options | None = None) -> Iterator[Figure]:
    """All figures of the training loop, in one run; each is printed and kept in `options.out` as soon as it is known.

    Args:
        options: What to measure; None is what suits the device that is there.
    """
    options = (options or Options()).resolved()
    tried = chosen(variants(options.on), options.only)
    count = (options.steps or 0) * (options.batch_size or 0)
    record = _Record(options, _flops(options), [Timing(one, count) for one in tried])
    record.save()
    if "operations" in options.parts:
        yield from _operations(record)
    if "products" in options.parts:
        _matrix_rates(record)
    if "speed" in options.parts:
        _time(record)
        yield from _speed(record)
        yield from _targets(record)
    if "learned" in options.parts and options.seeds:
        learned([one for one in tried if one.loop == "ours"], options, after_each=partial(_keep, record))
        yield from _lessons(record.learned)
    yield Figure("everything, with versions and hardware", str(options.out))


def _say(text: str) -> None:
    print(text, flush=True)  # whoever ends the benchmark before its time has what there was


def _operations(record: _Record) -> Iterator[Figure]:
    """What a step asks of a card, for the network that is measured or, instead of a small one, ResNet-18."""
    network = record.options.architecture
    for figure in counts("resnet18" if network in (None, "convnet") else str(network)):
        record.operations.append(figure)
        record.save()
        _say(f"{figure.name}: {figure.value}")
        yield figure


def _time(record: _Record) -> None:
    """Fill the timings."""
    options = record.options
    images, labels = random_images(options)

    def keep(timing: Timing) -> None:
        record.save()
        if timing.seconds or timing.failure:
            rate = f"{timing.images / timing.seconds[-1]:,.0f} images/s" if timing.seconds else "not measured"
            _say(f"{timing.variant.label}, round {len(timing.seconds)}: {timing.failure or rate}")

    interleave(
        record.timings,
        partial(make_loop, options=options, images=images, labels=labels),
        options.on,
        rounds=options.rounds,
        limit=options.limit,
        after_block=keep,
    )


def _keep(record: _Record, found: list[Learned], last: Learned) -> None:
    record.learned = found
    record.save()
    _say(f"learned by {last.variant.label}, seed {len(last.test) - 1}: {last.failure or f'test {last.test[-1]:.3f}'}")


def _flops(options: Options) -> float:
    """Operations of a forward and a backward pass, for an image."""
    model, count = network(Variant(loop="ours"), options).train(), 4
    side = options.image_size
    x = torch.zeros(count, 3, side, side, dtype=torch.uint8, device=options.on)
    with FlopCounterMode(display=False) as counter:
        functional.cross_entropy(model(x), torch.zeros(count, dtype=torch.int64, device=options.on)).backward()
    return counter.get_total_flops() / count


def _matrix_rates(record: _Record) -> None:
    device = record.options.on
    for precision in dict.fromkeys(one.variant.precision for one in record.timings):
        try:
            with matrix_products(precision):
                record.rates[precision] = matrix_rate(device, half_type(precision) or torch.float32)
        except RuntimeError as error:  # a format that the device does not have; shares of it are left out
            _say(f"no rate of products in {precision}: {error}")
            continue
        record.save()
        _say(f"large matrix product, {precision}: {record.rates[precision] / 1e12:.2f} TFLOP/s")


def _speed(record: _Record) -> Iterator[Figure]:
    """A row for each variant."""
    options = record.options
    side, batch = options.image_size, options.batch_size
    yield Figure("network, batch, device", f"{options.architecture}, {batch} x {side} x {side}, {options.device}")
    yield Figure("operations to train on an image", f"{record.flops / 1e9:.2f} GFLOP")
    for name, rate in record.rates.items():
        yield Figure(f"large matrix product, {name}", f"{rate / 1e12:.2f} TFLOP/s")
    for one in record.timings:
        if not one.seconds:
            yield Figure(one.variant.label, f"not measured: {one.failure}")
            continue
        low, high = one.rates
        words = [f"{one.rate:,.0f} images/s ({low:,.0f} to {high:,.0f})", *_share(record, one)]
        words += [] if one.peak is None else [f"{one.peak / 2**30:.1f} GiB"]
        words += [] if one.failure is None else [f"given up after {len(one.seconds)} rounds: {one.failure}"]
        yield Figure(one.variant.label, ", ".join(words))


def _share(record: _Record, one: Timing) -> list[str]:
    """The achieved part of the device's rate of matrix products."""
    if one.variant.precision not in record.rates:
        return []
    passes = 2 if one.variant.optimizer == "SAM" else 1
    return [f"{one.rate * passes * record.flops / record.rates[one.variant.precision]:.0%} of products"]


def _targets(record: _Record) -> Iterator[Figure]:
    """What is asked of the loop."""
    ours = [one for one in record.timings if one.variant.loop == "ours" and one.seconds]
    best = {name: _fastest(ours, name) for name in ("SGD", "SAM")}
    on_h100 = record.options.architecture == "resnet50" and "H100" in str(hardware(record.options.on)["device"])
    if best["SGD"] is not None:
        rate, word = best["SGD"].rate, f"{SGD_RATE:,.0f} on one H100, resnet50"
        yield Figure(
            "SGD, fastest option, images/s", f"{rate:,.0f}", f"≥ {word}", rate >= SGD_RATE if on_h100 else None
        )
    for name, one in best.items():
        plain = record.of(loop="plain", optimizer=name)
        if one is not None and plain is not None:
            met = one.rate >= SPEED_UP * plain.rate if on_h100 else None
            yield Figure(f"{name}, fastest option / plain loop", _ratio(plain, one), f"≥ {SPEED_UP:g}x, H100", met)
    for one in ours:
        pair = record.of(**{**asdict(one.variant), "optimizer": "SAM"})
        if one.variant.optimizer == "SGD" and pair is not None:
            value = statistics.median(pair.seconds) / statistics.median(one.seconds)
            name = one.variant.label.replace("SGD", "SAM / SGD, a step:")
            yield Figure(name, _ratio(pair, one), f"≤ {SAM_RATIO}x", value <= SAM_RATIO)
    yield from _overheads(record)


def _overheads(record: _Record) -> Iterator[Figure]:
    """What our loop adds to the passes and the optimizer's step: images, labels, bookkeeping."""
    for name in ("SGD", "SAM"):
        bare = record.of(loop="bare", optimizer=name)
        same = bare and {"precision": bare.variant.precision, "autotune": bare.variant.autotune}
        ours = record.of(loop="ours", optimizer=name, channels_last=False, compile=False, **(same or {}))
        if bare is not None and ours is not None:
            added = statistics.median(a / b for a, b in zip(ours.seconds, bare.seconds, strict=False)) - 1
            yield Figure(f"{name}, our loop above bare passes", f"{added:+.1%}", f"≤ {OVERHEAD:.0%}", added <= OVERHEAD)


def _fastest(timings: Sequence[Timing], optimizer: str) -> Timing | None:
    return max((one for one in timings if one.variant.optimizer == optimizer), key=lambda one: one.rate, default=None)


def _ratio(slow: Timing, fast: Timing) -> str:
    """Median of the ratio over rounds, and its range; the rounds of two variants lie side by side in time."""
    ratios = [(a / slow.images) / (b / fast.images) for a, b in zip(slow.seconds, fast.seconds, strict=False)]
    return f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"


def _lessons(found: Sequence[Learned]) -> Iterator[Figure]:
    """What each option learned beside float32 with the same optimizer and seeds."""
    for one in found:
        plain = Variant(loop="ours", optimizer=one.variant.optimizer)
        reference = next((other for other in found if other.variant == plain), None)
        name = f"learned by {one.variant.label}"
        if not one.test:
            yield Figure(name, f"not measured: {one.failure}")
            continue
        for what in ("test", "memorized"):
            mine, theirs = getattr(one, what), getattr(reference, what, [])
            value = f"{what} {statistics.fmean(mine):.3f}"
            if one is not reference and theirs:
                n = min(len(mine), len(theirs))
                mean, low, high, word = difference(mine[:n], theirs[:n])
                value += f", {mean:+.3f} [{low:+.3f}, {high:+.3f}] to float32 over {n} seeds: {word}"
            yield Figure(name, value + ("" if one.failure is None else f"; {one.failure}"))
