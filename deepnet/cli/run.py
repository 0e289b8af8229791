"""`python -m deepnet run`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import torch

from deepnet.cli.progress import shown_progress
from deepnet.cli.workforce import workforce
from deepnet.data.datasets.parts import read
from deepnet.house import parallel
from deepnet.house.environment import find_device
from deepnet.house.identity import as_json
from deepnet.networks.precision import Precision
from deepnet.studies.compat import with_quirks
from deepnet.studies.planning.precision import in_precision, on_device, used_in
from deepnet.studies.presets import preset, with_newcomers
from deepnet.studies.running import Summary, run_study, runs_of
from deepnet.studies.stages import Execution
from deepnet.studies.study import Study
from simulate.house import checks
from simulate.house.command_line.options import Shown
from simulate.house.counting import counted
from simulate.house.files import parse_json
from simulate.house.records.differences import differences
from simulate.house.terminal import console

__all__ = ["USUAL", "RunCommand", "preset_in", "run_with_preset"]


USUAL = (
    "--preset", "--images", "--out", "--methods", "--compat", "--device", "--precision", "--processes", "--threads",
    "--keep-models", "--dry-run",
    "--study.seeds", "--study.data.name", "--study.data.subset",
    "--study.model.architecture", "--study.model.width", "--study.forget.0.kind", "--study.forget.0.fraction",
    "--study.pretrain.epochs", "--study.pretrain.descent.lr",
)  # fmt: skip
"""The options that people use; `--help-all` and `options` tell the others."""


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Make and measure every model of a study, and write a table of results.

    What is finished is kept under the hash of its configuration: an interrupted study goes on when the same command
    is given again, and a changed one makes anew only what the change concerns.
    """

    study: Study
    """The study; options change fields of the preset."""
    preset: str = "digits"
    """The study to start from."""
    images: Path | None = None
    """Folder of the images, if the study needs one; short for --study.data.root."""
    out: Path = Path("results/deepnet")
    """Folder for the results; a study has a sub-folder of its name."""
    methods: Annotated[tuple[str, ...], Shown(value="NAME", default="all")] = ()
    """Only these methods (the retrained reference is always made); none named is all of the preset's."""
    compat: Annotated[tuple[str, ...], Shown(value="NAME")] = ()
    """Quirks of the paper's released code to switch on, or "official" for all of them."""
    device: str = "auto"
    """Where to compute: cpu, cuda, cuda:1, mps, or auto for the first CUDA device if there is one."""
    share: parallel.Sharing = "runs"
    """What several processes started by torchrun share: the runs of the study, or each batch."""
    precision: Annotated[Precision | None, Shown(default="that of the preset")] = None
    """Number format of products in all trainings; auto is float16 on CUDA devices and float32 elsewhere."""
    processes: Annotated[int | None, Shown(default="auto")] = None
    """Processes that share out the models; None is one per core on a CPU, as far as memory allows, and one on a GPU."""
    threads: Annotated[int | None, Shown(default="auto")] = None
    """CPU threads of each process; None is one, or more where memory allows fewer processes than cores, and
    with a GPU this process's share of the cores."""
    channels_last: bool = False
    """Lay images out channel by channel last, which is faster on tensor cores."""
    compile: bool = False
    """Fuse the networks with torch.compile."""
    autotune: bool = False
    """Let cuDNN try its algorithms for each size of convolution and take the fastest (CUDA devices)."""
    keep_models: bool = True
    """Keep unlearned models once they are measured."""
    log: Annotated[tuple[str, ...], Shown(value="NAME", default="history.csv alone")] = ()
    """What logs trainings beside history.csv: tensorboard, or functions of one's own, package.module:function."""
    dry_run: bool = False
    """Only list the models the study has."""

    def __call__(self) -> int:
        """Run the study; returns the exit status."""
        own = [one.method.name for one in preset(self.preset).unlearners]
        study = with_quirks(_only(self._study_here(), self.methods or own), self.compat)
        if self.dry_run:
            return _list_runs(study)
        device = find_device(self.device)
        others = _other_study(study, self.out / study.name, device)
        execution = Execution(
            device=device, channels_last=self.channels_last, compile=self.compile, autotune=self.autotune
        )
        with workforce(device, processes=self.processes, threads=self.threads, share=self.share) as crew:
            summary = run_study(
                study, self.out / study.name, execution, progress=shown_progress, keep_models=self.keep_models,
                crew=crew, log=self.log,
            )  # fmt: skip
            return _tell(summary, others) if parallel.is_first() else int(bool(summary.diverged))

    def _study_here(self) -> Study:
        """The study with this machine's images, in the precision that was asked for."""
        study = self.study if self.precision is None else in_precision(self.study, self.precision)
        return study if self.images is None else replace(study, data=replace(study.data, root=str(self.images)))


