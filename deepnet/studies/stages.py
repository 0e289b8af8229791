"""The stages that make models: pretraining, retraining, unlearning. Each is done once and then read from disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepnet.data.datasets import Dataset, load
from deepnet.data.requests import corrupt
from deepnet.data.scores import ESTIMATED
from deepnet.data.splits import ForgetSet, Split, make_split
from deepnet.house import parallel
from deepnet.house.logs import Logger
from deepnet.house.seeding import generator, stage_seed
from deepnet.house.single_output import multiply_single_outputs_
from deepnet.learning.loop import DivergenceError
from deepnet.learning.sharpness import Sharpness
from deepnet.learning.task import Task
from deepnet.learning.training import Training
from deepnet.learning.watching import Watcher
from deepnet.methods import Method, Pretrain, apply
from deepnet.networks import weights
from deepnet.networks.checkpoints import fill, read_checkpoint
from deepnet.networks.models import Network, build
from deepnet.studies.memorization import cast_vote, memorization_scores, part_of
from deepnet.studies.planning.precision import on_device
from deepnet.studies.runs import Finished, Run, Vote
from deepnet.studies.store import Store
from deepnet.studies.study import Study
from deepnet.studies.telling import loggers_for, told

__all__ = ["Execution", "Stages"]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a study is computed; nothing here changes what is computed, only how fast, and the last bits."""

    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    """Where models and images live."""
    channels_last: bool = False
    """Whether images and filters lie in memory channel by channel last, which tensor cores like."""
    compile: bool = False
    """Whether torch.compile fuses the networks."""
    autotune: bool = False
    """Whether cuDNN tries its algorithms for each size of convolution, and takes the fastest."""


