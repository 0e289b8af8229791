"""The ledger of few replicates and large steps: complete, true to its identities, contradicted by nothing known.

With the quick budget, which takes minutes, every control is refuted and the settled verdicts are reached: -m slow.
"""

import json
import re

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from simulate.house.version import __version__
from tests.once import made_once
from theory import statistics
from theory.claims import all_claims, find_claims, low_snr
from theory.experiments import choices
from theory.experiments.lab import Lab
from theory.ledger import Ledger, Verdict, family_sizes, run_claims

NAMES = [claim.name for claim in all_claims()]
IDENTITIES = ("decomposition", "recursions")
IDENTITY = 4
"""Instances at which the quick budget checks an identity, in which no chance is involved: one shows as much."""

SETTLED = {
    "decomposition": "supported",
    "recursions": "supported",
    "deactivation-law": "supported",
    "lemma3.1-retain-off": "supported",
    "lemma3.1-forget-on": "supported",
    "lemma3.1-forget-all-on": "refuted",
    "lemma3.1-retain-off-after-sgd": "refuted",
    "lemma3.1-retain-off-after-sam": "refuted",
    "sgd-boundary-d": "supported",
    "sgd-boundary-noise": "supported",
    "sgd-boundary-d-large-weights": "outside the hypotheses",
    "sgd-harmful": "supported",
    "sam-boundary-time": "supported",
    "sam-boundary-d": "supported",
    "neggrad-sgd-harmful": "supported",
    "neggrad-sgd-benign": "supported",
    "neggrad-sgd-boundary-d": "supported",
    "neggrad-sam-pretrained-boundary-d": "supported",
    "neggrad-sam-benign": "supported",
    "forget-noise-after-sgd": "refuted",
    "forget-noise-after-sam": "refuted",
    "signal-rate-per-step": "refuted",
    "signal-surplus-h1": "refuted",
    "signal-surplus-h2-d": "supported",
    "sgd-flattens-hessian-large-alpha": "supported",
    "sgd-flattens-sharpness-large-alpha": "supported",
    "sam-slows-forgetting-after-sgd": "supported",
    "sam-slows-forgetting-after-sam": "supported",
    "training-time": "supported",
}
"""Verdicts that every run so far has given, whatever its seed: a change of one of them is a change of the simulator."""

OPPOSITE = {"supported": "refuted", "refuted": "supported"}


def ledger_of(names: list[str], *, seed: int = 0, lab: Lab | None = None) -> Ledger:
    lab = Lab(seed=seed) if lab is None else lab
    rows = family_sizes(all_claims())
    return run_claims(find_claims(names), lab, rows=rows, seed=seed, budget=lab.budget, version=__version__)


