"""Names of what the paper's released code does otherwise than the paper says, for those who only read results."""

from __future__ import annotations

__all__ = ["TITLES", "UNLEARNING_QUIRKS"]

TITLES = {
    "mask_polarity": "masks hold the weights with the smallest gradients on the forget set, not the largest",
    "max_leak": "the mask acts on SAM's second gradient only, so the first one moves the weights it hides",
    "adamw": "unlearning and retraining use AdamW, whatever optimizer was asked for",
    "split_seed": "pretraining sets aside another validation set than unlearning, "
    "so some forget samples were never learned",
    "signed_tow": "ToW is signed, and measured against fixed accuracies instead of retrained models",
    "m_entropy": "the modified entropy of the membership attack does not depend on a sample's own label",
    "randaugment": "RandAugment is left on beside crops and flips",
    "decay_through_masks": "weight decay and momentum move the weights that a mask hides",
    "forget_statistics": "batches that are to be forgotten enter the running statistics of batch normalisation",
    "cycled_forget": "an epoch that outlasts the forget set meets the same augmented forget batches again and again",
    "scrub_epoch": "SCRUB climbs for one more epoch",
    "own_maximum": "entanglement by transport is scaled by each model's own largest distance, "
    "so models cannot be compared",
    "whole_shadow": "the membership attack learns once, from the whole test set and the first rows of the retain set",
}
"""Each quirk in one line; `deepnet.studies.compat` switches them on."""
UNLEARNING_QUIRKS = (
    "mask_polarity", "max_leak", "adamw", "decay_through_masks", "forget_statistics", "cycled_forget", "scrub_epoch",
)  # fmt: skip
"""Those that change how a pretrained network unlearns; the others change what it is, or what is measured of it."""
