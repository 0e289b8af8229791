"""`python -m simulate sweep`: what a TOML file may say, and what it is told when it may not."""

from pathlib import Path

import numpy as np
import pytest

from simulate import SAM, SGD, Problem, sweep
from simulate.cli import main
from simulate.cli.sweep import read_config
from simulate.phrases import parse_phase
from simulate.storage import load
from tests.simulate.small_sweep import assert_same_bits

ROOT = Path(__file__).parents[2]
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


def test_the_example_runs_in_seconds(tmp_path: Path) -> None:
    example = ROOT / "docs" / "examples" / "map.toml"
    assert main(["sweep", "--config", str(example), "--out", str(tmp_path / "map.zarr")]) == 0
    assert dict(load(tmp_path / "map.zarr")["test_error"].sizes) == {"d": 3, "signal": 12, "seed": 4}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seeds = 3", "seds = 3", "`config` must be one of"),
        ("seeds = 3", "", "`seeds`"),
        ("seeds = 3", "seeds = 0", "`seeds`"),
        ("seeds = 3", "seeds = [1, 1]", "`seeds`"),
        ("seeds = 3", "seeds = ", "`config`"),
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
        ("d = [500, 1000]", 'unlearn.optimizer = ["Adam()"]', "Adam"),
        ("d = [500, 1000]", 'unlearn.optimizer = ["SGD(lr=0.1) + 1"]', "`phase`"),
        ("d = [500, 1000]", 'unlearn.optimizer = ["SGD("]', "`phase`"),
        ('sigma_0 = "1/d"', "sigma_0 = 0.1", "`coupled`"),
        ('sigma_0 = "1/d"', 'sigma_0 = "1/D"', "`coupled`"),
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


def test_without_a_place_for_the_result_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--config", str(written(tmp_path, GOOD))]) == 2
    assert "`out`" in capsys.readouterr().err
    assert main(["sweep", "--config", str(tmp_path / "none.toml")]) == 2
    assert "`config`" in capsys.readouterr().err
