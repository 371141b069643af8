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
    """Check every requested figure, before anything is measured.

    Raises:
        SpecError: a figure is not possible; the message names it.
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
        gallery: source of the figures.
        before: the run whose names the requests use; differs from the gallery's if that is
            anonymous.
        strict: raise an error for the first figure that cannot be drawn.

    Returns:
        Manifest items of the figures, and the failures of the others.

    Raises:
        GalleryError: a figure cannot be drawn and ``strict`` is set; the message names it.
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
                raise GalleryError(message, error.hint, usage=error.usage) from None
            failures.append(Failure(message, error.hint))
            reason = Failure("It lacks what this gallery does not have.")
            reason = reason if gallery.run.anonymous else Failure(error.message, error.hint)
            found.append(FigureItem(shown.title, request, (), reason))
        else:
            found.append(FigureItem(shown.title, request, files))
    return tuple(found), tuple(failures)


def drawn_again(folder: Path, contents: Contents, source: Source) -> tuple[FigureItem, ...]:
    """Draw the figures of a site again, for a copy of it.

    Args:
        contents: files of the copy.
        source: the site; anonymous if the copy is.
    """
    gallery = gallery_of(source.shown, contents, folder, source.store)
    requests = [item.request for item in source.manifest.figures]
    before = run_of(source.manifest, source.root)
    return draw_into(folder, gallery, planned(requests), before=before)[0]


def renamed(spec: FigureSpec, before: Run, after: Run, number: int) -> FigureSpec:
    """A request that names models and images by their slugs in another run of the same gallery.

    Args:
        spec: the request.
        before: the run whose names it uses.
        after: the run to draw, with the same models and images in the same order.
        number: number of the figure from 1, used as its name if that is withheld.
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
    """Slugs for names; an unknown name is kept, so that the error message shows it."""
    found = ([slug for slug, names in known if word in names] or [word] for word in words)
    return tuple(dict.fromkeys(slug for slugs in found for slug in slugs))


def _files(folder: Path, gallery: MeasuredGallery, figure: PlannedFigure) -> tuple[FileEntry, ...]:
    """Draw a figure, write its files, and return their paths and contents."""
    name = figure.request.files[0]
    written = write_figure(folder / FIGURES / name, make_figure(gallery, figure, name))
    return tuple(_entry(folder, path) for path in written)


def _entry(site: Path, path: Path) -> FileEntry:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return FileEntry(
        path.relative_to(site).as_posix(), "paper-figure", "", digest, digest, len(data)
    )
