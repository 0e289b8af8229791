"""What is decided by an order or a comparison does not hang on the kernels of a processor.

`python -m tests.processors` runs whole suites and the ledger like this.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import processors
from tests.once import made_once
from tests.places import ROOT
from tests.processors import environment
from tests.sensitive_outcomes import outcomes as outcomes_here
from tests.theory.cases import claim, ledger

TOLERANCE = 1e-12
"""Largest difference of a result on two processors, relative to the largest of its kind; as docs/simulator.md says."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    return made_once(tmp_path_factory, "two_processors", on_two_processors)


def on_two_processors() -> list[dict]:
    """Here, and in a process whose linear algebra takes this processor for an old one."""
    other = "Haswell" if os.environ.get("OPENBLAS_CORETYPE") == "Prescott" else "Prescott"
    here = json.loads(json.dumps(outcomes_here()))
    words = [sys.executable, "-m", "tests.sensitive_outcomes"]
    done = subprocess.run(words, cwd=ROOT, env=environment(other), stdout=subprocess.PIPE, text=True, check=True)
    return [here, json.loads(done.stdout)]


@pytest.fixture(scope="module")
def different(outcomes: list[dict]) -> list[dict]:
    if outcomes[0]["bits"] == outcomes[1]["bits"]:
        pytest.skip("the linear algebra of this numpy has no kernels to choose from")
    return outcomes


@pytest.mark.parametrize("what", ["parts", "stops", "boundaries", "masks"])
def test_two_processors_decide_alike(outcomes: list[dict], what: str) -> None:
    one, other = (each["decided"][what] for each in outcomes)
    assert one == other


@pytest.mark.parametrize("what", ["parts", "boundaries", "masks"])
def test_if_rounding_decided_they_would_not(different: list[dict], what: str) -> None:
    one, other = (each["rounding"][what] for each in different)
    assert one != other


def test_they_measure_the_same_to_a_tolerance(outcomes: list[dict]) -> None:
    one, other = (each["measured"] for each in outcomes)
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=0.0, atol=TOLERANCE * np.abs(values).max())


def test_verdicts_that_turn_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def written(setting: str, words: list[str]) -> tuple[int, str, float]:
        assert words[-2:] == ["--claims", "it"]
        effect = 900.0 if setting == "Zen" else 1.0
        folder = Path(words[words.index("--out") + 1])
        (folder / "ledger.json").write_text(ledger(claim("it", effect=effect)).to_json(), encoding="utf-8")
        return 0, "", 0.0

    monkeypatch.setattr(processors, "_run", written)
    assert processors.main(["--verdicts", "--only", "as it is", "Haswell", "--claims", "it"]) == 0
    assert processors.main(["--verdicts", "--only", "as it is", "Zen", "--claims", "it"]) == 1
    assert "it: ('refuted', " in capsys.readouterr().out
