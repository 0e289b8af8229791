"""What is wrong with a command line, in one sentence that names the option as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from simulate.house.command_line.options import Option, options_of

__all__ = ["as_typed", "check_switches", "check_words", "no_such"]

_NUMBER = re.compile(r"-\.?\d|-inf|-nan")
_MANY = 80
"""Characters of a word beyond which a message shows only its beginning."""


@dataclass(frozen=True)
class _Use:
    """One use of an option: how its flag was typed, and the words behind it."""

    flag: str
    values: tuple[str, ...]
    joined: bool = False
    """Whether flag and value were typed as one word, `--seed=3`: then there are no others."""


def check_words(
    words: Sequence[str], options: Sequence[Option], program: str, elsewhere: Mapping[str, str] | None = None
) -> None:
    """Say what the parser did not like about a command line, as far as it is one of the usual things.

    Args:
        words: The words behind the command.
        options: Its options.
        program: What was typed before the words.
        elsewhere: Where to say what is no option here, by its name.

    Raises:
        ValueError: naming the option or the word.
    """
    known = {spelling: option for option in options for spelling in option.spellings}
    stray: list[str] = []
    seen: set[str] = set()
    for use in _uses(words):
        choosers = _choosers(stray, options)
        inner, flag = _inner(choosers, options), _plain(use.flag)
        option = inner.get(flag) or known.get(flag)
        if not use.flag:
            stray += use.values
        elif option is None:
            hint = _meant(flag, known, elsewhere or {}) or f"see {program} --help."
            raise ValueError(f"There is no option `{use.flag}`; {hint}")
        elif choosers and flag not in inner:
            raise ValueError(f"Option `{use.flag}` must stand before the word {_short(choosers[0])}.")
        else:
            seen.add(option.flag)
            stray += _check_values(use, option)
    _check_stray(stray, options, program)
    for option in options:
        if option.required and not option.positional and option.flag not in seen:
            raise ValueError(f"Option `{option.flag}` must be given, but is not; see {program} --help.")


def check_switches(words: Sequence[str], options: Sequence[Option]) -> None:
    """Refuse values of switches: before words that may be many the parser takes such a value for one of them.

    Raises:
        ValueError: naming the switch.
    """
    switches = {spelling: option for option in options if option.is_switch for spelling in option.spellings}
    for use in _uses(words):
        option = switches.get(_plain(use.flag)) if use.joined else None
        if option is not None:
            _check_values(use, option)


def as_typed(message: str, words: Sequence[str], options: Sequence[Option]) -> str:
    """A message on an argument, naming the option that gave it.

    Args:
        message: What a check said, such as "Argument `d` must be …".
        words: The command line.
        options: The options of its command.

    Returns:
        The message with the flag in the place of the argument's name, if one flag alone can be meant; another option
        that it tells of is named by its flag, too.
    """
    found = re.match(r"Argument `(\w+)`", message)
    if found is None:
        return message
    flags = {spelling for option in options if option.last == found[1] for spelling in option.spellings[:1]}
    typed = [use.flag for use in _uses(words) if _plain(use.flag) in flags]
    meant = set(typed) or flags & {f"--{found[1].replace('_', '-')}"}
    if len(meant) == 1:
        message = message.replace(f"`{found[1]}`", f"`{meant.pop()}`", 1)
    alone = {option.flag for option in options}
    return re.sub(r"(?<!Argument )`(\w+)`", lambda m: f"`--{m[1]}`" if f"--{m[1]}" in alone else m[0], message)


def no_such(kind: str, word: str, program: str, known: Sequence[str]) -> str:
    """A sentence on a word that stands for nothing, and the words that do.

    Args:
        kind: What it should stand for, such as "command".
        word: The word.
        program: What was typed before it.
        known: The words there are.
    """
    *most, last = known
    close = _alike(word, known)
    guess = f"; did you mean {close}?" if close else "."
    return f"There is no {kind} {_short(word)}{guess} The {kind}s of `{program}` are {', '.join(most)} and {last}."


def _alike(word: str, known: Sequence[str]) -> str:
    """The known word that was probably meant, or nothing."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.7)), "")


