"""What the code of a module is, so that results of other code are not taken for its own."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["code_of"]


def code_of(path: Path) -> str:
    """The code of a module, without comments, texts of definitions and the form that it is written in.

    Args:
        path: The file.

    Returns:
        Text that is equal for modules that do the same, word for word.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
