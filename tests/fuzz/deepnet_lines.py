"""Command lines of `python -m deepnet`, most of which must be refused before anything is made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import strategies as st

from deepnet.cli import main
from tests.deepnet.report_rows import made_up_rows, write_rows
from tests.fuzz.deepnet_files import PRISTINE
from tests.fuzz.deepnet_values import Draw, among
from tests.fuzz.judgement import ended

TEXTS = among(
    "", "0", "-1", "1.5", "nan", "inf", "1e308", "9" * 400, "None", "True", "digits", "a b", "../x", "{}", "--", "é"
)
NUMBERS = among("1", "2", "3")
OPTIONS: Mapping[str, Mapping[str, st.SearchStrategy[str]]] = {
    "run": {
        "--preset": among("digits", "cifar10-resnet18"), "--study.seeds": NUMBERS, "--study.data.subset": NUMBERS,
        "--study.pretrain.epochs": NUMBERS, "--study.pretrain.descent.lr": among("0.1"), "--methods": among("neggrad"),
        "--compat": among("adamw", "official"), "--device": among("cpu", "auto"), "--threads": NUMBERS,
        "--study.name": among("tiny"), "--share": among("runs"), "--study.model.width": NUMBERS,
    },
    "matched": {
        "--preset": among("digits"), "--replicates": NUMBERS, "--only": among("neggrad-sgd-after-sgd"),
        "--device": among("cpu"), "--images": among("nowhere"), "--scores": among("nothing.npz"),
        "--rates": among("nothing.csv"), "--search": among(""), "--rehearse": among(""), "--processes": NUMBERS,
    },
    "judge": {"--claims": among("1", "mask-polarity"), "--protocols": among("0", "2"), "--publish": among("nowhere")},
    "unlearn": {
        "--checkpoint": among("nothing.pt"), "--data": among("digits"), "--forget": among("3"), "--epochs": NUMBERS,
        "--method": among("ssd", "neggrad:alpha=0.9"), "--seed": NUMBERS, "--format": among("pt"),
    },
    "search": {"--seeds": NUMBERS, "--threads": NUMBERS, "--device": among("cpu")},
    "scores": {"--scores": among("nothing.npz"), "--models": NUMBERS, "--threads": NUMBERS},
    "pack": {"--parts": among("16M", "2K"), "--weights": among("float16", "exact", "none")},
    "unpack": {"--keep": among(""), "--available": among("")},
    "report": {}, "presets": {}, "nonsense": {}, "": {}, "--help": {},
}  # fmt: skip
"""Options of each command with valid values."""
STOPS = {"run": ("--dry-run",), "matched": ("--dry-run",), "search": ("--threads", "0"), "scores": ("--models", "1")}
"""What keeps a command from training anything."""


def _line(draw: Draw, command: str) -> list[str]:
    """Some options with valid values; now and then an odd value, an unknown option, or one given twice."""
    words = []
    for option in draw(st.lists(among(*OPTIONS[command]), max_size=3)) if OPTIONS[command] else []:
        value = draw(OPTIONS[command][option])
        words += [option, draw(TEXTS) if draw(among(*[False] * 6, True)) else value] if value else [option]
    return words + draw(among(*[[]] * 8, ["--unknown", "1"], ["--out"], ["stray"], ["-x"]))


@st.composite
def command_lines(draw: Draw) -> Callable[[], str]:
    """A command line without training; what is refused leaves no file behind."""
    command = draw(among(*OPTIONS, "run", "run", "matched"))
    words = _line(draw, command)
    place = draw(among("missing", "results"))

    def door() -> str:
        folder = Path(mkdtemp(prefix="fuzz-"))
        try:
            write_rows(folder / "results", made_up_rows(seeds=(0,), pretrains=("sgd",))[:3])
            at = [str(folder / place)] if command in ("pack", "unpack") else []
            out = (
                ["--out", str(folder / "out")]
                if command in ("run", "matched", "judge", "unlearn", "search", "scores", "pack", "unpack")
                else []
            )
            line = [command, *at, *out, *words, *STOPS.get(command, ())]
            outcome = ended(main, line if command else words)
            left = [path.name for path in (folder / "out").rglob("*") if path.is_file()]
            assert outcome == "right" or not left, (line, left)
            return outcome
        finally:
            shutil.rmtree(folder)

    return door


SMALLEST = (
    "--methods", "neggrad", "--study.data.subset", "60", "--study.data.test-subset", "20", "--study.model.width", "1",
    "--study.seeds", "0", "--study.pretrain.epochs", "1", "--study.memorization.models", "2", "--device", "cpu",
    "--study.evaluation.shadow", "0", "--study.evaluation.curvature", "0", "--study.evaluation.landscape", "0",
    "--study.evaluation.feature-map", "0",
)  # fmt: skip
"""The digits' study made as small as it goes."""


def smallest_run(*words: str) -> str:
    """The smallest study, from the command line to its report; it ends well, or is refused."""
    return ended(partial(_main_in, PRISTINE / "run"), ["run", *SMALLEST, *words], patience=900)


def _main_in(folder: Path, words: Any) -> int:
    return main([*words, "--out", str(folder)])
