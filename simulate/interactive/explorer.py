"""The widget itself: controls, a picture that follows them, and a line that says what was run or what is wrong."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ipywidgets import HTML, FloatLogSlider, GridBox, Image, Layout, VBox

from simulate.house import checks

__all__ = ["Explorer", "View", "check_value"]

COLUMN, WIDEST = 17, 25
"""Width of a column of controls in em, at least and at most."""


@dataclass(frozen=True)
class View:
    """What an explorer shows."""

    simulate: Callable[[Any], Any]
    """Settings to data."""
    draw: Callable[[Any], bytes]
    """Data to a PNG."""
    describe: Callable[[Any, Any], str]
    """Settings and data to one or two lines of text."""


class Explorer(VBox):
    """Controls over a picture. Made by `trajectory_explorer` and `phase_map_explorer`.

    The picture is redrawn while a message of a slider is handled. JupyterLab sends a slider's next value only then, and
    only the latest one: however fast a hand moves, no picture is drawn that is out of date before it is seen.

    Args:
        view: What is shown.
        controls: A widget with a `value` for each field of the settings that can be moved.
        start: Settings to begin with; what has no control keeps them.
        columns: Number of columns of controls at most; a narrow page has fewer.

    Attributes:
        controls: The controls, by the name of the setting.
        settings: The settings of the picture.
        data: What is drawn.
        milliseconds: Time that the last picture took, by part: "simulate" and "draw".
        n_pictures: Number of pictures drawn so far.
        picture: The widget that holds the PNG.
        caption: The widget that holds the text below it.
        message: That text.
    """

    def __init__(self, view: View, controls: Mapping[str, Any], start: Any, *, columns: int = 3) -> None:
        self._view = view
        self.controls = dict(controls)
        self.settings, self.data = start, None
        self.milliseconds: dict[str, float] = {}
        self.n_pictures = 0
        self.message = ""
        self._held = False
        self.picture = Image(format="png", layout=Layout(max_width="100%", align_self="flex-start"))
        self.caption = HTML()
        grid = GridBox(
            tuple(self.controls.values()),
            layout=Layout(  # as many columns as there is room for: a control out of sight is out of reach
                grid_template_columns=f"repeat(auto-fit, minmax({COLUMN}em, 1fr))", max_width=f"{WIDEST * columns}em"
            ),
        )
        super().__init__((grid, self.picture, self.caption))
        self._show(start)
        for control in self.controls.values():
            control.observe(self._follow, names="value")

    def move(self, **values: Any) -> None:
        """Set several controls and redraw once.

        Args:
            values: New values by the name of the setting.

        Raises:
            ValueError: if there is no such control, or it cannot take the value.
        """
        for name, value in values.items():
            if name not in self.controls:
                known = ", ".join(self.controls)
                raise ValueError(f"Argument `{name}` must be one of the controls {known}, but is none of them.")
            check_value(name, self.controls[name], value)
        self._held = True
        for name, value in values.items():
            self.controls[name].value = value
        self._held = False
        self._follow()

    def _follow(self, _change: object = None) -> None:
        """Read the controls and redraw, or say in one line why they cannot be run."""
        if self._held:
            return
        values = {name: _read(control, getattr(self.settings, name)) for name, control in self.controls.items()}
        try:
            settings = replace(self.settings, **values)
            if settings != self.settings:
                self._show(settings)
            else:
                self._say(self._view.describe(settings, self.data))
        except ValueError as error:
            self._say(str(error), wrong=True)

    def _show(self, settings: Any) -> None:
        begun = time.perf_counter()
        data = self._view.simulate(settings)
        simulated = time.perf_counter()
        picture = self._view.draw(data)
        drawn = time.perf_counter()
        self.picture.value = picture
        self.settings, self.data = settings, data
        self.milliseconds = {"simulate": 1e3 * (simulated - begun), "draw": 1e3 * (drawn - simulated)}
        self.n_pictures += 1
        self._say(self._view.describe(settings, data))

    def _say(self, text: str, *, wrong: bool = False) -> None:
        style = "color: #b00020; font-weight: 600" if wrong else "line-height: 1.35"
        self.message = text
        self.caption.value = f'<div style="{style}">{html.escape(text)}</div>'


def check_value(name: str, control: Any, value: Any) -> None:
    """Refuse a value that a control cannot hold (a slider would silently take the nearest one).

    Raises:
        ValueError: if the value lies outside of the range of the control or is none of its options.
    """
    if hasattr(control, "options"):
        checks.choice(name, value, control.options)
    else:
        checks.real(name, value)
        low, high = control.min, control.max
        if isinstance(control, FloatLogSlider):
            low, high = control.base**low, control.base**high
        if not low <= value <= high:
            checks.fail(name, f"lie in [{low:g}, {high:g}]", value)


def _read(control: Any, before: object) -> Any:
    """The value of a control, whole where the setting is a whole number."""
    return round(control.value) if isinstance(before, int) else control.value
