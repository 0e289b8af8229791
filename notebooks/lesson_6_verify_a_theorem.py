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
# # Lesson 6. How to verify a theorem with a computer
#
# **Question.** A theorem holds for all large enough $d$, with constants that nobody knows. A simulation has one $d$ and
# one set of numbers. How can the second say anything about the first?
#
# **Goals.** After this lesson you can
#
# * turn a statement with unknown constants into one number, and say beforehand what would refute it;
# * judge it by an interval over replicates, beside a false variant that must be refuted;
# * say why many questions need wider intervals.
#
# **Time.** 30 minutes. *You need* lesson 1, and what a confidence interval is.

# %% slideshow={"slide_type": "skip"}
# %matplotlib inline
import numpy as np
from IPython.display import display

from simulate import SGD, Cell, Loss, Phase, Problem, __version__, step_size, with_small_weights
from theory import STATEMENTS, Claim, Lab, all_claims, find_claims, run_claims
from theory.ledger import Control, Curve, Evidence, Picture, Region, decide
from theory.ledger.drawing import draw
from theory.ledger.table import summary_table
from theory.statistics import from_replicates, slopes

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A statement, and what in it can be wrong
#
# The theory of training with SGD says how many steps $T$ it takes until the training loss is $\epsilon$:

# %%
display(STATEMENTS["training_time"])
print(STATEMENTS["training_time"].source)

# %% [markdown] slideshow={"slide_type": "notes"}
# $m$ is the number of filters of each sign, $n$ of samples, $\eta$ the step size, $d$ the dimension, $P\sigma_p$ the
# scale of the noise. $C_8$ is unknown. So "$T=1500$" neither confirms nor contradicts anything. But $C_8$ does not
# depend on $\epsilon$, and therefore $T$ must double when $\epsilon$ is halved: on logarithmic axes $T$ over $\epsilon$
# is a line of slope −1. An exponent has no constant to hide behind.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five rules
#
# 1. **Turn the statement into one number** whose value is predicted: an exponent, a difference, a ratio.
# 2. **Say beforehand what would refute it.** No measured exponent is exactly −1. We allow the **region**
#    $[-1.05,-0.95]$, and write that down before the experiment runs.
# 3. **Count replicates, not points.** A replicate is a whole data set with its seed. The four points of one replicate
#    share their random numbers; to take them for independent would make the interval far too small.
# 4. **Let the interval decide.** Inside the region: **supported**. Outside: **refuted**. Across its border:
#    **inconclusive**, and no amount of looking at it helps.
# 5. **Try to confirm something false.** The same experiment must refute a wrong variant (the **negative control**);
#    if it cannot, it could not have found anything.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The claim
#
# Rules 1 to 5 are the fields of a **claim**. This is all that it takes:

# %%
LOSSES = (0.1, 0.03, 0.01, 0.003)
PROBLEM = with_small_weights(Problem(d=100_000, n=20, m=10, signal=6.0, forget=0.0))


def network(seed, loss):
    return Cell(PROBLEM, (Phase("fit", Loss(), SGD(lr=step_size(PROBLEM)), steps=20_000, stop_loss=loss),), seed)


def measure(lab):
    data = lab.grid("steps to a loss", network, {"loss": LOSSES}, replicates=lab.choose(quick=20, full=200))
    steps = data["steps"].transpose("seed", "loss").values
    effect = from_replicates(slopes(np.log(LOSSES), np.log(steps)))
    mean = Curve("measured", np.array(LOSSES), steps.mean(axis=0))
    line = Curve("slope −1", np.array(LOSSES), steps[:, -1].mean() * LOSSES[-1] / np.array(LOSSES), style="line")
    picture = Picture(r"training loss $\epsilon$", "steps $T$", (mean, line), x_log=True, y_log=True)
    return Evidence(effect=effect, control=effect, n_runs=data.attrs["n_runs"], picture=picture)


claim = Claim(
    name="halving-the-loss",
    number=99,
    family="ours",
    measure=measure,
    title="SGD: half the loss takes twice the steps",
    source="Chen et al. 2023, Theorem 3.2 [M 90%]",
    statement=STATEMENTS["training_time"].latex,
    effect="exponent of ε in the number of steps",
    supported=Region.around(-1.0, 0.05),
    refuted_if="The exponent differs from −1 by more than 0.05.",
    experiment="SGD from small weights at d = 100,000, n = 20, m = 10, ‖φ‖ = 6, p = 0.",
    stopping_rule="Training loss 0.1, 0.03, 0.01, 0.003; 20 replicates (quick), 200 (full).",
    statistic="Slope in every replicate, Student's interval.",
    control=Control(name="the steps go as the root of 1/ε", region=Region.around(-0.5, 0.05)),
)

# %% [markdown]
# Nothing has been simulated yet. Now it is, and the rule decides. (`rows=1` says that this is the only question asked;
# more about that below.)

# %% slideshow={"slide_type": "subslide"}
lab = Lab(budget="quick", seed=0)
ledger = run_claims([claim], lab, rows=1, seed=0, budget="quick", version=__version__)
(row,) = ledger.rows
low, high = row.interval
print(f"{row.title}: {row.verdict}. Exponent {row.effect:.3f}, 95 % interval [{low:.3f}, {high:.3f}].")
print(f"Negative control, {row.control['name']}: {row.control['verdict']}.")
draw(ledger.pictures[claim.name])

