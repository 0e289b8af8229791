"""Which pretrained networks NegGrad makes forget, over the dimension."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from paper_figs import Caption, Results, figure
from paper_figs.workshop.style import COLORS, MARKERS, legend_below, new_figure
from theory.experiments import FORGOTTEN
from theory.experiments.unlearning import forgettable
from theory.statistics import from_fractions

__all__ = ["main"]


def draw(results: Results) -> tuple[Figure, Caption]:
    """One curve a pretraining optimizer."""
    data = results.experiment(forgettable)
    largest = f"{data['d'].values.max():,}"
    shares = {}
    made = new_figure(2.2)
    axes = made.subplots()
    for name in data["pretraining"].values:
        accuracy = data["forget_accuracy"].sel(pretraining=name).transpose("d", "seed").values
        found = [from_fractions((row <= FORGOTTEN).astype(float), 1) for row in accuracy]
        shares[name] = found[int(np.argmax(data["d"].values))].value
        value, ends = [each.value for each in found], np.clip([each.interval() for each in found], 0.0, 1.0)
        axes.errorbar(
            data["d"], value, np.abs(ends.T - value), color=COLORS[name], marker=MARKERS[name],
            label=f"{name}-pretrained", clip_on=False,
        )  # fmt: skip
    axes.set(xscale="log", xlabel="dimension $d$", ylabel="fraction that forgets")
    legend_below(made, columns=2)
    told = " and ".join(f"{share:.0%} of those pretrained with {name}" for name, share in shares.items())
    return made, Caption(
        answers=f"At d = {largest}, the largest that was run, NegGrad at α = 0.7 makes {told} forget.",
        shows=(
            f"Fraction of the networks whose forget accuracy NegGrad with SGD (α = 0.7) brings down to {FORGOTTEN:g} "
            "within 4,000 steps of a size ∝ 1/d, after pretraining with SGD or with SAM. n = 40, |F| = 4, m = 10, "
            f"p = 0.1, ‖φ‖ = 1.5 (P-1)σ_p; means over {data.sizes['seed']} networks with 95 % intervals."
        ),
        symbols={"d": "dimension of a patch"},
    )


main = figure(draw, number=19, asks="Which pretrained networks does NegGrad make forget, as the dimension grows?")
