"""Studies, packing and unpacking that were interrupted, or have grown, go on where they were."""

import random
import shutil
from pathlib import Path

import pytest

from deepnet.packing import pack, unpack
from deepnet.packing.manifest import Manifest
from tests.deepnet.packing.parts import SIZE, contents, others
from tests.deepnet.small_study import numbers, run_small


def test_a_study_goes_on_after_its_journey(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are taken as they are; models that were measured are not made again, those that were not are."""
    folder = tmp_path / "out"
    unpack(packed, folder)
    before = numbers(folder)
    (folder / "results.jsonl").unlink()
    monkeypatch.setattr("deepnet.studies.stages.apply", lambda *_, **__: pytest.fail("trained again"))
    run_small(folder)
    assert numbers(folder) == before


def test_lost_rows_are_measured_again_with_rounded_weights(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    unpack(packed, folder)
    before = numbers(folder)
    lost = sorted((folder / "rows").iterdir())[::3]
    for path in lost:
        path.unlink()
    run_small(folder)
    found = [(one["retain_loss"], other["retain_loss"]) for one, other in zip(numbers(folder), before, strict=True)]
    assert all(one == pytest.approx(other, abs=2e-3) for one, other in found)
    assert sum(one != other for one, other in found) == len(lost)


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


def test_results_leave_a_pack_only_when_told(study: Path, tmp_path: Path) -> None:
    """Those of another study, packed into the same place, would push them out."""
    other, out = tmp_path / "other", tmp_path / "parts"
    (other / "rows").mkdir(parents=True)
    (other / "rows" / "1.json").write_text("{}")
    pack(study, out, part_size=SIZE)
    before = contents(out)
    with pytest.raises(ValueError, match=r"^Argument `out` must name the pack of these results.* such as ") as refused:
        pack(other, out, part_size=SIZE)
    assert "models/" not in str(refused.value)
    assert contents(out) == before
    assert list(pack(other, out, part_size=SIZE, overwrite=True).entries) == ["rows/1.json"]


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
