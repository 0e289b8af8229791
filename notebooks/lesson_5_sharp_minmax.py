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
# # Lesson 5. Sharp MinMax
#
# **Question.** Retaining samples asks for flat minima, forgetting asks for the opposite. Can one network have both?
#
# **Goals.** After this lesson you can
#
# * say which filters Sharp MinMax lets forget, which it lets learn, and what sharpness has to do with it;
# * score a method by its distance to a retrained network;
# * compare methods data set by data set, and recognise a lead that may be chance.
#
# **Time.** 30 minutes. *You need* lessons 3 and 4.

# %% slideshow={"slide_type": "skip"}
# %matplotlib inline
import numpy as np
import pandas as pd
from IPython.display import display

from simulate import Cell, NegGrad, Phase, Problem, SharpMinMax, run, step_size, with_sam_weights
from simulate.interactive import trajectory_explorer
from theory import STATEMENTS, Lab
from theory.experiments import pretrain, retrain, unlearn, unlearning_radius
from theory.experiments.forgetting.retrained import METHODS
from theory.experiments.unlearning import PRETRAINED_LOSS, phase_from_end
from theory.formulas.symbols import gap_forget, gap_retain, gap_test
from theory.ledger import Curve, Picture, Region, Verdict, decide
from theory.ledger.drawing import draw
from theory.statistics import from_replicates, worst_of

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The method
#
# When unlearning begins, the network is split in two. The filters on which the loss of the forget set has the largest
# gradients become the **forget part** $W_{\mathcal F}$, the others the **retain part** $W_{\mathcal R}$. Then every
# step does two things, one after the other:

# %%
display(STATEMENTS["sharp_minmax"])

# %% [markdown] slideshow={"slide_type": "notes"}
# * The retain part *descends* the loss of $\mathcal R$. $\nabla L_{\hat\epsilon}$ is the gradient at the perturbed
#   point of lesson 3; at $\lambda=1$ the bracket is that gradient alone, which is SAM: sharpness is *minimised*.
# * The forget part *climbs* the loss of $\mathcal F$. Here the difference of the two gradients has the other sign:
#   sharpness is *maximised*.
# * $\alpha$ weighs the two as in NegGrad, $\eta$ is the step size, and $\lambda$ says how much sharpness counts (here
#   1).
#
# **Sharpness** is how much the loss can rise within the radius $\tau$:

# %%
display(STATEMENTS["sharpness"])

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One simulation
#
# A weaker signal and more to forget than in lesson 4: $\|\varphi\|=4$ and ten of 40 samples. The network is pretrained
# with SGD, then takes fifty steps of Sharp MinMax. Who has moved?

# %%
problem = with_sam_weights(Problem(d=8000, n=40, m=10, signal=4.0, label_flip=0.1, forget=0.25))
pretraining = pretrain(problem, "SGD", loss=PRETRAINED_LOSS)
before = run(problem, pretraining, seed=3)
optimizer = SharpMinMax(lr=step_size(problem), tau=unlearning_radius(problem))
step = Phase("unlearn", NegGrad(alpha=0.7), optimizer, steps=50)
after = run(problem, (*pretraining, step), seed=3, start=before.state)

sample, forget_part = after.instance, after.state.forget_part
own = sample.y == np.array([[1], [-1]])  # (sign, sample)
change = after.zeta - before.zeta  # (sign, filter, sample)
rows = {}
for part, filters in {"forget part": forget_part, "retain part": ~forget_part}.items():
    rows[part] = {"filters": filters.sum(), "Δκ": (after.kappa - before.kappa)[filters].mean()}
    for relation, classes in {"own": own, "opposite": ~own}.items():
        for name, chosen in {"retain set": ~sample.forget, "forget set": sample.forget}.items():
            rows[part][f"Δζ {relation} class, {name}"] = change[filters[..., None] & (classes & chosen)[:, None]].mean()
moves = pd.DataFrame(rows)
moves.round(4)

# %% [markdown]
# The work is divided cleanly. The forget part forgets: ζ of the forget set's own class falls, that of the opposite
# class rises, and nothing happens to the memory of the retained samples. The retain part does not touch the memory of
# the forget set. Only κ is shared: the forget part loses signal, the retain part gains it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How is a method to be scored?
#
# To have forgotten is not to be *wrong* about the forget set: a network that never saw these samples gets some of
# them right, since they share the signal with the others. The yardstick is such a network, the **retrained network**,
# trained without $\mathcal F$. With $\Delta$ the accuracy of a method minus that of the retrained network, on
# $\mathcal R$, $\mathcal F$ and new samples, the **tug of war** is