class Stages:
    """Makes the models of a study, or reads those that are there already."""

    def __init__(self, study: Study, store: Store, execution: Execution) -> None:
        self.study, self.store, self.execution = on_device(study, execution.device), store, execution
        self.tell: Callable[[float], None] = lambda share: None
        """Told now and then which share of a training is done."""
        self.log: tuple[str, ...] | None = None
        """What logs trainings beside a table (`deepnet.house.logs.check_names`); None keeps no table either."""
        self._data: dict[ForgetSet, tuple[Dataset, Split]] = {}

    @cached_property
    def dataset(self) -> Dataset:
        """The images, on the device."""
        return load(self.study.data, self.execution.device)

    def data(self, forget: ForgetSet) -> tuple[Dataset, Split]:
        """The images and the split for a forget set; both hold the corrupted samples, if that is the request."""
        if forget not in self._data:
            scores = None
            if forget.scores == ESTIMATED:
                scores = self.estimated_scores()
            elif forget.scores is not None:
                scores = self.dataset.scores(forget.scores)
            self._data[forget] = self._split(forget, scores)
        return self._data[forget]

    def sketch(self, forget: ForgetSet) -> tuple[Dataset, Split]:
        """What `data` will give, as far as sizes go, before there are models that scores are estimated by."""
        return self._split(forget, self.unseen_scores()) if forget.scores == ESTIMATED else self.data(forget)

    def unseen_scores(self) -> np.ndarray:
        """Estimated scores as if no model were ever right: NaN where there will be none, and else 0."""
        how, n = self.study.memorization, len(self.dataset.train)
        seen = np.zeros((how.models, n), dtype=bool)
        for number in range(how.models):
            seen[number, part_of(n, how.fraction, number)] = True
        return memorization_scores(seen, np.zeros_like(seen))

    def _split(self, forget: ForgetSet, scores: np.ndarray | None) -> tuple[Dataset, Split]:
        study = self.study
        split = make_split(
            self.dataset.train.labels, forget, study.split_seed, val_fraction=study.val_fraction, scores=scores,
            val_seed=study.separate_val_seed,
        )  # fmt: skip
        return corrupt(self.dataset, split, study.request)

    def set_words(self, forget: ForgetSet) -> str:
        """A word for a forget set, a class by its own name."""
        return forget.label if forget.cls is None else forget.named(self.dataset.class_names)

    def words(self, made: Run | Vote) -> str:
        """A model in words, for progress and errors."""
        return made.label if isinstance(made, Vote) else made.words(self.set_words(made.forget))

    def finished(self, run: Run) -> Finished:
        """The model of a run, made now if it is not on disk.

        Raises:
            DivergenceError: if its training did not stay finite.
        """
        if run.unlearner is None and self.study.checkpoint:
            return self.given(run.seed)
        if run.unlearner is None:
            return self._make(self.config(run), run, Pretrain(), self.study.pretrain, run.pretrain)
        return self._make(self.config(run), run, run.unlearner.method, run.unlearner.training, run.sharpness)

    def given(self, seed: int) -> Finished:
        """The trained network of a file, with which a study begins in the place of pretraining.

        Raises:
            ValueError: if the file does not hold weights of this network.
        """
        model = self.fresh(seed, "given")
        fill(model, read_checkpoint(self.study.checkpoint))
        return Finished(model.eval(), {"seconds": 0.0, "images": 0, "peak_memory": None, "losses": []})

    @cached_property
    def _digest(self) -> str:
        """What stands for that file, wherever it lies."""
        path = Path(self.study.checkpoint)
        try:
            return sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            raise FileNotFoundError(f"The checkpoint {path} does not exist.") from None

    def estimated_scores(self) -> np.ndarray:
        """Memorization scores of the training images, by what models trained on parts of them say."""
        return memorization_scores(*self.votes())

    def votes(self, numbers: range | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What models trained on parts of the images say; see `deepnet.studies.memorization`.

        Args:
            numbers: Which of the models; None is all of them.

        Returns:
            Which images each has seen, and which it predicts rightly, both (models, n) of bool.
        """
        how = self.study.memorization
        training = how.training or self.study.pretrain
        seen, right = [], []
        for number in range(how.models) if numbers is None else numbers:
            config = self._vote(number)
            if not self.store.has_arrays(config):
                network = self.fresh(number, "vote")
                vote = cast_vote(network, self.dataset, training, how.fraction, number, **told(self.tell))
                self.store.save_arrays(config, vars(vote))
                parallel.keep_in_step()
            arrays = self.store.arrays(config)
            seen.append(arrays["seen"])
            right.append(arrays["right"])
        return np.array(seen), np.array(right)

    def has_vote(self, number: int) -> bool:
        """Whether one of these models is on disk."""
        return self.store.has_arrays(self._vote(number))

    def _vote(self, number: int) -> dict[str, Any]:
        how = self.study.memorization
        training = how.training or self.study.pretrain
        return self._images_and_model() | {"vote": number, "fraction": how.fraction, "training": training}

    def _images_and_model(self) -> dict[str, Any]:
        """What every configuration begins with; where the files lie makes no difference."""
        data = self.study.data
        anywhere = None if data.root is None else "anywhere"
        return {"data": replace(data, root=anywhere, workers=None, download=False), "model": self.study.model}

    def forgotten(self, forget: ForgetSet) -> dict[str, Any]:
        """What decides which samples are to be forgotten; where a file lies makes no difference.

        Published files of scores have names of their own; texts are named alike, and are told apart by what they hold.
        """
        scores = forget.scores and Path(forget.scores).name
        rows = forget.rows and sha256(Path(forget.rows).read_bytes()).hexdigest()
        told = replace(forget, scores=scores, rows=rows)
        found: dict[str, Any] = {"forget": told, "request": self.study.request}
        if scores == ESTIMATED:
            return found | {"scores": self.study.memorization}
        if forget.scores is None or Path(forget.scores).suffix.lower() != ".csv":
            return found
        return found | {"scores": sha256(Path(forget.scores).read_bytes()).hexdigest()}

    def config(self, run: Run) -> dict[str, Any]:
        """Everything that decides the weights of a run's model, and nothing else."""
        study = self.study
        common = self._images_and_model() | {
            "split": {"seed": study.split_seed, "val_fraction": study.val_fraction, "other": study.separate_val_seed},
            "seed": run.seed,
        }
        forgotten = self.forgotten(run.forget)
        how = {"method": Pretrain(), "training": study.pretrain, "sharpness": run.pretrain}
        if study.checkpoint:
            how = {"checkpoint": self._digest, "precision": study.pretrain.precision}
        pretrained = common | (forgotten if study.request != "samples" else {}) | how
        if run.unlearner is None:
            return pretrained
        training = run.unlearner.training.on(self.execution.device)
        own = {"method": run.unlearner.method, "training": training, "sharpness": run.sharpness}
        if run.unlearner.method.start == "fresh":
            return common | forgotten | own
        return forgotten | own | _as_released(study, run) | {"holds": study.holds_masked_weights, "start": pretrained}

    def fresh(self, seed: int, name: str) -> Network:
        """A network with new weights, on the device; the seed and the name decide them."""
        dataset = self.dataset
        seed = int(generator(seed, "weights", name).integers(2**62))
        channels, height, width = dataset.train.shape
        model = build(
            self.study.model,
            n_classes=dataset.n_classes,
            channels=channels,
            mean=dataset.mean,
            std=dataset.std,
            seed=seed,
            image_size=(height, width),
        )
        return self._placed(model)

    def _placed(self, model: Network) -> Network:
        execution = self.execution
        if execution.channels_last:
            model.memory_format = torch.channels_last
            model = model.to(memory_format=torch.channels_last)
            if execution.device.type == "cpu" and not execution.compile:
                multiply_single_outputs_(model)
        model = model.to(execution.device)
        if execution.compile:
            model.compile()
        return model

    def _make(
        self, config: dict[str, Any], run: Run, method: Method, training: Training, sharpness: Sharpness | None
    ) -> Finished:
        if self.store.has_model(config):
            tensors, record = self.store.load_model(config)
            model = self.fresh(run.seed, method.name)
            weights.load_model(model, tensors, self.store.path("models", config, ".safetensors"))
            return Finished(model.eval(), record)
        if method.start == "fresh":
            model = self.fresh(run.seed, method.name)
        else:
            model = self.finished(replace(run, unlearner=None, sharpness=None)).model
        dataset, split = self.data(run.forget)
        task = Task(
            model, dataset, split, training, stage_seed(run.seed, method.start), sharpness or run.pretrain,
            forget_statistics=self.study.forget_statistics, cycles_forget_batches=self.study.cycles_forget_batches,
        )  # fmt: skip
        record = self._train(config, run, method, task)
        model.eval()
        self.store.save_model(config, model.state_dict(), record)
        parallel.keep_in_step()
        return Finished(model, record)

    def table(self, config: dict[str, Any]) -> Path:
        """Where the epochs of a training are written down."""
        return self.store.path("logs", config, ".csv")

    def watcher(self, run: Run, task: Task) -> Watcher | None:
        """Who watches a training that is about to begin, for those who want more than its end; nobody, usually."""
        return None

    def _train(self, config: dict[str, Any], run: Run, method: Method, task: Task) -> dict[str, Any]:
        """Let a method change its model; returns how that went."""
        device = self.execution.device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        watcher = self.watcher(run, task)
        loggers: list[Logger] = []
        if self.log is not None and parallel.rank() == 0:
            loggers = loggers_for(self.table(config), self.log, self.store.folder, self.words(run))
        try:
            history = apply(
                method,
                task,
                journal=self.store.journal(config),
                watcher=watcher,
                holds_masked_weights=self.study.holds_masked_weights,
                **told(self.tell, loggers),
            )
        except DivergenceError as error:
            raise DivergenceError(f"{self.words(run)}: {error}") from error
        peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
        losses = [epoch.loss for epoch in history.epochs]
        found = {"seconds": history.seconds, "images": history.images, "peak_memory": peak, "losses": losses}
        found |= {} if watcher is None else {"watched": watcher.noted()}
        return found | ({"skipped_steps": history.skipped} if task.training.precision == "float16" else {})


def _as_released(study: Study, run: Run) -> dict[str, bool]:
    """What the released code does otherwise in unlearning. Left out where it is not so: older keys stay."""
    found = {"forget_statistics": study.forget_statistics, "cycles_forget_batches": study.cycles_forget_batches}
    # Models whose masks should have leaked and did not, since all was held, lie under the key without this word.
    found |= {"leaks": run.sharpness is not None and run.sharpness.mask_site == "second"}
    return {name: value for name, value in found.items() if value}
