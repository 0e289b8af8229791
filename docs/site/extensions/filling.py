"""Pages that are filled: a comment such as `<!-- names of simulate -->` gives place to Markdown made of the sources.

On a forge the comment is not seen; on the site there stands what the function says that its extension has given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["fill"]


def fill(app: Any, words: str, made: Callable[[str], str]) -> None:
    """Give a comment a meaning.

    Args:
        app: The application of Sphinx.
        words: What the comment begins with.
        made: From what stands behind these words to Markdown.
    """
    pattern = re.compile(rf"(?m)^<!-- {re.escape(words)}(?: (.+?))? -->$")

    def filled(app: Any, page: str, source: list[str]) -> None:
        source[0] = pattern.sub(lambda found: made(found[1] or ""), source[0])

    app.connect("source-read", filled)
