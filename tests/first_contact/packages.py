"""Packages that another machine lacks, as one small archive: chosen from what is installed here, fetched for there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.places import ROOT

__all__ = ["THERE", "archive", "fetch", "missing", "names_in"]

THERE = frozenset(
    {
        "certifi", "cupy", "cupy-cuda12x", "cupy-cuda13x", "filelock", "jinja2", "joblib", "llvmlite",
        "markdown-it-py", "matplotlib", "mpmath", "networkx", "numba", "numba-cuda", "numpy", "packaging", "pandas",
        "pillow", "pygments", "requests", "rich", "safetensors", "scikit-learn", "scipy", "setuptools", "sympy",
        "threadpoolctl", "torch", "torchvision", "tqdm", "triton", "typing-extensions", "xarray",
    }
)  # fmt: skip
"""What a machine with PyTorch, CuPy and numba usually has."""

_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64",
              "manylinux1_x86_64")  # fmt: skip
_NOT_NEEDED = re.compile(r"(^|/)(tests?|testing_data|benchmarks)/|\.(pyi|pyx|pxd|c|h|cpp|md|rst)$")


def missing(there: Iterable[str] = THERE, python: str = "3.12") -> dict[str, str]:
    """Versions of the packages that this project needs and another machine lacks.

    Args:
        there: Names of packages that the machine has; what they need they have as well.
        python: Version of its Python.

    Returns:
        Versions by name, those that are installed here.

    Raises:
        ValueError: if one of them is not installed here.
    """
    have = {_plain(name) for name in there}
    known = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    found: dict[str, str] = {}
    open_ends = list(_asked(_project(), {"deepnet"}, known))
    while open_ends:
        name, extras = open_ends.pop()
        if name in have or name in found:
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise ValueError(f"The package {name} must be installed here to know its version, but is not.") from None
        open_ends += _asked(metadata.requires(name) or [], extras, known)
    return dict(sorted(found.items()))


def _project() -> list[str]:
    """What this project asks for, as a wheel of it would say."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = [f'{each}; extra == "deepnet"' for each in told["optional-dependencies"]["deepnet"]]
    return [*told["dependencies"], *extra]


def _asked(requirements: Iterable[str], extras: set[str], known: dict[str, str]) -> Iterator[tuple[str, set[str]]]:
    for text in requirements:
        asked = Requirement(text)
        if asked.marker is None or any(asked.marker.evaluate({**known, "extra": each}) for each in {"", *extras}):
            yield _plain(asked.name), set(asked.extras)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(listing: str) -> list[str]:
    """The names in what `pip list` or `pip freeze` printed.

    Example:
        >>> names_in("numpy   2.5.2") + names_in("torch==2.11.0")
        ['numpy', 'torch']
    """
    words = (re.split(r"[\s=@]+", line.strip())[0] for line in listing.splitlines() if line.strip())
    return [word for word in words if word != "Package" and not word.startswith(("-", "#"))]


def fetch(versions: dict[str, str], python: str, folder: Path) -> list[Path]:
    """Fetch wheels for another machine, with Linux on x86-64, by pip.

    Raises:
        ValueError: if pip does not find one; the message is its last line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [word for each in _PLATFORMS for word in ("--platform", each)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary=:all:", "--implementation", "cp", "--python-version", python, *platforms, "--dest", folder,
         *(f"{name}=={version}" for name, version in versions.items())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ValueError(f"pip could not fetch the packages to carry: {lines[-1] if lines else 'it says nothing'}")
    return sorted(folder.glob("*.whl"))


def archive(wheels: Iterable[Path], place: Path) -> Path:
    """Put wheels, without tests, sources and symbols, into one archive, which is unpacked to be imported from."""
    with tempfile.TemporaryDirectory() as site:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as inside:
                for member in inside.infolist():
                    if not member.is_dir() and not _NOT_NEEDED.search(member.filename):
                        path = Path(site, _placed(member.filename))
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(inside.read(member))
        libraries = [path for path in Path(site).rglob("*.so*") if path.is_file()]
        if libraries and shutil.which("strip"):  # POT's are 180 MB with their symbols, and 2 MB without
            subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)
        with tarfile.open(place, "w:xz") as made:
            for path in sorted(Path(site).iterdir()):
                made.add(path, path.name)
    return place


def _placed(name: str) -> str:
    """Where a file of a wheel belongs: some wheels keep theirs in NAME.data/purelib."""
    return re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)
