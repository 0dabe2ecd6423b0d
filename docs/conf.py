"""Sphinx configuration: everything is built from the repository, nothing is fetched and no example is run."""

import re
import sys
from pathlib import Path

import pidkit

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "pidkit"
author = "The pidkit developers"
project_copyright = author
version = release = pidkit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "literal_links",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_extensions", "gallery/backreferences"]
default_role = "py:obj"  # `name` in a docstring is a link where the name is documented, and plain code where not
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nitpicky = False

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's parameter lists say it
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    # Each page of the reference lists the examples that use its name.
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("pidkit",),
    # The examples train networks: they are shown with figures that they made, and tests/examples runs them.
    "plot_gallery": False,
    "filename_pattern": r"^$",
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "pidkit"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {
    "show_prev_next": False,
    "show_nav_level": 2,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "compare": []}
html_show_sourcelink = False

TRAILING_UNDERSCORE = re.compile(r"(?<![\w`\\])(\w*[A-Za-z0-9])_(?![\w`])")


def escape_trailing_underscores(app, what, name, obj, options, lines):
    """Keep reStructuredText from taking scikit-learn's names of fitted attributes (n_codes_) for links."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[number] = TRAILING_UNDERSCORE.sub(r"\1\\_", line)


def setup(app):
    app.connect("autodoc-process-docstring", escape_trailing_underscores, priority=900)
