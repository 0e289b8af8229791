"""The first contact: order, boxes and what is saved, with parts that are shells; options that the real parts take."""

import json
import os
import signal
import struct
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.gpu_options import Options as GpuOptions
from tests.first_contact import __main__ as front
from tests.first_contact import carried, schedule
from tests.first_contact.carried import Carried, unpacked
from tests.first_contact.gathering import study_so_far
from tests.first_contact.packages import THERE, archive, missing, names_in
from tests.first_contact.parts import Contact, parts
from tests.first_contact.prepare import first_scores, pack_images
from tests.first_contact.schedule import Part, Report, run_parts


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks and graces of milliseconds."""
    for name, seconds in {"GRACE": 0.1, "LEAST": 0.05, "LOOK": 0.01, "GATHER": 0.02}.items():
        monkeypatch.setattr(schedule, name, seconds)


def shell(name: str, script: str, **options: object) -> Part:
    return Part(name=name, command=("sh", "-c", script), **options)  # type: ignore[arg-type]


def run(folder: Path, *made: Part, total: float = 30.0) -> dict[str, dict]:
    """The records of parts by their names, as they are on disk."""
    report = Report(folder / "out", {})
    run_parts(made, total, report, folder / "work")
    told = json.loads((folder / "out/contact.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in told["parts"]] == [part.name for part in made]
    return {each["name"]: each for each in told["parts"]}


# --- boxes ---------------------------------------------------------------------------------------------------


def test_a_part_that_hangs_and_one_that_crashes_stop_no_other(tmp_path):
    found = run(
        tmp_path,
        shell("hangs", "echo begun; sleep 60", seconds=0.4),
        shell("deaf", "trap '' INT; sleep 60; sleep 60", seconds=0.4),
        shell("crashes", "echo before; echo 'no such kernel' >&2; exit 3"),
        Part(name="absent", command=("/no/such/program",)),
        Part(name="needs", skipped="needs CUDA"),
        shell("goes on", "echo here"),
    )
    assert found["hangs"]["outcome"].startswith("cut: its time was over")
    assert found["deaf"]["outcome"] == "cut: its time was over, and it did not stop when asked to"
    assert found["deaf"]["seconds"] < 3
    assert found["crashes"]["outcome"] == "crashed with status 3: no such kernel"
    assert found["absent"]["outcome"].startswith("crashed: ")
    assert found["needs"]["outcome"] == "skipped: needs CUDA"
    assert found["goes on"]["outcome"] == "done"
    log = (tmp_path / "out/log.txt").read_text(encoding="utf-8")
    assert [log.index(word) for word in ("begun", "before", "here")] == sorted(
        log.index(word) for word in ("begun", "before", "here")
    )


def test_a_part_is_not_run_without_what_it_needs(tmp_path):
    found = run(tmp_path, shell("images", "exit 1"), shell("study", "true", after="images"), shell("next", "true"),
                shell("last", "true", after="next"), shell("alone", "true", after="elsewhere"))  # fmt: skip
    assert found["study"]["outcome"] == "skipped: the part images was not done"
    assert found["last"]["outcome"] == found["alone"]["outcome"] == "done"


@pytest.mark.parametrize("heard", [signal.default_int_handler, signal.SIG_IGN], ids=["before", "behind"])
def test_a_part_is_asked_to_stop_before_it_is_ended(heard, tmp_path):
    """As by Ctrl-C, so that it can write what it has; also where all of it runs behind a `&`, deaf to Ctrl-C."""
    script = "trap 'echo kept > kept; exit 130' INT; sleep 60 & wait"
    before = signal.signal(signal.SIGINT, heard)
    try:
        told = run(tmp_path, shell("polite", script, seconds=2.0))
        assert signal.getsignal(signal.SIGINT) == heard
    finally:
        signal.signal(signal.SIGINT, before)
    assert told["polite"]["outcome"].startswith("cut: its time was over")
    assert (tmp_path / "work/kept").read_text(encoding="utf-8") == "kept\n"


@pytest.mark.parametrize("end", ["trap '' INT; wait; sleep 60", "exit 1"], ids=["cut", "crashed"])
def test_what_a_part_has_started_ends_with_it(end, tmp_path):
    run(tmp_path, shell("parent", f"sleep 60 & echo $! > child; {end}", seconds=0.3))
    child = int((tmp_path / "work/child").read_text(encoding="utf-8"))
    for _ in range(100):
        stat = Path(f"/proc/{child}/stat")
        if not stat.exists() or stat.read_text(encoding="utf-8").split()[2] == "Z":
            return
        time.sleep(0.02)
    os.kill(child, 9)
    pytest.fail("a process is left over")


def test_what_is_found_is_on_disk_while_a_part_runs(tmp_path):
    out = tmp_path / "out/contact.json"
    counted = {"looks": 0}

    def gather() -> dict[str, int]:
        counted["looks"] += 1
        return dict(counted)

    def fails() -> None:
        raise ValueError("half a file")

    script = f"until grep -q 'looks.: [1-9]' {out}; do sleep 0.01; done; cp {out} seen"
    found = run(tmp_path, shell("first", "true"), shell("second", script, gather=gather, seconds=5),
                shell("third", "true", gather=fails))  # fmt: skip
    seen = {each["name"]: each for each in json.loads((tmp_path / "work/seen").read_text(encoding="utf-8"))["parts"]}
    assert seen["first"]["outcome"] == "done"
    assert seen["second"]["outcome"] == "running"
    assert found["second"]["found"]["looks"] >= seen["second"]["found"]["looks"] >= 1
    assert found["third"]["outcome"] == "done"
    assert found["third"]["gathering"] == "ValueError: half a file"


def test_a_part_may_say_with_its_status_that_a_target_was_missed(tmp_path):
    assert run(tmp_path, shell("slow", "exit 1", fine=(0, 1)))["slow"]["outcome"] == "done"


def test_much_output_does_not_fill_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "MOST_LOG", 1000)
    found = run(tmp_path, shell("loud", "yes loud | head -n 20000; echo the end >&2; exit 1"))
    assert found["loud"]["outcome"] == "crashed with status 1: the end"
    assert (tmp_path / "out/log.txt").stat().st_size < 2000


# --- time ----------------------------------------------------------------------------------------------------


class Clock:
    """A clock that a part moves on by what it takes."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: float, *wanted: tuple[float, float]) -> list[float]:
    """Limits that parts get which may take, and do take, so many seconds; 0 is one that is not begun."""
    clock = Clock()

    def takes(part: Part, limit: float, record: dict, *_: object) -> None:
        clock.now += min(float(part.command[0]), limit)
        record["outcome"] = "done"

    monkeypatch.setattr(schedule, "_run", takes)
    report = Report(tmp_path, {}, clock)
    made = [Part(name=str(i), command=(f"{takes_it}", ""), seconds=may) for i, (may, takes_it) in enumerate(wanted)]
    run_parts(made, total, report, tmp_path)
    assert clock.now - 100 <= total
    return [each.get("limit", 0.0) for each in report.told["parts"]]


