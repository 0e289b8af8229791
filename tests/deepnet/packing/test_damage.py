"""What is missing, damaged, altered or in the way is named, and nothing is written."""

import shutil
from pathlib import Path

import pytest

from deepnet.packing import pack, unpack
from deepnet.packing.manifest import Manifest
from tests.deepnet.packing.parts import contents


def test_a_missing_part_is_named_and_nothing_written(parcel: Path, tmp_path: Path) -> None:
    (parcel / "part-00003.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"part-00003\.bin is missing;"):
        unpack(parcel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", ["bit", "short", "long", "swapped"])
def test_a_damaged_part_is_named_and_nothing_written(parcel: Path, tmp_path: Path, change: str) -> None:
    path = parcel / "part-00002.bin"
    content = bytearray(path.read_bytes())
    if change == "bit":
        content[777] ^= 1
    damaged = {"short": content[:-1], "long": content + b"x", "swapped": (parcel / "part-00001.bin").read_bytes()}
    path.write_bytes(damaged.get(change, content))
    for available in (False, True):
        with pytest.raises(ValueError, match=r"part-00002\.bin is damaged"):
            unpack(parcel, tmp_path / "out", available=available)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"seal": "x"}'])
def test_a_damaged_manifest_is_named(parcel: Path, tmp_path: Path, damage: bytes) -> None:
    (parcel / "manifest.json").write_bytes(damage)
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        unpack(parcel, tmp_path / "out")


def test_an_altered_manifest_is_named(parcel: Path, tmp_path: Path) -> None:
    path = parcel / "manifest.json"
    path.write_text(path.read_text().replace("empty.txt", "other.txt"))
    with pytest.raises(ValueError, match="seal"):
        unpack(parcel, tmp_path / "out")


def test_a_missing_manifest_is_named(parcel: Path, tmp_path: Path) -> None:
    (parcel / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"manifest\.json is missing"):
        unpack(parcel, tmp_path / "out")


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "a/../../escaped", "a\\b"])
def test_nothing_is_written_elsewhere(name: str, parcel: Path, tmp_path: Path) -> None:
    found = Manifest.read(parcel)
    entry = next(iter(found.entries.values()))
    Manifest(found.parts, {name: type(entry)(name, entry.sha256, entry.source, entry.chunks)}).save(parcel)
    with pytest.raises(ValueError, match="does not lie in its folder"):
        unpack(parcel, tmp_path / "out")


def test_results_that_differ_are_never_overwritten(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.jsonl").write_text("mine")
    with pytest.raises(ValueError, match=r"results\.jsonl is there with other contents"):
        unpack(packed, out)
    assert contents(out) == {"results.jsonl": b"mine"}
    done = unpack(packed, out, keep=True)
    assert done.kept == ("results.jsonl",)
    assert (out / "results.jsonl").read_text() == "mine"
    assert len(contents(out)) == len(done.written) + 1


def test_a_damaged_model_is_not_packed(study: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(study, tmp_path / "damaged"))
    model = next((folder / "models").iterdir())
    model.write_bytes(model.read_bytes()[:-9])
    with pytest.raises(ValueError, match=model.name):
        pack(folder, tmp_path / "parts")


def test_what_is_being_written_is_left_out(study: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(study, tmp_path / "busy"))
    (folder / "rows" / "abc.json.123.partial").write_text("half")
    (folder / ".hidden").write_text("half")
    pack(folder, tmp_path / "parts")
    assert Manifest.read(tmp_path / "parts").entries.keys() == contents(study).keys()


def test_another_rounding_takes_another_folder(study: Path, parcel: Path) -> None:
    with pytest.raises(ValueError, match="another folder"):
        pack(study, parcel, weights="exact")
