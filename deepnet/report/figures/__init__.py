"""The figures of a report, one small file each."""

from deepnet.report.figures.drawing import Drawing, Skipped, Sources, save
from deepnet.report.figures.gallery import FIGURES, draw_all

__all__ = ["FIGURES", "Drawing", "Skipped", "Sources", "draw_all", "save"]
