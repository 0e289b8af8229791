"""Publishing: from the results of a matched study, and what was judged of them, to a folder of small text files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from deepnet.ledger.findings import Findings
from deepnet.matched.records import as_line, read_rows
from deepnet.publishing.provenance import provenance_of
from deepnet.publishing.reading import BESIDE, ROWS
from simulate.house.counting import counted
from simulate.house.files import write_text
from theory.ledger import Ledger
from theory.ledger.atlas import Entry, atlas_json

__all__ = ["check_publication", "publish"]


def check_publication(folder: Path, target: Path, *, overwrite: bool = False) -> None:
    """Require that every row that was published of a scale is published again.

    Args:
        folder: The results that are to be published.
        target: The published folder of their scale.
        overwrite: Whether rows may be lost.

    Raises:
        FileExistsError: if some would be lost.
    """
    there, here = read_rows(target / ROWS), read_rows(folder / ROWS)
    lost = [key for key in there if key not in here]
    if lost and not overwrite:
        raise FileExistsError(
            f"{target / ROWS} holds {counted(len(lost), 'row')} that {folder / ROWS} has not, and that would be lost; "
            "publish elsewhere, or with `overwrite`."
        )


def publish(
    folder: Path, target: Path, findings: Findings, ledger: Ledger, entries: Sequence[Entry], *, overwrite: bool = False
) -> list[Path]:
    """Write what figures need of a scale: its rows, where they come from, the ledger and the atlas.

    The same results give the same bytes. A folder may be published into itself, when its rows are judged anew.

    Args:
        folder: The results, as `deepnet.matched` left them.
        target: The folder to write; its name is that of the scale.
        findings: What its rows say.
        ledger: The ledger that was judged of them, of all claims.
        entries: The atlas.
        overwrite: Whether published rows may be lost.

    Returns:
        The files.

    Raises:
        FileExistsError: if rows that were published would be lost.
        FileNotFoundError: if there is no record of what the rows were made with.
        ValueError: if that is damaged.
        OSError: if a file cannot be written.
    """
    check_publication(folder, target, overwrite=overwrite)
    provenance = provenance_of(folder, findings, target)
    texts = {ROWS: "".join(as_line(row) + "\n" for row in findings.rows)}
    texts |= {
        name: (folder / name).read_text(encoding="utf-8") for name in BESIDE if (folder / name).is_file()
    }  # fmt: skip
    texts |= {
        "ledger.json": ledger.to_json(),
        "atlas.json": atlas_json(entries),
        "provenance.json": json.dumps(provenance, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    return [write_text(target / name, text) for name, text in texts.items()]
