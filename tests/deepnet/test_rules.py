"""The rules of deepnet/ that its sources can be read for, and that the reading finds what it looks for."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.places import ROOT

DEEPNET = ROOT / "deepnet"


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(DEEPNET.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def calls(source: str, pattern: str) -> list[str]:
    """Calls whose function, written out, ends in a pattern; what stands in text or comments does not count."""
    return [function for function in called(source) if re.search(pattern + "$", function)]


@cache
def called(source: str) -> list[str]:
    """The function of every call, written out."""
    return [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def imported(source: str) -> Iterator[str]:
    """Absolute names of what is imported; `from a import b` counts as `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def where(finder, *arguments: object) -> dict[str, list[str]]:
    found = {path: finder(source, *arguments) for path, source in sources()}
    return {path: hits for path, hits in found.items() if hits}


def test_devices_are_arguments() -> None:
    assert where(calls, r"\.cuda") == {}


def test_gradients_are_taken_in_one_place() -> None:
    """A second place would be a second training; second derivatives, and those by inputs, are none to train with."""
    assert where(calls, r"(\.backward|autograd\.grad|autograd\.backward)") == {
        "deepnet/learning/sharpness.py": ["torch.autograd.grad"],
        "deepnet/methods/teachers/inputs.py": ["torch.autograd.grad"],
        "deepnet/metrics/curvature.py": ["torch.autograd.grad"] * 2,
    }
    assert where(functional_gradients) == {}


def functional_gradients(source: str) -> list[str]:
    """torch.func and its relatives, by which a gradient could be taken elsewhere."""
    others = r"(torch\.func\b|torch\.autograd\.functional|functorch)"
    return [name for name in imported(source) if re.match(others, name)]


def test_optimizers_step_in_one_place() -> None:
    assert set(where(calls, r"optimizer\.step")) == {"deepnet/learning/stepping.py"}
    assert set(where(calls, r"torch\.optim\.\w+")) <= {"deepnet/learning/descent.py"}


def test_no_global_random_numbers() -> None:
    """But for torch's initialisations, and transforms of other people's data sets, which know no other.

    `test_models` and `test_samples` hold that the state is put back.
    """
    seeding = r"(torch\.manual_seed|random\.seed|np\.random\.(seed|rand|randn|randint|choice|permutation|shuffle))"
    assert set(where(calls, seeding)) <= {"deepnet/networks/models.py", "deepnet/own/reading.py"}


def test_no_pickles() -> None:
    """Files of others are read in one place, by a reader that makes nothing but tensors."""
    files = {"deepnet/networks/checkpoints.py": ["torch.load"], "deepnet/networks/exporting.py": ["torch.save"]}
    assert where(calls, r"(torch\.load|torch\.save|pickle\.loads?)") == files
    assert [path for path, source in sources() if "weights_only=True" in source] == ["deepnet/networks/checkpoints.py"]
    assert [path for path, source in sources() if "weights_only=False" in source] == []
    assert [path for path, source in sources() if "allow_pickle=True" in source] == []


# Each rule above can fail:


def test_calls_are_found_and_text_is_not() -> None:
    source = '''
"""model.cuda() is not for us."""
# x.cuda()
model.cuda(0)
loss.backward()
g, = torch.autograd.grad(loss, w)
'''
    assert calls(source, r"\.cuda") == ["model.cuda"]
    assert calls(source, r"(\.backward|autograd\.grad|autograd\.backward)") == ["loss.backward", "torch.autograd.grad"]
    assert functional_gradients("from torch.func import grad") == ["torch.func.grad"]
