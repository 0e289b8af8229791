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
# # Lesson 7. From the small network to ResNet-50
#
# **Question.** Six lessons were about a network of two layers, and data made of a signal and noise. Which of their
# questions can be asked of a ResNet on images, and how?
#
# **Goals.** After this lesson you can
#
# * recognise SAM's step of the small network in the code that trains ResNets;
# * say what of κ and ζ can be measured in a deep network, and what cannot;
# * read a small study that really retrains, and name the commands for the large one.
#
# **Time.** 35 minutes. *You need* lessons 3 to 5, and the extra `deepnet` (it brings PyTorch).

# %% slideshow={"slide_type": "skip"}
# %matplotlib inline
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from IPython.display import display
from scipy.stats import binomtest

import paper_figs
from deepnet import (
    Descent,
    Evaluation,
    Execution,
    ForgetSet,
    Published,
    Unlearner,
    gradient,
    preset,
    run_study,
    sam,
    sgd,
)
from deepnet.ledger.comparing import MATCHED
from deepnet.ledger.effects import estimated, of_arm
from deepnet.ledger.reading import Reading
from deepnet.methods import NegGrad, SharpMinMax
from simulate import SAM, Instance, Loss, Phase, Problem, run
from theory import STATEMENTS
from theory.formulas.symbols import gap_forget, gap_retain, gap_test
from theory.ledger import Curve, Picture
from theory.ledger.drawing import draw
from theory.ledger.wording import interval, number, verdict_words

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same step
#
# SAM's perturbation does not know what it perturbs:

# %%
display(STATEMENTS["sam_perturbation"])

# %% [markdown] slideshow={"slide_type": "notes"}
# In `deepnet` it is a transform of gradients, `gradient(loss, parameters, sam(rho))`, which works for any network of
# PyTorch; the radius is called $\rho$ there, and $\tau$ in the small network. To see that it is the same thing, here is
# the network of lesson 1 once more, written in PyTorch. One step of SAM, once by `simulate` and once by the code that
# trains ResNets:

# %%
problem = Problem(d=500, n=20, m=5, signal=3.0, sigma_0=0.01, label_flip=0.1, forget=0.0)
sample, lr, radius = Instance.draw(problem, seed=0, space="ambient"), 0.05, 0.2
simulated = run(sample, [Phase("step", Loss(), SAM(lr=lr, tau=radius), steps=1)], engine="dense").state.weights

arrays = (sample.phi, sample.xi[:, 0], sample.y, sample.y_true)
phi, xi, y, y_true = (torch.tensor(array, dtype=torch.float64) for array in arrays)
filters = torch.tensor(sample.w0, requires_grad=True)  # (sign, filter, d)


def loss():
    seen = torch.relu(y_true * (filters @ phi)[..., None]) + torch.relu(filters @ xi.T)  # P = 2
    output = seen.mean(dim=1)[0] - seen.mean(dim=1)[1]
    return torch.nn.functional.softplus(-y * output).mean()


