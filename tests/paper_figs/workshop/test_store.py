"""Results on disk: kept whole, found again, refused when damaged, asked anew for another configuration."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray

from paper_figs import Results
from paper_figs.workshop.store import Store
from simulate import SGD, Instance, Loss, Phase, Problem
from simulate.runs.ensemble import Cell
from tests.theory.cases import claim, ledger
from theory import claims as registry
from theory.experiments.lab import Lab
from theory.ledger.registry import named

PHASES = (Phase("fit", Loss(), SGD(lr=0.01), steps=30),)
AXES = {"signal": (1.0, 5.0), "kind": ("a", "b")}


def cell(seed: int, signal: float, kind: str) -> Cell:
    return Cell(Problem(d=1000, n=10, m=3, signal=signal, forget=0.2), PHASES, seed)


def grid(lab: Lab, **options: object) -> xarray.Dataset:
    return lab.grid("trial runs", cell, AXES, replicates=3, **options)  # type: ignore[arg-type]


def numbers(progress) -> xarray.Dataset:
    progress(2)
    return xarray.Dataset({"x": ("seed", np.arange(2.0))})


def ask(store: Store, configuration: str = "{}", make=numbers) -> xarray.Dataset:
    return store.dataset("numbers", make, configuration=configuration, seeds="0 to 1", n_runs=2)


def never(*_: object) -> xarray.Dataset:
    raise AssertionError("Nothing may run.")


def test_grid_is_what_the_laboratory_finds(tmp_path: Path) -> None:
    plain, kept = grid(Lab()), grid(Results("quick", folder=tmp_path).lab)
    read = grid(Results("quick", folder=tmp_path).lab)
    for each in (kept, read):
        for name in plain:
            assert np.array_equal(each[name].values, plain[name].values, equal_nan=plain[name].dtype.kind == "f")
        assert each["test_error"].dims == plain["test_error"].dims
        assert {key: each.attrs[key] for key in plain.attrs} == plain.attrs


def test_grid_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    grid(Results("quick", folder=tmp_path).lab)
    assert "trial runs: not yet in" in capsys.readouterr().out
    monkeypatch.setattr(Lab, "_made", never)
    grid(Results("quick", folder=tmp_path).lab)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "ask_again",
    [
        lambda folder: grid(Results("full", folder=folder).lab),
        lambda folder: grid(Results("quick", folder=folder, seed=1).lab),
        lambda folder: grid(Results("quick", folder=folder).lab, test_directions=32),
        lambda folder: grid(Results("quick", folder=folder).lab, observe=("loss",)),
    ],
)
def test_another_configuration_is_another_result(ask_again, tmp_path: Path) -> None:
    grid(Results("quick", folder=tmp_path).lab)
    ask_again(tmp_path)
    assert len(list(tmp_path.glob("*/trial-runs-*.zarr"))) == 2


def test_another_version_is_another_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(Store(tmp_path, []))
    monkeypatch.setattr("paper_figs.workshop.store.__version__", "9.9")
    with pytest.raises(AssertionError, match="Nothing may run"):
        ask(Store(tmp_path, []), make=never)


def test_own_data_are_run_every_time(tmp_path: Path) -> None:
    instance = Instance.draw(Problem(d=500, n=6, m=2, forget=0.0), 0)
    results = Results("quick", folder=tmp_path)
    data = results.lab.grid("own", lambda seed, k: Cell(instance, PHASES, seed), {"k": (1,)}, replicates=2)
    assert data.sizes["seed"] == 2
    assert not tmp_path.joinpath("quick").exists()


def test_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(progress) -> xarray.Dataset:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(Store(tmp_path, []), make=interrupted)
    assert list(tmp_path.iterdir()) == []
    assert float(ask(Store(tmp_path, []))["x"].sum()) == 1.0


def test_damage_is_refused(tmp_path: Path) -> None:
    ask(Store(tmp_path, []))
    (path,) = tmp_path.iterdir()
    attributes = path / ".zattrs"
    text = attributes.read_text().replace('identity": "', 'identity": "0')
    attributes.write_text(text)
    with pytest.raises(ValueError, match=rf"{path} cannot be read .*\.zattrs in .* is damaged.*Remove it"):
        ask(Store(tmp_path, []))
    attributes.write_text(text.replace('"seal"', '"no_seal"'))  # as in stores of before
    with pytest.raises(ValueError, match=rf"{path} holds another configuration. Remove it"):
        ask(Store(tmp_path, []))
    attributes.unlink()
    with pytest.raises(ValueError, match=rf"{path} cannot be read .*Remove it, and the same command makes it again"):
        ask(Store(tmp_path, []))


def test_a_missing_chunk_is_refused(tmp_path: Path) -> None:
    ask(Store(tmp_path, []))
    (path,) = tmp_path.iterdir()
    (path / "x" / "0").unlink()
    with pytest.raises(ValueError, match=rf"{path} cannot be read .*x/0 in .* is damaged or missing.*Remove it"):
        ask(Store(tmp_path, []))
    attributes = path / ".zattrs"
    attributes.write_text(attributes.read_text().replace('"seal"', '"no_seal"'))  # as in stores of before
    with pytest.raises(ValueError, match=rf"{path} is damaged. Remove it"):
        ask(Store(tmp_path, []))


def test_sources_are_noted_at_every_use(tmp_path: Path) -> None:
    results = Results("quick", folder=tmp_path)

    def inner(lab: Lab) -> xarray.Dataset:
        return grid(lab)

    def outer(lab: Lab) -> xarray.Dataset:
        return lab.once(inner)

    for experiment in (inner, outer, outer):
        results.used.clear()
        results.experiment(experiment)
        assert [source.name for source in results.used] == ["trial runs"]
    (source,) = results.used
    assert source.n_runs == 12
    assert "master seed 0" in source.seeds
    assert "signal=1.0" in json.loads(source.configuration)["first cell"]


@pytest.fixture
def _one_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    only = (claim("only"),)
    monkeypatch.setattr(registry, "all_claims", lambda: only)
    monkeypatch.setattr(registry, "find_claims", lambda names: named(only, names))


@pytest.mark.usefixtures("_one_claim")
def test_ledger_is_run_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = Results("quick", folder=tmp_path / "figs").ledger()
    assert [row["name"] for row in rows] == ["only"]
    assert "ledger: not yet in" in capsys.readouterr().out
    assert Results("quick", folder=tmp_path / "figs").ledger() == rows
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("_one_claim")
def test_ledger_of_the_theory_is_taken_if_it_is_the_same(tmp_path: Path) -> None:
    from theory.cli import main

    assert main(["verify", "--out", str(tmp_path / "ledger")]) == 0
    results = Results("quick", folder=tmp_path / "figs")
    results.ledger()
    assert results.used[-1].path.endswith("ledger/ledger.json")
    assert not (tmp_path / "figs").exists()
    other = Results("quick", folder=tmp_path / "figs", seed=1)
    assert other.ledger() != results.ledger()
    assert (tmp_path / "figs/quick/ledger.json").is_file()


@pytest.mark.parametrize("text", ["[", "{}", "[1]", "[]"])
@pytest.mark.usefixtures("_one_claim")
def test_what_is_no_ledger_is_not_drawn(text: str, tmp_path: Path) -> None:
    path = tmp_path / "figs/quick/ledger.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert [row["name"] for row in Results("quick", folder=tmp_path / "figs").ledger()] == ["only"]


@pytest.mark.usefixtures("_one_claim")
def test_an_older_ledger_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "figs/quick/ledger.json"
    path.parent.mkdir(parents=True)
    path.write_text(ledger(claim("only", experiment="Other dice.")).to_json())
    (row,) = Results("quick", folder=tmp_path / "figs").ledger()
    assert row["experiment"] == "Dice."


def test_missing_study_is_told_with_its_command(tmp_path: Path) -> None:
    results = Results("quick", folder=tmp_path, data=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"ledger\.json is not there.*`python -m deepnet judge"):
        results.deep_files("ledger.json")
