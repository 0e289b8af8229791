"""The benchmark of the GPU engine keeps each figure as it comes; what fails or comes too late stops no other part."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulate.dynamics.cuda.layout import H100
from tests.benchmarks import __main__ as front
from tests.benchmarks import gpu as bench
from tests.benchmarks.gpu_map import TIMES, map_of_steps
from tests.benchmarks.gpu_options import PARTS, Options
from tests.benchmarks.measurement import Figure
from tests.first_contact.simulated_card import REGISTERS, cupy_by_numpy
from tests.places import ROOT


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card with a name, and parts that a test fills."""
    runtime = SimpleNamespace(getDeviceProperties=lambda _: {"name": b"made up"})
    cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=lambda: SimpleNamespace(id=0)), __version__="0")
    gpu = SimpleNamespace(cupy=cupy, kernel=SimpleNamespace(num_regs=120, local_size_bytes=0))
    monkeypatch.setattr(bench, "find_gpu", lambda: gpu)


def kept(path: Path) -> list[tuple[str, str]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["machine"]["card"] == "made up"
    return [(each["part"], each["value"]) for each in found["figures"]]


def test_every_figure_is_kept_before_the_next_is_measured(card, tmp_path, monkeypatch):
    out, seen = tmp_path / "gpu.json", []

    def measured(*_: object) -> Iterator[Figure]:
        for number in range(3):
            seen.append(len(kept(out)))
            yield Figure("made up", f"{number}")

    def fails(*_: object) -> Iterator[Figure]:
        yield Figure("made up", "before")
        raise RuntimeError("no such kernel\nin many words")

    monkeypatch.setattr(bench, "_MEASURED", {"map": measured, "kernel": fails, "sweep": measured})
    found = [each.value for each in bench.gpu(Options(parts=("kernel", "map"), out=out))]
    assert seen == [2, 3, 4]
    assert found == ["before", "not measured: RuntimeError: no such kernel", "0", "1", "2"]
    assert kept(out) == list(zip(["kernel"] * 2 + ["map"] * 3, found, strict=True))


def test_nothing_is_begun_when_the_time_is_up(card, tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(bench, "perf_counter", lambda: next(clock))

    def measured(*_: object) -> Iterator[Figure]:
        for number in range(100):
            yield Figure("made up", f"{number}")

    monkeypatch.setattr(bench, "_MEASURED", dict.fromkeys(("map", "sweep"), measured))
    found = list(bench.gpu(Options(parts=("map", "sweep"), limit=50.0, out=tmp_path / "gpu.json")))
    assert 1 < len(found) < 10
    assert found[-1].value == "not measured: 50 s are over"
    assert kept(tmp_path / "gpu.json")[-1] == ("", "not measured: 50 s are over")


def test_without_a_card_it_says_so_and_writes_nothing(tmp_path, monkeypatch):
    def none() -> None:
        raise ValueError("there is none")

    monkeypatch.setattr(bench, "find_gpu", none)
    assert [each.value for each in bench.gpu(Options(out=tmp_path / "gpu.json"))] == ["not measured: there is none"]
    assert not (tmp_path / "gpu.json").exists()


def test_parts_are_those_that_there_are():
    assert tuple(bench._MEASURED) == PARTS


def test_options_are_of_one_benchmark(card, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "_MEASURED", dict.fromkeys(PARTS, lambda *_: iter([Figure("made up", "1 s")])))
    monkeypatch.setattr(front, "OUT", tmp_path / "page.md")
    out = tmp_path / "gpu.json"
    assert front.main(["gpu", "--parts", "map", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("gpu: made up: 1 s\n")
    assert kept(out) == [("map", "1 s")]
    assert front.main(["gpu", "imports", "--parts", "map"]) == 2
    assert "only the benchmarks gpu and deepnet" in capsys.readouterr().err


def test_the_map_launches_what_the_engine_would(monkeypatch):
    """In every layout, again and again, the steps from the initial weights on; limits of the card are not asked for."""
    launched: list[tuple[Any, tuple]] = []
    kernel = SimpleNamespace(num_regs=REGISTERS)
    gpu = SimpleNamespace(
        cupy=cupy_by_numpy(), kernel=kernel, card=H100, launch=lambda layout, given: launched.append((layout, given))
    )
    monkeypatch.setattr("simulate.dynamics.engines.gpu.find_gpu", lambda: gpu)
    options = Options(trainings=3, steps=2)
    names = takewhile(lambda name: "steps a second" not in name, (each.name for each in map_of_steps(gpu, options)))
    assert [*names][-1] == "map, best block"
    (layout, by_engine), *_, (_, timed) = launched
    c, z, *_, steps, _ = by_engine
    assert c.shape == z.shape == (3, 20, 21)
    assert [each.groups for each, _ in launched[2:]] == [groups for groups in (1, 2) for _ in range(1 + TIMES)]
    np.testing.assert_equal(timed, by_engine)
    assert layout.held == 21
    assert not c.any()
    assert not steps.any()


@pytest.mark.slow  # a second for a step in numba's simulator
def test_the_whole_of_it_on_a_simulated_card(tmp_path):
    words = ["--parts", "kernel", "lockstep", "map", "--plans", "3", "--plan-steps", "2", "--trainings", "1"]
    sizes = ["--steps", "1", "--out", str(tmp_path / "gpu.json")]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.first_contact.simulated_card", *words, *sizes]
    subprocess.run(command, cwd=tmp_path, env=environment, check=False)
    figures = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["figures"]
    assert [each["met"] for each in figures if each["part"] in ("kernel", "lockstep")] == [True, True]
    assert any(each["name"] == "map, steps a second on the card" for each in figures)
