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
# # Lesson 9. Unlearning your own network
#
# **Question.** You have trained a network, and some of its training samples have to go. How do you do that, and how do
# you know that they are gone?
#
# **Goals.** After this lesson you can
#
# * unlearn samples from any classifier of PyTorch, in five lines;
# * read a report on what was forgotten and kept, beside a retrained network;
# * recognise a network that has forgotten too much, and one that only seems to have forgotten.
#
# **Time.** 35 minutes. *You need* lessons 4, 5 and 8, some PyTorch, and the extra `deepnet` (it brings PyTorch).

# %% slideshow={"slide_type": "skip"}
# %matplotlib inline
import numpy as np
import torch
from IPython.display import display
from sklearn.datasets import load_digits
from torch import nn

from deepnet import Evaluation, Until, asam, evaluate, unlearn
from deepnet.methods import NegGrad, SharpMinMax
from theory import STATEMENTS
from theory.formulas.symbols import gap_forget, gap_retain, gap_test
from theory.ledger import Curve, Picture
from theory.ledger.drawing import draw

torch.set_num_threads(1)  # faster for layers as small as these

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A network of one's own
#
# Here it is a small one, on scikit-learn's digits: 1,400 of them to learn, 397 to test. Fifty of the training samples
# have a wrong label, by somebody's mistake, and the network has learned them by heart. Put your own network and data
# here: any module from a batch to **logits**, and samples with labels from 0 on.

# %%
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
x = torch.tensor(digits.data[order] / 16, dtype=torch.float32)
y = torch.tensor(digits.target[order])
forget = torch.arange(50)
y[forget] = (y[forget] + 1) % 10  # the mistake
train, test = (x[:1400], y[:1400]), (x[1400:], y[1400:])


def learn(x, y):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


model = learn(*train)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Five lines
#
# The **reference** is the network that should have been trained in the first place: the same, without the fifty. With
# it one knows when to stop (the match of lesson 4), and how good the result is. At home you may not be able to afford
# one; the third exercise does without.

# %%
retrained = learn(x[50:1400], y[50:1400])

# %%
until, measure = "forget loss of the reference", Evaluation(shadow=0, relearning=None)
result = unlearn(model, train, forget, NegGrad(alpha=0.9), epochs=20, until=until, reference=retrained, progress=False)
report = evaluate(result.model, train, forget, test_set=test, reference=retrained, measure=measure)
print(result.summary())
print(report)

# %% [markdown] slideshow={"slide_type": "notes"}
# That is all. `model` was left as it was; `result.model` is the new network. Read the report from the top:
#
# * *What was forgotten?* The forget accuracy is the agreement with the *wrong* labels. The network agreed with more
#   than nine tenths of them; now it agrees with hardly any, as the retrained network does.
# * *What was kept?* Retain and test accuracy stand beside those of the reference: each is a few percent lower. That is
#   the price of climbing.
# * *What was not measured?* Attacks, which take longer, and are left out by `measure`; the last lines say so. Numbers
#   that compare several networks need several. A report that hides what it lacks is worth less.
# * *One number* for the three accuracies is the tug of war of lesson 5:

# %%
display(STATEMENTS["tug_of_war"])

