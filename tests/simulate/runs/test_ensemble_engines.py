"""An ensemble gives each cell the bits of its own run, in every engine."""

from dataclasses import replace

import numpy as np
import pytest

from simulate import Problem, Record, run
from simulate.dynamics.objectives import Loss, NegGrad
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Phase
from simulate.runs import ensemble, lanes
from simulate.runs.ensemble import Cell
from tests.simulate.engine_runs import ENGINES, PROBLEM


def mixed_cells() -> list[Cell]:
    """Cells of three shapes in turn, with different problems, options, batches, stops and numbers of steps."""
    pretrain = Phase("pretrain", Loss(), SGD(lr=0.02), steps=50)
    unlearn = Phase("unlearn", NegGrad(), SAM(lr=0.02), steps=40)
    sharp = replace(unlearn, optimizer=SharpMinMax(lr=0.02, batch=2))
    forgetful = Problem(d=10_000, n=12, m=3, signal=20.0, sigma_p=0.3, forget=0.4, label_flip=0.1, noise="isotropic")
    patchy = Problem(d=150, n=8, m=2, P=3, patches="independent", forget=0.25)
    on_forget = replace(unlearn, optimizer=SAM(lr=0.03, tau=0.1, on="forget", sharpness="max", mixing=0.5))
    return [
        Cell(PROBLEM, (pretrain, unlearn), seed=1),
        Cell(patchy, (pretrain, sharp), seed=2),
        Cell(PROBLEM, (replace(pretrain, steps=7), replace(on_forget, stop_forget_below=0.5)), seed=3),
        Cell(forgetful, (replace(pretrain, optimizer=SGD(lr=0.01, batch=5)), replace(unlearn, steps=90)), seed=4),
        Cell(PROBLEM, (pretrain,), seed=5),
        Cell(forgetful, (replace(pretrain, stop_loss=0.3), on_forget), seed=6),
        Cell(patchy, (pretrain, replace(sharp, name="other", optimizer=SharpMinMax(fraction=0.25))), seed=7),
        Cell(PROBLEM, (replace(pretrain, steps=0), unlearn), seed=1),
    ]


def summary_of(cell: Cell, engine: str) -> dict[str, object]:
    """What an ensemble reports of a cell, from a run of this cell alone."""
    record = Record(every=10**6)
    result = run(cell.problem, cell.phases, seed=cell.seed, engine=engine, record=record, test_directions=64)
    return {
        "test_error": result.test_error,
        "test_error_se": result.test_error_se,
        "test_error_ess": result.test.effective_sample_size,
        "log_clean_error": result.test.log_clean_error,
        "train_loss": result.train_loss,
        "retain_accuracy": result.retain_accuracy,
        "forget_accuracy": result.forget_accuracy,
        "kappa_mean": result.kappa.mean(),
        "steps": result.steps,
        "status": result.status.value,
    }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("small_chunks", [False, True])
def test_an_ensemble_gives_each_cell_the_bits_of_its_own_run(engine, small_chunks, monkeypatch):
    if small_chunks:
        monkeypatch.setattr(lanes, "CHUNK_BYTES", 1)
        monkeypatch.setattr(ensemble, "SEGMENT", 16)
    cells = [cell for cell in mixed_cells() if engine != "dense" or cell.problem.d < 1000]
    together = ensemble.run_ensemble(cells, engine=engine, test_directions=64)
    for number, cell in enumerate(cells):
        row = together.isel(cell=number)
        for name, alone in summary_of(cell, engine).items():
            np.testing.assert_array_equal(row[name].values, alone, err_msg=f"{name} of cell {number}")


def test_an_ensemble_summarises_the_noise_coefficients_of_filters_of_the_samples_own_class():
    cells = mixed_cells()
    together = ensemble.run_ensemble(cells, test_directions=16)
    for number, cell in enumerate(cells):
        result = run(cell.problem, cell.phases, seed=cell.seed, test_directions=16)
        y, forget = result.instance.y, result.instance.forget
        own = np.array([result.zeta[0 if y[i] == 1 else 1, :, i].mean() for i in range(len(y))])
        row = together.isel(cell=number)
        assert float(row.zeta_mean_retain) == pytest.approx(own[~forget].mean(), rel=1e-12)
        assert float(row.zeta_mean_forget) == pytest.approx(own[forget].mean(), rel=1e-12)


def test_an_ensemble_reports_its_progress_cell_by_cell():
    done = []
    ensemble.run_ensemble(mixed_cells(), test_directions=16, progress=done.append)
    assert sum(done) == len(mixed_cells())
