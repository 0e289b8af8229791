"""A study's folder as parts of a chosen size that travel between machines, and back into a folder.

`deepnet.packing.packer.pack` makes the parts, `deepnet.packing.unpacker.unpack` reads them.
"""

from deepnet.packing.packer import pack
from deepnet.packing.unpacker import unpack

__all__ = ["pack", "unpack"]
