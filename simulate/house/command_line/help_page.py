"""Help pages: plain text as wide as the terminal, whose words never break."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from simulate.house.command_line.options import Group, Option

__all__ = ["columns", "folded", "help_page", "listing", "option_list", "paragraphs"]

LINES = 60
"""Most lines of a page at 80 columns: two screens. Where whole texts need more, it has their first sentences."""

_WIDEST = 100
_LEFT = 33
"""Most columns of the flags, where texts stand beside them; a longer flag has a line of its own."""
_BESIDE = 64
"""Columns from which on texts stand beside flags, not below them."""


def columns() -> int:
    """Width of a page: that of the terminal, but no more than can be read with ease."""
    return max(20, min(shutil.get_terminal_size().columns, _WIDEST))


def help_page(
    program: str,
    about: str,
    options: Sequence[Option],
    *,
    usual: Sequence[str] = (),
    notes: str = "",
    whole: str = "",
    complete: bool = False,
) -> str:
    """What `--help` and `--help-all` print.

    Args:
        program: What was typed to come here.
        about: What the command does.
        options: All its options.
        usual: Flags of those on the short page; none named is all.
        notes: What stands below the options of the short page.
        whole: What stands below them on the whole page; without it, the notes do.
        complete: Whether it is the whole page.
    """
    few = _usual(options, usual) if usual else list(options)
    head = [_usage(program, options, columns()), about]
    if complete:
        return _page(head, options, whole or notes, "", columns(), brief=False)
    left_out = len(few) < len(options) or bool(whole)
    brief = len(_page(head, few, notes, _more(left_out), 80, brief=False).splitlines()) > LINES
    if brief:
        head[1] = about.partition("\n\n")[0]
    return _page(head, few, notes, _more(left_out or brief), columns(), brief=brief)


def option_list(options: Iterable[Option], width: int | None = None, *, brief: bool = False) -> str:
    """Options with their texts, in their groups."""
    width, options = width or columns(), list(options)
    room = _room(options)
    groups: dict[Group, list[str]] = {}
    for option in options:
        entry = _beside(_left(option), _told(option, brief=brief), width, room)
        groups.setdefault(option.group, []).append(entry)
    return "\n\n".join("\n".join([_title(group, width), *entries]) for group, entries in groups.items())


def listing(entries: Mapping[str, str], width: int | None = None) -> str:
    """Words with a text each, in two columns."""
    left = max(map(len, entries))
    return "\n".join(_beside(word, text, width or columns(), left) for word, text in entries.items())


def folded(text: str, width: int | None = None) -> str:
    """A text whose long lines go on in the next one, a little to the right if they were indented."""
    return "\n".join(
        _fill(line, width or columns(), subsequent_indent=" " * (len(line) - len(line.lstrip()) + 4))
        for line in text.splitlines()
    )


def _usual(options: Sequence[Option], usual: Sequence[str]) -> list[Option]:
    """The options of the short page, in the groups of the command's own fields: few are left of each inner one."""
    own = {option.group.name: option.group for option in options if "." not in option.group.name}
    chosen = (option for option in options if option.flag in usual or option.positional)
    return [replace(option, group=own.get(option.group.name.split(".")[0], option.group)) for option in chosen]


def _room(options: Sequence[Option]) -> int:
    """Columns that the flags need."""
    return max((length for length in map(len, map(_left, options)) if length <= _LEFT), default=0)


def _page(head: Sequence[str], options: Sequence[Option], notes: str, more: str, width: int, *, brief: bool) -> str:
    helps = {"-h, --help": "show this page and stop"} | ({"--help-all": more} if more else {})
    room = max(_room(options), *map(len, helps))
    pages = "\n".join(["help:", *(_beside(word, text, width, room) for word, text in helps.items())])
    parts = [head[0], paragraphs(head[1], width), option_list(options, width, brief=brief), pages]
    return "\n\n".join(filter(None, [*parts, folded(notes, width)])) + "\n"


def _title(group: Group, width: int) -> str:
    title = f"{group.name}: {group.text}" if group.text else f"{group.name}:"
    return _fill(title, width, subsequent_indent="  ")


def _usage(program: str, options: Sequence[Option], width: int) -> str:
    required = [_left(option) for option in options if option.required and not option.positional]
    places = [_left(option) for option in options if option.positional]
    line = " ".join(["usage:", program, *places, *required, "[OPTIONS]"])
    return _fill(line, width, subsequent_indent="    ")


def _more(left_out: bool) -> str:
    return "every option with its whole text" if left_out else ""


def _left(option: Option) -> str:
    """An option as it is typed."""
    flag = option.flag
    if option.is_switch and option.default == "on":
        flag = option.spellings[1].replace("no-", "[no-]", 1)
    value = "" if option.positional else option.value
    return " ".join(filter(None, [flag, value, "..." if option.many else ""]))


def _told(option: Option, *, brief: bool) -> str:
    """What an option means, its choices and its default."""
    text = _first(option.text) if brief else option.text
    kinds = [", ".join(option.choices)] if option.choices else []
    if option.parts:
        kinds = [f"behind all other options, the word {' or '.join(option.choices)}, and then its own options"]
    if option.required and not option.positional:
        kinds.append("required")
    elif option.default:
        kinds.append(f"default: {option.default}")
    return f"{text.removesuffix('.')} ({'; '.join(kinds)})".strip() if kinds else text


def _first(text: str) -> str:
    """The first sentence, or what stands before its semicolon; brackets are not torn apart."""
    ends = (found.start() for found in re.finditer(r";|(?<=\.) (?=[A-Z\"])", text))
    return next((text[:end] for end in ends if text.count("(", 0, end) == text.count(")", 0, end)), text)


def _beside(left: str, text: str, width: int, room: int) -> str:
    """A flag and its text, side by side where there is room."""
    if width < _BESIDE:
        return f"{_fill('  ' + left, width, subsequent_indent='      ')}\n{_indented(text, 6, width)}".rstrip()
    body = _indented(text, room + 4, width)
    if len(left) > room:
        return f"{_fill('  ' + left, width, subsequent_indent='      ')}\n{body}".rstrip()
    return f"  {left.ljust(room)}  {body.lstrip()}".rstrip()


def _indented(text: str, indent: int, width: int) -> str:
    return _fill(text, width, initial_indent=" " * indent, subsequent_indent=" " * indent)


def paragraphs(text: str, width: int | None = None) -> str:
    """A text of one line a paragraph, folded."""
    return "\n\n".join(_fill(part, width or columns()) for part in text.split("\n\n"))


def _fill(text: str, width: int, *, initial_indent: str = "", subsequent_indent: str = "") -> str:
    """Text on lines; a word that is longer than a line keeps together."""
    lead = text[: len(text) - len(text.lstrip())]
    return textwrap.fill(
        text.strip(), width, initial_indent=lead + initial_indent, subsequent_indent=subsequent_indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
