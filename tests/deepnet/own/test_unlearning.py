"""Where an unlearning ends, what it tells, and what it refuses: one sentence, naming the argument."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from deepnet import Descent, Until, asam, evaluate, unlearn
from deepnet.learning.loop import DivergenceError
from deepnet.methods import NegGrad, SharpMinMax
from deepnet.own import case, showing
from simulate.house.terminal import console
from tests.deepnet.oracles import small_dataset, small_network
from tests.deepnet.own.foreign import FORGET, bits, changed, mlp, table, trained

TABLE, TEST = table(), table(seed=9)


def network() -> nn.Module:
    return trained("table")[0]


def forgetting(**changes: Any) -> Any:
    settings = {"method": NegGrad(alpha=0.7), "epochs": 6, "lr": 0.05, "batch_size": 32} | changes
    return unlearn(network(), TABLE, FORGET, **settings)


def test_the_history_is_that_of_the_epochs() -> None:
    result = forgetting(epochs=3, val_set=TEST)
    assert [(seen.epoch, seen.step) for seen in result.history] == [(0, 0), (1, 4), (2, 8), (3, 12)]
    report = evaluate(result.model, TABLE, FORGET, test_set=TEST)
    last = result.history[-1]
    told = [last.retain_loss, last.retain_accuracy, last.forget_loss, last.forget_accuracy, last.val_loss]
    names = ["retain_loss", "retain_accuracy", "forget_loss", "forget_accuracy", "test_loss"]
    assert told == pytest.approx([report[name] for name in names], rel=1e-6)
    seconds = [seen.seconds for seen in result.history]
    assert seconds == sorted(seconds)
    assert list(result.to_frame().columns) == list(vars(last))
    assert "retained" in result.summary()
    assert "validation" in result.summary()


def test_a_history_costs_no_bit() -> None:
    looked, unlooked = forgetting(epochs=2, val_set=TEST, probe=5), forgetting(epochs=2)
    assert not changed(looked.model, bits(unlooked.model))


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("forget loss of the reference", "forget loss of the reference"),
        ("forget accuracy of the reference", "forget accuracy of the reference"),
        (Until(forget_loss=2.0), "forget loss 2"),
        (Until(forget_accuracy=0.5, forget_loss=50.0), "forget accuracy 0.5"),
    ],
    ids=["loss of reference", "accuracy of reference", "loss", "accuracy"],
)
def test_it_ends_at_the_first_step_that_is_far_enough(until: Until | str, words: str) -> None:
    reference = unlearn(network(), TABLE, FORGET, "retrain", epochs=5, lr=0.1, batch_size=32).model
    result = forgetting(until=until, reference=reference)
    bound = evaluate(reference, TABLE, FORGET)
    assert result.reached == words
    assert f"ended at: {words}" in result.summary()
    steps = result.history[-1].step
    assert 0 < steps < 24

    def far_enough(last: Any) -> bool:
        if "accuracy" in words:
            return last.forget_accuracy <= (bound["forget_accuracy"] if "reference" in words else 0.5)
        return last.forget_loss >= (bound["forget_loss"] if "reference" in words else 2.0)

    assert far_enough(result.history[-1])
    assert not any(far_enough(seen) for seen in result.history[:-1])


@pytest.mark.parametrize(("lr", "known"), [(1e-6, True), (0.3, False)], ids=["next to no step", "as far as it goes"])
def test_where_hardly_anything_was_forgotten_it_is_said(lr: float, known: bool) -> None:
    model = unlearn(network(), TABLE, [0], "finetune", epochs=30, lr=0.1, batch_size=16).model
    result = unlearn(model, TABLE, FORGET, NegGrad(alpha=0.5), epochs=3, lr=lr, batch_size=32)
    assert result.is_known_still is known
    assert ("hardly anything was forgotten" in str(result)) is known
    fresh = unlearn(model, TABLE, FORGET, "retrain", epochs=1, lr=1e-6)
    assert not fresh.is_known_still


def test_it_ends_within_an_epoch() -> None:
    result = forgetting(until=Until(forget_loss=0.6), batch_size=12)
    assert 0 < result.history[-1].step < 10
    assert result.history[-1].epoch == 0


def test_patience_ends_it_and_what_is_never_reached_is_said() -> None:
    result = forgetting(until=Until(patience=2), val_set=TEST, epochs=12)
    losses = [seen.val_loss for seen in result.history[1:]]
    assert result.reached == "patience of 2"
    assert losses[-1] >= min(losses[:-1])
    assert losses[-2] >= min(losses[:-2])
    assert losses[-3] == min(losses[:-2])
    endless = forgetting(until=Until(forget_loss=1e9), epochs=1)
    assert endless.reached is None
    assert "never reached: forget loss 1e+09" in endless.summary()


def test_large_samples_are_not_kept_between_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = forgetting(epochs=1)
    monkeypatch.setattr(case, "MOST_GATHERED", 0)
    read = forgetting(epochs=1)
    assert [vars(seen) | {"seconds": 0} for seen in read.history] == [
        vars(seen) | {"seconds": 0} for seen in kept.history
    ]
    found = case.Case.of(network(), TABLE, FORGET, torch.device("cpu")).sights(50, 7)
    assert [len(x) for x, _ in found["forget"].chunks] == [6]
    assert [len(x) for x, _ in found["retain"].chunks] == [7] * 7 + [1]
    assert "_kept" not in vars(found["retain"])


def test_what_has_forgotten_already_is_left_alone() -> None:
    result = forgetting(until=Until(forget_loss=0.0))
    assert result.history[-1].step == 0
    assert not changed(result.model, bits(network()))


def test_a_bar_on_a_terminal_lines_if_asked_nothing_else(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetting(epochs=1)
    assert capsys.readouterr().out == ""
    forgetting(epochs=2, progress=True)
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "epoch 0",
        "epoch 1",
        "epoch 2",
    ]
    drawn: list[str] = []
    real = showing.progress_bar

    def bar():
        drawn.append("bar")
        return real()

    monkeypatch.setattr(showing, "progress_bar", bar)
    monkeypatch.setattr(console, "_force_terminal", True)
    forgetting(epochs=1)
    assert drawn == ["bar"]
    forgetting(epochs=1, progress=False)
    assert drawn == ["bar"]


def test_half_precision_and_adamw_are_asked_for_in_a_word() -> None:
    result = forgetting(precision="bfloat16", lr=Descent(rule="adamw", lr=0.003), epochs=1)
    assert "bfloat16" in result.summary()
    assert changed(result.model, bits(forgetting(lr=Descent(rule="adamw", lr=0.003), epochs=1).model))


def test_our_own_data_and_networks_are_taken_too() -> None:
    data, net = small_dataset(), small_network(dtype=torch.float32)
    result = unlearn(net, data, 1, SharpMinMax(alpha=0.7), epochs=1, lr=0.01)
    assert len(result.forget) == 20
    assert evaluate(result.model, data, 1).counts == {"retain": 40, "forget": 20, "test": 60}


def nan_network() -> nn.Module:
    net = network()
    with torch.no_grad():
        net[4].weight[0, 0] = torch.nan
    return net


class Words(nn.Module):
    """Says something that is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.layer(x)}


