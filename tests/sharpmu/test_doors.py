"""The console command: its doors, its versions, what it imports, and its completion."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sharpmu import __main__ as console
from sharpmu import completion, doors
from simulate.house.version import __version__
from tests.places import ROOT
from tests.sharpmu.every_door import DOORS, printed


def test_alone_it_lists_the_doors_in_ten_lines() -> None:
    status, out, err = printed([])
    assert (status, err) == (0, "")
    assert len(out.splitlines()) <= 10
    assert max(map(len, out.splitlines())) <= 80
    for door in ("simulate", "theory", "deepnet", "figures", "verify"):
        assert f"\n  {door} " in out


def test_versions_are_those_that_are_imported() -> None:
    import numba
    import numpy

    lines = printed(["--version"])[1].splitlines()
    assert lines[0] == f"sharpmu {__version__}"
    assert f"numpy {numpy.__version__}" in lines
    assert f"numba {numba.__version__}" in lines
    assert lines[-1].startswith("torch ")


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "_SHOWN", ("numpy", "no-such-package"))
    assert printed(["--version"])[1].endswith("\nno-such-package is not installed\n")


@pytest.mark.parametrize(
    ("words", "not_loaded"),
    [
        (["--version"], {"torch", "numba", "numpy", "sympy", "tyro", "theory", "deepnet", "paper_figs"}),
        (["simulate", "--help"], {"torch", "numba", "sympy", "tyro", "theory", "deepnet", "paper_figs"}),
        (["simulate", "run", "--help"], {"torch", "sympy", "matplotlib", "theory", "deepnet", "paper_figs"}),
        (["deepnet", "report", "--help"], {"torch", "paper_figs"}),
        (["figures", "list"], {"torch"}),
    ],
)
def test_only_the_door_that_is_asked_for_is_imported(words: list[str], not_loaded: set[str]) -> None:
    code = f"import json, sys; from sharpmu.doors import main; main({words}); print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not_loaded & set(json.loads(done.stdout.splitlines()[-1])) == set()


def test_verify_is_both_verifications_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make verify` calls them; the second only if the first went well."""
    called: list[tuple[str, list[str]]] = []

    def door(name: str, status: int) -> None:
        monkeypatch.setattr(doors, f"_{name}", lambda words: called.append((name, words)) or status)

    door("simulate", 0)
    door("theory", 1)
    assert printed(["verify"])[0] == 1
    assert called == [("simulate", ["verify"]), ("theory", ["verify"])]
    called.clear()
    door("simulate", 2)
    assert printed(["verify"])[0] == 2
    assert called == [("simulate", ["verify"])]
    called.clear()
    door("simulate", 0)
    printed(["verify", "--overwrite"])
    assert called == [("simulate", ["verify", "--overwrite"]), ("theory", ["verify", "--overwrite"])]
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nverify:")[2].split("\n\n")[0]
    assert "-m simulate verify --out results/verify $(filter --overwrite,$(ARGS))\n" in recipe  # the defaults of both
    assert "-m theory verify --out results/ledger " in recipe


def test_the_entry_point_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, name = project["project"]["scripts"]["sharpmu"].partition(":")
    assert (module, name) == (console.__name__, console.enter_house.__name__)
    assert "sharpmu" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]


@pytest.mark.parametrize(
    "words",
    [
        ["--tyro-print-completion"],
        ["--tyro-print-completion", "ash"],
        ["--tyro-write-completion", "bash"],
        ["--tyro-x"],
    ],
)
def test_bad_words_for_completion_are_told(words: list[str]) -> None:
    status, out, err = printed(words)
    assert (status, out) == (2, "")
    assert err.startswith("error: Completion must be asked for by `--tyro-print-completion` SHELL")
    assert err.count("\n") == 1


def test_completion_is_of_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script for one small door; that for all of them takes seconds."""
    monkeypatch.setattr(completion, "_doors", lambda: iter([("theory", DOORS["theory"])]))
    status, out, err = printed(["--tyro-print-completion", "bash"])
    assert (status, err) == (0, "")
    for word in ("sharpmu", "verify", "margins", "--budget", "--problem.label-flip"):
        assert word in out


@pytest.mark.slow  # to write the script of all doors takes seconds: it imports all there is
def test_bash_completes_doors_commands_and_options(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    script = tmp_path / "sharpmu.bash"
    assert printed(["--tyro-write-completion", "bash", str(script)])[0] == 0
    program = (
        f"source {script}\n"
        'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _tyro_sharpmu; echo "${COMPREPLY[*]}"; }\n'
        'try sharpmu ""\ntry sharpmu simulate ""\ntry sharpmu simulate run --problem.si\n'
        'try sharpmu theory verify --budget ""\ntry sharpmu deepnet run --study.pretrain.e\ntry sharpmu figures --bu\n'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    told = [set(line.split()) for line in done.stdout.splitlines()]
    assert {"simulate", "theory", "deepnet", "figures", "verify"} <= told[0]
    assert {"run", "sweep", "map", "verify"} <= told[1]
    assert told[2:] == [
        {"--problem.signal", "--problem.signal-block", "--problem.sigma-p", "--problem.sigma-0"},
        {"quick", "full"}, {"--study.pretrain.epochs"}, {"--budget"},
    ]  # fmt: skip
