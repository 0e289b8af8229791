"""Results on disk, each under the hash of the configuration that made it. What is there is finished."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from deepnet.house import parallel
from deepnet.house.identity import as_json, key_of
from deepnet.learning.journal import Journal
from deepnet.networks import weights
from simulate.house.files import parse_json, write_text

__all__ = ["Store"]

_UNREADABLE = (
    ValueError, TypeError, KeyError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy raises of a damaged file of arrays."""


@dataclass(frozen=True)
class Store:
    """A folder of models, rows and arrays.

    Attributes:
        folder: Where everything lies; made when it is missing.
    """

    folder: Path

    def __post_init__(self) -> None:
        """Make the folders.

        Raises:
            OSError: if they cannot be made.
        """
        for name in ("models", "rows", "arrays", "journals"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, kind: str, config: Any, suffix: str) -> Path:
        """Where the result of a configuration lies."""
        return self.folder / kind / f"{key_of(config)}{suffix}"

    def has_model(self, config: Any) -> bool:
        """Whether a model is finished."""
        return self.path("models", config, ".safetensors").exists()

    def save_model(self, config: Any, tensors: dict[str, Tensor], history: dict[str, Any]) -> None:
        """Keep a finished model with its history; its journal is not needed any more."""
        if parallel.rank() == 0:
            about = {"config": as_json(config), "history": history}
            weights.write(self.path("models", config, ".safetensors"), tensors, about)
            self.journal(config).discard()

    def load_model(self, config: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The weights and the history of a finished model.

        Raises:
            ValueError: if the file was made with another configuration, or is damaged.
        """
        path = self.path("models", config, ".safetensors")
        tensors, about = weights.read(path)
        if about.get("config") != as_json(config) or "history" not in about:
            raise ValueError(f"{path} was made with another configuration, or is damaged; remove it to make it anew.")
        return tensors, about["history"]

    def drop_model(self, config: Any) -> None:
        """Remove a model that has been measured."""
        if parallel.rank() == 0:
            self.path("models", config, ".safetensors").unlink(missing_ok=True)

    def journal(self, config: Any) -> Journal:
        """Where the state of an unfinished training is kept."""
        return Journal(self.path("journals", config, ".safetensors"))

    def row(self, config: Any) -> dict[str, Any] | None:
        """A finished row, or None.

        Raises:
            ValueError: if the file is damaged.
        """
        path = self.path("rows", config, ".json")
        if not path.exists():
            return None
        try:
            return dict(parse_json(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}); remove it to make it anew.") from error

    def save_row(self, config: Any, row: dict[str, Any]) -> None:
        """Keep a finished row."""
        if parallel.rank() == 0:
            write_text(self.path("rows", config, ".json"), json.dumps(row, indent=1, allow_nan=False))

    def has_arrays(self, config: Any) -> bool:
        """Whether arrays are finished."""
        return self.path("arrays", config, ".npz").exists()

    def arrays(self, config: Any) -> dict[str, np.ndarray]:
        """Finished arrays by name.

        Raises:
            FileNotFoundError: if there are none.
            ValueError: if the file is damaged.
        """
        path = self.path("arrays", config, ".npz")
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing; run the study again.")
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                return dict(file)
        except _UNREADABLE as error:
            raise ValueError(f"{path} is damaged ({error}); remove it to make it anew.") from error

    def save_arrays(self, config: Any, arrays: dict[str, np.ndarray]) -> None:
        """Keep arrays by name."""
        if parallel.rank() == 0:
            weights.write_arrays(self.path("arrays", config, ".npz"), arrays)
