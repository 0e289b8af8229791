"""`python -m simulate sweep`: what a TOML file may say, and what it is told when it may not."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from simulate import SAM, SGD, Problem, sweep
from simulate.cli import main
from simulate.cli.phrases import parse_phase
from simulate.cli.sweep import read_config
from simulate.house.storage import load
from simulate.machine import cluster
from simulate.runs.summary import count_kinks
from tests.places import ROOT
from tests.simulate.small_sweep import assert_same_bits

GOOD = """
phases = ["fit, Loss(), SGD(lr=0.02), steps=20", "unlearn, NegGrad(alpha=0.6), SAM(lr=0.02, tau=0.1), steps=5"]
seeds = 3
test_directions = 16
observe = ["loss"]
chunk = 5

[problem]
n = 10
m = 3
forget = 0.2

[axes]
d = [500, 1000]
unlearn.alpha = [0.5, 0.7]
"signal, fit.steps" = [[1.0, 10], [2.0, 20]]

[coupled]
sigma_0 = "1/d"
fit.lr = "0.5*n*m/d"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "map.toml"
    path.write_text(text)
    return path


def test_a_file_says_what_python_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.zarr"
    assert main(["sweep", "--config", str(written(tmp_path, GOOD)), "--out", str(out)]) == 0
    assert "24 trainings (2 d × 2 unlearn.alpha × 2 signal_fit.steps × 3 seed)" in capsys.readouterr().out
    phases = [parse_phase("fit, Loss(), SGD()"), parse_phase("unlearn, NegGrad(), SAM(lr=0.02, tau=0.1), steps=5")]
    axes = {"d": [500, 1000], "unlearn.alpha": [0.5, 0.7], ("signal", "fit.steps"): [(1.0, 10), (2.0, 20)]}
    expected = sweep(
        Problem(n=10, m=3, forget=0.2), phases, axes=axes, seeds=range(3), test_directions=16, observe=("loss",),
        coupled={"sigma_0": "1/d", "fit.lr": "0.5*n*m/d"},
    )  # fmt: skip
    assert_same_bits(load(out).drop_vars("checksum"), expected)
    assert main(["sweep", "--config", str(tmp_path / "map.toml"), "--out", str(out)]) == 0  # it is there already


def test_axes_can_be_spaced_or_hold_optimizers(tmp_path: Path) -> None:
    text = GOOD.replace("d = [500, 1000]", "d = [500]").replace("unlearn.alpha = [0.5, 0.7]", "").replace(
        '"signal, fit.steps" = [[1.0, 10], [2.0, 20]]',
        'signal = { start = 1, stop = 100.0, points = 3, spacing = "log" }\n'
        "label_flip = { start = 0.0, stop = 0.4, points = 5 }\n"
        'unlearn.optimizer = ["SGD(lr=0.1)", "SAM(lr=0.1, tau=0.5)"]',
    )  # fmt: skip
    axes = read_config(written(tmp_path, text))["axes"]
    np.testing.assert_allclose(axes["signal"], [1.0, 10.0, 100.0])
    np.testing.assert_allclose(axes["label_flip"], [0.0, 0.1, 0.2, 0.3, 0.4])
    assert axes["unlearn.optimizer"] == [SGD(lr=0.1), SAM(lr=0.1, tau=0.5)]


def test_whole_numbers_can_be_spaced(tmp_path: Path) -> None:
    spaced = 'd = { start = 1000, stop = 100000, points = 3, spacing = "log" }\n'
    spaced += "fit.steps = { start = 1, stop = 4, points = 3 }\nsignal = { start = 1, stop = 2, points = 3 }"
    axes = read_config(written(tmp_path, GOOD.replace("d = [500, 1000]", spaced)))["axes"]
    assert axes["d"] == [1000, 10_000, 100_000]
    assert axes["fit.steps"] == [1, 2, 4]
    assert axes["signal"] == [1.0, 1.5, 2.0]
    assert [type(value) for value in axes["d"]] == [int] * 3


def test_optimizers_may_move_together_with_numbers(tmp_path: Path) -> None:
    new = '"unlearn.optimizer, fit.steps" = [["SGD(lr=0.1)", 10], ["SAM(lr=0.1, tau=0.5)", 20]]'
    text = GOOD.replace('"signal, fit.steps" = [[1.0, 10], [2.0, 20]]', new)
    axes = read_config(written(tmp_path, text))["axes"]
    assert axes["unlearn.optimizer", "fit.steps"] == [[SGD(lr=0.1), 10], [SAM(lr=0.1, tau=0.5), 20]]
    assert main(["sweep", "--config", str(tmp_path / "map.toml"), "--out", str(tmp_path / "x.zarr")]) == 0


def test_trainings_at_a_kink_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sweep(Problem(d=500, n=10, m=3), [parse_phase("fit, Loss(), SGD(), steps=2")], axes={}, seeds=range(4))
    assert count_kinks(data) == 0
    data["kink_margin"][:3] = [1e-13, 0.0, 1e-11]
    assert count_kinks(data) == 2
    data["status"][1] = "nonfinite"
    assert count_kinks(data) == 1
    command = ["sweep", "--config", str(written(tmp_path, GOOD)), "--out", str(tmp_path / "x.zarr")]
    assert main(command) == 0
    assert "ReLU kink" not in capsys.readouterr().out
    monkeypatch.setattr("simulate.cli.sweep.count_kinks", lambda data: 3)
    assert main(command) == 0
    assert "\n3 of them met a ReLU kink within rounding" in capsys.readouterr().out


def test_a_scheduler_needs_dask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    words = [
        "sweep",
        "--config",
        str(written(tmp_path, GOOD)),
        "--out",
        str(tmp_path / "x"),
        "--scheduler",
        "tcp://a:1",
    ]
    assert main(words) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: Argument `--scheduler` must not be given without dask")
    assert ".[cluster]" in printed


