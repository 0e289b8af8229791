"""Every kind of image file is read on one scale, upright and whole, or refused by its name."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from simulate.house.pictures.reading import read_image, read_values

COLOURS = np.random.default_rng(0).integers(256, size=(5, 7, 3), dtype=np.uint8)
GRAY = COLOURS[..., 0]
WORDS = GRAY.astype(np.uint16) * 257
"""The same values in sixteen bits."""
SHARES = GRAY.astype(np.float32) / 255


def opaque(pixels: np.ndarray) -> np.ndarray:
    """Pixels with a channel of transparency that changes nothing of what is read."""
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return np.concatenate([pixels, GRAY[..., None]], axis=2)


def tiff(pixels: np.ndarray, **tags: int) -> Callable[[Path], None]:
    """Saves a TIFF with tags of its own."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    numbers = {"white_is_zero": 262, "kind": 339, "bits": 258}
    for name, value in tags.items():
        directory[numbers[name]] = value
    return lambda path: Image.fromarray(pixels).save(path, tiffinfo=directory)


def saved(pixels: np.ndarray, mode: str | None = None) -> Callable[[Path], None]:
    """Saves pixels in the format of the name."""
    image = Image.fromarray(pixels)
    return lambda path: (image if mode is None else image.convert(mode)).save(path)


def raw(data: bytes, *, bits: int) -> Callable[[Path], None]:
    """Saves a TIFF of whole numbers without a sign, of a size that Pillow reads and does not write."""
    height, width = GRAY.shape
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(data), 339: 1}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    return lambda path: _write(path, head + data + struct.pack("<H", len(tags)) + entries + bytes(4))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def packed(values: np.ndarray) -> bytes:
    """Rows of numbers of twelve bits, the last byte of a row filled up."""
    bits = (values[..., None] >> np.arange(11, -1, -1)) & 1
    return np.packbits(bits.reshape(len(values), -1), axis=1).tobytes()


KINDS = {
    "gray, 8 bits": ("a.png", saved(GRAY), GRAY),
    "gray and alpha": ("a.png", saved(opaque(GRAY)), GRAY),
    "gray, 16 bits, PNG": ("a.png", saved(WORDS), GRAY),
    "gray, 16 bits, TIFF": ("a.tif", saved(WORDS), GRAY),
    "gray, 16 bits, TIFF of the other byte order": ("a.tif", saved(WORDS.astype(">u2")), GRAY),
    "gray, 16 bits, PGM": ("a.pgm", saved(WORDS), GRAY),
    "gray, 16 bits, white is zero": ("a.tif", tiff(65535 - WORDS, white_is_zero=0), GRAY),
    "gray, 31 bits and a sign": ("a.tif", saved(np.rint(GRAY / 255 * (2**31 - 1)).astype(np.int32)), GRAY),
    "gray, 32 bits": ("a.tif", raw((GRAY.astype("<u4") * 0x01010101).tobytes(), bits=32), GRAY),
    "gray, 12 bits": ("a.tif", raw(packed(np.rint(GRAY / 255 * 4095).astype(int)), bits=12), GRAY),
    "floats": ("a.tiff", saved(SHARES), GRAY),
    "black and white": ("a.png", saved(GRAY > 99), 255 * (GRAY > 99)),
    "RGB": ("a.png", saved(COLOURS), COLOURS),
    "RGB, BMP": ("a.bmp", saved(COLOURS), COLOURS),
    "RGB and alpha": ("a.png", saved(opaque(COLOURS)), COLOURS),
    "palette": ("a.png", saved(np.where(COLOURS > 99, 255, 0).astype(np.uint8), "P"), np.where(COLOURS > 99, 255, 0)),
    "GIF of one frame": ("a.gif", saved(GRAY), GRAY),
    "CMYK": ("a.tif", saved(COLOURS, "CMYK"), COLOURS),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_on_one_scale(tmp_path: Path, kind: str) -> None:
    name, save, expected = KINDS[kind]
    save(tmp_path / name)
    in_colours = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
    image = read_image(tmp_path / name)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), in_colours)
    values = read_values(tmp_path / name)
    assert values.dtype == np.float64
    assert np.allclose(values, (expected if values.ndim == 2 else in_colours) / 255, atol=1.3e-4)
    assert values.ndim == expected.ndim or kind == "GIF of one frame"  # a palette has colours


