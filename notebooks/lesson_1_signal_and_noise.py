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

# %% [markdown]
# # Lesson 1. Signal, noise and a two-layer network
#
# **Question.** A network fits its training set without an error. Has it learned what the samples of a class have in
# common, or has it memorised every single sample?
#
# For most networks nobody can read the answer off the weights. For the small network of this lesson one can, exactly.
#
# *You need* gradient descent and the ReLU. *You get* the two numbers that all other lessons are about: κ (kappa), the
# signal that a filter has learned, and ζ (zeta), the noise that it has memorised.

# %%
# %matplotlib inline
from dataclasses import replace

import numpy as np
from IPython.display import display

from simulate import (
    SGD,
    Cell,
    Instance,
    Loss,
    Phase,
    Problem,
    Record,
    draw_coefficients,
    run,
    run_ensemble,
    step_size,
    with_small_weights,
)
from simulate.dynamics.step import network_output
from simulate.interactive import trajectory_explorer
from theory import STATEMENTS
from theory.ledger import Curve, Picture, Region, Verdict, decide
from theory.ledger.drawing import draw
from theory.statistics import from_replicates, slopes

# %% [markdown]
# ## The data
#
# A sample consists of $P$ patches, each a vector in $\mathbb{R}^d$.
#
# * One patch is the **signal** $\hat y_i\varphi$. The vector $\varphi$ is the same for all samples; $\hat y_i=\pm1$ is
#   the true label of sample $i$. The strength of the signal is the length $\|\varphi\|$.
# * The other $P-1$ patches are **noise**: copies of one random vector $\xi_i$, which belongs to sample $i$ alone. Its
#   coordinates have standard deviation $\sigma_p$, and it is orthogonal to $\varphi$.
#
# The network is shown the **observed label** $y_i$. With probability $p$ it is wrong, $y_i=-\hat y_i$.
#
# Below, $n=40$ samples are drawn in dimension $d=2000$. Noise vectors of high dimension have nearly the same length
# $\sigma_p\sqrt d$, and are nearly orthogonal to each other.

# %%
problem = with_small_weights(Problem(d=2000, n=40, m=5, signal=4.0, sigma_p=1.0, label_flip=0.1, forget=0.1))
sample = Instance.draw(problem, seed=1, space="ambient")
xi = sample.xi[:, 0]
lengths = np.linalg.norm(xi, axis=1)
cosines = (xi @ xi.T / np.outer(lengths, lengths))[np.triu_indices(problem.n, 1)]
print(f"length of the noise vectors: {lengths.mean():.1f} ± {lengths.std():.1f};  sqrt(d) = {np.sqrt(problem.d):.1f}")
print(f"cosines between two of them: 0 ± {cosines.std():.3f};           1/sqrt(d) = {1 / np.sqrt(problem.d):.3f}")
print(f"wrong labels: {np.count_nonzero(sample.y != sample.y_true)} of {problem.n}")

# %% [markdown]
# ## The network
#
# The formulas in these lessons are not typed into the text. They are the sympy objects of `theory`, which the tests of
# the project compare with what the simulator computes. Here is the output of the network for one sample:

# %%
display(STATEMENTS["model"])

# %% [markdown]
# * There are $2m$ filters $w_{j,r}$: $m$ with the sign $j=+1$, which vote for the label $+1$, and $m$ with $j=-1$. Only
#   they are trained.
# * $u_{j,r}=\langle w_{j,r},\varphi\rangle$ and $v_{j,r}=\langle w_{j,r},\xi\rangle$ are what a filter sees of signal
#   and noise, and $\sigma(z)=\max(z,0)$ is the ReLU.
# * A filter *belongs to the class* of a sample if $j=y_i$ (**own class**); else it is of the **opposite class**.
#
# Training descends the mean logistic loss $\ell(z)=\log(1+e^{-z})$ of the margins $z=y_if_i$, from small random weights
# $w^{(0)}_{j,r}$ whose coordinates have standard deviation $\sigma_0$.
#
# ## Two numbers say everything
#
# A gradient is a sum of signal and noise vectors: there is nothing else that it could be made of. So the weights can
# only move along these, and at every moment of the training

