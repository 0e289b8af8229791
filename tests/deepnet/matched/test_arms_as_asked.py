"""Arms with a quirk, requests other than samples, and sharpness on the way through pretraining."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from deepnet.house.identity import key_of
from deepnet.house.quirks import UNLEARNING_QUIRKS
from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import asam, sgd
from deepnet.learning.training import Training
from deepnet.matched.presets import matched_preset
from deepnet.matched.replicate import RADIUS, Replicate, Still
from deepnet.matched.running import MatchedWork, wanted
from deepnet.matched.study import Arm, Flatness, MatchedStudy, Watching
from deepnet.matched.unlearning import arm_config
from deepnet.matched.watched.looking import Sight, look_at
from deepnet.methods import NegGrad, Scrub, SharpMinMax
from deepnet.studies.compat import with_quirks
from deepnet.studies.measuring.flatness import adaptive_sharpness, mean_loss
from deepnet.studies.runs import Run
from deepnet.studies.stages import Execution, Stages
from deepnet.studies.study import Study, Unlearner
from tests.deepnet.matched.small_matched import run_small, small_matched

MINMAX = Arm(name="minmax", method=SharpMinMax(alpha=0.5, fraction=0.3), forget="random", lr=0.05, unlearning=asam(0.5))
SCRUB = Arm(name="scrub", method=Scrub(ascent_epochs=1), forget="random", lr=0.02)


LONGER = Training(epochs=25, batch_size=50, descent=Descent(lr=0.2, schedule="cosine"))
"""Enough for the small network to learn wrong labels by heart."""


def replicate_of(study: MatchedStudy, folder: Path) -> Replicate:
    return MatchedWork(study, folder, "rows.jsonl").replicate(0)


def unwatched(replicate: Replicate, arm: Arm) -> dict[str, float]:
    """Losses that the same arm ends with as a study of `deepnet.studies`, which knows nothing of stops."""
    how = Unlearner(method=arm.method, training=replicate.matched.training(arm), sharpness=(arm.unlearning,))
    study: Study = replace(replicate.study, unlearners=(how,))
    study = with_quirks(study, [arm.quirk] if arm.quirk else [])
    stages = Stages(study, replicate.store, Execution())
    stages.dataset = replicate.dataset
    (unlearner,) = study.unlearners
    run = Run(study.forget[0], 0, arm.pretraining, unlearner, unlearner.sharpness[0])
    model = stages.finished(run).model
    return {name: look_at(model, sight).loss for name, sight in replicate.sets("random").by_name.items()}


@pytest.fixture(scope="module")
def quirky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MatchedStudy, dict[str, dict[str, Any]]]:
    """Each quirk on the arm that it touches, to the last epoch."""
    arms = [MINMAX, SCRUB]
    arms += [
        replace(SCRUB if name == "scrub_epoch" else MINMAX, name=name, quirk=name, lr=1e-3 if name == "adamw" else 0.05)
        for name in UNLEARNING_QUIRKS
    ]
    # thirty images to forget, in batches of a quarter of the others': an epoch meets them more than once
    study = small_matched(
        arms=tuple(arms),
        watching=Watching(epochs=(3,), stops=("loss",)),
        unlearn=Training(epochs=3, batch_size=20, descent=Descent(lr=0.02)),
        ceiling=False,
    )
    folder = tmp_path_factory.mktemp("quirky")
    rows = {row["arm"]: row for row in run_small(folder, study) if row["kind"] == "trajectory"}
    return folder, study, rows


@pytest.mark.parametrize("name", ["minmax", "scrub", *UNLEARNING_QUIRKS])
def test_an_arm_with_a_quirk_ends_as_the_study_with_it(
    name: str, quirky: tuple[Path, MatchedStudy, dict[str, dict[str, Any]]]
) -> None:
    folder, study, rows = quirky
    replicate = replicate_of(study, folder)
    arm = next(arm for arm in study.arms if arm.name == name)
    expected = unwatched(replicate, arm)
    for part, loss in expected.items():
        assert rows[name]["last"][f"{part}_loss"] == pytest.approx(loss, rel=6e-5, abs=6e-5), part
    assert rows[name].get("quirk", "") == arm.quirk


def test_every_quirk_changes_what_its_arm_ends_with(
    quirky: tuple[Path, MatchedStudy, dict[str, dict[str, Any]]],
) -> None:
    _, _, rows = quirky
    for name in UNLEARNING_QUIRKS:
        usual = rows["scrub" if name == "scrub_epoch" else "minmax"]["last"]
        assert any(usual[part] != rows[name]["last"][part] for part in ("retain_loss", "forget_loss")), name


def test_a_quirk_is_one_of_unlearning() -> None:
    with pytest.raises(ValueError, match="`quirk`"):
        Arm(name="a", quirk="signed_tow")


def test_arms_without_a_quirk_keep_their_keys(tmp_path: Path) -> None:
    """What is kept under a key stays what it was before there were quirks."""
    replicate = replicate_of(small_matched(arms=(MINMAX,)), tmp_path)
    config = arm_config(replicate, MINMAX)
    assert "quirk" not in config
    assert key_of(arm_config(replicate, replace(MINMAX, quirk="max_leak"))) != key_of(config)


# --- requests ------------------------------------------------------------------------------------------


def test_wrong_labels_are_learned_and_forgotten_by_what_was_never_taught_them(tmp_path: Path) -> None:
    arm = Arm(name="neggrad", method=NegGrad(alpha=0.5), forget="random", lr=0.1)
    rows = run_small(tmp_path, small_matched(arms=(arm,), request="labels", pretrain=LONGER))
    start, reference = (next(row["numbers"] for row in rows if row["kind"] == kind) for kind in _KINDS)
    assert start["forget_accuracy"] > 0.6
    assert reference["forget_accuracy"] < 0.2
    (row,) = [row for row in rows if row["kind"] == "trajectory"]
    stop = row["stops"]["loss"]
    assert stop["bound"] == pytest.approx(reference["forget_loss"], rel=1e-4)
    assert stop["forget_loss"] >= stop["bound"]


_KINDS = ("pretrained", "retrained")


def test_another_request_is_another_study(tmp_path: Path) -> None:
    keys = [
        {key_of(config) for config in wanted(replicate_of(small_matched(request=request), tmp_path)).values()}
        for request in ("samples", "labels", "feature", "backdoor")
    ]
    assert len(set.union(*keys)) == sum(map(len, keys))


def test_what_was_corrected_is_retained_by_the_reference(tmp_path: Path) -> None:
    replicate = replicate_of(small_matched(request="labels", pretrain=LONGER), tmp_path)
    dataset, split = replicate.data(replicate.matched.forget[0])
    wrong, right = dataset.train.labels[split.forget], dataset.train.labels[split.corrected]
    assert (wrong == (right + 1) % 10).all()
    model = replicate.finished(replicate.run(Still("retrained", "random", sgd()))).model
    corrected = look_at(model, Sight(dataset.train, split.corrected))
    assert corrected.accuracy > 0.9


# --- sharpness on the way ------------------------------------------------------------------------------


def test_sharpness_is_that_of_the_first_step_below_the_loss(tmp_path: Path) -> None:
    """A loop that makes the network anew for each length of training, and looks at its end."""
    flatness = Flatness(loss=1.5, images=40)
    study = small_matched(flatness=flatness, arms=small_matched().arms[:1], ceiling=False)
    rows = run_small(tmp_path, study)
    numbers = next(row["numbers"] for row in rows if row["kind"] == "pretrained")
    replicate = replicate_of(study, tmp_path)
    dataset, split = replicate.data(study.forget[0])
    batches = list(Sight(dataset.train, split.pretrain).at_most(40, "flatness").chunks)
    losses: list[float] = []
    found: list[float] = []

    class Loop:
        """Notes the loss at each step, and the sharpness at the first below the bound."""

        def __init__(self, model: Any) -> None:
            self.model = model

        def look(self, step: int, epochs: int) -> bool:
            losses.append(mean_loss(self.model, batches))
            if losses[-1] <= flatness.loss and not found:
                found.extend([step, adaptive_sharpness(self.model, batches, rho=RADIUS)])
            return False

        def noted(self) -> None:
            return None

    class Watched(Replicate):
        def watcher(self, run: Run, task: Any) -> Any:
            return Loop(task.model)

    other = Watched(study, 0, MatchedWork(study, tmp_path / "other", "rows.jsonl").store, Execution(), replicate.whole)
    other.finished(other.run(Still("pretrained", "random", sgd())))
    assert losses[0] > flatness.loss > losses[-1]
    assert [numbers["step_at_loss"], numbers["rise_at_loss"]] == found
    assert found[0] > 0


def test_a_network_that_nobody_watched_is_made_once_more(tmp_path: Path) -> None:
    plain = small_matched(arms=small_matched().arms[:1], ceiling=False)
    asked = replace(plain, flatness=Flatness(loss=1.5, images=40))
    run = Still("pretrained", "random", sgd())
    first = replicate_of(plain, tmp_path)
    before = first.finished(first.run(run))
    assert "watched" not in before.history
    again = replicate_of(asked, tmp_path)
    after = again.watched(again.run(run))
    assert after.history["watched"]["step"] > 0
    for name, value in before.model.state_dict().items():
        assert value.equal(after.model.state_dict()[name]), name


def test_only_pretrained_networks_are_watched(tmp_path: Path) -> None:
    study = small_matched(flatness=Flatness(loss=1.5, images=40), ceiling=False)
    rows = run_small(tmp_path, study)
    assert {row["kind"] for row in rows if "rise_at_loss" in row.get("numbers", {})} == {"pretrained"}
    at_loss = {row["optimizer"]: row["numbers"]["rise_at_loss"] for row in rows if row["kind"] == "pretrained"}
    assert len(set(at_loss.values())) == 2


def test_a_loss_that_is_never_reached_leaves_no_number(tmp_path: Path) -> None:
    study = small_matched(flatness=Flatness(loss=1e-9, images=40), arms=small_matched().arms[:1], ceiling=False)
    (numbers,) = [row["numbers"] for row in run_small(tmp_path, study) if row["kind"] == "pretrained"]
    assert (numbers["rise_at_loss"], numbers["step_at_loss"]) == (None, None)


@pytest.mark.parametrize(("field", "value"), [("loss", 0.0), ("images", 0), ("every", 0)])
def test_bad_fields_are_named(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        Flatness(**{"loss": 0.5} | {field: value})  # type: ignore[arg-type]


# --- presets -------------------------------------------------------------------------------------------


def test_quirks_are_looked_at_in_the_arm_that_they_touch() -> None:
    arms = {arm.name: arm for arm in matched_preset("digits").arms}
    of_quirks = [arm for arm in arms.values() if arm.quirk]
    assert {arm.quirk for arm in of_quirks} == set(UNLEARNING_QUIRKS) - {"mask_polarity"}
    for arm in of_quirks:
        usual = arms["scrub-sgd-after-sgd" if arm.quirk == "scrub_epoch" else "minmax-asam-after-sgd"]
        assert replace(arm, quirk="", name=usual.name) == usual
        assert not arm.tuned


@pytest.mark.parametrize("request_", ["labels", "feature", "backdoor"])
def test_what_is_reverted_is_asked_of_digits_too(request_: str) -> None:
    study = matched_preset(f"digits-{request_}")
    assert study.request == request_
    assert {arm.forget for arm in study.arms} == {"random"}
    usual = {arm.name: arm for arm in matched_preset("digits").arms}
    for arm in study.arms:
        assert replace(arm, forget="high") == usual[arm.name]
