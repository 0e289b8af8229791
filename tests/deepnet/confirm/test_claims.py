"""The deep ledger's claims on made-up findings: each finds what is planted, and nothing where nothing was run."""

import json
import re
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from deepnet.confirm.claims import all_claims, find_claims
from deepnet.confirm.findings import Findings, NotMeasuredError
from tests.deepnet.made_up_findings import ASAM, SAM, SGD, SIDE_STUDIES, Plant, made_up_findings
from theory.ledger import Ledger, Row, run_claims
from theory.ledger.drawing import formula_svg
from theory.page import page
from theory.statistics import from_replicates

NAMES = [claim.name for claim in all_claims()]


def _like(method: str, optimizer: str = SGD, pretrain: str = SGD, **where: str) -> dict[str, str]:
    return {"method": method, "optimizer": optimizer, "pretrain": pretrain} | where


METHODS = ("neggrad", "random-label", "salun", "l1-sparse", "scrub", "sharp-minmax")
NEGGRAD, NEGGRAD_ASAM, MINMAX = _like("neggrad"), _like("neggrad", ASAM), _like("sharp-minmax", ASAM)
DIRECTED: dict[str, Plant] = {
    **{f"asam-improves-{name}-pretraining": (_like(name, SGD, ASAM), "tow", 0.1) for name in METHODS},
    **{f"asam-improves-{name}-unlearning": (_like(name, ASAM), "tow", 0.1) for name in METHODS},
    "sgd-forgets-more": (NEGGRAD, "forget_accuracy", -0.1),
    "small-alpha-hurts-sgd-more-than-sam": (_like("neggrad", variant="alpha=0.8"), "tow", -0.1),
    "small-alpha-hurts-sam-more-than-asam": (_like("neggrad", SAM, variant="alpha=0.8"), "tow", -0.1),
    "asam-weakens-membership-inference": (NEGGRAD_ASAM, "mia_gap", 0.1),
    "asam-weakens-membership-inference-auc": (NEGGRAD_ASAM, "mia_auc_gap", -0.03),
    "asam-disentangles": (NEGGRAD_ASAM, "entanglement", -0.1),
    "asam-pretrains-flatter": (_like("pretrained", ASAM, ASAM), "hessian_top", -5.0),
    "sgd-flattens-by-unlearning": (NEGGRAD, "hessian_top", -5.0),
    "sharp-minmax-beats-neggrad-asam": (MINMAX, "tow", 0.1),
    "sharp-minmax-best-of-all": (MINMAX, "tow", 0.1),
    "memorized-samples-harder": (_like("neggrad", forget_set="high"), "tow", -0.1),
    "mask-polarity": ({"variant": "smallest"}, "tow", -0.1),
    "sharp-minmax-easier-to-relearn": (MINMAX, "relearn", 0.1),
    "asam-nearer-by-klom": (_like("neggrad", ASAM, forget_set="high"), "margin", -0.13),
    "asam-costs-at-most-2.2": (NEGGRAD_ASAM, "seconds", -0.5),
    "largest-curvature-better-0.2": ({"variant": "smallest 0.2"}, "tow", -0.1),
    "largest-curvature-better-0.05": ({"variant": "smallest 0.05"}, "tow", -0.1),
    "largest-curvature-forgets-more": ({"variant": "smallest 0.05"}, "forget_accuracy", 0.1),
}
"""A planted effect by which a claim of direction is true; turned round, it is false (see `_turned`)."""
EQUIVALENT: dict[str, Plant] = {
    "mask-fraction": ({"variant": "fraction=0.5"}, "tow", 0.1),
    "retain-only-asam-explains-the-gain": (_like("retain-sam", ASAM), "tow", 0.1),
    "quirk-signed-tow": (_like("sharp-minmax", ASAM, study="main"), "tow_signed", 0.2),
    "quirk-m-entropy": (_like("neggrad", ASAM, study="quirk-m_entropy"), "m_entropy", 0.2),
    **{
        f"quirk-{name.replace('_', '-')}": (_like("sharp-minmax", ASAM, study=f"quirk-{name}"), "tow", -0.2)
        for name in ("mask_polarity", "max_leak", "adamw", "split_seed", "randaugment", "decay_through_masks",
                     "forget_statistics", "cycled_forget")
    },
    "quirk-scrub-epoch": (_like("scrub", ASAM, study="quirk-scrub_epoch"), "tow", 0.2),
    "quirk-own-maximum": (_like("neggrad", ASAM, study="quirk-own_maximum"), "entanglement", 0.2),
    "quirk-whole-shadow": (_like("neggrad", ASAM, study="quirk-whole_shadow"), "mia_gap", 0.2),
}  # fmt: skip
"""A planted effect by which a claim of equivalence is false; without it, it is true."""


