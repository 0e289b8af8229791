"""Doors that read files, which may be cut off, empty, of another format, or full of things that cannot be."""

from __future__ import annotations

import atexit
import json
import shutil
from collections import Counter
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from deepnet import packing
from deepnet.data.datasets import DataConfig, load
from deepnet.data.scores import load_scores
from deepnet.learning.descent import Descent
from deepnet.learning.journal import Journal
from deepnet.networks import weights
from deepnet.publishing import Published
from deepnet.report.rows import read_results
from deepnet.studies.store import Store
from tests.deepnet.made_up_scales import FEW, publish_scale
from tests.deepnet.report_rows import made_up_rows
from tests.fuzz.deepnet_values import Door, Draw, among, arguments
from tests.fuzz.deepnet_worlds import labels, network

JSON_ODD = among(None, True, -1, 1.5, 1e308, "", "x", [], [1], {}, {"a": 1}, float("nan"), 10**400)
PRISTINE = Path(mkdtemp(prefix="fuzz-deepnet-"))
"""What is made once, and copied to be damaged."""
atexit.register(shutil.rmtree, PRISTINE, ignore_errors=True)


@st.composite
def damaged(draw: Draw, content: bytes) -> bytes:
    """A file's content, whole in one case of three."""
    where = draw(st.integers(0, max(len(content) - 1, 0)))
    lines = content.split(b"\n")
    harms = ("cut", "flipped", "empty", "text", "null", "list", "twice", "bytes", "line", "nested")
    match draw(among(*["whole"] * 4, *harms)):
        case "cut":
            return content[:where]
        case "flipped":
            return content[:where] + bytes([content[where] ^ 0x55]) + content[where + 1 :]
        case "twice":
            return content + content
        case "line":
            return b"\n".join([*lines[: len(lines) // 2], b'{"half": ', *lines[len(lines) // 2 :]])
        case "nested":
            return b"[" * 100_000
        case "whole":
            return content
        case word:
            other = {"text": b"no JSON\n", "null": b"null", "list": b"[1, 2]", "bytes": b"\xff\xfe\x00\x80"}
            return other.get(word, b"")


@st.composite
def edited(draw: Draw, record: Any) -> Any:
    """JSON with some value, somewhere, replaced, removed or added; as it was in two cases of five."""
    if draw(among(True, True, False, False, False)) or not record or not isinstance(record, dict | list):
        return record
    if isinstance(record, list):
        place = draw(st.integers(0, len(record) - 1))
        return [*record[:place], draw(edited(record[place])), *record[place + 1 :]]
    name = draw(among(*record))
    how = draw(among("odd", "odd", "inside", "gone", "foreign"))
    changed = {key: value for key, value in record.items() if key != name or how != "gone"}
    if how in ("odd", "inside"):
        changed[name] = draw(JSON_ODD) if how == "odd" else draw(edited(record[name]))
    return changed | ({"foreign": 1} if how == "foreign" else {})


def within(write: Any, read: Any) -> Door:
    """A door that reads, in a folder of its own, what was written there; nothing half-written may remain."""

    def door() -> None:
        folder = Path(mkdtemp(prefix="fuzz-"))
        try:
            write(folder)
            try:
                read(folder)
            finally:
                assert not list(folder.rglob("*.partial"))
        finally:
            shutil.rmtree(folder)

    return door


@cache
def _archive() -> bytes:
    file = BytesIO()
    np.savez_compressed(file, scores=np.arange(6.0))
    return file.getvalue()


@st.composite
def score_files(draw: Draw) -> Door:
    """Files of memorization scores."""
    names = {
        "tr_mem": "f8",
        "tr_labels": "i8",
        "tr_filenames": "U9",
        "memorization": "f8",
        "scores": "f8",
        "labels": "i8",
    }
    n = draw(among(*[6] * 6, 0, 5))
    usual = (("scores",), ("memorization",), ("tr_mem", "tr_labels"), ("scores", "labels"))
    unusual = (("foreign",), (), ("tr_mem",), ("labels",), ("tr_mem", "tr_labels", "tr_filenames"))
    arrays: dict[str, np.ndarray] = {}
    for key in draw(among(*usual, *usual, *unusual)):
        made = (np.arange(n) % 3).astype(names.get(key, "f8"))
        arrays[key] = draw(
            among(*[made] * 6, made[::-1], made.astype("U3"), made[None], made * 0 if made.dtype != "<U9" else made)
        )
    files = draw(among(None, None, [f"c{k % 3}/{k // 3}.png" for k in range(6)], [f"c{k}/x{k}.png" for k in range(6)]))
    form = draw(among("npz", "npz", "npz", "npy", "pickle", "missing", "damaged", "damaged"))
    spoil = draw(damaged(_archive()))

    def write(folder: Path) -> None:
        path = folder / "scores.npz"
        if form == "npz":
            np.savez(path, **arrays)
        elif form == "damaged":
            path.write_bytes(spoil)
        elif form != "missing":
            with path.open("wb") as file:
                np.save(
                    file, next(iter(arrays.values()), np.zeros(6)) if form == "npy" else np.array([{}], dtype=object)
                )

    def read(folder: Path) -> None:
        assert load_scores(folder / "scores.npz", labels(6), files).shape == (6,)

    return within(write, read)


@cache
def _rows() -> list[dict[str, Any]]:
    return made_up_rows(seeds=(0,), pretrains=("sgd",))[:4]


@st.composite
def result_files(draw: Draw) -> Door:
    """`results.jsonl` of a study."""
    rows = draw(edited(_rows()))
    content = draw(damaged("".join(json.dumps(row) + "\n" for row in rows).encode()))
    asked = draw(among("", "", "results.jsonl", "missing"))
    return within(
        lambda folder: (folder / "results.jsonl").write_bytes(content), lambda folder: read_results(folder / asked)
    )


@cache
def _publication() -> Path:
    return publish_scale(PRISTINE / "published", PRISTINE / "matched", "made-up", replicates=(0,), arms=FEW[:1])


@st.composite
def publications(draw: Draw) -> Door:
    """A published folder, one of whose files is damaged, missing, or holds other values."""
    part = draw(among("rows", "findings", "findings", "provenance", "ledger"))
    name = {"rows": "rows.jsonl", "findings": "rows.jsonl"}.get(part, f"{part}.json")
    text = (_publication() / name).read_text(encoding="utf-8")
    if draw(st.booleans()) and name.endswith("json"):
        text = json.dumps(draw(edited(json.loads(text))))
    elif draw(st.booleans()) and name.endswith("jsonl"):
        text = "".join(json.dumps(row) + "\n" for row in draw(edited([json.loads(line) for line in text.splitlines()])))
    content, missing = draw(damaged(text.encode())), draw(among(False, False, False, False, True))

    def write(folder: Path) -> None:
        if not missing:
            (folder / name).write_bytes(content)

    return within(write, lambda folder: getattr(Published(folder), part))


@cache
def _store() -> Path:
    store = Store(PRISTINE / "store")
    model, config = network(), {"a": 1}
    store.save_row(config, {"status": "finished", "tow": 0.5})
    store.save_arrays(config, {"margins": np.zeros(3)})
    store.save_model(config, model.state_dict(), {"seconds": 1.0})
    optimizer = Descent().optimizer(model.parameters())
    Journal(store.journal(config).path, every=0.0).save(model, {"model": optimizer}, Counter({"retain": 2}), [])
    return store.folder


@st.composite
def stores(draw: Draw) -> Door:
    """A store, one of whose files is damaged or stands under another configuration."""
    kind = draw(among("rows", "arrays", "models", "journals"))
    (source,) = (_store() / kind).iterdir()
    content = draw(damaged(source.read_bytes()))
    config = draw(among({"a": 1}, {"a": 1}, {"a": 1}, {"a": 2}, {"a": np.int64(1)}))

    def write(folder: Path) -> None:
        store = Store(folder / "store")
        store.path(kind, config, source.suffix).write_bytes(content)

    def read(folder: Path) -> None:
        store = Store(folder / "store")
        match kind:
            case "rows":
                assert isinstance(store.row(config), dict)
            case "arrays":
                assert store.arrays(config)["margins"].shape == (3,)
            case "models":
                weights.load_model(network(), store.load_model(config)[0], store.folder)
            case "journals":
                model = network()
                store.journal(config).restore(model, {"model": Descent().optimizer(model.parameters())}, Counter())

    return within(write, read)


@cache
def _pack() -> Path:
    for name in ("one.json", "deep/two.json"):
        path = PRISTINE / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": name, "numbers": list(range(400))}))
    packing.pack(PRISTINE / "results", PRISTINE / "pack", part_size=1024)
    return PRISTINE / "pack"


@st.composite
def packs(draw: Draw) -> Door:
    """A pack, one of whose files is damaged or missing."""
    name = draw(among("manifest.json", *sorted(path.name for path in _pack().iterdir())))
    content = (_pack() / name).read_bytes()
    if name.endswith("json") and draw(st.booleans()):
        content = json.dumps(draw(edited(json.loads(content)))).encode()
    content, missing = draw(damaged(content)), draw(among(False, False, False, True))
    options = draw(arguments({"keep": st.booleans(), "available": st.booleans()}, odd=among("x", 1)))

    def write(folder: Path) -> None:
        shutil.copytree(_pack(), folder / "pack")
        (folder / "pack" / name).unlink() if missing else (folder / "pack" / name).write_bytes(content)

    def read(folder: Path) -> None:
        found = packing.unpack(folder / "pack", folder / "results", **options)
        assert len(found.written) + len(found.awaited) == 2

    return within(write, read)


@st.composite
def image_folders(draw: Draw) -> Door:
    """Folders of images: missing, empty, of mixed sizes, with files that are no images."""
    sides = draw(st.lists(among(8, 8, 8, 8, 8, 8, 8, 1, 12), min_size=6, max_size=6))
    spoil = draw(among(*[None] * 6, "empty class", "no image", "empty", "stray file", "flat"))
    valid = {
        "image_size": among(None, 8, 4), "test_fraction": among(0.3, 0.5), "subset": among(None, 4, 99),
        "test_subset": among(None, 2), "workers": among(0, 1),
    }  # fmt: skip
    odd = among(None, -1, 0, "a", 2.5, True, 0.999999, float("nan"))
    fields = draw(arguments(valid, ("test_fraction",), odd))
    root = draw(among(*["images"] * 8, "missing", "images/a"))

    def write(folder: Path) -> None:
        for k, side in enumerate(sides):
            place = folder / "images" / ("" if spoil == "flat" else "ab"[k % 2])
            place.mkdir(parents=True, exist_ok=True)
            if spoil != "empty":
                Image.new("RGB", (side, side), (40 * k, 9, 9)).save(place / f"{k}.png")
        if spoil == "empty class":
            (folder / "images" / "c").mkdir()
        elif spoil in ("no image", "stray file"):
            (folder / "images" / "a" / ("9.png" if spoil == "no image" else "notes.txt")).write_text("hello")

    def read(folder: Path) -> None:
        found = load(DataConfig(name="folder", root=str(folder / root), **fields))
        assert found.n_classes == 2
        assert len(found.train) == len(found.train.labels)

    return within(write, read)
