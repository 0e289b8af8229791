"""Which files of a folder are images, in which order, and that nothing is passed over in silence."""

from pathlib import Path

import pytest

from simulate.house.pictures.folders import COMPANIONS, SUFFIXES, class_folders, images_of


def touch(root: Path, *names: str) -> Path:
    """Make empty files, and the folders they lie in."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names_of(root: Path) -> list[str]:
    """The images of a folder as they are listed."""
    return [Path(path).relative_to(root).as_posix() for path in images_of(root)]


def test_classes_and_images_are_ordered_by_number(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{number}/a" for number in range(12)), "cat/a", "cat2/a", "cat10/a")
    found = [path.name for path in class_folders(tmp_path)]
    assert found == [*map(str, range(12)), "cat", "cat2", "cat10"]
    touch(tmp_path / "one", "10.png", "9.png", "inner/1.png", "b10.png", "b9.png")
    assert names_of(tmp_path / "one") == ["9.png", "10.png", "b9.png", "b10.png", "inner/1.png"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_found_in_small_and_capital_letters(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"a{suffix}", f"b{suffix.upper()}")
    assert names_of(tmp_path) == [f"a{suffix}", f"b{suffix.upper()}"]


LEFT_BY_SYSTEMS = (
    ".DS_Store", "._a.png", ".hidden.png", ".ipynb_checkpoints/a.png", "Thumbs.db", "desktop.ini", "@eaDir/a.png",
    "__MACOSX/a.png", "$RECYCLE.BIN/a.png",
)  # fmt: skip


@pytest.mark.parametrize("name", [*LEFT_BY_SYSTEMS, *(f"notes{suffix}" for suffix in COMPANIONS)])
def test_what_systems_and_data_sets_leave_is_passed_over(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "a.png", name)
    assert names_of(tmp_path) == ["a.png"]


@pytest.mark.parametrize("name", LEFT_BY_SYSTEMS)
def test_what_systems_leave_is_no_class(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "cat/a.png", name)
    assert [path.name for path in class_folders(tmp_path)] == ["cat"]


@pytest.mark.parametrize("name", ["a.heic", "weights.npy", "photograph", "a.png.part", "inner/a.mp4"])
def test_what_may_be_an_image_is_named(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "a.png", name)
    with pytest.raises(ValueError, match=rf"^The file {tmp_path / name} is no image by its name; images end in \.bmp"):
        images_of(tmp_path)


def test_classes_of_too_few_images_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(ValueError, match=rf"^The class folder {tmp_path} holds no image\.$"):
        images_of(tmp_path)
    touch(tmp_path, "a.png")
    assert names_of(tmp_path) == ["a.png"]
    with pytest.raises(ValueError, match=r"holds one image; there must be 2 at least\.$"):
        images_of(tmp_path, least=2)
    touch(tmp_path, "b.png")
    with pytest.raises(ValueError, match=r"holds 2 images; there must be 3 at least\.$"):
        images_of(tmp_path, least=3)


def test_roots_that_hold_no_classes_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}/none does not exist"):
        class_folders(tmp_path / "none")
    touch(tmp_path, "file", ".git/config")
    with pytest.raises(ValueError, match=f"{tmp_path}/file is a file"):
        class_folders(tmp_path / "file")
    with pytest.raises(ValueError, match="holds no sub-folder"):
        class_folders(tmp_path)


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_link_to_a_folder_above_is_named(target: str, tmp_path: Path) -> None:
    """Its images would be listed some forty times."""
    touch(tmp_path, "class/deep/a.png")
    (tmp_path / "class/deep/again").symlink_to(target)
    with pytest.raises(
        ValueError, match=rf"^The folder {tmp_path}/class/deep/again is a link to one that it lies in\.$"
    ):
        images_of(tmp_path / "class")


def test_a_link_to_another_folder_is_followed(tmp_path: Path) -> None:
    touch(tmp_path, "class/a.png", "elsewhere/b.png")
    (tmp_path / "class/more").symlink_to(tmp_path / "elsewhere")
    assert names_of(tmp_path / "class") == ["a.png", "more/b.png"]
