"""Configurations as JSON, and as the hash under which their results are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np

__all__ = ["as_json", "came_later", "key_of"]

_FORMAT = 2
"""Changes when the same configuration would give other numbers than before."""


_LATER = "left out where it has its default"


def came_later(default: Any) -> Any:
    """A field of a configuration, by its default, that there was not when results were first kept.

    `as_json` leaves it out where it has its default, so that what was made before it came keeps its key.
    """
    return dataclasses.field(default=default, metadata={_LATER: True})


def as_json(config: Any) -> Any:
    """A configuration as JSON holds it; a method is an object with its name and its fields."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        values = ((item, getattr(config, item.name)) for item in dataclasses.fields(config))
        told = ((item, value) for item, value in values if _LATER not in item.metadata or value != item.default)
        fields = {item.name: as_json(value) for item, value in told}
        name = getattr(type(config), "name", None)
        return {"name": name, **fields} if isinstance(name, str) else fields
    if isinstance(config, tuple | list):
        return [as_json(item) for item in config]
    if isinstance(config, dict):
        return {str(key): as_json(value) for key, value in config.items()}
    return config.item() if isinstance(config, np.generic) else config


def key_of(config: Any) -> str:
    """Sixteen hexadecimal digits that stand for a configuration.

    Example:
        >>> key_of({"b": 1, "a": (2, 3)}) == key_of({"a": [2, 3], "b": 1})
        True
    """
    text = json.dumps([_FORMAT, as_json(config)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
