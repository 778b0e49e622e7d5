"""How Sphinx makes HTML of these pages: `make docs`.

Runs in: cli
"""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import fastfork

project = "fastfork"
author = "The fastfork authors"
project_copyright = author
release = version = fastfork.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4  # `settings.md#timeout` leads to a heading, as on a forge
nitpicky = True

html_theme = "furo"
html_title = f"fastfork {release}"
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
highlight_language = "text"


def setup(app: Sphinx) -> None:
    """Pygments does not know HAProxy's configuration."""
    app.add_lexer("haproxy", TextLexer)
