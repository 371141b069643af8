"""Figures that a gallery's file asks for, drawn into the site while it is built."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.errors import GalleryError, SpecError
from generator.export.anonymous import identity_of
from generator.export.figures.grid import Layout, layout
from generator.export.figures.layout.venues import Extent, extent
from generator.export.figures.make import (
    check_letters,
    color_map,
    make_figure,
    preset_named,
    write_figure,
)
from generator.export.figures.presets.preset import Preset, refuse_idle
from generator.export.figures.request import Request
from generator.export.source import Source, open_source, run_of
from generator.present.files.manifest import FigureItem, FileEntry
from generator.records.run import Failure, Run
from generator.spec.figures import FIGURES, FigureSpec


@dataclass(frozen=True, slots=True)
class Planned:
    """A figure whose words have been understood.

    Attributes:
        spec: what the file says.
        extent: its width.
        request: models, images and the like, as the file names them.
        what: a preset or the layout of a grid.
    """

    spec: FigureSpec
    extent: Extent
    request: Request
    what: Preset | Layout


def planned(specs: Sequence[FigureSpec]) -> tuple[Planned, ...]:
    """Understand every figure, before anything is measured.

    Raises:
        SpecError: one cannot be made; the message names it.
    """
    found = []
    for spec in specs:
        try:
            wide = extent(spec.venue, spec.span, spec.width)
            color_map(spec.colors)
            what = (
                preset_named(spec.preset)
                if spec.preset
                else layout(spec.rows, spec.cols, with_input=spec.input)
            )
            check_letters(spec.format, spec.letters, 'letters = "paths"')
            request = _request(spec, wide)
            if isinstance(what, Preset):
                refuse_idle(what, request, _of_the_grid(spec))
        except GalleryError as error:
            raise SpecError(f"Figure {spec.name}: {error.message}", error.hint) from None
        found.append(Planned(spec, wide, request, what))
    return tuple(found)


def _of_the_grid(spec: FigureSpec) -> tuple[str, ...]:
    """What a table says of the free grid."""
    known = FigureSpec.model_fields
    names = ("rows", "cols", "input")
    return tuple(name for name in names if getattr(spec, name) != known[name].default)


def draw_into(
    site: Path,
    store: Path,
    figures: Sequence[Planned],
    *,
    before: Run,
    strict: bool = False,
) -> tuple[tuple[FigureItem, ...], tuple[Failure, ...]]:
    """Draw figures from a site whose numbers are there, into a folder of it.

    Args:
        site: its folder; an anonymous one is drawn without names.
        store: folder of the records.
        figures: in order.
        before: the run whose names the requests use; that of the site unless it is anonymous.
        strict: make the first figure that cannot be drawn an error.

    Returns:
        What was drawn, as the manifest has it, and why the others were not, in full.

    Raises:
        SpecError: a figure cannot be drawn, where that is strict; the message names it.
    """
    source = open_source(site, store)
    found, failures = [], []
    for number, figure in enumerate(figures, 1):
        spec = renamed(figure.spec, before, source.run, number)
        title = figure.what.title if isinstance(figure.what, Preset) else spec.name
        try:
            files = _files(source, replace(figure, spec=spec))
        except GalleryError as error:
            message = f"Figure {figure.spec.name}: {error.message}"
            if strict:
                raise SpecError(message, error.hint) from None
            failures.append(Failure(message, error.hint))
            shown = Failure("It lacks what this gallery does not have.")
            shown = shown if source.run.anonymous else Failure(error.message, error.hint)
            found.append(FigureItem(title, spec, (), shown))
        else:
            found.append(FigureItem(title, spec, files))
    return tuple(found), tuple(failures)


def drawn_again(site: Path, source: Source) -> tuple[FigureItem, ...]:
    """The figures of a site, drawn for a copy of it.

    Args:
        site: folder of the copy.
        source: of the site; anonymous where the copy is.
    """
    specs = [item.request for item in source.manifest.figures]
    before = run_of(source.manifest, source.root)
    return draw_into(site, source.store.root, planned(specs), before=before)[0]


def renamed(spec: FigureSpec, before: Run, after: Run, number: int) -> FigureSpec:
    """A request with models and images by their slugs, as another run of the same things has them.

    Args:
        spec: as it was written.
        before: the run that its words are about.
        after: the run that is drawn, with the same models and images in the same order.
        number: of the figure, from 1; names it where its name must not be told.
    """
    models = [
        (new.slug, {old.slug, old.label, old.id})
        for old, new in zip(before.models, after.models, strict=True)
    ]
    images = [
        (new.slug, {old.slug, old.title, old.name})
        for old, new in zip(before.images, after.images, strict=True)
    ]
    named = after.anonymous and not before.anonymous and identity_of(before).found_in(spec.name)
    return spec.model_copy(
        update={
            "name": f"figure-{number}" if named else spec.name,
            "models": _slugs(spec.models, models),
            "images": _slugs(spec.images, images),
        }
    )


def _slugs(words: tuple[str, ...], known: Sequence[tuple[str, set[str]]]) -> tuple[str, ...]:
    """Slugs for words; a word that names nothing stays, for the message that says so."""
    found = ([slug for slug, names in known if word in names] or [word] for word in words)
    return tuple(dict.fromkeys(slug for slugs in found for slug in slugs))


def _request(spec: FigureSpec, wide: Extent) -> Request:
    """What a table of the gallery's file asks for."""
    return Request(
        models=spec.models,
        images=spec.images,
        layers=spec.layers,
        heads=spec.heads,
        queries=spec.queries,
        width=wide.inches,
        overlay=spec.overlay,
        scale=spec.scale,
        form=spec.form,
        clip=spec.clip,
        keep=spec.keep,
        colors=spec.colors,
        face=spec.font,
        letters=spec.letters,
    )


def _files(source: Source, figure: Planned) -> tuple[FileEntry, ...]:
    """Draw a figure and write its files; where they are and what they hold."""
    spec = figure.spec
    request = replace(figure.request, models=spec.models, images=spec.images)
    made = make_figure(source, request, figure.extent, spec.files[0], figure.what)
    written = write_figure(source.root / FIGURES / spec.files[0], made)
    return tuple(_entry(source.root, path) for path in written)


def _entry(site: Path, path: Path) -> FileEntry:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return FileEntry(
        path.relative_to(site).as_posix(), "paper-figure", "", digest, digest, len(data)
    )
