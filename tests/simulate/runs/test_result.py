"""What a run leaves: names hold what they stand for, and a test set is counted by hand."""

import numpy as np
import pytest

from simulate import SGD, Instance, Loss, NegGrad, Phase, Problem, Record, run
from simulate.runs.ensemble import Cell, run_ensemble

PHASES = (Phase("fit", Loss(), SGD(lr=0.1), steps=12), Phase("unlearn", NegGrad(), SGD(lr=0.1), steps=5))
PROBLEM = Problem(d=300, n=12, m=3, signal=2.0, forget=0.25, label_flip=0.1)


def test_a_dataset_has_the_end_of_the_run() -> None:
    result = run(PROBLEM, PHASES, seed=3, record=Record(points=2), test_directions=16)
    data = result.to_dataset()
    np.testing.assert_array_equal(data["final_kappa"], result.kappa)
    np.testing.assert_array_equal(data["final_zeta"], result.zeta)
    np.testing.assert_array_equal(data["label"], result.instance.y)
    np.testing.assert_array_equal(data["forgotten"], result.instance.forget)
    for name, value in {
        "train_loss": result.train_loss, "retain_accuracy": result.retain_accuracy,
        "forget_accuracy": result.forget_accuracy, "final_test_error": result.test.error,
        "final_test_error_se": result.test.standard_error,
    }.items():  # fmt: skip
        assert data[name].item() == value
    assert data.attrs["status"] == "max_steps"
    assert data.attrs["ended"] == "{'fit': '12 steps, max_steps', 'unlearn': '5 steps, max_steps'}"
    assert data.attrs["kink_margin"] == result.kink_margin
    assert "fit 12 steps (max_steps), unlearn 5 steps (max_steps)" in repr(result)
    assert f"retain accuracy {result.retain_accuracy:.3f}, forget accuracy {result.forget_accuracy:.3f}" in repr(result)


def test_summaries_have_the_same_numbers() -> None:
    result = run(PROBLEM, PHASES, seed=3, record=Record(points=2), test_directions=16)
    found = run_ensemble([Cell(PROBLEM, PHASES, 3)], test_directions=16).isel(cell=0)
    own = result.zeta[(result.instance.y < 0).astype(int), :, np.arange(12)].mean(axis=1)
    forget = result.instance.forget
    assert found["zeta_mean_retain"].item() == pytest.approx(own[~forget].mean())
    assert found["zeta_mean_forget"].item() == pytest.approx(own[forget].mean())
    assert found["test_error_ess"].item() == pytest.approx(result.test.effective_sample_size)
    assert found["kink_margin"].item() == pytest.approx(result.kink_margin)


def test_a_test_set_is_counted() -> None:
    """Ten held-out samples: the error by label, its binomial error; and the same in either space."""
    rng = np.random.default_rng(0)
    test_xi, test_y = rng.standard_normal((10, 9)), np.array([1, 1, 1, -1, -1, -1, -1, 1, 1, -1])
    phi = 0.3 * np.eye(9)[0]
    given = {
        "phi": phi, "xi": rng.standard_normal((6, 9)), "y": np.array([1, -1, 1, -1, 1, 1]),
        "w0": 0.1 * rng.standard_normal((2, 3, 9)), "forget": np.arange(6) > 4, "P": 2, "test_xi": test_xi,
        "test_y": test_y, "seed": 0,
    }  # fmt: skip
    result = run(Instance.from_arrays(**given, space="ambient"), PHASES[:1], engine="dense")
    positive, negative = result.state.weights
    patches = np.stack([test_y[:, None] * phi, test_xi])
    margins = test_y * sum(np.maximum(patches @ positive.T, 0).sum(-1) - np.maximum(patches @ negative.T, 0).sum(-1))
    wrong = margins < 0
    assert 0 < wrong.mean() < 1
    assert result.test_error == pytest.approx(wrong.mean())
    assert result.test_error_se == pytest.approx(np.sqrt(wrong.mean() * (1 - wrong.mean()) / 10))
    assert result.test.clean_error_by_label == pytest.approx([wrong[test_y == 1].mean(), wrong[test_y == -1].mean()])
    assert result.test.effective_sample_size == 10
    assert result.test.log_clean_error == pytest.approx(np.log(wrong.mean()))
    assert run(Instance.from_arrays(**given), PHASES[:1]).test_error == result.test_error
