"""What a first contact with a card would stumble over: methods, metrics, journals and studies on a pretended one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.journal import Journal  # noqa: E402
from deepnet.learning.sharpness import Sharpness, asam, sam, sgd  # noqa: E402
from deepnet.matched.presets import matched_preset  # noqa: E402
from deepnet.matched.rehearsal import rehearsal  # noqa: E402
from deepnet.matched.running import run_matched  # noqa: E402
from deepnet.methods import METHODS, FineTune, Pretrain, apply  # noqa: E402
from deepnet.methods.base import Method  # noqa: E402
from deepnet.metrics.curvature import curvature  # noqa: E402
from deepnet.networks import models  # noqa: E402
from deepnet.networks.precision import Precision  # noqa: E402
from deepnet.studies.measuring import measurement  # noqa: E402
from deepnet.studies.planning.precision import in_precision  # noqa: E402
from deepnet.studies.running import run_study  # noqa: E402
from deepnet.studies.stages import Execution  # noqa: E402
from deepnet.studies.study import Evaluation  # noqa: E402
from tests.deepnet.oracles import weights_of  # noqa: E402
from tests.deepnet.photographs import CLASSES, image_folder  # noqa: E402
from tests.deepnet.pretended_card import CARD, pretended_card  # noqa: E402
from tests.deepnet.quick_methods import EDITS, QUICK  # noqa: E402
from tests.deepnet.small_resnet import resnet_task, small_body  # noqa: E402
from tests.deepnet.small_study import small_study  # noqa: E402

CPU = torch.device("cpu")
EVERY: dict[str, Method] = {"pretrain": Pretrain()} | {name: QUICK.get(name) or METHODS[name]() for name in METHODS}


def trained(
    name: str,
    device: torch.device,
    sharpness: Sharpness,
    *,
    channels_last: bool,
    precision: Precision,
    rule: str = "sgd",
) -> dict[str, torch.Tensor]:
    """Weights of the small ResNet after a method, on the CPU."""
    task = resnet_task(
        device, sharpness=sharpness, channels_last=channels_last, precision=precision, rule=rule,
        epochs=0 if name in EDITS else 1,
    )  # fmt: skip
    apply(EVERY[name], task)
    return {name: value.cpu() for name, value in weights_of(task.model).items()}


def check(name: str, sharpness: Sharpness, *, channels_last: bool, precision: Precision, rule: str = "sgd") -> None:
    """A method goes through on the card by fused steps, and to where it goes on the CPU."""
    options = {"channels_last": channels_last, "precision": precision, "rule": rule}
    with pretended_card() as books:
        found = trained(name, CARD, sharpness, **options)  # type: ignore[arg-type]
        assert (books.steps > 0) == (name not in EDITS)
    there = trained(name, CPU, sharpness, **options)  # type: ignore[arg-type]
    near = 1e-3 if precision == "float32" and rule == "sgd" else 0.05  # AdamW makes steps of rounding errors, too
    assert all(torch.allclose(value, there[key], rtol=near, atol=near) for key, value in found.items())


@pytest.mark.parametrize("name", EVERY)
def test_every_method_goes_through(name: str) -> None:
    """In the worst case: masks and sums beside channels last, the second pass, and a step that may overflow."""
    with pretended_card() as books:
        found = trained(name, CARD, asam(0.5), channels_last=True, precision="float16")
        assert (books.steps > 0) == (name not in EDITS)
    assert all(bool(value.isfinite().all()) for value in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["sgd", "adamw"])
@pytest.mark.parametrize("sharpness", [sgd(), sam(0.1), asam(0.5)], ids=lambda one: one.label)
@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("channels_last", [False, True], ids=["rows", "channels_last"])
@pytest.mark.parametrize("name", EVERY)
def test_the_whole_matrix(
    name: str, channels_last: bool, precision: Precision, sharpness: Sharpness, rule: str
) -> None:
    check(name, sharpness, channels_last=channels_last, precision=precision, rule=rule)


# --- going on ------------------------------------------------------------------------------------------


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("rule", "channels_last"),
    [("sgd", True), pytest.param("adamw", True, marks=slow), pytest.param("sgd", False, marks=slow)],
)
def test_an_interrupted_training_goes_on(rule: str, channels_last: bool, tmp_path: Path) -> None:
    """To the same bits, and with momenta that lie in memory as the weights do, or the fused step would refuse them."""

    class StoppedError(Exception):
        pass

    def stop(step: int) -> None:
        if step == 4:  # in the second epoch of three steps
            raise StoppedError

    ends = []
    with pretended_card():
        for interrupted in (False, True):
            journal = Journal(tmp_path / f"{interrupted}.safetensors", every=0.0)
            how = {"sharpness": sam(0.1), "channels_last": channels_last, "rule": rule, "epochs": 2}
            task = resnet_task(CARD, **how)  # type: ignore[arg-type]
            if interrupted:
                with pytest.raises(StoppedError):
                    apply(FineTune(), task, journal=journal, on_step=stop)
                assert journal.path.exists()
                task = resnet_task(CARD, **how)  # type: ignore[arg-type]
            apply(FineTune(), task, journal=journal)
            ends.append({name: value.cpu() for name, value in weights_of(task.model).items()})
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())


# --- studies -------------------------------------------------------------------------------------------


@pytest.fixture
def of_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.BODIES, "resnet18", small_body)


def studied(folder: Path, *, channels_last: bool, curvature: int) -> list[dict[str, object]]:
    """Rows of a study of the small ResNet in float16, as "auto" is on a card: three models, every metric."""
    study = small_study()
    evaluation = Evaluation(
        shadow=20, shadow_sets=2, entangled=20, relearning=study.unlearners[0].training, curvature=curvature,
        landscape=20, landscape_points=3, feature_map=20,
    )  # fmt: skip
    study = replace(
        study, seeds=(0,), evaluation=evaluation, model=models.ModelConfig(architecture="resnet18"),
        unlearners=study.unlearners[-1:], data=replace(study.data, subset=120, test_subset=30),
    )  # fmt: skip
    study = in_precision(study, "auto")
    with pretended_card():
        return run_study(study, folder, Execution(device=CARD, channels_last=channels_last, autotune=True)).rows


def test_a_study_goes_through(of_small_blocks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tuned = []

    def noted_map(**given: object) -> object:
        tuned.append(torch.backends.cudnn.benchmark)
        return _flat_map(**given)

    monkeypatch.setattr(measurement, "feature_map", noted_map)  # UMAP, which takes no tensors, takes long to compile
    rows = studied(tmp_path, channels_last=True, curvature=0)
    assert [row["status"] for row in rows] == ["finished"] * 3
    assert rows[0]["config"]["training"]["precision"] == "float16"  # type: ignore[index]
    assert {row["hardware"]["device"] for row in rows} == {"pretended card"}  # type: ignore[index]
    assert all(row["skipped_steps"] == 0 for row in rows)
    assert tuned == [True]
    assert not torch.backends.cudnn.benchmark


@pytest.mark.slow
@pytest.mark.parametrize("channels_last", [False, True], ids=["rows", "channels_last"])
def test_a_study_with_every_metric(channels_last: bool, of_small_blocks: None, tmp_path: Path) -> None:
    rows = studied(tmp_path, channels_last=channels_last, curvature=20)
    assert all(row["hessian_top"] is not None and row["entanglement"] is not None for row in rows)


@slow  # the method `selection` makes products with the Hessian above
@pytest.mark.parametrize("channels_last", [False, True], ids=["rows", "channels_last"])
def test_curvature(channels_last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepnet.metrics.curvature.LANCZOS_VECTORS", 3)
    with pretended_card():
        task = resnet_task(CARD, sharpness=sgd(), channels_last=channels_last)
        batch = next(iter(task.stream("retain").batches()))
        found = curvature(task.model, [(batch.x, batch.y)], seed=0, probes=2, tolerance=10.0, restarts=1)
    assert found.top > 0


def _flat_map(**given: object) -> object:
    from deepnet.metrics.feature_map import feature_map

    return feature_map(**given, method="pca")  # type: ignore[arg-type]


def rehearsed(only: tuple[str, ...], folder: Path) -> None:
    """The rehearsal of the matched study with a ResNet-18, on made-up photographs, channels last."""
    root = image_folder(folder / "images", CLASSES, size=(32, 32), train=8, test=8)
    np.save(folder / "scores.npy", np.linspace(0.0, 1.0, 8 * len(CLASSES)))
    chosen = rehearsal(matched_preset("photographs-resnet18", root, folder / "scores.npy").only(only))
    with pretended_card() as books:
        rows = run_matched(chosen, folder / "results", Execution(device=CARD, channels_last=True))
        assert books.steps > 0
    assert len([row for row in rows if row["kind"] == "trajectory"]) == len(chosen.arms)
    assert {row["status"] for row in rows} == {"finished"}


@pytest.mark.slow
def test_the_rehearsal_of_an_arm(of_small_blocks: None, tmp_path: Path) -> None:
    """Stops, snapshots, the attack by relearning and what is measured of weights, of a small network."""
    rehearsed(("minmax-asam-after-sgd",), tmp_path)


@pytest.mark.slow
def test_the_rehearsal_of_a_resnet18(tmp_path: Path) -> None:
    """As `matched --preset photographs-resnet18 --channels-last --rehearse`, with the real network."""
    rehearsed(("neggrad-sgd-after-sgd", "minmax-asam-after-sgd"), tmp_path)


@pytest.mark.slow
def test_the_whole_rehearsal(of_small_blocks: None, tmp_path: Path) -> None:
    """All arms of the study, of small networks."""
    rehearsed((), tmp_path)