def _uses(words: Sequence[str]) -> Iterator[_Use]:
    """The options of a command line in their order; words before the first one have no flag."""
    flag, values = "", list[str]()
    for word in words:
        if not _is_flag(word):
            values.append(word)
            continue
        if flag or values:
            yield _Use(flag, tuple(values))
        flag, equals, value = word.partition("=")
        values = []
        if equals:
            yield _Use(flag, (value,), joined=True)
            flag = ""
    if flag or values:
        yield _Use(flag, tuple(values))


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and not _NUMBER.match(word) and " " not in word


def _plain(flag: str) -> str:
    """A flag as it is listed: `_` and `-` are one."""
    return "--" + flag[2:].replace("_", "-") if flag.startswith("--") else flag


def _choosers(words: Sequence[str], options: Sequence[Option]) -> list[str]:
    """Those of some words that choose a part of the configuration."""
    return [word for word in words if any(option.parts and word in option.choices for option in options)]


def _inner(words: Sequence[str], options: Sequence[Option]) -> dict[str, Option]:
    """The options of the parts that some words chose, as they are typed behind them."""
    kinds = [kind for option in options for kind in option.parts if kind.__name__.lower() in words]
    return {spelling: option for kind in kinds for option in options_of(kind) for spelling in option.spellings}


def _meant(flag: str, known: Mapping[str, Option], elsewhere: Mapping[str, str]) -> str:
    """A guess at what was meant: a flag that ends alike, what is said elsewhere, or a flag that looks alike."""
    name = flag.lstrip("-")
    ends = [each for each in known if each.endswith(f".{name}")]
    place = elsewhere.get(name.rpartition(".")[2].replace("-", "_"), "")
    if place and not ends:
        return f"it is said {place}."
    guess = _alike(flag, list(known)) or (min(ends, key=len) if name and ends else "")
    return f"did you mean `{guess}`?" if guess else ""


def _check_values(use: _Use, option: Option) -> tuple[str, ...]:
    """Check the values of an option; returns the words that are left over."""
    if option.is_switch:
        if use.joined:
            raise ValueError(f"Option `{use.flag}` must stand alone, but has the value {_short(use.values[0])}.")
        return use.values
    if not use.values:
        if option.many:
            return ()
        raise ValueError(f"Option `{use.flag}` must be followed by {_wanted(option)}, but is not.")
    mine = use.values if option.many else use.values[:1]
    for value in mine:
        if not _fits(value, option):
            name = "Each value of" if option.many else "Option"
            raise ValueError(f"{name} `{use.flag}` must be {_wanted(option)}, but is {_short(value)}.")
    return use.values[len(mine) :]


def _check_stray(stray: Sequence[str], options: Sequence[Option], program: str) -> None:
    """Check the words without a flag: positional values, and words that choose a part."""
    choosers = _choosers(stray, options)
    words = [word for word in stray if word not in choosers]
    places = [option for option in options if option.positional]
    for option in places:
        if option.required and not words:
            raise ValueError(f"Argument `{option.value}` must be given, but is not; see {program} --help.")
        words = [] if option.many else words[1:]
    if words:
        raise ValueError(f"The word {_short(words[0])} has no place here; see {program} --help.")


def _fits(value: str, option: Option) -> bool:
    if option.none and value == "None":
        return True
    if option.choices:
        return value in option.choices
    try:
        option.kind(value)
    except ValueError:
        return False
    return option.kind is not bool or value in ("True", "False")


def _wanted(option: Option) -> str:
    """What a value must be, in words."""
    if option.choices:
        return f"{', '.join(option.choices[:-1])} or {option.choices[-1]}" if option.choices[1:] else option.choices[0]
    return {int: "a whole number", float: "a number", Path: "a path"}.get(option.kind, "a value")


def _short(word: str) -> str:
    return repr(word if len(word) <= _MANY else f"{word[:_MANY]}…")
