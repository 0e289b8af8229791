"""Folders that hold a folder of images for each class: which files are images, and in which order they come.

Every room lists images by these rules; docs/images.md has them as a table.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from simulate.house.files import require_folder

__all__ = ["COMPANIONS", "SUFFIXES", "class_folders", "images_of", "natural"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""What names of images end in, in small or capital letters."""
COMPANIONS = (".csv", ".html", ".json", ".md", ".tsv", ".txt", ".xml", ".yaml", ".yml")
"""Texts that data sets have beside their images, as Tiny-ImageNet has its boxes; they are passed over."""
_OF_SYSTEMS = ("$recycle.bin", "@eadir", "__macosx", "desktop.ini", "thumbs.db")
"""What systems leave in folders, in small letters. Whatever starts with a dot is of this kind, too."""


def class_folders(root: Path) -> list[Path]:
    """The folders in a folder, one a class, in order of their names, with numbers as numbers.

    Args:
        root: The folder.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it is a file, or holds no folder; the message names it.
    """
    require_folder(root, "The image folder")
    found = {path.name: path for path in root.iterdir() if not _of_systems(path.name) and path.is_dir()}
    if not found:
        raise ValueError(f"The image folder {root} holds no sub-folder; there must be one for each class.")
    return [found[name] for name in sorted(found, key=natural)]


def images_of(folder: Path, *, least: int = 1) -> list[str]:
    """The images in the folder of a class and in the folders below it, in order, with numbers as numbers.

    Args:
        folder: The folder.
        least: How many images there must be.

    Returns:
        Their paths, as text: a million of path objects would be slow.

    Raises:
        ValueError: if there are too few, a file is neither an image nor a text, or a link leads back to a folder above
            it; the message names it.
    """
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not _of_systems(name) and _leads_down(Path(parent, name))]
        found += [os.path.join(parent, name) for name in names if _is_image(name, parent)]  # noqa: PTH118
    if len(found) < least:
        held = "no image" if not found else "one image" if len(found) == 1 else f"{len(found)} images"
        asked = "" if least == 1 else f"; there must be {least} at least"
        raise ValueError(f"The class folder {folder} holds {held}{asked}.")
    return sorted(found, key=natural)


def natural(name: str) -> list[tuple[str, int, str]]:
    """Sorts names by the alphabet, but numbers in them by value.

    Example:
        >>> sorted(["10", "9", "b10.png", "b9.png", "a"], key=natural)
        ['9', '10', 'a', 'b9.png', 'b10.png']
    """
    return [(text, int(digits or -1), digits) for text, digits in re.findall(r"(\D*)(\d*)", name)]


def _is_image(name: str, parent: str) -> bool:
    lower = name.lower()
    if lower.endswith(SUFFIXES):
        return not _of_systems(name)
    if lower.endswith(COMPANIONS) or _of_systems(name):
        return False
    raise ValueError(
        f"The file {Path(parent) / name} is no image by its name; images end in {', '.join(SUFFIXES)}, and beside them "
        f"texts may lie ({', '.join(COMPANIONS)})."
    )


def _leads_down(folder: Path) -> bool:
    """That a folder is not one above itself, by a link: its images would be listed again and again.

    Raises:
        ValueError: if it is.
    """
    if folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"The folder {folder} is a link to one that it lies in.")
    return True


def _of_systems(name: str) -> bool:
    return name.startswith(".") or name.lower() in _OF_SYSTEMS
