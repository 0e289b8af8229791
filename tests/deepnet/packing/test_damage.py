"""What is missing, damaged, altered or in the way is named, and nothing is written."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepnet.packing import pack, unpack
from deepnet.packing.manifest import Manifest, digest
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


def resealed(parcel: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The parcel with another manifest, sealed as if it were sound."""
    path = parcel / "manifest.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    del found["seal"]
    change(found)
    seal = digest(json.dumps(found, sort_keys=True).encode())
    path.write_text(json.dumps(found | {"seal": seal}), encoding="utf-8")
    return parcel


def with_chunks(found: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in found["files"] if one["chunks"])


@pytest.mark.parametrize(
    "change",
    {
        "path is a number": lambda found: found["files"][0].update(path=3),
        "path with a zero byte": lambda found: found["files"][0].update(path="a\0b"),
        "path that is none": lambda found: found["files"][0].update(path="."),
        "file in a file": lambda found: found["files"][1].update(path=found["files"][0]["path"] + "/x"),
        "two of one path": lambda found: found["files"][1].update(path=found["files"][0]["path"]),
        "two of one part": lambda found: found["parts"].append(found["parts"][0]),
        "part elsewhere": lambda found: found["parts"][0].update(name="../part"),
        "part without size": lambda found: found["parts"][0].pop("size"),
        "part that is no part": lambda found: found["parts"].append(7),
        "chunk of a petabyte": lambda found: with_chunks(found)["chunks"][0].update(size=10**15),
        "chunk before the part": lambda found: with_chunks(found)["chunks"][0].update(offset=-5),
        "chunk of half a byte": lambda found: with_chunks(found)["chunks"][0].update(size=0.5),
        "chunk of no part": lambda found: with_chunks(found)["chunks"][0].update(part="nowhere"),
        "chunk beyond its part": lambda found: with_chunks(found)["chunks"][0].update(offset=found["parts"][0]["size"]),
        "field too many": lambda found: found["files"][0].update(more=1),
        "no list of files": lambda found: found.update(files=3),
        "weights of gold": lambda found: found.update(weights="gold"),
        "weights in a list": lambda found: found.update(weights=["exact"]),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_is_sealed_is_not_thereby_sound(change: tuple[str, Any], parcel: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json is no manifest of a pack \(.*\); fetch it again"):
        unpack(resealed(parcel, change[1]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nesting_without_end_is_damage(parcel: Path, tmp_path: Path) -> None:
    (parcel / "manifest.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ValueError, match=r"manifest\.json is damaged \(it is nested too deeply\)"):
        unpack(parcel, tmp_path / "out")


@pytest.mark.parametrize("there", [False, True], ids=["new folder", "folder with results"])
def test_a_failure_in_the_middle_leaves_nothing(
    there: bool, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real, count = tmp_path / "out", Path.rename, 0
    if there:
        unpack(packed, out)
        lost = [out / name for name in list(contents(out))[::2]]
        for path in lost:
            path.unlink()
    before = contents(out) if there else {}

    def failing(path: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(28, "No space left on device", str(target))
        return real(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match=r"No space left on device: '.*out"):
        unpack(packed, out)
    assert count == 4
    assert out.exists() == there
    assert (contents(out) if there else {}) == before


def test_a_disk_without_room_is_named_before_anything_is_written(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(ValueError, match=r"need [\d,]+ bytes, but .*out has room for 1,000\."):
        unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


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


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "study" / "rows").mkdir(parents=True)
    os.mkfifo(tmp_path / "study" / "rows" / "pipe.json")
    with pytest.raises(ValueError, match=r"must hold files alone, but .*pipe\.json is none"):
        pack(tmp_path / "study", tmp_path / "pack")


def test_what_is_being_written_is_left_out(study: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(study, tmp_path / "busy"))
    (folder / "rows" / "abc.json.123.partial").write_text("half")
    (folder / ".hidden").write_text("half")
    pack(folder, tmp_path / "parts")
    assert Manifest.read(tmp_path / "parts").entries.keys() == contents(study).keys()


def test_another_rounding_takes_another_folder(study: Path, parcel: Path) -> None:
    with pytest.raises(ValueError, match="another folder"):
        pack(study, parcel, weights="exact")
