"""Results that travel in parts: what arrives is what was sent, or one error says what is wrong."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from deepnet import weights  # noqa: E402
from deepnet.cli import main  # noqa: E402
from deepnet.cli.packing import size_of  # noqa: E402
from deepnet.packing import pack, unpack  # noqa: E402
from deepnet.packing.manifest import Manifest  # noqa: E402
from deepnet.packing.rounding import ROUNDED  # noqa: E402
from tests.deepnet.small_study import numbers, run_small  # noqa: E402

SIZE = 20_000


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packing") / "small"
    run_small(folder)
    (folder / "empty.txt").touch()
    return folder


@pytest.fixture(scope="module")
def packed(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "parts"
    pack(study, out, part_size=SIZE)
    return out


@pytest.fixture
def parcel(packed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(packed, tmp_path / "parcel"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def others(found: dict[str, bytes]) -> dict[str, bytes]:
    """All but the models."""
    return {name: content for name, content in found.items() if not name.startswith("models/")}


# --- there and back ------------------------------------------------------------------------------------


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


# --- going on ------------------------------------------------------------------------------------------


def test_a_study_goes_on_after_its_journey(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are taken as they are; models that were measured are not made again, those that were not are."""
    folder = tmp_path / "out"
    unpack(packed, folder)
    before = numbers(folder)
    (folder / "results.jsonl").unlink()
    monkeypatch.setattr("deepnet.stages.apply", lambda *_, **__: pytest.fail("trained again"))
    run_small(folder)
    assert numbers(folder) == before


def test_lost_rows_are_measured_again_with_rounded_weights(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    unpack(packed, folder)
    before = numbers(folder)
    for path in (folder / "rows").iterdir():
        path.unlink()
    run_small(folder)
    for one, other in zip(numbers(folder), before, strict=True):
        assert one["retain_loss"] == pytest.approx(other["retain_loss"], abs=2e-3)
        assert one["retain_loss"] != other["retain_loss"]


def test_new_results_travel_in_new_parts(study: Path, tmp_path: Path) -> None:
    folder, out = Path(shutil.copytree(study, tmp_path / "growing")), tmp_path / "parts"
    row = next((folder / "rows").iterdir())
    kept = row.read_bytes()
    row.unlink()
    pack(folder, out, part_size=SIZE)
    first = contents(out)
    row.write_bytes(kept)
    (folder / "results.jsonl").write_text("{}\n")
    pack(folder, out, part_size=SIZE)
    second = contents(out)
    parts = {name for name in first if name in second} - {"manifest.json"}
    assert len(parts) > len(first) / 2
    assert all(second[name] == first[name] for name in parts)
    assert sum(len(second[name]) for name in second.keys() - first.keys()) == len(kept) + 3
    unpack(out, tmp_path / "out")
    assert others(contents(tmp_path / "out")) == others(contents(folder))


def test_what_is_gone_is_packed_no_more(study: Path, tmp_path: Path) -> None:
    folder, out = Path(shutil.copytree(study, tmp_path / "shrinking")), tmp_path / "parts"
    pack(folder, out, part_size=SIZE)
    shutil.rmtree(folder / "models")
    pack(folder, out, part_size=SIZE)
    assert not any(name.startswith("models/") for name in Manifest.read(out).entries)
    assert {path.name for path in out.iterdir()} == {*Manifest.read(out).parts, "manifest.json"}
    unpack(out, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(folder)


@pytest.mark.parametrize("after", [1, 4, 9])
def test_killed_packing_goes_on(study: Path, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out, real, left = tmp_path / "parts", Manifest.save, [after]

    def killed(self: Manifest, folder: Path) -> None:
        real(self, folder)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Manifest, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        pack(study, out, part_size=SIZE)
    monkeypatch.setattr(Manifest, "save", real)
    begun = {name: entry.sha256 for name, entry in Manifest.read(out).entries.items()}
    pack(study, out, part_size=SIZE)
    assert begun.items() <= {name: entry.sha256 for name, entry in Manifest.read(out).entries.items()}.items()
    unpack(out, tmp_path / "out")
    assert others(contents(tmp_path / "out")) == others(contents(study))


def test_killed_unpacking_goes_on(packed: Path, tmp_path: Path) -> None:
    unpack(packed, tmp_path / "out")
    whole = contents(tmp_path / "out")
    for name in list(whole)[::3]:
        (tmp_path / "out" / name).unlink()
    done = unpack(packed, tmp_path / "out")
    assert set(done.written) == set(list(whole)[::3])
    assert contents(tmp_path / "out") == whole


def test_parts_arrive_in_any_order(packed: Path, tmp_path: Path) -> None:
    here = tmp_path / "arriving"
    here.mkdir()
    shutil.copy(packed / "manifest.json", here)
    names = list(Manifest.read(packed).parts)
    random.Random(0).shuffle(names)
    written: set[str] = set()
    for name in names:
        shutil.copy(packed / name, here)
        done = unpack(here, tmp_path / "out", available=True)
        assert not written & set(done.written)
        written |= set(done.written)
    assert not done.awaited
    unpack(packed, tmp_path / "straight")
    assert contents(tmp_path / "out") == contents(tmp_path / "straight")


# --- what is not as it should be -----------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["pack", "nowhere", "--out", "p"], "nowhere"),
        (["pack", ".", "--out", "p"], "out"),
        (["pack", "empty", "--out", "p"], "nothing to pack"),
        (["pack", "empty", "--out", "p", "--parts", "many"], "parts"),
        (["pack", "empty", "--out", "p", "--parts", "10"], "part_size"),
        (["unpack", "empty", "--out", "q"], "manifest.json"),
    ],
)
def test_bad_words_are_named(
    words: list[str], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert named in error


def test_another_rounding_takes_another_folder(study: Path, parcel: Path) -> None:
    with pytest.raises(ValueError, match="another folder"):
        pack(study, parcel, weights="exact")


# --- from the terminal ---------------------------------------------------------------------------------


def test_there_and_back_from_the_terminal(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts, out = str(tmp_path / "parts"), str(tmp_path / "out")
    assert main(["pack", str(study), "--out", parts, "--parts", "64K"]) == 0
    assert f"{len(contents(study))} files in" in capsys.readouterr().out
    last = max(path.name for path in (tmp_path / "parts").glob("*.bin"))
    (tmp_path / "parts" / last).unlink()
    assert main(["unpack", parts, "--out", out]) == 2
    assert last in capsys.readouterr().err
    assert main(["unpack", parts, "--out", out, "--available"]) == 0
    assert "wait for parts" in capsys.readouterr().out
    assert numbers(tmp_path / "out") == numbers(study)


@pytest.mark.parametrize(("text", "size"), [("16M", 16 * 2**20), ("1g", 2**30), ("64K", 65536), ("5000", 5000)])
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size
