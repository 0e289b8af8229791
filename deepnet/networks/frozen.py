"""Parts of a model that are frozen (`requires_grad_(False)`): what is trained then, and how the rest stays as it is."""

from __future__ import annotations

from torch import Tensor, nn

from deepnet.networks.normalization import keeps_statistics

__all__ = ["to_training", "trainable"]


def trainable(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that ask for a gradient, by name.

    Raises:
        ValueError: if there is none.
    """
    found: dict[str, Tensor] = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if not found:
        raise ValueError("Argument `model` must have a parameter that can be trained, but all of them are frozen.")
    return found


def to_training(model: nn.Module) -> None:
    """Put a model in training mode, but for the normalisation in its frozen parts.

    A part is frozen if it has parameters and none of them asks for a gradient. Its normalisation stays in evaluation
    mode: by its batches it would give other features than before, and its running statistics would move.
    """
    model.train()
    for part in model.modules():
        weights = list(part.parameters())
        if weights and not any(weight.requires_grad for weight in weights):
            for layer in part.modules():
                if keeps_statistics(layer):
                    layer.eval()
