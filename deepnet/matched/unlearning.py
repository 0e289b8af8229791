"""One unlearning that is watched: how it is keyed, run, stopped and measured, and the row it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from deepnet.house.identity import as_json, key_of
from deepnet.house.seeding import stage_seed
from deepnet.learning.loop import DivergenceError
from deepnet.learning.task import Task
from deepnet.matched.measuring import MEASURED, measured
from deepnet.matched.replicate import Replicate, Still
from deepnet.matched.study import Arm
from deepnet.matched.watched.looking import held_out_loss
from deepnet.matched.watched.stops import Passed, Rule, Stop
from deepnet.matched.watched.trajectory import Trajectory, rounded
from deepnet.matched.watched.watching import StepWatcher
from deepnet.methods import apply
from deepnet.networks import weights
from deepnet.networks.models import Network
from deepnet.studies.compat import with_quirks
from deepnet.studies.runs import Finished
from deepnet.studies.study import Study, Unlearner
from simulate.house.version import __version__

__all__ = ["arm_config", "arm_row", "still_config", "still_row", "stops_of"]

_FORMAT = 1
"""Changes when the same configuration would leave another row than before."""
_REFERENCES = {"reference": "", "own": "own-"}
"""The retrained networks that thresholds are taken from, and how the names of their stops begin."""
_RULES: tuple[Rule, ...] = ("loss", "accuracy")
Tell = Callable[[float], None]


def still_config(replicate: Replicate, still: Still) -> dict[str, Any]:
    """Everything that decides the row of a network that is measured as it is."""
    run, flatness = replicate.run(still), replicate.matched.flatness
    return {
        "format": _FORMAT,
        "model": replicate.config(run),
        "forgotten": replicate.forgotten(run.forget),
        "measured": [*MEASURED, replicate.matched.watching.relearning],
    } | ({"flatness": flatness} if still.kind == "pretrained" and flatness is not None else {})


def still_row(replicate: Replicate, still: Still) -> dict[str, Any]:
    """Make a network, measure it as it is, and say so; numbers are exact, since thresholds are taken from them."""
    row = _about(replicate, still.kind, still_config(replicate, still)) | {
        "forget": still.forget, "optimizer": still.sharpness.label, "again": still.again,
    }  # fmt: skip
    try:
        found = replicate.watched(replicate.run(still))
        numbers = measured(replicate, still.forget, found.model) | _along_the_way(found)
        return row | {"status": "finished", "seconds": rounded(found.history["seconds"], 3), "numbers": numbers}
    except DivergenceError as error:
        return row | {"status": "diverged", "reason": str(error)}


def _along_the_way(found: Finished) -> dict[str, Any]:
    """What was measured while a network was pretrained: its sharpness at a training loss, and the step of that."""
    noted = found.history.get("watched")
    return {} if noted is None else {"rise_at_loss": noted["sharpness"], "step_at_loss": noted["step"]}


def arm_config(replicate: Replicate, arm: Arm) -> dict[str, Any]:
    """Everything that decides the row of an arm."""
    stills = replicate.stills(arm)
    return {
        "format": _FORMAT,
        "arm": arm.name,
        "start": replicate.config(replicate.run(stills["start"])),
        "references": [replicate.config(replicate.run(stills[name])) for name in _REFERENCES if name in stills],
        "forgotten": replicate.forgotten(replicate.matched.forget_set(arm.forget)),
        "method": arm.method,
        "training": replicate.matched.training(arm),
        "sharpness": arm.unlearning,
        "batches": arm.batches,
        "watching": replicate.matched.watching,
        "measured": MEASURED,
    } | ({"quirk": arm.quirk} if arm.quirk else {})


def stops_of(
    replicate: Replicate, arm: Arm, references: Mapping[str, Mapping[str, Any]], model: Network
) -> tuple[Stop, ...]:
    """The stops of an arm.

    Args:
        replicate: The replicate.
        arm: The arm.
        references: The rows of the retrained networks, "reference" and, if a stop is taken from it, "own".
        model: The pretrained network.

    Returns:
        `loss`, the primary one: the mean loss on the forget set is at least that of the reference; `accuracy`: the
        accuracy on it is at most the reference's; `own-loss` and `own-accuracy`, the same by the own reference where
        that is another; `held-out`: the loss is at least that of held-out images of the same classes; and `epoch-N`.
    """
    asked, found = replicate.matched.watching.stops, []
    for name, row in references.items():
        if name == "own" and row["key"] == references["reference"]["key"]:
            continue
        for rule in _RULES:
            stop = Stop(name=f"{_REFERENCES[name]}{rule}", rule=rule, bound=row["numbers"][f"forget_{rule}"])
            found += [stop] if stop.name in asked else []
    if "held-out" in asked:
        sets = replicate.sets(arm.forget).by_name
        bound = held_out_loss(model, sets["forget"], sets["val"], replicate.study.pretrain.precision)
        found.append(Stop(name="held-out", rule="loss", bound=bound))
    found += [Stop(name=f"epoch-{n}", rule="epochs", bound=n) for n in replicate.matched.watching.epochs]
    return tuple(found)


def arm_row(replicate: Replicate, arm: Arm, known: Mapping[str, Mapping[str, Any]], tell: Tell) -> dict[str, Any]:
    """Unlearn, watched; what it left as a row.

    Args:
        replicate: The replicate.
        arm: The arm.
        known: Rows by key, those of the networks that the arm is held against among them.
        tell: Told now and then which share is done.
    """
    config = arm_config(replicate, arm)
    row = _about(replicate, "trajectory", config) | _described(replicate, arm)
    stills = replicate.stills(arm)
    references = {name: known[key_of(still_config(replicate, stills[name]))] for name in _REFERENCES if name in stills}
    missing = [name for name, found in references.items() if found["status"] != "finished"]
    if missing:
        return row | {"status": "diverged", "reason": f"The {missing[0]} has diverged.", "stops": {}}
    try:
        model = replicate.finished(replicate.run(stills["start"])).model
    except DivergenceError as error:
        return row | {"status": "diverged", "reason": str(error), "stops": {}}
    return row | _Unlearning(replicate, arm, config, stops_of(replicate, arm, references, model), model).row(tell)


class _Unlearning:
    """An unlearning that is about to happen."""

    def __init__(
        self, replicate: Replicate, arm: Arm, config: dict[str, Any], stops: tuple[Stop, ...], model: Network
    ) -> None:
        self.replicate, self.arm, self.config, self.model = replicate, arm, config, model
        watching, precision = replicate.matched.watching, replicate.study.pretrain.precision
        self.watcher = StepWatcher(
            model, replicate.probe(arm.forget), Passed(stops), self._keep, watching.every, precision
        )

    def row(self, tell: Tell) -> dict[str, Any]:
        """Train, measure at the stops, and forget the weights again."""
        began, status = time.perf_counter(), {"status": "finished"}
        try:
            self._train(tell)
            last = measured(self.replicate, self.arm.forget, self.model)
        except DivergenceError as error:
            status, last = {"status": "diverged", "reason": str(error)}, {}
        seconds = time.perf_counter() - began
        passed, trajectory = self.watcher.passed, self.watcher.trajectory
        numbers = {step: self._at(step) for step in sorted(set(passed.steps.values()))}
        stops = {stop.name: self._stop(stop, passed, numbers) for stop in passed.stops}
        steps = trajectory.column("step")[-1] if trajectory.rows else None
        thin = trajectory.thinned(self.replicate.matched.watching.points, set(passed.steps.values()))
        store = self.replicate.store
        store.save_arrays(self.config, trajectory.as_arrays())
        for step in numbers:
            store.drop_model(self._snapshot(step))
        store.journal(self.config).discard()
        return status | {
            "seconds": rounded(seconds, 3), "stops": stops, "last": {"step": steps, **_short(last)},
            "trajectory": Trajectory(thin.rows).as_columns(),
        }  # fmt: skip

    def _train(self, tell: Tell) -> None:
        replicate, arm = self.replicate, self.arm
        dataset, split = replicate.data(replicate.matched.forget_set(arm.forget))
        seed = (*stage_seed(replicate.number, arm.method.start), *([arm.batches] if arm.batches else []))
        study = _as_asked(replicate, arm)
        (unlearner,) = study.unlearners
        task = Task(
            self.model, dataset, split, unlearner.training, seed, unlearner.sharpness[0],
            forget_statistics=study.forget_statistics, cycles_forget_batches=study.cycles_forget_batches,
        )  # fmt: skip
        total = [1]

        def plan(steps: int) -> None:
            total[0] = max(steps, 1)

        apply(
            unlearner.method, task, journal=replicate.store.journal(self.config), watcher=self.watcher, on_plan=plan,
            on_step=lambda step: tell(step / total[0]), holds_masked_weights=study.holds_masked_weights,
        )  # fmt: skip
        self.model.eval()

    def _snapshot(self, step: int) -> dict[str, Any]:
        return self.config | {"step": step}

    def _keep(self, step: int) -> None:
        self.replicate.store.save_model(self._snapshot(step), self.model.state_dict(), {})

    def _at(self, step: int) -> dict[str, Any]:
        """What is measured of the weights after a step."""
        tensors, _ = self.replicate.store.load_model(self._snapshot(step))
        weights.load_model(self.model, tensors, f"the snapshot of step {step}")
        return measured(self.replicate, self.arm.forget, self.model.eval())

    def _stop(self, stop: Stop, passed: Passed, numbers: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
        step = passed.steps.get(stop.name)
        bound = {} if stop.rule == "epochs" else {"bound": rounded(stop.bound)}
        return bound | {"step": step} | ({} if step is None else _short(numbers[step]))


def _as_asked(replicate: Replicate, arm: Arm) -> Study:
    """A study of the arm alone, with its quirk switched on."""
    how = Unlearner(method=arm.method, training=replicate.matched.training(arm), sharpness=(arm.unlearning,))
    return with_quirks(replace(replicate.study, unlearners=(how,)), filter(None, [arm.quirk]))


def _about(replicate: Replicate, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """The columns that every row begins with."""
    return {
        "kind": kind, "scale": replicate.matched.name, "replicate": replicate.number, "key": key_of(config),
        "version": __version__, "threads": replicate.matched.threads, "precision": replicate.study.pretrain.precision,
    }  # fmt: skip


def _described(replicate: Replicate, arm: Arm) -> dict[str, Any]:
    settings = {name: value for name, value in as_json(arm.method).items() if name != "name"}
    return {
        "arm": arm.name, "forget": arm.forget, "pretraining": arm.pretraining.label, "method": arm.method.name,
        "settings": settings, "optimizer": arm.unlearning.label, "lr": arm.lr, "batches": arm.batches,
        "epochs": replicate.matched.unlearn.epochs,
    } | ({"quirk": arm.quirk} if arm.quirk else {})  # fmt: skip


def _short(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Measured numbers as rows have them."""
    return {name: rounded(value) for name, value in numbers.items()}
