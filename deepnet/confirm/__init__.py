"""The confirmation study and its ledger: what the paper concludes of deep networks, and what was found.

What claims are written with is found here when it is first used, so that published results are read without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulate.house.discovery import found_on_use

if TYPE_CHECKING:
    from deepnet.confirm.groups import Group
    from deepnet.confirm.paired_evidence import EXPERIMENT, PAIRED, STOPPING, evidence, lead
    from deepnet.confirm.panels import by_forget_set

__all__ = ["EXPERIMENT", "PAIRED", "STOPPING", "Group", "by_forget_set", "evidence", "lead"]

_HOME = {
    "paired_evidence": ("EXPERIMENT", "PAIRED", "STOPPING", "evidence", "lead"),
    "groups": ("Group",),
    "panels": ("by_forget_set",),
}

__getattr__ = found_on_use(__name__, {name: home for home, names in _HOME.items() for name in names})
