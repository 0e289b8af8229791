"""Where published numbers come from, and what is not told of the machine."""

import json
from pathlib import Path

import pytest

from deepnet.house.identity import as_json
from deepnet.publishing import provenance as provenance_module
from tests.deepnet.made_up_confirmation import CHOSEN, STUDIES
from tests.deepnet.publishing.published_rows import Usual


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


def test_no_folder_of_this_machine_is_told(usual: Usual) -> None:
    texts = [path.read_text(encoding="utf-8") for path in usual.published.folder.iterdir()]
    assert not any(str(usual.results.parent) in text or str(Path.home()) + "/" in text for text in texts)


def test_the_commit_is_that_of_this_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = provenance_module.commit()
    assert found is None or len(found) == 40
    monkeypatch.setattr(provenance_module, "__file__", str(tmp_path / "a" / "b" / "provenance.py"))
    assert provenance_module.commit() is None
