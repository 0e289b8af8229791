# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # Lesson 3. SAM and the noise neurons it switches off
#
# **Question.** In lesson 2 SAM kept the signal and left the noise alone, at any dimension. How does it know which is
# which?
#
# **Goals.** After this lesson you can
#
# * say at which point SAM takes its gradient, and which neurons are off there;
# * predict how many, from a law without a single fitted constant;
# * explain why signal is learned although its neurons are switched off, too;
# * tell readings of a lemma apart by looking at its groups one by one.
#
# **Time.** 35 minutes. *You need* lessons 1 and 2.

# %% slideshow={"slide_type": "skip"}
# %matplotlib inline
import math

import numpy as np
from IPython.display import display
from scipy.special import ndtri

from simulate import (
    SAM,
    Cell,
    Instance,
    Loss,
    NegGrad,
    Phase,
    Problem,
    run_ensemble,
    sam_radius,
    unfold,
    with_sam_weights,
)
from simulate.dynamics.step import gradient, network_output, output_slopes, perturbation
from theory import STATEMENTS
from theory.experiments import pretrain
from theory.experiments.training.signal_neurons import look as look_at
from theory.formulas.symbols import B, m, sigma_0, tau
from theory.ledger import Curve, Picture, Region, Verdict, decide
from theory.ledger.drawing import draw
from theory.statistics import from_fractions

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sharpness-aware minimisation
#
# SAM (Foret et al., 2021) looks for flat minima. Before every step it goes to the worst point nearby,

# %%
display(STATEMENTS["sam_perturbation"])

# %% [markdown]
# and takes the gradient *there*. $\hat\epsilon$ is the perturbation of the weights, $\nabla L$ the gradient of the
# loss, $\|\nabla L\|$ its length over all filters together, and $\tau$ the **radius**, the length of the
# **perturbation**. Then the perturbation is taken back, and the step is made from where the weights really are.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What the perturbation does to a noise neuron
#
# Call a pair of a filter and a sample a **noise neuron**; it is active if $\langle w_{j,r},\xi_k\rangle>0$. Climbing
# the loss means to lower the margin of sample $k$. So the perturbation pushes the active noise neurons of its own
# class down, all by the same amount:

# %%
display(STATEMENTS["deactivation_shift"])

# %% [markdown] slideshow={"slide_type": "notes"}
# Here $c_k=|\omega_k\ell'_k|$ is how hard sample $k$ pulls, $N_i$ is the number of active noise neurons of sample $i$,
# and the second form is the first one in high dimension. A neuron whose pre-activation is positive but smaller than
# $\psi_k$ is negative at the perturbed point. The ReLU is off there: **the gradient that SAM sees does not contain this
# neuron, and its noise is not memorised in this step.** Is the signal spared, then? No, and it is learned all the same;
# why, we shall see below.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The law
#
# At initialisation $\langle w^{(0)},\xi_k\rangle$ is normal with standard deviation $\sigma_0\sigma_p\sqrt d$, and all
# samples of a batch of $B$ pull equally. So the fraction switched off is the probability that a normal variable is
# small:

# %%
display(STATEMENTS["deactivation_law"])

# %% [markdown]
# $\Phi$ is the distribution function of the standard normal law, $m$ the number of filters of each sign. Nothing is
# left to fit. A hundred networks at each of five radii, none of them trained; $\sigma_0$ is tiny, so that all pull
# equally:

# %%
problem = Problem(d=10**8, n=40, m=10, signal=2.0, sigma_0=1e-9, forget=0.0)
ratios, seeds = (0.25, 0.5, 1.0, 2.0, 3.0), range(100)
unit = problem.sigma_0 * math.sqrt(problem.m * problem.n)
cells = [Cell(problem, (Phase("look", Loss(), SAM(tau=r * unit), steps=0),), seed) for r in ratios for seed in seeds]
looks = unfold(run_ensemble(cells, observe=("deactivation",), test_directions=16), {"ratio": ratios, "seed": seeds})
off = looks["deactivated"].isel(phase=0).sel(set="retain")

law = STATEMENTS["deactivation_law"].function(tau, sigma_0, m, B)
neurons = problem.n * problem.m / 2  # about as many are active in one network
measured = [from_fractions(off.sel(relation="own", ratio=r).values, neurons) for r in ratios]
intervals = np.array([estimate.interval(rows=len(ratios)) for estimate in measured])
for r, (low, high) in zip(ratios, intervals, strict=True):
    print(f"ratio {r:4}: measured [{low:.3f}, {high:.3f}], law {law(r, 1, 1, 1):.3f}")

# %% slideshow={"slide_type": "subslide"}
fine = np.linspace(0.0, 3.2, 80)
own = Curve("own class", np.array(ratios), np.array([estimate.value for estimate in measured]), *intervals.T)
opposite = Curve("opposite class", np.array(ratios), off.sel(relation="opposite").mean("seed").values)
line = Curve(r"$2\Phi-1$, no constant fitted", fine, law(fine, 1.0, 1, 1), style="line")
draw(Picture(r"$\tau/(\sigma_0\sqrt{mB})$", "fraction switched off", (own, opposite, line)))

