"""`python -m tests.first_contact`: the first minutes with a GPU, or with `--prepare` what to bring along.

Options are read without any package, since packages may be among what is brought.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.first_contact.carried import unpacked
from tests.first_contact.parts import Contact, parts
from tests.first_contact.schedule import Report, run_parts

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """Prepare, or make contact; returns the exit status, 1 if a part crashed."""
    given = _options().parse_args(words)
    try:
        if given.prepare is not None:
            from tests.first_contact.prepare import prepare

            return prepare(given.prepare, given.images, given.scores, there=given.there, python=given.python,
                           capability=given.capability, per_class=given.per_class)  # fmt: skip
        return _contact(given)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _contact(given: argparse.Namespace) -> int:
    if not given.minutes > 0:
        raise ValueError(f"Argument `minutes` must be positive, but is {given.minutes:g}.")
    report = Report(given.out.resolve(), {"command": sys.argv[1:], "minutes": given.minutes, "device": given.device})
    with tempfile.TemporaryDirectory(prefix="first_contact_", ignore_cleanup_errors=True) as folder:
        work = given.work.resolve() if given.work else Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        carried = unpacked(given.carried, work, given.images, given.scores)
        report.say(f"unpacked into {work}")
        contact = Contact(
            out=report.out, work=work, carried=carried, minutes=given.minutes, device=given.device, small=given.small,
            only=given.only,
        )  # fmt: skip
        run_parts(parts(contact), 60 * given.minutes, report, work)
    crashed = [each["name"] for each in report.told["parts"] if each["outcome"].startswith("crashed")]
    report.say(f"results in {report.out}" + (f"; crashed: {', '.join(crashed)}" if crashed else ""))
    return int(bool(crashed))


def _options() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m tests.first_contact", description="See docs/gpu.md.")
    add = found.add_argument
    add("--out", type=Path, default=Path("results/first_contact"), help="folder of the results, under 1 MB")
    add("--minutes", type=float, default=9.0, help="time for everything; the limits of the parts are in proportion")
    add("--device", choices=("cuda", "cpu"), default="cuda", help="cpu is a rehearsal: no speed means anything")
    add("--small", action="store_true", help="parts of the size of a rehearsal")
    add("--only", nargs="+", default=[], metavar="PART", help="only these parts")
    add("--carried", type=Path, metavar="DIR", help="what --prepare made")
    add("--images", type=Path, metavar="DIR", help="images as train/CLASS/*, test/CLASS/*")
    add("--scores", type=Path, metavar="FILE", help="published scores of the training images")
    add("--work", type=Path, metavar="DIR", help="folder for all else, which stays; a temporary one without it")
    add("--prepare", type=Path, metavar="DIR", help="only gather here what is to be carried, and list the sizes")
    add("--there", type=Path, metavar="FILE", help="--prepare: packages that the other machine has, as pip list prints")
    add("--python", default="3.12", help="--prepare: version of its Python")
    add("--capability", default="8.0", help="--prepare: the least that its card can do")
    add("--per-class", type=int, metavar="N", help="--prepare: only the first N training and test images of each class")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
