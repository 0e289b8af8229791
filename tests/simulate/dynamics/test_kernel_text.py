"""The kernel as PTX: what becomes of it on a card, the version that a driver reads, and texts made beforehand."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from simulate import SGD, Loss, Phase, Problem
from simulate.dynamics.cuda import device, texts
from simulate.dynamics.cuda.device import find_gpu, flat
from simulate.dynamics.cuda.layout import H100, Shape, choose_layout, lay_out, resident_blocks
from simulate.dynamics.cuda.texts import VARIABLE, compile_kernel, load_kernel, lowered, readable, save_kernel
from tests.oracles.gpu_rehearsal import Training, numpy_for_cupy, train
from tests.simulate.dynamics.ptx_assembly import assemble, assembler
from tests.simulate.dynamics.test_gpu import instances

MADE_UP = """//
// by some compiler

.version 9.5
.target sm_80
.visible .entry _Z7advance(.param .u64 x) { add.f64 %fd1, %fd2, .version 9.5; }
"""
"""A text in the form of NVVM's, with the words of its head where they must stay, too."""


@pytest.fixture(scope="module", params=[(8, 0), pytest.param((9, 0), marks=pytest.mark.slow)], ids=["sm_80", "sm_90"])
def ptx(request: pytest.FixtureRequest) -> str:
    try:
        return compile_kernel(request.param)
    except Exception as error:  # numba's errors for what is missing differ from version to version
        pytest.skip(f"numba cannot compile for CUDA here: {type(error).__name__}")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Capabilities that were compiled for; the text is made up."""
    asked: list[tuple[int, int]] = []

    def compiles(capability: tuple[int, int]) -> str:
        asked.append(capability)
        return MADE_UP

    monkeypatch.setattr(texts, "compile_kernel", compiles)
    return asked


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """`find_gpu` on a card of capability 9.0 with a driver of some CUDA; returns what was loaded."""

    def found(cuda: int) -> list[str]:
        loaded: list[str] = []

        def module(path: str) -> SimpleNamespace:
            loaded.append(Path(path).read_text(encoding="utf-8"))
            return SimpleNamespace(get_function=lambda name: SimpleNamespace(name=name, num_regs=120))

        names = ("MaxSharedMemoryPerBlockOptin", "MaxSharedMemoryPerMultiprocessor", "MultiProcessorCount",
                 "MaxRegistersPerMultiprocessor", "MaxThreadsPerMultiProcessor")  # fmt: skip
        runtime = SimpleNamespace(
            getDeviceCount=lambda: 1, driverGetVersion=lambda: cuda, CUDARuntimeError=RuntimeError
        )
        device_there = SimpleNamespace(attributes=dict.fromkeys(names, 1), compute_capability="90")
        cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=lambda: device_there), RawModule=module)
        monkeypatch.setattr(device, "import_module", lambda name: cupy)
        gpu = find_gpu.__wrapped__()
        assert gpu.kernel.name == "_Z7advance"
        return loaded

    return found


# --- on a card ---------------------------------------------------------------------------------------------


def test_kernel_compiles_with_its_sums_in_registers(ptx):
    assert ".local" not in ptx
    assert "ld.shared.f64" in ptx


@pytest.mark.parametrize("target", ["sm_80", "sm_90"])
def test_the_kernel_assembles_for_a_driver_of_cuda_12(ptx, target, tmp_path):
    """Sixteen warps a multiprocessor, and nothing that registers have no room for."""
    if target == "sm_80" and ".target sm_90" in ptx:
        pytest.skip("the text asks for a newer card")
    needs = assemble(lowered(ptx, (8, 0)), target, tmp_path)
    assert needs.in_memory == 0
    assert needs.registers <= 128
    layout = choose_layout(Shape(n=20, m=10, n_columns=21, perturbs=False), needs.registers, H100)
    assert layout is not None
    assert layout.warps * resident_blocks(layout, needs.registers, H100) >= 16


@pytest.mark.slow  # a second for each version
def test_the_version_in_its_head_changes_no_instruction(ptx, tmp_path):
    codes = {assemble(lowered(ptx, version), "sm_90", tmp_path).code for version in ((7, 8), (8, 0), (8, 7))}
    assert len(codes) == 1


def test_an_older_assembler_refuses_a_newer_version(tmp_path):
    """The fault that lowering the version mends."""
    path = tmp_path / "newer.ptx"
    path.write_text(".version 99.0\n.target sm_90\n.address_size 64\n", encoding="utf-8")
    done = subprocess.run([assembler(), "-arch=sm_90", path, "-o", tmp_path / "x"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "Unsupported .version" in done.stderr
    assemble_nothing = subprocess.run(
        [assembler(), "-arch=sm_90", "-o", tmp_path / "x", "/dev/stdin"], capture_output=True, text=True,
        input=lowered(path.read_text(encoding="utf-8"), (8, 0)),
    )  # fmt: skip
    assert assemble_nothing.returncode == 0


def test_parameters_are_those_that_numba_expects(ptx):
    head = re.search(r"\.entry\s+\w+\((.*?)\)", ptx, re.DOTALL)
    assert head is not None
    expected = re.findall(r"\.param\s+(?:\.align \d+ )?\.(\w+)", head[1])
    seen = []

    def launch(layout, arguments):
        seen.extend([*flat(arguments), np.int64(layout.held), *map(np.int64, layout.bounds)])

    with numpy_for_cupy(launch, lambda shape, *_: lay_out(shape, 10**6, 1)):
        train(Training(instances(Problem(d=60, n=6, m=2)), [Phase("a", Loss(), SGD(), steps=1)]), "cupy")
    kinds = {"f64": np.float64, "u64": np.int64, "b64": np.int64, "s64": np.int64}
    assert [type(value) for value in seen[: len(expected)]] == [kinds[name] for name in expected]


# --- for a driver ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "version"),
    [(11080, "7.8"), (12000, "8.0"), (12040, "8.4"), (12060, "8.5"), (12090, "8.8"), (13000, "9.0"), (13050, "9.5"),
     (13060, "9.5"), (14020, "9.5"), (0, "8.0")],
)  # fmt: skip
def test_a_driver_gets_a_version_that_it_reads(cuda, version, card, compiled):
    """Never a newer one than was written, and the rest of the text as it is."""
    (loaded,) = card(cuda)
    assert loaded == MADE_UP.replace(".version 9.5\n", f".version {version}\n")
    assert loaded.count(".version 9.5;") == 1
    assert compiled == [(9, 0)]


def test_versions_follow_those_of_cuda():
    """No driver of CUDA 12.x reads PTX 9, nor those that are older what came with a newer one."""
    read = [readable(1000 * major + 10 * minor) for major, last in ((11, 8), (12, 9), (13, 5)) for minor in range(last)]
    assert read == sorted(read)


# --- made beforehand ---------------------------------------------------------------------------------------


def test_a_text_made_beforehand_is_loaded_and_nothing_compiled(card, compiled, tmp_path, monkeypatch):
    path = save_kernel(tmp_path / "kernel.ptx")
    assert compiled == [(8, 0)]
    monkeypatch.setenv(VARIABLE, str(path))
    (loaded,) = card(12040)
    assert loaded == MADE_UP.replace(".version 9.5\n", ".version 8.0\n")
    assert compiled == [(8, 0)]


def refused(path: Path, capability: tuple[int, int] = (9, 0)) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the callers look at the message
        load_kernel(path, capability)
    return str(caught.value)


def test_what_is_not_this_kernel_is_refused(compiled, tmp_path, monkeypatch):
    path = save_kernel(tmp_path / "kernel.ptx", (9, 0))
    text = path.read_text(encoding="utf-8")
    assert "capability 9.0, but this card has 8.0" in refused(path, (8, 0))
    for damaged in (text.replace("add.f64", "sub.f64"), text[:-1], MADE_UP, "", text.replace("\n", "\r\n")):
        path.write_bytes(damaged.encode())
        assert "damaged, or was not written by save_kernel" in refused(path)
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(texts, "NONFINITE", 7)
    assert "stale, made of other sources" in refused(path)


@pytest.mark.parametrize("name", ["block.py", "thread.py"])
def test_a_text_of_other_sources_is_stale(name, compiled, tmp_path, monkeypatch):
    for source in ("block.py", "thread.py"):
        text = Path(texts.__file__).with_name(source).read_text(encoding="utf-8")
        (tmp_path / source).write_text(text, encoding="utf-8", newline="\r\n")
    path = save_kernel(tmp_path / "kernel.ptx")
    monkeypatch.setattr(texts, "__file__", str(tmp_path / "texts.py"))
    assert load_kernel(path, (8, 0))  # the same lines, ended as elsewhere
    with (tmp_path / name).open("a", encoding="utf-8") as file:
        file.write("# another line\n")
    assert "stale" in refused(path)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError('Failure finding "libnvvm.so": No such file: libnvvm.so*\n  in many lines'),
        ModuleNotFoundError("No module named 'numba_cuda'"),
        type("NvvmSupportError", (ImportError,), {})("libNVVM cannot be found. Do `conda install cudatoolkit`"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_a_compiler_one_sentence_says_what_to_do(error, card, monkeypatch):
    cuda = pytest.importorskip("numba.cuda")

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cuda, "compile_ptx", fails)
    with pytest.raises(ValueError, match=r'^Argument `engine` must be .*, but is "cupy": numba finds no') as caught:
        card(12040)
    message = str(caught.value)
    assert "pip install" in message
    assert VARIABLE in message
    assert "\n" not in message
    assert message.count(". ") == 0


@pytest.mark.parametrize("content", [None, "nothing"])
def test_a_file_that_is_not_the_kernel_is_one_sentence_too(content, card, tmp_path, monkeypatch):
    path = tmp_path / "kernel.ptx"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(ValueError, match=rf"^Argument `engine` must .*: .*{VARIABLE}.*[^.]\.$"):
        card(12040)
