r"""The engine "cupy" against two CPU cores and against its card: `python -m tests.benchmarks gpu`.

What to expect of an H100 (132 multiprocessors at 1.7 GHz), counted before any measurement. A step of n = 20, m = 10
without SAM is 2m n L = 8,400 multiplications with addition, 130 cycles of a multiprocessor's 64 float64 lanes if all
of them worked; 21 of a warp's 32 threads do, which makes 200. Its shared memory moves 128 bytes a cycle and is asked
for 4 of them for each tile and noise vector and 10 a filter: 360 cycles. The compiled kernel (116 to 124 registers by
assembler, nothing in local memory) issues 60 instructions for each tile and noise vector and some 1,500 besides: 1,000
cycles at four a cycle, and so the limit. 10^7 steps, a map of 10^5 trainings, should thus take 0.05 to 0.1 s once the
data are there; 16 warps are resident, limited by registers, which may cost a factor of two. The copies to the card (1
GB) take as long again, and drawing the problems and estimating test errors, which stay on the host, far longer than
both: the sweep from end to end is limited by the host, and so is what is reported of 10^7 trainings.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from time import perf_counter
from unittest import mock

import numba
import numpy as np
from rich.markup import escape

from simulate import Instance
from simulate.dynamics.cuda.device import Gpu, find_gpu
from simulate.dynamics.cuda.layout import choose_layout
from simulate.dynamics.engines import make_engine
from simulate.dynamics.plan import compile_phase
from simulate.house.files import write_text
from tests.benchmarks.gpu_map import large_problems, map_of_steps, problems
from tests.benchmarks.gpu_options import Options
from tests.benchmarks.gpu_sweep import swept
from tests.benchmarks.measurement import Figure
from tests.oracles.configurations import configurations

__all__ = ["gpu"]

TOLERANCE, KINK = 1e-9, 1e-10


def gpu(options: Options | None = None) -> Iterator[Figure]:
    """Figures of the GPU engine, each kept in `options.out` as soon as it is there.

    What fails is a figure that says so, and the next part begins; what there is no time for is one, too.
    """
    options = options or Options()
    try:
        device = find_gpu()
    except ValueError as error:
        yield Figure("GPU", escape(f"not measured: {error}"))
        return
    record = _Record(device, options)
    record.save()
    for name in options.parts:
        try:
            for figure in _MEASURED[name](device, options):
                yield record.keep(name, figure)
                if record.late:
                    break
        except Exception as error:  # whatever it is, it is this part's alone, and a figure says so
            lines = str(error).strip().splitlines()
            reason = f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
            yield record.keep(name, Figure(name, escape(f"not measured: {reason}")))
        if record.late and name != options.parts[-1]:
            yield record.keep("", Figure("what is left", f"not measured: {options.limit:g} s are over"))
            return


@dataclass
class _Record:
    """The figures so far, on disk with the names of the card and of the processor."""

    device: Gpu
    options: Options
    figures: list[dict[str, object]] = field(default_factory=list)
    began: float = field(default_factory=lambda: perf_counter())

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return perf_counter() - self.began > self.options.limit

    def keep(self, part: str, figure: Figure) -> Figure:
        """Write it down, with the seconds since the beginning."""
        self.figures.append({"part": part, **asdict(figure), "at": round(perf_counter() - self.began, 2)})
        self.save()
        return figure

    def save(self) -> None:
        device, options = self.device, self.options
        properties = device.cupy.cuda.runtime.getDeviceProperties(device.cupy.cuda.Device().id)
        machine = {
            "card": properties["name"].decode(), "processor": platform.processor() or platform.machine(),
            "cupy": device.cupy.__version__, "numba": numba.__version__,
            "registers": device.kernel.num_regs, "local bytes": device.kernel.local_size_bytes,
        }  # fmt: skip
        given = {**asdict(options), "out": str(options.out)}
        found = {"machine": machine, "options": given, "figures": self.figures}
        write_text(options.out, json.dumps(found, indent=1) + "\n")


def _equality(layout: Callable | None, device: Gpu, options: Options) -> Iterator[Figure]:
    """A way through the GPU against numba, over random plans of every kind."""
    name, layout = ("kernel", choose_layout) if layout is None else ("lockstep", layout)
    errors, on_kink, runs = [], 0, configurations(options.plans, steps=options.plan_steps)
    for each in runs:
        instance = replace(Instance.draw(each.problem, each.seed), noise_law=None)
        ends = []
        for engine in ("numba", "cupy"):
            machine = make_engine(engine, [instance])
            with mock.patch("simulate.dynamics.engines.gpu.choose_layout", layout), np.errstate(all="ignore"):
                for phase in each.phases:
                    machine.begin([compile_phase(phase, instance)])
                    machine.advance(phase.steps)
            ends.append(machine)
        if min(machine.closest(0) for machine in ends) < KINK:
            on_kink += 1
            continue
        here, there = (machine.preactivations for machine in ends)
        errors.append(float(np.abs(here - there).max() / np.abs(there).max()))
    largest = max(errors, default=np.nan)
    value = f"{largest:.1e} (of {len(runs)} plans, {on_kink} on a kink)"
    yield Figure(f"{name}: largest relative error", value, f"≤ {TOLERANCE:g}", largest <= TOLERANCE)


_MEASURED: dict[str, Callable[[Gpu, Options], Iterator[Figure]]] = {
    "kernel": partial(_equality, None),
    "lockstep": partial(_equality, lambda *_: None),
    "map": map_of_steps,
    "sweep": lambda _, options: swept(options.points, options.seeds, options.on_host),
    "problems": problems,
    "large": large_problems,
}
