"""Configuration of the site, which `make docs` builds below results/site.

The site mirrors the repository: each page stands where its source stands, so that a link which leads somewhere in the
sources does so on the site, and Sphinx checks it. What the sources lack, a table of contents, is in contents.toml.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from simulate.house.version import __version__  # noqa: E402

project = "sharpmu"
author = "sharpmu authors"
copyright = "sharpmu authors, MIT licence"
version = release = __version__
language = "en-GB"

root_doc = "README"
include_patterns = [
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**.md", "notebooks/**.md", "notebooks/*.ipynb",
    "paper_figs/data/README.md",
]  # fmt: skip
exclude_patterns = ["results", "build", "dist", "tests", "**/.*"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "extensions.contents",
    "extensions.commands",
    "extensions.explorable",
    "extensions.formulas",
    "extensions.front",
    "extensions.ledgers",
    "extensions.lessons",
    "extensions.names",
    "extensions.pictures",
    "extensions.titles",
]

# --- Markdown and notebooks

myst_heading_anchors = 4
myst_enable_extensions = ["amsmath", "attrs_block", "deflist", "dollarmath"]
nb_execution_mode = "off"  # extensions.lessons executes them
nb_custom_formats = {".ipynb": "extensions.lessons.read"}
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing is taken from a network
nb_merge_streams = True

# --- the reference

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
default_role = "code"
add_module_names = False
maximum_signature_line_length = 88

# --- how it looks

_WIDE = ("docs/deep_ledger", "docs/gallery/deep_ledger_table", "docs/gallery/deep_accuracies_table")
"""Pages whose tables need the room that a list of their headings would take."""

html_theme = "pydata_sphinx_theme"
html_title = "sharpmu"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/icon.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": {"**": ["page-toc"]} | {page: [] for page in _WIDE},
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
