"""How the kernels are compiled, and a cache that notices when they change.

numba keeps compiled code beside each source file and compiles anew when that file changes, but not when a kernel of
another file that was compiled into it does. So the cache of the whole room is dropped whenever the kernels' sources are
not those it was made from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["COMPILE", "drop_stale_cache"]

COMPILE = {"cache": True, "no_cfunc_wrapper": True, "error_model": "numpy", "nogil": True}
"""Options of every kernel. Those of the training step add what lets sums vectorise; NaN and infinity keep their
meaning everywhere."""

_KERNELS = ("design_points", "importance", "kernels", "patterns", "planes", "tails")


def drop_stale_cache(room: Path) -> bool:
    """Delete numba's files in a room's __pycache__ unless they were made from the kernels as they are.

    Args:
        room: Folder of the kernels' sources.

    Returns:
        Whether the cache was stale. A folder that cannot be written to is left as it is.
    """
    sources = [room / f"{name}.py" for name in _KERNELS]
    fingerprint = hashlib.sha256(b"".join(path.read_bytes() for path in sources if path.exists())).hexdigest()
    cache, stamp = room / "__pycache__", room / "__pycache__" / "kernels.sha256"
    try:
        if stamp.exists() and stamp.read_text() == fingerprint:
            return False
        for path in (*cache.glob("*.nbi"), *cache.glob("*.nbc")):
            path.unlink(missing_ok=True)
        cache.mkdir(exist_ok=True)
        stamp.write_text(fingerprint)
    except OSError:
        pass
    return True


drop_stale_cache(Path(__file__).parent)