# %% slideshow={"slide_type": "subslide"}
tug_of_war = STATEMENTS["tug_of_war"].function(gap_retain, gap_forget, gap_test)
before = evaluate(model, train, forget, test_set=test, reference=retrained, measure=measure)
goal = evaluate(retrained, train, forget, test_set=test, measure=measure)
names = ("retain_accuracy", "forget_accuracy", "test_accuracy")
nets = {"trained": before, "unlearned": report, "retrained": goal}
accuracies = {net: np.array([float(numbers[name]) for name in names]) for net, numbers in nets.items()}
scores = {net: float(tug_of_war(*(values - accuracies["retrained"]))) for net, values in accuracies.items()}
curves = [Curve(net, np.arange(3), values, style="both") for net, values in accuracies.items()]
draw(Picture("", "accuracy", tuple(curves), ticks=("retain set", "forget set\n(wrong labels)", "new samples")))
for net, score in scores.items():
    print(f"{net}: tug of war {score:.3f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# One network, one seed. What was said about intervals in lessons 6 and 8 holds here, too: which of two methods is
# better can only be said with several seeds, and `python -m deepnet run` with a network of your own
# (`docs/deepnet.md`).

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Exercises
#
# ### Exercise 1. Other samples (easy)
#
# Let the network forget the samples 100 to 149 instead, whose labels are *right*. How good is the tug of war of
# `model`, to which nothing was done? Train the reference first.
#
# <details>
# <summary>Answer</summary>
#
# It is high, with nothing done: a network that never saw these samples classifies them, too. There is little to forget.
# (The retrained network of this exercise keeps the fifty wrong labels, as `model` has them.)
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 1

# %% slideshow={"slide_type": "skip"} tags=["solution"]
others = torch.arange(100, 150)
kept = torch.ones(1400, dtype=torch.bool).index_fill(0, others, False)
never_saw = learn(x[:1400][kept], y[:1400][kept])
idle = evaluate(model, train, others, test_set=test, reference=never_saw, measure=measure)
print(f"forget accuracy {idle['forget_accuracy']:.2f}, tug of war {idle['tow']:.2f}")
assert idle["tow"] > 0.8 > before["tow"], "right labels are hardly memorised, wrong ones are"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 2. Another method
#
# Take Sharp MinMax with ASAM, `SharpMinMax(alpha=0.9)` and `sharpness=asam(0.5)`, and stop at the same match. Has it
# forgotten as much? Can you say which method is better?
#
# <details>
# <summary>Answer</summary>
#
# It has, that is what the match is for. The tugs of war differ by a few hundredths; a hundredth of the test accuracy is
# four of 397 images. From one seed nobody can say.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 2

# %% slideshow={"slide_type": "skip"} tags=["solution"]
split = unlearn(
    model, train, forget, SharpMinMax(alpha=0.9), sharpness=asam(0.5), epochs=20, until=until, reference=retrained,
    progress=False,
)  # fmt: skip
second = evaluate(split.model, train, forget, test_set=test, reference=retrained, measure=measure)
print(f"tug of war {second['tow']:.3f}, NegGrad's {report['tow']:.3f}")
assert split.reached == result.reached, "both got to the match"
assert abs(second["forget_loss"] / report["forget_loss"] - 1) < 0.1, "and have forgotten as much"
assert abs(second["tow"] - report["tow"]) < 0.1, "a difference that one seed cannot judge"

# %% [markdown] slideshow={"slide_type": "skip"}
# ### Exercise 3. No reference (harder)
#
# You cannot afford a retrained network. Try two other stopping rules: all twenty epochs, and
# `until=Until(forget_accuracy=0.1)`, the accuracy of guessing among ten classes. Compare the losses on the forget set
# with that of the reference. Which of the two went too far? Would the forget accuracy have told you?
#
# <details>
# <summary>Answer</summary>
#
# After twenty epochs the forget accuracy is that of the retrained network, 0, and looks perfect. The loss is more than
# one and a half times the reference's: the network is more sure of the opposite than one that never saw the samples,
# and an attacker can see that. The network that stopped at guessing has not got as far as the reference.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true slideshow={"slide_type": "skip"}
# #### Solution 3

# %% slideshow={"slide_type": "skip"} tags=["solution"]
longest = unlearn(model, train, forget, NegGrad(alpha=0.9), epochs=20, progress=False)
guessing = unlearn(
    model, train, forget, NegGrad(alpha=0.9), epochs=20, until=Until(forget_accuracy=0.1), progress=False
)
ways = {"twenty epochs": longest, "guessing": guessing}
told = {name: evaluate(way.model, train, forget, test_set=test, measure=measure) for name, way in ways.items()}
for name, each in told.items():
    print(f"{name}: forget accuracy {each['forget_accuracy']:.2f}, loss {each['forget_loss']:.1f}")
print(f"the reference: forget accuracy {goal['forget_accuracy']:.2f}, loss {goal['forget_loss']:.1f}")
assert told["twenty epochs"]["forget_accuracy"] == goal["forget_accuracy"] == 0.0, "the accuracy looks perfect"
assert told["twenty epochs"]["forget_loss"] > 1.5 * goal["forget_loss"], "the loss has gone too far"
assert told["guessing"]["forget_loss"] < goal["forget_loss"], "and at guessing not far enough"

# %% [markdown] slideshow={"slide_type": "skip"}
# ## Quiz
#
# 1. Why should the wrong labels not be forgotten by training on the right ones, if these are known?
#
#    <details>
#    <summary>Answer</summary>
#
#    That is a good way, where they are known. It is another request: to correct, not to forget. Its reference is a
#    network that saw the corrected samples.
#
#    </details>
#
# 2. A network has forget accuracy 0, as the retrained one. What else do you look at before you call it forgotten?
#
#    <details>
#    <summary>Answer</summary>
#
#    The loss on the forget set, and attacks. Accuracy moves in jumps and says nothing of confidence.
#
#    </details>
#
# 3. Is `model` changed by `unlearn`?
#
#    <details>
#    <summary>Answer</summary>
#
#    No. `result.model` is another network; `in_place=True` would change it.
#
#    </details>

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What this lesson claims
#
# * Five lines unlearned fifty memorised wrong labels: the agreement with them fell from more than 90 % to less than
#   10 %, where the retrained network has 0.
# * It cost less than 6 % of retain accuracy and of test accuracy, beside the retrained network.
# * The tug of war rose from less than 0.1 to more than 0.85.

# %% slideshow={"slide_type": "skip"}
# The network had learned the wrong labels, and has forgotten them as far as the reference.
assert accuracies["trained"][1] > 0.9 > 0.1 > accuracies["unlearned"][1]
assert accuracies["retrained"][1] == 0.0
assert result.reached == until
assert report["forget_loss"] >= goal["forget_loss"] * 0.99
# The price, beside the retrained network: a few percent each, and more than nothing.
price = accuracies["retrained"] - accuracies["unlearned"]
assert 0.0 < price[0] < 0.06
assert 0.0 < price[2] < 0.06
# The tug of war of the reports is the formula of the theory; it rose.
assert np.allclose([scores["trained"], scores["unlearned"]], [before["tow"], report["tow"]])
assert scores["trained"] < 0.1 < 0.85 < scores["unlearned"]
# The network that was given was left as it was.
assert (model(train[0]).argmax(1)[forget] == train[1][forget]).float().mean() > 0.9
