"""The numbers of one model by what it says of its sets, as an `Evaluation` asks for them, by the names of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepnet.data.images import Images
from deepnet.house.identity import as_json
from deepnet.house.seeding import generator
from deepnet.metrics.accuracy import score
from deepnet.metrics.by_class import attack_within_classes, class_accuracies, whole_classes
from deepnet.metrics.curvature import curvature
from deepnet.metrics.entanglement import measure_entanglement
from deepnet.metrics.membership import membership_inference
from deepnet.metrics.outputs import Outputs
from deepnet.studies.study import Evaluation

__all__ = ["accuracies", "by_class", "curvatures", "entanglement", "membership", "some_batches"]

_RESIDUAL = 0.03
"""Relative residual at which an eigenvalue counts as found; its own error is of the order of the square."""


def accuracies(sets: Mapping[str, Outputs | None]) -> dict[str, Any]:
    """Accuracy and loss on each set, by its name; None of a set that is not there."""
    found: dict[str, Any] = {}
    for name, outputs in sets.items():
        measured = None if outputs is None else score(outputs)
        found[f"{name}_accuracy"] = measured and measured.accuracy
        found[f"{name}_loss"] = measured and measured.loss
    return found


def by_class(evaluation: Evaluation, *, retain: Outputs, forget: Outputs, test: Outputs) -> dict[str, Any]:
    """Test accuracy on classes that stay and on those that are forgotten whole, if any are, and attacks within classes.

    The latter if attacks are asked for, and a class has forgotten and test samples.
    """
    found: dict[str, Any] = {}
    if classes := whole_classes(retain=retain, forget=forget):
        parts = class_accuracies(test, classes)
        found |= {"test_accuracy_kept": parts.kept, "test_accuracy_forgotten": parts.forgotten}
    if evaluation.shadow and np.isin(forget.labels, test.labels).any():
        attack = attack_within_classes(forget, test)
        found |= {"mia_auc_within": attack.auc, "mia_tpr_within": attack.true_positive_rate}
    return found


def membership(evaluation: Evaluation, *, retain: Outputs, forget: Outputs, test: Outputs) -> dict[str, Any]:
    """Membership inference; nothing if it is not asked for.

    Raises:
        ValueError: if a set is too small for it.
    """
    if not evaluation.shadow:
        return {}
    found = membership_inference(
        retain=retain,
        forget=forget,
        test=test,
        shadow="random" if evaluation.shadow_sets else "first",
        shadow_size=evaluation.shadow if evaluation.shadow_sets else None,
        draws=evaluation.shadow_sets or 1,
        m_entropy_by="official" if evaluation.m_entropy == "official" else "definition",
    )
    short = {"mia": found.confidence, "mia_spread": found.spread.get("confidence")}
    short |= {"mia_auc": found.auc, "mia_tpr": found.true_positive_rate}
    return short | {"membership": as_json(found)}


def entanglement(evaluation: Evaluation, *, retain: Outputs, forget: Outputs) -> dict[str, Any]:
    """Entanglement of the features; nothing if it is not asked for."""
    if not evaluation.entangled:
        return {}
    found = measure_entanglement(
        retain=retain, forget=forget, scale=evaluation.transport_scale, max_samples=evaluation.entangled
    )
    numbers = {key: value if np.isfinite(value) else None for key, value in as_json(found).items()}
    short = {"entanglement": numbers["wasserstein"], "entanglement_variance": numbers["variance"]}
    return short | {"entanglement_details": numbers}


def curvatures(model: nn.Module, sets: Mapping[str, Sequence[tuple[Tensor, Tensor]]]) -> dict[str, Any]:
    """Largest eigenvalue and trace of the Hessian of the loss on batches of each set, by the suffix of its columns."""
    found: dict[str, Any] = {}
    for suffix, batches in sets.items():
        measured = curvature(model, batches, seed=0, probes=16, tolerance=_RESIDUAL)
        found |= {f"hessian_top{suffix}": measured.top, f"hessian_trace{suffix}": measured.trace}
    return found


def some_batches(images: Images, rows: Tensor, count: int) -> list[tuple[Tensor, Tensor]]:
    """Batches of at most so many of some samples, the same for every model."""
    order = torch.from_numpy(generator(0, "measured").permutation(len(rows))[:count])
    chunks = rows[order].split(512)
    pictures = images.batches((chunk, None) for chunk in chunks)
    return [(x, images.labels[chunk].to(x.device)) for x, chunk in zip(pictures, chunks, strict=True)]
