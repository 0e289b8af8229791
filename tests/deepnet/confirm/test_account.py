"""What stands above the deep ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.confirm.account import account  # noqa: E402
from deepnet.confirm.confirmation import CONFIRMATIONS, confirmation  # noqa: E402
from tests.deepnet.made_up_findings import made_up_findings  # noqa: E402


def test_says_what_was_run_and_what_was_not() -> None:
    told = account(confirmation("digits"), made_up_findings(seeds=4, studies=("main", "alpha")))
    rows = sum(len(found) for found in made_up_findings(seeds=4, studies=("main", "alpha")).rows.values())
    assert told["What was run"].startswith(f"{rows:,} rows of 2 studies (main, alpha), seeds 0 to 3;")
    assert told["What was run"].endswith("None diverged.")
    assert "curvature" in told["Not run at this scale"]
    assert "alpha" not in told["Not run at this scale"]
    assert "high: 5% of the images, the most memorized" in told["Forget sets"]
    assert told["Forget sets"].endswith("scores estimated here.")
    assert "SGD, SAM ρ=0.1, ASAM ρ=0.5" in told["Optimizers"]
    assert "NegGrad, 5 epochs, learning rate 0.03, batches of 64" in told["Methods"]
    assert "Influence" in told["Methods"]


def test_counts_what_diverged() -> None:
    def lost(row: dict[str, object]) -> dict[str, object]:
        return row | {"status": "diverged"} if row["method"] == "scrub" and row["seed"] == 0 else row

    findings = made_up_findings(seeds=2, change=lost)
    diverged = sum(row["status"] == "diverged" for found in findings.rows.values() for row in found)
    assert diverged > 0
    assert f"models. {diverged} diverged." in account(confirmation("digits"), findings)["What was run"]


@pytest.mark.parametrize("name", list(CONFIRMATIONS))
def test_every_scale_has_its_account_before_anything_was_run(name: str) -> None:
    chosen = confirmation(name, Path("images"), Path("scores.npz"))
    told = account(chosen, replace(made_up_findings(seeds=1), rows={}, scale=chosen.scale))
    assert told["Images and network"] == f"{chosen.scale}."
    assert "no seed" in told["What was run"]
    assert set(told["Not run at this scale"].rstrip(".").split(", ")) == set(chosen.studies())
