"""A training that was killed and goes on from its journal is an uninterrupted one, to the bit."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from deepnet.learning.descent import Descent
from deepnet.learning.journal import Journal
from deepnet.learning.sharpness import asam, sam
from deepnet.learning.task import Task
from deepnet.methods import CurvatureSelection, FineTune, L1Sparse, NegGrad, RandomLabel, SalUn, Scrub, SharpMinMax
from deepnet.methods import apply as apply_method
from deepnet.methods.base import Method
from tests.deepnet.model_states import differing, state_of
from tests.deepnet.oracles import small_network, small_task


class KilledError(Exception):
    pass


def die_after(steps: int):
    def on_step(step: int) -> None:
        if step == steps:
            raise KilledError

    return on_step


def fresh_task(descent: Descent, sharpness: object = None) -> Task:
    return small_task(model=small_network(dtype=torch.float32), descent=descent, epochs=4, sharpness=sharpness)


RESUMED: list[tuple[Method, object]] = [
    (FineTune(), asam(0.5)),
    (NegGrad(alpha=0.8), sam(0.1)),
    (RandomLabel(), sam(0.0)),
    (SalUn(fraction=0.4), sam(0.0)),
    (L1Sparse(gamma=0.01), sam(0.0)),
    (Scrub(ascent_epochs=2), sam(0.0)),
    (CurvatureSelection(alpha=0.8, fraction=0.4, probes=2), sam(0.0)),
    (SharpMinMax(alpha=0.8), asam(0.5)),
]


@pytest.mark.parametrize(
    "descent",
    [
        Descent(lr=0.05, momentum=0.9, weight_decay=0.01, schedule="cosine", warmup=0.2),
        Descent(rule="adamw", lr=0.01, weight_decay=0.1),
    ],
    ids=lambda d: d.rule,
)
@pytest.mark.parametrize(("method", "sharpness"), RESUMED, ids=lambda m: getattr(m, "name", ""))
def test_a_resumed_training_is_an_uninterrupted_one(
    method: Method, sharpness: object, descent: Descent, tmp_path: Path
) -> None:
    """Killed in the middle of every epoch in turn, each time by a new process with a new model."""
    whole = fresh_task(descent, sharpness)
    history = apply_method(method, whole)
    per_epoch = 5 if isinstance(method, RandomLabel) else 3
    in_epoch = [5, 5, 3, 3] if isinstance(method, Scrub) else [per_epoch] * 4
    journal = tmp_path / "journal"
    for epoch in range(4):
        with pytest.raises(KilledError):
            apply_method(
                method, fresh_task(descent, sharpness), journal=Journal(journal, every=0.0),
                on_step=die_after(sum(in_epoch[:epoch]) + 2),
            )  # fmt: skip
        assert journal.exists() is (epoch > 0)
    resumed, steps = fresh_task(descent, sharpness), []
    again = apply_method(method, resumed, journal=Journal(journal, every=0.0), on_step=steps.append)
    assert differing(state_of(whole), state_of(resumed)) == []
    assert steps == list(range(sum(in_epoch[:3]) + 1, sum(in_epoch) + 1))
    for one, other in zip(again.epochs, history.epochs, strict=True):
        assert (one.number, one.loss, one.images) == (other.number, other.loss, other.images)
    assert history.images == again.images


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    descent = Descent(lr=0.05, momentum=0.9)
    whole, again, steps = fresh_task(descent), fresh_task(descent), []
    apply_method(FineTune(), whole, journal=Journal(tmp_path / "journal", every=0.0))
    history = apply_method(FineTune(), again, journal=Journal(tmp_path / "journal", every=0.0), on_step=steps.append)
    assert steps == []
    assert len(history.epochs) == 4
    assert differing(state_of(whole), state_of(again)) == []


def test_a_journal_that_was_discarded_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", every=0.0)
    apply_method(FineTune(), small_task(), journal=journal)
    assert journal.path.exists()
    journal.discard()
    assert not journal.path.exists()
    journal.discard()  # nothing left, and nothing wrong


def test_a_journal_is_not_written_too_often(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", every=3600.0)
    apply_method(FineTune(), small_task(epochs=3), journal=journal)
    assert not journal.path.exists()


def test_a_journal_of_another_model_is_refused(tmp_path: Path) -> None:
    apply_method(FineTune(), small_task(), journal=Journal(tmp_path / "journal", every=0.0))
    task = small_task(model=small_network(width=3))
    before = state_of(task)
    with pytest.raises(ValueError, match="journal"):
        apply_method(FineTune(), task, journal=Journal(tmp_path / "journal", every=0.0))
    assert differing(before, state_of(task)) == []


@pytest.mark.parametrize("kept", [0, 5, 200, 0.5, 0.99])
def test_a_damaged_journal_is_refused(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    apply_method(FineTune(), small_task(), journal=Journal(path, every=0.0))
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match="journal"):
        apply_method(FineTune(), small_task(), journal=Journal(path, every=0.0))
