"""The house rules that a machine can hold: who imports whom, what an import costs, and how files look."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.floor_plan import DISCOVERED, FLOORS, MAY_IMPORT, floor_of, picture
from tests.places import ROOT

PACKAGES = ("simulate", "theory", "deepnet", "paper_figs", "sharpmu")
OURS = {*MAY_IMPORT, "tests"}
HEAVY = {"cupy", "dask", "distributed", "ipywidgets", "matplotlib", "torch"}
MAY_LOAD: dict[str, set[str]] = {
    "simulate": set(),
    "theory": set(),
    "deepnet": set(),
    "paper_figs": set(),
    "sharpmu": set(),
}
"""The heavy packages that importing a room may load, because it does its job with them."""

MAX_LINES = 350
MAX_MODULES = 12
"""Modules of an inner room, its `__init__.py` apart."""
MAX_AT_THE_TOP = 5
"""Files of a package outside of its rooms, its two doors among them."""


def sources(room: str) -> Iterator[tuple[str, str]]:
    """Each source of a room as its path from the root and its Python code."""
    for path in sorted((ROOT / room).rglob("*")):
        if path.suffix == ".py":
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        elif path.suffix == ".ipynb" and ".ipynb_checkpoints" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), code_of_notebook(path.read_text(encoding="utf-8"))


def code_of_notebook(text: str) -> str:
    """The code cells of a notebook, without the lines of IPython's own syntax."""
    cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    lines = "\n".join(cells).splitlines()
    return "\n".join("pass" if line.startswith(("%", "!")) else line for line in lines)


@cache
def imported(path: str, source: str) -> tuple[str, ...]:
    """Dotted names of all that a source imports, wherever the import stands; relative ones made absolute.

    `from a import b` counts as `a.b`, which may be a module or a name inside `a`. Of imports by function,
    those with a literal name are seen.
    """
    return tuple(_imported(path, ast.parse(source, path)))


def _imported(path: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.split("/")[: -node.level] if node.level else []
            origin = [*above, node.module] if node.module else above
            yield from (".".join([*origin, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            values = [*node.args[:1], *(keyword.value for keyword in node.keywords)]
            yield from (v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str))


def forbidden_imports(path: str, source: str) -> list[str]:
    """What a source imports against the directions of `MAY_IMPORT`."""
    room = path.split("/")[0]
    allowed = (room, *MAY_IMPORT[room])
    ours = (name for name in imported(path, source) if name.split(".")[0] in OURS)
    return [name for name in ours if not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)]


def upward_imports(path: str, source: str) -> list[str]:
    """What a module of an inner room imports of its package that does not lie on a lower floor."""
    package, room = path.removesuffix(".py").split("/")[:2]
    found = (name.split(".") for name in imported(path, source))
    rooms = {name[1] for name in found if name[0] == package and len(name) > 1}
    return sorted(r for r in rooms - {room} if not -1 < floor_of(package, r) < floor_of(package, room))


def modules() -> dict[str, str]:
    """Every module of the packages by its dotted name, with its path."""
    paths = (path for package in PACKAGES for path, _ in sources(package))
    return {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in paths}


def imports_between(known: Mapping[str, str]) -> dict[str, set[str]]:
    """For each of some modules the ones it imports, itself apart."""
    graph = {}
    for name, path in known.items():
        found = set(imported(path, (ROOT / path).read_text(encoding="utf-8")))
        graph[name] = {each if each in known else each.rpartition(".")[0] for each in found} & known.keys() - {name}
    return graph


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Names that import each other in a circle, or nothing."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def misnamed(path: str) -> bool:
    """Whether a part of a path says nothing about what is in it."""
    return not {"utils", "utils.py"}.isdisjoint(path.split("/"))


def too_long(source: str) -> bool:
    """Whether a source has more lines than a file of this house."""
    return len(source.splitlines()) > MAX_LINES


def heavy_after(statement: str) -> set[str]:
    """The heavy packages that a fresh interpreter holds after a statement."""
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("room", PACKAGES)
def test_room_exists(room: str) -> None:
    assert (ROOT / room / "__init__.py").is_file()


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_one_way(room: str) -> None:
    found = {path: forbidden_imports(path, source) for path, source in sources(room)}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_lower_floors_only(package: str) -> None:
    found = {path: upward_imports(path, source) for path, source in sources(package) if path.count("/") > 1}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(imports_between(modules())) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_in_the_plan_and_says_what_it_holds(package: str) -> None:
    there = {path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()}
    planned = {room for rooms in FLOORS[package] for room in rooms}
    assert there <= planned
    assert {room for room in planned - there if not (ROOT / package / f"{room}.py").exists()} == set()
    for init in (ROOT / package).rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), init


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_stay_small(package: str) -> None:
    files = [path for path, _ in sources(package)]
    assert sum(path.count("/") == 1 for path in files) <= MAX_AT_THE_TOP
    sizes = Counter(path.rpartition("/")[0] for path in files if not path.endswith("__init__.py"))
    large = {room for room, size in sizes.items() if "/" in room and size > MAX_MODULES}
    assert large <= DISCOVERED


def test_tests_mirror_the_rooms() -> None:
    for package, floors in FLOORS.items():
        folders = {path.name for path in (ROOT / "tests" / package).iterdir() if path.is_dir() and path.name[0] != "_"}
        assert folders <= {room for rooms in floors for room in rooms}


def test_the_picture_is_that_of_the_plan() -> None:
    assert picture() in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "python -m tests.floor_plan draws it"


@pytest.mark.parametrize("room", PACKAGES)
def test_names_say_what_is_inside(room: str) -> None:
    assert [path for path, _ in sources(room) if misnamed(path)] == []


@pytest.mark.parametrize("room", [*PACKAGES, "tests"])
def test_files_stay_small(room: str) -> None:
    assert [path for path, source in sources(room) if too_long(source)] == []


@pytest.mark.parametrize("room", PACKAGES)
def test_import_is_light(room: str) -> None:
    assert heavy_after(f"import {room}") <= MAY_LOAD[room]


def test_version_is_one() -> None:
    stated = [
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        *re.findall(r"(?m)^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8")),
        *re.findall('(?m)^__version__ = "(.+)"$', (ROOT / "simulate/house/version.py").read_text(encoding="utf-8")),
    ]
    assert stated == [stated[0]] * 3


