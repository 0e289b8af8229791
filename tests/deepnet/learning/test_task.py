"""What a task trains on: each set holds its own samples, corrected ones among the retained."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from deepnet.data.requests import corrupt  # noqa: E402
from tests.deepnet.oracles import small_task  # noqa: E402


def test_sets_hold_their_samples() -> None:
    plain = small_task()
    task = replace(plain, **dict(zip(("dataset", "split"), corrupt(plain.dataset, plain.split, "labels"), strict=True)))
    clean, wrong, kept = (set(rows.tolist()) for rows in (task.split.corrected, task.split.forget, task.split.retain))
    assert len(clean) == len(wrong) == 15
    found = {part: set(task.rows(part).tolist()) for part in ("pretrain", "retain", "forget", "relabelled")}
    assert found == {
        "pretrain": kept | wrong, "retain": kept | clean, "forget": wrong, "relabelled": kept | clean | wrong,
    }  # fmt: skip
    right = task.dataset.train.labels[task.rows("retain")]
    assert torch.equal(right, plain.dataset.train.labels[task.rows("retain")])
