"""Draw the gallery: every figure and table with the quick budget, as small pictures and pages in docs/gallery.

`make gallery` runs it. Figures of the theory cost minutes, so that the site does not draw them itself; made.json says
of which code each picture is, and a test says when one has to be drawn again.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from paper_figs import Results, Sheet, all_sheets  # noqa: E402
from simulate.house.version import __version__  # noqa: E402

__all__ = ["GALLERY", "digest", "draw", "main"]

GALLERY = ROOT / "docs/gallery"
"""Where pictures and pages lie."""
DRAWN = ROOT / "results/figures_quick"
WIDTH, COLORS, NEAR = 1300, 128, 8  # pixels; colours of the palette, and how near two of them may be, of 255


def digest(sheet: Sheet) -> str:
    """A word that changes with the module of a figure, the version, and published rows and ledgers if it is of them."""
    told = hashlib.sha256(__version__.encode())
    told.update(Path(sys.modules[sheet.draw.__module__].__file__ or "").read_bytes())
    for name in ("rows.jsonl", "ledger.json") if sheet.deep else ():
        for path in sorted(ROOT.glob(f"paper_figs/data/*/{name}")):
            told.update(path.read_bytes())
    return told.hexdigest()[:16]


def draw(sheet: Sheet, results: Results) -> None:
    """Draw one and write its page, and its picture if it is a figure."""
    sheet.make(results, ("png",), DRAWN)
    if sheet.kind == "figure":
        _small(DRAWN / f"{sheet.name}.png", GALLERY / f"{sheet.name}.png")
    caption = (DRAWN / f"{sheet.name}.md").read_text(encoding="utf-8")
    (GALLERY / f"{sheet.name}.md").write_text(_page(sheet, caption), encoding="utf-8")


def _small(drawn: Path, target: Path) -> None:
    """A picture for a screen, in few colours: a tenth of the bytes."""
    picture = Image.open(drawn).convert("RGB")
    if picture.width > WIDTH:
        picture = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    colors = Image.new("P", (1, 1))
    colors.putpalette([part for color in _palette(picture) for part in color])
    picture.quantize(palette=colors, dither=Image.Dither.NONE).save(target, optimize=True)


def _palette(picture: Image.Image) -> list[tuple[int, int, int]]:
    """The colours that most pixels have, none near another one, so that the colours of optimizers and verdicts stay.

    An octree and a median cut mix colours of few pixels with those of edges: SAM had another one in each figure.
    """
    found = picture.getcolors(picture.width * picture.height) or []
    chosen = np.empty((0, 3), int)
    for _, color in sorted(found, reverse=True):
        if not len(chosen) or np.abs(chosen - color).max(axis=1).min() > NEAR:
            chosen = np.vstack([chosen, color])
        if len(chosen) == COLORS:
            break
    return [(int(red), int(green), int(blue)) for red, green, blue in chosen]


def _page(sheet: Sheet, caption: str) -> str:
    """A caption with its picture, without the configurations, which are long and are in the file beside the figure."""
    title, _, rest = caption.partition("\n\n")
    picture = f"![{sheet.title}]({sheet.name}.png)\n\n" if sheet.kind == "figure" else ""
    told = re.sub(r" Configuration:\n\n```\n.*?\n```", "", rest, flags=re.DOTALL)
    return f"{title}\n\n{picture}{told}"


def main(names: list[str]) -> None:
    """Draw the figures and tables of some names, or all of them."""
    GALLERY.mkdir(exist_ok=True)
    made = GALLERY / "made.json"
    told = json.loads(made.read_text(encoding="utf-8")) if made.is_file() else {}
    results = Results("quick")
    for sheet in all_sheets():
        if not names or sheet.name in names:
            draw(sheet, results)
            told[sheet.name] = digest(sheet)
    known = {sheet.name: told[sheet.name] for sheet in all_sheets() if sheet.name in told}
    made.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
