"""The deep ledger written down: a record, a page and an atlas for each scale, and one table of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from deepnet.ledger.claims import all_claims
from deepnet.ledger.findings import PLAIN, Findings
from deepnet.ledger.reading import Reading
from deepnet.ledger.scales import Judgement, as_run, intervals_of
from deepnet.ledger.variance import as_csv, shares_of
from simulate.house.counting import counted
from simulate.house.drawing.palette import OPTIMIZERS
from simulate.house.files import write_text
from simulate.house.terminal import table
from simulate.house.version import __version__
from theory.ledger import Claim, Row
from theory.ledger.atlas import Entry, atlas_json, make_atlas, sentence
from theory.ledger.wording import interval, number, verdict_words
from theory.page import page

__all__ = ["account", "atlas_of", "holding", "table_of", "write_atlas", "write_judgement"]

_TITLE = "Sharpness-aware unlearning at matched forgetting: what deep networks say"
_ABOUT = (
    "The conclusions are those of Haoran Tang and Rajiv Khanna, Sharpness-Aware Machine Unlearning, ICLR 2026 "
    "(arXiv 2506.13715), compared where networks have forgotten equally much."
)


def atlas_of(findings: Findings, protocols: int, claims: Sequence[Claim] | None = None) -> list[Entry]:
    """Where the claims hold at a scale, over what they leave open; only rows are read, nothing is trained.

    Args:
        findings: The findings of the scale.
        protocols: Protocols that are tried of each claim at most.
        claims: The claims; None is all of them.
    """
    every = all_claims()
    return make_atlas(
        [as_run(claim, findings) for claim in (every if claims is None else claims)],
        lambda protocol: Reading(findings, protocol, bare=True),
        protocols=protocols,
        rows=intervals_of(findings),
        provenance={"version": __version__, "budget": findings.scale, "seed": 0},
    )


def write_judgement(judgement: Judgement, folder: Path) -> list[Path]:
    """Write scales.csv, variance.csv, and of each scale ledger.json and ledger.html in a folder of its name."""
    chance = {scale: shares_of(found) for scale, found in judgement.findings.items()}
    written = [
        write_text(folder / "scales.csv", judgement.as_csv()), write_text(folder / "variance.csv", as_csv(chance)),
    ]  # fmt: skip
    for scale, ledger in judgement.ledgers.items():
        told = page(
            ledger,
            title=f"{_TITLE}: {scale}",
            about=_ABOUT,
            colors=OPTIMIZERS,
            account=account(judgement.findings[scale]),
        )
        written.append(write_text(folder / scale / "ledger.json", ledger.to_json()))
        written.append(write_text(folder / scale / "ledger.html", told))
    return written


def write_atlas(entries: Sequence[Entry], scale: str, folder: Path) -> list[Path]:
    """Write atlas.json and atlas.html of a scale into a folder of its name; returns the files."""
    from theory.ledger.atlas.drawing import map_svg  # matplotlib, only when something is drawn
    from theory.page.atlas import atlas_page

    maps = {entry.name: map_svg(entry) for entry in entries if entry.drawn}
    told = atlas_page(entries, maps, title=f"Where the claims hold: {scale}", about=_ABOUT)
    return [
        write_text(folder / scale / "atlas.json", atlas_json(entries)),
        write_text(folder / scale / "atlas.html", told),
    ]


def account(findings: Findings) -> dict[str, str]:
    """What was run at a scale, in words, by what it is about."""
    runs = [row for of_arm in findings.arms.values() for row in of_arm.values()]
    lost = sum(row["status"] != "finished" for row in runs)
    networks = sum(len(found) for known in findings.retrained.values() for found in known.values())
    plain = sum(
        len(found) for place, known in findings.retrained.items() if place[1] == PLAIN for found in known.values()
    )
    told = {
        "Scale": f"{findings.scale}; {findings.rows[0]['precision']}, {findings.rows[0]['threads']} CPU "
        f"{'thread' if findings.rows[0]['threads'] == 1 else 'threads'} a run.",
        "What was run": f"{counted(len(runs), 'unlearning')} of {counted(len(findings.arms), 'arm')} on "
        f"{counted(len(findings.replicates), 'replicate')}, each with a split and a forget set of its own. "
        f"{lost or 'None'} diverged.",
        "References": f"{counted(networks, 'network')} retrained without the forget set, {plain} of them with SGD.",
    }
    if findings.searched:
        told["Left out"] = f"{counted(findings.searched, 'row')} of replicates that learning rates were found on."
    return told


def table_of(judgement: Judgement) -> Table:
    """The claims with one column per scale, and what all scales say together. Names are whole, to be copied."""
    made = table("The deep ledger", "#", "claim", "whose", *judgement.ledgers, "together")
    made.columns[1].justify, made.columns[1].no_wrap = "left", True
    for rows, summary in judgement.side_by_side:
        first = next(iter(rows.values()))
        made.add_row(str(first.number), first.name, first.family, *map(_cell, rows.values()), summary)
    return made


def _cell(row: Row) -> str:
    """Verdict, effect and interval."""
    told = verdict_words(row.verdict, row.margin)
    return told if row.effect is None else f"{told}: {number(row.effect, 2)} {interval(row.interval, 2)}"


def holding(entries: Mapping[str, Sequence[Entry]]) -> dict[str, dict[str, str]]:
    """Where claims hold, in a sentence each, by scale and name."""
    return {scale: {entry.name: sentence(entry) for entry in found} for scale, found in entries.items()}
