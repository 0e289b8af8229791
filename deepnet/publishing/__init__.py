"""A confirmation's results as a folder of small text files, from which figures are drawn without torch.

`deepnet.publishing.writing.publish` makes such a folder of a finished confirmation; `Published` reads it.
"""

from deepnet.publishing.reading import Published
from deepnet.publishing.records import Contrast, Curve, GroupRecord, Movement, Surface, Who

__all__ = ["Contrast", "Curve", "GroupRecord", "Movement", "Published", "Surface", "Who"]