def test_jpeg_is_on_the_scale_of_png(tmp_path: Path) -> None:
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    for name in ("a.png", "a.jpg"):
        saved(flat)(tmp_path / name)
    png, jpeg = (read_values(tmp_path / name) for name in ("a.png", "a.jpg"))
    assert np.abs(png - jpeg).max() < 3 / 255


def test_ordinary_photographs_are_what_pillow_decodes(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.webp"):
        saved(COLOURS)(tmp_path / name)
        with Image.open(tmp_path / name) as plain:
            assert read_image(tmp_path / name).tobytes() == plain.convert("RGB").tobytes()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
@pytest.mark.parametrize("held", range(1, 9))
def test_photographs_stand_upright(tmp_path: Path, held: int, name: str) -> None:
    scene = np.zeros((16, 32), np.uint8)
    scene[:8, :8] = 255  # a light in the upper left corner
    seen = {
        1: scene, 2: scene[:, ::-1], 3: scene[::-1, ::-1], 4: scene[::-1], 5: scene.T, 6: scene.T[::-1],
        7: scene.T[::-1, ::-1], 8: scene.T[:, ::-1],
    }[held]  # fmt: skip
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = held
    Image.fromarray(np.repeat(seen[..., None], 3, axis=2)).save(tmp_path / name, exif=exif)
    for pixels in (np.asarray(read_image(tmp_path / name))[..., 0], 255 * read_values(tmp_path / name)[..., 0]):
        assert pixels.shape == scene.shape
        assert np.abs(pixels - scene.astype(float)).max() < 40


def test_sixteen_bits_stand_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.fromarray(WORDS[::-1, ::-1]).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png"))[..., 0], GRAY)


@pytest.mark.parametrize("metadata", [b"no metadata", b"II*\0\x08\0\0\0\1\0\x12\1\2\0\2\0\0\0xy\0\0\0\0\0\0"])
def test_broken_metadata_says_nothing(tmp_path: Path, metadata: bytes) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png", exif=b"Exif\0\0" + metadata)
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png")), COLOURS)


@pytest.mark.parametrize("error", [SyntaxError, struct.error, KeyError, TypeError])
def test_metadata_that_cannot_be_read_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(_: object) -> None:
        raise error

    saved(COLOURS)(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "getexif", fail)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "getexif", fail)
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png")), COLOURS)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_moving_images_are_refused(tmp_path: Path, name: str) -> None:
    frames = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (0, 90, 180)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    for read in (read_image, read_values):
        with pytest.raises(ValueError, match=rf"^The image file .*{name} cannot be read: it has 3 frames"):
            read(tmp_path / name)


def test_a_photograph_of_several_views_is_its_first(tmp_path: Path) -> None:
    views = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (40, 200)]
    views[0].save(tmp_path / "a.mpo", save_all=True, append_images=views[1:])
    (tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    assert np.abs(read_values(tmp_path / "a.jpg") - 40 / 255).max() < 3 / 255


@pytest.mark.parametrize(
    "pixels",
    [SHARES * 255, SHARES - 0.5, np.where(SHARES > 0.5, np.nan, SHARES), -GRAY.astype(np.int32)],
    ids=["floats to 255", "negative floats", "NaN", "negative whole numbers"],
)
def test_a_scale_of_its_own_is_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    saved(pixels)(tmp_path / "a.tif")
    for read in (read_image, read_values):
        with pytest.raises(ValueError, match=r"^The image file .*a\.tif cannot be read: .*not in \[0, 1\]\.$"):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for read in (read_image, read_values):
        with pytest.raises(ValueError, match=r"^The image file .*a\.png cannot be read"):
            read(tmp_path / "a.png")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe would be, without end."""
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    for name in ("a.png", "b.png"):
        for read in (read_image, read_values):
            with pytest.raises(ValueError, match=rf"^The image file .*{name} cannot be read: it is no file\.$"):
                read(tmp_path / name)
