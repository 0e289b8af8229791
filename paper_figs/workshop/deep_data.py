"""Published studies of deep networks as figures see them: which groups, which words, which sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from deepnet.publishing import GroupRecord, Published, Who
from deepnet.report.naming import PRETRAINED, RETRAINED, natural_order, optimizer_order, optimizer_words
from paper_figs.workshop.results import Results

__all__ = [
    "family", "forget_sets", "forget_words", "interval_note", "main_groups", "nothing_to_draw", "optimizer_legend",
    "optimizers",
    "published", "scale_words",
]  # fmt: skip

_FORGET_WORDS = {"high": "most memorized", "low": "least memorized", "mid": "medium memorized", "random": "random"}


def published(results: Results, name: str, *studies: str) -> Published:
    """The chosen published study, noted as the source of a figure.

    Args:
        results: Says which.
        name: The file that a figure draws from.
        studies: Which studies of it; none named is all of them.

    Raises:
        FileNotFoundError: if the file is not there; the message has the command that makes it.
    """
    path = results.deep_file(name)
    found = Published(path.parent)
    about = found.provenance
    chosen = [each for each in studies or about["studies"] if each in about["studies"]]
    seeds = sorted({seed for each in chosen for seed in about["studies"][each]["seeds"]})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    results.used[-1] = replace(
        results.used[-1],
        name=f"confirmation study {about['preset']}, {', '.join(chosen)}",
        seeds=f"{', '.join(map(str, seeds))}; each seed its own pretraining, all on one split",
        version=about["version"],
        configuration=(
            f"{name}, SHA-256 {digest}…\nmade by: {about['command']}\n"
            f"commit {about['commit']}; configurations, software and hardware in provenance.json beside it"
        ),
        n_runs=sum(about["studies"][each]["models"] for each in chosen),
    )
    return found


def scale_words(found: Published) -> str:
    """The scale as a sentence of a caption."""
    return f"Scale: {found.provenance['scale']}."


def interval_note(groups: Iterable[GroupRecord]) -> str:
    """What bars mean, and what became of diverged runs, as sentences of a caption."""
    groups = tuple(groups)
    counts = sorted({group.runs for group in groups})
    words = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    text = f"Means over {words} seeds with Student's 95 % intervals, each for itself."
    if lost := [group for group in groups if group.diverged]:
        told = "; ".join(f"{each.words} ({each.forget_set}): {each.diverged} of {each.runs}" for each in lost)
        text += f" Diverged runs are left out, and what is left has no interval: {told}."
    return text


def main_groups(found: Published) -> tuple[GroupRecord, ...]:
    """The groups of the main study after pretraining with plain SGD, retrained and pretrained models among them."""
    plain = found.provenance["optimizers"][0]
    return tuple(group for group in found.study("main") if group.pretrain == plain)


def forget_sets(groups: Iterable[Who]) -> list[str]:
    """The forget sets of some groups, the most memorized first."""
    return sorted({group.forget_set for group in groups}, key=natural_order, reverse=True)


def forget_words(name: str) -> str:
    """A forget set in words."""
    return _FORGET_WORDS.get(name, name)


def optimizers(groups: Iterable[Who]) -> list[str]:
    """Labels of the optimizers of unlearning, plain SGD first."""
    return sorted({g.optimizer for g in groups if g.method not in (PRETRAINED, RETRAINED)}, key=optimizer_order)


def family(label: str) -> str:
    """The name of an optimizer without its radius, as the palette has it.

    Example:
        >>> family("asam-0.5")
        'ASAM'
    """
    return optimizer_words(label).split(" ")[0]


def optimizer_legend(groups: Iterable[Who]) -> dict[str, str]:
    """The optimizers of unlearning by family, with all radii that methods were tried with; plain SGD first."""
    radii: dict[str, list[str]] = {}
    for label in optimizers(groups):
        radii.setdefault(family(label), []).extend(optimizer_words(label).split("=")[1:])
    return {name: f"{name} ρ={', '.join(found)}" if found else name for name, found in radii.items()}


def nothing_to_draw(found: Published, what: str, studies: Sequence[str]) -> ValueError:
    """The error of a figure whose studies were not run at a scale."""
    return ValueError(
        f"{found.folder} has no {what}: the study {' or '.join(studies)} was not run there; "
        f"run `{found.provenance['command']}` with it."
    )
