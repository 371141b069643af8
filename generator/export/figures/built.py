"""Figures of a gallery's file, drawn into the site during a build."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from generator.errors import GalleryError, SpecError
from generator.export.anonymous import identity_of
from generator.export.figures.make import PlannedFigure, make_figure, planned_figure, write_figure
from generator.export.source import MeasuredGallery, Source, gallery_of, run_of
from generator.present.content.contents import Contents
from generator.present.files.manifest import FigureItem, FileEntry
from generator.records.run import Failure, Run
from generator.spec.figures import FIGURES, FigureSpec


def planned(requests: Sequence[FigureSpec]) -> tuple[PlannedFigure, ...]:
    """Understand every figure, before anything is measured.

    Raises:
        SpecError: one cannot be made; the message names it.
    """
    found = []
    for request in requests:
        try:
            found.append(planned_figure(request))
        except GalleryError as error:
            raise SpecError(f"Figure {request.name}: {error.message}", error.hint) from None
    return tuple(found)


def draw_into(
    folder: Path,
    gallery: MeasuredGallery,
    figures: Sequence[PlannedFigure],
    *,
    before: Run,
    strict: bool = False,
) -> tuple[tuple[FigureItem, ...], tuple[Failure, ...]]:
    """Draw figures into a site.

    Args:
        gallery: what to draw from.
        before: the run whose names the requests use; that of the gallery unless it is anonymous.
        strict: make the first figure that cannot be drawn an error.

    Returns:
        What was drawn, as the manifest has it, and why the others were not, in full.

    Raises:
        SpecError: a figure cannot be drawn, where that is strict; the message names it.
    """
    found, failures = [], []
    for number, figure in enumerate(figures, 1):
        request = renamed(figure.request, before, gallery.run, number)
        shown = replace(figure, request=request)
        try:
            files = _files(folder, gallery, shown)
        except GalleryError as error:
            message = f"Figure {figure.request.name}: {error.message}"
            if strict:
                raise SpecError(message, error.hint) from None
            failures.append(Failure(message, error.hint))
            reason = Failure("It lacks what this gallery does not have.")
            reason = reason if gallery.run.anonymous else Failure(error.message, error.hint)
            found.append(FigureItem(shown.title, request, (), reason))
        else:
            found.append(FigureItem(shown.title, request, files))
    return tuple(found), tuple(failures)


def drawn_again(folder: Path, contents: Contents, source: Source) -> tuple[FigureItem, ...]:
    """The figures of a site, drawn for a copy of it.

    Args:
        contents: what the copy holds.
        source: of the site; anonymous where the copy is.
    """
    gallery = gallery_of(source.shown, contents, folder, source.store)
    requests = [item.request for item in source.manifest.figures]
    before = run_of(source.manifest, source.root)
    return draw_into(folder, gallery, planned(requests), before=before)[0]


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
            "places": tuple(
                (slug, layer, head)
                for word, layer, head in spec.places
                for slug in _slugs((word,), models)
            ),
        }
    )


def _slugs(words: tuple[str, ...], known: Sequence[tuple[str, set[str]]]) -> tuple[str, ...]:
    """Slugs for words; a word that names nothing stays, for the message that says so."""
    found = ([slug for slug, names in known if word in names] or [word] for word in words)
    return tuple(dict.fromkeys(slug for slugs in found for slug in slugs))


def _files(folder: Path, gallery: MeasuredGallery, figure: PlannedFigure) -> tuple[FileEntry, ...]:
    """Draw a figure and write its files; where they are and what they hold."""
    name = figure.request.files[0]
    written = write_figure(folder / FIGURES / name, make_figure(gallery, figure, name))
    return tuple(_entry(folder, path) for path in written)


def _entry(site: Path, path: Path) -> FileEntry:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return FileEntry(
        path.relative_to(site).as_posix(), "paper-figure", "", digest, digest, len(data)
    )
