"""The Python of the README and of docs/ runs as it stands there."""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
import pytest

from theory.lab import Lab
from theory.ledger import run_claims

ROOT = Path(__file__).parents[1]
BLOCKS = [
    block
    for page in (ROOT / "README.md", ROOT / "docs/deepnet.md")
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]


def run_block(marker: str) -> dict[str, Any]:
    """Execute the block that holds a marker, and return its names."""
    (source,) = (block for block in BLOCKS if marker in block)
    module = ModuleType("readme")
    sys.modules["readme"] = module  # where dataclasses look their annotations up
    exec(compile(source, "README.md", "exec"), vars(module))
    return vars(module)


def test_the_deep_ledger_is_the_published_one() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"\| (\w+) \| [^|]*: (−?\d\.\d{3}) \[(−?\d\.\d{3}), (−?\d\.\d{3})\] \|", text)
    rows = json.loads((ROOT / "paper_figs/data/digits/ledger.json").read_text(encoding="utf-8"))
    published = {
        (row["verdict"], *(f"{value:.3f}".replace("-", "−") for value in (row["effect"], *row["interval"])))
        for row in rows
        if row["effect"] is not None
    }
    assert len(found) >= 10
    assert set(found) <= published
    counts = Counter(row["verdict"] for row in rows)
    assert f"of {len(rows)} rows {counts['supported']} are" in text
    assert f"{counts['refuted']} refuted, {counts['inconclusive']} inconclusive" in text


class SmallLab(Lab):
    """Six replicates of anything."""

    def choose(self, *, quick, full):
        return 6


def test_ten_lines_of_python(capsys) -> None:
    mpl.use("agg")
    result = run_block("result.trace.zeta_mean")["result"]
    assert capsys.readouterr().out.split() == [
        str(value) for value in (result.test_error, result.retain_accuracy, result.forget_accuracy)
    ]


def test_a_claim_of_your_own() -> None:
    claims = run_block("CLAIMS = (")["CLAIMS"]
    ledger = run_claims(claims, SmallLab(), rows=1, seed=0, budget="quick", version="test")
    (row,) = ledger.rows
    assert row.effect is not None
    assert row.n_runs == 18
    assert ledger.unrefuted_controls == []


def test_sharp_minmax_in_python(capsys) -> None:
    pytest.importorskip("torch")
    run_block("apply(SharpMinMax")
    forget, test = map(float, capsys.readouterr().out.split())
    assert forget < 0.95
    assert test > 0.85


def test_a_method_of_your_own() -> None:
    torch = pytest.importorskip("torch")
    from deepnet.methods import apply

    names = run_block("apply(SharpMinMax")
    task, model = names["Task"], names["model"]
    before = [weight.clone() for weight in model.parameters()]
    method = run_block("class Alternating")["Alternating"]()
    apply(method, task(model, names["data"], names["split"], names["gentle"], seed=(2,)))
    assert not all(map(torch.equal, before, model.parameters()))


def test_sliders_of_the_lessons() -> None:
    pytest.importorskip("ipywidgets", reason="needs the extra notebooks")
    names = run_block("trajectory_explorer(d=10**6")
    explorer = names["trajectory_explorer"](d=10**6, signal=10.0, optimizer="SAM", alpha=0.7)
    assert (explorer.settings.d, explorer.settings.alpha) == (10**6, 0.7)
    assert bytes(explorer.picture.value).startswith(b"\x89PNG")
