"""What holds for every method: it moves the weights, it heeds sharpness, it has its name, it refuses bad fields."""

import pytest
import torch

from deepnet.learning.descent import Descent
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd
from deepnet.methods import (
    METHODS,
    CurvatureSelection,
    Influence,
    L1Sparse,
    LossFreeDampening,
    NegGrad,
    Pretrain,
    RetainSAM,
    SalUn,
    Scrub,
    SelectiveDampening,
    SharpMinMax,
)
from deepnet.methods import apply as apply_method
from tests.deepnet.methods.first_steps import each_descent, each_transform
from tests.deepnet.oracles import small_network, small_task, weights_of

EDITS = ("influence", "ssd", "ssd-loss-free", "fisher")
CHANGING = {
    "influence": Influence(batches=3, batch_size=8, damping=0.5), "salun": SalUn(fraction=0.3),
    "selection": CurvatureSelection(alpha=0.7, probes=2), "neggrad": NegGrad(alpha=0.7),
    "ssd": SelectiveDampening(selection=1.0), "ssd-loss-free": LossFreeDampening(selection=1.0),
    "retain-sam": RetainSAM(alpha=0.7), "sharp-minmax": SharpMinMax(alpha=0.7),
}  # fmt: skip


@each_transform
@each_descent
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_changes_the_weights(name: str, descent: Descent, sharpness: Sharpness) -> None:
    method = CHANGING.get(name) or METHODS[name]()
    task = small_task(
        model=small_network(dtype=torch.float32), sharpness=sharpness, descent=descent,
        epochs=0 if name in EDITS else 1,
    )  # fmt: skip
    before = weights_of(task.model)
    apply_method(method, task)
    after = weights_of(task.model)
    assert any(float((after[key] - value).abs().max()) > 1e-5 for key, value in before.items())
    assert all(bool(value.isfinite().all()) for value in after.values())


@pytest.mark.parametrize("name", sorted(set(METHODS)))
def test_sharpness_matters_to_every_method(name: str) -> None:
    """SAM and ASAM give other weights than SGD, and than each other."""
    method, ends = CHANGING.get(name) or METHODS[name](), []
    for sharpness in (sgd(), sam(0.3), asam(0.5)):
        task = small_task(sharpness=sharpness, epochs=0 if name in EDITS else 1)
        apply_method(method, task)
        ends.append(torch.cat([value.flatten() for value in weights_of(task.model).values()]))
    assert min(float((ends[i] - ends[j]).abs().max()) for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-5


def test_every_method_is_registered_under_its_name() -> None:
    assert set(METHODS) >= {
        "retrain", "finetune", "ascent", "neggrad", "retain-sam", "random-label", "salun", "l1-sparse", "scrub",
        "influence", "selection", "sharp-minmax",
    }  # fmt: skip
    assert all(METHODS[name].name == name for name in METHODS)
    assert METHODS["retrain"].start == Pretrain.start == "fresh"
    assert Pretrain not in METHODS.values()


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(NegGrad, "alpha", 1.3), (NegGrad, "alpha", -0.1), (RetainSAM, "alpha", 2.0), (SharpMinMax, "alpha", -1.0),
     (SharpMinMax, "fraction", 1.5), (SharpMinMax, "order", "top"), (SalUn, "fraction", -0.1), (SalUn, "order", "top"),
     (L1Sparse, "gamma", -1.0), (L1Sparse, "free_epochs", -1), (Scrub, "beta", -1.0), (Scrub, "gamma", -1.0),
     (Scrub, "temperature", 0.0), (Scrub, "ascent_epochs", -1), (Influence, "damping", 0.0), (Influence, "batches", 0),
     (Influence, "alpha", float("nan")), (Influence, "batch_size", 0), (CurvatureSelection, "fraction", 2.0),
     (CurvatureSelection, "probes", 0), (CurvatureSelection, "samples", 0), (CurvatureSelection, "alpha", 2.0),
     (CurvatureSelection, "order", "top")],
)  # fmt: skip
def test_bad_fields_are_named(kind: type, field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{field}`"):
        kind(**{field: value})
