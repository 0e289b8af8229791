"""The tables: numbers against hand calculation, letters that would be commands, what a terminal shows."""

import csv
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from deepnet.report import blocks, compare_all, latex_table, markdown_table, read_results, summarise, terminal_table
from deepnet.report.cells import COLUMNS
from deepnet.report.comparison import compare_with_best
from deepnet.report.escaping import latex, markdown
from deepnet.report.numbers import numbers_csv
from deepnet.report.paired_page import paired_tests_page
from tests.deepnet.report_rows import made_up_row, made_up_rows, write_rows
from tests.latex import set_on_pages


def tables(folder: Path, rows: list[dict[str, Any]]) -> tuple[str, str]:
    results = read_results(write_rows(folder, rows))
    found = blocks(summarise(results.rows))
    return markdown_table(results, found), latex_table(results, found)


def markdown_cells(text: str, method: str, optimizer: str) -> dict[str, str]:
    """The first line of a method in a Markdown table, by heading."""
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    (headings, *_) = lines
    return next(dict(zip(headings, cells, strict=True)) for cells in lines if cells[:2] == [method, optimizer])


def small_study() -> list[dict[str, Any]]:
    """Two seeds. Half-width of two values x, y is 12.7062 |x - y| / 2, since t(0.975, 1) = 12.7062."""
    rows = []
    for seed, tow, retain in ((0, 0.900, 0.990), (1, 0.910, 0.992)):
        rows += [
            made_up_row("retrain", "sgd", seed=seed, tow=1.0, tow_other_seeds=0.97),
            made_up_row("pretrained", "sgd", seed=seed, tow=0.4),
            made_up_row("neggrad", "sgd", seed=seed, tow=tow, retain_accuracy=retain, seconds=2.0, klom=3.25,
                        klom_null=1.5, mia_gap=-0.02, variant="mask_polarity"),
            made_up_row("salun", "sgd", seed=seed, tow=0.7),
        ]  # fmt: skip
    return rows


def test_numbers_by_hand(tmp_path: Path) -> None:
    text, _ = tables(tmp_path, small_study())
    cells = markdown_cells(text, r"NegGrad (mask\_polarity)", "SGD")
    assert cells["ToW"] == "**0.905±0.064**"  # 0.0635
    assert cells["retain %"] == "99.1±1.3"  # 1.27
    assert cells["seconds"] == "2.00±0.00"
    assert cells["KLoM"] == "3.25"  # one number of both seeds
    assert cells["its floor"] == "1.50"
    assert cells["MIA gap"] == "−2.0±0.0"
    assert cells["runs"] == "2"
    assert markdown_cells(text, "Retraining", "SGD")["ToW"] == r"0.970±0.000\*"
    assert markdown_cells(text, "Retraining", "SGD")["MIA gap"] == "0"
    assert text.index("| Retraining") < text.index("| Pretrained") < text.index("| SalUn") < text.index("| NegGrad")
    assert text.count("**") == 2


def test_of_tied_tows_all_are_the_best(tmp_path: Path) -> None:
    rows = small_study()
    rows += [made_up_row("scrub", "sgd", seed=seed, tow=tow) for seed, tow in ((0, 0.910 + 3e-16), (1, 0.900))]
    text, _ = tables(tmp_path, rows)
    assert text.count("**0.905") == 2
    rows[-2]["tow"], rows[-1]["tow"] = 0.89, 0.9000001
    text, _ = tables(tmp_path, rows)
    assert text.count("**0.905") == 1
    assert "**0.895" not in text


def test_all_that_are_not_told_apart_from_the_best_are_bold(tmp_path: Path) -> None:
    """Of three methods the first two differ less than seeds do; the third is lower at every seed."""
    tows = {"neggrad": (0.999, 0.986, 0.973), "scrub": (0.985, 0.984, 0.986), "finetune": (0.949, 0.936, 0.9230001)}
    rows = [
        made_up_row(method, "sgd", seed=seed, tow=tow) for method, each in tows.items() for seed, tow in enumerate(each)
    ]
    text, source = tables(tmp_path, rows)
    assert markdown_cells(text, "NegGrad", "SGD")["ToW"].startswith("**0.986±0.032")
    assert markdown_cells(text, "SCRUB", "SGD")["ToW"].startswith("**0.985")
    assert markdown_cells(text, "Fine-tuning", "SGD")["ToW"].startswith("0.936")
    assert "Bold: the largest mean ToW, and those that a paired test" in text
    assert source.count(r"\boldmath 0.98") == 4  # two methods, in each of two tables
    page = paired_tests_page(compare_with_best(blocks(summarise(read_results(tmp_path).rows))))
    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if "| NegGrad, SGD |" in line}
    assert "not resolved" in lines["SCRUB, SGD"]
    assert "lower" in lines["Fine-tuning, SGD"]


