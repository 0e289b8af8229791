"""Pictures of the deep ledger's claims, and the effects behind them, on made-up findings."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch")

from deepnet.confirm.findings import Findings
from deepnet.confirm.groups import Group
from deepnet.confirm.paired_evidence import difference, doing_nothing, evidence, lead, mean
from deepnet.confirm.panels import bars, by_forget_set, panel

LABELS = ("sgd", "sam-0.1", "asam-0.5")
PLAIN, ASAM, BEFORE = Group("neggrad"), Group("neggrad", "ASAM"), Group("pretrained")
VALUES = {"sgd": [0.5, 0.6, 0.55, 0.58], "asam-0.5": [0.7, 0.75, 0.72, 0.8]}


def made_up() -> Findings:
    """NegGrad with two optimizers and the pretrained model, on two forget sets that differ by 0.1."""
    rows = []
    for forget_set, shift in (("high", 0.0), ("low", 0.1)):
        for how, numbers in VALUES.items():
            for seed, value in enumerate(numbers):
                rows.append(row("neggrad", how, forget_set, seed, value + shift))
        rows += [row("pretrained", "sgd", forget_set, seed, 0.3 + 0.01 * seed + shift) for seed in range(4)]
    return Findings({"main": rows}, LABELS, "made up")


def row(method: str, optimizer: str, forget_set: str, seed: int, value: float) -> dict[str, object]:
    about = {"method": method, "variant": "", "pretrain": "sgd", "optimizer": optimizer, "forget_set": forget_set}
    return about | {"seed": seed, "status": "finished", "tow": value, "forget_accuracy": 1 - value}


def student(values: object) -> tuple[float, float, float]:
    x = np.asarray(values)
    low, high = stats.t.interval(0.95, len(x) - 1, loc=x.mean(), scale=stats.sem(x))
    return float(x.mean()), float(low), float(high)


def numbers(how: str, shift: float) -> np.ndarray:
    return np.array(VALUES[how]) + shift


@pytest.mark.parametrize("made", [difference, lead])
def test_effects_are_the_first_group_less_the_second_paired_by_seed(made) -> None:
    found = made("tow", ASAM, PLAIN)(made_up())
    assert (found.value, *found.interval()) == pytest.approx(student(numbers("asam-0.5", 0) - numbers("sgd", 0)))
    assert found.degrees_of_freedom == 3
    assert made("forget_accuracy", ASAM, PLAIN)(made_up()).value == pytest.approx(-found.value)


def test_means_are_over_forget_sets_or_on_the_hardest() -> None:
    assert mean("tow", ASAM)(made_up()).value == pytest.approx(student(numbers("asam-0.5", 0.05))[0])
    assert mean("tow", ASAM, hardest=True)(made_up()).value == pytest.approx(student(numbers("asam-0.5", 0))[0])
    nothing = doing_nothing(ASAM)(made_up())  # the pretrained model less the method, on the hardest
    assert nothing.value == pytest.approx(np.mean([0.3, 0.31, 0.32, 0.33]) - np.mean(VALUES["asam-0.5"]))


def test_the_hardest_forget_set_is_the_most_memorized_where_there_is_one() -> None:
    for sets, expected in ((["high"], "high"), (["low", "high"], "high"), (["low"], None), (["random"], None)):
        found = Findings({"main": [row("neggrad", "sgd", name, 0, 0.5) for name in sets]}, LABELS, "made up")
        assert PLAIN.on_hardest(found).forget_set == expected


@pytest.mark.parametrize("column", ["tow", "tow_signed", "tow_other_seeds"])
def test_diverged_runs_are_worth_nothing_in_tug_of_war(column: str) -> None:
    lost = row("neggrad", "sgd", "high", 0, 0.5) | {"status": "diverged"}
    kept = row("neggrad", "sgd", "high", 1, 0.5) | {"tow_signed": 0.5, "tow_other_seeds": 0.5}
    found = Findings({"main": [lost, kept]}, LABELS, "made up")
    assert found.by_seed(column, method="neggrad", optimizer="sgd").tolist() == [0.0, 0.5]
    assert np.isnan(found.by_seed("forget_accuracy", method="neggrad", optimizer="sgd")[0])


def test_bars_have_their_means_and_intervals() -> None:
    picture = bars("tow", "tug of war", [PLAIN, ASAM])(made_up())
    (curve,) = picture.curves
    expected = np.array([student(numbers(how, 0.05)) for how in ("sgd", "asam-0.5")])
    np.testing.assert_allclose(np.stack([curve.y, curve.low, curve.high], 1), expected)
    assert curve.x.tolist() == [0, 1]
    assert [tick.replace("\n", " ") for tick in picture.ticks] == ["NegGrad SGD", "NegGrad ASAM"]
    assert (picture.x_label, picture.y_label, picture.y_log) == ("", "tug of war", False)


def test_forget_sets_are_series_beside_each_other() -> None:
    picture = by_forget_set("tow", "tug of war", [PLAIN, ASAM])(made_up())
    assert [curve.label for curve in picture.curves] == ["forget set high", "forget set low"]
    for number, curve in enumerate(picture.curves):
        means = [student(numbers(how, 0.1 * number))[0] for how in ("sgd", "asam-0.5")]
        np.testing.assert_allclose(curve.y, means)
        np.testing.assert_allclose(curve.x, np.arange(2) + 0.12 * (number - 0.5))


def test_what_was_not_run_leaves_a_gap() -> None:
    cells = {"a": {"here": mean("tow", PLAIN), "there": mean("tow", Group("scrub"))}, "b": {"there": mean("tow", ASAM)}}
    picture = panel("it", cells, y_log=True)(made_up())
    assert picture.ticks == ("here", "there")
    assert [np.isfinite(curve.y).tolist() for curve in picture.curves] == [[True, False], [False, True]]
    assert picture.y_log
    assert panel("it", {"a": {"there": mean("tow", Group("scrub"))}})(made_up()) is None


def test_evidence_has_the_raw_numbers_of_its_groups() -> None:
    found = evidence(
        made_up(), effect=lead("tow", ASAM, PLAIN), control=doing_nothing(ASAM), groups=[PLAIN, ASAM, BEFORE],
        more={"aside": mean("tow", BEFORE)}, remark="A remark.",
    )  # fmt: skip
    assert found.details["ToW, NegGrad ASAM"].value == pytest.approx(student(numbers("asam-0.5", 0.05))[0])
    assert found.details["forget accuracy, NegGrad SGD"].value == pytest.approx(1 - np.mean(numbers("sgd", 0.05)))
    assert found.details["aside"].value == pytest.approx(0.365)
    assert found.n_runs == 2 * 8 + 4  # pretrained models are shared by forget sets
    assert found.endings == {"finished": 1.0}
    assert found.remark == "Scale: made up. A remark."
