"""Results that travel in parts: what arrives is what was sent, but for models, which are rounded and say so."""

from pathlib import Path

import torch

from deepnet.networks import weights
from deepnet.packing import pack, unpack
from deepnet.packing.manifest import Manifest
from deepnet.packing.rounding import ROUNDED
from tests.deepnet.packing.parts import SIZE, contents, others


def test_everything_but_models_comes_back_to_the_bit(study: Path, packed: Path, tmp_path: Path) -> None:
    done = unpack(packed, tmp_path / "out")
    assert others(contents(tmp_path / "out")) == others(contents(study))
    assert contents(tmp_path / "out").keys() == contents(study).keys()
    assert set(done.written) == contents(study).keys()


def test_models_are_rounded_and_say_so(study: Path, packed: Path, tmp_path: Path) -> None:
    unpack(packed, tmp_path / "out")
    for path in (study / "models").iterdir():
        exact, before = weights.read(path)
        found, after = weights.read(tmp_path / "out" / "models" / path.name)
        assert after["config"] == before["config"]
        assert after["history"] == before["history"] | {"provenance": ROUNDED}
        assert found.keys() == exact.keys()
        for name, tensor in exact.items():
            wanted = tensor.half() if tensor.ndim >= 2 else tensor
            assert found[name].dtype == wanted.dtype
            assert torch.equal(found[name], wanted), name


def test_exact_models_come_back_to_the_bit(study: Path, tmp_path: Path) -> None:
    pack(study, tmp_path / "exact", part_size=SIZE, weights="exact")
    unpack(tmp_path / "exact", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(study)


def test_without_weights_there_are_none(study: Path, tmp_path: Path) -> None:
    pack(study, tmp_path / "light", part_size=SIZE, weights="none")
    unpack(tmp_path / "light", tmp_path / "out")
    assert contents(tmp_path / "out") == others(contents(study))


def test_rounding_twice_is_rounding_once(packed: Path, tmp_path: Path) -> None:
    unpack(packed, tmp_path / "once")
    pack(tmp_path / "once", tmp_path / "again", part_size=SIZE)
    unpack(tmp_path / "again", tmp_path / "twice")
    assert contents(tmp_path / "twice") == contents(tmp_path / "once")


def test_what_float16_cannot_say_stays_exact(tmp_path: Path) -> None:
    tensors = {"large": torch.full((2, 2), 1e6), "small": torch.full((2,), 1e-9), "count": torch.tensor(3)}
    (tmp_path / "s" / "models").mkdir(parents=True)
    weights.write(tmp_path / "s" / "models" / "a.safetensors", tensors, {"config": 1, "history": {}})
    pack(tmp_path / "s", tmp_path / "p")
    unpack(tmp_path / "p", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "s")


def test_parts_are_no_larger_than_asked_for(packed: Path) -> None:
    parts = Manifest.read(packed).parts
    assert len(parts) > 5
    assert {path.name for path in packed.iterdir()} == {*parts, "manifest.json"}
    sizes = [(packed / name).stat().st_size for name in parts]
    assert sizes[:-1] == [SIZE] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= SIZE


def test_results_come_before_weights(packed: Path) -> None:
    kinds = [name.split("/")[0] for name in Manifest.read(packed).entries]
    assert kinds.index("models") > max(k for k, kind in enumerate(kinds) if kind != "models")
    assert kinds[0] == "rows"


def test_packing_gives_the_same_bytes(study: Path, packed: Path, tmp_path: Path) -> None:
    pack(study, tmp_path / "again", part_size=SIZE)
    assert contents(tmp_path / "again") == contents(packed)
