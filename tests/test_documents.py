"""The Python of README and docs/ runs as it stands there, links lead somewhere, and numbers are the published ones."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

import theory
from tests.digits_methods_page import methods_table, tracked_numbers
from tests.places import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "notebooks/README.md"]
OTHERS = [
    ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/examples/README.md",
    ROOT / "paper_figs/data/README.md", *sorted(ROOT.glob("docs/reference/*.md")),
    *sorted(ROOT.glob("docs/gallery/*.md")), ROOT / "notebooks/glossary.md", ROOT / "notebooks/teaching.md",
    ROOT / "notebooks/homework/sheet.md",
]  # fmt: skip
"""Pages whose links are checked; what Python they have is not run here."""
BLOCKS = [
    block for page in PAGES for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
MARKERS = {
    "radius = deactivation_radius(", "u_lira_null(never)", "result.trace.zeta_mean", "apply(SharpMinMax",
    "result = unlearn(", "gone = unlearn(", "export(result.model", "turns = unlearn_in_turn(", "class Tracker:",
    "trajectory_explorer(d=10**6",
    "coupled = {", "compared = sweep(", "larger = sweep(", "critical_values(data", "phase_maps.main(",
    "classes=(3, 8)", "xi=rng.standard_normal(", "client=Client(cluster)", 'tails="student-t"', "power_law(10**9",
    "patch_scales=(1, 3)", 'protocol={"alpha": alpha}',
}  # fmt: skip
"""One of each block; the last needs a cluster, the last but one a minute, and they are not run."""


def run_block(marker: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Execute the block that holds a marker, after those that gave it names, and return its names."""
    (source,) = (block for block in BLOCKS if marker in block)
    module = ModuleType("page")
    vars(module).update(names or {})
    exec(compile(source, "page.md", "exec"), vars(module))
    return vars(module)


def test_heavy_tails_are_said_in_words() -> None:
    names = run_block('tails="student-t"')
    assert names["problem"].tails == "student-t"
    assert -1e4 < names["result"].test.log_clean_error < 0.0


def test_blocks_of_eigenvalues_are_said_in_words() -> None:
    names = run_block("power_law(10**9")
    assert 200 < names["problem"].effective_dimension < 400
    assert 0.0 < names["result"].test_error < 0.5


def test_scales_are_said_in_words() -> None:
    names = run_block("patch_scales=(1, 3)")
    assert names["problem"].patch_scales == (1.0, 3.0)
    assert 0.0 < names["result"].test_error < 0.5


def test_images_and_vectors_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn", reason="needs the extra images")
    names = run_block("classes=(3, 8)")
    (said,) = re.findall(r"retained, forgotten, error: (.+)", (ROOT / "docs/own_data.md").read_text(encoding="utf-8"))
    assert capsys.readouterr().out == f"{said}\n"
    assert names["result"].status.value == "converged"
    assert 0.0 < run_block("xi=rng.standard_normal(")["fitted"].test_error < 1e-6


def test_a_claim_at_a_setting_of_ones_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class SmallLab(theory.Lab):
        def choose(self, *, quick: Any, full: Any) -> Any:
            return 2

    monkeypatch.setattr(theory, "Lab", SmallLab)
    run_block('protocol={"alpha": alpha}')
    choices, *verdicts = capsys.readouterr().out.splitlines()
    assert "'alpha': ('|R|/n', 0.5, 0.7, 0.9)" in choices
    assert [line.split()[0] for line in verdicts] == ["0.5", "0.9"]


