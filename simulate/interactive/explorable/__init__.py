"""One page of HTML to play with, without a kernel and without a server: trajectories that were computed beforehand."""

from simulate.interactive.explorable.grid import Grid
from simulate.interactive.explorable.page import page
from simulate.interactive.explorable.series import measure

__all__ = ["Grid", "measure", "page"]
