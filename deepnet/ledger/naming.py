"""What arms are called by readers."""

from __future__ import annotations

import re

from deepnet.house.quirks import UNLEARNING_QUIRKS

__all__ = ["arm_words"]

_METHODS = {
    "neggrad": "NegGrad", "neggrad-random": "NegGrad on a random forget set", "minmax": "Sharp MinMax",
    "minmax-no-max": "Sharp MinMax without its “max” term", "minmax-reversed": "Sharp MinMax, mask of the smallest",
    "minmax-random": "Sharp MinMax on a random forget set", "scrub": "SCRUB",
    "select-largest": "NegGrad by the largest Hessian entries",
    "select-smallest": "NegGrad by the smallest Hessian entries",
    "select-gradient": "NegGrad by the largest gradients", "select-random": "NegGrad by random weights",
    "last-layer": "NegGrad by the last layer",
    **{f"quirk-{name}-minmax": f"Sharp MinMax as released ({name})" for name in UNLEARNING_QUIRKS},
    **{f"quirk-{name}-scrub": f"SCRUB as released ({name})" for name in UNLEARNING_QUIRKS},
}  # fmt: skip
_CONTROLS = {
    "control-other-batches": "NegGrad with SGD after SGD, with other batches",
    "control-rate-1.1": "NegGrad with SGD after SGD, at 1.1 times its rate",
}
_RATES = {"half-rate": "half its rate", "twice-rate": "twice its rate", "sgd-rate": "the rate of SGD"}
_ARM = re.compile(r"(?P<method>.+)-(?P<how>sgd|sam|asam)-after-(?P<before>sgd|sam|asam)")


def arm_words(name: str) -> str:
    """An arm in words; one whose name is none of the presets' is called by it.

    Example:
        >>> arm_words("minmax-asam-after-sgd")
        'Sharp MinMax with ASAM after SGD'
        >>> arm_words("neggrad-alpha-0.9-sam-after-sgd"), arm_words("control-other-batches")
        ('NegGrad at α = 0.9 with SAM after SGD', 'NegGrad with SGD after SGD, with other batches')
        >>> arm_words("minmax-at-half-rate-asam-after-sgd"), arm_words("minmax-fraction-0.1-asam-after-sgd")
        ('Sharp MinMax at half its rate with ASAM after SGD', 'Sharp MinMax of 10 % of the weights with ASAM after SGD')
    """
    found = _ARM.fullmatch(name)
    if found is None:
        return _CONTROLS.get(name, name)
    method, _, rate = found["method"].partition("-at-")
    method, _, share = method.partition("-fraction-")
    method, _, alpha = method.partition("-alpha-")
    words = _METHODS.get(method, method) + (f" at α = {alpha}" if alpha else "")
    words += f" of {100 * float(share):.0f} % of the weights" if share else ""
    words += f" at {_RATES[rate]}" if rate else ""
    return f"{words} with {found['how'].upper()} after {found['before'].upper()}"
