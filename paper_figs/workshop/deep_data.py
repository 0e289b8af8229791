"""Published scales of deep networks as figures see them: which arms, which words, which sources, which means."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from deepnet.ledger.choices import OWN_REFERENCE, OWN_STOP, UNREACHED
from deepnet.ledger.effects import estimated, of_arm
from deepnet.ledger.findings import Findings, NotMeasuredError
from deepnet.ledger.nearness import Masked
from deepnet.ledger.reading import Reading, Rules
from deepnet.publishing import Published
from deepnet.report.naming import optimizer_words
from paper_figs.workshop.results import Results
from simulate.house.counting import counted
from theory.statistics import Estimate, from_replicates

__all__ = [
    "RULES", "Scale", "family", "main_arms", "means_note", "nothing_to_draw", "of_replicates", "scales", "unvaried",
    "usual_arms", "variant_arms", "variants_of",
]  # fmt: skip

RULES = Rules(stop=OWN_STOP, reference=OWN_REFERENCE, unreached=UNREACHED)
"""Every arm is read, and held against networks, as it was pretrained."""
_VARIED, _CONTROL = re.compile(r"-alpha-[0-9.]+-|-fraction-[0-9.]+-|-at-[a-z]+-rate-"), re.compile("control-")
_VARIANT = re.compile("quirk-|select-|last-layer-")


@dataclass(frozen=True)
class Scale:
    """A published scale."""

    published: Published
    """Its folder."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.published.folder.name

    @property
    def findings(self) -> Findings:
        """Its rows, by arm and replicate."""
        return self.published.findings

    @property
    def reading(self) -> Reading:
        """Its rows as the primary protocol reads them."""
        return Reading(self.findings)

    @property
    def about(self) -> str:
        """Images, network and replicates in words."""
        words = self.published.provenance["about"] or self.name
        runs = [len(rows) for rows in self.findings.arms.values()]
        if not runs or min(runs) == max(runs):
            return f"{words}, {counted(len(self.findings.replicates), 'replicate')}"
        return f"{words}, {min(runs)} to {counted(max(runs), 'replicate')}, by arm"

    def estimate(self, arm: str, column: str) -> Estimate | None:
        """Mean of a number of an arm at the match, as the ledger takes it; None if it was not measured."""
        try:
            return _known(estimated(of_arm(arm, column, RULES), self.reading))
        except NotMeasuredError:
            return None

    def ceiling(self, pretraining: str) -> float | None:
        """ToW of retrained networks against each other, as an optimizer trains them; None if it was not measured."""
        for arm, rows in self.findings.arms.items():
            about = next(iter(rows.values()))
            if about["pretraining"] == pretraining and about["forget"] == self.forget:
                try:
                    found = _known(estimated(partial(_ceiling, arm), self.reading))
                except NotMeasuredError:
                    return None
                return None if found is None else found.value
        return None

    @property
    def forget(self) -> str:
        """The forget set of most arms."""
        labels = [next(iter(rows.values()))["forget"] for rows in self.findings.arms.values()]
        return max(labels, key=labels.count)

    def lost(self, arm: str) -> int:
        """Number of runs of an arm that do not reach the match, or diverge."""
        try:
            return sum(ending != "reached" for ending in self.reading.endings(arm, RULES))
        except NotMeasuredError:
            return 0


def scales(results: Results, name: str = "rows.jsonl") -> list[Scale]:
    """The scales that are shown, noted as sources of a figure.

    Args:
        results: Says which.
        name: The file that a figure draws from.

    Raises:
        FileNotFoundError: if nothing is published; the message has the command that makes it.
    """
    paths = results.deep_files(name)
    found = [Scale(Published(path.parent)) for path in paths]
    noted = len(results.used) - len(paths)
    for place, (path, scale) in enumerate(zip(paths, found, strict=True), start=noted):
        about = scale.published.provenance
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        commits = ", ".join(about["commits"]) or "unknown"
        results.used[place] = replace(
            results.used[place],
            name=f"matched unlearning, {scale.name}",
            seeds=f"{_range(about['replicates'])}; each a split, a forget set and seeds of its own",
            version=about["version"],
            configuration=(
                f"{name}, SHA-256 {digest}…\nmade by: {'; '.join(about['commands'])}\n"
                f"commit {commits}; configuration, software and hardware in provenance.json beside it"
            ),
            n_runs=sum(about["rows"].values()),
        )
    return found


def unvaried(shown: Sequence[Scale]) -> list[Scale]:
    """The scales that are no variant of another one."""
    varied = [variant for scale in shown for variant in variants_of(scale, shown)]
    return [scale for scale in shown if scale not in varied]


def variants_of(scale: Scale, shown: Sequence[Scale]) -> list[Scale]:
    """The scales that differ in one thing from a scale, as their names say: digits-noise from digits."""
    return [other for other in shown if other.name.startswith(f"{scale.name}-")]


def main_arms(scale: Scale) -> list[str]:
    """The arms of a scale that forget its usual set at their usual settings, without controls, in the order of rows."""
    return [
        arm
        for arm in scale.findings.arms
        if scale.findings.about(arm, "forget") == scale.forget and not _VARIED.search(arm) and not _CONTROL.match(arm)
    ]


def usual_arms(scale: Scale) -> list[str]:
    """The main arms whose methods are those that are compared: no parts of the weights, no quirks of released code."""
    return [arm for arm in main_arms(scale) if not _VARIANT.match(arm)]


def variant_arms(scale: Scale) -> list[str]:
    """The other main arms: NegGrad by a part of the weights, and methods as the released code has them."""
    return [arm for arm in main_arms(scale) if _VARIANT.match(arm)]


def family(label: str) -> str:
    """The name of an optimizer without its radius, as the palette has it.

    Example:
        >>> family("asam-0.5")
        'ASAM'
    """
    return optimizer_words(label).split(" ")[0]


def of_replicates(values: Sequence[float]) -> Estimate | None:
    """Mean over replicates with Student's error; None of fewer than two."""
    known = np.array([value for value in values if np.isfinite(value)])
    return from_replicates(known) if len(known) > 1 else None


def means_note(shown: Sequence[Scale]) -> str:
    """What dots and bars are, as sentences of a caption."""
    told = "; ".join(f"{scale.name}: {scale.about}" for scale in shown)
    return f"Means over replicates with 95 % intervals, each for itself. Scales: {told}."


def nothing_to_draw(what: str, shown: Sequence[Scale]) -> ValueError:
    """The error of a figure of which nothing was run."""
    names = ", ".join(scale.name for scale in shown)
    commands = " or ".join(f"`{scale.published.provenance['commands'][0]}`" for scale in shown)
    return ValueError(f"There is nothing to draw: {what} were not run at the scales {names}; run {commands}.")


def _ceiling(arm: str, reading: Reading) -> Masked:
    return reading.ceiling(arm, RULES)


def _known(found: Estimate) -> Estimate | None:
    return found if np.isfinite(found.value) else None


def _range(numbers: Sequence[int]) -> str:
    whole = list(numbers) == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]} to {numbers[-1]}" if whole and len(numbers) > 2 else ", ".join(map(str, numbers))
