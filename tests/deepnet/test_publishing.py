"""Publishing a confirmation: every number against the rows, the same bytes, all or nothing, and what is refused."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch")

from deepnet.gallery import hang
from deepnet.identity import as_json
from deepnet.publishing import Published
from deepnet.publishing import provenance as provenance_module
from deepnet.publishing.reading import FILES
from deepnet.publishing.writing import publish
from tests.deepnet.made_up_confirmation import CHOSEN, FEW, STUDIES, write_results


@dataclass(frozen=True)
class Usual:
    """Results of all studies, and what was published of them."""

    results: Path
    rows: dict[str, list[dict[str, Any]]]
    published: Published


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Usual:
    folder = tmp_path_factory.mktemp("usual")
    results = folder / "results" / "digits"
    results.mkdir(parents=True)
    rows = write_results(results)
    return Usual(results, rows, Published(publish(CHOSEN, results, folder / "data" / "digits")))


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "digits"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "digits"


def _like(row: dict[str, Any], **where: Any) -> bool:
    return all(row[key] == value for key, value in where.items())


def _lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _student(values: list[float]) -> tuple[float, float, float]:
    x = np.array(values)
    reach = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean()), float(x.mean() - reach), float(x.mean() + reach)


def test_groups_are_means_of_the_rows(usual: Usual) -> None:
    rows = usual.rows
    names = ("forget_set", "request", "pretrain", "method", "variant", "optimizer")
    lines = _lines(usual.published.folder / "groups.csv")
    for line in lines:
        alike = [row for row in rows[line["study"]] if _like(row, **{name: line[name] for name in names})]
        assert len(alike) == int(line["runs"])
        assert line["diverged"] == "0"
        for column in ("tow", "retain_accuracy", "forget_accuracy", "test_accuracy", "mia_gap", "seconds"):
            values = [row[column] for row in alike]
            expected = _student(values) if len(values) > 1 else (values[0], np.nan, np.nan)
            found = [float(line[column + part] or "nan") for part in ("", "_low", "_high")]
            assert found == pytest.approx(list(expected), rel=1e-5, nan_ok=True)
            assert int(line[f"{column}_n"]) == len(values)
    groups = {tuple(row[name] for name in names) for row in rows["main"]}
    assert len(groups) == sum(line["study"] == "main" for line in lines)


def test_time_is_told_over_plain_neggrad(usual: Usual) -> None:
    rows, groups = usual.rows["main"], usual.published.study("main")
    where = {"forget_set": "low", "pretrain": "sam-0.1"}
    seconds = {
        optimizer: [row["seconds"] for row in rows if _like(row, method="neggrad", optimizer=optimizer, **where)]
        for optimizer in ("sgd", "asam-0.5")
    }
    ratios = [one / other for one, other in zip(seconds["asam-0.5"], seconds["sgd"], strict=True)]
    found = next(
        g
        for g in groups
        if (g.method, g.optimizer, g.forget_set, g.pretrain) == ("neggrad", "asam-0.5", *where.values())
    )
    mean = found.means["seconds_ratio"]
    assert (mean.value, mean.low, mean.high) == pytest.approx(_student(ratios), rel=1e-5)
    assert found.means["memory_ratio"].value is None


def test_curves_are_means_of_the_rows(usual: Usual) -> None:
    rows, curves = usual.rows["main"], usual.published.curves
    curve = next(
        c for c in curves if (c.method, c.optimizer, c.forget_set, c.pretrain) == ("neggrad", "sam-0.1", "high", "sgd")
    )
    alike = [
        row["relearn_curve"]
        for row in rows
        if _like(row, method="neggrad", optimizer="sam-0.1", forget_set="high", pretrain="sgd")
    ]
    expected = np.array([_student([one["accuracy"][place] for one in alike]) for place in range(3)])
    assert curve.steps == alike[0]["steps"]
    np.testing.assert_allclose(np.array([curve.accuracy, curve.low, curve.high], dtype=float).T, expected, atol=1e-3)
    assert curve.runs == len(alike) == 3


def test_contrasts_are_differences_of_the_rows(usual: Usual) -> None:
    rows = usual.rows
    contrasts = {(c.conclusion, c.quirk): c for c in usual.published.contrasts}

    def column(study: str, name: str, **where: str) -> np.ndarray:
        return np.array([row[name] for row in rows[study] if _like(row, forget_set="high", pretrain="sgd", **where)])

    def lead(study: str, name: str) -> np.ndarray:
        return column(study, name, method="neggrad", optimizer="asam-0.5") - column(
            study, name, method="neggrad", optimizer="sgd"
        )

    corrected = lead("main", "tow")
    for quirk, effects in {
        "": corrected,
        "mask_polarity": lead("quirk-mask_polarity", "tow"),
        "signed_tow": lead("main", "tow_signed"),
    }.items():
        found = contrasts["asam-improves-neggrad", quirk]
        assert (found.effect, found.low, found.high) == pytest.approx(_student(list(effects)), rel=1e-5)
        assert found.seeds == 3
        if quirk:
            change = (found.change, found.change_low, found.change_high)
            assert change == pytest.approx(_student(list(effects - corrected)), rel=1e-4, abs=1e-9)
    entropy = [
        [row["membership"]["m_entropy"] for row in rows["quirk-m_entropy"] if _like(row, method=method, optimizer=how)]
        for method, how in (("neggrad", "asam-0.5"), ("neggrad", "sgd"), ("retrain", "sgd"))
    ]
    asam, plain, retrained = map(np.array, entropy)
    nearer = np.abs(plain - retrained) - np.abs(asam - retrained)
    assert contrasts["asam-weakens-modified-entropy", "m_entropy"].effect == pytest.approx(nearer.mean(), rel=1e-5)
    assert ("asam-disentangles", "signed_tow") not in contrasts  # it concerns ToW alone
    assert {c.verdict for c in contrasts.values()} <= {"supported", "refuted", "inconclusive"}


def test_verdicts_of_contrasts_follow_planted_effects(digits: Path, target: Path) -> None:
    def planted(study: str, row: dict[str, Any]) -> dict[str, Any]:
        asam = row["optimizer"] == "asam-0.5" and row["method"] == "neggrad"
        gain = (-0.3 if study == "quirk-mask_polarity" else 0.3) if asam else 0.0
        return row | {"tow": 0.5 + gain + 0.001 * row["seed"] * asam}

    write_results(digits, planted)
    contrasts = {(c.conclusion, c.quirk): c for c in Published(publish(CHOSEN, digits, target)).contrasts}
    assert contrasts["asam-improves-neggrad", ""].verdict == "supported"
    assert contrasts["asam-improves-neggrad", "mask_polarity"].verdict == "refuted"
    tied = contrasts["asam-improves-sharp-minmax", ""]
    assert (tied.effect, tied.verdict) == (0.0, "inconclusive")


def test_diverged_runs_are_told_and_leave_no_interval(digits: Path, target: Path) -> None:
    lost = {"method": "neggrad", "optimizer": "sgd", "pretrain": "sgd", "forget_set": "high", "seed": 1}

    def diverging(study: str, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"status": "diverged", "reason": "not finite"} if study == "main" and _like(row, **lost) else row

    rows = write_results(digits, diverging)["main"]
    found = Published(publish(CHOSEN, digits, target))
    group = next(g for g in found.study("main") if all(getattr(g, key) == lost[key] for key in lost if key != "seed"))
    left = [row["tow"] for row in rows if _like(row, **lost | {"seed": row["seed"]}) and row["status"] == "finished"]
    assert (group.runs, group.diverged, group.means["tow"].n) == (3, 1, 2)
    assert group.means["tow"].value == pytest.approx(np.mean(left), rel=1e-5)
    assert (group.means["tow"].low, group.means["tow"].high) == (None, None)
    told = found.provenance["studies"]["main"]["diverged"]
    assert [(each["seed"], each["reason"]) for each in told] == [(1, "not finite")]


def test_geometry_is_that_of_the_rows(digits: Path, target: Path) -> None:
    rows = write_results(digits)["gallery"]
    rng = np.random.default_rng(0)
    arrays = {
        "landscape_a": np.linspace(-1, 1, 5), "landscape_b": np.linspace(-1, 1, 5),
        "landscape_retain": rng.uniform(size=(5, 5)), "landscape_forget": np.full((5, 5), np.inf),
        "map_before": rng.normal(size=(8, 2)), "map_after": rng.normal(size=(8, 2)),
        "map_labels": np.arange(8), "map_forgotten": np.arange(8) > 3,
    }  # fmt: skip
    hang(digits / "gallery", rows[-1], arrays)
    hang(digits / "gallery", rows[-1] | {"method": "scrub"}, arrays)  # left there by an older study
    found = Published(publish(CHOSEN, digits, target))
    assert [(each.part, each.method, each.seed) for each in found.surfaces] == [
        ("forget", rows[-1]["method"], 0), ("retain", rows[-1]["method"], 0),
    ]  # fmt: skip
    assert np.array(found.surfaces[1].loss) == pytest.approx(arrays["landscape_retain"], rel=1e-3)
    assert found.surfaces[0].loss[0][0] is None
    (movement,) = found.movements
    assert np.array(movement.after) == pytest.approx(arrays["map_after"], rel=1e-3)
    assert movement.forgotten == [0] * 4 + [1] * 4


def test_provenance_names_everything(usual: Usual) -> None:
    rows, found = usual.rows, usual.published.provenance
    assert found["not_run"] == ["curvature", "mask", "selection"]
    assert list(found["studies"]) == list(STUDIES)
    main = found["studies"]["main"]
    assert (main["seeds"], main["models"]) == ([0, 1, 2], len(rows["main"]))
    assert main["configuration"] == as_json(CHOSEN.studies()["main"])
    assert found["studies"]["quirk-m_entropy"]["quirks"] == ["m_entropy"]
    models = {json.dumps(row["config"]): row["seconds"] for each in rows.values() for row in each}
    assert found["models"] == len(models)
    assert found["training_seconds"] == pytest.approx(sum(models.values()), rel=1e-3)
    assert found["command"] == "python -m deepnet confirm --preset digits --seeds 3 --publish paper_figs/data/digits"
    assert found["hardware"] == [{"cores": 2, "device": "made up"}]


def test_the_same_results_give_the_same_bytes(usual: Usual, tmp_path: Path) -> None:
    first, second = usual.published.folder, publish(CHOSEN, usual.results, tmp_path / "again")
    assert _names(first) == sorted(FILES)
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert sum(path.stat().st_size for path in first.iterdir()) < 1.5e6


def test_no_folder_of_this_machine_is_told(usual: Usual) -> None:
    texts = [path.read_text(encoding="utf-8") for path in usual.published.folder.iterdir()]
    assert not any(str(usual.results.parent) in text or str(Path.home()) + "/" in text for text in texts)


@pytest.mark.parametrize("older", [True, False])
def test_a_failure_leaves_what_was_there(
    digits: Path, target: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    write_results(digits, studies=FEW)
    if older:
        publish(CHOSEN, digits, target)
        (target / "groups.csv").write_text("older")
    original = Path.write_text

    def full_disk(path: Path, text: str, **options: Any) -> int:
        if path.name == "contrasts.csv":
            raise OSError(28, "No space left on device")
        return original(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space left"):
        publish(CHOSEN, digits, target)
    assert _names(target.parent) == (["digits"] if older else [])
    assert not older or (target / "groups.csv").read_text() == "older"


def test_a_folder_that_cannot_take_its_place_leaves_the_older_one(
    digits: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_results(digits, studies=FEW)
    publish(CHOSEN, digits, target)
    original = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if path.name.endswith(".fresh"):
            raise OSError(13, "Permission denied")
        return original(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="Permission denied"):
        publish(CHOSEN, digits, target)
    assert _names(target.parent) == ["digits"]
    assert _names(target) == sorted(FILES)


def test_unfinished_studies_are_refused_by_name(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    (digits / "alpha" / "results.jsonl").unlink()
    with pytest.raises(ValueError, match=r"unfinished studies \(alpha\): run `.* --only alpha`"):
        publish(CHOSEN, digits, target)
    assert not target.exists()


def test_rows_of_another_configuration_are_refused(digits: Path, target: Path) -> None:
    def other(study: str, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"split_seed": 7} if study == "alpha" else row

    write_results(digits, other, FEW)
    with pytest.raises(ValueError, match=r"study alpha in .* was run with another configuration"):
        publish(CHOSEN, digits, target)


def test_tables_with_lost_or_damaged_rows_are_refused(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    path = digits / "alpha" / "results.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match=rf"has {len(lines) - 1} rows, but the study {len(lines)} models: run"):
        publish(CHOSEN, digits, target)
    path.write_text("".join(lines)[:-9])
    with pytest.raises(ValueError, match=r"alpha/results.jsonl is damaged .*--only alpha"):
        publish(CHOSEN, digits, target)


def test_nothing_run_and_no_ledger_are_refused(digits: Path, target: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No study was run in .* run `python -m deepnet confirm"):
        publish(CHOSEN, digits, target)
    write_results(digits, studies=FEW)
    (digits / "ledger.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"ledger.json is missing: run `.* --ledger-only`"):
        publish(CHOSEN, digits, target)


def test_other_peoples_files_are_not_replaced(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    target.mkdir(parents=True)
    (target / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match=r"thesis\.tex was not published and would be lost"):
        publish(CHOSEN, digits, target)
    assert (target / "thesis.tex").exists()


def test_reading_says_what_is_missing_or_damaged(digits: Path, target: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"groups.csv is missing: run `python -m deepnet confirm --preset digits"
    ):
        _ = Published(target).groups
    write_results(digits, studies=FEW)
    publish(CHOSEN, digits, target)
    (target / "groups.csv").write_text("study\nmain\n")
    (target / "curves.jsonl").write_text('{"study": "main"}\n')
    for part in ("groups", "curves"):
        with pytest.raises(ValueError, match=rf"{part}\.\w+ is damaged"):
            getattr(Published(target), part)


def test_the_commit_is_that_of_this_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = provenance_module.commit()
    assert found is None or len(found) == 40
    monkeypatch.setattr(provenance_module, "__file__", str(tmp_path / "a" / "b" / "provenance.py"))
    assert provenance_module.commit() is None


def test_a_comparison_of_scores_is_published_where_there_is_one(digits: Path, target: Path) -> None:
    write_results(digits, studies=FEW)
    assert Published(publish(CHOSEN, digits, target)).scores is None
    (digits / "scores.json").write_text('{"correlation": {"value": 0.5, "interval": [0.4, 0.6]}}')
    assert Published(publish(CHOSEN, digits, target)).scores == {"correlation": {"value": 0.5, "interval": [0.4, 0.6]}}
    (digits / "scores.json").write_text("{")
    with pytest.raises(ValueError, match=r"scores.json is damaged .*run `python -m deepnet scores --preset digits"):
        publish(CHOSEN, digits, target)
