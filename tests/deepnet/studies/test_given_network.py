"""Studies of a network that was trained elsewhere: what pretraining gave is what the file gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from deepnet.house.identity import key_of
from deepnet.learning.sharpness import asam, sgd
from deepnet.studies.running import runs_of
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from tests.deepnet.small_study import numbers, run_small, small_study


def trained_in(folder: Path) -> Path:
    """The pretrained network of the first seed."""
    stages = Stages(small_study(), Store(folder), Execution())
    return stages.store.path("models", stages.config(runs_of(small_study())[0][0]), ".safetensors")


def begun(path: Path, **changes: Any) -> Study:
    """The small study without pretraining, cut short."""
    study = small_study()
    usual = {"seeds": (0,), "unlearners": study.unlearners[:1], "checkpoint": str(path)}
    return replace(study, **(usual | changes))


def compared(row: dict[str, Any]) -> dict[str, Any]:
    """What is measured of one seed alone."""
    return {name: value for name, value in row.items() if "klom" not in name and not name.endswith("other_seeds")}


def test_what_pretraining_gave_is_what_the_file_gives(small_study_folder: Path, tmp_path: Path) -> None:
    """The pretrained, retrained and unlearned rows of the study that had trained the network itself, to the bit."""
    run_small(tmp_path, begun(trained_in(small_study_folder)))
    before = {
        row["method"]: compared(row)
        for row in numbers(small_study_folder)
        if row["seed"] == 0 and row["method"] in ("pretrained", "retrain", "finetune")
    }
    rows = {row["method"]: compared(row) for row in numbers(tmp_path)}
    assert rows.keys() == before.keys()
    for method, row in rows.items():
        shared = row.keys() & before[method].keys()
        assert {"retain_accuracy", "forget_loss", "mia", "entanglement"} <= shared
        assert {name for name in shared if row[name] != before[method][name]} <= {"config", "version", "losses"}
    assert len(list((tmp_path / "models").iterdir())) == 2  # the given one is not kept again


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"request": "labels"}, "`checkpoint` must be left out where labels are to be forgotten"),
        ({"pretrain_sharpness": (sgd(), asam(0.5))}, "`pretrain_sharpness` must have one entry where a `checkpoint`"),
        ({"checkpoint": 3}, "`checkpoint`"),
    ],
)
def test_studies_that_need_a_pretraining_of_their_own(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        begun(Path("net.pt"), **changes)


def test_a_network_that_does_not_fit_is_said_before_the_first_model(tmp_path: Path) -> None:
    torch.save({"0.weight": torch.zeros(2, 2)}, tmp_path / "net.pt")
    with pytest.raises(ValueError, match=r"^Argument `checkpoint` must hold the weights of this network"):
        run_small(tmp_path / "study", begun(tmp_path / "net.pt"))
    assert list((tmp_path / "study" / "models").iterdir()) == []
    with pytest.raises(FileNotFoundError, match=r"^The checkpoint \S+nowhere\.pt does not exist\.$"):
        run_small(tmp_path / "study", begun(tmp_path / "nowhere.pt"))


def test_what_the_file_holds_decides_and_not_where_it_lies(tmp_path: Path) -> None:
    def key(text: str, place: str) -> str:
        (tmp_path / place).write_text(text)
        study = begun(tmp_path / place)
        stages = Stages(study, Store(tmp_path), Execution())
        return key_of(stages.config(runs_of(study)[1][-1]))

    assert key("weights", "here.pt") == key("weights", "there.pt") != key("others", "here.pt")