(direction,), _ = gradient(loss, {"filters": filters}, sam(radius))
stepped = (filters - lr * direction).detach().numpy()
deviation = np.abs(stepped - simulated).max() / np.abs(simulated).max()
print(f"largest difference of the weights after the step, relative to the largest weight: {deviation:.0e}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What is lost on the way
#
# | small network | deep network |
# | --- | --- |
# | κ, the signal learned | no formula; test accuracy stands for it |
# | ζ, the noise memorised | no formula; accuracy on what can *only* be memorised |
# | a test error, to $10^{-300}$ | some thousand test images |
# | the retrained network, in a second | the retrained network, at the price of a training |
# | hundreds of replicates | ninety replicates at most |
#
# So the deep study measures what remains: accuracies on the retain set, the forget set and test images, the tug of war
# of lesson 5 against networks that were really retrained, and **attacks** on what was forgotten.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One study
#
# What can only be memorised? A wrong label, as in lesson 1. scikit-learn's digits (8 × 8 pixels), a small convolutional
# network; five percent of the images get the label of the next digit, and after pretraining these labels are to be
# forgotten (`request="labels"`). The retrained network has never seen them. One seed, so that it takes seconds:

# %%
torch.set_num_threads(1)  # faster for layers as small as these
plan = preset("digits")
gentle = replace(plan.pretrain, epochs=3, descent=Descent(lr=0.02))
study = replace(
    plan,
    name="lesson",
    forget=(ForgetSet(kind="random", fraction=0.05),),
    request="labels",
    pretrain=replace(plan.pretrain, epochs=20),
    unlearners=(
        Unlearner(method=NegGrad(alpha=0.95), sharpness=(sgd(), sam(0.1)), training=gentle),
        Unlearner(method=SharpMinMax(alpha=0.95, fraction=0.1), sharpness=(sam(0.1),), training=gentle),
    ),
    evaluation=Evaluation(shadow=0, entangled=0, divergence=False, relearning=None),
    seeds=(0,),
)
with tempfile.TemporaryDirectory() as folder:
    rows = run_study(study, Path(folder), Execution()).rows

columns = ["retain_accuracy", "forget_accuracy", "test_accuracy", "tow", "seconds"]
table = pd.DataFrame(rows, index=[f"{row['title']}, {row['optimizer']}" for row in rows])[columns]
table.round(3)

# %% [markdown] slideshow={"slide_type": "notes"}
# Read the second column: it is the agreement with the *wrong* labels. The pretrained network has memorised about half
# of them. The retrained one agrees with none, and after unlearning none of the others does: what NegGrad took from the
# small network as ζ, it takes from this one as accuracy. The tug of war is that of lesson 5, computed from the three
# accuracies:

# %% slideshow={"slide_type": "subslide"}
display(STATEMENTS["tug_of_war"])
tug_of_war = STATEMENTS["tug_of_war"].function(gap_retain, gap_forget, gap_test)
accuracies = table[["retain_accuracy", "forget_accuracy", "test_accuracy"]]
retrained = accuracies[table.index.str.startswith("Retrain")].iloc[0]
recomputed = tug_of_war(*(accuracies - retrained).values.T)

places, short = np.arange(len(table)), tuple(name.replace(", ", "\n") for name in table.index)
curves = [Curve(name.replace("_accuracy", " set"), places, table[name].values) for name in accuracies]
draw(Picture("", "accuracy, tug of war", (*curves, Curve("tug of war", places, recomputed)), ticks=short))

# %% [markdown] slideshow={"slide_type": "notes"}
# One seed and 65 images say *that* the methods forget. They do not say which of them is best: one image is 1.5 percent,
# and after three epochs each method is as far as its learning rate has taken it. A comparison needs a fair stopping
# point, replicates, intervals and a ledger.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Compared at equal forgetting
#
# `python -m deepnet matched` looks at a network after every step, and reads it at the first one at which its loss on
# the forget set is that of the network retrained without it: the match of lesson 4. Every replicate has a split and a
# forget set of its own, every method its own learning rate. The rows are part of the project; no training is needed
# to read them. This is how close to retraining NegGrad and Sharp MinMax come there:

# %% slideshow={"slide_type": "subslide"}
published = Published(Path(paper_figs.__file__).parent / "data" / "digits")
reading = Reading(published.findings)
methods = {"NegGrad": "neggrad", "Sharp MinMax": "minmax"}
arms = {
    f"{words}, {how}": f"{name}-{how.lower()}-after-sgd" for words, name in methods.items() for how in ("SGD", "ASAM")
}


def at_match(column):
    return {words: estimated(of_arm(arm, column, MATCHED), reading) for words, arm in arms.items()}


lost, tow = at_match("retain_damage"), at_match("tow")
ceiling = estimated(lambda found: found.ceiling(arms["NegGrad, SGD"], MATCHED), reading)
places, ticks = np.arange(len(arms)), tuple(words.replace(", ", "\n") for words in arms)
ends = np.array([each.interval() for each in tow.values()]).T
values = np.array([each.value for each in tow.values()])
level = Curve("retrained networks among each other", np.array([-0.3, 3.3]), np.full(2, ceiling.value), style="line")
draw(Picture("", "tug of war at the match",
             (Curve("mean, 95 % interval", places, values, *ends, style="points"), level), ticks=ticks))  # fmt: skip

# %% [markdown] slideshow={"slide_type": "notes"}
# The line is the **ceiling**: two retrained networks are not equal either, so no method can be expected to lie above
# it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The deep ledger
#
# `python -m deepnet judge` tests the paper's conclusions on these rows, with negative controls, as in lesson 6. A claim
# names the **smallest effect of interest**; an interval inside of it says "no effect larger than", which is an answer,
# too. Here are three of its rows:

# %%
print(dict(Counter(row["verdict"] for row in published.ledger)), f"of {len(reading.replicates)} replicates")
for row in published.ledger:
    if row["name"] in ("asam-improves-neggrad", "sharp-minmax-beats-neggrad", "memorized-samples-cost-more"):
        words = verdict_words(row["verdict"], row["margin"])
        print(f"{row['title']}.\n  {words}: {number(row['effect'], 2)} {interval(row['interval'], 2)}")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The large study
#
# The same study on CIFAR-10 with a ResNet-50 needs a GPU; only the preset changes. A study that was interrupted resumes
# with the same command.
#
# ```console
# $ python -m deepnet run --preset cifar10-resnet50 --images DIR --device cuda --channels-last
# $ python -m deepnet matched --preset cifar10-resnet50 --images DIR --scores FILE --channels-last --search
# $ python -m deepnet matched --preset cifar10-resnet50 --images DIR --scores FILE --channels-last
# $ python -m deepnet judge results/matched/cifar10-resnet50
# $ torchrun --standalone --nproc-per-node 8 -m deepnet run --preset cifar100-resnet50 --images DIR
# ```
#
# `python -m deepnet presets` lists the studies, `docs/deepnet.md` explains methods and metrics, and `docs/gpu.md` says
# what to do with nine minutes, half an hour, or a GPU of your own.

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. Sixty-five images (easy)
#
# The forget set has 65 images. A method gets 32 of them right, another one 36. Can the two be told apart by that?
# (`binomtest(32, 65).proportion_ci()` is a 95 % interval.)
#
# <details>
# <summary>Answer</summary>
#
# No. Either interval is about a quarter wide, and each contains the other's accuracy.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% slideshow={"slide_type": "skip"} tags=["solution"]
one, other = (binomtest(count, 65).proportion_ci() for count in (32, 36))
print(f"[{one.low:.2f}, {one.high:.2f}] and [{other.low:.2f}, {other.high:.2f}]")
assert one.high > 36 / 65, "an accuracy of 36/65 lies inside of the first interval"
assert other.low < 32 / 65, "and 32/65 inside of the second"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. Doing nothing
#
# Ask the network to forget random *correct* samples instead (`request="samples"`). How good is the tug of war of the
# pretrained network, to which nothing was done at all? What does that say about choosing a forget set?
#
# <details>
# <summary>Answer</summary>
#
# It is close to 1: the digits are so alike that a network which never saw a sample is right about it anyway, so there
# is nothing to forget, and doing nothing looks perfect. A method can only be told from doing nothing on samples that
# were *memorised*. That is why the studies forget the samples with the highest memorization scores (`kind="high"`), and
# why no claim of the deep ledger on the tug of war stands where doing nothing is not seen to be worse.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% slideshow={"slide_type": "skip"} tags=["solution"]
plain = replace(study, name="plain", request="samples", unlearners=(), pretrain=replace(plan.pretrain, epochs=8))
with tempfile.TemporaryDirectory() as folder:
    nothing_done = {row["method"]: row for row in run_study(plain, Path(folder), Execution()).rows}
for row in nothing_done.values():
    print(f"{row['title']}: forget accuracy {row['forget_accuracy']:.3f}, tug of war {row['tow']:.3f}")
assert nothing_done["pretrained"]["tow"] > 0.95, "doing nothing looks perfect"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. There is no formula for κ and ζ of a ResNet. What stands for them?
#
#    <details>
#    <summary>Answer</summary>
#
#    Test accuracy stands for the signal; accuracy on what can only be memorised, such as wrong labels, for the noise.
#
#    </details>
#
# 2. Why can no method be expected to reach a tug of war of 1?
#
#    <details>
#    <summary>Answer</summary>
#
#    Two retrained networks differ from each other, too. Their mutual tug of war is the ceiling.
#
#    </details>
#
# 3. Why are methods compared where the loss on the forget set is equal, and not after equally many epochs?
#
#    <details>
#    <summary>Answer</summary>
#
#    A method that has got further at its learning rate has forgotten more and paid more. At equal forgetting the costs
#    can be compared.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "skip"}
# ## What this lesson claims

# %% slideshow={"slide_type": "skip"}
# One transform: SAM's step is the same in both worlds, to rounding.
assert deviation < 1e-12
# The tug of war in the table is the formula of the theory.
assert np.allclose(recomputed, table["tow"])
# The pretrained network has memorised wrong labels; no method leaves as many of them, by 95 % intervals for the
# fraction of the 65 images.
counts = table["forget_accuracy"] * 65
assert np.allclose(counts, counts.round())
ranges = [binomtest(int(count), 65).proportion_ci() for count in counts.round()]
assert all(after.high < ranges[0].low for after in ranges[1:])
# About half of them; the retrained network and the unlearned ones agree with none.
assert 0.35 < table["forget_accuracy"].iloc[0] < 0.65
assert table["forget_accuracy"].iloc[1] == 0.0
# And they kept the others: within 0.05 of the retrained one, where the standard error is about 0.003 (1,229 images).
assert (table["retain_accuracy"][2:] > retrained["retain_accuracy"] - 0.05).all()
# At the match all four lose something of the retain set, less than a twentieth, and none lies above the ceiling.
assert all(each.interval()[1] >= 0.0 and each.value < 0.05 for each in lost.values())
assert all(each.interval()[0] < ceiling.value for each in tow.values())
# On samples that were not memorised, doing nothing scores well: nothing can be read off them.
assert nothing_done["pretrained"]["tow"] > 0.95 > table["tow"].iloc[0]
