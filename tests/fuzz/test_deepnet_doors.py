"""Every public door of deepnet, with thousands of configurations: a right result, or one clear error."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from deepnet.cli import main
from simulate.house import checks
from tests.deepnet.report_rows import made_up_rows, write_rows
from tests.fuzz import deepnet_configs, deepnet_files, deepnet_lines, deepnet_metrics, deepnet_training
from tests.fuzz.judgement import LeakError, ended, heads, outcome, waiting

DOORS = {
    "settings": (deepnet_configs.settings, 60, 1000), "methods": (deepnet_configs.methods, 100, 1000),
    "studies": (deepnet_configs.studies, 100, 1000), "names": (deepnet_configs.names, 50, 80),
    "splits": (deepnet_training.splits, 60, 1000), "split fields": (deepnet_training.split_fields, 60, 1000),
    "networks": (deepnet_training.networks, 60, 1000), "gradients": (deepnet_training.gradients, 60, 1000),
    "masks": (deepnet_training.masks, 60, 1000), "images": (deepnet_training.device_images, 60, 1000),
    "applications": (deepnet_training.applications, 12, 1000), "tasks": (deepnet_training.tasks, 20, 1000),
    "outputs": (deepnet_metrics.made_outputs, 60, 1000), "collected": (deepnet_metrics.collected, 40, 1000),
    "accuracies": (deepnet_metrics.accuracies, 60, 1000), "memberships": (deepnet_metrics.memberships, 12, 300),
    "divergences": (deepnet_metrics.divergences, 60, 1000), "entanglements": (deepnet_metrics.entanglements, 20, 1000),
    "maps": (deepnet_metrics.maps, 40, 1000), "curvatures": (deepnet_metrics.curvatures, 8, 300),
    "votes": (deepnet_metrics.votes, 60, 1000), "score files": (deepnet_files.score_files, 50, 1000),
    "result files": (deepnet_files.result_files, 60, 1000), "publications": (deepnet_files.publications, 30, 1000),
    "stores": (deepnet_files.stores, 40, 1000), "packs": (deepnet_files.packs, 40, 1000),
    "image folders": (deepnet_files.image_folders, 40, 1000), "command lines": (deepnet_lines.command_lines, 15, 1000),
}  # fmt: skip
"""Each door with its configurations, and how many of them the default suite and the slow one try: nearly all, where
there are fewer than a thousand."""


def calls(make: Callable[[], st.SearchStrategy[Any]]) -> st.SearchStrategy[Callable[[], str]]:
    """Calls that judge themselves, as command lines do already."""
    return make() if make is deepnet_lines.command_lines else make().map(lambda door: partial(outcome, door))


test_a_door_answers, test_a_door_answers_many_times = heads(
    waiting(name, calls(make), quick, often, common=0.0 if name == "names" else 0.05)
    for name, (make, quick, often) in DOORS.items()
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ((), "right"), (("--study.data.subset", "10"), "refused"), (("--study.pretrain.epochs", "0"), "right"),
        (("--compat", "official"), "refused"), (("--study.val-fraction", "0"), "right"),
    ],
)  # fmt: skip
def test_the_smallest_study_from_the_command_line(words, ends):
    assert deepnet_lines.smallest_run(*words) == ends


@pytest.mark.slow
def test_a_report_of_a_few_rows(tmp_path):
    write_rows(tmp_path / "results", made_up_rows(seeds=(0,), pretrains=("sgd",))[:3], '{"half": ')
    assert ended(main, ["report", str(tmp_path / "results")]) == "right"
    assert ended(main, ["report", str(tmp_path / "elsewhere")]) == "refused"


LEAKS = {
    "an index error of torch": lambda: torch.zeros(2)[5],
    "an index error of NumPy": lambda: np.zeros(2)[5],
    "an error of NumPy that is a ValueError": lambda: np.zeros(2) + np.zeros(3),
    "an error of torch that is a RuntimeError": lambda: torch.zeros(2) @ torch.zeros(3),
    "a type error of Python": lambda: len(3),
    "an attribute of None": lambda: None.shape,
    "a warning": lambda: np.float64(1) / np.float64(0),
    "a message without an argument": lambda: checks.fail("two words", "be one", 3),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_judgement_catches_what_leaks(leak):
    with pytest.raises(LeakError):
        outcome(LEAKS[leak])


def test_the_judgement_lets_clear_errors_pass():
    assert outcome(lambda: checks.fail("alpha", "lie in [0, 1]", 3)) == "refused"
    assert outcome(lambda: 3) == "right"


@pytest.mark.parametrize("words", [["traceback"], ["silence"], ["twice"]])
def test_the_judgement_catches_command_lines_that_end_badly(words, capsys):
    def broken(words):
        if words == ["traceback"]:
            raise IndexError("list index out of range")
        if words == ["twice"]:
            import sys

            print("error: `a`\nerror: `b`", file=sys.stderr)
        return 2

    with pytest.raises(LeakError):
        ended(broken, words)