INF = float("inf")


def test_no_part_takes_the_time_of_another_and_the_last_has_what_is_left(tmp_path, monkeypatch):
    assert limits(tmp_path, monkeypatch, 540, (150, 150), (60, 99), (130, 20), (INF, INF)) == [150, 60, 130, 310]
    assert limits(tmp_path, monkeypatch, 100, (60, 60), (60, 60), (60, 1), (INF, INF)) == [60, 40, 0, 0]


def contact(tmp_path: Path, **options: object) -> Contact:
    given: dict = {"minutes": 9.0, "device": "cuda", "small": False}
    there = Carried(tmp_path / "images", tmp_path / "a.tar.xz", tmp_path / "scores.npz", {"PYTHONPATH": "x"})
    return Contact(out=tmp_path / "out", work=tmp_path / "work", carried=there, **given | options)


def test_nine_minutes_are_enough_for_all_but_the_last(tmp_path):
    made = parts(contact(tmp_path))
    assert [part.name for part in made] == [
        "machine", "kernel", "images", "rehearsal", "resnet18", "resnet50", "hessian", "matched",
    ]  # fmt: skip
    assert [part.seconds for part in made] == [15, 150, 25, 60, 130, 110, 45, INF]
    assert sum(part.seconds for part in made[:-1]) <= 9 * 60
    assert not any(part.skipped for part in made)
    assert [part.seconds for part in parts(contact(tmp_path, minutes=3.0))[:3]] == pytest.approx([5, 50, 25])
    assert all(part.environment["PYTHONPATH"] == "x" for part in made)


