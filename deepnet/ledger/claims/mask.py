"""9: which weights Sharp MinMax should forget with."""

from __future__ import annotations

from deepnet.ledger.comparing import TOW, Settings, compared

__all__ = ["CLAIMS"]

_SETTINGS = Settings(
    {"ASAM after SGD": ("minmax-asam-after-sgd", "minmax-reversed-asam-after-sgd")}, "There are no others."
)

CLAIMS = (
    compared(
        _SETTINGS,
        name="mask-polarity",
        number=9,
        title="Sharp MinMax unlearns better with the weights of the largest gradients than with those of the smallest",
        source="The unlearning paper's method [S]; its released code takes the smallest, as reviewers found",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{largest}} - \mathrm{{ToW}}_\mathrm{{smallest}} \geq 0",
        effect="ToW with a forget part of the largest gradients, less that with one of the smallest",
        refuted_if="The smallest gradients, the released code's, have the higher ToW.",
    ),
)
