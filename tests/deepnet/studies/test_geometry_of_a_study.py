"""A study that looks at curvature, loss surface and features: for its first seed alone, and the same way every time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.sharpness import sgd  # noqa: E402
from deepnet.metrics import curvature  # noqa: E402
from deepnet.metrics.feature_map import feature_map  # noqa: E402
from deepnet.studies.measuring import measurement, numbers  # noqa: E402
from deepnet.studies.running import run_study, runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation  # noqa: E402
from tests.deepnet.small_study import small_study  # noqa: E402

POINTS, SAMPLES = 3, 20


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measurement, "feature_map", partial(feature_map, method="pca"))  # UMAP takes long to compile
    rough = {"probes": 2, "tolerance": 0.3}  # a product takes long, and `tests/deepnet/metrics` holds its numbers
    monkeypatch.setattr(curvature, "LANCZOS_VECTORS", 4)
    monkeypatch.setattr(numbers, "curvature", lambda *given, **asked: curvature.curvature(*given, **asked | rough))
    looked_at = Evaluation(
        shadow=0, entangled=0, relearning=None, curvature=40, landscape=40, landscape_points=POINTS,
        feature_map=SAMPLES, geometry_seeds=1,
    )  # fmt: skip
    neggrad = replace(small_study().unlearners[1], sharpness=(sgd(),))
    return replace(small_study(), unlearners=(neggrad,), evaluation=looked_at)


def test_geometry_is_that_of_the_first_seed(study, tmp_path: Path) -> None:
    summary = run_study(study, tmp_path, Execution())
    stages = Stages(study, Store(tmp_path), Execution())
    for row, run in zip(summary.rows, chain.from_iterable(runs_of(study)), strict=True):
        arrays = Store(tmp_path).arrays(measurement.measurement_key(stages, run))
        first = row["seed"] == study.seeds[0]
        assert [name in row for name in ("hessian_top", "hessian_trace_forget")] == [first, first]
        assert ("landscape_retain" in arrays) == first
        assert ("map_after" in arrays) == (first and row["method"] == "neggrad")
        if first:
            assert np.isfinite([row["hessian_top"], row["hessian_top_forget"]]).all()
            assert arrays["landscape_forget"].shape == (POINTS, POINTS)
            assert np.isfinite(arrays["landscape_retain"]).all()
        if "map_after" in arrays:
            assert arrays["map_before"].shape == arrays["map_after"].shape == (2 * SAMPLES, 2)
            assert arrays["map_forgotten"].sum() == SAMPLES
            assert (arrays["map_before"] != arrays["map_after"]).any()


def test_metrics_that_are_off_leave_no_columns(study, tmp_path: Path) -> None:
    off = replace(study, seeds=(0,), unlearners=(), evaluation=replace(study.evaluation, geometry_seeds=0))
    summary = run_study(off, tmp_path, Execution())
    assert not [name for row in summary.rows for name in ("mia", "entanglement", "relearn_curve") if name in row]


def test_channels_last_changes_numbers_by_rounding_only(study, tmp_path: Path) -> None:
    short = replace(study, seeds=(0,), unlearners=(), evaluation=replace(study.evaluation, geometry_seeds=0))
    here, there = (
        run_study(short, tmp_path / str(layout), Execution(channels_last=layout)).rows for layout in (False, True)
    )
    for one, other in zip(here, there, strict=True):
        assert one["retain_loss"] == pytest.approx(other["retain_loss"], rel=1e-3)
        assert one["test_loss"] == pytest.approx(other["test_loss"], rel=1e-3)
