"""The house rules that a machine can hold: who imports whom, what an import costs, and how files look."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "simulate": (),
    "theory": ("simulate",),
    "deepnet": (
        *(f"simulate.{name}" for name in ("checks", "files", "palette", "saving", "terminal", "version")),
        "theory.ledger",
        "theory.statistics",
    ),
    "paper_figs": ("simulate", "theory", "deepnet"),
    "notebooks": ("simulate", "theory", "deepnet", "paper_figs"),
}
"""What each room may import besides itself; a name stands for the module and all that is inside it."""

PACKAGES = ("simulate", "theory", "deepnet", "paper_figs")
OURS = {*MAY_IMPORT, "tests"}
HEAVY = {"cupy", "dask", "distributed", "ipywidgets", "matplotlib", "torch"}
MAY_LOAD: dict[str, set[str]] = {
    "simulate": set(),
    "theory": set(),
    "deepnet": {"torch"},
    "paper_figs": {"matplotlib"},
}
"""The heavy packages that importing a room may load, because it does its job with them."""

MAX_LINES = 350


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


def imported(path: str, source: str) -> Iterator[str]:
    """Dotted names of all that a source imports, wherever the import stands; relative ones made absolute.

    `from a import b` counts as `a.b`, which may be a module or a name inside `a`. Of imports by function,
    those with a literal name are seen.
    """
    for node in ast.walk(ast.parse(source, path)):
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


@pytest.mark.parametrize("room", PACKAGES)
def test_names_say_what_is_inside(room: str) -> None:
    assert [path for path, _ in sources(room) if misnamed(path)] == []


@pytest.mark.parametrize("room", [*PACKAGES, "tests"])
def test_files_stay_small(room: str) -> None:
    assert [path for path, source in sources(room) if too_long(source)] == []


@pytest.mark.parametrize("room", ["simulate", "theory", "paper_figs"])  # deepnet may ask for its extra
def test_import_is_light(room: str) -> None:
    assert heavy_after(f"import {room}") <= MAY_LOAD[room]


def test_version_is_one() -> None:
    stated = [
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        *re.findall(r"(?m)^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8")),
        *re.findall('(?m)^__version__ = "(.+)"$', (ROOT / "simulate/version.py").read_text(encoding="utf-8")),
    ]
    assert stated == [stated[0]] * 3


# Each rule above can fail, and does not fail on what it allows:


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("simulate/run.py", "import theory", ["theory"]),
        ("simulate/run.py", "import numpy, deepnet.loop as loop", ["deepnet.loop"]),
        ("simulate/run.py", "from tests.oracles import dense", ["tests.oracles.dense"]),
        ("simulate/run.py", "def f():\n    from paper_figs import map", ["paper_figs.map"]),
        ("simulate/engines/cupy.py", "from ...theory import ledger", ["theory.ledger"]),
        ("simulate/run.py", "if TYPE_CHECKING:\n    from theory import ledger", ["theory.ledger"]),
        ("simulate/run.py", "import importlib\nimportlib.import_module('theory.ledger')", ["theory.ledger"]),
        ("simulate/run.py", "__import__(name='deepnet')", ["deepnet"]),
        ("theory/ledger.py", "from deepnet import study", ["deepnet.study"]),
        ("theory/ledger.py", "import notebooks", ["notebooks"]),
        ("deepnet/study.py", "from theory import Claim", ["theory.Claim"]),
        ("deepnet/study.py", "import theory", ["theory"]),
        ("deepnet/study.py", "from theory import ledger_extra", ["theory.ledger_extra"]),
        ("deepnet/study.py", "from simulate import Problem", ["simulate.Problem"]),
        ("deepnet/study.py", "import simulate.checks_extra", ["simulate.checks_extra"]),
        ("paper_figs/map.py", "from tests import oracles", ["tests.oracles"]),
        ("notebooks/lesson.py", "import tests.oracles.dense", ["tests.oracles.dense"]),
    ],
)
def test_forbidden_imports_are_found(path: str, source: str, found: list[str]) -> None:
    assert forbidden_imports(path, source) == found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("simulate/run.py", "import numpy as np\nfrom simulate.problem import Problem\nfrom . import plan"),
        ("simulate/engines/cupy.py", "from ..kernels import step\nfrom . import numpy"),
        ("simulate/run.py", "import theoryx, testsuite"),
        ("theory/claims/lemma.py", "from simulate import run\nfrom ..ledger import Claim"),
        ("deepnet/study.py", "from theory.ledger import Claim\nfrom theory import statistics"),
        ("deepnet/study.py", "from simulate import checks\nfrom simulate.version import __version__"),
        ("deepnet/methods/ascent.py", "from .. import loop\nimport deepnet.masks, torch"),
        ("paper_figs/map.py", "import simulate, theory.ledger, deepnet.study"),
        ("notebooks/lesson.py", "from paper_figs import map"),
    ],
)
def test_allowed_imports_pass(path: str, source: str) -> None:
    assert forbidden_imports(path, source) == []


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
    [("simulate/utils.py", True), ("deepnet/utils/io.py", True), ("simulate/sweep.py", False)],
)
def test_empty_names_are_found(path: str, bad: bool) -> None:
    assert misnamed(path) is bad


@pytest.mark.parametrize(("lines", "bad"), [(MAX_LINES, False), (MAX_LINES + 1, True)])
def test_long_files_are_found(lines: int, bad: bool) -> None:
    assert too_long("x = 1\n" * lines) is bad


def test_heavy_imports_are_found() -> None:
    assert heavy_after("import matplotlib") == {"matplotlib"}
