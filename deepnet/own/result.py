"""What an unlearning leaves: the network, the mask, what was seen epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from deepnet.learning.masks import Mask
from deepnet.learning.sharpness import Sharpness
from deepnet.learning.training import Training
from deepnet.methods.base import Method
from deepnet.own.watching import EpochSeen
from simulate.house.counting import counted

if TYPE_CHECKING:
    import pandas

__all__ = ["Unlearned"]


_STILL_KNOWN = (
    "hardly anything was forgotten: the loss on it is no higher than before, or than that on what is retained. More "
    "`epochs` or a larger `lr` go further; `until` says how far"
)
_MOVED = (0.1, 1e-3)
"""Rise of the mean loss on what is to be forgotten below which hardly anything happened: a share of it, and nats."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Unlearned:
    """A network that has forgotten, and how it came to that. `print(result)` shows its summary."""

    model: nn.Module
    """The network, on the device and in the modes in which it was given."""
    mask: Mask | None
    """The weights that may forget: those of the forget part of Sharp MinMax, or of the mask of other methods that have
    one; None if all may."""
    history: tuple[EpochSeen, ...]
    """Losses and accuracies before the first step, after each epoch, and where it ended."""
    forget: Tensor
    """The rows that were to be forgotten, in ascending order, (k,) of int64."""
    method: Method
    """The method."""
    sharpness: Sharpness
    """How its optimizer treated sharpness."""
    training: Training
    """How it was trained, the precision settled."""
    seed: int
    """The seed."""
    device: str
    """Where it was computed."""
    until: tuple[str, ...] = ()
    """The stops that were asked for, in words."""
    reached: str | None = None
    """The stop that ended it; None if it went through all epochs."""

    @property
    def seconds(self) -> float:
        """Time that it took, masks and edits included, looking not."""
        return self.history[-1].seconds

    def to_frame(self) -> pandas.DataFrame:
        """The history as a table of pandas, a row for each `EpochSeen`."""
        import pandas  # half a second that a result without tables need not wait

        return pandas.DataFrame([vars(one) for one in self.history])

    @property
    def is_known_still(self) -> bool:
        """Whether what was to be forgotten is still known as before, or no worse than what is retained.

        A network that begins with new weights never knew it.
        """
        first, last = self.history[0], self.history[-1]
        if self.method.start == "fresh" or last.forget_accuracy < first.forget_accuracy:
            return False
        share, nats = _MOVED
        return last.forget_loss <= max((1 + share) * first.forget_loss + nats, last.retain_loss)

    def summary(self) -> str:
        """What was done, and what it did, in some lines; where that is next to nothing, it is said."""
        first, last = self.history[0], self.history[-1]
        lines = [
            f"{self.method.title} with {self.sharpness.label}: {counted(len(self.forget), 'sample')} to be forgotten, "
            f"seed {self.seed}",
            f"{counted(last.step, 'step')}, {counted(last.epoch, 'epoch')}, {self.seconds:.1f} s on {self.device} in "
            f"{self.training.precision}",
        ]
        if self.until:
            lines.append(f"ended at: {self.reached}" if self.reached else f"never reached: {', '.join(self.until)}")
        if self.mask is not None:
            lines.append(f"weights that may forget: {100 * self.mask.fraction:.3g} %")
        for words, name in (("retained", "retain"), ("forgotten", "forget"), ("validation", "val")):
            if getattr(first, f"{name}_loss") is not None:
                lines.append(_change(words, name, first, last))
        if self.is_known_still:
            lines.append(_STILL_KNOWN)
        return "\n".join(lines)

    __str__ = __repr__ = summary


def _change(words: str, name: str, first: EpochSeen, last: EpochSeen) -> str:
    """How accuracy and loss on a set changed."""
    pairs: list[tuple[Any, Any]] = [
        (getattr(first, f"{name}_{number}"), getattr(last, f"{name}_{number}")) for number in ("accuracy", "loss")
    ]
    (before, after), (old, new) = pairs
    return f"{words + ':':12} accuracy {100 * before:.1f} % -> {100 * after:.1f} %, loss {old:.3g} -> {new:.3g}"
