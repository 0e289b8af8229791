"""Which device a process takes, what versions say of packages that are missing, and that metrics say so, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deepnet.cli import workforce as door  # noqa: E402
from deepnet.house import environment, packages  # noqa: E402
from deepnet.house.crew import Need  # noqa: E402
from deepnet.house.environment import ABSENT, find_device, local_processes, versions  # noqa: E402
from deepnet.house.packages import CURVLINOPS, POT, TIMM, UMAP, is_installed  # noqa: E402
from deepnet.methods import CurvatureSelection, FineTune  # noqa: E402
from deepnet.metrics.curvature import hessian_diagonal  # noqa: E402
from deepnet.metrics.entanglement import wasserstein_distance  # noqa: E402
from deepnet.metrics.feature_map import feature_map  # noqa: E402
from deepnet.metrics.outputs import Outputs  # noqa: E402
from deepnet.networks.models import ModelConfig, build  # noqa: E402
from deepnet.studies.measuring.measurement import measurement_key  # noqa: E402
from deepnet.studies.planning.requirements import check_measurable  # noqa: E402
from deepnet.studies.running import run_study, runs_of  # noqa: E402
from deepnet.studies.stages import Execution, Stages  # noqa: E402
from deepnet.studies.store import Store  # noqa: E402
from deepnet.studies.study import Evaluation, Unlearner  # noqa: E402
from tests.deepnet.oracles import small_network  # noqa: E402
from tests.deepnet.pretended_card import pretended_card  # noqa: E402
from tests.deepnet.small_study import small_study  # noqa: E402

CPU = torch.device("cpu")


# --- the device ----------------------------------------------------------------------------------------


def test_processes_of_one_machine_take_its_cards_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended_card(cards=4):
        chosen: list[torch.device] = []
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        for name in ("auto", "cuda"):
            found = []
            for rank in range(6):
                monkeypatch.setenv("LOCAL_RANK", str(rank))
                found.append(find_device(name).index)
            assert found == [0, 1, 2, 3, 0, 1]
        assert [device.index for device in chosen] == [0, 1, 2, 3, 0, 1] * 2  # the current one, too
        assert find_device("cuda:3").index == 3  # who names a card means it
        assert find_device("cpu") == CPU


def test_one_process_takes_the_card_that_is_current() -> None:
    with pretended_card(cards=4):
        assert find_device("auto") == find_device("cuda") == torch.device("cuda")


def test_a_machine_without_cards_does_not_look_at_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert find_device("auto") == CPU
    with pytest.raises(ValueError, match=r"Argument `device` must be one that this machine has, but 'cuda' is not"):
        find_device("cuda")


@pytest.mark.parametrize(("told", "found"), [(None, 1), ("8", 8), ("", 1), ("many", 1), ("0", 1)])
def test_processes_of_this_machine(told: str | None, found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if told is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", told)
    assert local_processes() == found


@pytest.mark.parametrize(
    ("device", "processes", "local", "wanted", "threads"),
    [("cuda", None, "1", None, 16), ("cuda", None, "8", None, 2), ("cuda", 4, "1", None, 4), ("cuda", None, "1", 3, 3),
     ("cuda", None, "64", None, 1), ("cpu", 1, "1", None, 1), ("cpu", 1, "1", 5, 5)],
)  # fmt: skip
def test_threads_beside_a_card_are_its_share_of_the_cores(
    device: str, processes: int | None, local: str, wanted: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small network, whose steps on a CPU take one thread; beside a card the cores are there for all else."""
    monkeypatch.setattr(door, "usable_cores", lambda: 16)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", local)
    with door.workforce(torch.device(device), processes=processes, threads=wanted) as crew:
        crew.settle(Need(items=8, seconds=100.0, memory=1.0, threads_pay=False))
        assert crew.threads == threads


