"""The state of an unfinished training on disk, so that a killed run goes on where it was."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepnet.house import parallel
from deepnet.learning.stepping import lie_alike
from deepnet.learning.watching import Watcher
from deepnet.networks import weights

__all__ = ["Journal"]


@dataclass
class Journal:
    """Keeps model, optimizers, batch counters and history in one file, written in one move.

    Attributes:
        path: The file.
        every: Least time between two writings, in seconds.
    """

    path: Path
    every: float = 60.0
    _written: float = field(default_factory=time.monotonic)

    def save(
        self,
        model: nn.Module,
        optimizers: Mapping[str, torch.optim.Optimizer],
        drawn: Counter[str],
        epochs: list[dict[str, Any]],
        watcher: Watcher | None = None,
    ) -> None:
        """Write the state after an epoch, unless the last writing is too recent."""
        if parallel.rank() != 0 or time.monotonic() - self._written < self.every:
            return
        tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
        for label, optimizer in optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer/{label}/{index}/{key}": value for key, value in state.items()}
        watched = {} if watcher is None else {"watched": watcher.noted()}
        weights.write(self.path, tensors, {"drawn": dict(drawn), "epochs": epochs} | watched)
        self._written = time.monotonic()

    def restore(
        self,
        model: nn.Module,
        optimizers: Mapping[str, torch.optim.Optimizer],
        drawn: Counter[str],
        watcher: Watcher | None = None,
    ) -> list[dict[str, Any]]:
        """Take up what was written, if anything was; returns the epochs that are done.

        Raises:
            ValueError: if the file is damaged, or of another model; the message names it.
        """
        if not self.path.exists():
            return []
        tensors, about = weights.read(self.path)
        if not isinstance(about.get("drawn"), dict) or not isinstance(about.get("epochs"), list):
            raise ValueError(f"{self.path} is damaged; remove it to begin the training anew.")
        if watcher is not None and "watched" not in about:
            raise ValueError(f"{self.path} is of a training that nobody watched; remove it to begin the training anew.")
        own = {name.removeprefix("model/"): value for name, value in tensors.items() if name.startswith("model/")}
        weights.load_model(model, own, self.path)
        for label, optimizer in optimizers.items():
            optimizer.load_state_dict(
                {
                    "state": _states(tensors, f"optimizer/{label}/"),
                    "param_groups": optimizer.state_dict()["param_groups"],
                }
            )
            lie_alike(optimizer)
        drawn.update(about["drawn"])
        if watcher is not None:
            watcher.take_up(about["watched"])
        return list(about["epochs"])

    def discard(self) -> None:
        """Remove the file, once the training is finished and kept elsewhere."""
        self.path.unlink(missing_ok=True)


def _states(tensors: Mapping[str, Tensor], prefix: str) -> dict[int, dict[str, Tensor]]:
    """The state of an optimizer, as torch keeps it: for each parameter, by number, its tensors by name."""
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix):
            index, key = name.removeprefix(prefix).split("/")
            states.setdefault(int(index), {})[key] = value
    return states
