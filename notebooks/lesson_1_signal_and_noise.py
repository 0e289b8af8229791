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
# # Lesson 1. Signal, noise and a two-layer network
#
# **Question.** A network fits its training set without an error. Has it learned what the samples of a class have in
# common, or has it memorised every single sample? In the small network of this lesson the weights tell exactly.
#
# **Goals.** After this lesson you can
#
# * say of what a sample and a filter are made, and what a step of gradient descent does to both;
# * read κ (kappa), the learned signal, and ζ (zeta), the memorised noise, off a picture;
# * tell which samples a network knows by heart, and why.
#
# **Time.** 35 minutes. *You need* gradient descent and the ReLU.

# %% slideshow={"slide_type": "skip"}
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

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The data
#
# A sample consists of $P$ **patches**, each a vector in $\mathbb{R}^d$.
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

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The network
#
# The formulas in these lessons are not typed into the text. They are the sympy objects of `theory`, which the tests of
# the project compare with what the simulator computes. Here is the output of the network for one sample:

# %%
display(STATEMENTS["model"])

# %% [markdown] slideshow={"slide_type": "notes"}
# * There are $2m$ **filters** $w_{j,r}$: $m$ with the sign $j=+1$, which vote for the label $+1$, and $m$ with
#   $j=-1$. Only they are trained.
# * $u_{j,r}=\langle w_{j,r},\varphi\rangle$ and $v_{j,r}=\langle w_{j,r},\xi\rangle$ are what a filter sees of signal
#   and noise, and $\sigma(z)=\max(z,0)$ is the ReLU.
# * A filter *belongs to the class* of a sample if $j=y_i$ (**own class**); else it is of the **opposite class**.
#
# Training descends the mean logistic loss $\ell(z)=\log(1+e^{-z})$ of the **margins** $z=y_if_i$, from small random
# weights $w^{(0)}_{j,r}$ whose coordinates have standard deviation $\sigma_0$.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two numbers say everything
#
# A gradient is a sum of signal and noise vectors: there is nothing else that it could be made of. So the weights can
# only move along these, and at every moment of the training

# %%
display(STATEMENTS["decomposition"])

# %% [markdown]
# (vectors are written like numbers here). $\kappa_{j,r}$ is the **learned signal** of filter $(j,r)$, and $\zeta_i$,
# short for $\zeta_{j,r,i}$, is its **memorised noise**, how much it has stored of sample $i$. Both begin at 0. A step
# of gradient descent with step size $\eta$ changes them by

# %%
display(STATEMENTS["kappa_update"], STATEMENTS["zeta_update"])

# %% [markdown] slideshow={"slide_type": "notes"}
# $\omega_i$ is the weight of sample $i$ in the loss ($1/n$ in a mean), $\ell'<0$ is the slope of the logistic loss, and
# $\sigma'$ is 1 where a filter is active, else 0. Read the second line: a sample that is learned raises ζ of its own
# class. One more thing can be read off: $d$ appears nowhere except through the lengths of vectors.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Is that exact?
#
# Here is the same training twice: once with weights in $\mathbb{R}^d$ (engine `dense`), once with κ and ζ alone (the
# default engine, which never sees a vector of length $d$). Then the weights are computed from κ and ζ and compared.

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
grown = {}
for d in (10**3, 10**6, 10**9):
    large = with_small_weights(replace(problem, d=d))
    ended = grown[d] = run(large, [replace(training[0], optimizer=SGD(lr=step_size(large)))], seed=1)
    print(f"d = {d:>13,}: training loss {ended.train_loss:.3f} after {ended.steps} steps, error {ended.test_error:.4f}")

# %% [markdown]
# All three networks fit their 40 samples, wrong labels included. On new samples the first one is about as good as the
# wrong labels permit ($p=0.1$), and the last one guesses. Lesson 2 is about the border between the two.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Watching κ and ζ grow

# %%
draw_coefficients({"SGD": result.trace}, title="A network learns signal (κ) and memorises noise (ζ)")