def test_at_most_eight_files_come_home(tmp_path):
    words = [word for part in parts(contact(tmp_path)) for word in part.command]
    own = {word for word in words if word.startswith(str(tmp_path / "out"))}
    assert len(own | {"contact.json", "log.txt"}) <= 8


def test_parts_can_be_chosen(tmp_path):
    assert [part.name for part in parts(contact(tmp_path, only=["hessian", "kernel"]))] == ["kernel", "hessian"]
    with pytest.raises(ValueError, match=r"Argument `only` must name parts out of machine, .*, but has 'colonel'\."):
        parts(contact(tmp_path, only=["colonel"]))


def test_without_a_card_a_part_is_rehearsed_or_says_why_not(tmp_path):
    made = {part.name: part for part in parts(contact(tmp_path, device="cpu"))}
    assert made["resnet50"].skipped == made["matched"].skipped == "needs CUDA"
    assert made["kernel"].environment["NUMBA_ENABLE_CUDASIM"] == "1"
    assert (
        "--rehearse"
        in {part.name: part for part in parts(contact(tmp_path, device="cpu", small=True))}["matched"].command
    )
    bare = Contact(out=tmp_path, work=tmp_path, carried=Carried(), minutes=9.0, device="cuda", small=False)
    assert "no images" in {part.name: part for part in parts(bare)}["rehearsal"].skipped


@pytest.mark.parametrize("options", [{}, {"device": "cpu", "small": True}], ids=["card", "rehearsal"])
def test_the_commands_of_parts_are_ones_that_there_are(tmp_path, options):
    """An option that is renamed elsewhere would be noticed on the card otherwise."""
    tyro = pytest.importorskip("tyro")
    pytest.importorskip("torch")
    from deepnet.cli.matched import MatchedCommand
    from tests.benchmarks.deepnet_options import Options as DeepOptions

    takes = {"matched": MatchedCommand, "gpu": GpuOptions, "deepnet": DeepOptions}
    for part in parts(contact(tmp_path, **options)):
        words = list(part.command[3:])
        if not part.skipped and part.name not in ("machine", "images", "hessian"):
            kind = takes["gpu" if words[0].startswith("--") else words.pop(0)]
            assert tyro.cli(kind, args=words).out.is_relative_to(tmp_path)


