"""A report has the numbers of the metrics, says what it lacks, and prints as a table."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepnet import Training, evaluate, unlearn
from deepnet.metrics.agreement import agreement
from deepnet.metrics.curvature import curvature
from deepnet.metrics.feature_map import feature_map
from deepnet.metrics.klom import klom, stack_margins
from deepnet.metrics.landscape import directions, landscape
from deepnet.metrics.likelihood_ratio import u_lira
from deepnet.metrics.outputs import collect, margin
from deepnet.own.samples import samples_of
from deepnet.studies.study import Evaluation
from tests.deepnet.own.foreign import FORGET, bits, changed, mlp, table, trained

CPU = torch.device("cpu")
TABLE, TEST = table(), table(60, seed=9)
COMPARED = ("tow", "tow_mia", "js_divergence", "activation_distance", "completeness", "klom", "u_lira_auc")
MANY = [*FORGET, 40, 41, 42, 43, 50, 51]


@pytest.fixture(scope="module")
def retrained() -> nn.Module:
    net = trained("table")[0]
    return unlearn(net, TABLE, MANY, "retrain", epochs=8, lr=0.1, batch_size=32).model


def told(net: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Accuracy and loss, the plain way."""
    with torch.no_grad():
        logits = net.eval()(x)
    return float((logits.argmax(1) == y).float().mean()), float(functional.cross_entropy(logits, y))


def test_accuracies_losses_and_tow_are_those_of_a_plain_loop(retrained: nn.Module) -> None:
    net = trained("table")[0]
    report = evaluate(net, TABLE, MANY, test_set=TEST, reference=retrained)
    (x, y), kept = TABLE, [row for row in range(120) if row not in MANY]
    sets = {"retain": (x[kept], y[kept]), "forget": (x[MANY], y[MANY]), "test": TEST}
    product = 1.0
    for name, pair in sets.items():
        mine, theirs = told(net, *pair), told(retrained, *pair)
        assert (report[f"{name}_accuracy"], report[f"{name}_loss"]) == pytest.approx(mine, rel=1e-5)
        assert report.to_frame().loc[f"{name}_loss", "reference"] == pytest.approx(theirs[1], rel=1e-5)
        product *= 1 - abs(mine[0] - theirs[0])
    assert report["tow"] == pytest.approx(product, rel=1e-6)
    gaps = report.to_frame().loc[["retain_accuracy", "mia", "test_accuracy"], "gap"]
    assert report["tow_mia"] == pytest.approx((1 - gaps.abs()).prod(), rel=1e-6)
    assert report.needs_reference == ()
    assert 0 <= report["mia"] <= 1
    assert report["mia_auc"] is not None


def test_what_is_missing_is_said() -> None:
    net = trained("table")[0]
    alone = evaluate(net, TABLE, MANY, test_set=TEST)
    assert set(alone.needs_reference) == set(COMPARED)
    assert alone["tow"] is None
    assert f"not measured, for want of `reference`: {', '.join(COMPARED)}" in str(alone)
    bare = evaluate(net, TABLE, FORGET)
    assert bare.missing["test_loss"] == "for want of `test_set`"
    assert bare.missing["tow"] == "for want of `test_set` and `reference`"
    few = evaluate(net, TABLE, FORGET, test_set=TEST)
    assert few.missing["mia"] == "for want of 10 forgotten samples and test samples"
    assert few["test_accuracy"] is not None
    with pytest.raises(KeyError):
        bare["beauty"]


def test_it_prints_as_a_table(retrained: nn.Module) -> None:
    report = evaluate(trained("table")[0], TABLE, MANY, test_set=TEST, reference=retrained)
    lines = str(report).splitlines()
    assert lines[0].split() == ["network", "reference", "gap", "best"]
    row = next(line for line in lines if line.startswith("forget_accuracy"))
    frame = report.to_frame()
    assert row.split()[1] == f"{100 * frame.loc['forget_accuracy', 'value']:.1f}"
    gap = frame["value"] - frame["reference"]
    assert frame.loc["retain_loss", "gap"] == pytest.approx(gap["retain_loss"])
    assert frame["value"].dtype == float


