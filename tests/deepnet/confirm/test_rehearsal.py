"""A confirmation in miniature: the whole grid, with next to no images, and nobody can take it for the real one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.cli import main  # noqa: E402
from deepnet.confirm import claims  # noqa: E402
from deepnet.confirm.confirmation import CONFIRMATIONS, confirmation, confirmed_in  # noqa: E402
from deepnet.confirm.confirming import findings_on_disk, run_confirmation  # noqa: E402
from deepnet.confirm.rehearsal import rehearsal  # noqa: E402
from deepnet.house.identity import key_of  # noqa: E402
from deepnet.studies.planning.precision import precisions_of  # noqa: E402
from deepnet.studies.running import runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Run, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from tests.deepnet.photographs import CLASSES, image_folder  # noqa: E402
from theory.ledger import run_claims  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # which would last beyond the test


def models(runs: list[list[Run]], forget_sets: int) -> set[tuple[str, ...]]:
    """What tells the models of one seed apart, over the first forget sets."""
    every = [run for group in runs for run in group]
    sets = list(dict.fromkeys(run.forget.label for run in every))[:forget_sets]
    return {(run.label,) for run in every if run.seed == 0 and run.forget.label in sets}


@pytest.mark.parametrize("name", CONFIRMATIONS)
def test_the_grid_is_the_same(name: str) -> None:
    real = confirmation(name, Path("anywhere"))
    small = rehearsal(real)
    assert list(small.studies()) == list(real.studies())
    for study in real.studies():
        whole, part = (models(runs_of(one.studies()[study]), 2) for one in (real, small))
        assert part == whole if study != "curvature" else part < whole, study


@pytest.mark.parametrize("name", CONFIRMATIONS)
def test_no_result_can_pass_for_a_real_one(name: str, tmp_path: Path) -> None:
    real = confirmation(name, Path("anywhere"))
    small = rehearsal(real)
    assert "REHEARSAL, the numbers mean nothing" in small.scale
    keys = []
    for one in (real, small):
        stages = [Stages(study, Store(tmp_path), Execution()) for study in one.studies().values()]
        keys.append({key_of(each.config(run)) for each in stages for runs in runs_of(each.study) for run in runs})
    assert keys[0].isdisjoint(keys[1])


def test_one_option_sets_the_precision_of_every_training() -> None:
    real = confirmation("cifar10-resnet50", Path("anywhere"))
    assert set(precisions_of(rehearsal(real).base)) == {"auto"}
    half = rehearsal(confirmed_in(real, "bfloat16"))
    assert {found for study in half.studies().values() for found in precisions_of(study)} == {"bfloat16"}
    with pytest.raises(ValueError, match="`precision` must be one of"):
        confirmed_in(real, "float8")  # type: ignore[arg-type]


def test_it_is_small() -> None:
    small = rehearsal(confirmation("cifar10-resnet50", Path("anywhere")))
    for study in small.studies().values():
        assert study.seeds == (0,)
        assert study.data.subset == study.data.test_subset == 60
        assert study.pretrain.epochs == 1
        assert all(one.training.epochs <= 1 for one in study.unlearners)
        assert study.memorization.models == 2


def test_it_ends_in_a_ledger_that_says_what_it_is(tmp_path: Path) -> None:
    """Two studies of the digits; the long test runs all of them."""
    chosen = rehearsal(confirmation("digits"))
    chosen = replace(chosen, base=replace(chosen.base, forget=chosen.base.forget[:1]))
    run_confirmation(chosen, tmp_path, Execution(), only=("mask", "selection"))
    findings = findings_on_disk(chosen, tmp_path)
    assert {name: len(rows) for name, rows in findings.rows.items()} == {"mask": 12, "selection": 6}
    assert all(row["status"] == "finished" for rows in findings.rows.values() for row in rows)
    every = claims.all_claims()
    ledger = run_claims(every, findings, rows=len(every), seed=0, budget="rehearsal", version="0")
    assert all("REHEARSAL" in row.remark for row in ledger.rows)
    assert {row.verdict for row in ledger.rows} <= {"inconclusive", "not run"}  # one seed has no interval


def test_from_the_terminal(tmp_path: Path) -> None:
    words = ["confirm", "--preset", "digits", "--rehearse", "--out", str(tmp_path), "--device", "cpu"]
    main([*words, "--only", "selection"])
    rows = json.loads((tmp_path / "digits-rehearsal" / "ledger.json").read_text(encoding="utf-8"))
    assert all("REHEARSAL" in row["remark"] for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "only"), [("cifar10-resnet18", ()), ("cifar10-resnet50", ("mask", "curvature"))])
def test_resnets_on_photographs_go_all_the_way(name: str, only: tuple[str, ...], tmp_path: Path) -> None:
    """Made-up photographs of the size of CIFAR's, in its classes: every study is run and judged, on one forget set."""
    root = image_folder(tmp_path / "images", CLASSES, size=(32, 32), train=8, test=8)
    chosen = rehearsal(confirmed_in(confirmation(name, root), "bfloat16"))
    chosen = replace(chosen, base=replace(chosen.base, forget=chosen.base.forget[:1]))
    run_confirmation(chosen, tmp_path / "out", Execution(), only=only)
    findings = findings_on_disk(chosen, tmp_path / "out")
    assert set(findings.rows) == set(only or chosen.studies())
    assert all(row["status"] == "finished" for rows in findings.rows.values() for row in rows)
    every = claims.all_claims()
    ledger = run_claims(every, findings, rows=len(every), seed=0, budget="rehearsal", version="0")
    assert len(ledger.rows) == len(every)
    assert all("REHEARSAL" in row.remark for row in ledger.rows)


@pytest.mark.slow
def test_resnet50_takes_float16_steps_with_sam(tmp_path: Path) -> None:
    """The number format of the real study; emulated here, so over two batches of four images."""
    root = image_folder(tmp_path / "images", CLASSES[:2], size=(32, 32), train=8, test=4)
    chosen = rehearsal(confirmation("cifar10-resnet50", root))
    base = replace(
        chosen.base,
        data=replace(chosen.base.data, subset=8, test_subset=4),
        forget=(replace(chosen.base.forget[0], kind="random", scores=None, size=2),),
        pretrain=replace(chosen.base.pretrain, batch_size=4),
        val_fraction=0.0,
    )
    stages = Stages(base, Store(tmp_path / "out"), Execution())
    plain, sam = runs_of(base)[0][:2]
    for run in (plain, sam):
        found = stages.finished(run)
        assert all(bool(weight.isfinite().all()) for weight in found.model.state_dict().values())
        assert found.history["losses"][0] > 0
