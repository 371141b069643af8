"""Style sheets, scripts and the colour bar: small files, named by a hash of their bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from generator.present.colours import colour_tables
from generator.present.contents import Assets
from generator.present.environment import static_files
from generator.present.heatmap import bar_png, diverging_bar_png
from generator.present.settings import Settings

STYLESHEETS = (
    *("theme.css", "layout.css", "content.css", "index.css"),
    *("stage.css", "views.css", "charts.css", "panels.css", "analyses.css", "report.css"),
    "frames.css",
    "sweep.css",
    "custom.css",
)
"""In order; ``custom.css`` exists only in a user's folder."""

PRINT = "print.css"
BOOT = "boot.js"
SCRIPTS = (
    "lifetime.js",
    "decode.js",
    "files.js",
    "scale.js",
    "numbers.js",
    "patch-queries.js",
    "state.js",
    "queue.js",
    "chunks.js",
    "fuse.js",
    "dom.js",
    "sweeps.js",
    "paint.js",
    "ranges.js",
    "threshold.js",
    "norms.js",
    "marks.js",
    "colour-bar.js",
    "words.js",
    "places.js",
    "compare.js",
    "maps.js",
    "diverging.js",
    "pairing.js",
    "wall-geometry.js",
    "wall-labels.js",
    "wall.js",
    "stage.js",
    "tiles.js",
    "pair.js",
    "views.js",
    "readout.js",
    "controls.js",
    "caption.js",
    "figure.js",
    "figure-command.js",
    "take-away.js",
    "announcer.js",
    "jump.js",
    "alike.js",
    "frames.js",
    "page.js",
)


SINGLE_STYLE = "single.css"
SINGLE_BOOT = "single-boot.js"
SINGLE = "single.js"
"""Of a whole site in one file only."""

INDEX_SCRIPTS = (
    "lifetime.js",
    "decode.js",
    "files.js",
    "numbers.js",
    "dom.js",
    "index-state.js",
    "plates.js",
    "index.js",
    "copy.js",
)
"""Of an index page, in order."""

COPY_SCRIPTS = ("lifetime.js", "dom.js", "copy.js")
"""Of a page with texts to copy and nothing else."""


def write_assets(root: Path, user: Path | None, settings: Settings) -> Assets:
    """Write the assets into a site's folder.

    Args:
        root: the site's folder.
        user: the user's template folder.
        settings: name the colour map.
    """
    styles, scripts = static_files(user, "css", ".css"), static_files(user, "js", ".js")
    colours = {settings.colours: colour_tables()[settings.colours]}
    table = f"const COLOUR_TABLES = {json.dumps(colours, sort_keys=True)};\n".encode()

    def put(name: str, data: bytes) -> str:
        stem, suffix = name.rsplit(".", 1)
        path = f"assets/{stem}.{hashlib.sha256(data).hexdigest()[:8]}.{suffix}"
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return path

    return Assets(
        stylesheets=tuple(
            put(name, styles[name].read_bytes()) for name in STYLESHEETS if name in styles
        ),
        print_stylesheet=put(PRINT, styles[PRINT].read_bytes()),
        boot=put(BOOT, scripts[BOOT].read_bytes()),
        scripts=(
            put("colours.js", table),
            *(put(name, scripts[name].read_bytes()) for name in SCRIPTS),
        ),
        bar=put("colour-bar.png", bar_png(settings.colours)),
        diverging_bar=put("diverging-bar.png", diverging_bar_png()),
        index_scripts=tuple(put(name, scripts[name].read_bytes()) for name in INDEX_SCRIPTS),
        copy_scripts=tuple(put(name, scripts[name].read_bytes()) for name in COPY_SCRIPTS),
    )