@pytest.mark.filterwarnings("ignore")  # dask's own
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "post://here"])
def test_a_scheduler_that_does_not_answer_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    words = ["sweep", "--config", str(written(tmp_path, GOOD)), "--out", str(tmp_path / "x"), "--scheduler", address]
    begin = time.monotonic()
    assert main(words) == 2
    assert time.monotonic() - begin < 5
    assert (
        "error: Argument `--scheduler` must be the address of a Dask scheduler that answers" in capsys.readouterr().err
    )


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_answers_computes(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    out = tmp_path / "x.zarr"
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        words = ["--out", str(out), "--scheduler", cluster.scheduler_address]
        assert main(["sweep", "--config", str(written(tmp_path, GOOD)), *words]) == 0
    assert main(["sweep", "--config", str(tmp_path / "map.toml"), "--out", str(tmp_path / "y.zarr")]) == 0
    assert_same_bits(load(out), load(tmp_path / "y.zarr"))


def test_the_example_runs_in_seconds(tmp_path: Path) -> None:
    example = ROOT / "docs" / "examples" / "map.toml"
    assert main(["sweep", "--config", str(example), "--out", str(tmp_path / "map.zarr")]) == 0
    assert dict(load(tmp_path / "map.zarr")["test_error"].sizes) == {"d": 3, "signal": 12, "seed": 4}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seeds = 3", "seds = 3", "`--config` must have keys out of"),
        ("seeds = 3", "", "`seeds`"),
        ("seeds = 3", "seeds = 0", "`seeds`"),
        ("seeds = 3", "seeds = [1, 1]", "`seeds`"),
        ("seeds = 3", "seeds = ", "`--config`"),
        ("n = 10", "N = 10", "`problem` must be one of"),
        ("n = 10", "n = 0", "`n`"),
        ("[problem]\nn = 10\nm = 3\nforget = 0.2", "problem = 3", "`problem`"),
        ('["fit,', '[3, "fit,', "`phases`"),
        ("Loss()", "Lss()", "Lss"),
        ("d = [500, 1000]", "d = 500", "`axes`"),
        ("d = [500, 1000]", "D = [500]", "`axes`"),
        ("d = [500, 1000]", "d = [5]", "`d`"),
        ("d = [500, 1000]", "d = { start = 1, stop = 2 }", "`axes` must give points for d"),
        ("d = [500, 1000]", 'd = { start = 0, stop = 2, points = 2, spacing = "log" }', "`start`"),
        ("d = [500, 1000]", "d = { start = 1, stop = 2, points = 1_000_000_000_000 }", "`points` must be at most"),
        ("d = [500, 1000]", "d = { start = 500, stop = 502, points = 5 }", "`axes` must hold different values for d"),
        (
            "d = [500, 1000]",
            "d = { start = 1, stop = 2, points = 2, foo = 1 }",
            "by points, spacing, start, stop, but also has 'foo'",
        ),
        ("d = [500, 1000]", "d = {}", "`axes` must give start for d"),
        ("d = [500, 1000]", "D = { start = 1, stop = 2, points = 2 }", "`axes`"),
        ("seeds = 3", "seeds = 1_000_000_000_000", "`seeds` must be at most"),
        ("d = [500, 1000]", '"unlearn.optimizer, d" = [[500, 500]]', "`unlearn.optimizer` must be a list of texts"),
        ("d = [500, 1000]", '"unlearn.optimizer, d" = [["SGD()"]]', "`axes` must hold 2 values"),
        ("d = [500, 1000]", 'unlearn.optimizer = ["Adam()"]', "Adam"),
        ("d = [500, 1000]", 'unlearn.optimizer = ["SGD(lr=0.1) + 1"]', "Argument `unlearn.optimizer` must read"),
        ("d = [500, 1000]", 'unlearn.optimizer = ["SGD("]', "Argument `unlearn.optimizer` must read"),
        ('sigma_0 = "1/d"', "sigma_0 = 0.1", "`coupled`"),
        ('sigma_0 = "1/d"', 'sigma_0 = "1/D"', "`coupled`"),
        ('sigma_0 = "1/d"', 'sigma_0 = "9**9**9**9"', "'9**9**9**9' has none: it is too large. "),
        ('sigma_0 = "1/d"', 'sigma_0 = "10.0**d"', "'10.0**d' has none at d=500: it is too large. "),
        ("chunk = 5", "chunk = 0", "`chunk`"),
        ("test_directions = 16", 'test_directions = "16"', "`test_directions`"),
        ("observe = [", 'observe = ["los", ', "`observe`"),
        ("observe = [", "observe = [3, ", "`observe`"),
    ],
)
def test_a_key_that_does_not_fit_is_named(
    old: str, new: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in GOOD
    assert (
        main(["sweep", "--config", str(written(tmp_path, GOOD.replace(old, new))), "--out", str(tmp_path / "x")]) == 2
    )
    printed = capsys.readouterr().err
    assert printed.startswith("error: Argument ")
    assert told in printed
    assert [path.name for path in tmp_path.iterdir()] == ["map.toml"]


def test_the_mark_that_editors_put_before_a_text_is_no_fault(tmp_path: Path) -> None:
    plain, marked = written(tmp_path, GOOD), tmp_path / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    assert read_config(marked) == read_config(plain)


def test_without_a_place_for_the_result_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--config", str(written(tmp_path, GOOD))]) == 2
    assert "`--out`" in capsys.readouterr().err
    assert main(["sweep", "--config", str(tmp_path / "none.toml")]) == 2
    assert "`--config`" in capsys.readouterr().err
