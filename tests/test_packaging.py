"""What is packed, what its extras are for, and how it is cited: the project file, the pages and the lock agree."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.floor_plan import FLOORS
from tests.lock import constraints
from tests.places import ROOT


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text_of("pyproject.toml"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
MADE = re.search(r"(?m)^EXTRAS +:= (\S+)$", text_of("Makefile"))[1].split(",")
"""Extras that `make` installs."""
LISTED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT, capture_output=True, text=True, check=False,
).stdout.split("\0")[:-1]  # fmt: skip
FILES = [path for path in LISTED if (ROOT / path).is_file()]
"""The files of the repository; none where there is no git, as in what was packed."""
needs_git = pytest.mark.skipif(not FILES, reason="needs git, which knows the files of the repository")


# --- extras ---------------------------------------------------------------------------------------------


def test_a_table_tells_what_each_extra_is_for() -> None:
    table = text_of("docs/install.md").partition("| extra | for |\n")[2].partition("\n\n")[0]
    told = [name for row in table.splitlines()[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(told) == sorted(EXTRAS)


@needs_git
def test_extras_that_are_asked_for_are_there() -> None:
    pages = [path for path in FILES if path.endswith((".md", ".ipynb"))]
    asked = {
        (path, extra)
        for path in pages
        for extras in re.findall(r'(?:sharpmu|[ "\'.])\[([a-z0-9,]+)\]\\?["\']', text_of(path))
        for extra in extras.split(",")
    }
    assert len({extra for _, extra in asked}) >= 5
    assert [(path, extra) for path, extra in sorted(asked) if extra not in EXTRAS] == []


# --- the lock -------------------------------------------------------------------------------------------


def test_the_lock_has_what_make_installs_in_versions_that_are_allowed() -> None:
    lines = text_of("constraints.txt").splitlines()
    assert lines[0].endswith(f" the extras {','.join(MADE)}.")
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {plain(name): version for name, version in pinned.items()}
    wanted = [Requirement(each) for each in [*PROJECT["dependencies"], *(one for name in MADE for one in EXTRAS[name])]]
    assert [str(each) for each in wanted if versions.get(plain(each.name), "0") not in each.specifier] == []
    assert list(pinned) == sorted(pinned, key=plain)


def test_the_lock_is_what_pip_would_install() -> None:
    names = ["zarr", "sharpmu", "Sphinx", "jupyter_core", "jupyter-events"]
    report = {"install": [{"metadata": {"name": name, "version": f"{place}.0"}} for place, name in enumerate(names)]}
    head, made, *lines = constraints(report, "images,dev", "3.12.1").splitlines()
    assert head == "# Versions that work together, for the core and the extras images,dev."
    assert made == "# 'make lock' writes this file; it was resolved with Python 3.12.1."
    assert lines == ["jupyter_core==3.0", "jupyter-events==4.0", "Sphinx==2.0", "zarr==0.0"]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# --- interpreters ---------------------------------------------------------------------------------------


def test_the_same_interpreters_are_named_everywhere() -> None:
    named = [one.removeprefix("Programming Language :: Python :: ") for one in PROJECT["classifiers"]]
    minors = [one for one in named if re.fullmatch(r"3\.\d+", one)]
    assert minors == re.findall(r'"(3\.\d+)"', re.search(r"python: \[.*\]", text_of(".github/workflows/ci.yml"))[0])
    assert all(one in SpecifierSet(PROJECT["requires-python"]) for one in minors)
    assert PROJECT["requires-python"] == f">={minors[0]}"
    for page in ("README.md", "docs/install.md", "Makefile"):
        assert f"Python {minors[0]} or newer" in text_of(page)


# --- what is packed -------------------------------------------------------------------------------------


PACKED_LEDGER = "paper_figs/workshop/ledger.json"
"""docs/ledger.json, where an installed `paper_figs.workshop.ledgers` looks for it."""


@needs_git
def test_packed_are_the_files_of_the_repository(tmp_path: Path) -> None:
    """Data that modules read at run time among it, and nothing that lies about."""
    pytest.importorskip("hatchling", reason="needs the builder, which `make` installs")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,), (source,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        inside = {name for name in packed.namelist() if ".dist-info/" not in name}
        about = packed.read(next(name for name in packed.namelist() if name.endswith("/METADATA"))).decode()
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in packed.namelist())
        assert packed.read(PACKED_LEDGER) == (ROOT / "docs/ledger.json").read_bytes()
    assert inside == {path for path in FILES if path.split("/")[0] in FLOORS} | {PACKED_LEDGER}
    assert set(re.findall(r"(?m)^Provides-Extra: (\S+)$", about)) == set(EXTRAS)
    with tarfile.open(source) as packed:
        kept = {name.partition("/")[2] for name in packed.getnames()}
    assert set(FILES) - kept == set()
    assert kept - set(FILES) == {"PKG-INFO"}


# --- citing ---------------------------------------------------------------------------------------------


def test_people_and_machines_are_told_the_same_citation() -> None:
    cited = yaml.safe_load(text_of("CITATION.cff"))
    software, paper = re.findall(r"@\w+\{.*?\n\}", text_of("docs/citing.md"), re.DOTALL)
    fields = dict(re.findall(r"(?m)^  (\w+) += \{(.*)\},$", software))
    assert fields == {
        "title": cited["title"],
        "author": "{" + " and ".join(author["name"] for author in cited["authors"]) + "}",
        "version": cited["version"],
        "license": cited["license"],
    }
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert PROJECT["license"] == cited["license"]
    (theirs,) = cited["references"]
    fields = dict(re.findall(r"(?m)^  (\w+) += \{(.*)\},$", paper))
    names = [f"{author['family-names']}, {author['given-names']}" for author in theirs["authors"]]
    assert (fields["author"], fields["title"]) == (" and ".join(names), theirs["title"])
    assert fields["year"] == str(theirs["year"])
    assert theirs["identifiers"][0]["value"].removeprefix("arXiv:") == fields["note"].removeprefix("arXiv ")