# Each rule above can fail, and does not fail on what it allows:


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("simulate/runs/run.py", "import theory", ["theory"]),
        ("simulate/runs/run.py", "import numpy, deepnet.loop as loop", ["deepnet.loop"]),
        ("simulate/runs/run.py", "from tests.oracles import dense", ["tests.oracles.dense"]),
        ("simulate/runs/run.py", "def f():\n    from paper_figs import map", ["paper_figs.map"]),
        ("simulate/runs/run.py", "from ...theory import ledger", ["theory.ledger"]),
        ("simulate/runs/run.py", "if TYPE_CHECKING:\n    from theory import ledger", ["theory.ledger"]),
        ("simulate/runs/run.py", "import importlib\nimportlib.import_module('theory.ledger')", ["theory.ledger"]),
        ("simulate/runs/run.py", "__import__(name='deepnet')", ["deepnet"]),
        ("theory/ledger.py", "from deepnet import study", ["deepnet.study"]),
        ("theory/ledger.py", "import notebooks", ["notebooks"]),
        ("deepnet/study.py", "from theory import Claim", ["theory.Claim"]),
        ("deepnet/study.py", "import theory", ["theory"]),
        ("deepnet/study.py", "from theory import ledger_extra", ["theory.ledger_extra"]),
        ("deepnet/study.py", "from simulate import Problem", ["simulate.Problem"]),
        ("deepnet/study.py", "import simulate.house_extra", ["simulate.house_extra"]),
        ("paper_figs/map.py", "from tests import oracles", ["tests.oracles"]),
        ("notebooks/lesson.py", "import tests.oracles.dense", ["tests.oracles.dense"]),
    ],
)
def test_forbidden_imports_are_found(path: str, source: str, found: list[str]) -> None:
    assert forbidden_imports(path, source) == found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("simulate/runs/run.py", "import numpy as np\nfrom simulate.problems import problem\nfrom . import plan"),
        ("simulate/runs/run.py", "import theoryx, testsuite"),
        ("theory/claims/lemma.py", "from simulate import run\nfrom ..ledger import Claim"),
        ("deepnet/study.py", "from theory.ledger import Claim\nfrom theory import statistics"),
        ("deepnet/study.py", "from simulate.house import checks\nfrom simulate.house.version import __version__"),
        ("deepnet/methods/ascent.py", "from .. import loop\nimport deepnet.masks, torch"),
        ("paper_figs/map.py", "import simulate, theory.ledger, deepnet.study"),
        ("notebooks/lesson.py", "from paper_figs import map"),
    ],
)
def test_allowed_imports_pass(path: str, source: str) -> None:
    assert forbidden_imports(path, source) == []


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("simulate/house/files.py", "from simulate.runs import run", ["runs"]),
        ("simulate/dynamics/engines/base.py", "from simulate.runs.result import Result", ["runs"]),
        ("simulate/sweeps/sweep.py", "import simulate.interactive", ["interactive"]),  # on the same floor
        ("simulate/runs/run.py", "from simulate import attic", ["attic"]),  # not in the plan
        ("simulate/runs/run.py", "from ..sweeps import grid", ["sweeps"]),
        (
            "simulate/runs/run.py",
            "from simulate.house import files\nfrom simulate.runs import trace\nimport theory",
            [],
        ),
    ],
)
def test_imports_that_run_up_are_found(path: str, source: str, found: list[str]) -> None:
    assert upward_imports(path, source) == found


def test_circles_are_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_notebooks_are_read_as_code() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["import tests"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "from tests import oracles"]},
        {"cell_type": "code", "source": ["!ls\n", "import simulate"]},
    ]
    code = code_of_notebook(json.dumps({"cells": cells}))
    assert list(imported("notebooks/lesson.ipynb", code)) == ["tests.oracles", "simulate"]


@pytest.mark.parametrize(
    ("path", "bad"),
    [("simulate/utils.py", True), ("deepnet/utils/io.py", True), ("simulate/sweeps/sweep.py", False)],
)
def test_empty_names_are_found(path: str, bad: bool) -> None:
    assert misnamed(path) is bad


@pytest.mark.parametrize(("lines", "bad"), [(MAX_LINES, False), (MAX_LINES + 1, True)])
def test_long_files_are_found(lines: int, bad: bool) -> None:
    assert too_long("x = 1\n" * lines) is bad


def test_heavy_imports_are_found() -> None:
    assert heavy_after("import matplotlib") == {"matplotlib"}
