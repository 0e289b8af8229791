"""The examples of docs/ do what they say; copied to their places, they are found there and nothing else is edited."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pytest

from deepnet.ledger.findings import Findings
from deepnet.ledger.reading import Reading
from simulate import SAM, SGD, Instance, Loss, Phase, run
from tests.deepnet.ledger.planted import planted
from tests.places import ROOT
from tests.simulate.two_phases import SMALL
from theory.claims import all_claims
from theory.experiments.lab import Lab
from theory.ledger import run_claims
from theory.ledger.atlas import make_atlas, sentence

EXAMPLES = ROOT / "docs/examples"


def load(example: str, name: str) -> ModuleType:
    """An example as the module it would be in its place."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / example)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class SmallLab(Lab):
    """Six replicates of anything."""

    def choose(self, *, quick, full):
        return 6


def test_a_claim() -> None:
    claims = load("claim.py", "theory.claims.flips_and_fitting").CLAIMS
    assert {claim.number for claim in claims}.isdisjoint({claim.number for claim in all_claims()})
    ledger = run_claims(claims, SmallLab(), rows=1, seed=0, budget="quick", version="test")
    (row,) = ledger.rows
    assert row.effect is not None
    assert row.n_runs == 24
    assert ledger.unrefuted_controls == []
    assert list(ledger.pictures) == [row.name]


def test_a_claim_gets_its_atlas_for_nothing() -> None:
    claims = load("claim.py", "theory.claims.flips_and_fitting").CLAIMS
    (entry,) = make_atlas(claims, lambda protocol: SmallLab(protocol=protocol), protocols=18, rows=1)
    assert entry.decisive == ["signal"]
    assert entry.by_value("signal")["7.9"] == {"refuted": 6}
    assert "the signal ‖φ‖ decides" in sentence(entry)


@pytest.mark.parametrize(("amount", "verdict"), [(-0.1, "supported"), (0.1, "refuted")])
def test_a_deep_claim(amount: float, verdict: str) -> None:
    claims = load("deep_claim.py", "deepnet.ledger.claims.traces").CLAIMS
    rows = planted({"neggrad-asam-after-sgd": {"auc": amount}}, wobble=1e-3)
    ledger = run_claims(claims, Reading(Findings.of(rows)), rows=1, seed=0, budget="made up", version="test")
    assert [row.verdict for row in ledger.rows] == [verdict]
    assert ledger.unrefuted_controls == []


