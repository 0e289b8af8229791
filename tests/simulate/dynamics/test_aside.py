"""Phases aside: a reference is trained from the initial weights, and unlearning stops at its loss on the forget set."""

from dataclasses import replace

import pytest

from simulate import Cell, Record, Status, run, run_ensemble, sweep
from simulate.dynamics.objectives import Loss, NegGrad
from simulate.dynamics.optimizers import SAM, SGD, SharpMinMax
from simulate.dynamics.phases import Phase
from tests.simulate.engine_runs import ENGINES, PROBLEM, draw, relative_error

LEARN = Phase("learn", Loss(), SGD(lr=0.02), steps=400, stop_loss=0.05)
RETRAIN = Phase("retrain", Loss(on="retain"), SGD(lr=0.02), steps=400, stop_loss=0.05, aside=True)
UNLEARN = Phase("unlearn", NegGrad(alpha=0.5), SAM(lr=0.01), steps=400, stop_forget_loss_above="retrain")
PHASES = [LEARN, RETRAIN, UNLEARN]


def forget_loss_of(result, phase: str) -> float:
    """The last one that was recorded in a phase."""
    trace = result.trace.isel(step=result.trace.phase == phase)
    return float(trace.loss.sel(part="forget")[-1])


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_phase_aside_is_a_run_of_its_own_and_leaves_the_network_alone(engine, batch):
    phases = [replace(phase, optimizer=replace(phase.optimizer, batch=batch)) for phase in PHASES]
    instance, record = draw(PROBLEM, 2), Record(observe=("coefficients", "loss"), every=1)
    whole = run(instance, phases, engine=engine, record=record)
    alone = run(instance, [replace(phases[1], aside=False)], engine=engine, record=record)
    retrained = forget_loss_of(alone, "retrain")
    assert forget_loss_of(whole, "retrain") == retrained
    assert whole.state.forget_losses["retrain"] == pytest.approx(retrained, rel=1e-12)
    told = replace(phases[2], stop_forget_loss_above=retrained)
    without = run(instance, [phases[0], told], engine=engine, record=record)
    assert whole.phases["unlearn"] == without.phases["unlearn"]
    assert whole.phases["unlearn"][1] is Status.CONVERGED
    assert whole.steps == without.steps + alone.steps
    assert (whole.kappa.tobytes(), whole.zeta.tobytes()) == (without.kappa.tobytes(), without.zeta.tobytes())
    # Forgotten as well as by the retrained network: at the first look at which the loss is as large.
    trace = whole.trace.isel(step=whole.trace.phase == "unlearn").loss.sel(part="forget")
    looks = 1 if batch is None else 9 // batch
    assert float(trace[-1]) >= retrained > float(trace[-1 - looks])


def test_engines_stop_at_the_same_step():
    instance = draw(PROBLEM, 3)
    dense, *others = (run(instance, PHASES, engine=engine) for engine in ENGINES)
    for other in others:
        assert other.phases == dense.phases
        assert relative_error(other.kappa, dense.kappa) < 1e-10


def test_an_ensemble_and_a_sweep_end_where_runs_do():
    seeds = range(4)
    cells = [Cell(PROBLEM, tuple(PHASES), seed) for seed in seeds]
    found = run_ensemble(cells, test_directions=16, observe=("loss",))
    swept = sweep(PROBLEM, PHASES, axes={"retrain.stop_loss": [0.05, 0.3]}, seeds=seeds, test_directions=16)
    for seed in seeds:
        alone = run(PROBLEM, PHASES, seed=seed, test_directions=16)
        assert found["phase_steps"].values[seed].tolist() == [steps for steps, _ in alone.phases.values()]
        assert found["test_error"].values[seed] == alone.test_error
        later = run(PROBLEM, [LEARN, replace(RETRAIN, stop_loss=0.3), UNLEARN], seed=seed, test_directions=16)
        assert swept["test_error"].sel(seed=seed).values.tolist() == [alone.test_error, later.test_error]
    goals = found["loss"].sel(part="forget").values
    assert (goals[:, 2] >= goals[:, 1] * (1 - 1e-12)).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("phase", ["learn", "retrain", "unlearn"])
