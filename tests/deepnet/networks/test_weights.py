"""Weights on disk: what was written is read, and nothing else is."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import safetensors.torch  # noqa: E402

from deepnet.networks import weights as module  # noqa: E402
from deepnet.networks.weights import load_model, read, write, write_arrays  # noqa: E402
from simulate.house.files import write_text  # noqa: E402
from tests.deepnet.oracles import small_network  # noqa: E402


def some_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "float32": torch.randn(3, 4, generator=generator),
        "float64": torch.randn(2, generator=generator, dtype=torch.float64),
        "half": torch.randn(5, generator=generator).to(torch.bfloat16),
        "counter": torch.tensor(7),
        "mask": torch.tensor([[True, False], [False, True]]),
        "transposed": torch.arange(6.0).reshape(2, 3).T,
        "pixels": torch.arange(8, dtype=torch.uint8),
        "odd": torch.tensor([float("nan"), float("inf"), -0.0, 1e-45]),
        "empty": torch.zeros(0, 3),
    }


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.ndim else tensor.numpy().tobytes()


ABOUT = {"seed": 3, "nested": {"a": [1, 2.5, None, True]}, "word": "ToW ≤ 1"}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    write(path, some_tensors(), ABOUT)
    tensors, about = read(path)
    assert about == ABOUT
    assert tensors.keys() == some_tensors().keys()
    for name, expected in some_tensors().items():
        assert (tensors[name].dtype, tensors[name].shape) == (expected.dtype, expected.shape)
        assert bits(tensors[name]) == bits(expected), name
    assert [each.name for each in tmp_path.iterdir()] == ["weights.safetensors"]


def test_others_can_read_it(tmp_path: Path) -> None:
    write(tmp_path / "weights", some_tensors(), ABOUT)
    assert safetensors.torch.load_file(tmp_path / "weights").keys() == some_tensors().keys()


def test_a_model_comes_back_to_the_bit(tmp_path: Path) -> None:
    one, other = small_network(0, torch.float32), small_network(1, torch.float32)
    write(tmp_path / "model", one.state_dict(), {})
    load_model(other, read(tmp_path / "model")[0], tmp_path / "model")
    for name, value in one.state_dict().items():
        assert bits(other.state_dict()[name]) == bits(value)


def test_tensors_that_share_memory_are_refused(tmp_path: Path) -> None:
    """No network here ties weights; a silent copy would untie them."""
    shared = torch.arange(4.0)
    with pytest.raises(RuntimeError, match="share memory"):
        write(tmp_path / "shared", {"a": shared, "b": shared[1:]}, {})
    assert list(tmp_path.iterdir()) == []


# --- files that are not what they should be ------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 4, 8, 30, 0.5, 0.95, -1])
def test_a_truncated_file_is_refused(kept: float, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    write(path, some_tensors(), ABOUT)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match="weights"):
        read(path)


def damage_header(content: bytes) -> bytes:
    return content[:8] + b"X" + content[9:]


def damage_length(content: bytes) -> bytes:
    return b"\xff" * 8 + content[8:]


def damage_offsets(content: bytes) -> bytes:
    return content.replace(b'"data_offsets":[0,', b'"data_offsets":[9,', 1)


@pytest.mark.parametrize("damage", [damage_header, damage_length, damage_offsets])
def test_a_damaged_header_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    write(path, some_tensors(), ABOUT)
    content = path.read_bytes()
    assert damage(content) != content
    path.write_bytes(damage(content))
    with pytest.raises(ValueError, match="weights"):
        read(path)


class Harmful:
    """Unpickling it would leave a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickled_checkpoint_is_refused_unopened(zipped: bool, tmp_path: Path) -> None:
    path, mark = tmp_path / "model.pt", tmp_path / "mark"
    torch.save({"w": torch.ones(2), "bad": Harmful(mark)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"model\.pt.*safetensors"):
        read(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()  # it could have


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read(tmp_path / "nowhere")


def test_a_file_of_another_program_has_no_description(tmp_path: Path) -> None:
    """safetensors without our description: refused with a clear error, or read with an empty one."""
    path = tmp_path / "foreign"
    safetensors.torch.save_file({"w": torch.ones(2)}, path)
    try:
        tensors, about = read(path)
    except ValueError as error:
        assert "foreign" in str(error)  # noqa: PT017
    else:
        assert torch.equal(tensors["w"], torch.ones(2))
        assert about == {}


# --- other models --------------------------------------------------------------------------------------


def without_last(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in state.items() if name != "head.bias"}


def with_another(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**state, "tail.weight": torch.ones(2)}


def reshaped(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**state, "head.weight": state["head.weight"].T.contiguous()}


@pytest.mark.parametrize(
    ("change", "culprit"),
    [(without_last, "head.bias"), (with_another, "tail.weight"), (reshaped, "head.weight")],
)
def test_weights_of_another_model_are_refused_and_the_model_stays(change: Callable, culprit: str) -> None:
    model, other = small_network(0), small_network(1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=rf"(?s)some/file.*{culprit}|{culprit}.*some/file"):
        load_model(model, change(dict(other.state_dict())), "some/file")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_wider_model_is_refused() -> None:
    model, other = small_network(0), small_network(1, width=3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="some/file"):
        load_model(model, other.state_dict(), "some/file")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# --- all or nothing ------------------------------------------------------------------------------------


class DiskFullError(OSError):
    pass


def fail(*_: object, **__: object) -> None:
    raise DiskFullError


def fail_after_half(target: object) -> Callable:
    """Writes half of what it should, then fails."""

    def save(tensors: dict[str, torch.Tensor], path: Path, *args: object, **kwargs: object) -> None:
        target(tensors, path, *args, **kwargs)
        content = Path(path).read_bytes()
        Path(path).write_bytes(content[: len(content) // 2])
        raise DiskFullError

    return save


WRITERS = {
    "tensors": lambda path, old: write(path, {"w": torch.full((3,), float(old))}, {"old": old}),
    "text": lambda path, old: write_text(path, "old" if old else "new"),
    "arrays": lambda path, old: write_arrays(path, {"a": np.full(3, old)}),
}


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_failed_move_leaves_the_old_file(
    kind: str, existing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    if existing:
        WRITERS[kind](path, True)
    before = path.read_bytes() if existing else None
    with monkeypatch.context() as patch:
        for name in ("replace", "rename"):
            patch.setattr(Path, name, fail)
            patch.setattr(f"os.{name}", fail)
        with pytest.raises(DiskFullError):
            WRITERS[kind](path, False)
    assert [each.name for each in tmp_path.iterdir()] == (["file"] if existing else [])  # and nothing beside it
    assert not existing or path.read_bytes() == before
    WRITERS[kind](path, False)
    assert path.read_bytes() != before


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write(path, {"w": torch.ones(3)}, {})
    before = path.read_bytes()
    monkeypatch.setattr("safetensors.torch.save_file", fail_after_half(safetensors.torch.save_file))
    if hasattr(module, "save_file"):
        monkeypatch.setattr(module, "save_file", fail_after_half(module.save_file))
    with pytest.raises(DiskFullError):
        write(path, {"w": torch.zeros(300)}, {})
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_description_that_json_cannot_hold_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, {"w": torch.ones(3)}, {})
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write(path, {"w": torch.zeros(3)}, {"set": {1}})
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_text_and_arrays_round_trip(tmp_path: Path) -> None:
    write_text(tmp_path / "rows.jsonl", "é ≤ 1\n")
    assert (tmp_path / "rows.jsonl").read_bytes() == "é ≤ 1\n".encode()
    write_arrays(tmp_path / "votes.npz", {"seen": np.array([[True, False]]), "n": np.arange(3)})
    with np.load(tmp_path / "votes.npz", allow_pickle=False) as found:
        assert found["seen"].tolist() == [[True, False]]
        assert found["n"].tolist() == [0, 1, 2]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["rows.jsonl", "votes.npz"]
    assert json.loads('"é"') == "é"
