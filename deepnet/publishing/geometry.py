"""Loss surfaces and maps of features of one seed, as a study left them beside its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepnet.publishing.records import WHO, Movement, Surface, rounded
from deepnet.report.rows import Row

__all__ = ["movements_in", "surfaces_in"]


def surfaces_in(folder: Path, studies: Mapping[str, Sequence[Row]]) -> tuple[Surface, ...]:
    """The loss surfaces of the first study that has any, at its first seed.

    Raises:
        ValueError: if a file is damaged; the message names it.
    """
    found = _pictures(folder, studies, "landscapes", ("a", "b", "loss"))
    return tuple(
        Surface(**about, part=more["part"], **{name: rounded(values) for name, values in arrays.items()})
        for about, more, arrays in found
    )


def movements_in(folder: Path, studies: Mapping[str, Sequence[Row]]) -> tuple[Movement, ...]:
    """The maps of features of the first study that has any, at its first seed.

    Raises:
        ValueError: if a file is damaged; the message names it.
    """
    found = _pictures(folder, studies, "feature_maps", ("before", "after", "labels", "forgotten"))
    return tuple(
        Movement(
            **about,
            before=rounded(arrays["before"]),
            after=rounded(arrays["after"]),
            labels=arrays["labels"].tolist(),
            forgotten=arrays["forgotten"].astype(int).tolist(),
        )
        for about, _, arrays in found
    )


def _pictures(
    folder: Path, studies: Mapping[str, Sequence[Row]], kind: str, names: Sequence[str]
) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]]:
    """Whose each picture is, what else is said of it, and its arrays."""
    from deepnet.report.figures.arrays import read_pictures, rows_of  # imports matplotlib, which most users do not need

    for study, rows in studies.items():
        pictures = read_pictures(folder / study / kind, _unchecked, names)
        ours = [each for each in pictures if rows_of([each], rows)]  # older files may lie beside them
        if ours:
            first = min(each.about["seed"] for each in ours)
            chosen = [each for each in ours if each.about["seed"] == first]
            return [(_who(study, each.about), each.about, each.arrays) for each in chosen]
    return []


def _who(study: str, about: Mapping[str, Any]) -> dict[str, Any]:
    return {"study": study, "seed": about["seed"], **{name: about[name] for name in WHO if name != "study"}}


def _unchecked(arrays: dict[str, np.ndarray]) -> None:
    """Nothing: the records check themselves."""
