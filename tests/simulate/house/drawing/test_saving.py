"""A figure that cannot be written is refused before it is drawn, by the name of its argument."""

from pathlib import Path

import pytest

from simulate.house.drawing.saving import check_figure


@pytest.mark.parametrize("place", ["no_format.jpeg2000", "a_file/drawn.png", "a_folder.png"])
def test_the_argument_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    (tmp_path / "a_folder.png").mkdir()
    with pytest.raises(ValueError, match="Argument `picture` must"):
        check_figure(tmp_path / place, name="picture")
    check_figure(tmp_path / "new" / "drawn.png", name="picture")
