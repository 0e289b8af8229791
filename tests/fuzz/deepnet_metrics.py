"""Doors that measure: outputs of a model, accuracies, attacks, divergences, entanglement, curvature, scores."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import strategies as st

from deepnet.metrics import (
    Accuracies,
    Outputs,
    collect,
    feature_map,
    gap,
    klom,
    klom_null,
    mean_tug_of_war,
    measure_entanglement,
    membership_inference,
    official_reference,
    score,
    stack_margins,
    tug_of_war,
    tug_of_war_membership,
)
from deepnet.metrics.curvature import curvature, hessian_diagonal
from deepnet.metrics.landscape import directions, landscape
from deepnet.networks.models import Network
from deepnet.studies.memorization import memorization_scores
from tests.fuzz.deepnet_training import ROWS
from tests.fuzz.deepnet_values import FRACTION, ODD, Door, Draw, among, arguments, spoilt
from tests.fuzz.deepnet_worlds import N, arrays, images, labels, network, outputs

ACCURACIES = st.builds(Accuracies, retain=FRACTION, forget=FRACTION, test=FRACTION)
SEED = among(0, 1, np.int64(2))


@st.composite
def made_outputs(draw: Draw) -> Door:
    """Outputs made by hand, and what is done with them."""
    logits = draw(arrays(*[(8, 3)] * 20, (8, 1), (7, 3), (0, 3)))
    truth = draw(
        among(*[np.arange(8) % 3] * 20, np.arange(8), np.arange(8) - 1, np.zeros(8), np.zeros((8, 1), int), None)
    )
    features = draw(arrays(*[(8, 4)] * 20, (8,), (8, 0)))
    mask = draw(among(*[np.arange(8) < 4] * 20, np.zeros(8, bool), np.ones(7, bool), np.arange(8), None, [True] * 8))

    def door() -> None:
        made = Outputs(logits, truth, features)
        assert 0 <= score(made).accuracy <= 1
        assert len(Outputs.concatenate([made, made.subset(mask)])) == 8 + np.sum(mask)

    return door


@st.composite
def collected(draw: Draw) -> Door:
    """A model run over images."""
    model = draw(spoilt(st.builds(network), among(None, torch.nn.Linear(2, 2), object())))
    rows = draw(st.one_of(spoilt(ROWS), among(torch.arange(N), torch.arange(3))))
    fields = draw(arguments({"batch_size": among(1, 7, 512), "autocast": among(None, torch.bfloat16)}))
    if isinstance(model, Network) and draw(among(False, False, False, True)):
        torch.nn.init.constant_(model.head.bias, math.nan)

    def door() -> None:
        assert len(collect(model, images(), rows, **fields)) == len(rows)

    return door


@st.composite
def accuracies(draw: Draw) -> Door:
    """Accuracies, and the tug of war between two models."""
    fields = draw(arguments({"retain": FRACTION, "forget": FRACTION, "test": FRACTION}, ("retain", "forget", "test")))
    other, many = draw(spoilt(ACCURACIES)), draw(spoilt(st.lists(ACCURACIES, min_size=1, max_size=2)))
    efficacy = draw(spoilt(FRACTION))
    case = draw(among(*[("cifar10", "random"), ("cifar100", "high")] * 3, ("digits", "high"), (None, 3)))

    def door() -> None:
        made = Accuracies(**fields)
        assert 0 <= tug_of_war(made, other) <= 1
        assert 0 <= mean_tug_of_war(made, many) <= 1
        assert 0 <= tug_of_war_membership(made, other, unlearned_efficacy=efficacy, retrained_efficacy=0.5) <= 1
        assert 0 <= tug_of_war(made, official_reference(*case)) <= 1

    return door


@st.composite
def memberships(draw: Draw) -> Door:
    """Membership inference."""
    sets = {name: draw(spoilt(outputs())) for name in ("retain", "forget", "test")}
    fields = draw(arguments({
        "shadow": among("random", "first", "balanced"), "shadow_size": among(None, 10, 3), "draws": among(1, 2),
        "seed": SEED, "m_entropy_by": among("definition", "official"),
    }))  # fmt: skip

    def door() -> None:
        found = membership_inference(**sets, **fields)
        assert all(value == 0 for value in gap(found, found).values())

    return door


@st.composite
def divergences(draw: Draw) -> Door:
    """KLoM, its floor, and margins of several models."""
    shapes = (*[(4, 5)] * 9, (1, 5), (4, 0), (4, 6))
    pair = draw(st.one_of(st.tuples(arrays((5, 5)), arrays((4, 5))), st.tuples(arrays(*shapes), arrays(*shapes))))
    fields = draw(arguments({"bins": among(2, 20), "clip": among(100.0, 1), "floor": among(1e-5, 1.0, 1e-300)}))
    one = draw(outputs())
    models = draw(among([one], [one, one], [one, one], [one, draw(outputs())], []))

    def door() -> None:
        found = klom(*pair, **fields)
        assert found.mean >= 0
        assert fields.get("floor", 0) == 1.0 or klom(pair[0], pair[0], **fields).mean == 0
        assert math.isfinite(klom_null(pair[1], **fields).percentile_95)
        assert len(stack_margins(models)) == len(models)

    return door


@st.composite
def entanglements(draw: Draw) -> Door:
    """Entanglement by variance and by transport."""
    sets = {name: draw(spoilt(outputs())) for name in ("retain", "forget")}
    fields = draw(arguments({"p": among(1, 2), "scale": among("diameter", "own maximum"), "max_samples": among(2, 100),
                             "seed": SEED}))  # fmt: skip

    def door() -> None:
        found = measure_entanglement(**sets, **fields)
        assert -1e-9 <= found.wasserstein <= 1
        assert found.variance >= 0

    return door


@st.composite
def maps(draw: Draw) -> Door:
    """Maps of features (by principal components: UMAP takes seconds)."""
    before = draw(outputs())
    after = draw(spoilt(among(before, before, draw(outputs()))))
    n = len(before)
    forgotten = draw(among(np.arange(n) < 2, np.arange(n) < 2, np.ones(n + 1, bool), np.arange(n), None, [True] * n))
    fields = draw(arguments({"seed": SEED, "n_neighbors": among(2, 15), "min_dist": among(0.1, 0.5)},
                            odd=among(None, -1, 2.5, "a", 1e308, True)))  # fmt: skip

    def door() -> None:
        assert feature_map(before=before, after=after, forgotten=forgotten, method="pca", **fields).before.shape == (
            n,
            2,
        )

    return door


@st.composite
def curvatures(draw: Draw) -> Door:
    """The Hessian of a tiny network, and its loss on a plane."""
    x, y = images().pixels[:6], labels()[:6]
    batches = draw(spoilt(among(*[[(x, y)]] * 5, [(x[:3], y[:3]), (x[3:], y[3:])], [(x, y[:5])], [(x, y.float())], [],
                                [(x[:0], y[:0])], [x], [(x, y + 3)])))  # fmt: skip
    model = draw(spoilt(st.builds(network, among(0, 1)), among(None, object())))
    fields = draw(arguments({"probes": among(2, 3), "seed": SEED}, ("probes", "seed"), among(0, 1, -1, None, "a", 0.5)))
    which = draw(among("curvature", "diagonal", "landscape"))
    grid = draw(among({"extent": 0.5}, {"extent": 0.5}, {"points": 4}, {"points": -1}, {"extent": 0.0},
                      {"extent": math.nan}))  # fmt: skip

    def door() -> None:
        if which == "curvature":
            assert math.isfinite(curvature(model, batches, tolerance=0.1, **fields).top)
        elif which == "diagonal":
            assert len(hessian_diagonal(model, batches, **fields)) == len(dict(model.named_parameters()))
        else:
            axes = directions(model, fields["seed"])
            assert landscape(model, axes, batches, **({"points": 3} | grid)).loss.shape == (3, 3)

    return door


@st.composite
def votes(draw: Draw) -> Door:
    """Memorization scores out of votes: in [-1, 1], or NaN where there is no vote."""
    shape = draw(among((4, 6), (4, 6), (1, 6), (0, 6), (4, 0), (6,)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    seen = draw(spoilt(st.just(rng.random(shape) < 0.6), st.one_of(ODD, arrays((4, 6)))))
    right = draw(spoilt(among(rng.random(shape) < 0.8, np.ones(shape, bool)), st.one_of(ODD, arrays((4, 6)))))

    def door() -> None:
        found = memorization_scores(seen, right)
        known = found[~np.isnan(found)]
        assert found.shape == right.shape[1:]
        assert (np.abs(known) <= 1).all()

    return door
