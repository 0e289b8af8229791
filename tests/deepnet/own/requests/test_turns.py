"""Requests one after another: the weights and numbers of plain loops, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet import Descent, Training, classes, unlearn, unlearn_in_turn
from deepnet.methods import NegGrad
from tests.deepnet.own.foreign import Pair, bits, changed, mlp, table, trained
from tests.deepnet.own.test_plain_loops import (
    ALPHA,
    DECAY,
    EPOCHS,
    LR,
    MOMENTUM,
    assert_same,
    double,
    plain,
    quietly,
    slope,
    stepped,
)  # fmt: skip

REQUESTS = [[3, 8, 13], [26, 18, 31, 5], [40, 41]]
DESCENT = Descent(lr=LR, momentum=MOMENTUM, weight_decay=DECAY)


def forgotten_plainly(net: nn.Module, x: Tensor, y: Tensor, rows: Sequence[int], gone: set[int]) -> nn.Module:
    """NegGrad on whole batches, written from its formula; what is gone is in none."""
    kept = [row for row in range(len(y)) if row not in gone and row not in rows]
    asked = sorted(rows)
    twin = deepcopy(net).train()
    optimizer = plain(twin)

    def loss() -> Tensor:
        climbed = functional.cross_entropy(quietly(twin, x[asked]), y[asked])
        return ALPHA * functional.cross_entropy(twin(x[kept]), y[kept]) - (1 - ALPHA) * climbed

    for _ in range(EPOCHS):
        stepped(twin, optimizer, slope(twin, loss))
    return twin.eval()


def right(net: nn.Module, x: Tensor, y: Tensor, rows: Sequence[int]) -> float:
    """Accuracy, sample by sample."""
    with torch.no_grad():
        answers = [int(net(x[row : row + 1]).argmax()) == int(y[row]) for row in rows]
    return sum(answers) / len(rows)


def references(count: int = 3) -> list[nn.Module]:
    """Networks of other weights, as if retrained."""
    found = []
    for seed in range(count):
        torch.default_generator.manual_seed(seed)
        found.append(mlp().double().eval())
    return found


def in_turn(requests: Any = REQUESTS, **settings: Any) -> Any:
    net, (x, y) = double()
    usual = {"epochs": EPOCHS, "lr": DESCENT, "batch_size": len(y), "test_set": unseen()}
    return unlearn_in_turn(net, (x, y), requests, NegGrad(alpha=ALPHA), **(usual | settings))


def unseen() -> Pair:
    x, y = table(seed=9)
    return x.double(), y


def test_requests_in_turn_are_plain_loops() -> None:
    """Weights of each turn, and every number of the table, against references that were given."""
    net, (x, y) = double()
    xt, yt = unseen()
    found, others = in_turn(references=references()), references()
    gone: set[int] = set()
    for number, (turn, request) in enumerate(zip(found, REQUESTS, strict=True)):
        net = forgotten_plainly(net, x, y, request, gone)
        assert_same(turn.result.model, net)
        earlier = sorted(gone)
        gone |= set(request)
        kept = [row for row in range(len(y)) if row not in gone]
        assert turn.request.tolist() == sorted(request)
        assert turn.earlier.tolist() == earlier
        mine, theirs = (
            {
                "retained": right(one, x, y, kept), "request": right(one, x, y, request),
                "earlier": right(one, x, y, earlier) if earlier else None,
                "test": right(one, xt, yt, range(len(yt))), "all": right(one, x, y, sorted(gone)),
            }
            for one in (net, others[number])
        )  # fmt: skip
        for name in ("retained", "request", "earlier", "test"):
            assert turn.row[name] == pytest.approx(mine[name])
            assert turn.row[f"reference_{name}"] == pytest.approx(theirs[name])
        tow = 1.0
        for name in ("retained", "all", "test"):
            tow *= 1 - abs(mine[name] - theirs[name])
        assert turn.row["tow"] == pytest.approx(tow)
        assert turn.report.counts == {"retain": len(kept), "forget": len(gone), "test": len(yt)}
    assert found.model is found[-1].result.model


def test_references_are_retrained_without_all_that_was_asked_for() -> None:
    how = Training(epochs=2, batch_size=40, descent=Descent(lr=0.1))
    net, (x, y), _ = trained("table")
    before = bits(net)
    found = unlearn_in_turn(net, (x, y), REQUESTS[:2], "finetune", references=how, epochs=1, seed=5)
    assert not changed(net, before)
    for number, turn in enumerate(found):
        rows = [row for request in REQUESTS[: number + 1] for row in request]
        alone = unlearn(net, (x, y), rows, "retrain", epochs=2, batch_size=40, lr=Descent(lr=0.1), seed=5 + number)
        assert not changed(turn.reference, bits(alone.model))
    second = unlearn(found[0].result.model, (x, y), REQUESTS[1], "finetune", without=REQUESTS[0], epochs=1, seed=6)
    assert not changed(found.model, bits(second.model))
    assert found.to_frame()["tow"].isna().all()  # for want of a test set


def test_each_request_stops_where_its_own_reference_is() -> None:
    found = in_turn(REQUESTS[:2], references=references(2), until="forget accuracy of the reference", epochs=20, seed=3)
    for turn in found:
        assert turn.result.reached == "forget accuracy of the reference"
        assert turn.accuracy[0] <= turn.reference_accuracy[0]


def test_the_table_has_a_line_a_request() -> None:
    text = str(in_turn(references=references()))
    lines = text.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["1", "3"], ["2", "4"], ["3", "2"]]
    assert "–" in lines[1]
    assert "–" not in lines[2]
    assert all(line.count("(") == 3 + (number > 0) for number, line in enumerate(lines[1:4]))
    assert "in brackets" in lines[4]
    alone = str(in_turn(REQUESTS[:1]))
    assert "(" not in alone.splitlines()[1]


def test_what_is_gone_does_not_count_again() -> None:
    """A class, one of whose samples was forgotten before."""
    net, (x, y), _ = trained("table")
    rows = (y == 2).nonzero().flatten().tolist()
    found = unlearn_in_turn(net, (x, y), [rows[:2], 2, classes(0)], "finetune", epochs=0)
    assert found[1].request.tolist() == rows[2:]
    assert found[1].report.counts["forget"] == len(rows)
    assert found[2].earlier.tolist() == rows


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"requests": []}, "`requests` must hold at least one request"),
        ({"requests": 3}, "`requests` must hold what is to be forgotten"),
        ({"requests": [[1, 2], [2, 1]]}, "`requests` must ask for samples that are still there, but request 2 asks"),
        ({"requests": [[1], [900]]}, r"`requests` must hold indices in 0\.\.119, but holds 900"),
        ({"requests": [classes(0, 1), classes(2, 3)]}, "`requests` must leave a sample to retain, but takes all 120"),
        ({"references": references(2)}, "`references` must hold a network for each of 3 requests, but holds 2"),
        ({"references": 3}, "`references` must be a `Training`, or a network for each request"),
        ({"references": [mlp(), mlp(), "net"]}, "`references`"),
        ({"seed": -1}, "`seed`"),
        ({"log": print}, "`log` must be a folder, in which each request has one of its own"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(words: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"^Argument {told}"):
        in_turn(**words)


def test_each_request_has_a_history_of_its_own(tmp_path: Path) -> None:
    found = in_turn(log=tmp_path)
    for number, turn in enumerate(found, 1):
        lines = (tmp_path / f"request-{number}" / "history.csv").read_text().splitlines()
        assert len(lines) == 1 + len(turn.result.history)
    (tmp_path / "request-1" / "history.csv").unlink()
    with pytest.raises(ValueError, match=r"Argument `log` must name a place without history.csv, but .*request-2"):
        in_turn(log=tmp_path)
    assert not (tmp_path / "request-1" / "history.csv").exists()  # nothing was begun


@pytest.mark.parametrize("name", ["without", "in_place", "epoch", "reference"])
def test_arguments_of_each_turn_are_not_taken(name: str) -> None:
    with pytest.raises(TypeError, match=f"does not take the argument '{name}'"):
        in_turn(**{name: None})


@pytest.mark.parametrize(
    ("forget", "without", "told"),
    [
        ([1, 2], [2, 1], "`forget` must name a sample that is not among `without`, but names none"),
        ([1, 2], [900], r"`without` must hold indices in 0\.\.119, but holds 900"),
        ([1, 2, 0], range(3, 120), "`forget` must leave a sample to retain beside those of `without`"),
    ],
)
def test_what_is_gone_already_is_refused(forget: Any, without: Any, told: str) -> None:
    net, data, _ = trained("table")
    with pytest.raises(ValueError, match=told):
        unlearn(net, data, forget, "finetune", without=without)
