"""The deep ledger as a page, of results at hand or of what was published of them. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepnet.publishing.reading import Published
from deepnet.report.naming import optimizer_words
from simulate.house.counting import counted
from simulate.house.files import write_text
from theory.ledger.book import Ledger, ledger_from
from theory.page import page

__all__ = ["published_ledger", "write_ledger"]

_TITLE = "Sharpness-aware unlearning: what the paper concludes, and what deep networks say"
_ABOUT = (
    "The conclusions are those of Haoran Tang and Rajiv Khanna, Sharpness-Aware Machine Unlearning, ICLR 2026 "
    "(arXiv 2506.13715)."
)


def write_ledger(ledger: Ledger, folder: Path, account: Mapping[str, str]) -> str:
    """Write a deep ledger as a record and as a page.

    Args:
        ledger: The ledger.
        folder: Where `ledger.json` and `ledger.html` go.
        account: What was run, for the page.

    Returns:
        Where they are, in words.
    """
    record = write_text(folder / "ledger.json", ledger.to_json())
    to_read = write_text(folder / "ledger.html", page(ledger, title=_TITLE, about=_ABOUT, account=account))
    return f"Ledger: {record}\nTo read: {to_read}"


def published_ledger(folder: Path) -> tuple[Ledger, dict[str, str]]:
    """The deep ledger of a published folder, and what was run for it.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if one is damaged.
    """
    published = Published(folder)
    records, told = published.ledger, published.provenance
    try:
        return ledger_from((folder / "ledger.json").read_text(encoding="utf-8")), _account(told, len(records))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder} is damaged ({error}): run `{published.command}`.") from None


def _account(told: Mapping[str, Any], claims: int) -> dict[str, str]:
    studies: Mapping[str, Any] = told["studies"]
    seeds = sorted({seed for study in studies.values() for seed in study["seeds"]})
    lost = sum(len(study.get("diverged", ())) for study in studies.values())
    account = {
        "Images and network": f"{told['scale']}.",
        "What was run": f"{counted(told['models'], 'model')} of {counted(len(studies), 'study', 'studies')} "
        f"({', '.join(studies)}), {counted(len(seeds), 'seed')}. {lost or 'None'} diverged.",
        "Optimizers": f"{', '.join(map(optimizer_words, told['optimizers']))}; ρ is the radius of the perturbation.",
        "Made by": f"{told['command']} (version {told['version']}); this page of the {counted(claims, 'row')} "
        "published of it, without the pictures.",
    }
    return account | ({"Not run at this scale": f"{', '.join(told['not_run'])}."} if told["not_run"] else {})