# %% [markdown] slideshow={"slide_type": "notes"}
# The radius that the theory of SAM asks for corresponds to a ratio of $\sqrt m\approx3.2$, at the right end: nearly all
# own-class noise neurons are off. The opposite class is pushed *up*, and stays on.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And the signal?
#
# The same perturbation meets the **signal neurons**: a filter that is active on the $\varphi$ of its own class,
# $j\,\langle w_{j,r},\varphi\rangle>0$, is pushed down by all samples of that class at once. Two hundred fresh networks
# at the radius of the theory:

# %%
standard = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.0))
seen = [look_at(Instance.draw(standard, seed), sam_radius(standard)) for seed in range(200)]
faster = np.array([each.sharp / each.plain for each in seen])
print(
    f"own class switched off: signal {np.mean([each.off for each in seen]):.3f}, "
    f"noise {np.mean([each.noise for each in seen]):.3f}"
)
print(f"opposite class switched off: signal {np.mean([each.opposite for each in seen]):.3f}")
print(f"step of κ, SAM over SGD: {faster.mean():.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Nearly all own-class signal neurons are off, too, and κ *still* grows, faster than with SGD. Two reasons:
#
# * **A filter cannot be off for both signs of $\varphi$.** The other class carries $-\varphi$. A filter pushed across
#   zero faces the samples of that class; they want it *down* there, and down on $-\varphi$ is up on $+\varphi$: its κ
#   grows as before. The noise $\xi_k$ of a sample is in that sample alone: a neuron that is off on it gets no gradient
#   from anyone.
# * At the perturbed point outputs are lower, so that every sample pulls harder: $|\ell'|$ rises from one half to
#   about 0.7.
#
# So SAM does not know which is which. Signal is what many samples share with both signs, and that is what survives.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The lemma on unlearning
#
# Now a part of the samples is to be forgotten. The **retain set** $\mathcal R$ is kept; on the **forget set**
# $\mathcal F$ the loss is climbed instead of descended (lesson 4). One perturbation follows the gradient of both
# parts together. The lemma says that SAM then keeps denoising $\mathcal R$ and does not touch $\mathcal F$:

# %%
display(STATEMENTS["lemma_3_1"])
print(STATEMENTS["lemma_3_1"].source)

# %% [markdown] slideshow={"slide_type": "notes"}
# Which neurons does it speak of, and when in training? That could not be recovered from the summaries that were at
# hand. So let us look at all four groups: own or opposite class, on $\mathcal R$ or $\mathcal F$. Sixteen networks at
# $d=20\,000$ with $n=40$ samples, ten of them to be forgotten, at the radius of the theory, before any training. Every
# sample has the same weight ($\alpha=|\mathcal R|/n$; $\alpha$ is the subject of lesson 4).

# %%
unlearning = with_sam_weights(Problem(d=20_000, n=40, m=10, signal=6.0, forget=0.25))
look = Phase("look", NegGrad(alpha=0.75), SAM(tau=sam_radius(unlearning)), steps=0)
fresh = run_ensemble([Cell(unlearning, (look,), seed) for seed in range(16)], observe=("deactivation",))
table = fresh["deactivated"].isel(phase=0)
table.mean("cell").to_pandas().round(3)

# %% [markdown] slideshow={"slide_type": "notes"}
# | reading of the lemma | here | verdict of the ledger |
# | --- | --- | --- |
# | own class on $\mathcal R$ is switched off | nearly all | supported |
# | own class on $\mathcal F$ stays on | all | supported |
# | *all* noise neurons on $\mathcal F$ stay on, as it is worded | the opposite class is off | refuted |
#
# The signs explain it. On $\mathcal F$ the loss enters with a minus, so every push is reversed: the own class goes up,
# the *opposite* class down. And the opposite class is what an ascent wants to grow, since it votes against the label.
# In terms of the direction in which a sample is pushed, SAM denoises $\mathcal F$ just as it denoises $\mathcal R$.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. Half of them (easy)
#
# At which ratio $\tau/(\sigma_0\sqrt{mB})$ is half of the own class switched off? Solve the law for it
# (`scipy.special.ndtri` is the inverse of $\Phi$), then measure at your ratio.
#
# <details>
# <summary>Answer</summary>
#
# $2\Phi(z)-1=1/2$ means $\Phi(z)=3/4$, so $z\approx0.674$.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% tags=["solution"] slideshow={"slide_type": "skip"}
half = float(ndtri(0.75))
cells = [Cell(problem, (Phase("look", Loss(), SAM(tau=half * unit), steps=0),), seed) for seed in seeds]
found = run_ensemble(cells, observe=("deactivation",), test_directions=16)["deactivated"]
half_off = from_fractions(found.isel(phase=0).sel(relation="own", set="retain").values, neurons)
low, high = half_off.interval()
print(f"ratio {half:.3f}: switched off [{low:.3f}, {high:.3f}]")
assert low < 0.5 < high, "half of them are off"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. After pretraining
#
# Real unlearning begins after pretraining. Then the pre-activations of own-class noise neurons are no longer of size
# $\sigma_0\sigma_p\sqrt d$, but large enough to fit the labels. How much of the own class on $\mathcal R$ does the
# *same* radius still switch off after pretraining with SGD to a loss of 0.01: 99 %, 50 % or 2 %?
#
# Use `pretrain(unlearning, "SGD")`, which returns the phases of a pretraining, and look at the neurons after these
# phases.
#
# <details>
# <summary>Answer</summary>
#
# About 2 %. In the ledger the rows `lemma3.1-retain-off-after-sgd` and `-after-sam` are refuted: a radius on the scale
# of the initial weights is too small for a trained network. The group that is still switched off completely is the
# opposite class on $\mathcal F$, whose neurons never grew.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% tags=["solution"] slideshow={"slide_type": "skip"}
before = pretrain(unlearning, "SGD")
cells = [Cell(unlearning, (*before, look), seed) for seed in range(16)]
trained = run_ensemble(cells, observe=("deactivation",))["deactivated"].isel(phase=len(before))
print(trained.mean("cell").to_pandas().round(3))
assert 0.01 < float(trained.sel(relation="own", set="retain").mean()) < 0.04, "about 2 %"
assert float(trained.sel(relation="opposite", set="forget").mean()) > 0.999, "these never grew"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. A noise neuron has the pre-activation $0.3\,\psi_k$. Does SAM memorise its noise in the next step?
#
#    <details>
#    <summary>Answer</summary>
#
#    No. At the perturbed point it is negative, and the ReLU is off.
#
#    </details>
#
# 2. Signal neurons of the own class are switched off like noise neurons. Why does κ grow all the same?
#
#    <details>
#    <summary>Answer</summary>
#
#    Because both signs of φ occur. A filter pushed across zero on one sign is active on the other, and learns from it.
#    Also, every sample pulls harder at the perturbed point.
#
#    </details>
#
# 3. Why is the *opposite* class switched off on the forget set?
#
#    <details>
#    <summary>Answer</summary>
#
#    The loss of the forget set enters with a minus, so all pushes are reversed.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What this lesson claims

# %% slideshow={"slide_type": "skip"}
# The law, at every radius: five intervals that hold together with 95 %.
assert all(low <= law(r, 1, 1, 1) <= high for r, (low, high) in zip(ratios, intervals, strict=True))
# The opposite class stays on, at every radius.
assert float(off.sel(relation="opposite").max()) == 0.0
# A false law is found out: without the batch size B under the root it is far outside.
assert not any(low <= law(r * math.sqrt(40), 1, 1, 1) <= high for r, (low, high) in zip(ratios, intervals, strict=True))
# The signal neurons of the own class are switched off like the noise (at least 95 % of both), those of the opposite
# class are not, and the step of κ is larger than SGD's in every one of the networks.
assert min(np.mean([each.off for each in seen]), np.mean([each.noise for each in seen])) > 0.95
assert np.mean([each.opposite for each in seen]) == 0.0
assert (faster > 1.0).all()
# At the perturbed point every sample pulls harder: |ℓ'| rises from about one half.
fresh_one = Instance.draw(standard, 0)
gram, before_step, weight = fresh_one.geometry.gram, fresh_one.geometry.start, np.ones(standard.n) / standard.n
pulls = output_slopes(weight, fresh_one.y, network_output(fresh_one, before_step))
there = before_step + perturbation(gradient(fresh_one, before_step, pulls), gram, sam_radius(standard)) @ gram
harder = standard.n * np.abs(output_slopes(weight, fresh_one.y, network_output(fresh_one, there)))
assert (harder > standard.n * np.abs(pulls)).all()
assert abs(standard.n * np.abs(pulls).mean() - 0.5) < 0.05
assert abs(harder.mean() - 0.7) < 0.05
# The groups of the table: own class on R nearly all off, own class on F all on, opposite class on F off.
groups = table.mean("cell")
assert groups.sel(relation="own", set="retain") > 0.98
assert groups.sel(relation="own", set="forget") == 0.0
assert groups.sel(relation="opposite", set="forget") > 0.98
# Lemma 3.1: supported for the own class of R, refuted for all neurons of F, refuted after pretraining.
on_retain = from_fractions(table.sel(relation="own", set="retain").values, 30 * 10 / 2)
on_forget = from_fractions(table.sel(set="forget").mean("relation").values, 10 * 10)
after = from_fractions(trained.sel(relation="own", set="retain").values, 30 * 10 / 2)
assert decide(on_retain.interval(), Region(low=0.9)) is Verdict.SUPPORTED
assert decide(on_forget.interval(), Region(high=0.05)) is Verdict.REFUTED
assert decide(after.interval(), Region(low=0.9)) is Verdict.REFUTED