# %%
display(STATEMENTS["decomposition"])

# %% [markdown]
# (vectors are written like numbers here). $\kappa_{j,r}$ is the signal that filter $(j,r)$ has learned, and $\zeta_i$,
# short for $\zeta_{j,r,i}$, is how much it has memorised of sample $i$. Both begin at 0. A step of gradient descent
# with step size $\eta$ changes them by

# %%
display(STATEMENTS["kappa_update"], STATEMENTS["zeta_update"])

# %% [markdown]
# $\omega_i$ is the weight of sample $i$ in the loss ($1/n$ in a mean), $\ell'<0$ is the slope of the logistic loss, and
# $\sigma'$ is 1 where a filter is active, else 0. Read the second line: a sample that is learned raises ζ of its own
# class. One more thing can be read off: $d$ appears nowhere except through the lengths of vectors.
#
# ## Is that exact?
#
# The same training twice: once with weights in $\mathbb{R}^d$ (engine `dense`), once with κ and ζ alone (the default
# engine, which never sees a vector of length $d$). Then the weights are put together again from κ and ζ.

# %%
training = [Phase("pretrain", Loss(), SGD(lr=step_size(problem)), steps=2000, stop_loss=0.01)]
dense = run(sample, training, engine="dense")
same_data = Instance.from_arrays(
    phi=sample.phi, xi=xi, y=sample.y, w0=sample.w0, forget=sample.forget, y_true=sample.y_true, sigma_p=1.0
)
result = run(same_data, training, record=Record(every=20))

signs = np.array([1.0, -1.0])[:, None, None]
learned = signs * result.kappa[..., None] * sample.phi / problem.signal**2
memorised = result.zeta @ (xi / lengths[:, None] ** 2) / (problem.P - 1)
rebuilt = sample.w0 + learned + memorised
deviation = np.abs(rebuilt - dense.state.weights).max() / np.abs(dense.state.weights).max()
print(f"{result.steps} steps; largest difference of the weights, relative to the largest weight: {deviation:.1e}")

# %% [markdown]
# The difference is rounding. Since only lengths and angles matter, the simulator can even *draw* them, without any
# vector of dimension $d$: the cost is the same at $d=10^9$ as at $d=10^3$.

# %%
for d in (10**3, 10**6, 10**9):
    large = with_small_weights(replace(problem, d=d))
    ended = run(large, [replace(training[0], optimizer=SGD(lr=step_size(large)))], seed=1)
    print(f"d = {d:>13,}: training loss {ended.train_loss:.3f} after {ended.steps} steps, error {ended.test_error:.4f}")

# %% [markdown]
# All three networks fit their 40 samples, wrong labels included. On new samples the first one is about as good as the
# wrong labels permit ($p=0.1$), and the last one guesses. Lesson 2 is about the border between the two.
#
# ## Watching κ and ζ grow

# %%
draw_coefficients({"SGD": result.trace}, title="A network learns signal (κ) and memorises noise (ζ)")

# %% [markdown]
# ζ of the own class grows (lower left). ζ of the opposite class sinks a little (lower right): once the pre-activation
# of a filter is negative, the ReLU shuts it off. Open markers are those of a tenth of the samples, which later
# lessons will make the network forget.
#
# ## Which samples are memorised?
#
# The margin $y_if_i$ of a sample is a sum of two parts: what the signal patch adds, and what the noise patches add.

# %%
seen = result.state.preactivations  # of every filter: ⟨w, φ⟩ first, then ⟨w, ξ_i⟩
vote = np.array([1.0, -1.0])
from_signal = sample.y * (vote @ np.maximum(sample.y_true * seen[..., :1], 0.0).mean(axis=1))
from_noise = sample.y * (vote @ np.maximum(seen[..., 1:], 0.0).mean(axis=1)) * (problem.P - 1)

