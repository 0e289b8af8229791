"""A replicate's number decides its images, splits, forget sets, weights and batches; references are its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from deepnet.data.images import StreamedImages
from deepnet.data.splits import ForgetSet
from deepnet.learning.sharpness import asam, sgd
from deepnet.matched.arms import ALPHAS
from deepnet.matched.presets import PRESETS, matched_preset
from deepnet.matched.replicate import AGAIN, Replicate, Still, drawn
from deepnet.matched.running import MatchedWork, wanted
from deepnet.matched.study import RESERVED, Arm, MatchedStudy, Watching
from deepnet.methods import Retrain, SharpMinMax
from tests.deepnet.made_up_matched import ARMS
from tests.deepnet.matched.small_matched import small_matched
from tests.deepnet.oracles import small_dataset


def replicates(study: MatchedStudy, folder: Path, *numbers: int) -> list[Replicate]:
    work = MatchedWork(study, folder, "rows.jsonl")
    return [work.replicate(number) for number in numbers]


def rows_of(replicate: Replicate, label: str) -> dict[str, set[int]]:
    _, split = replicate.data(replicate.matched.forget_set(label))
    return {name: set(getattr(split, name).tolist()) for name in ("retain", "forget", "val")}


def test_random_sets_and_splits_are_drawn_anew(tmp_path: Path) -> None:
    zero, one = (rows_of(each, "random") for each in replicates(small_matched(), tmp_path, 0, 1))
    for name in ("retain", "forget", "val"):
        assert zero[name] != one[name]
    assert rows_of(replicates(small_matched(), tmp_path, 1)[0], "random") == one


def test_sets_by_score_are_the_highest_of_the_images_that_are_not_validated_on(tmp_path: Path) -> None:
    """Scores are the rows themselves: the split takes out some of the last, and the next take their places."""
    scores = tmp_path / "scores.npy"
    np.save(scores, np.arange(1438.0))
    study = small_matched(
        forget=(ForgetSet(kind="high", size=20, scores=str(scores)),), arms=(Arm(name="neggrad", forget="high"),)
    )
    found = [rows_of(each, "high") for each in replicates(study, tmp_path, 0, 1, 2)]
    for rows in found:
        assert rows["forget"] == set(sorted(set(range(300)) - rows["val"])[-20:])
    assert len({frozenset(rows["forget"]) for rows in found}) == 3


def test_images_are_drawn_anew_equally_many_of_each_class() -> None:
    whole = small_dataset(60)
    zero, one = drawn(whole, 30, 0), drawn(whole, 30, 1)
    assert zero.train.labels.bincount().tolist() == [10, 10, 10]
    assert not torch.equal(zero.train.pixels, one.train.pixels)
    assert torch.equal(drawn(whole, 30, 1).train.pixels, one.train.pixels)
    assert zero.test is whole.test
    assert drawn(whole, None, 5) is whole


def test_scores_follow_the_images_that_are_drawn(tmp_path: Path) -> None:
    scores = tmp_path / "scores.npy"
    np.save(scores, np.arange(1438.0))
    (replicate,) = replicates(small_matched(images=50), tmp_path, 3)
    whole = replicate.whole
    rows = [
        int((whole.train.pixels == pixels).flatten(1).all(1).nonzero()[0]) for pixels in replicate.dataset.train.pixels
    ]
    assert len(replicate.dataset.train) == 50
    assert replicate.dataset.scores(str(scores)).tolist() == whole.scores(str(scores))[rows].tolist()


def test_images_that_cannot_be_drawn_are_refused() -> None:
    whole = small_dataset(60)
    with pytest.raises(ValueError, match="`images` must be at most 60, the number of training images, but is 61"):
        drawn(whole, 61, 0)
    streamed = replace(whole, train=StreamedImages(("a.jpg",), torch.tensor([0])))
    with pytest.raises(ValueError, match="`images` must be left out for images that are streamed"):
        drawn(streamed, 1, 0)


def test_networks_of_a_replicate_have_its_seed_and_the_second_reference_another(tmp_path: Path) -> None:
    (replicate,) = replicates(small_matched(), tmp_path, 4)
    arm = replicate.matched.arms[1]
    stills = replicate.stills(arm)
    assert stills == {
        "start": Still("pretrained", "random", asam(0.5)),
        "reference": Still("retrained", "random", sgd()),
        "again": Still("retrained", "random", sgd(), again=True),
        "own": Still("retrained", "random", asam(0.5)),
    }
    runs = {name: replicate.run(still) for name, still in stills.items()}
    assert [run.seed for run in runs.values()] == [4, 4, 4 + AGAIN, 4]
    methods = {name: run.unlearner and type(run.unlearner.method) for name, run in runs.items()}
    assert methods == {"start": None, "reference": Retrain, "again": Retrain, "own": Retrain}
    configs = {name: replicate.config(run) for name, run in runs.items()}
    assert {config["split"]["seed"] for config in configs.values()} == {4}
    assert len({str(config) for config in configs.values()}) == 4


def test_only_networks_that_something_is_held_against_are_made(tmp_path: Path) -> None:
    alone = small_matched(ceiling=False, watching=Watching(stops=("loss",), epochs=()))
    (replicate,) = replicates(alone, tmp_path, 0)
    labels = [one.label for one in wanted(replicate) if isinstance(one, Still)]
    assert labels == ["pretrained sgd random", "retrained sgd random", "pretrained asam-0.5 random"]
    two = small_matched(forget=(ForgetSet(), ForgetSet(kind="class", cls=1, size=3)))
    second = replace(two, arms=(replace(two.arms[0], forget="class-1"),))
    (replicate,) = replicates(second, tmp_path, 0)
    assert [one.label for one in wanted(replicate) if isinstance(one, Still)] == [
        "pretrained sgd class-1", "retrained sgd class-1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicates": (0, 0)}, "`replicates` must be different numbers"),
        ({"replicates": ()}, "`replicates` must be different numbers, at least one"),
        ({"threads": 0}, "`threads` must be"),
        ({"val_fraction": 0.0}, "`val_fraction` must be"),
        ({"arms": (Arm(name="a", forget="high"),)}, '`arms` must be one of "random"'),
        ({"arms": (Arm(name="a", forget="random"), Arm(name="a", forget="random"))}, "`arms`"),
        ({"watching": None}, "`watching` must be of the type Watching"),
    ],
)
def test_what_a_study_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_matched(**changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Arm(name="a,b"), "`name` must be a word without commas"),
        (lambda: Arm(name="a", lr=0.0), "`lr` must be"),
        (lambda: Arm(name="a", method=Retrain()), "`method` must start from the pretrained model"),
        (lambda: Watching(stops=("luck",)), "`stops` must be one of"),
        (lambda: Watching(stops=(), epochs=()), "`stops` and `epochs` must not both be empty"),
        (lambda: Watching(epochs=(0,)), "`epochs` must be"),
        (lambda: small_matched().only(["nobody"]), '`only` must be one of "neggrad", "aware"'),
    ],
)
def test_what_an_arm_cannot_be_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def preset(name: str) -> MatchedStudy:
    return matched_preset(name, Path("images"), Path("scores.npz"))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_keep_to_their_own_replicates_and_one_thread(name: str) -> None:
    study = preset(name)
    assert study.name == name
    assert max(study.replicates) < RESERVED
    assert study.threads == 1
    names = {arm.name for arm in study.arms}
    assert all(arm.rate_of in names for arm in study.arms)


@pytest.mark.parametrize("name", PRESETS)
def test_controls_are_neggrad_once_more(name: str) -> None:
    arms = {arm.name: arm for arm in preset(name).arms}
    for control in ("control-other-batches", "control-rate-1.1"):
        if control in arms:
            usual = arms[arms[control].tuned]
            assert replace(arms[control], name=usual.name, tuned="", batches=0, factor=1.0) == usual


def test_the_digits_have_every_arm() -> None:
    study = matched_preset("digits")
    arms = {arm.name: arm for arm in study.arms}
    assert len(study.replicates) == 30
    alphas = [
        f"neggrad-alpha-{alpha:g}-{how}-after-sgd" for alpha in ALPHAS if alpha != 0.95 for how in ("sgd", "asam")
    ]
    assert set(arms) == set(ARMS)
    assert {name for name in arms if "alpha" in name} == set(alphas)
    base, control = arms["neggrad-sgd-after-sgd"], arms["control-other-batches"]
    assert replace(control, name=base.name, batches=0, tuned="") == base
    assert replace(arms["control-rate-1.1"], name=base.name, factor=1.0, tuned="") == base
    assert arms["control-rate-1.1"].factor == 1.1
    assert arms["minmax-reversed-asam-after-sgd"].method == SharpMinMax(alpha=0.95, order="smallest")
    no_max = arms["minmax-no-max-asam-after-sgd"].method
    assert no_max == replace(arms["minmax-asam-after-sgd"].method, forget_goal="none")


def test_arms_at_other_rates_differ_in_nothing_else() -> None:
    arms = {arm.name: arm for arm in matched_preset("digits").arms}
    others = [arm for arm in arms.values() if "-at-half" in arm.name or "-at-twice" in arm.name]
    assert len(others) == 10
    for arm in others:
        usual = arms[arm.tuned]
        rate = {0.5: "half", 2.0: "twice"}[arm.factor]
        assert arm.name.replace(f"-at-{rate}-rate", "") == usual.name
        assert replace(arm, name=usual.name, tuned="", factor=1.0) == usual


def test_asam_at_the_rate_of_sgd_is_asam_with_that_rate() -> None:
    arms = {arm.name: arm for arm in matched_preset("digits").arms}
    (at_equal,) = [arm for arm in arms.values() if "-at-sgd-rate" in arm.name]
    assert at_equal.rate_of == "neggrad-sgd-after-sgd"
    usual = arms["neggrad-asam-after-sgd"]
    assert replace(at_equal, name=usual.name, tuned="") == usual


def test_rows_of_the_papers_network_hold_whole_trajectories() -> None:
    study = preset("photographs-resnet50")
    assert study.images is not None
    steps = study.unlearn.epochs * -(-study.images // study.unlearn.batch_size)
    assert study.watching.points > steps
    assert preset("photographs-resnet18").watching == replace(study.watching, points=22)


@pytest.mark.parametrize("name", ["photographs-resnet18", "photographs-resnet50"])
def test_photographs_say_by_which_steps_networks_are_trained(name: str) -> None:
    """Arms "after SGD" are those without sharpness: the reader must be told where their steps are AdamW's."""
    study = preset(name)
    assert ("AdamW's steps" in study.about) == (study.pretrain.descent.rule == "adamw")
    assert study.unlearn.descent.rule == "sgd"


def test_photographs_need_their_images_and_scores() -> None:
    with pytest.raises(ValueError, match="`images` must name where the images of this preset are"):
        matched_preset("photographs-resnet18")
    with pytest.raises(ValueError, match="`scores` must name"):
        matched_preset("photographs-resnet50", Path("images"))
    assert len(preset("photographs-resnet18").replicates) == 6
    assert len(preset("photographs-resnet50").replicates) == 3
    needed = {
        "neggrad-sgd-after-sgd", "neggrad-asam-after-sgd", "minmax-asam-after-sgd", "minmax-no-max-asam-after-sgd",
        "control-other-batches", "control-rate-1.1",
    }  # fmt: skip
    assert needed <= {arm.name for arm in preset("photographs-resnet50").arms}