# %%
display(STATEMENTS["tug_of_war"])

# %% [markdown] slideshow={"slide_type": "notes"}
# It is 1 for a network that cannot be told from the retrained one by its accuracies. Every run below stops as soon as
# its forget accuracy is that of the network retrained with the same seed; 24 networks a method. (Where the retrained
# network gets every forget sample right there is nothing to forget, and the run stops at once.)

# %% slideshow={"slide_type": "subslide"}
names, lab = ("NegGrad SGD", "NegGrad SAM", "random label SGD", "Sharp MinMax"), Lab()
oracle = lab.grid("lesson 5", lambda seed: Cell(problem, retrain(pretraining), seed), {}, replicates=24)


def network(seed, way):
    target = float(oracle["forget_accuracy"].sel(seed=seed))
    last = unlearn(problem, *METHODS[way](0.7, unlearning_radius(problem)), until=target)
    return Cell(problem, (*pretraining, last), seed)


ends = lab.grid("lesson 5", network, {"way": names}, replicates=24)
gaps = (ends[name] - oracle[name] for name in ("retain_accuracy", "forget_accuracy", "test_error"))
score = STATEMENTS["tug_of_war"].function(gap_retain, gap_forget, gap_test)(*gaps)
bars = [from_replicates(score.sel(way=name).values) for name in names]
means, ranges = np.array([bar.value for bar in bars]), np.array([bar.interval() for bar in bars]).T
ticks = tuple(name.replace(" ", "\n", 1) for name in names)
draw(Picture("", "tug of war", (Curve("mean and 95 % interval", np.arange(len(names)), means, *ranges),), ticks=ticks))

# %% slideshow={"slide_type": "subslide"}
table = pd.DataFrame(
    {
        "test error": ends["test_error"].mean("seed"),
        "forget accuracy": ends["forget_accuracy"].mean("seed"),
        "steps to forget": phase_from_end(ends, "phase_steps").mean("seed"),
    },
    index=names,
)
table.loc["retrained"] = [float(oracle[name].mean()) for name in ("test_error", "forget_accuracy")] + [np.nan]
table.round(3)

# %% [markdown]
# NegGrad with SGD has a lower test error than the retrained network, and is marked down for it: the yardstick asks for
# the same network, not for a better one.
#
# The intervals in the picture overlap, but they are the wrong ones for a comparison: easy and hard data sets are mixed
# in them. The methods ran on the *same* data sets, so the lead of Sharp MinMax should be computed for each data set
# (**paired**), and then averaged.

# %%
ours = score.sel(way="Sharp MinMax", drop=True)
lead = {name: from_replicates((ours - score.sel(way=name, drop=True)).values) for name in names[:-1]}
for name, estimate in lead.items():
    low, high = estimate.interval()
    print(f"tug of war ahead of {name:17} by {estimate.value:+.3f}, 95 % interval [{low:+.3f}, {high:+.3f}]")

# %% [markdown] slideshow={"slide_type": "notes"}
# Sharp MinMax is ahead of NegGrad with SAM, and level with the two plain methods. The ledger matches the loss on the
# forget set and compares eight methods at the radius of the theory: *Sharp MinMax comes closest to the retrained
# network* is refuted there (ahead of the best other method by −0.188 [−0.353, −0.023] after pretraining with SGD): in
# some networks it never gets to the match. The paper's result is about deep networks, and nobody claimed it for this
# small one. Why, then, look here? Because a method that wins there for the reason given, that sharp and flat are
# divided between two parts, might have been expected to win here.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Move the sliders