def _turned(name: str) -> Plant:
    """An effect by which a claim of direction is false."""
    if name == "asam-nearer-by-klom":  # a distance that cannot grow much more: the other side comes nearer
        return _like("neggrad", SGD, forget_set="high"), "margin", -0.13
    where, column, amount = DIRECTED[name]
    return where, column, -amount


def _pretrains(name: str) -> list[str]:
    """What a claim needs of the main study; less is faster."""
    return [SGD, ASAM] if name.endswith("-pretraining") else [SGD]


def _ledger(findings: Findings, names: list[str] | None = None) -> Ledger:
    found = find_claims(names or [])
    return run_claims(found, findings, rows=len(NAMES), seed=0, budget="made up", version="9.9")


def _row(findings: Findings, name: str) -> Row:
    return _ledger(findings, [name]).rows[0]


@pytest.fixture(scope="module")
def usual() -> Ledger:
    return _ledger(made_up_findings())


def test_the_claims_of_the_paper_are_tried_here() -> None:
    assert {*DIRECTED, *EQUIVALENT} <= set(NAMES)
    assert {name for name in NAMES if name.startswith("quirk-")} <= set(EQUIVALENT)
    assert {claim.number for claim in all_claims()} >= set(range(1, 16))


@pytest.mark.parametrize("name", DIRECTED)
def test_claims_of_direction_find_what_is_planted(name: str) -> None:
    how: dict[str, Any] = {"pretrains": _pretrains(name), "seeds": 20 if "klom" in name else 10}
    assert _row(made_up_findings([DIRECTED[name]], **how), name).verdict == "supported"
    assert _row(made_up_findings([_turned(name)], **how), name).verdict == "refuted"


@pytest.mark.parametrize("name", EQUIVALENT)
def test_claims_of_equivalence_find_what_is_planted(name: str, usual: Ledger) -> None:
    assert {row.name: row.verdict for row in usual.rows}[name] == "supported"
    assert _row(made_up_findings([EQUIVALENT[name]], pretrains=[SGD]), name).verdict == "refuted"


@pytest.mark.parametrize("name", [*DIRECTED, *EQUIVALENT])
def test_noise_decides_nothing(name: str) -> None:
    _, column, amount = {**DIRECTED, **EQUIVALENT}[name]
    loud = made_up_findings(
        noise={column: 4.0 * abs(amount), "tow": 0.5}, margin_noise=30.0, pretrains=_pretrains(name)
    )
    assert _row(loud, name).verdict == "inconclusive"


def test_every_control_is_refuted(usual: Ledger) -> None:
    assert usual.unrefuted_controls == []


def test_control_that_holds_is_not_refuted() -> None:
    idle = [(_like("neggrad"), "tow", -0.4)]
    assert _row(made_up_findings(idle), "asam-improves-neggrad-unlearning").control["verdict"] == "supported"


def test_what_was_not_run_is_said() -> None:
    ledger = _ledger(made_up_findings(studies=["main"]))
    aside = {row.name for row in ledger.rows if row.number in (3, 6, 9, 15) or row.number == 14}
    aside -= {"quirk-signed-tow"}
    assert {row.name for row in ledger.rows if row.verdict == "not run"} == aside
    for row in ledger.rows:
        assert row.remark.startswith("Scale: made up.")
        assert ("Not run at this scale: " in row.remark) == (row.name in aside)


