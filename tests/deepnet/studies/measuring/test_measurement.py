"""Columns of a row are the numbers they are named after, of the samples and models they are said to be of.

The metrics are stand-ins that say what they were given; no model is trained.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.data.splits import ForgetSet  # noqa: E402
from deepnet.learning.sharpness import asam, sgd  # noqa: E402
from deepnet.learning.training import Training  # noqa: E402
from deepnet.metrics.accuracy import score  # noqa: E402
from deepnet.metrics.curvature import Curvature  # noqa: E402
from deepnet.metrics.entanglement import Entanglement  # noqa: E402
from deepnet.metrics.feature_map import FeatureMap  # noqa: E402
from deepnet.metrics.landscape import Landscape  # noqa: E402
from deepnet.metrics.membership import Membership  # noqa: E402
from deepnet.metrics.outputs import collect, margin  # noqa: E402
from deepnet.studies.measuring import measurement, numbers  # noqa: E402
from deepnet.studies.measuring.measurement import Measurement, measure  # noqa: E402
from deepnet.studies.measuring.relearning import Curve  # noqa: E402
from deepnet.studies.running import runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Finished, Run, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Study, Unlearner  # noqa: E402
from tests.deepnet.oracles import small_dataset, small_network  # noqa: E402

HISTORY = {"seconds": 4.0, "images": 100, "peak_memory": 7, "losses": []}
UNLEARNED, PRETRAINED, FIRST = (small_network(seed, torch.float32).eval() for seed in (1, 2, 3))
STUDY = Study(
    forget=(ForgetSet(size=6),),
    pretrain_sharpness=(sgd(), asam(0.5)),
    unlearners=(Unlearner(),),
    evaluation=Evaluation(
        shadow=5, entangled=7, relearning=Training(epochs=3), curvature=4, landscape=5, landscape_points=3,
        feature_map=5, geometry_seeds=2,
    ),
    seeds=(8, 0, 3),
)  # fmt: skip


class Bench:
    """A study whose models are there, and metrics that remember what they were asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stages = Stages(STUDY, Store(folder), Execution())
        self.stages.__dict__["dataset"] = small_dataset()
        monkeypatch.setattr(self.stages, "finished", self._finished)
        self.asked: dict[str, Any] = {}
        for name in ("membership_inference", "measure_entanglement", "curvature", "landscape", "directions",
                     "feature_map", "relearning_curve"):  # fmt: skip
            home = measurement if hasattr(measurement, name) else numbers
            monkeypatch.setattr(home, name, getattr(self, f"_{name}"))

    def measured(self, seed: int = 0, pretrain: str = "asam-0.5") -> Measurement:
        """Of the unlearned model of a seed."""
        runs = [run for run in runs_of(STUDY)[1] if run.seed == seed and run.pretrain.label == pretrain]
        return measure(self.stages, runs[0])

    def _finished(self, run: Run) -> Finished:
        if run.unlearner is not None:
            return Finished(UNLEARNED, HISTORY)
        return Finished(FIRST if run.pretrain.label == "sgd" else PRETRAINED, HISTORY)

    def rows_of(self, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> set[int]:
        """Which training images they are."""
        pixels = self.stages.dataset.train.pixels
        return {int((pixels == image).flatten(1).all(1).nonzero()) for images, _ in batches for image in images}

    def _membership_inference(self, **asked: Any) -> Membership:
        self.asked["attack"] = asked
        return Membership(
            correctness=0.1, confidence=0.2, entropy=0.3, m_entropy=0.4, probabilities=0.5, auc=0.6,
            true_positive_rate=0.7, logistic_accuracy=0.8, logistic_spread=0.9, n_shadow=5,
            n_sets=3, spread={"confidence": 0.02},
        )  # fmt: skip

    def _measure_entanglement(self, **asked: Any) -> Entanglement:
        self.asked["entanglement"] = asked
        return Entanglement(
            variance=1.0, variance_normalised=0.1, variance_by_class=2.0, variance_by_class_normalised=float("nan"),
            wasserstein=0.3, wasserstein_by_class=0.4, n_classes=3, n_classes_wasserstein=2,
        )  # fmt: skip

    def _curvature(self, model: object, batches: Any, **how: Any) -> Curvature:
        self.asked.setdefault("curvature", []).append((model, self.rows_of(batches)))
        count = len(self.asked["curvature"])
        return Curvature(top=10.0 * count, trace=1.0 * count, trace_se=0.5)

    def _directions(self, model: object, seed: int, *, reference: object) -> str:
        self.asked["directions"] = (model, reference)
        return "ways"

    def _landscape(self, model: object, ways: str, batches: Any, *, points: int) -> Landscape:
        self.asked.setdefault("landscape", []).append((model, ways, self.rows_of(batches), points))
        axis = np.array([-1.0, 0.0, 1.0])
        return Landscape(a=axis, b=2 * axis, loss=np.full((3, 3), 1.0 * len(self.asked["landscape"])))

    def _feature_map(self, **asked: Any) -> FeatureMap:
        self.asked["map"] = asked
        places = {"before": np.zeros((10, 2)), "after": np.ones((10, 2))}
        return FeatureMap(**places, labels=np.arange(10), forgotten=asked["forgotten"])

    def _relearning_curve(self, task: Any, training: Training) -> Curve:
        self.asked["relearning"] = (task, training)
        return Curve(steps=(0, 1), accuracy=(0.25, 0.75))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def outputs(bench: Bench, part: str) -> Any:
    dataset, split = bench.stages.data(STUDY.forget[0])
    if part == "test":
        return collect(UNLEARNED, dataset.test, torch.arange(len(dataset.test)))
    return collect(UNLEARNED, dataset.train, getattr(split, part))


def test_accuracies_and_margins_are_those_of_their_samples(bench: Bench) -> None:
    found = bench.measured()
    for part in ("retain", "forget", "val", "test"):
        expected = score(outputs(bench, part))
        assert found.row[f"{part}_accuracy"] == expected.accuracy
        assert found.row[f"{part}_loss"] == pytest.approx(expected.loss)
    margins = np.concatenate([margin(outputs(bench, part)) for part in ("forget", "test")])
    np.testing.assert_allclose(found.arrays["margins"], margins)


def test_attacks_see_what_they_are_named_after(bench: Bench) -> None:
    row, asked = bench.measured().row, bench.asked["attack"]
    assert (row["mia"], row["mia_auc"], row["mia_tpr"]) == (0.2, 0.6, 0.7)
    assert row["membership"]["m_entropy"] == 0.4
    assert (asked["shadow_size"], asked["m_entropy_by"]) == (5, "definition")
    for part in ("retain", "forget", "test"):
        np.testing.assert_array_equal(asked[part].labels, outputs(bench, part).labels)


def test_entanglement_is_that_by_transport_and_what_is_not_finite_is_none(bench: Bench) -> None:
    row, asked = bench.measured().row, bench.asked["entanglement"]
    assert (row["entanglement"], row["entanglement_variance"]) == (0.3, 1.0)
    assert row["entanglement_details"]["variance_by_class_normalised"] is None
    assert asked["max_samples"] == 7
    assert [len(asked[part].labels) for part in ("retain", "forget")] == [48, 6]


def test_curvature_is_that_of_retained_and_of_forgotten_samples(bench: Bench) -> None:
    row, split = bench.measured().row, bench.stages.data(STUDY.forget[0])[1]
    (retained, forgotten) = bench.asked["curvature"]
    assert retained[0] is forgotten[0] is UNLEARNED
    assert (len(retained[1]), len(forgotten[1])) == (4, 4)
    assert retained[1] <= set(split.retain.tolist())
    assert forgotten[1] <= set(split.forget.tolist())
    found = [row[f"hessian_{name}"] for name in ("top", "trace", "top_forget", "trace_forget")]
    assert found == [10.0, 1.0, 20.0, 2.0]


def test_surfaces_are_around_the_model_on_the_scale_of_the_first_pretrained_one(bench: Bench) -> None:
    arrays, split = bench.measured().arrays, bench.stages.data(STUDY.forget[0])[1]
    assert bench.asked["directions"][0] is UNLEARNED
    assert bench.asked["directions"][1] is FIRST
    (retained, forgotten) = bench.asked["landscape"]
    assert retained[2] <= set(split.retain.tolist())
    assert forgotten[2] <= set(split.forget.tolist())
    assert (len(retained[2]), retained[1], retained[3]) == (5, "ways", 3)
    assert (arrays["landscape_retain"][0, 0], arrays["landscape_forget"][0, 0]) == (1.0, 2.0)
    assert (arrays["landscape_a"][-1], arrays["landscape_b"][-1]) == (1.0, 2.0)


def test_features_are_those_before_and_after_unlearning(bench: Bench) -> None:
    arrays, asked = bench.measured().arrays, bench.asked["map"]
    dataset, split = bench.stages.data(STUDY.forget[0])
    assert asked["forgotten"].tolist() == [False] * 5 + [True] * 5
    for name, model in (("before", PRETRAINED), ("after", UNLEARNED)):
        for part, places in ((split.retain, slice(5)), (split.forget, slice(5, None))):
            known = collect(model, dataset.train, part).features
            there = np.abs(asked[name].features[places, None] - known).max(-1) < 1e-5
            assert there.any(1).all(), name
    assert (arrays["map_before"][0, 0], arrays["map_after"][0, 0]) == (0.0, 1.0)
    assert arrays["map_forgotten"].tolist() == asked["forgotten"].tolist()


def test_relearning_starts_from_the_model_with_a_seed_of_its_own(bench: Bench) -> None:
    row, (task, training) = bench.measured(3).row, bench.asked["relearning"]
    assert task.model is UNLEARNED
    assert training == STUDY.evaluation.relearning
    assert task.seed[0] == 3
    assert len(task.seed) == 2
    assert row["relearn_curve"] == {"steps": [0, 1], "accuracy": [0.25, 0.75]}


def test_cost_is_that_of_the_training(bench: Bench) -> None:
    row = bench.measured().row
    assert (row["seconds"], row["images_per_second"], row["peak_memory"]) == (4.0, 25.0, 7)


@pytest.mark.parametrize(("seed", "looked"), [(8, True), (0, True), (3, False)])
def test_geometry_is_looked_at_for_the_first_seeds(bench: Bench, seed: int, looked: bool) -> None:
    found = bench.measured(seed)
    assert ("hessian_top" in found.row) == ("landscape_a" in found.arrays) == ("map_before" in found.arrays) == looked


def test_the_official_attack_is_made_where_it_is_asked_for(bench: Bench) -> None:
    bench.stages.study = SimpleNamespace(**vars(STUDY))  # type: ignore[assignment]
    bench.stages.study.evaluation = Evaluation(m_entropy="official")
    bench.measured()
    assert bench.asked["attack"]["m_entropy_by"] == "official"


def test_attacks_learn_from_random_sets_unless_the_released_protocol_is_asked_for(bench: Bench) -> None:
    asked = []
    for evaluation in (Evaluation(), Evaluation(shadow=50, shadow_sets=4), Evaluation(shadow=50, shadow_sets=0)):
        bench.stages.study = SimpleNamespace(**vars(STUDY) | {"evaluation": evaluation})  # type: ignore[assignment]
        row = bench.measured().row
        asked.append([bench.asked["attack"][name] for name in ("shadow", "shadow_size", "draws")])
        assert row["mia_spread"] == 0.02
    assert asked == [["random", 1000, 10], ["random", 50, 4], ["first", None, 1]]


def test_the_official_scale_of_transport_is_used_where_it_is_asked_for(bench: Bench) -> None:
    bench.measured()
    assert bench.asked["entanglement"]["scale"] == "diameter"
    evaluation = Evaluation(transport_scale="own maximum")
    bench.stages.study = SimpleNamespace(**vars(STUDY) | {"evaluation": evaluation})  # type: ignore[assignment]
    bench.measured()
    assert bench.asked["entanglement"]["scale"] == "own maximum"