def run_with_preset(words: Sequence[str]) -> RunCommand:
    """The command whose defaults are those of the preset that a command line names."""
    name = preset_in(words)
    return RunCommand(study=with_newcomers(preset(name)), preset=name)


def preset_in(words: Sequence[str]) -> str:
    """The preset that a command line names."""
    for position, word in enumerate(words):
        if word == "--preset" and position + 1 < len(words):
            return words[position + 1]
        if word.startswith("--preset="):
            return word.removeprefix("--preset=")
    return "digits"


def _only(study: Study, methods: Sequence[str]) -> Study:
    """A study with only some of its methods.

    Raises:
        ValueError: if it does not have one of them.
    """
    known = [unlearner.method.name for unlearner in study.unlearners]
    for name in methods:
        checks.choice("methods", name, list(dict.fromkeys(known)))
    return replace(study, unlearners=tuple(one for one in study.unlearners if one.method.name in methods))


def _list_runs(study: Study) -> int:
    runs = [run for group in runs_of(study) for run in group]
    names: tuple[str, ...] = ()
    if any(forget.kind == "class" for forget in study.forget):
        with suppress(OSError, ValueError):  # no images are needed to list models: then classes have their numbers
            names = read(study.data).class_names
    for run in runs:
        console.print(run.words(run.forget.named(names)))
    console.print(f"{counted(len(runs), 'model')}")
    return 0


def _other_study(study: Study, folder: Path, device: torch.device) -> list[str]:
    """In what the study that a folder was made for last differs; nothing if it is this one, or there is none."""
    try:
        there = parse_json((folder / "study.json").read_text(encoding="utf-8"))
        here = on_device(used_in(study, folder), device)
        return differences(there, json.loads(json.dumps(as_json(here))))
    except (OSError, ValueError, TypeError, AttributeError):
        return []


def _tell(summary: Summary, others: Sequence[str] = ()) -> int:
    """Print the table and where everything is; and of another study that was there, that nothing of it is lost."""
    from deepnet.report import terminal_table, write_report

    write_report(summary.path.parent)
    console.print(terminal_table(summary.rows))
    for reason in summary.diverged:
        console.print(f"diverged: {reason}", style="red")
    for row in summary.rows:
        if row.get("skipped_steps"):
            console.print(
                f"{_in_words(row)}: {counted(row['skipped_steps'], 'step')} skipped, which overflowed in float16"
            )
    if others:
        console.print(
            f"The table was one of another study ({counted(len(others), 'difference')}; {others[0]}). Its models and "
            "measurements are kept: its command makes its table again."
        )
    console.print(f"Rows: {summary.path}\nReport: {summary.path.parent / 'report'}")
    return int(bool(summary.diverged))


def _in_words(row: Mapping[str, Any]) -> str:
    """The model of a row, told apart from the others."""
    words = (row["forget_set"], f"seed {row['seed']}", row["pretrain"], row["method"], row["variant"], row["optimizer"])
    return ", ".join(word for word in words if word)