@pytest.mark.parametrize("missing", ["main", *SIDE_STUDIES])
def test_a_missing_study_is_no_crash(missing: str) -> None:
    studies = [name for name in ("main", *SIDE_STUDIES) if name != missing]
    text = _ledger(made_up_findings(studies=studies, seeds=3)).to_json()
    assert any(f"the study {missing} was not run" in row["remark"] for row in json.loads(text))


def test_nothing_run_gives_no_verdict() -> None:
    ledger = _ledger(Findings({}, (SGD, SAM, ASAM), "nothing"))
    assert {row.verdict for row in ledger.rows} == {"not run"}
    assert sum(row.n_runs for row in ledger.rows) == 0
    assert page(_first_of_each_group(ledger))


def test_switched_off_metrics_are_not_run() -> None:
    off = made_up_findings(change=lambda row: row | {"mia_gap": None, "entanglement": None}, keep_margins=False)
    names = ["asam-weakens-membership-inference", "asam-disentangles", "asam-nearer-by-klom"]
    assert {_row(off, name).verdict for name in names} == {"not run"}
    assert _row(off, "asam-weakens-membership-inference-auc").effect is not None


def _diverged(row: dict, method: str, seed: int | None = None) -> dict:
    if row["method"] != method or row["optimizer"] != ASAM or seed not in (None, row["seed"]):
        return row
    blank = {key: row[key] for key in ("method", "variant", "optimizer", "pretrain", "forget_set", "seed")}
    return blank | {"status": "diverged", "reason": "the loss is not finite"}


def test_diverged_runs_have_no_tow_and_no_accuracy() -> None:
    wild = made_up_findings(change=lambda row: _diverged(row, "neggrad", 3))
    gain, accuracy = _row(wild, "asam-improves-neggrad-unlearning"), _row(wild, "sgd-forgets-more")
    calm = _row(made_up_findings(), "asam-improves-neggrad-unlearning")
    assert gain.effect == pytest.approx(calm.effect - 0.085, abs=0.01)
    assert gain.endings["diverged"] == pytest.approx(2 / 70, abs=1e-4)  # two forget sets; pretrained models count once
    assert (accuracy.verdict, accuracy.effect) == ("inconclusive", None)
    assert _ledger(wild).to_json()


def test_methods_that_always_diverge_are_no_crash() -> None:
    ledger = _ledger(made_up_findings(change=lambda row: _diverged(row, "neggrad"), seeds=4))
    verdicts = {row.name: row.verdict for row in ledger.rows}
    assert verdicts["asam-improves-neggrad-unlearning"] == "refuted"
    assert verdicts["asam-nearer-by-klom"] == "not run"
    touched = [row for row in ledger.rows if row.endings.get("diverged") and row.number <= 2]
    assert page(replace(ledger, rows=tuple(touched)))


def test_ties_of_every_seed_decide_no_direction() -> None:
    tied = made_up_findings(change=lambda row: row | {"tow": 0.8})
    row = _row(tied, "asam-improves-salun-unlearning")
    assert (row.verdict, row.effect, row.interval) == ("inconclusive", 0.0, None)
    assert _row(tied, "mask-fraction").verdict == "supported"


@pytest.mark.parametrize("claim", ["asam-improves-salun-unlearning", "sharp-minmax-best-of-all"])
def test_ties_of_every_seed_but_for_rounding_decide_no_direction(claim: str) -> None:
    def shaken(row: dict) -> dict:
        return row | {"tow": 0.8 + 1e-15 * (zlib.crc32(repr(sorted(row.items())).encode()) % 3)}

    row = _row(made_up_findings(change=shaken), claim)
    assert (row.verdict, row.effect, row.interval) == ("inconclusive", 0.0, None)


def test_curvature_is_judged_on_the_seeds_it_was_measured_at() -> None:
    def first_three(row: dict) -> dict:
        return row if row["seed"] < 3 else row | {"hessian_top": None, "hessian_top_forget": None}

    found = made_up_findings([DIRECTED["asam-pretrains-flatter"]], change=first_three)
    before, after = ({"method": "pretrained", "pretrain": how} for how in (ASAM, SGD))
    both = found.paired("hessian_top", *({"study": "curvature"} | one for one in (before, after)), seeds=range(3))
    expected = from_replicates(np.log10(both[:, 0] / both[:, 1]))
    assert _row(found, "asam-pretrains-flatter").effect == pytest.approx(expected.value, rel=1e-5)