def test_of_a_single_seed_the_largest_alone_is_bold(tmp_path: Path) -> None:
    rows = [made_up_row(method, "sgd", tow=tow) for method, tow in (("neggrad", 0.986), ("scrub", 0.985))]
    text, _ = tables(tmp_path, rows)
    assert [text.count(f"**{tow}**") for tow in ("0.986", "0.985")] == [1, 0]


def test_diverged_runs_are_shown_and_never_the_best(tmp_path: Path) -> None:
    rows = small_study()
    lost = made_up_row("ascent", "sgd", seed=1) | {"seed": 1}
    rows += [made_up_row("ascent", "sgd", seed=0, tow=0.99), lost]
    text, source = tables(tmp_path, rows)
    cells = markdown_cells(text, "Gradient ascent", "SGD")
    assert (cells["runs"], cells["ToW"]) == ("1/2", "(0.990)")
    assert "**0.905" in text
    assert "seed 1: the loss of step 12 is not finite" in text
    assert "parentheses" in text
    assert "% Gradient ascent, SGD, high, samples, pretrained with sgd, seed 1: the loss" in source


def test_all_runs_diverged(tmp_path: Path) -> None:
    text, _ = tables(tmp_path, [made_up_row("influence", "asam-1", seed=seed) for seed in range(3)])
    cells = markdown_cells(text, "Influence", "ASAM ρ=1")
    assert (cells["runs"], cells["ToW"], cells["seconds"]) == ("0/3", "diverged", "–")


def test_the_spread_of_the_attack_stands_beside_its_mean(tmp_path: Path) -> None:
    """And rows without one say by which protocol they were made."""
    rows = [made_up_row("neggrad", "sgd", seed=seed, mia=0.42, mia_spread=0.031) for seed in (0, 1)]
    text, source = tables(tmp_path, rows)
    cells = markdown_cells(text, "NegGrad", "SGD")
    assert (cells["MIA %"], cells["its spread"]) == ("42.0±0.0", "3.1")
    for page in (text, source):
        assert "MIA: mean over random shadow sets; its spread: standard deviation over them" in page
        assert "the first rows" not in page
    text, source = tables(tmp_path / "older", [made_up_row("neggrad", "sgd", seed=seed) for seed in (0, 1)])
    assert markdown_cells(text, "NegGrad", "SGD")["its spread"] == "–"
    for page in (text, source):
        assert "MIA without a spread: of one shadow set, the first rows, as in the released code" in page


def test_one_seed_has_no_half_widths(tmp_path: Path) -> None:
    text, source = tables(tmp_path, made_up_rows(seeds=(0,)))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 60
    assert not any("±" in row for row in rows)
    assert "nan" not in (text + source).lower()


def test_latex_is_balanced_and_escaped(tmp_path: Path) -> None:
    rows = [made_up_row("neggrad", "sgd", title="50% & more_of #1 {x}", seed=seed) for seed in (0, 1)]
    _, source = tables(tmp_path, rows)
    assert r"50\% \& more\_of \#1 \{x\} & SGD & 2 & " in source
    body = [line for line in source.splitlines() if line.endswith(r"\\")]
    assert [len(re.split(r"(?<!\\)&", line)) for line in body] == [10, 10, 9, 9]
    for begin, end in ((r"\begin{table*}", r"\end{table*}"), (r"\begin{tabular}", r"\end{tabular}")):
        assert source.count(begin) == source.count(end) == 2
    bare = re.sub(r"\\[{}]", "", source)
    assert bare.count("{") == bare.count("}")
    assert r"\toprule" in source
    assert all(ord(letter) < 128 for letter in source)


