"""15: what the quirks of the released code do, each alone and at a learning rate that was tuned for it."""

from __future__ import annotations

from deepnet.house.quirks import TITLES, UNLEARNING_QUIRKS
from deepnet.ledger.comparing import EXPERIMENT, TOW, Settings, compared
from theory.ledger import Claim

__all__ = ["CLAIMS"]

_TOUCHED = {"scrub_epoch": ("SCRUB with SGD after SGD", "scrub-sgd-after-sgd")}
_USUAL = ("Sharp MinMax with ASAM after SGD", "minmax-asam-after-sgd")
"""The arm that a quirk is looked at in, in words and by name: SCRUB where it touches no other method."""


def _claim(name: str) -> Claim:
    words, arm = _TOUCHED.get(name, _USUAL)
    return compared(
        Settings({words: (arm, f"quirk-{name}-{arm}")}, "There are no others."),
        name=f"correcting-{name.replace('_', '-')}-helps",
        number=15,
        title=f"{words.partition(' with ')[0]} unlearns better without the quirk that {TITLES[name]}",
        source="The released code [S]; that the correction matters is asked here",
        statement=rf"{TOW},\quad \mathrm{{ToW}}_\mathrm{{corrected}} - \mathrm{{ToW}}_\mathrm{{released}} \geq 0",
        effect=f"ToW of {words}, corrected less as released",
        refuted_if="ToW is higher as released.",
        experiment=f"{EXPERIMENT} One quirk of the released code is switched on in unlearning, and no other.",
        family="open",
    )


CLAIMS = tuple(_claim(name) for name in UNLEARNING_QUIRKS if name != "mask_polarity")  # the mask is claim 9
