"""What is found by its place or its name: modules of a folder, public names on their first use, names like another."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from simulate.house.extras import MissingExtraError

__all__ = ["check_told_apart", "found_on_use", "modules_of", "most_like", "public_classes"]


def modules_of(package: str, folders: Iterable[str]) -> list[ModuleType]:
    """The modules and packages inside of a package, imported, in the order of their names.

    Args:
        package: Its dotted name.
        folders: Where its modules are, its `__path__`.

    Example:
        >>> import simulate.problems
        >>> [module.__name__ for module in modules_of("simulate.problems", simulate.problems.__path__)][:2]
        ['simulate.problems.activations', 'simulate.problems.arrays']
    """
    return [import_module(f"{package}.{name}") for name in sorted(module.name for module in iter_modules(folders))]


def public_classes(modules: Iterable[ModuleType], kind: type) -> list[Any]:
    """The classes of a kind that some modules make public, once each, the kind itself aside.

    Args:
        modules: The modules; each names what it makes public in `__all__`.
        kind: The class that they are made of.
    """
    public = dict.fromkeys(getattr(module, name) for module in modules for name in module.__all__)
    return [one for one in public if isinstance(one, type) and issubclass(one, kind) and one is not kind]


def found_on_use(package: str, homes: Mapping[str, str], extra: str | None = None) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose public names are found when first used: its import costs what is used.

    Args:
        package: Its dotted name.
        homes: For each public name the room or module inside the package where it lives.
        extra: The extra of this project that has what some of them import, if there is one.

    Example:
        >>> found_on_use("simulate", {"Record": "runs.record"})("Record").__name__
        'Record'
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if extra is None or isinstance(error, MissingExtraError) or missing in ("", package.partition(".")[0]):
                raise
            raise MissingExtraError(package, missing, extra) from None

    return attribute


def check_told_apart(kind: str, names: Sequence[str]) -> None:
    """Require that no two things of a kind have the same name.

    Raises:
        ValueError: if some have; the message names them.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Argument `name` must be different for every {kind}, but {', '.join(twice)} is not.")


def most_like(name: str, known: Sequence[str]) -> str:
    """The known names most similar to one that is not known, whatever their capitals, for the end of an error.

    Example:
        >>> most_like("neg-gard", ["retrain", "neg-grad", "salun"])
        'the most similar ones are neg-grad, salun, retrain'
    """
    lowered = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), lowered, cutoff=0.0)
    return f"the most similar ones are {', '.join(lowered[one] for one in close)}"
