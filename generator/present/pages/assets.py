"""Assets of a site: style sheets, scripts and color bars, with a hash in each name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from generator.present.content.contents import PAGE_KINDS, Assets, PageKind
from generator.present.drawing.colors import color_tables
from generator.present.drawing.heatmap import bar_png, diverging_bar_png
from generator.present.files.settings import Settings
from generator.present.pages.environment import static_files
from generator.present.pages.source import without_comments

IMAGE_KINDS: tuple[PageKind, ...] = ("image", "sequence")
CHART_KINDS: tuple[PageKind, ...] = (*IMAGE_KINDS, "model", "sweep", "pair")

READ_KINDS: tuple[PageKind, ...] = ("model", "sweep", "pair")
"""Pages that explain terms and do nothing else."""

CHARTS = "charts.css"

STYLESHEETS: dict[str, tuple[PageKind, ...]] = {
    "theme.css": PAGE_KINDS,
    "layout.css": PAGE_KINDS,
    "content.css": PAGE_KINDS,
    "color-bars.css": PAGE_KINDS,
    "controls.css": PAGE_KINDS,
    "terms.css": PAGE_KINDS,
    "citing.css": ("index", "methods"),
    "hero.css": ("index",),
    "index.css": ("index",),
    "finder.css": ("index",),
    "paper.css": ("index",),
    "toolbar.css": IMAGE_KINDS,
    "maps.css": IMAGE_KINDS,
    "stage.css": IMAGE_KINDS,
    "reading.css": IMAGE_KINDS,
    "walls.css": IMAGE_KINDS,
    "image.css": IMAGE_KINDS,
    "views.css": IMAGE_KINDS,
    CHARTS: CHART_KINDS,
    "panels.css": ("image", "index"),
    "analyses.css": ("sequence", "model", "methods", "sweep", "pair"),
    "findings.css": ("model", "pair"),
    "pair.css": ("pair",),
    "frames.css": (*IMAGE_KINDS, "index"),
    "sweep.css": (*IMAGE_KINDS, "index", "sweep"),
    "custom.css": PAGE_KINDS,
}
"""Style sheet -> kinds of pages that need it, in order. ``custom.css`` exists only in a user's
folder. Style sheets of sequences and sweeps are written only for galleries that have some. Image
pages load that of charts only if they have a chart."""

PRINT = "print.css"
BOOT = "boot.js"
COLORS = "colors.js"
GLOSSARY = "glossary.js"
"""Script of every page: the explanations of terms."""

SCRIPTS = (
    "lifetime.js",
    "decode.js",
    "files.js",
    "scale.js",
    "numbers.js",
    "kept.js",
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
    "color-bar.js",
    "words.js",
    "places.js",
    "later.js",
    "pairing.js",
    "wall-geometry.js",
    "wall-labels.js",
    "wall-lens.js",
    "wall.js",
    "stage.js",
    "stage-layout.js",
    "view-choice.js",
    "readout.js",
    "numbers-choice.js",
    "controls.js",
    "take-away.js",
    "announcer.js",
    "peek.js",
    "alike-choice.js",
    "asking.js",
    "loader.js",
    GLOSSARY,
)
"""Scripts of image pages, in order, before the script that starts them."""

FRAMES = "frames.js"
"""Additional script of sequence pages."""

SLIDERS = "sweep-sliders.js"
"""Additional script of image pages in a gallery with sweeps."""

START = "page.js"

LATER: dict[str, tuple[str, ...]] = {
    "patch": ("patch-queries.js",),
    "match": ("compare.js", "maps.js"),
    "views": ("compare.js", "maps.js", "diverging.js", "tiles.js", "pair.js", "views.js"),
    "alike": ("diverging.js", "cosines.js", "alike.js"),
    "cosine": ("diverging.js", "cosines.js"),
    "numbers": ("map-numbers.js",),
    "take-away": ("caption.js", "figure.js", "figure-command.js"),
}
"""Feature -> scripts of image pages that are loaded on demand (``later.js``)."""

SINGLE_STYLE = "single.css"
SINGLE_BOOT = "single-boot.js"
SINGLE = "single.js"
"""Script that is used only in a site exported as one file."""

INDEX_SCRIPTS = (
    "lifetime.js",
    "decode.js",
    "files.js",
    "scale.js",
    "numbers.js",
    "queue.js",
    "chunks.js",
    "dom.js",
    "paint.js",
    "pairing.js",
    "index-state.js",
    "hero.js",
    "image-cards.js",
    "index.js",
    "copy.js",
    GLOSSARY,
)
"""Scripts of index pages, in order."""

MODEL_SCRIPTS = ("lifetime.js", "head-cells.js", GLOSSARY)
"""Scripts of model pages."""

COPY_SCRIPTS = ("lifetime.js", "dom.js", "copy.js", GLOSSARY)
"""Scripts of pages whose only interaction is copying texts."""


ORDER = tuple(
    dict.fromkeys(
        (
            COLORS,
            *SCRIPTS,
            SLIDERS,
            FRAMES,
            *chain.from_iterable(LATER.values()),
            *INDEX_SCRIPTS,
            *MODEL_SCRIPTS,
            START,
        )
    )
)
"""Order of all scripts when they are joined in one file."""


def original(path: str) -> str:
    """Name of an asset's source, without the hash."""
    stem, _, suffix = path.rpartition("/")[2].rsplit(".", 2)
    return f"{stem}.{suffix}"