class Keyed(nn.Linear):
    """Looks for something that is not there."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return {"logits": super().forward(x)}["answers"]


class Program(nn.Linear):
    """Has copies that cannot be trained, as scripted networks have."""

    def __deepcopy__(self, memo: Any) -> nn.Module:
        found = nn.Linear(8, 4)
        found._parameters["weight"] = found.weight * 1
        return found


def nan_statistics() -> nn.Module:
    net = network()
    net[1].running_var[0] = torch.nan
    return net


def with_nan(data: Any) -> Any:
    x = data[0].clone()
    x[50, 0] = torch.nan
    return x, data[1]


def wider() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 30), nn.BatchNorm1d(30), nn.ReLU(), nn.Dropout(0.0), nn.Linear(30, 4))


def with_three() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 24), nn.Linear(24, 3))


X, Y = TABLE
BAD: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "out of range": (lambda: {"forget": [0, 120]}, r"Argument `forget` must hold indices in 0\.\.119, but holds 120\."),
    "repeated": (lambda: {"forget": [5, 5]}, r"Argument `forget` must hold each index once, but holds 5 repeatedly\."),
    "nothing": (lambda: {"forget": []}, r"Argument `forget` must name at least one sample"),
    "no data": (lambda: {"train_set": (X[:0], Y[:0])}, r"Argument `train_set` must hold at least one sample"),
    "labels": (
        lambda: {"train_set": (X, Y + 2)},
        r"Argument `train_set` must have labels in 0\.\.3, as the model has 4 logits, but has [45]\.",
    ),
    "NaN": (lambda: {"model": nan_network()}, r"Argument `model` must have finite weights, but 4\.weight holds NaN"),
    "no logits": (lambda: {"model": Words()}, r"`model` must turn a batch, float32 of the shape \(2, 8\), into logits, "
    r"\(2, K\) with K of at least 2, but gives something of the type dict\."),
    "no such key": (lambda: {"model": Keyed(8, 4)}, r"`model` must turn a batch.* but raises KeyError: 'answers'\."),
    "no copy": (lambda: {"model": Program(8, 4)}, r"`model` must be one that can be copied.* a copy of Program has"),
    "NaN statistics": (lambda: {"model": nan_statistics()}, r"Argument `model` must give finite logits of `train_set`"),
    "NaN samples": (lambda: {"train_set": with_nan(TABLE)}, r"Argument `model` must give finite logits of `train_set`"),
    "NaN validation": (lambda: {"val_set": with_nan(TEST)}, r"Argument `model` must give finite logits of `val_set`"),
    "one logit": (lambda: {"model": nn.Linear(8, 1)}, r"`model` must turn a batch.* but gives float32 of \(2, 1\)\."),
    "maps": (lambda: {"model": nn.Unflatten(1, (2, 4))}, r"`model` must turn a batch.* gives float32 of \(2, 2, 4\)"),
    "other inputs": (lambda: {"model": nn.Linear(7, 4)}, r"`model` must turn a batch.* but raises RuntimeError:"),
    "no model": (lambda: {"model": "resnet18"}, r"Argument `model` must be of the type Module"),
    "reference": (
        lambda: {"until": "forget loss of the reference", "reference": wider()},
        r"Argument `reference` must have weights as `model` has, \(24, 8\) at 0\.weight, but has \(30, 8\)\.",
    ),
    "classes of the reference": (
        lambda: {"until": "forget loss of the reference", "reference": with_three()},
        r"Argument `reference` must have 4 logits as `model` has, but has 3\.",
    ),
    "a file for a reference": (lambda: {"reference": "never.pt"}, r"Argument `reference` must be of the type Module"),
    "no reference": (lambda: {"until": "forget loss of the reference"}, r"Argument `reference` must be given"),
    "no validation": (lambda: {"until": Until(patience=1)}, r"Argument `val_set` must be given"),
    "other validation": (lambda: {"val_set": (X[:, :5], Y)}, r"Argument `val_set` must hold samples of the shape"),
    "until": (lambda: {"until": "it is enough"}, r'Argument `until` must be "forget loss of the reference" or'),
    "method": (lambda: {"method": "amnesia"}, r'Argument `method` must be one of "ascent", '),
    "a class": (lambda: {"method": NegGrad}, r"Argument `method` must be an object, NegGrad\(\), but is the class"),
    "a capital": (lambda: {"method": "NegGrad"}, r"; did you mean \"neggrad\"\?"),
    "settings": (lambda: {"method": "neggrad:alpha=0.9"}, r"`method` must be a name .* with them, NegGrad\(…\), but"),
    "words for sam": (lambda: {"sharpness": "sam:0.1"}, r"`sharpness` must be made by `sgd\(\)`, `sam\(radius\)`"),
    "a function": (lambda: {"sharpness": asam}, r"`sharpness` must be made by .*, but is <function asam"),
    "a loader": (lambda: {"train_set": DataLoader(TensorDataset(*TABLE))}, r"; its data set is `train_set\.dataset`"),
    "a share": (lambda: {"forget": 0.05}, r"drawn at random, is `torch\.randperm\(\d+\)\[:\d+\]`\."),
    "samples": (lambda: {"forget": TABLE}, r"`forget` must .*, but holds arrays; say which of `train_set` they are"),
    "device": (lambda: {"device": "abacus"}, r"Argument `device` must be one that this machine has"),
    "a single sample": (
        lambda: {"forget": [7]},
        r"Argument `forget` must leave two samples or more in each batch, since the batch normalisation",
    ),
    "frozen": (lambda: {"model": network().requires_grad_(False)}, "`model` must have a parameter that can be trained"),
    "rate": (lambda: {"lr": -1.0}, r"Argument `lr` must be a positive number"),
    "progress": (lambda: {"progress": "bar"}, r"Argument `progress` must be True or False"),
    "a class below 0": (lambda: {"forget": -1}, r"Argument `forget` must be a whole number of at least 0, but is -1\."),
    "workers": (lambda: {"workers": -1}, r"Argument `workers` must be a whole number of at least 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name: str) -> None:
    changes, message = BAD[name]
    given: dict[str, Any] = {"model": network(), "train_set": TABLE, "forget": FORGET, "method": "neggrad"} | changes()
    with pytest.raises(ValueError, match=message) as told:
        unlearn(**given, epochs=1)
    assert str(told.value).endswith((".", "?"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("empty", [{}, {"forget_loss": -1.0}, {"forget_accuracy": 1.1}, {"patience": 0}])
def test_rules_of_stopping_that_are_none(empty: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Argument `\w+` must"):
        Until(**empty)


def test_a_divergence_is_told() -> None:
    with pytest.raises(DivergenceError, match=r"a smaller `lr` may help|no longer finite"):
        forgetting(lr=1e25, epochs=3)


def test_a_network_that_failed_lies_where_it_was() -> None:
    net = mlp()
    net.eval()
    with pytest.raises(ValueError, match="`forget`"):
        unlearn(net, TABLE, [7], "neggrad", in_place=True)
    assert not net.training
