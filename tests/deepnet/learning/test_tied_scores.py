"""The cut of a mask: scores that differ by rounding are tied, and scores of every size and kind are cut."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from deepnet.learning.masks import select  # noqa: E402


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("order", ["largest", "smallest"])
def test_scores_that_differ_by_rounding_are_taken_in_order(order: str, dtype: torch.dtype) -> None:
    sign, unit = (1.0 if order == "largest" else -1.0), torch.finfo(dtype).eps
    levels = torch.tensor([0.3, 0.2, 0.3, 0.2, 0.2, 0.1, 0.2, 0.2], dtype=dtype)
    for seed in range(10):
        bits = torch.randint(-6, 7, levels.shape, generator=torch.Generator().manual_seed(seed))
        scores = {"a": sign * levels * (1.0 + unit * bits)}
        for count, expected in ((2, [0, 2]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (7, [0, 1, 2, 3, 4, 6, 7])):
            mask = select(scores, (count + 0.5) / 8, order)
            assert mask.values["a"].nonzero().flatten().tolist() == expected
        scores["a"][7] += sign * 2000 * unit
        assert select(scores, 3.5 / 8, order).values["a"].nonzero().flatten().tolist() == [0, 2, 7]


def test_scores_of_every_size_are_cut() -> None:
    least, most = torch.finfo(torch.float32).tiny, torch.finfo(torch.float32).max
    scores = {"a": torch.tensor([most, -most, torch.inf, -torch.inf, 0.0, least, -least])}
    order = [2, 0, 5, 4, 6, 1, 3]
    for count in range(8):
        for end, chosen in (("largest", order[:count]), ("smallest", order[::-1][:count])):
            found = select(scores, min((count + 0.5) / 7, 1.0), end).values["a"]
            assert set(found.nonzero().flatten().tolist()) == set(chosen)


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.bfloat16])
def test_scores_of_every_kind_are_cut(dtype: torch.dtype) -> None:
    scores = {"a": torch.tensor([0, 1, 1, 0, 1]).to(dtype)}
    assert select(scores, 0.4, "largest").values["a"].tolist() == [False, True, True, False, False]
    assert select(scores, 0.4, "smallest").values["a"].tolist() == [True, False, False, True, False]
