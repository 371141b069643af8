"""Assets of a site: style sheets, scripts and color bars, with a hash in each name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby
from pathlib import Path

from generator.present.content.contents import PAGE_KINDS, Assets, PageKind
from generator.present.drawing.colors import color_tables
from generator.present.drawing.heatmap import bar_png, diverging_bar_png
from generator.present.files.settings import Settings
from generator.present.pages.environment import static_files
from generator.present.pages.source import without_comments

IMAGE_KINDS: tuple[PageKind, ...] = ("image", "sequence")
CHART_KINDS: tuple[PageKind, ...] = (*IMAGE_KINDS, "model", "sweep", "pair")

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
MAP_KINDS: tuple[PageKind, ...] = (*IMAGE_KINDS, "index")

FRAMES = "frames.js"
SLIDERS = "sweep-sliders.js"

SCRIPTS: dict[str, tuple[PageKind, ...]] = {
    "lifetime.js": PAGE_KINDS,
    "dom.js": PAGE_KINDS,
    "glossary.js": PAGE_KINDS,
    "files.js": MAP_KINDS,
    "decode.js": MAP_KINDS,
    COLORS: MAP_KINDS,
    "scale.js": MAP_KINDS,
    "numbers.js": MAP_KINDS,
    "queue.js": MAP_KINDS,
    "chunks.js": MAP_KINDS,
    "paint.js": MAP_KINDS,
    "pairing.js": MAP_KINDS,
    FRAMES: ("sequence",),
    SLIDERS: IMAGE_KINDS,
    "kept.js": IMAGE_KINDS,
    "state.js": IMAGE_KINDS,
    "fuse.js": IMAGE_KINDS,
    "sweeps.js": IMAGE_KINDS,
    "ranges.js": IMAGE_KINDS,
    "threshold.js": IMAGE_KINDS,
    "norms.js": IMAGE_KINDS,
    "marks.js": IMAGE_KINDS,
    "color-bar.js": IMAGE_KINDS,
    "words.js": IMAGE_KINDS,
    "places.js": IMAGE_KINDS,
    "later.js": IMAGE_KINDS,
    "wall-geometry.js": IMAGE_KINDS,
    "wall-labels.js": IMAGE_KINDS,
    "wall-lens.js": IMAGE_KINDS,
    "wall.js": IMAGE_KINDS,
    "stage.js": IMAGE_KINDS,
    "stage-layout.js": IMAGE_KINDS,
    "view-choice.js": IMAGE_KINDS,
    "readout.js": IMAGE_KINDS,
    "numbers-choice.js": IMAGE_KINDS,
    "controls.js": IMAGE_KINDS,
    "take-away.js": IMAGE_KINDS,
    "announcer.js": IMAGE_KINDS,
    "peek.js": IMAGE_KINDS,
    "alike-choice.js": IMAGE_KINDS,
    "asking.js": IMAGE_KINDS,
    "loader.js": IMAGE_KINDS,
    "page.js": IMAGE_KINDS,
    "index-state.js": ("index",),
    "hero.js": ("index",),
    "image-cards.js": ("index",),
    "index.js": ("index",),
    "copy.js": ("index", "methods"),
    "head-cells.js": ("model",),
}
"""Script -> kinds of pages that need it, in order. Those of sequences and sweeps are written only
for galleries that have some."""

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

ORDER = (*SCRIPTS, *dict.fromkeys(chain.from_iterable(LATER.values())))
"""Order of all scripts when they are joined in one file."""


def original(path: str) -> str:
    """Name of an asset's source, without the hash."""
    stem, _, suffix = path.rpartition("/")[2].rsplit(".", 2)
    return f"{stem}.{suffix}"


@dataclass(frozen=True, slots=True)
class _StaticFile:
    """A style sheet or a script, before it is written.

    Attributes:
        kinds: kinds of pages that need it.
        own: whether it is the program's own, not a user's.
    """

    name: str
    data: bytes
    kinds: tuple[PageKind, ...]
    own: bool


def _joined(parts: Iterable[_StaticFile]) -> Iterator[_StaticFile]:
    """Consecutive parts that the same pages need, as one with the name of the first.

    A page waits for each of its files. Those of a user stay files of their own: an error in one
    stays in it.
    """
    for (_, own), run in groupby(parts, key=lambda part: (part.kinds, part.own)):
        first, *rest = run
        if own:
            yield replace(first, data=b"".join(part.data for part in (first, *rest)))
        else:
            yield from (first, *rest)


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
    absent = set[str]()
    if not sequences:
        absent |= {FRAMES, "frames.css"}
    if not sweeps:
        absent |= {SLIDERS, "sweep.css"}

    def put(name: str, data: bytes) -> str:
        stem, suffix = name.rsplit(".", 1)
        path = f"assets/{stem}.{hashlib.sha256(data).hexdigest()[:8]}.{suffix}"
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return path

    def part(source: Path, kinds: tuple[PageKind, ...]) -> _StaticFile:
        own = user is None or not source.is_relative_to(user)
        data = source.read_bytes()
        text = without_comments(data.decode()).encode() if own else data
        return _StaticFile(source.name, text, kinds, own)

    def put_source(source: Path) -> str:
        return put(source.name, part(source, ()).data)

    def put_joined(parts: Iterable[_StaticFile]) -> dict[PageKind, tuple[str, ...]]:
        """Kind of page -> the paths of its files, in order."""
        shown = [each for each in parts if each.name not in absent]
        paths = [(put(each.name, each.data), each.kinds) for each in _joined(shown)]
        return {kind: tuple(path for path, kinds in paths if kind in kinds) for kind in PAGE_KINDS}

    return Assets(
        stylesheets=put_joined(
            part(styles[name], kinds) for name, kinds in STYLESHEETS.items() if name in styles
        ),
        print_stylesheet=put_source(styles[PRINT]),
        boot=put_source(scripts[BOOT]),
        scripts=put_joined(
            _StaticFile(name, table, kinds, own=True)
            if name == COLORS
            else part(scripts[name], kinds)
            for name, kinds in SCRIPTS.items()
        ),
        later={
            name: tuple(put_source(scripts[each]) for each in names)
            for name, names in LATER.items()
        },
        bar=put("color-bar.png", bar_png(settings.colors)),
        diverging_bar=put("diverging-bar.png", diverging_bar_png()),
    )