def test_a_pilot(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    found = load("pilot.py", "pilot").main(["--epochs", "2", "--rates", "0.1", "1e-5"])
    assert found[0.1] > 0.5 > 0.3 > found[1e-5]
    assert "rate 0.1: " in capsys.readouterr().out


def test_a_method() -> None:
    pytest.importorskip("torch")
    from deepnet.learning.sharpness import asam, sam, sgd

    load("method.py", "deepnet.methods.capped")
    its_test = load("method_test.py", "tests.deepnet.methods.test_capped")
    for sharpness in (sgd(), sam(0.2), asam(0.4)):
        its_test.test_it_climbs_the_samples_that_are_better_than_guessed(sharpness)


@pytest.mark.parametrize(
    "name",
    ["table", "text", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilenet", "vit", "frozen_body")),
     pytest.param("timm_model", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_network_of_ones_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    if name == "timm_model":
        pytest.importorskip("timm")
    import torch

    with torch.random.fork_rng(devices=[]):
        made = vars(load(f"own/{name}.py", f"own_{name}"))
    first, last = made["result"].history[0], made["result"].history[-1]
    assert last.forget_loss > first.forget_loss + 0.5
    assert last.retain_accuracy > 0.6
    assert "forget_accuracy" in capsys.readouterr().out
    assert made.get("same", True)


@pytest.mark.slow
def test_a_fair_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """The null experiment sees nothing, and whatever the verdict is on the rivals, it is one."""
    pytest.importorskip("torch")
    load("own/verdict.py", "own_verdict").main()
    rivals, null = capsys.readouterr().out.splitlines()
    assert rivals.split(", ")[-1] in ("supported", "refuted", "inconclusive")
    assert null.endswith("supported")


def test_an_objective_and_an_optimizer() -> None:
    """Found by text as the others are, and the engines take their steps alike; by turns is not both at once."""
    phases = [Phase("fit", Loss(), SGD(lr=0.1), steps=60)]
    objectives, optimizers = (
        load(f"{kind}.py", f"simulate.dynamics.{kind}s.{name}")
        for kind, name in (("objective", "caring_less"), ("optimizer", "alternating"))
    )
    caring_less = objectives.CaringLess(weight=0.5)
    alternating = optimizers.Alternating(lr=0.1, tau=0.2, momentum=0.5)
    assert repr(alternating) == "Alternating(tau=0.2, lr=0.1, batch=None, momentum=0.5)"
    ends, instance = {}, Instance.draw(SMALL, 0, space="ambient")
    for optimizer in (alternating, SAM(lr=0.1, tau=0.2, on="retain", momentum=0.5)):
        last = Phase("forget", caring_less, optimizer, steps=30)
        one, other = (run(instance, [*phases, last], engine=engine) for engine in ("numba", "dense"))
        np.testing.assert_allclose(one.kappa, other.kappa, rtol=1e-9)
        ends[type(optimizer).__name__] = one.kappa
    assert np.abs(ends["Alternating"] - ends["SAM"]).max() > 1e-6
    with pytest.raises(ValueError, match=r"^Argument `objective` must be NegGrad"):
        Phase("x", Loss(), alternating)
    assert caring_less.weights([4, 2]) == (0.25, 0.25)


def test_a_figure(tmp_path: Path) -> None:
    pytest.importorskip("tueplots")
    from tests.paper_figs.small_results import small_results

    sheet = load("figure.py", "paper_figs.figures.forgotten").main
    results = small_results(tmp_path / "results")
    image, caption = sheet.make(results, ("png",), tmp_path)
    assert image.name == "forgotten.png"
    assert "python -m paper_figs forgotten --budget quick" in caption.read_text(encoding="utf-8")


def test_a_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython")
    mpl.use("agg")
    source = (EXAMPLES / "lesson.py").read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "lesson"}
    exec(compile(source, "lesson.py", "exec"), names)
    changed, count = re.subn(r"is Verdict\.REFUTED", "is Verdict.SUPPORTED", source)
    assert count == 1
    with pytest.raises(AssertionError):
        exec(compile(changed, "lesson.py", "exec"), {"__name__": "lesson"})


@pytest.mark.slow
def test_each_is_one_file(tmp_path: Path) -> None:
    """In a copy of the tree, with the files in their places: commands find them, and no test that counts goes red."""
    pytest.importorskip("torch")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for path in tracked:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    places = dict(re.findall(r"(?m)^\| \[(\w+\.py)\]\(\1\).*? \| `(\S+)` \|", table))
    assert len(places) == 8
    for example, place in places.items():
        assert not (tmp_path / place).exists()
        shutil.copy(EXAMPLES / example, tmp_path / place)

    def told(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "flips-do-not-slow-fitting" in told("-m", "theory", "list")
    words = ["-m", "deepnet", "run", "--preset", "digits", "--methods", "capped-neggrad", "--dry-run"]
    assert "capped-neggrad" in told(*words)
    assert "forgotten" in told("-m", "paper_figs", "list")
    phase = "a, CaringLess(weight=0.5), Alternating(momentum=0.9), steps=3"
    assert "a " in told("-m", "simulate", "run", "--problem.d", "300", "--phases", phase)
    told("-m", "jupytext", "--sync", "notebooks/lesson_10_wrong_labels.py")
    told("-m", "pytest", "-q", "-k", "lesson_10", "tests/notebooks/test_lessons.py", "tests/notebooks/test_course.py")
    told(
        "-m",
        "pytest",
        "-q",
        "tests/deepnet/methods",
        "tests/deepnet/ledger/test_claims.py",
        "tests/deepnet/cli/test_deepnet_cli.py",
        "tests/deepnet/studies/test_search.py",
        "tests/deepnet/report/test_report_statistics.py",
        "tests/simulate/house/drawing/test_palette.py",
    )
    told("-m", "pytest", "-q", "-k", "are_there or forgotten", "tests/paper_figs/figures/test_theory_sheets.py")
    told("-m", "pytest", "-q", "-k", "row or preregistered or number", "tests/theory/claims/test_claims.py")
