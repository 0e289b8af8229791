"""The columns of a result row: what a number means, and which values it can have."""

from __future__ import annotations

__all__ = ["ALWAYS", "CENSORED", "FINITE", "FRACTIONS", "NONNEGATIVE", "POOLED", "SCALARS", "TEXTS", "WHOLES"]

TEXTS = ("study", "method", "title", "pretrain", "optimizer", "forget_set", "request", "status", "variant")
"""Columns of text."""

WHOLES = ("seed", "split_seed")
"""Columns of whole numbers."""

FRACTIONS = (
    "retain_accuracy", "forget_accuracy", "val_accuracy", "test_accuracy", "tow_other_seeds", "mia", "mia_spread",
    "mia_auc", "mia_tpr", "test_accuracy_kept", "test_accuracy_forgotten", "mia_auc_within", "mia_tpr_within",
)  # fmt: skip
"""Columns of numbers in [0, 1], or null."""

ALWAYS = ("retain_accuracy", "forget_accuracy", "test_accuracy")
"""Columns of numbers that every finished run has; others are null, or left out, where a metric was switched off."""

NONNEGATIVE = (
    "tow", "retain_loss", "forget_loss", "val_loss", "test_loss", "klom", "klom_p95", "klom_null", "klom_models",
    "relearn_steps", "relearn_control_steps", "seconds", "images_per_second", "peak_memory",
)  # fmt: skip
"""Columns of numbers of at least 0, or null; ToW exceeds 1 where the released code's signed one was asked for."""

FINITE = (
    "tow_signed", "mia_gap", "mia_auc_gap", "mia_auc_within_gap", "entanglement", "entanglement_variance", "relearn",
    "hessian_top", "hessian_trace", "hessian_top_forget", "hessian_trace_forget",
)  # fmt: skip
"""Columns of other numbers, or null."""

SCALARS = (*FRACTIONS, *NONNEGATIVE, *FINITE)
"""Columns of numbers, all of them."""

CENSORED = ("relearn_steps", "relearn_control_steps")
"""Columns in which null beside numbers means "more than was tried": a mean over the numbers would be too small."""

POOLED = ("klom", "klom_p95", "klom_null", "klom_models")
"""Columns computed from the models of all seeds together: every seed repeats one number, which has no interval."""
