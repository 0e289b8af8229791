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
# # Lesson 10. Who is memorised most?
#
# **Question.** A tenth of the labels is wrong, and training fits all of them. Does a wrong label cost the network more
# memory than a right one?
#
# **Goals.** After this lesson you can
#
# * measure how much of a sample is memorised;
# * say why memorised samples are the hard ones to forget.
#
# **Time.** 20 minutes. *You need* lesson 1.

# %% slideshow={"slide_type": "skip"}
# %matplotlib inline
from dataclasses import replace

import numpy as np
from IPython.display import display

from simulate import Problem, run, with_small_weights
from theory import STATEMENTS
from theory.experiments import fit
from theory.ledger import Curve, Picture, Region, Verdict, decide
from theory.ledger.drawing import draw
from theory.statistics import from_replicates

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Memory makes up for the signal
#
# A sample is memorised by the noise coefficients ζ of its own class. Their update is

# %%
display(*STATEMENTS["zeta_update"].parts)

# %% [markdown]
# The slope $|\ell'|$ is small where the margin is large. The signal adds to the margin of a right label and takes from
# that of a wrong one, so the noise of a wrong label has to do the work of both. Sixteen networks, ten of 40 labels each
# wrong on average:

# %% slideshow={"slide_type": "subslide"}
problem = with_small_weights(Problem(d=20_000, n=40, m=10, signal=10.0, label_flip=0.25, forget=0.0))


def memories(problem, seed):
    result = run(problem, [fit(problem)], seed=seed, test_directions=16)
    sample = result.instance
    own = result.zeta.mean(axis=1)[(sample.y < 0).astype(int), np.arange(problem.n)]
    return [own[chosen].mean() for chosen in (sample.y == sample.y_true, sample.y != sample.y_true)]


right, wrong = np.array([memories(problem, seed) for seed in range(16, 32)]).T
curves = (Curve("right labels", np.arange(16), right), Curve("wrong labels", np.arange(16), wrong))
draw(Picture("network", r"mean $\zeta$ of the own class", curves))

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. How large is it? (easy)
#
# By what factor is a wrong label memorised more than a right one: 1.1, 1.5 or 10?
#
# <details>
# <summary>Answer</summary>
#
# 1.1 times. The signal is weak here beside the memory; the difference is small, and clear in every network.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% slideshow={"slide_type": "skip"} tags=["solution"]
factor = float((wrong / right).mean())
print(f"{factor:.2f} times")
assert 1.05 < factor < 1.15, "about a tenth more"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. Without a signal
#
# With a signal of 0.1 in the place of 10, are wrong labels still memorised more?
#
# <details>
# <summary>Answer</summary>
#
# No. Only the signal tells a right label from a wrong one; without it all are noise alike.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% slideshow={"slide_type": "skip"} tags=["solution"]
faint = np.array([memories(replace(problem, signal=0.1), seed) for seed in range(16, 32)]).T
ratios = [(one / other).mean().round(2) for one, other in ((wrong, right), faint[::-1])]
print(f"wrong over right: {ratios[0]}, and without a signal {ratios[1]}")
assert abs(ratios[1] - 1.0) < 0.05, "alike"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. Which of the two parts of a margin differs between right and wrong labels?
#
#    <details>
#    <summary>Answer</summary>
#
#    Both: the signal helps the one and hinders the other, and the noise makes up for it.
#
#    </details>
#
# 2. Does a network with twice the signal memorise its right labels more, or less?
#
#    <details>
#    <summary>Answer</summary>
#
#    Less: the margin comes from the signal, and the slope is small.
#
#    </details>
#
# 3. What is the control of the claim below?
#
#    <details>
#    <summary>Answer</summary>
#
#    That right and wrong labels are memorised alike, within a twentieth; it must be refuted.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What this lesson claims

# %% slideshow={"slide_type": "skip"}
# Wrong labels are memorised more than right ones; that they are memorised alike, within a twentieth, is false.
more = from_replicates(np.log(wrong / right))
assert decide(more.interval(), Region(low=0.0)) is Verdict.SUPPORTED
assert decide(more.interval(), Region.around(0.0, 0.05)) is Verdict.REFUTED
# Without a signal they are memorised alike.
alike = from_replicates(np.log(faint[1] / faint[0]))
assert decide(alike.interval(), Region.around(0.0, 0.05)) is Verdict.SUPPORTED