def test_latex_sets_the_tables_of_a_study(tmp_path: Path) -> None:
    _, source = tables(tmp_path, made_up_rows())
    assert set_on_pages(source, tmp_path, ("booktabs", "graphicx")) == []


def test_letters_that_would_be_commands() -> None:
    assert markdown("a_b|c*d`e<f[g]\\\nh") == r"a\_b\|c\*d\`e\<f\[g\]\\ h"
    assert latex("a_b&c%d$e#f{g}~h^i\\j\nk") == (
        r"a\_b\&c\%d\$e\#f\{g\}\textasciitilde{}h\textasciicircum{}i\textbackslash{}j k"
    )
    assert latex("ρ=1 ± −2 – <3>") == r"$\rho$=1 $\pm$ $-$2 -- \textless{}3\textgreater{}"


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_terminal_of_120_columns(seeds: tuple[int, ...]) -> None:
    console = Console(width=120, record=True, highlight=False)
    rows = made_up_rows(seeds=seeds)
    console.print(terminal_table(rows))
    text = console.export_text()
    line = next(line for line in text.splitlines() if line.lstrip().startswith("Retraining"))
    assert all(heading in text for heading in ("ToW", "retain %", "MIA gap", "relearn", "seconds"))
    assert len(line.split()) == 10  # nothing is folded
    seconds = [row["seconds"] for row in rows if row["method"] == "retrain"]
    assert line.split()[-1] == f"{sum(seconds) / len(seconds):.0f}"


def test_narrow_terminal_folds_numbers_instead_of_cutting_them() -> None:
    console = Console(width=60, record=True, highlight=False)
    console.print(terminal_table([made_up_row("neggrad", "sgd", seed=seed, tow=0.123) for seed in (0, 1)]))
    text = re.sub(r"\s", "", console.export_text())
    assert "…" not in text


def test_terminal_refuses_unknown_columns() -> None:
    with pytest.raises(ValueError, match=r"Argument `columns` must hold some of tow, .*'speed'"):
        terminal_table([made_up_row("neggrad", "sgd")], columns=("speed",))
    assert len(terminal_table([made_up_row("neggrad", "sgd")], [c.name for c in COLUMNS]).columns) == 3 + len(COLUMNS)


def test_page_of_tests(tmp_path: Path) -> None:
    results = read_results(write_rows(tmp_path, made_up_rows(pretrains=("sgd",))))
    found = compare_all(blocks(summarise(results.rows)))
    text = paired_tests_page(found, ("A warning.",))
    assert "A warning." in text
    assert f"({sum(each.p is not None for each in found)} in all)" in text
    assert text.count("\n## ") == 3
    assert "| Gradient ascent, SGD | Fine-tuning, SGD | 2 |" in text
    assert "1 pair lost to divergence: no test" in text
    one = compare_all(blocks(summarise(read_results(write_rows(tmp_path, made_up_rows(seeds=(0,)))).rows)))
    page = paired_tests_page(one)
    assert "one seed: no interval" in page
    assert "nan" not in page.lower()
    assert "nothing to compare" in paired_tests_page([])


def test_import_is_light() -> None:
    code = "import sys, deepnet.report; print({'torch', 'matplotlib', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_number_of_every_run_is_in_the_table_of_numbers(tmp_path: Path) -> None:
    rows = [*small_study(), made_up_row("ascent", "sgd", seed=1)]
    rows[2] |= {"tow": 1 / 3, "mia_tpr": None, "versions": {"sharpmu": "0.0.1"}}
    results = read_results(write_rows(tmp_path, rows))
    lines = list(csv.DictReader(numbers_csv(results).splitlines()))
    assert [(line["method"], line["seed"], line["status"]) for line in lines] == [
        (row["method"], str(row["seed"]), row["status"]) for row in rows
    ]
    assert (lines[2]["variant"], lines[2]["tow"], lines[2]["mia_tpr"]) == ("mask_polarity", "0.333333", "")
    assert (lines[2]["version"], lines[3]["klom"]) == ("0.0.1", f"{rows[3]['klom']:.6g}")
    assert lines[-1]["retain_accuracy"] == ""  # diverged
    assert "test_accuracy_kept" not in lines[0]  # no run has it
