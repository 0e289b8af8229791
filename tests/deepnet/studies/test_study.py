"""A whole study: every row, killed and resumed, with bad files, and what is kept of it."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.sharpness import asam  # noqa: E402
from deepnet.learning.task import Task  # noqa: E402
from deepnet.methods import GradientAscent, Method  # noqa: E402
from deepnet.networks import weights  # noqa: E402
from deepnet.studies.running import runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Run, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Unlearner  # noqa: E402
from tests.deepnet.small_study import numbers, process, run_small, small_study  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def finished(small_study_folder: Path) -> Path:
    return small_study_folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_every_run_has_a_row(finished: Path) -> None:
    rows = numbers(finished)
    found = {(row["method"], row["optimizer"], row["seed"]) for row in rows}
    methods = [
        ("pretrained", "sgd"), ("retrain", "sgd"), ("finetune", "sgd"), ("neggrad", "sgd"), ("neggrad", "asam-0.5"),
        ("sharp-minmax", "asam-0.5"),
    ]  # fmt: skip
    assert found == {(*method, seed) for method in methods for seed in (0, 1)}
    assert len(rows) == len(found)


def test_rows_have_what_users_read(finished: Path) -> None:
    columns = {
        "method", "pretrain", "optimizer", "forget_set", "seed", "retain_accuracy", "forget_accuracy",
        "test_accuracy", "tow", "tow_signed", "mia", "entanglement", "klom", "relearn", "seconds", "config",
        "versions", "hardware",
    }  # fmt: skip
    for line in (finished / "results.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert columns <= set(row)
        assert 0 <= row["tow"] <= 1


def test_retrained_model_scores_one_against_itself(finished: Path) -> None:
    rows = [row for row in numbers(finished) if row["method"] == "retrain"]
    assert [row["tow"] for row in rows] == [1.0, 1.0]
    assert [row["mia_gap"] for row in rows] == [0.0, 0.0]
    assert [row["klom"] for row in rows] == [0.0, 0.0]
    assert all(row["tow_other_seeds"] < 1 for row in rows)


def test_second_run_changes_nothing_and_trains_nothing(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (copy / "results.jsonl").read_bytes()
    monkeypatch.setattr("deepnet.studies.stages.apply", lambda *_, **__: pytest.fail("trained again"))
    run_small(copy)
    assert (copy / "results.jsonl").read_bytes() == before


def test_a_change_makes_anew_only_what_it_concerns(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real = [], Stages._train

    def counted(self: Stages, config: dict, run: Run, *rest: object) -> dict:
        made.append(run.label)
        return real(self, config, run, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Stages, "_train", counted)
    study = small_study()
    changed = replace(study.unlearners[0], training=replace(study.unlearners[0].training, batch_size=50))
    run_small(copy, replace(study, unlearners=(changed, *study.unlearners[1:])))
    assert len(made) == 2
    assert all("finetune" in label for label in made)


@pytest.mark.parametrize("enough", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_it_ends_with_the_same_bits(enough: int, finished: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.deepnet.small_study"])
    moments, folder, kills = random.Random(0), tmp_path / "killed", 0
    for _ in range(200):
        child = context.Process(target=process, args=(str(folder),))
        child.start()
        child.join(moments.uniform(0.05, 0.6) if kills < enough else None)
        if child.is_alive():
            child.kill()
            child.join()
            kills += 1
        elif kills >= enough:
            break
        else:  # it finished between two kills: begin again, and go on killing
            assert child.exitcode == 0
            assert numbers(folder) == numbers(finished)
            shutil.rmtree(folder)
        time.sleep(0.01)
    assert kills >= enough
    assert child.exitcode == 0
    assert numbers(folder) == numbers(finished)
    _same_models(folder, finished)


def _same_models(one: Path, other: Path) -> None:
    names = sorted(path.name for path in (other / "models").glob("*.safetensors"))
    assert names == sorted(path.name for path in (one / "models").glob("*.safetensors"))
    for name in names:
        mine, theirs = weights.read(one / "models" / name)[0], weights.read(other / "models" / name)[0]
        assert all(torch.equal(mine[key], theirs[key]) for key in theirs)


def test_a_run_that_diverges_is_a_row_and_stops_no_other(tmp_path: Path) -> None:
    study = small_study()
    wild = replace(study.pretrain, descent=replace(study.pretrain.descent, lr=1e30))
    bad = Unlearner(method=GradientAscent(), training=wild)
    study = replace(study, unlearners=(bad, study.unlearners[0]), seeds=(0,))
    summary = run_small(tmp_path / "wild", study)
    rows = {row["method"]: row for row in summary.rows}
    assert rows["ascent"]["status"] == "diverged"
    assert "lr" in rows["ascent"]["reason"]
    assert rows["finetune"]["status"] == "finished"
    assert rows["finetune"]["tow"] is not None
    assert len(summary.diverged) == 1


def test_finite_weights_that_say_nothing_finite_are_a_row_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Stages._train

    def blown_up(self: Stages, config: dict, run: Run, method: Method, task: Task) -> dict:
        record = real(self, config, run, method, task)
        if method.name == "ascent":
            with torch.no_grad():
                task.model.head.weight.fill_(3e38)
        return record

    monkeypatch.setattr(Stages, "_train", blown_up)
    study = small_study()
    bad = Unlearner(method=GradientAscent(), training=study.unlearners[0].training)
    study = replace(study, unlearners=(bad, study.unlearners[0]), seeds=(0,))
    rows = {row["method"]: row for row in run_small(tmp_path / "huge", study).rows}
    assert rows["ascent"]["status"] == "diverged"
    assert "logits" in rows["ascent"]["reason"]
    assert rows["finetune"]["status"] == "finished"


def test_full_disk_keeps_finished_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, real, left = tmp_path / "full", weights.save_file, [3]

    def full(*args: object, **kwargs: object) -> None:
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        real(*args, **kwargs)

    study = replace(small_study(), seeds=(0,))
    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        run_small(folder, study)
    kept = sorted((folder / "models").iterdir())
    assert len(kept) == 3
    assert all(path.suffix == ".safetensors" for path in kept)
    monkeypatch.setattr(weights, "save_file", real)
    run_small(folder, study)
    assert len(numbers(folder)) == 6


def test_model_of_another_configuration_is_refused(copy: Path) -> None:
    study = small_study()
    store = Store(copy)
    stages = Stages(study, store, Execution())
    first = runs_of(study)[0][0]
    path = store.path("models", stages.config(first), ".safetensors")
    tensors, about = weights.read(path)
    about["config"]["seed"] = 99
    weights.write(path, tensors, about)
    with pytest.raises(ValueError, match=r"another configuration"):
        stages.finished(first)


@pytest.mark.parametrize("kind", ["models", "rows"])
def test_damaged_results_are_named(copy: Path, kind: str) -> None:
    for path in (copy / "rows").iterdir() if kind == "models" else ():
        path.unlink()
    for path in (copy / kind).iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=kind):
        run_small(copy)


def test_pickled_checkpoint_is_not_opened(copy: Path) -> None:
    for path in (copy / "rows").iterdir():
        path.unlink()
    for path in (copy / "models").iterdir():
        torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match="Pickled checkpoints are not opened"):
        run_small(copy)


def test_study_is_described_beside_its_results(finished: Path) -> None:
    described = json.loads((finished / "study.json").read_text(encoding="utf-8"))
    assert described["unlearners"][1]["method"] == {"name": "neggrad", "alpha": 0.9}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seeds": ()}, "seeds"), ({"seeds": (0, 0)}, "seeds"), ({"seeds": (-1,)}, "seeds"), ({"forget": ()}, "forget"),
        ({"name": "a/b"}, "name"), ({"val_fraction": 1.0}, "val_fraction"), ({"split_seed": -1}, "split_seed"),
        ({"unlearners": (Unlearner(), Unlearner())}, "variant"),
    ],
)  # fmt: skip
def test_bad_studies_are_refused(change: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(small_study(), **change)


def test_what_is_maximised_is_left_to_methods() -> None:
    sharper = (replace(asam(0.5), goal="max"),)
    with pytest.raises(ValueError, match="`sharpness`"):
        Unlearner(sharpness=sharper)
    with pytest.raises(ValueError, match="`pretrain_sharpness`"):
        replace(small_study(), pretrain_sharpness=sharper)