def test_a_run_goes_on_from_within_any_phase(engine, phase):
    phases = [*PHASES[:2], replace(UNLEARN, optimizer=SharpMinMax(lr=0.01, tau=0.03))]
    instance, number = draw(PROBLEM, 2), ["learn", "retrain", "unlearn"].index(phase)
    whole = run(instance, phases, engine=engine)
    cut = run(instance, [*phases[:number], replace(phases[number], steps=7)], engine=engine)
    assert cut.state.phase == phase
    resumed = run(instance, phases, engine=engine, start=cut.state)
    assert resumed.kappa.tobytes() == whole.kappa.tobytes()
    assert resumed.phases["unlearn"] == whole.phases["unlearn"]


CHAIN = [
    LEARN,
    Phase("sharp", Loss(on="retain"), SAM(lr=0.02, tau=0.05), steps=30, aside=True),
    replace(RETRAIN, stop_loss=0.02),
    UNLEARN,
]


@pytest.mark.parametrize("engine", ENGINES)
def test_phases_aside_in_a_row_are_one_training(engine):
    instance = draw(PROBLEM, 2)
    whole = run(instance, CHAIN, engine=engine)
    look = Phase("look", steps=0)
    alone = run(instance, [*(replace(phase, aside=False) for phase in CHAIN[1:3]), look], engine=engine)
    assert {name: alone.phases[name] for name in ("sharp", "retrain")}.items() <= whole.phases.items()
    assert whole.state.forget_losses["retrain"] == alone.state.forget_losses["retrain"]
    told = replace(UNLEARN, stop_forget_loss_above=whole.state.forget_losses["retrain"])
    without = run(instance, [LEARN, told], engine=engine)
    assert (whole.kappa.tobytes(), whole.zeta.tobytes()) == (without.kappa.tobytes(), without.zeta.tobytes())
    for phase in ("sharp", "retrain"):
        number = [each.name for each in CHAIN].index(phase)
        cut = run(instance, [*CHAIN[:number], replace(CHAIN[number], steps=7)], engine=engine)
        resumed = run(instance, CHAIN, engine=engine, start=cut.state)
        assert resumed.kappa.tobytes() == whole.kappa.tobytes()


def test_a_last_phase_aside_leaves_the_network_where_it_was():
    instance = draw(PROBLEM, 2)
    plain, longer = run(instance, CHAIN[:1]), run(instance, CHAIN[:3])
    assert longer.kappa.tobytes() == plain.kappa.tobytes()
    cells = [Cell(PROBLEM, tuple(CHAIN[:length]), 2) for length in (1, 3)]
    errors = [run_ensemble([cell], test_directions=16)["test_error"].item() for cell in cells]
    assert errors[0] == errors[1]


def test_from_a_state_aside_other_phases_go_on_with_the_network_itself():
    instance = draw(PROBLEM, 2)
    aside = run(instance, PHASES[:2]).state
    after, plain = (run(instance, [replace(UNLEARN, stop_forget_loss_above=1.0)], start=start)
                    for start in (aside, run(instance, PHASES[:1]).state))  # fmt: skip
    assert aside.back.coefficients.tobytes() != aside.coefficients.tobytes()
    assert after.kappa.tobytes() == plain.kappa.tobytes()


def test_names_that_are_no_earlier_phase_are_refused():
    early = [[LEARN, UNLEARN], [LEARN, UNLEARN, RETRAIN], [replace(UNLEARN, stop_forget_loss_above="unlearn")]]
    for phases in early:
        with pytest.raises(ValueError, match='of phase "unlearn" must name a phase before it'):
            run(PROBLEM, phases)
    with pytest.raises(ValueError, match="`stop_forget_loss_above` must be"):
        replace(UNLEARN, stop_forget_loss_above=-1.0)
    with pytest.raises(ValueError, match="`aside`"):
        replace(RETRAIN, aside=1)
    learned = run(PROBLEM, [LEARN])
    with pytest.raises(ValueError, match="must name a phase that has ended"):
        run(PROBLEM, PHASES, start=replace(learned.state, phase="unlearn", steps=0))