order = np.argsort(from_signal, kind="stable")
parts = {"signal patch": from_signal, "noise patch": from_noise, "margin, both together": from_signal + from_noise}
curves = tuple(Curve(name, np.arange(1, problem.n + 1), part[order]) for name, part in parts.items())
draw(Picture("sample (wrong labels first)", "part of the margin $y_i f_i$", curves))

# %% [markdown]
# The margins end at similar heights, wrong label or not. A clean sample gets some of it from the signal and needs less
# memory; a sample with a wrong label is pulled down by the signal and needs more. That is what memorisation looks like
# here: **the more a sample contradicts the common signal, the more of its own noise is stored.**
#
# ## Move the sliders
#
# Drag the dimension $d$ to $10^9$ and the signal up and down. When does κ matter, when is everything ζ? (The second
# phase, in which a part of the samples is unlearned again, is the subject of lesson 4.)

# %%
trajectory_explorer()

# %% [markdown]
# ## Exercise
#
# The *signal-to-noise ratio* compares the length of the signal with that of a noise vector:

# %%
display(STATEMENTS["snr"].formula)

# %% [markdown]
# Somebody doubles the signal strength $\|\varphi\|$ and changes nothing else. By what factor does the learned signal
# grow, relative to the memorised noise: $\sqrt2$, 2, or 4? Guess first, from the factors in the formulas of Δκ and Δζ.
# Then measure κ/ζ at $\|\varphi\|=1,2,4,8$ in sixteen networks each, and fit the exponent.
#
# <details>
# <summary>Answer</summary>
#
# Δκ has the factor ‖φ‖², Δζ has ‖ξ‖² ≈ σ_p² d: their ratio goes as the square of the signal-to-noise ratio, so the
# factor is 4. (It is the key lemma of Kou et al., 2023.) Unfold *Solution* for the measurement.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ### Solution

# %% tags=["solution"]
strengths, replicates = (1.0, 2.0, 4.0, 8.0), 16
cells = []
for strength in strengths:
    other = with_small_weights(Problem(d=20_000, n=20, m=10, signal=strength, forget=0.0))
    fit = Phase("fit", Loss(), SGD(lr=step_size(other)), steps=5000, stop_loss=0.01)
    cells += [Cell(other, (fit,), seed) for seed in range(replicates)]
ends = run_ensemble(cells, test_directions=16)
ratio = (ends.kappa_mean / ends.zeta_mean_retain).values.reshape(len(strengths), replicates)
exponent = from_replicates(slopes(np.log(strengths), np.log(ratio.T)))
low, high = exponent.interval()
print(f"exponent {exponent.value:.4f}, 95 % interval [{low:.4f}, {high:.4f}] over {replicates} networks")

# %% [markdown]
# ## What this lesson claims
#
# If one of these lines failed, the lesson would be wrong.

# %%
# κ and ζ are the weights: what is left is rounding, a few thousand steps of it at 2e-16 each.
assert deviation < result.steps * np.finfo(float).eps
# The two parts of a margin are the margin.
assert np.allclose(from_signal + from_noise, sample.y * network_output(result.instance, seen), rtol=1e-12)
# Wrong labels are learned from memory: the signal speaks against them, and their noise outweighs it.
wrong = sample.y != sample.y_true
assert (from_signal[wrong] < 0).all()
assert (from_noise[wrong] > from_noise[~wrong].max()).all()
# Learned signal over memorised noise goes as the square of the signal, by the rule of the ledger (lesson 6).
assert decide(exponent.interval(), Region.around(2.0, 0.05)) is Verdict.SUPPORTED
assert decide(exponent.interval(), Region.around(1.0, 0.05)) is Verdict.REFUTED