class SmallLab(Lab):
    """A laboratory of few replicates and short grids: what is off by a factor shows, what is close stays undecided.

    Its steps are the large ones, some twenty times as long as those inside the hypotheses: effects are the same, and
    `tests/theory/experiments` holds what is run to the short ones.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed=seed, protocol={choices.STEP.name: "large"})

    def choose(self, *, quick, full):
        if not isinstance(quick, int):
            return quick[:2]
        return 1 if quick == IDENTITY else max(4, quick // 16)


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return made_once(tmp_path_factory, "small_ledger", small_ledger)


def small_ledger() -> Ledger:
    """Every claim once, with bootstraps of an eighth of the resamples."""
    with pytest.MonkeyPatch.context() as patch:
        for bootstrap in (statistics.bootstrap, statistics.bootstrap_between_halves):
            patch.setattr(bootstrap, "__defaults__", (25,))
        return ledger_of([], lab=SmallLab())


@pytest.fixture(scope="session")
def verdicts(ledger) -> dict[str, str]:
    return {row.name: row.verdict for row in ledger.rows}


@pytest.fixture(scope="session")
def by_effect(ledger) -> dict[str, str]:
    """Verdicts by the effect alone: large steps are outside the hypotheses."""
    return {row.name: row.by_effect for row in ledger.rows}


@pytest.fixture(scope="session")
def quick_ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return made_once(tmp_path_factory, "quick_ledger", lambda: ledger_of([]))


def test_every_claim_has_its_row(ledger) -> None:
    assert [row.name for row in ledger.rows] == NAMES
    assert {row.number for row in ledger.rows} >= set(range(1, 21))


@pytest.mark.slow
def test_every_negative_control_is_refuted(quick_ledger) -> None:
    assert quick_ledger.unrefuted_controls == []


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_hold(verdicts, name: str) -> None:
    assert verdicts[name] == "supported"


@pytest.mark.parametrize("name", SETTLED)
def test_settled_verdicts_are_not_contradicted(by_effect, name: str) -> None:
    assert by_effect[name] != OPPOSITE.get(SETTLED[name])


def test_every_other_settled_verdict_is_reached(by_effect) -> None:
    assert sum(by_effect[name] == verdict for name, verdict in SETTLED.items()) >= len(SETTLED) // 2


def test_no_control_of_a_settled_row_is_supported(ledger) -> None:
    found = {row.name: row.control["verdict"] for row in ledger.rows if row.name in SETTLED}
    assert [name for name, verdict in found.items() if verdict == "supported"] == []
    assert sum(verdict == "refuted" for verdict in found.values()) >= 0.8 * len(found)


@pytest.mark.slow
def test_most_settled_verdicts_are_reached_with_the_quick_budget(quick_ledger) -> None:
    verdicts = {row.name: row.verdict for row in quick_ledger.rows}
    assert sum(verdicts[name] == verdict for name, verdict in SETTLED.items()) >= len(SETTLED) - 2


def test_every_verdict_comes_with_an_interval(ledger) -> None:
    for row in ledger.rows:
        assert (row.interval is not None) == (row.by_effect in ("supported", "refuted") or row.effect is not None)


def test_only_what_needs_a_folder_or_forbids_nothing_is_not_testable(verdicts) -> None:
    untestable = {name for name, verdict in verdicts.items() if verdict == Verdict.NOT_TESTABLE.value}
    assert untestable == {"alpha-gap-order", "universality-folder-sgd", "universality-folder-sam"}


def test_every_null_experiment_was_run(ledger) -> None:
    promised = {claim.name for claim in all_claims() if claim.null is not None}
    assert [row.name for row in ledger.rows if row.name in promised and row.effect is not None and not row.null] == []


def test_rows_hold_what_a_reader_needs(ledger) -> None:
    for row in json.loads(ledger.to_json()):
        needed = {"name", "source", "verdict", "effect", "interval", "n_runs", "seed", "control"}
        assert needed <= row.keys()
        assert {"name", "verdict"} <= row["control"].keys()
        assert row["remark"] or row["n_runs"] > 0


def test_hypotheses_are_reported_and_some_are_violated(ledger) -> None:
    rows = {row.name: row for row in ledger.rows}
    assert rows["sgd-boundary-d"].conditions["dimension_samples"]["fraction_outside"] < 0.5
    assert rows["sgd-boundary-d"].conditions["start_noise"]["least_margin"] > 0
    assert rows["sgd-boundary-d-large-weights"].conditions["start_noise"]["fraction_outside"] == 1.0


@pytest.mark.parametrize("claim", all_claims(), ids=NAMES)
def test_preregistration_is_complete(claim) -> None:
    words = ("title", "source", "statement", "effect", "refuted_if", "experiment", "stopping_rule", "statistic")
    assert all(getattr(claim, word).strip() for word in words)
    assert re.search(r"\[[SMDN]|not claimed|[Nn]ot a claim|ours", claim.source), "a source says how well it is known"
    assert claim.control.name
    MathTextParser("path").parse(f"${claim.statement}$")


def test_reruns_are_byte_identical() -> None:
    names = ["neggrad-sgd-harmful", "signal-surplus-h1"]
    assert ledger_of(names, lab=SmallLab()).to_json() == ledger_of(names, lab=SmallLab()).to_json()


def test_other_seeds_give_other_numbers() -> None:
    labs = [SmallLab(seed=seed) for seed in (1, 2)]
    effects = {ledger_of(["signal-surplus-h1"], seed=lab.seed, lab=lab).rows[0].effect for lab in labs}
    assert len(effects) == 2


class PoorLab(Lab):
    """A laboratory that can afford two replicates of anything, and large steps."""

    def __init__(self) -> None:
        super().__init__(protocol={choices.STEP.name: "large"})

    def choose(self, *, quick, full):
        return 2 if isinstance(quick, int) else quick


def test_a_budget_too_small_gives_no_verdict() -> None:
    names = ["signal-surplus-h1", "sgd-boundary-d-large-weights", "low-snr-forgets-easier"]
    poor = {row.name: row.by_effect for row in ledger_of(names, lab=PoorLab()).rows}
    assert poor == dict.fromkeys(names, "inconclusive")


def test_names_and_numbers_choose_claims() -> None:
    assert [claim.name for claim in find_claims(["sgd-benign-n"])] == ["sgd-benign-n"]
    assert {claim.number for claim in find_claims(["3", "sgd-benign-n"])} == {3, 6}
    assert len(find_claims([])) == len(NAMES)
    with pytest.raises(ValueError, match="`claims`"):
        find_claims(["sgd-bening-signal"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [101, 102])
def test_other_seeds_do_not_flip_a_settled_verdict(seed: int) -> None:
    ledger = ledger_of([], seed=seed)
    flipped = [row.name for row in ledger.rows if row.verdict == OPPOSITE.get(SETTLED.get(row.name, ""), "none")]
    decided = {row.name for row in ledger.rows if row.verdict in ("supported", "refuted")}
    assert flipped == []
    assert decided.isdisjoint(ledger.unrefuted_controls)


def test_a_rank_correlation_does_not_rank_rounding() -> None:
    signal = np.array([1.0, 2.0, 3.0, 4.0])
    assert low_snr._rank_correlation(signal, 0.1 + 1e-17 * np.arange(4) + [0, 2e-17, 0, 3e-17]) == 0.0
    tied = low_snr._rank_correlation(signal, np.array([0.5, 0.1 + 0.2, 0.3, 0.3]))
    assert tied == low_snr._rank_correlation(signal, np.array([0.5, 0.3, 0.3, 0.3]))
    assert tied != low_snr._rank_correlation(signal, np.array([0.5, 0.3 + 1e-6, 0.3, 0.3]))
