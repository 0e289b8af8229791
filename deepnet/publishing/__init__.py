"""Matched studies as folders of small text files, one a scale, from which ledgers and figures are made without torch.

`deepnet.publishing.writing.publish` makes such a folder of a study and its ledger; `Published` reads it.
"""

from deepnet.publishing.reading import Published, published_scales

__all__ = ["Published", "published_scales"]
