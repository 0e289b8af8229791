"""Which precision a study is computed in: that of its device, or that in which it was begun; never two in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.house.identity import as_json, key_of  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.studies.measuring.measurement import measurement_key  # noqa: E402
from deepnet.studies.planning.precision import in_precision, on_device, precisions_of, used_in  # noqa: E402
from deepnet.studies.presets import preset  # noqa: E402
from deepnet.studies.running import run_study, runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Study  # noqa: E402
from tests.deepnet.small_study import small_study  # noqa: E402

CUDA = torch.device("cuda")


def keys(study: Study, folder: Path) -> list[str]:
    stages = Stages(study, Store(folder), Execution())
    runs = [run for group in runs_of(study) for run in group]
    return [key_of(made) for run in runs for made in (stages.config(run), measurement_key(stages, run))]


def test_what_auto_is_belongs_to_the_key(tmp_path: Path) -> None:
    plain = small_study()
    assert keys(in_precision(plain, "auto"), tmp_path) == keys(plain, tmp_path)  # on a CPU
    assert set(keys(on_device(in_precision(plain, "auto"), CUDA), tmp_path)).isdisjoint(keys(plain, tmp_path))
    assert set(precisions_of(on_device(preset("cifar10-resnet50"), CUDA))) == {"float16"}


def test_one_word_sets_the_precision_of_every_training() -> None:
    study = replace(small_study(), retrain=Training())
    changed = in_precision(study, "bfloat16")
    assert len(precisions_of(changed)) == 6  # pretraining, retraining, three methods, the attack
    assert set(precisions_of(changed)) == {"bfloat16"}
    assert json.dumps(as_json(changed)).count("float32") == 0
    with pytest.raises(ValueError, match="`precision` must be one of"):
        in_precision(study, "half")  # type: ignore[arg-type]


def test_a_study_goes_on_in_the_precision_in_which_it_was_begun(tmp_path: Path) -> None:
    """As one that was begun on a GPU, and travelled."""
    begun = in_precision(small_study(), "auto")
    (tmp_path / "study.json").write_text(json.dumps(as_json(on_device(begun, CUDA))))
    assert set(precisions_of(used_in(begun, tmp_path))) == {"float16"}
    assert set(precisions_of(used_in(begun, tmp_path / "none", tmp_path))) == {"float16"}
    assert used_in(begun, tmp_path / "none") == begun
    assert used_in(small_study(), tmp_path) == small_study()  # what was asked for stays
    (tmp_path / "study.json").write_text("{")
    assert used_in(begun, tmp_path) == begun


def test_a_study_records_what_auto_was(tmp_path: Path) -> None:
    study = replace(in_precision(small_study(), "auto"), unlearners=(), seeds=(0,))
    off = Evaluation(shadow=0, entangled=0, relearning=None)
    run_study(replace(study, evaluation=off), tmp_path, Execution())
    assert json.loads((tmp_path / "study.json").read_text())["pretrain"]["precision"] == "float32"
    run_study(
        replace(study, evaluation=off, pretrain=replace(study.pretrain, precision="bfloat16")), tmp_path, Execution()
    )
    again = run_study(replace(study, evaluation=off), tmp_path, Execution())  # the same study, as far as it says
    assert {row["config"]["training"]["precision"] for row in again.rows} == {"bfloat16"}


def test_references_of_another_precision_are_measured_in_that_of_pretraining(tmp_path: Path) -> None:
    usual, found = replace(small_study(), retrain=Training(precision="float32")), []
    for word in ("float32", "bfloat16"):
        stages = Stages(replace(usual, pretrain=replace(usual.pretrain, precision=word)), Store(tmp_path), Execution())
        reference = next(run for run in runs_of(stages.study)[0] if run.unlearner)
        found.append([key_of(made) for made in (stages.config(reference), measurement_key(stages, reference))])
    assert found[0][0] == found[1][0]  # the same model
    assert found[0][1] != found[1][1]