# %% [markdown] slideshow={"slide_type": "notes"}
# ζ of the own class grows (lower left). ζ of the opposite class sinks a little (lower right): once the pre-activation
# of a filter is negative, the ReLU shuts it off. Open markers belong to a tenth of the samples, which later lessons
# will make the network forget.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Which samples are memorised?
#
# The margin $y_if_i$ of a sample is a sum of two parts: what the signal patch adds, and what the noise patches add.

# %% slideshow={"slide_type": "subslide"}
seen = result.state.preactivations  # of every filter: ⟨w, φ⟩ first, then ⟨w, ξ_i⟩
vote = np.array([1.0, -1.0])
from_signal = sample.y * (vote @ np.maximum(sample.y_true * seen[..., :1], 0.0).mean(axis=1))
from_noise = sample.y * (vote @ np.maximum(seen[..., 1:], 0.0).mean(axis=1)) * (problem.P - 1)

order = np.argsort(from_signal, kind="stable")
parts = {"signal patch": from_signal, "noise patch": from_noise, "margin, both together": from_signal + from_noise}
curves = tuple(Curve(name, np.arange(1, problem.n + 1), part[order]) for name, part in parts.items())
draw(Picture("sample (wrong labels first)", "part of the margin $y_i f_i$", curves))

# %% [markdown] slideshow={"slide_type": "subslide"}
# The margins end at similar heights, wrong label or not. A clean sample gets some of it from the signal and needs less
# memory; a sample with a wrong label is pulled down by the signal and needs more. Two wrong labels are too few for a
# conclusion. So here are sixteen more networks, with a quarter of the labels wrong:

# %%
against, apart = [], []
for seed in range(16):
    noisy = run(replace(problem, label_flip=0.25), training, seed=seed, test_directions=16)
    other, look = noisy.instance, noisy.state.preactivations
    heard = other.y * (vote @ np.maximum(other.y_true * look[..., :1], 0.0).mean(axis=1))
    stored = other.y * (vote @ np.maximum(look[..., 1:], 0.0).mean(axis=1)) * (problem.P - 1)
    false = other.y != other.y_true
    against.append(heard[false])
    apart.append(stored[false].mean() - stored[~false].mean())
against = np.concatenate(against)
print(f"{against.size} wrong labels; the signal speaks against {np.count_nonzero(against < 0)} of them")
more = from_replicates(np.array(apart))
low, high = more.interval()
print(f"their noise patches carry {more.value:.2f} more of the margin, 95 % interval [{low:.2f}, {high:.2f}]")

# %% [markdown]
# That is what memorisation looks like here: **the more a sample contradicts the common signal, the more of its own
# noise is stored.**

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Move the sliders
#
# Drag the dimension $d$ to $10^9$ and the signal up and down. When does κ matter, when is everything ζ? (The second
# phase, in which a part of the samples is unlearned again, is the subject of lesson 4.)

# %% slideshow={"slide_type": "skip"}
trajectory_explorer()

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. A higher dimension (easy)
#
# The data were drawn at $d=2000$. By what factors do the lengths of the noise vectors change at $d=8000$, and the
# cosines between them? Guess first, then draw them.
#
# <details>
# <summary>Answer</summary>
#
# Lengths go as $\sqrt d$, cosines as $1/\sqrt d$: twice as long, and half as far from a right angle.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% slideshow={"slide_type": "skip"} tags=["solution"]
higher = Instance.draw(replace(problem, d=8000), seed=1, space="ambient").xi[:, 0]
longer = np.linalg.norm(higher, axis=1)
straighter = (higher @ higher.T / np.outer(longer, longer))[np.triu_indices(problem.n, 1)]
factors = longer.mean() / lengths.mean(), straighter.std() / cosines.std()
print(f"lengths times {factors[0]:.2f}, cosines times {factors[1]:.2f}")
assert abs(factors[0] - 2.0) < 0.05, "lengths go as the root of d"
assert abs(factors[1] - 0.5) < 0.05, "cosines go as one over the root of d"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. Twice the signal
#
# The **signal-to-noise ratio** compares the length of the signal with that of a noise vector:

