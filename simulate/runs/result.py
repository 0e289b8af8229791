"""What a run returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray

from simulate.dynamics.state import State, Status
from simulate.problems.instance import Instance
from simulate.test_error.generalize import TestError

__all__ = ["Result"]


@dataclass(frozen=True, eq=False)
class Result:
    """The end of a run, its trace, and where every number came from.

    Attributes:
        kappa: Signal coefficients κ, (2, m), j = +1 first.
        zeta: Noise coefficients ζ, (2, m, n), or (2, m, n, P - 1) with independent patches. NaN, like κ, if the
            weights left the span of the data (per-coordinate partitions only).
        trace: Recorded quantities along a dimension "step".
        test: Test error with its parts.
        train_loss: Mean logistic loss over all samples and their observed labels.
        retain_accuracy: Fraction of the retain set on the right side; NaN when it is empty.
        forget_accuracy: The same on the forget set.
        status: How the last phase ended, or NONFINITE if any phase failed.
        phases: Name of each phase with its steps and status.
        kink_margin: Smallest |pre-activation| at which a gradient was taken, relative to the largest at the end.
            Where it is near rounding (1e-12) a ReLU may have fallen on either side and engines may differ. It covers
            the steps of this call.
        state: Where the run stands, to go on from.
        instance: The data it ran on.
    """

    kappa: np.ndarray
    zeta: np.ndarray
    trace: xarray.Dataset
    test: TestError
    train_loss: float
    retain_accuracy: float
    forget_accuracy: float
    status: Status
    phases: dict[str, tuple[int, Status]]
    kink_margin: float
    state: State
    instance: Instance

    def __repr__(self) -> str:
        """How it ended, in one line; the arrays are for those who ask for them."""
        ends = ", ".join(f"{name} {steps} steps ({status.value})" for name, (steps, status) in self.phases.items())
        return (
            f"Result({ends}; test error {self.test_error:.3g}, retain accuracy {self.retain_accuracy:.3f}, "
            f"forget accuracy {self.forget_accuracy:.3f})"
        )

    @property
    def test_error(self) -> float:
        """Probability that a test sample's observed label is predicted wrongly."""
        return float(self.test.error)

    @property
    def test_error_se(self) -> float:
        """Standard error of `test_error`."""
        return float(self.test.standard_error)

    @property
    def steps(self) -> int:
        """Number of steps taken in all phases."""
        return self.state.total_steps

    def to_dataset(self) -> xarray.Dataset:
        """The trace together with the end of the run, for `simulate.house.storage.save`."""
        patch = () if self.zeta.ndim == 3 else ("patch",)
        ends = {name: f"{steps} steps, {status.value}" for name, (steps, status) in self.phases.items()}
        return self.trace.assign(
            final_kappa=(("sign", "filter"), self.kappa),
            final_zeta=(("sign", "filter", "sample", *patch), self.zeta),
            label=("sample", self.instance.y),
            forgotten=("sample", self.instance.forget),
            train_loss=self.train_loss,
            retain_accuracy=self.retain_accuracy,
            forget_accuracy=self.forget_accuracy,
            final_test_error=self.test_error,
            final_test_error_se=self.test_error_se,
        ).assign_attrs(status=self.status.value, ended=str(ends), kink_margin=self.kink_margin)
