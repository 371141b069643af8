"""The documents as a site with search, by Sphinx: ``python -m sphinx -c docs . build/docs``.

The documents are read on GitHub as well. What only the site needs is added here, not in them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo-gallery"
"""Where ``attention-gallery demo`` puts the demo gallery: the live example of the site."""

CONTENTS = """
```{toctree}
:hidden:

docs/tutorial
docs/examples
docs/cookbook
docs/python
docs/guide
docs/cluster
docs/commands
docs/keys
docs/models
docs/data
templates/README
```

```{toctree}
:hidden:
:caption: The program

ARCHITECTURE
CONTRIBUTING
CHANGELOG
SECURITY
```
"""
"""Order of the sidebar; added to the README, which is the first page."""

HEADLINE = "# attention-gallery\n"
EXAMPLE = """
<p>See the <a href="demo-gallery/index.html">demo gallery</a>, which is a part of this site.</p>
"""

project = "attention-gallery"
project_copyright = "the authors of attention-gallery"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "templates/README.md"]
exclude_patterns = ["docs/README.md"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "attention-gallery"
html_show_sourcelink = False
html_copy_source = False


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Add the sidebar, and the way to the demo gallery, to the first page."""
    if name == root_doc:
        source[0] += CONTENTS
        if DEMO.is_dir():
            source[0] = source[0].replace(HEADLINE, HEADLINE + EXAMPLE, 1)


def complete(app: Sphinx, error: Exception | None) -> None:
    """Give the first page its name on the web, and put the demo gallery inside the site."""
    if error is None:
        out = Path(app.outdir)
        shutil.copyfile(out / "README.html", out / "index.html")
        if DEMO.is_dir():
            shutil.copytree(DEMO, out / DEMO.name, dirs_exist_ok=True)


def setup(app: Sphinx) -> None:
    """Connect both."""
    app.connect("source-read", add_contents)
    app.connect("build-finished", complete)