def test_every_block_is_known() -> None:
    assert all(sum(marker in block for marker in MARKERS) == 1 for block in BLOCKS)
    assert len(BLOCKS) == len(MARKERS)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        there = page if not path else page.parent / path
        assert there.exists(), target
        if anchor:
            heads = re.findall(r"(?m)^#+ (.+)$", there.read_text(encoding="utf-8"))
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_tracked_results_are_traced_to_commands() -> None:
    """CONTRIBUTING.md names every tracked file that is no source and no text, with the command that makes it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Tracked results")[2]
    named = re.findall(r"`([\w./-]+)`", text)
    made = [
        path
        for path in listed.stdout.split()
        if path.endswith((".png", ".csv", ".json", ".jsonl", ".svg", ".pdf", ".zarr", ".npz"))
        and path != ".devcontainer/devcontainer.json"  # written by hand
    ]
    assert made
    assert [path for path in made if not any(path == name or path.startswith(f"{name}/") for name in named)] == []


def test_the_ledger_is_the_published_one() -> None:
    """`make ledger` wrote the file. Every interval on the page is one of it, rounded."""
    rows = json.loads((ROOT / "docs/ledger.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs/theory.md").read_text(encoding="utf-8")
    short = (ROOT / "README.md").read_text(encoding="utf-8").partition("| Deep networks")[0]
    measured = [each for row in rows for each in (row, *row["details"].values()) if each["interval"]]
    found = re.findall(r"(−?\d+\.\d+) \[(−?\d+\.\d+), (−?\d+\.\d+)\]", text + short)
    assert len(found) >= 20
    for told in found:
        decimals = len(told[0].partition(".")[2])
        rounded = [
            tuple(f"{value:.{decimals}f}".replace("-", "−") for value in (each["effect"], *each["interval"]))
            for each in measured
        ]
        assert told in rounded
    counts = Counter(row["verdict"] for row in rows)
    assert f"of {len(rows)} rows {counts['supported']} are supported, {counts['refuted']} refuted" in " ".join(
        text.split()
    )
    assert {row["control"]["verdict"] for row in rows if row["effect"] is not None} == {"refuted"}


def test_ten_lines_of_python(capsys) -> None:
    mpl.use("agg")
    run_block("result.trace.zeta_mean")
    (said,) = (re.findall(r"print\(.*\)  # ([\d. ]+)", block)[0].split() for block in BLOCKS if "# 0" in block)
    printed = capsys.readouterr().out.split()
    assert said == [
        f"{float(value):.{len(word.partition('.')[2])}f}" for value, word in zip(printed, said, strict=True)
    ]


def test_the_radius_of_a_trained_network_in_python(capsys) -> None:
    names = run_block("radius = deactivation_radius(")
    assert names["table"][0] == pytest.approx([0.95, 0.0], abs=0.01)
    assert re.match(r"[23]\.\d times the theory's radius", capsys.readouterr().out)


def test_sharp_minmax_in_python(capsys) -> None:
    pytest.importorskip("torch")
    run_block("apply(SharpMinMax")
    forget, test = map(float, capsys.readouterr().out.split())
    assert forget < 0.95
    assert test > 0.85


def test_likelihood_ratios_in_python(capsys) -> None:
    pytest.importorskip("torch")
    run_block("u_lira_null(never)")
    remembered, forgotten, floor = map(float, capsys.readouterr().out.split())
    assert remembered == pytest.approx(0.92, abs=0.01)
    assert forgotten == pytest.approx(0.5, abs=0.02)
    assert floor == pytest.approx(0.48, abs=0.02)


def test_ones_own_network_in_python(capsys) -> None:
    pytest.importorskip("torch")
    names = run_block("result = unlearn(")
    assert names["result"].history[-1].forget_loss > names["result"].history[0].forget_loss
    assert names["report"].needs_reference[:2] == ("tow", "tow_mia")
    assert "forget_accuracy" in capsys.readouterr().out
    names = run_block("gone = unlearn(", names)
    before, after = names["before"], names["after"]
    assert names["gone"].reached is not None
    assert abs(after["mia_auc"] - 0.5) < abs(before["mia_auc"] - 0.5)
    assert after["retain_accuracy"] > 0.95


WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
COUNTED = {
    "lessons": len(list(ROOT.glob("notebooks/lesson_*.ipynb"))),
    "questions on lessons": len(re.findall(r"(?m)^\d+\. `", (ROOT / "notebooks/homework/sheet.md").read_text("utf-8"))),
    "figures and": len([*ROOT.glob("paper_figs/figures/[!_]*.py")]),
    "tables": len([*ROOT.glob("paper_figs/tables/[!_]*.py")]),
}
"""How many there are of what pages count in words."""


@pytest.mark.parametrize("counted", COUNTED)
def test_what_is_counted_in_words_is_there(counted: str) -> None:
    texts = {page.name: page.read_text(encoding="utf-8") for page in [*PAGES, *OTHERS] if page.name != "CHANGELOG.md"}
    said = {(name, word.lower()) for name, text in texts.items() for word in re.findall(rf"\b(\w+) {counted}", text)}
    told = {(name, word) for name, word in said if word in WORDS}
    assert told
    assert {each for each in told if WORDS[each[1]] != COUNTED[counted]} == set()


def test_files_and_requests_of_ones_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They go on with the names of the block before."""
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    names = run_block("result = unlearn(")
    copied = run_block("export(result.model", names)["copy"].state_dict()
    assert all(torch.equal(value, copied[name]) for name, value in names["result"].model.state_dict().items())
    capsys.readouterr()
    turns = run_block("turns = unlearn_in_turn(", names)["turns"]
    assert [len(turn.request) for turn in turns] == [3, 2, 124]
    assert turns[-1].accuracy[0] < 0.5  # a class is forgotten
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_grids_of_the_page_on_scaling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_block("coupled = {")
    assert names["data"]["test_error"].shape == (3, 7, 10)
    compared = run_block("compared = sweep(", names)["compared"]
    expected = {"unlearn.alpha": 3, "d_signal": 2, "unlearn.optimizer_fit.steps": 2, "seed": 10}
    assert dict(compared["test_error"].sizes) == expected
    run_block("critical_values(data", names)
    larger = run_block("larger = sweep(", names)["larger"]
    assert larger["test_error"].shape == (4, 8, 12)
    first = names["data"]["test_error"]
    same = larger["test_error"].sel({dim: first[dim] for dim in first.dims})
    np.testing.assert_array_equal(same.values, first.values)


def test_sliders_of_the_lessons() -> None:
    pytest.importorskip("ipywidgets", reason="needs the extra notebooks")
    names = run_block("trajectory_explorer(d=10**6")
    explorer = names["trajectory_explorer"](d=10**6, signal=10.0, optimizer="SAM", alpha=0.7)
    assert (explorer.settings.d, explorer.settings.alpha) == (10**6, 0.7)
    assert bytes(explorer.picture.value).startswith(b"\x89PNG")


def test_a_log_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    names = run_block("class Tracker:")
    names["tracker"](ROOT, "run").log(7, {"loss": 0.25})
    assert capsys.readouterr().out == "0 {'loss': 0.5}\n7 {'loss': 0.25}\n"


def test_the_table_of_every_method_is_that_of_the_tracked_numbers() -> None:
    """docs/methods.md has it between two comments, and says of which version and seeds it is."""
    pytest.importorskip("torch")
    from deepnet.methods import METHODS

    rows = tracked_numbers()
    text = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
    about, _, rest = text.partition("<!-- every method on digits -->\n")
    assert rest.partition("<!-- its end -->")[0].strip() == methods_table(rows)
    version, first, last = re.findall(r"version (\S+), seeds (\d) to (\d)", about)[-1]
    assert {row["version"] for row in rows} == {version}
    assert {int(row["seed"]) for row in rows} == set(range(int(first), int(last) + 1))
    assert {row["method"] for row in rows} == {"pretrained", *METHODS}