def test_the_front_says_what_is_wrong(tmp_path, capsys):
    assert front.main(["--minutes", "0", "--out", str(tmp_path / "a")]) == 2
    assert front.main(["--carried", str(tmp_path / "none"), "--out", str(tmp_path / "b")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.startswith("error: ") for line in told] == [True, True]


def test_the_front_runs_parts_and_keeps_the_report(tmp_path, monkeypatch):
    made = [shell("one", "pwd"), shell("two", "exit 4")]
    monkeypatch.setattr(front, "parts", lambda _: made)
    assert front.main(["--device", "cpu", "--minutes", "0.5", "--out", str(tmp_path / "out")]) == 1
    told = json.loads((tmp_path / "out/contact.json").read_text(encoding="utf-8"))
    assert [each["outcome"] for each in told["parts"]] == ["done", "crashed with status 4: "]
    assert told["minutes"] == 0.5


# --- what is carried -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [True, False], ids=["tar", "python"])
def test_what_is_carried_is_unpacked(program, tmp_path, monkeypatch):
    if not program:
        monkeypatch.setattr(carried.shutil, "which", lambda _: None)
    source, folder = tmp_path / "source", tmp_path / "carried"
    folder.mkdir()
    for cls, count in (("cat", 12), ("dog", 3)):
        for part in ("train", "test"):
            (source / part / cls).mkdir(parents=True)
            for number in range(count):
                (source / part / cls / f"{number}.png").write_bytes(bytes([number]))
    pack_images(source, folder / carried.IMAGES, per_class=11)
    (folder / carried.KERNEL).write_text("text", encoding="utf-8")
    there = unpacked(folder, tmp_path / "work")
    assert there.images is not None
    assert there.archive is not None
    assert not there.images.exists()
    carried.unpack(there.archive, there.images)
    names = sorted(path.name for path in (there.images / "train/cat").iterdir())
    assert names == sorted(f"{number}.png" for number in range(11))  # by number, not by name
    assert (there.images / "test/dog/2.png").read_bytes() == b"\x02"
    assert there.environment["SHARPMU_KERNEL"] == str((folder / carried.KERNEL).resolve())
    assert there.scores is None
    assert unpacked(folder, tmp_path / "again", images=source).images == source.resolve()


def test_nothing_is_unpacked_outside(tmp_path, monkeypatch):
    monkeypatch.setattr(carried.shutil, "which", lambda _: None)
    with tarfile.open(tmp_path / carried.PACKAGES, "w:xz") as made:
        made.addfile(tarfile.TarInfo("../outside"))
    with pytest.raises(ValueError, match="outside of"):
        unpacked(tmp_path, tmp_path / "work")
    assert not (tmp_path / "outside").exists()


def test_scores_are_those_of_the_images_that_are_carried(tmp_path):
    labels = np.array([1, 0, 1, 1, 0, 0])
    np.savez(tmp_path / "all.npz", scores=np.arange(6.0), labels=labels)
    first_scores(tmp_path / "all.npz", tmp_path / "some.npz", per_class=2)
    with np.load(tmp_path / "some.npz") as file:
        assert file["scores"].tolist() == [0, 1, 2, 4]
        assert file["labels"].tolist() == [1, 0, 1, 0]


def test_packages_are_those_that_are_needed_and_not_there():
    pytest.importorskip("torch")
    pytest.importorskip("curvlinops")
    lacking = missing()
    assert {"tyro", "zarr", "numcodecs", "curvlinops-for-pytorch", "umap-learn", "pynndescent"} <= lacking.keys()
    assert not {"torch", "numpy", "scipy", "numba", "pytest", "dask"} & lacking.keys()
    assert missing([*lacking, *THERE]) == {}
    assert names_in("Package Version\n------- -------\nnumpy   2.5.2\n") == ["numpy"]


def test_wheels_become_one_archive_without_their_tests(tmp_path):
    wheel = tmp_path / "made-1.0-py3-none-any.whl"
    names = ("made/__init__.py", "made/tests/test_it.py", "made/it.pyx", "made-1.0.dist-info/METADATA",
             "made-1.0.data/purelib/beside.py")  # fmt: skip
    with zipfile.ZipFile(wheel, "w") as file:
        for name in names:
            file.writestr(name, "x")
    with tarfile.open(archive([wheel], tmp_path / "site.tar.xz")) as made:
        found = {member.name for member in made if member.isfile()}
    assert found == {"made/__init__.py", "made-1.0.dist-info/METADATA", "beside.py"}


def test_a_study_is_read_while_it_runs(tmp_path):
    assert study_so_far(tmp_path) is None
    for kind in ("rows", "models", "journals"):
        (tmp_path / kind).mkdir(parents=True)
    (tmp_path / "rows/a.json").write_text('{"test_accuracy": 0.9, "versions": {"torch": "2"}}', encoding="utf-8")
    (tmp_path / "rows/.b.json.1.partial").write_text("{", encoding="utf-8")
    (tmp_path / "rows/c.json").write_text("{", encoding="utf-8")
    head = json.dumps({"__metadata__": {"about": json.dumps({"history": {"losses": [2.3]}})}}).encode()
    (tmp_path / "models/m.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"weights")
    found = study_so_far(tmp_path)
    assert found == {
        "rows": {"a": {"test_accuracy": 0.9}}, "models": {"m": {"history": {"losses": [2.3]}}}, "left_out": 0,
    }  # fmt: skip


def test_python_alone_begins_it():
    """Packages may be among what is carried, so nothing but Python is needed before they are unpacked."""
    code = "import sys; sys.modules.update(dict.fromkeys(('numpy', 'torch', 'rich', 'tyro', 'numba')));"
    code += "import tests.first_contact.__main__"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-S", "-c", code) == 0
