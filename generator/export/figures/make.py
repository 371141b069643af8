"""Making a figure's files: picture, LaTeX and bibliography."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.errors import SpecError
from generator.export.figures.drawn import Drawn
from generator.export.figures.grid import Layout, draw_grid, layout
from generator.export.figures.layout.style import figure_bytes, styled
from generator.export.figures.layout.venues import Extent, extent
from generator.export.figures.presets.preset import Preset, check, lacking, refuse_idle
from generator.export.figures.presets.table import PRESETS
from generator.export.figures.scene import Scene
from generator.export.figures.tex import file_stem, float_text, table_text
from generator.export.files import write_files
from generator.export.source import MeasuredGallery
from generator.present.bibliography import added, bibtex
from generator.present.drawing.colors import color_tables
from generator.spec.figures import FigureSpec, Kind
from generator.spec.toml import did_you_mean
from generator.text.latex import Cite, Piece, plain
from generator.text.numbers import given
from generator.text.phrases import listed

logger = logging.getLogger(__name__)

KINDS: dict[str, Kind] = {".pdf": "pdf", ".svg": "svg", ".png": "png"}
NOTE = "Made by attention-gallery."


@dataclass(frozen=True, slots=True)
class PlannedFigure:
    """A checked request of a figure.

    Attributes:
        what: a preset, or the layout of a free grid.
    """

    request: FigureSpec
    extent: Extent
    what: Preset | Layout

    @property
    def title(self) -> str:
        """The title of the preset; for a free grid the name of its files."""
        return self.what.title if isinstance(self.what, Preset) else self.request.name


def planned_figure(request: FigureSpec, *, command: bool = False) -> PlannedFigure:
    """Check the request of a figure, before anything is opened.

    Args:
        request: request from a gallery's file or the command.
        command: whether it comes from the command line, so that messages name options.

    Raises:
        SpecError: a preset, venue, axis or color map is unknown, or an option does not apply to the
            figure.
    """
    wide = extent(request.venue, request.span, request.width)
    _check_colors(request.colors)
    what = (
        preset_named(request.preset)
        if request.preset
        else layout(request.rows, request.cols, with_input=request.input)
    )
    _check_letters(request, "--letters paths" if command else 'letters = "paths"')
    if isinstance(what, Preset):
        refuse_idle(what, request, command=command)
    return PlannedFigure(request, wide, what)


@dataclass(frozen=True, slots=True)
class FigureFiles:
    """A figure in memory.

    Attributes:
        picture: bytes of the PDF, SVG or PNG.
    """

    picture: bytes
    tex: str
    bib: str
    caption: str


def kind_of_file(path: Path) -> Kind:
    """The format of a file's name.

    Raises:
        SpecError: the format is unknown, or LaTeX cannot read the name.
    """
    if path.suffix.lower() not in KINDS:
        raise SpecError(
            f"A figure's name ends in {', '.join(KINDS)}, got {path.name}.",
            "Name the file with -o, such as -o fig.pdf.",
        )
    file_stem(path.stem)
    return KINDS[path.suffix.lower()]


def _check_letters(request: FigureSpec, option: str) -> None:
    """Make sure that letters are chosen for an SVG only.

    Raises:
        SpecError: outlines are requested for another format.
    """
    kind = request.format
    if request.letters == "paths" and kind != "svg":
        raise SpecError(
            f"{option} is about an SVG, and the figure is a {kind.upper()}.",
            "Leave it out: the letters of a PDF are embedded, and a PNG has none."
            if kind == "pdf"
            else "Leave it out, or write an SVG.",
        )


def preset_named(name: str) -> Preset:
    """A preset by its id.

    Raises:
        SpecError: the name is unknown.
    """
    if name not in PRESETS:
        hint = did_you_mean(name, PRESETS) or "attention-gallery figure SITE --list shows them all."
        raise SpecError(f"No figure is called {name}.", hint)
    return PRESETS[name]


def make_figure(source: MeasuredGallery, figure: PlannedFigure, name: str) -> FigureFiles:
    """Draw a figure and write its caption. The same input gives the same bytes.

    Args:
        name: name of the picture's file.

    Raises:
        SpecError: the figure cannot be drawn from this gallery.
        StoreError: a record is missing, or the figure cannot be drawn without a damaged one.
    """
    try:
        return _made(source, figure, name)
    except SpecError:
        if source.left_out:
            raise next(iter(source.left_out.values())) from None
        raise


def _made(source: MeasuredGallery, figure: PlannedFigure, name: str) -> FigureFiles:
    request, wide, what = figure.request, figure.extent, figure.what
    scene = Scene(source, request)
    with styled(request.font, request.letters) as lost:
        if isinstance(what, Preset):
            check(what, scene)
            drawn = what.draw(scene)
            _check_shown(what, scene, drawn)
            caption = _of_preset(what, drawn)
        else:
            drawn = draw_grid(scene, what)
            caption = drawn.caption
        picture = figure_bytes(drawn.figure, request.format, source.run.title)
    if lost:
        logger.warning(
            "%s: the font of figures has no letter for %s; each is drawn as ?. Give the model "
            "or picture a title in other letters.",
            *(name, " ".join(sorted(lost))),
        )
    label = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-") or "figure"
    table = drawn.table
    others = (*drawn.cites, *(what.cites if isinstance(what, Preset) else ()))
    models = [
        (scene.first_record(model).model, model.register is not None) for model in drawn.models
    ]
    return FigureFiles(
        picture=picture,
        tex=float_text(
            environment=wide.environment,
            length=wide.length,
            file=name,
            caption=caption,
            label=label,
            note=f"{NOTE} {given(wide.inches)} inches wide ({wide.says}).",
            tables=table_text(table.head, table.rows, table.caption, label) if table else "",
        ),
        bib=bibtex(models, others),
        caption=plain(caption),
    )


def _check_shown(preset: Preset, scene: Scene, drawn: Drawn) -> None:
    """Make sure that every requested model is in the figure.

    Raises:
        SpecError: a requested model is not in it.
    """
    left = [model.label for model in scene.models if model not in drawn.models]
    if left and scene.request.models:
        raise SpecError(
            f"The figure {preset.id} does not show {listed(left)}: it shows "
            f"{listed(model.label for model in drawn.models)}.",
            "Leave out what it has no use for, or draw a grid of your own, without a preset.",
        )


def _of_preset(preset: Preset, drawn: Drawn) -> tuple[Piece, ...]:
    """The caption of a preset: content, facts, source, and differences from the original."""
    return (
        f"{preset.title}. ",
        *drawn.caption,
        f" After {preset.source}",
        *(Cite(key) for key in preset.cites),
        f"; {preset.differs}" if preset.differs else "",
        "." if not preset.differs.endswith(".") else "",
    )


def write_figure(path: Path, made: FigureFiles, bib: Path | None = None) -> tuple[Path, ...]:
    """Write the picture, and beside it ``.tex`` and ``.bib`` with the same name.

    Args:
        bib: an existing bibliography to which missing entries are added, instead of a new file.

    Raises:
        StoreError: they cannot be written.
        SpecError: the bibliography is invalid or cannot be read.
    """
    if bib is not None and bib.suffix.lower() != ".bib":
        raise SpecError(
            f"A bibliography's name ends in .bib, got {bib.name}.", "Name another --bib."
        )
    entries = made.bib
    if bib is not None and bib.exists():
        try:
            entries = added(bib.read_text(encoding="utf-8"), made.bib)
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"{bib} cannot be read: {error}.", "Name another --bib.") from None
    files = {
        path: made.picture,
        path.with_suffix(".tex"): made.tex.encode(),
        bib or path.with_suffix(".bib"): entries.encode(),
    }
    write_files(files)
    return tuple(files)


def _check_colors(name: str) -> None:
    """Make sure that a color map is known; an empty name means the gallery's.

    Raises:
        SpecError: the name is unknown.
    """
    known = color_tables()
    if name and name not in known:
        hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
        raise SpecError(f"No color map is called {name}.", hint)


def listed_presets(source: MeasuredGallery, request: FigureSpec) -> Iterator[str]:
    """Every preset in a few lines: content, needs, and whether the gallery has them."""
    scene = Scene(source, request)
    for preset in PRESETS.values():
        found = lacking(preset, scene)
        yield f"{preset.id}: {preset.title} ({preset.source})"
        yield f"  differs from the original: {preset.differs}"
        yield (
            f"  this gallery lacks {' and '.join(found)}"
            if found
            else "  this gallery has all it needs"
        )
        yield f"  takes: models, images{''.join(f', {name}' for name in preset.takes)}"
