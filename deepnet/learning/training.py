"""Settings of a training: how long, in which batches, with which optimizer, in which number format."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from deepnet.house.fields import of_type
from deepnet.learning.descent import Descent
from deepnet.networks.precision import PRECISIONS, Precision, on_device
from simulate.house import checks

__all__ = ["Training"]


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a model is trained, whatever the objective."""

    epochs: int = 10
    """Number of epochs; what an epoch is, the method says."""
    batch_size: int = 256
    """Samples of a batch, over all processes; the batches of a pass are made nearly equal."""
    descent: Descent = field(default_factory=Descent)
    """How a direction becomes a step."""
    precision: Precision = "float32"
    """Number format of products: float32, tf32, float16, bfloat16, or auto for float16 on CUDA devices and float32
    elsewhere; weights stay in float32."""

    def __post_init__(self) -> None:
        """Validate every field."""
        checks.integer("epochs", self.epochs, least=0)
        checks.integer("batch_size", self.batch_size, least=2)
        of_type("descent", self.descent, Descent)
        checks.choice("precision", self.precision, PRECISIONS)

    def on(self, device: torch.device) -> Training:
        """The same training, its precision settled for a device."""
        return replace(self, precision=on_device(self.precision, device))
