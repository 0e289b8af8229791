"""Formulas are written as the paper writes them."""

from __future__ import annotations

from typing import Any

import pytest

from theory import STATEMENTS
from theory.formulas import symbols as s
from theory.formulas.printing import latex


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("neggrad_loss", r"L = \alpha\,L(\mathcal{R}) - \left(1 - \alpha\right)\,L(\mathcal{F})"),
        ("sharpness", r"S = L(W+\tau\nabla L/\|\nabla L\|) - L"),
        ("sam_perturbation", r"\hat{\epsilon}_{j,r} = \frac{\tau\,\nabla_{j,r}L}{\|\nabla L\|}"),
        ("theorem_3_3", r"\|\varphi\| \geq C_{4}\,\left(P - 1\right)\,\sigma_{p}"),
        (
            "decomposition",
            r"w_{j,r} = \frac{j\,\kappa_{j,r}\,\varphi}{\|\varphi\|^{2}} + w_{j,r}^{(0)} + "
            r"\frac{\sum_{i=1}^{n} \frac{\zeta_{i}\,\xi_{i}}{\|\xi_{i}\|^{2}}}{P - 1}",
        ),
    ],
)
def test_statements_are_told_in_the_papers_order(name: str, told: str) -> None:
    assert STATEMENTS[name].latex == told
    assert STATEMENTS[name]._repr_latex_() == rf"$\displaystyle {told}$"


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        (-4 * s.d, r"- 4\,d"),
        (-s.d / 2, r"- \frac{d}{2}"),
        (1 - s.p - s.d, r"1 - d - p"),
        (-s.d - s.p, r"- d - p"),
        (s.xi_norm[s.i] ** 2 * s.d, r"d\,\|\xi_{i}\|^{2}"),
        (s.v[-1, s.r], r"v_{-1,r}"),
        (s.d * (s.P - 1) * s.eta * s.sigma_p, r"\eta\,\left(P - 1\right)\,\sigma_{p}\,d"),
    ],
)
def test_numbers_signs_and_indices(formula: Any, told: str) -> None:
    assert latex(formula) == told
