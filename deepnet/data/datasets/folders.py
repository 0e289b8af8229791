"""Images in folders: which files there are, of which class, and their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from deepnet.data.decoding import center_view
from simulate.house.pictures.folders import class_folders, images_of, natural
from simulate.house.pictures.reading import broken_metadata_ignored, read_image

__all__ = ["Listing", "decode", "list_annotated", "list_folder"]


@dataclass(frozen=True, eq=False)
class Listing:
    """Files of images and their classes."""

    files: tuple[str, ...]
    """The files, class by class."""
    labels: Tensor
    """Their classes, (n,) of int64."""
    class_names: tuple[str, ...]
    """Names of the classes 0, 1, ..."""


def list_folder(root: Path, class_names: Sequence[str] | None = None) -> Listing:
    """The images of a folder that holds a sub-folder for each class.

    Classes are sorted by name. The images of a class may lie in folders below it; they are sorted by name. Numbers in
    names are sorted as numbers, so that 2.jpg comes before 10.jpg.

    Args:
        root: The folder.
        class_names: The classes it must have; None takes what there is.

    Returns:
        The files.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it holds no classes, other classes, a class without images, or files that are neither images nor
            texts; the message names the folder or the file.
    """
    folders = class_folders(root)
    found = [folder.name for folder in folders]
    if class_names is not None:
        _check_classes(root, found, class_names)
    members = [images_of(folder) for folder in folders]
    counts = torch.tensor([len(files) for files in members])
    labels = torch.arange(len(found)).repeat_interleave(counts)
    return Listing(tuple(chain.from_iterable(members)), labels, tuple(found))


def list_annotated(root: Path, annotations: Path, class_names: Sequence[str]) -> Listing:
    """The images of one folder whose classes stand in a text file, as Tiny-ImageNet's validation images come.

    Args:
        root: The folder of the images.
        annotations: Lines of a file name, a tab, and a class name; what follows another tab is ignored.
        class_names: The classes there may be.

    Returns:
        The files, sorted by class and then by name.

    Raises:
        ValueError: if a line names an unknown class or a missing image, or a class has no line.
    """
    classes = {name: number for number, name in enumerate(class_names)}
    labelled = []
    for number, line in enumerate(annotations.read_text(encoding="utf-8").splitlines(), start=1):
        name, _, rest = line.partition("\t")
        cls = rest.partition("\t")[0]
        if cls not in classes or not (root / name).is_file():
            raise ValueError(f"Line {number} of {annotations} names no image in {root} of a known class: {line!r}.")
        labelled.append((classes[cls], name))
    missing = sorted(set(classes) - {class_names[cls] for cls, _ in labelled})
    if missing:
        raise ValueError(f"The file {annotations} names no image of {_few(missing)}.")
    labelled.sort(key=lambda pair: (pair[0], natural(pair[1])))
    return Listing(
        tuple(str(root / name) for _, name in labelled), torch.tensor([cls for cls, _ in labelled]), tuple(class_names)
    )


def decode(files: Sequence[str], size: int | None, workers: int) -> Tensor:
    """Decode images, in threads.

    Args:
        files: The files.
        size: Side in pixels to which images are brought (shorter side scaled, central square cut out); None takes
            them as they are, all alike.
        workers: Number of threads; 0 is one.

    Returns:
        The pixels, (n, 3, H, W) of uint8.

    Raises:
        ValueError: if a file cannot be read, or has another size than the first; the message names it.
    """

    def pixels(path: str) -> np.ndarray:
        image = read_image(path)
        return np.asarray(image if size is None or image.size == (size, size) else center_view(image, size, size))

    first = pixels(files[0])
    decoded = np.empty((len(files), *first.shape), dtype=np.uint8)

    def fill(rows: range) -> None:
        for row in rows:
            found = pixels(files[row])
            if found.shape != first.shape:
                sizes = [f"{width} x {height}" for height, width, _ in (found.shape, first.shape)]
                raise ValueError(
                    f"The image {files[row]} has {sizes[0]} pixels and {files[0]} has {sizes[1]}: "
                    "give `image_size` to bring all to one size."
                )
            decoded[row] = found

    chunks = [range(start, min(start + 256, len(files))) for start in range(0, len(files), 256)]
    with broken_metadata_ignored(), ThreadPoolExecutor(max(workers, 1)) as pool:
        for done in [pool.submit(fill, rows) for rows in chunks]:
            done.result()
    return torch.from_numpy(decoded).permute(0, 3, 1, 2).contiguous()


def _check_classes(root: Path, found: Sequence[str], wanted: Sequence[str]) -> None:
    missing, unknown = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing:
        raise ValueError(f"The image folder {root} has no folder for {_few(missing)}, which the training images have.")
    if unknown:
        raise ValueError(f"The image folder {root} has a folder for {_few(unknown)}, which the training images lack.")


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return "the class " + ", ".join(f'"{name}"' for name in names[:3]) + more