# %% slideshow={"slide_type": "skip"}
trajectory_explorer(optimizer="SharpMinMax", signal=6.0, forget=0.2)

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. A score by hand (easy)
#
# A method is 2 % worse than the retrained network on $\mathcal R$, 10 % better on $\mathcal F$ and 5 % worse on new
# samples. What is its tug of war? What if it is 5 % *better* on new samples?
#
# <details>
# <summary>Answer</summary>
#
# $0.98\cdot0.90\cdot0.95\approx0.838$, both times: only the distance counts, not its sign.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% slideshow={"slide_type": "skip"} tags=["solution"]
tug_of_war = STATEMENTS["tug_of_war"].function(gap_retain, gap_forget, gap_test)
worse, better = (float(tug_of_war(-0.02, 0.10, gap)) for gap in (-0.05, 0.05))
print(f"{worse:.4f} and {better:.4f}")
assert abs(worse - 0.98 * 0.90 * 0.95) < 1e-12, "the product of what is left of three ones"
assert worse == better, "the sign does not count"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. How large a forget part?
#
# Half of the filters were put into the forget part. What if it is a tenth, or nine tenths
# (`SharpMinMax(fraction=...)`)? Ask how many steps it takes until the forget accuracy is 0.5, and whether it gets there
# within 4000.
#
# <details>
# <summary>Answer</summary>
#
# With a tenth it hardly ever gets there, with half it usually does, with nine tenths always and soon. What was
# memorised of a sample lies in *all* filters of its class that were active for it at the start, not in a few: two
# filters out of twenty can seldom outvote the rest.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% slideshow={"slide_type": "skip"} tags=["solution"]
fractions = (0.1, 0.5, 0.9)


def divided(seed, fraction):
    optimizer = SharpMinMax(tau=unlearning_radius(problem), fraction=fraction)
    return Cell(problem, (*pretraining, unlearn(problem, NegGrad(alpha=0.7), optimizer)), seed)


shares = lab.grid("lesson 5, fractions", divided, {"fraction": fractions}, replicates=8)
taken = phase_from_end(shares, "phase_steps")
for fraction in fractions:
    there = float((shares["forget_accuracy"].sel(fraction=fraction) <= 0.5).mean())
    print(f"fraction {fraction}: {float(taken.sel(fraction=fraction).mean()):.0f} steps; {there:.0%} got there")
reached = (shares["forget_accuracy"] <= 0.5).mean("seed")
assert float(reached.sel(fraction=0.1)) < 0.5 <= float(reached.sel(fraction=0.5)), "a tenth seldom, half usually"
assert float(reached.sel(fraction=0.9)) == 1.0, "nine tenths always"
assert float(taken.sel(fraction=0.9).mean()) < float(taken.sel(fraction=0.5).mean()), "and sooner"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. Which part of the network loses signal in Sharp MinMax, and why?
#
#    <details>
#    <summary>Answer</summary>
#
#    The forget part: it climbs the loss of samples that carry φ, and nothing there pulls the other way.
#
#    </details>
#
# 2. A method has forget accuracy 0. Is that the best there is?
#
#    <details>
#    <summary>Answer</summary>
#
#    No. A network that never saw the forget set gets some of it right; the yardstick is that network.
#
#    </details>
#
# 3. Two intervals overlap. Are the two methods level?
#
#    <details>
#    <summary>Answer</summary>
#
#    That does not follow. Where they ran on the same data sets, the interval of the paired difference decides.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What this lesson claims

# %% slideshow={"slide_type": "skip"}
# The division of work is exact: a part does not move at all where the other one works.
assert moves.loc["Δζ own class, retain set", "forget part"] == 0
assert moves.loc["Δζ own class, forget set", "retain part"] == 0
assert moves.loc["Δζ own class, forget set", "forget part"] < 0 < moves.loc["Δζ own class, retain set", "retain part"]
# The opposite class rises on the forget set; the forget part loses signal, and the retain part gains it.
assert moves.loc["Δζ opposite class, forget set", "forget part"] > 0
assert moves.loc["Δκ", "forget part"] < 0 < moves.loc["Δκ", "retain part"]
# NegGrad with SGD has a lower test error than the retrained network, in the mean.
assert table.loc["NegGrad SGD", "test error"] < table.loc["retrained", "test error"]
# Level with the two plain methods: their intervals contain 0.
assert all(decide(lead[name].interval(), Region(low=0.0)) is Verdict.INCONCLUSIVE for name in names if "SGD" in name)
# Sharp MinMax is ahead of NegGrad with SAM.
assert decide(lead["NegGrad SAM"].interval(), Region(low=0.0)) is Verdict.SUPPORTED
# That it is closest of all is not decided; that it is ahead of all by 0.05, the false variant, is refuted. The worst of
# three leads was picked, and its interval is widened for that.
leads = np.array([(ours - score.sel(way=name, drop=True)).values for name in lead]).T
worst = worst_of(leads, np.argmin).interval()
assert decide(worst, Region(low=0.0)) is Verdict.INCONCLUSIVE
assert decide(worst, Region(low=0.05)) is Verdict.REFUTED
# A forget part of a tenth needs more steps than one of half, in every network or as many.
assert (taken.sel(fraction=0.1) >= taken.sel(fraction=0.5)).all()
