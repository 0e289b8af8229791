"""The cache of compiled kernels follows their sources."""

from pathlib import Path

from simulate.compilation import drop_stale_cache


def room(tmp_path: Path) -> Path:
    """A room with two kernels and something compiled."""
    for name in ("kernels", "patterns"):
        (tmp_path / f"{name}.py").write_text("old")
    drop_stale_cache(tmp_path)
    (tmp_path / "__pycache__" / "kernels.advance-1.py311.nbi").write_text("compiled")
    return tmp_path


def test_a_change_of_any_kernel_drops_the_cache(tmp_path: Path) -> None:
    here = room(tmp_path)
    (here / "patterns.py").write_text("new")
    assert drop_stale_cache(here)
    assert not list((here / "__pycache__").glob("*.nbi"))


def test_a_cache_that_fits_is_kept(tmp_path: Path) -> None:
    here = room(tmp_path)
    assert not drop_stale_cache(here)
    assert list((here / "__pycache__").glob("*.nbi"))