def test_groups_are_paired_by_the_seeds_they_share() -> None:
    found = made_up_findings(change=lambda row: None if row["study"] == "quirk-adamw" and row["seed"] > 4 else row)
    row = _row(found, "quirk-adamw")
    tow = found.paired(
        "tow", *({"study": "quirk-adamw"} | one for one in (MINMAX, NEGGRAD)),
        *({"study": "main", "forget_set": "high"} | one for one in (MINMAX, NEGGRAD)),
    )  # fmt: skip
    assert tow.shape == (5, 4)
    assert row.effect == pytest.approx((tow[:, 0] - tow[:, 1] - tow[:, 2] + tow[:, 3]).mean(), rel=1e-5)
    alone = made_up_findings(change=lambda row: row | {"seed": row["seed"] + 50 * (row["method"] == "salun")})
    with pytest.raises(NotMeasuredError, match="share no seed"):
        alone.difference("tow", _like("salun"), NEGGRAD)


def test_margins_need_one_row_a_seed() -> None:
    found = made_up_findings(change=lambda row: _diverged(row, "neggrad", 2), seeds=4)
    margins = found.margins(forget_set="low", **NEGGRAD_ASAM)
    assert margins.shape == (4, 40)
    assert np.isnan(margins).all(axis=1).tolist() == [False, False, True, False]
    with pytest.raises(ValueError, match="one row a seed"):
        found.margins(**NEGGRAD_ASAM)


def test_picking_the_best_rival_widens_the_interval(usual: Ledger) -> None:
    rows = {row.name: row for row in usual.rows}
    low, high = rows["sharp-minmax-best-of-all"].interval or (0, 0)
    assert "best of the 21 others" in rows["sharp-minmax-best-of-all"].remark
    simple = rows["sharp-minmax-beats-neggrad-asam"].interval or (0, 0)
    assert high - low > 1.2 * (simple[1] - simple[0])


def test_ledger_can_be_kept_and_read(usual: Ledger) -> None:
    rows = json.loads(usual.to_json())
    assert [row["name"] for row in rows] == NAMES
    assert all(row["n_runs"] > 0 and row["details"] and row["endings"] == {"finished": 1.0} for row in rows)
    assert all(any(label.startswith("forget accuracy, ") for label in row["details"]) for row in rows)
    assert set(usual.pictures) == set(NAMES)
    ET.fromstring(page(_first_of_each_group(usual)).removeprefix("<!DOCTYPE html>\n"))


def _first_of_each_group(ledger: Ledger) -> Ledger:
    """Claims of a group are drawn alike, and a drawing is dear."""
    first = {row.number: row for row in reversed(ledger.rows)}
    return replace(ledger, rows=tuple(row for row in ledger.rows if first[row.number] is row))


def test_the_same_findings_give_the_same_bytes(usual: Ledger) -> None:
    assert _ledger(made_up_findings()).to_json() == usual.to_json()


@pytest.mark.parametrize("claim", all_claims(), ids=NAMES)
def test_preregistration_is_complete(claim) -> None:
    words = ("title", "source", "statement", "effect", "refuted_if", "experiment", "stopping_rule", "statistic")
    assert all(getattr(claim, word).strip() for word in words)
    assert re.search(r"\[[SMDN]|[Nn]ot a claim", claim.source), "a source says how well it is known"
    assert "scale" in claim.experiment
    for part in claim.statement.split(r",\quad "):
        assert formula_svg(part).startswith("<?xml")


def test_names_and_numbers_choose_claims() -> None:
    assert [claim.name for claim in find_claims(["asam-disentangles"])] == ["asam-disentangles"]
    assert {claim.number for claim in find_claims(["3", "asam-disentangles"])} == {3, 5}
    with pytest.raises(ValueError, match="`claims`"):
        find_claims(["sam-disentangles"])