# %% [markdown] slideshow={"slide_type": "notes"}
# The interval lies inside the region, so the claim is *supported*. It does not contain −1! The exponent at these
# losses is −0.98, and that is a fact: the theorem speaks of small $\epsilon$ up to a constant, and from one of these
# losses to the next the slope is −0.99, −0.97 and −0.98. Had the region been the single number −1, a true theorem
# would have been refuted, and with more replicates ever more surely. **That is why rule 2 asks for a margin, and why
# it has to be chosen before.**

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Many questions
#
# Ask twenty questions with intervals of 95 %, and one answer is expected to be wrong. The ledger asks more. So its
# intervals are widened until *all* of them hold together with 95 % (**Bonferroni's rule**), whichever rows are run
# today:

# %%
steps = lab.grid("steps to a loss", network, {"loss": LOSSES}, replicates=20)["steps"].transpose("seed", "loss").values
exponents = slopes(np.log(LOSSES), np.log(steps))
rows = len(all_claims())
for asked in (1, rows):
    low, high = from_replicates(exponents).interval(rows=asked)
    print(f"as one question of {asked:2}: [{low:.4f}, {high:.4f}]")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The ledger itself
#
# All claims with their verdicts are the **ledger**. Here are two of its rows, both readings of the lemma of lesson 3,
# run as `python -m theory verify --claims ...` runs them:

# %%
names = ("lemma3.1-forget-on", "lemma3.1-forget-all-on")
chosen = find_claims(names)
official = run_claims(chosen, lab, rows=rows, seed=0, budget="quick", version=__version__)
for row in official.rows:
    print(f"{row.title}.\n  predicted {row.predicted}, measured {row.effect:.3f}: {row.verdict}")
summary_table(official)

# %% [markdown] slideshow={"slide_type": "notes"}
# The same experiment supports one and refutes the other. A ledger that could never say *refuted* would be worth
# nothing. With the full budget, at seed 0, 57 of its 95 rows are supported, 20 refuted, 14 inconclusive, one lies
# outside the hypotheses and 3 are not testable. In a terminal:
#
# ```console
# $ python -m theory list                        # all claims by name
# $ python -m theory show sgd-boundary-d         # what was fixed before the experiment ran
# $ python -m theory verify --claims sgd-boundary-d
# $ make ledger                                  # all of them, with hundreds of replicates
# ```
#
# To add a claim for good, put a file with a tuple `CLAIMS` into `theory/claims/`. Nothing else changes.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. The price of many questions (easy)
#
# With twenty replicates, how many times as wide is the interval of one of all rows as that of the only question:
# 1.2 times, 2 times, or as many times as there are rows?
#
# <details>
# <summary>Answer</summary>
#
# About twice. Student's distribution with 19 degrees of freedom falls off fast, so an interval that may err so much
# less often needs only twice the width.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% tags=["solution"] slideshow={"slide_type": "skip"}
widths = [np.diff(from_replicates(exponents).interval(rows=asked)).item() for asked in (1, rows)]
print(f"{widths[1] / widths[0]:.2f} times as wide")
assert 1.8 < widths[1] / widths[0] < 2.2, "about twice"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. How many replicates?
#
# How many replicates does our claim need? Judge it with the first 2, 3, 5, 10 and 20 replicates, once as the only
# question and once as one of all rows of the ledger.
#
# <details>
# <summary>Answer</summary>
#
# With two replicates nothing is decided: the standard error itself is hardly known, and Student's interval with one
# degree of freedom is enormous. As the only question a few more are enough; as one of all rows it takes a few more than
# that. Widening the intervals is not free, but cheap.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% tags=["solution"] slideshow={"slide_type": "skip"}
verdicts = {}
for count in (2, 3, 5, 10, 20):
    for asked in (1, rows):
        low, high = from_replicates(exponents[:count]).interval(rows=asked)
        verdict = verdicts[count, asked] = decide((low, high), claim.supported).value
        print(f"{count:2} replicates, one question of {asked:2}: {low:7.3f} to {high:7.3f}, {verdict}")
enough = {asked: min(count for count, of in verdicts if of == asked and verdicts[count, of] == "supported")
          for asked in (1, rows)}  # fmt: skip
assert 2 < enough[1] < enough[rows], "a few for one question, some more for one of many"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. The interval for an exponent is $[-1.04,-0.97]$, the region $[-1.05,-0.95]$. Which verdict? And if the interval
#    were $[-1.06,-0.97]$?
#
#    <details>
#    <summary>Answer</summary>
#
#    Supported; inconclusive.
#
#    </details>
#
# 2. An experiment supports a claim, and its negative control as well. What has been learned?
#
#    <details>
#    <summary>Answer</summary>
#
#    Nothing: an experiment that also confirms what is false could not have found anything.
#
#    </details>
#
# 3. Why are the four points of one replicate not four replicates?
#
#    <details>
#    <summary>Answer</summary>
#
#    They share their random numbers. Taken for independent they would make the interval far too small.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What this lesson claims

# %% slideshow={"slide_type": "skip"}
# The claim is supported, its false variant refuted, and the interval is that of the replicates.
assert (ledger.rows[0].verdict, ledger.rows[0].control["verdict"]) == ("supported", "refuted")
assert ledger.unrefuted_controls == []
assert np.allclose(ledger.rows[0].interval, from_replicates(exponents).interval(level=0.9), rtol=1e-5)
# The exponent is −0.98 at these losses, and its interval does not contain −1.
assert round(ledger.rows[0].effect, 2) == -0.98
assert ledger.rows[0].interval[0] > -1.0
# From one loss to the next the slope is not yet settled.
local = np.diff(np.log(steps.mean(axis=0))) / np.diff(np.log(LOSSES))
assert local.round(2).tolist() == [-0.99, -0.97, -0.98]
# One reading of the lemma is supported and another one refuted, as one question of all.
assert [row.verdict for row in official.rows] == ["supported", "refuted"]
# Two replicates decide nothing, twenty decide it even as one question of all.
assert verdicts[2, rows] == "inconclusive"
assert verdicts[20, rows] == "supported"