def write_assets(
    root: Path, user: Path | None, settings: Settings, *, sequences: bool, sweeps: bool
) -> Assets:
    """Write the assets to a site's folder.

    Args:
        user: the user's template folder.
        settings: settings with the name of the color map.
        sequences: whether the gallery has sequences.
        sweeps: whether the gallery has sweeps.
    """
    styles, scripts = static_files(user, "css", ".css"), static_files(user, "js", ".js")
    colors = {settings.colors: color_tables()[settings.colors]}
    table = f"const COLOR_TABLES = {json.dumps(colors, sort_keys=True)};\n".encode()

    def put(name: str, data: bytes) -> str:
        stem, suffix = name.rsplit(".", 1)
        path = f"assets/{stem}.{hashlib.sha256(data).hexdigest()[:8]}.{suffix}"
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return path

    def put_source(source: Path) -> str:
        data = source.read_bytes()
        own = user is None or not source.is_relative_to(user)
        return put(source.name, without_comments(data.decode()).encode() if own else data)

    def put_all(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(put_source(scripts[name]) for name in names)

    idle = {"frames.css": not sequences, "sweep.css": not sweeps}
    sheets = {
        name: put_source(styles[name])
        for name in STYLESHEETS
        if name in styles and not idle.get(name)
    }
    image = (put(COLORS, table), *put_all(SCRIPTS), *put_all([SLIDERS] if sweeps else []))
    return Assets(
        stylesheets={
            kind: tuple(path for name, path in sheets.items() if kind in STYLESHEETS[name])
            for kind in PAGE_KINDS
        },
        print_stylesheet=put_source(styles[PRINT]),
        boot=put_source(scripts[BOOT]),
        scripts={
            "image": (*image, *put_all([START])),
            "sequence": (*image, *put_all([FRAMES, START] if sequences else [])),
            "index": (image[0], *put_all(INDEX_SCRIPTS)),
            "methods": put_all(COPY_SCRIPTS),
            **dict.fromkeys(READ_KINDS, put_all(["lifetime.js", GLOSSARY])),
            "model": put_all(MODEL_SCRIPTS),
        },
        later={name: put_all(names) for name, names in LATER.items()},
        bar=put("color-bar.png", bar_png(settings.colors)),
        diverging_bar=put("diverging-bar.png", diverging_bar_png()),
    )
