"""These folders need torch; where it is missing there is nothing to test in them. And what many of them look at."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.once import folder_once

FOLDERS = ("data", "learning", "methods", "metrics", "networks", "own", "packing", "publishing", "studies")

collect_ignore_glob = [] if importlib.util.find_spec("torch") else [f"{folder}/*" for folder in FOLDERS]


@pytest.fixture(scope="session")
def small_study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, finished, on one thread; not to be written to: tests that go on with it copy it."""
    import torch

    from tests.deepnet.small_study import run_small

    def fill(folder: Path) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        run_small(folder)
        torch.set_num_threads(before)

    return folder_once(tmp_path_factory, "small_study", fill)


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """To load it at the top of a file would cost every worker seconds."""
    import torchvision
    import torchvision.transforms.v2

    return torchvision