# --- packages ------------------------------------------------------------------------------------------


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without these packages."""
    real, absent = metadata.version, (POT, CURVLINOPS, UMAP)

    def version(package: str) -> str:
        if package in absent:
            raise metadata.PackageNotFoundError(package)
        return real(package)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    environment.versions.cache_clear()
    yield
    environment.versions.cache_clear()


def test_versions_of_what_is_installed() -> None:
    found = versions()
    assert list(found) == [
        "sharpmu", "python", "torch", "torchvision", "numpy", "scikit-learn", "POT", "curvlinops-for-pytorch",
        "umap-learn", *([TIMM] if is_installed(TIMM) else []),
    ]  # fmt: skip
    assert all(found[name] == metadata.version(name) for name in list(found)[2:])


def test_versions_say_what_is_absent(without: None) -> None:
    found = versions()
    assert {name for name, version in found.items() if version == ABSENT} == {POT, CURVLINOPS, UMAP}


OUTPUTS = Outputs(np.zeros((20, 2), np.float32), np.zeros(20, np.int64), np.eye(20, 3, dtype=np.float32))
ASKED = {
    POT: lambda: wasserstein_distance(np.zeros((2, 2)), np.ones((2, 2))),
    CURVLINOPS: lambda: hessian_diagonal(small_network(), [], probes=1, seed=0),
    TIMM: lambda: build(
        ModelConfig(architecture="vit_small"),
        n_classes=2,
        channels=1,
        mean=(0.5,),
        std=(0.2,),
        seed=0,
        image_size=(8, 8),
    ),
    UMAP: lambda: feature_map(before=OUTPUTS, after=OUTPUTS, forgotten=np.zeros(20, dtype=bool)),
}


@pytest.mark.parametrize("package", ASKED)
def test_metrics_and_networks_say_which_package_it_needs(package: str, without: None) -> None:
    extra = {TIMM: "timm"}.get(package, "deepnet")
    told = rf"needs the package {package}, which is not installed: pip install -e \"\.\[{extra}\]\"$"
    with pytest.raises(ModuleNotFoundError, match=told):
        ASKED[package]()


ASKED_BY_STUDIES = {
    "evaluation.entangled": {"evaluation": Evaluation(entangled=40)},
    "evaluation.curvature": {"evaluation": Evaluation(entangled=0, curvature=8)},
    "evaluation.feature_map": {"evaluation": Evaluation(entangled=0, feature_map=8)},
    "architecture": {"model": ModelConfig(architecture="vit_small"), "evaluation": Evaluation(entangled=0)},
    "methods": {"unlearners": (Unlearner(method=CurvatureSelection()),), "evaluation": Evaluation(entangled=0)},
}


@pytest.mark.parametrize("field", ASKED_BY_STUDIES)
def test_a_study_says_so_before_its_first_model(field: str, without: None, tmp_path: Path) -> None:
    study = replace(small_study(), **ASKED_BY_STUDIES[field])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"^Argument `{field}` must .* be installed, but it is not; pip install"):
        run_study(study, tmp_path, Execution())


def test_a_study_that_asks_for_none_of_them_runs_without(without: None, tmp_path: Path) -> None:
    study = small_study()
    training = study.unlearners[0].training
    evaluation = Evaluation(shadow=20, shadow_sets=1, entangled=0, relearning=None)
    study = replace(
        study, seeds=(0,), evaluation=evaluation, unlearners=(Unlearner(method=FineTune(), training=training),)
    )
    rows = run_study(study, tmp_path, Execution()).rows
    assert {row["status"] for row in rows} == {"finished"}
    assert all(row["versions"][POT] == ABSENT for row in rows)


def test_packages_are_no_part_of_what_results_are_kept_under(without: None, tmp_path: Path) -> None:
    stages = Stages(small_study(), Store(tmp_path), Execution())
    assert "POT" not in str([measurement_key(stages, run) for runs in runs_of(stages.study) for run in runs])


def test_with_the_packages_all_is_measurable(tmp_path: Path) -> None:
    check_measurable(Stages(small_study(), Store(tmp_path), Execution()))
