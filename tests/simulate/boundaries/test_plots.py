"""Figures of maps and trajectories hold the numbers they were given."""

import numpy as np
import pytest
import xarray
from matplotlib.container import ErrorbarContainer

from simulate.boundaries.boundary import Boundary
from simulate.boundaries.plots import COLORS, draw_coefficients, draw_phase_maps
from simulate.house.drawing.palette import LINES, MARKERS

D, SIGNAL = np.array([1e3, 1e4, 1e5]), np.array([1.0, 2.0, 4.0, 8.0])
NAMES = ["SGD", "SAM"]


def boundary(signal: list[float]) -> Boundary:
    critical = np.array(signal)
    return Boundary(0.3, D, critical, np.stack([0.8 * critical, 1.5 * critical], 1), 0.2, (0.1, 0.3))


def test_maps_hold_errors_crossings_and_predictions() -> None:
    error = np.random.default_rng(0).uniform(0.1, 0.5, (2, 3, 4, 5))
    index = {"optimizer": NAMES, "d": D, "signal": SIGNAL, "seed": range(5)}
    maps = xarray.Dataset({"test_error": (tuple(index), error)}, coords=index)
    found = {"SGD": boundary([1.0, 2.0, 5.0]), "SAM": boundary([0.0, 3.0, np.inf])}
    figure = draw_phase_maps(maps, found, {"SGD": 0.25, "SAM": 0.0})
    for number, (axes, exponent, inside) in enumerate(zip(figure.axes[:2], (0.25, 0.0), ([0, 1, 2], [1]), strict=True)):
        assert axes.get_title() == NAMES[number]
        mesh = axes.collections[0]
        np.testing.assert_allclose(mesh.get_array(), error[number].mean(-1).T)
        assert mesh.get_clim() == (pytest.approx(error.mean(-1).min()), 0.5)
        corners = mesh.get_coordinates()  # of cells with these centres, in logarithms
        np.testing.assert_allclose(np.sqrt(corners[0, 1:, 0] * corners[0, :-1, 0]), D)
        np.testing.assert_allclose(np.sqrt(corners[1:, 0, 1] * corners[:-1, 0, 1]), SIGNAL)
        (bars,) = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
        line, _, (ends,) = bars.lines
        signal = found[NAMES[number]].signal[inside]
        np.testing.assert_allclose(line.get_data(), (D[inside], signal))
        np.testing.assert_allclose([end[:, 1] for end in ends.get_segments()], np.outer(signal, [0.8, 1.5]))
        law = axes.lines[-1]
        np.testing.assert_array_equal(law.get_xdata(), D)
        np.testing.assert_allclose(np.diff(np.log(law.get_ydata())) / np.diff(np.log(D)), exponent, atol=1e-12)
        assert np.mean(np.log(law.get_ydata()[inside])) == pytest.approx(np.mean(np.log(signal)))


def test_a_map_of_one_signal_has_a_cell_of_its_size() -> None:
    index = {"optimizer": ["SGD"], "d": D, "signal": [2.0], "seed": [0]}
    maps = xarray.Dataset({"test_error": (tuple(index), np.full((1, 3, 1, 1), 0.2))}, coords=index)
    figure = draw_phase_maps(maps, {"SGD": boundary([1.0, 2.0, 4.0])}, {"SGD": 0.25})
    corners = figure.axes[0].collections[0].get_coordinates()[:, 0, 1]
    np.testing.assert_allclose(corners, [2.0 / np.sqrt(2), 2.0 * np.sqrt(2)])


def test_trajectories_hold_their_traces() -> None:
    step = np.array([0, 10, 20, 20, 30])
    numbers = iter(np.random.default_rng(1).standard_normal((2, 5 * (2 + 2 + 4))))
    traces = {}
    for name in NAMES:
        kappa, accuracy, zeta = np.split(next(numbers), [10, 20])
        traces[name] = xarray.Dataset(
            {"kappa_mean": (("step", "sign"), kappa.reshape(5, 2)),
             "accuracy": (("step", "set"), accuracy.reshape(5, 2)),
             "zeta_mean": (("step", "relation", "set"), zeta.reshape(5, 2, 2))},
            coords={"step": step, "sign": [1, -1], "set": ["retain", "forget"], "relation": ["own", "opposite"],
                    "phase": ("step", ["fit", "fit", "fit", "unlearn", "unlearn"])},
        )  # fmt: skip
    figure = draw_coefficients(traces, title="it")
    signal, accuracies, own, opposite = figure.axes
    curves = [line for line in signal.lines if len(line.get_xdata()) == 5]
    assert [line.get_label() for line in curves] == NAMES
    for line, trace in zip(curves, traces.values(), strict=True):
        np.testing.assert_allclose(line.get_data(), (step, trace["kappa_mean"].mean("sign")))
    for axes, chosen in (
        (accuracies, lambda trace: trace["accuracy"]),
        (own, lambda trace: trace["zeta_mean"].sel(relation="own")),
        (opposite, lambda trace: trace["zeta_mean"].sel(relation="opposite")),
    ):
        lines = {line.get_label(): line for line in axes.lines if len(line.get_xdata()) == 5}
        for name, trace in traces.items():
            for part in ("retain", "forget"):
                np.testing.assert_array_equal(
                    lines[f"{name}, {part} set"].get_ydata(), chosen(trace).sel(set=part).values
                )
    for name, line in zip(NAMES, curves, strict=True):
        assert (line.get_ls(), line.get_marker()) == (LINES[name], MARKERS[name])
    assert [line.get_markerfacecolor() for line in own.lines[:2]] == [COLORS[NAMES[0]], "white"]
    assert [line.get_xdata()[0] for line in signal.lines if len(line.get_xdata()) == 2] == [0, 20]
    assert [text.get_text() for text in signal.texts] == ["fit", "unlearn"]
    assert own.get_ylabel().endswith("own class")
    assert opposite.get_ylabel().endswith("opposite class")
