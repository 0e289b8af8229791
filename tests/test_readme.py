"""The README's Python runs as it stands there."""

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl

from theory.lab import Lab
from theory.ledger import run_claims

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8"), re.S)


def run_block(marker: str) -> dict[str, Any]:
    """Execute the block that holds a marker, and return its names."""
    (source,) = (block for block in BLOCKS if marker in block)
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(source, "README.md", "exec"), names)
    return names


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