def test_every_number_there_is(retrained: nn.Module) -> None:
    """Of several networks: KLoM, relearning, curvature and sharpness too; nothing of theirs is changed."""
    nets = [trained("table")[0], retrained, trained("table")[0]]
    before = [bits(net) for net in nets]
    state = torch.get_rng_state()
    measure = Evaluation(curvature=24, relearning=Training(epochs=2, batch_size=6))
    report = evaluate(nets, TABLE, MANY, test_set=TEST, reference=nets[::-1], measure=measure)
    assert report.missing == {}
    assert all(one.value is not None for one in report.numbers)
    assert report["klom"] == pytest.approx(0.0, abs=1e-9)
    said = [collect(net, samples_of("train_set", TABLE, CPU), torch.tensor(MANY)) for net in nets]
    assert report["u_lira_auc"] == u_lira(stack_margins(said), stack_margins(said[::-1])).auc
    assert report["completeness"] == pytest.approx((5 + 4 * agreement(*said[:2]).completeness) / 9)
    assert not any(changed(net, old) for net, old in zip(nets, before, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_what_became_of_test_samples_is_a_part_of_klom(retrained: nn.Module) -> None:
    nets, others = [trained("table")[0], mlp()], [retrained, trained("table")[0]]
    measure = Evaluation(relearning=None, shadow=0, entangled=0)
    report = evaluate(nets, TABLE, MANY, test_set=TEST, reference=others, measure=measure)
    margins = [np.concatenate([signed(net, *TABLE)[MANY], signed(net, *TEST)]) for net in (*nets, *others)]
    assert report["klom"] == pytest.approx(klom(np.stack(margins[:2]), np.stack(margins[2:])).mean)


def signed(net: nn.Module, x: Tensor, y: Tensor) -> np.ndarray:
    """Margins of all samples."""
    return margin(collect(net, samples_of("train_set", (x, y), CPU), torch.arange(len(y))))


def test_a_class_that_is_forgotten_whole_has_its_accuracies_beside_others_in_part(retrained: nn.Module) -> None:
    whole = (TABLE[1] == 1).nonzero().flatten().tolist()
    rest = (TABLE[1] == 0).nonzero().flatten().tolist()[:3]
    measure = Evaluation(relearning=None, shadow=0, entangled=0)
    report = evaluate(retrained, TABLE, [*whole, *rest], test_set=TEST, measure=measure)
    inside = TEST[1] == 1
    for name, part in (("forgotten", inside), ("kept", ~inside)):
        assert report[f"test_accuracy_{name}"] == pytest.approx(told(retrained, TEST[0][part], TEST[1][part])[0])


def test_features_are_those_of_the_layer_that_is_named() -> None:
    net = trained("table")[0]
    assert evaluate(net, TABLE, FORGET).features == "input:4"
    assert evaluate(net, TABLE, FORGET, features="2")["entanglement"] == pytest.approx(
        evaluate(net, TABLE, FORGET)["entanglement"]
    )
    other = evaluate(net, TABLE, FORGET, features="0")
    assert other.features == "0"
    assert other["entanglement"] != pytest.approx(evaluate(net, TABLE, FORGET)["entanglement"])
    without = nn.Sequential(nn.Unflatten(1, (8, 1)), nn.Conv1d(8, 4, 1), nn.Flatten())
    assert evaluate(without, TABLE, FORGET).missing["entanglement"].startswith("for want of features")
    assert evaluate(without, TABLE, FORGET, features="0")["entanglement"] is not None
    with pytest.raises(ValueError, match='`features` must be the name of a layer of the network, such as "4"'):
        evaluate(net, TABLE, FORGET, features="head")


def test_the_other_metrics_take_foreign_networks() -> None:
    net, data = trained("table")[0], samples_of("train_set", TABLE, CPU)
    rows = torch.arange(24)
    outputs = collect(net, data, rows)
    plane = feature_map(before=outputs, after=outputs, forgotten=rows.numpy() < 5, method="pca")
    assert plane.before.shape == (24, 2)
    batches = [(TABLE[0][:24], TABLE[1][:24])]
    surface = landscape(net, directions(net, seed=0), batches, points=3)
    assert float(surface.loss[1, 1]) == pytest.approx(told(net, *batches[0])[1], rel=1e-5)
    assert curvature(net, batches, seed=0, probes=2).top > 0


def outgrown() -> nn.Module:
    """A network whose statistics are no longer finite."""
    net = mlp()
    net[1].running_mean[0] = torch.nan
    return net


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": nn.Linear(8, 3)}, "`reference` must have 4 logits as `model` has, but has 3"),
        ({"reference": nn.Linear(8, 4)}, r"`reference` must have weights as `model` has, \(24, 8\) at 0.weight"),
        ({"reference": []}, "`reference` must hold a network, but is empty"),
        ({"reference": "retrained"}, "`reference` must be a network, or several"),
        ({"test_set": (TEST[0], TEST[1] + 3)}, r"`test_set` must have labels in 0..3, as the model has 4 logits"),
        ({"test_set": (TEST[0][:, :3], TEST[1])}, "`test_set` must hold samples of the shape of those of `train_set`"),
        ({"measure": "everything"}, "`measure` must be of the type Evaluation"),
        ({"model": nn.Linear(8, 1)}, "`model` must turn a batch"),
        ({"seed": -1}, "`seed` must be a whole number"),
        ({"seed": 2**64}, "`seed` must be a whole number of at most"),
        ({"model": [mlp(), nn.Linear(8, 3)]}, "`model` must have 4 logits as the first one has, but has 3"),
        ({"model": {"net": mlp()}}, r"`model` must be a network, or several, but is {'net': Sequential\( …"),
        ({"test_set": (TEST[0] * torch.nan, TEST[1])}, "`model` must give finite logits of all samples"),
        ({"reference": outgrown()}, "`reference` must give finite logits of all samples, but gives NaN or infinity"),
    ],
)
def test_bad_input_is_one_sentence(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"model": trained("table")[0], "train_set": TABLE, "forget": FORGET} | changes
    with pytest.raises(ValueError, match=f"Argument {message}") as told:
        evaluate(**given)
    assert "\n" not in str(told.value)


def test_a_network_without_weights_has_numbers_too() -> None:
    report = evaluate(nn.Flatten(), (TABLE[0][:, :4], TABLE[1]), FORGET)
    assert report["retain_accuracy"] == pytest.approx(1.0, abs=0.2)
    assert report["zrf"] == pytest.approx(1.0)  # drawn anew it is what it was
