"""The options of a command, read off its dataclass: for help pages, and to say what is wrong with a command line."""

from __future__ import annotations

import ast
import inspect
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["Group", "Option", "Shown", "field_texts", "options_of"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How help shows a field, where its type does not say it well; stands in `Annotated[…]`."""

    value: str = ""
    """The word that stands for a value, such as NAME."""
    default: str = ""
    """What the default means, such as "all claims"."""
    positional: bool = False
    """Whether the value is typed without a flag. The parser must be told, too: `tyro.conf.Positional`."""


@dataclass(frozen=True)
class Group:
    """Options that belong together: the fields of one dataclass.

    Attributes:
        name: Where it lies in the command, and its class.
        text: What the field says that holds it.
    """

    name: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a command.

    Attributes:
        flag: As it is typed, e.g. "--problem.sigma-0"; of a positional one, the word that stands for it.
        group: The options it is shown with.
        kind: What a value is: int, float, str, bool or Path.
        value: The word that stands for a value; empty for a switch.
        text: What the field says.
        default: The default, as help shows it.
        choices: The values there are, if they are few.
        many: Whether it takes any number of values.
        none: Whether the word None is a value.
        required: Whether it must be given.
        positional: Whether its value is typed without a flag.
        parts: The dataclasses of a whole part of the configuration, of which a word chooses one, typed without a flag.
    """

    flag: str
    group: Group
    kind: type
    value: str
    text: str
    default: str
    choices: tuple[str, ...] = ()
    many: bool = False
    none: bool = False
    required: bool = False
    positional: bool = False
    parts: tuple[type, ...] = ()

    @property
    def is_switch(self) -> bool:
        """Whether it is switched on and off, and takes no value."""
        return self.kind is bool and not self.many

    @property
    def spellings(self) -> tuple[str, ...]:
        """The flags that the parser knows it by."""
        if self.positional or self.parts:
            return ()
        head, dot, name = self.flag.rpartition(".")
        off = f"{head}{dot}no-{name}" if dot else f"--no-{name.removeprefix('--')}"
        return (self.flag, off) if self.is_switch else (self.flag,)

    @property
    def last(self) -> str:
        """The name of its field."""
        return self.flag.rpartition(".")[2].removeprefix("--").replace("-", "_")


def options_of(cls: type, default: object = None) -> list[Option]:
    """Every option of a command, in the order of its fields; those of parts of it behind its own.

    Args:
        cls: The dataclass.
        default: An instance that holds the defaults; None takes those of the fields.
    """
    found = list(_walk(cls, default, "--", Group("options")))
    groups = list(dict.fromkeys(option.group for option in found))
    return sorted(found, key=lambda option: groups.index(option.group) if option.group.name != "options" else -1)


def _walk(cls: type, instance: object, prefix: str, group: Group) -> Iterator[Option]:
    hints, texts = _hints(cls), field_texts(cls)
    for field in fields(cls):
        if field.init:
            value = _default(field) if instance is None else getattr(instance, field.name)
            flag, text = prefix + field.name.replace("_", "-"), texts.get(field.name, "")
            yield from _field(hints[field.name], value, flag, text, group)


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _field(hint: Any, value: Any, flag: str, text: str, group: Group) -> Iterator[Option]:
    """The option of a field, or those of the dataclasses it holds."""
    hint, shown = _bare(hint)
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] if _is_union(hint) else [hint]
    if _is_union(hint) and any(map(is_dataclass, kinds)):
        words = (*(kind.__name__.lower() for kind in kinds), "none")
        chosen = "none" if value is None else type(value).__name__.lower()
        yield Option(
            flag=flag.removeprefix("--"), group=group, kind=str, value="", text=text, default=chosen, choices=words,
            parts=tuple(kinds),
        )  # fmt: skip
    elif is_dataclass(value) or is_dataclass(hint):
        cls: Any = hint if value is MISSING else type(value)
        yield from _walk(cls, None if value is MISSING else value, f"{flag}.", _group(flag, cls, text))
    elif isinstance(value, tuple) and value and all(map(is_dataclass, value)):
        for number, each in enumerate(value):
            place = f"{flag}.{number}"
            yield from _walk(type(each), each, f"{place}.", _group(place, type(each), ""))
    elif not any(map(is_dataclass, get_args(hint))):
        yield _leaf(hint, shown, value, flag, text, group)


def _group(flag: str, cls: type, text: str) -> Group:
    name = flag.removeprefix("--")
    alike = cls.__name__.lower() == name.rpartition(".")[2].replace("-", "")
    return Group(name if alike else f"{name} ({cls.__name__})", text)


def _leaf(hint: Any, shown: Shown, value: Any, flag: str, text: str, group: Group) -> Option:
    none = _is_union(hint)
    if none:
        hint, _ = _bare(next(kind for kind in get_args(hint) if kind is not NoneType))
    many = get_origin(hint) is tuple
    if many:
        hint, _ = _bare(get_args(hint)[0])
    choices = tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else ()
    kind = str if choices else hint
    word = shown.value or ("" if kind is bool else _WORDS.get(kind, "VALUE") if not choices else "WORD")
    return Option(
        flag=word if shown.positional else flag, group=group, kind=kind, value=word, text=text,
        default=shown.default or ("" if shown.positional else _as_text(value)), choices=choices, many=many, none=none,
        required=value is MISSING, positional=shown.positional,
    )  # fmt: skip


_WORDS: Mapping[Any, str] = {int: "INT", float: "FLOAT", str: "TEXT", Path: "PATH"}


def _bare(hint: Any) -> tuple[Any, Shown]:
    """A type without its annotations, and how help shows it."""
    marks: Sequence[Any] = ()
    if get_origin(hint) is Annotated:
        hint, *marks = get_args(hint)
    return hint, next((mark for mark in marks if isinstance(mark, Shown)), Shown())


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _as_text(value: Any) -> str:
    """A default as it would be typed, or in words."""
    if value is MISSING:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " ".join(map(_typed, value)) or "none"
    return "none" if value is None else _typed(value) or '""'


def _typed(value: Any) -> str:
    return shlex.quote(value).replace("'", '"') if isinstance(value, str) and " " in value else str(value)


@cache
def field_texts(cls: type) -> Mapping[str, str]:
    """The string under each field of a dataclass, those of its bases included."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if is_dataclass(base):
            texts |= _texts_in(base)
    return texts


def _texts_in(cls: type) -> dict[str, str]:
    try:
        definition = ast.parse(inspect.cleandoc(f"\n{inspect.getsource(cls)}")).body[0]
    except (OSError, SyntaxError, TypeError):  # made without a file: it has no texts
        return {}
    return {
        ast.unparse(here.target): " ".join(ast.literal_eval(below.value).split())
        for here, below in pairwise(getattr(definition, "body", []))
        if isinstance(here, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    }
