"""The house rules for code that its text can be read for: functions are small, and public names say what they are."""

import ast
import io
import tokenize
from collections.abc import Iterator

import pytest

from tests.places import ROOT

PACKAGES = ("simulate", "theory", "deepnet", "paper_figs", "sharpmu")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MAX_FUNCTION = 52
"""Lines of code of a function, without comments, blanks and docstrings."""
LONGER = {"simulate/dynamics/cuda/block.py": "advance", "theory/formulas/statements.py": "_definitions"}
"""A CUDA kernel, which is one function since its shared memory is; and a list of statements."""
BY_CONVENTION = {"CLAIMS", "TOPIC", "main"}
"""What modules of claims and of figures export."""


def sources(package: str) -> Iterator[tuple[str, str]]:
    """Each module of a package as its path from the root and its text."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def lines_of_code(source: str, tree: ast.Module) -> set[int]:
    """Numbers of the lines that hold more than comments, blanks and docstrings."""
    noise = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in noise:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if is_text(node):
            found.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def is_text(node: ast.AST | None) -> bool:
    """Whether a statement is a text, as stands under what it explains."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def long_functions(source: str) -> dict[str, int]:
    """Lines of code of the functions that have too many."""
    tree = ast.parse(source)
    code = lines_of_code(source, tree)
    sizes = {
        f"{node.name}:{node.lineno}": len(code & set(range(node.lineno, node.end_lineno + 1)))
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS)
    }
    return {name: size for name, size in sizes.items() if size > MAX_FUNCTION}


def public_names(tree: ast.Module) -> set[str]:
    """What a module lists in `__all__`."""
    lists = (n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__")
    return {constant.value for each in lists for constant in ast.walk(each) if isinstance(constant, ast.Constant)}


def undocumented(source: str) -> list[str]:
    """Public functions, classes with their public methods and fields, and constants, of which nothing is said."""
    tree = ast.parse(source)
    public, found = public_names(tree), []
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            found += [] if is_text(after) else sorted(name for name in public & assigned(node) if name[0] != "_")
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name in public:
            found += bare_functions(node) + bare_fields(node)
    return found


def assigned(node: ast.Assign | ast.AnnAssign) -> set[str]:
    """Names that a statement gives values to."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    each = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return {part.id for part in each if isinstance(part, ast.Name)}


def bare_functions(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[str]:
    """The function or class itself, and public methods, without docstring."""
    inside = node.body if isinstance(node, ast.ClassDef) else []
    methods = [n for n in inside if isinstance(n, FUNCTIONS) and not n.name.startswith("_")]
    return [each.name for each in (node, *methods) if not ast.get_docstring(each)]


def bare_fields(node: ast.AST) -> list[str]:
    """Public fields of a dataclass with neither a text under them nor a line in "Attributes:"."""
    if not isinstance(node, ast.ClassDef) or not any("dataclass" in ast.unparse(n) for n in node.decorator_list):
        return []
    told = ast.get_docstring(node) or ""
    fields = [
        (each.target.id, after)
        for each, after in zip(node.body, [*node.body[1:], None], strict=True)
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        if "ClassVar" not in ast.unparse(each.annotation)
    ]
    return [
        f"{node.name}.{name}"
        for name, after in fields
        if not name.startswith("_") and not is_text(after) and f"{name}:" not in told
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_stay_small(package: str) -> None:
    found = {path: long_functions(source) for path, source in sources(package)}
    long = {path: {name.split(":")[0] for name in names} for path, names in found.items()}
    assert {path: names for path, names in long.items() if names - {LONGER.get(path)}} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_says_what_it_is(package: str) -> None:
    found = {path: set(undocumented(source)) - BY_CONVENTION for path, source in sources(package)}
    assert {path: names for path, names in found.items() if names} == {}


# Each rule above can fail:


def test_long_functions_are_found_and_words_do_not_count() -> None:
    words = '    """One.\n\n    Two.\n    """\n    # three\n\n'
    assert long_functions("def f():\n" + words + "    x = 1\n" * (MAX_FUNCTION - 1)) == {}
    assert long_functions("def f():\n" + words + "    x = 1\n" * MAX_FUNCTION) == {"f:1": MAX_FUNCTION + 1}


def test_undocumented_names_are_found() -> None:
    source = '''
__all__ = ["A", "SIZE", "WORDS", "f"]
SIZE = 1
WORDS: list[str] = []
"""Some words."""
HIDDEN = 2
def f(): pass
def g(): pass
@dataclass
class A:
    """A.

    Attributes:
        first: The first.
    """
    first: int
    second: int
    third: int
    """The third."""
    def method(self): pass
    def _own(self): pass
'''
    assert undocumented(source) == ["SIZE", "f", "method", "A.second"]