# %%
display(STATEMENTS["snr"].formula)

# %% [markdown] slideshow={"slide_type": "notes"}
# Somebody doubles the signal strength $\|\varphi\|$ and changes nothing else. By what factor does the learned signal
# grow, relative to the memorised noise: $\sqrt2$, 2, or 4? Guess first, from the factors in the formulas of Δκ and Δζ.
# Then measure κ/ζ at $\|\varphi\|=1,2,4,8$ in sixteen networks each, and fit the exponent.
#
# <details>
# <summary>Answer</summary>
#
# Δκ has the factor ‖φ‖², Δζ has ‖ξ‖² ≈ σ_p² d: their ratio goes as the square of the signal-to-noise ratio, so the
# factor is 4. (It is the key lemma of Kou et al., 2023.) Unfold *Solution 2* for the measurement.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% slideshow={"slide_type": "skip"} tags=["solution"]
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
assert abs(exponent.value - 2.0) < 0.05, "a factor of 4 is an exponent of 2"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. A filter of the class +1 sees a sample of the class −1 whose noise it is active on. Does its ζ of this sample
#    rise or fall?
#
#    <details>
#    <summary>Answer</summary>
#
#    It falls: the filter votes against the sample, which is of its opposite class.
#
#    </details>
#
# 2. Why can the simulator train at $d=10^9$ in no more time than at $d=10^3$?
#
#    <details>
#    <summary>Answer</summary>
#
#    Only lengths of vectors and angles between them enter. They are drawn directly; no vector of length $d$ is made.
#
#    </details>
#
# 3. A network has fitted all of its samples. Which two parts of a margin tell whether a sample was learned or
#    memorised?
#
#    <details>
#    <summary>Answer</summary>
#
#    What the signal patch adds, and what the noise patches add. If the signal's part is negative, the sample was
#    memorised.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What this lesson claims
#
# If one of these lines failed, the lesson would be wrong.

# %% slideshow={"slide_type": "skip"}
# κ and ζ are the weights: what is left is rounding, a few thousand steps of it at 2e-16 each.
assert deviation < result.steps * np.finfo(float).eps
# The two parts of a margin are the margin.
assert np.allclose(from_signal + from_noise, sample.y * network_output(result.instance, seen), rtol=1e-12)
# Wrong labels are learned from memory: the signal speaks against them, and their noise outweighs it.
wrong = sample.y != sample.y_true
assert (from_signal[wrong] < 0).all()
assert (from_noise[wrong] > from_noise[~wrong].max()).all()
# So it is in all of the other networks, or nearly: of the wrong labels the signal speaks against 95 in 100 or more.
assert against.size > 100
assert np.mean(against < 0) > 0.95
assert decide(more.interval(), Region(low=0.0)) is Verdict.SUPPORTED
# Margins end at similar heights: the largest is less than twice the smallest.
ended_at = from_signal + from_noise
assert ended_at.max() < 2 * ended_at.min()
# Noise vectors have nearly the same length, and are nearly orthogonal.
assert np.allclose(lengths, np.sqrt(problem.d), rtol=0.06)
assert np.abs(cosines).max() < 0.1
# All three networks of other dimensions fit; the first is about as good as the labels permit, the last guesses.
assert all(each.train_loss <= 0.0101 for each in grown.values())
assert grown[10**3].test_error < 0.15 < 0.45 < grown[10**9].test_error
# ζ of the own class grows, that of the opposite class sinks, and by less.
own, opposite = (float(result.trace["zeta_mean"].sel(relation=name)[-1].mean()) for name in ("own", "opposite"))
assert own > -opposite > 0
# Learned signal over memorised noise goes as the square of the signal, by the rule of the ledger (lesson 6).
assert decide(exponent.interval(), Region.around(2.0, 0.05)) is Verdict.SUPPORTED
assert decide(exponent.interval(), Region.around(1.0, 0.05)) is Verdict.REFUTED
