"""The settings of the house reach the files."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from paper_figs.workshop.style import house_style
from simulate.house.drawing.saving import save_figure

pytest.importorskip("tueplots", reason="needs the extra figures")


def test_pictures_have_the_resolution_of_the_style(tmp_path: Path) -> None:
    with house_style():
        drawn = save_figure(Figure(figsize=(1.0, 0.5)), tmp_path / "drawn.png")
    with Image.open(drawn) as image:
        assert image.size == (300, 150)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
