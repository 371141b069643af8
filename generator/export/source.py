"""Source of an export: a gallery with its records, from a built site or during a build."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from generator.errors import SpecError, StoreError
from generator.export.anonymous import Anonymous, anonymized, identity_of
from generator.present.cells.chunks.patches import PATCH
from generator.present.content.contents import Contents, Copies
from generator.present.drawing.scale import Scale
from generator.present.files.manifest import ImageItem, Manifest, ScaleEntry, carried
from generator.present.files.manifest_file import (
    DISTRUST,
    MANIFEST,
    is_site,
    read_manifest,
    stray,
)
from generator.present.files.settings import Settings
from generator.records.record import AttentionRecord
from generator.records.run import Cell, Frame, ImageEntry, ModelEntry, Run, Sequence, Sweep
from generator.records.store import Store
from generator.spec.toml import did_you_mean, did_you_mean_beside, shortened
from generator.text.numbers import given

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredGallery:
    """Models and images of a gallery, their records, and settings of drawing.

    Attributes:
        shown: the run, anonymous if requested; paths of images are those of published pictures.
        store: folder of the records.
        settings: settings of drawing.
        scale: color scale of tokens as queries.
        patch_scale: color scale of patches as queries; None where there are none.
        left_out: damaged records found so far, by key, and their errors.
    """

    shown: Anonymous
    store: Store
    settings: Settings
    scale: Scale
    patch_scale: Scale | None
    left_out: dict[str, StoreError] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """Models, images and cells."""
        return self.shown.run

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on an anonymous copy: names that were withheld and names that were kept."""
        return self.shown.notes

    def scale_of(self, query: str) -> Scale:
        """The color scale of a query's maps."""
        return (self.patch_scale if query.startswith(PATCH) else None) or self.scale

    def read(self, key: str) -> AttentionRecord:
        """A record by its key, with the model's name in the export.

        Raises:
            StoreError: the store does not have it, or it is damaged; the message names model and
                image.
        """
        try:
            return self.shown.read(self.store.get, key)
        except StoreError as error:
            cell = next(cell for cell in self.run.cells if cell.record == key)
            what = f"The record of {self.model(cell).label} on {self.image(cell).name}"
            if self.store.was_damaged(key):
                hint = "Build the gallery again to measure it."
                damage = StoreError(f"{what} ({key[:12]}) is damaged.", hint)
                if key not in self.left_out:
                    logger.warning("Left out: %s", damage)
                    self.left_out[key] = damage
                raise damage from error
            raise StoreError(
                f"{what} ({key[:12]}) is not in {self.store.root}.",
                "Build the gallery again to measure it, or name the store it was built with: "
                "--store.",
            ) from error

    def record(self, cell: Cell) -> AttentionRecord | None:
        """The record of a cell; None if there is none or it is damaged, with a warning.

        Raises:
            StoreError: the store does not have it; the message names model and image.
        """
        if not cell.record:
            return None
        try:
            return self.read(cell.record)
        except StoreError:
            if cell.record not in self.left_out:
                raise
            return None

    def records(self) -> Iterator[tuple[Cell, AttentionRecord]]:
        """Every cell with a record, and the record, one at a time; damaged ones are skipped.

        Raises:
            StoreError: a record is missing, or all are damaged.
        """
        found = False
        for cell in self.run.cells:
            record = self.record(cell)
            if record is not None:
                found = True
                yield cell, record
        if self.left_out and not found:
            raise next(iter(self.left_out.values()))

    def cells(self, models: tuple[str, ...], images: tuple[str, ...]) -> tuple[Cell, ...]:
        """The cells with a record of the named models and images; no names mean all.

        Every record is read, and damaged ones are skipped.

        Raises:
            SpecError: a name is unknown, or none of the cells has a record.
            StoreError: a record is missing, or all are damaged.
        """
        wanted = {model.slug for model in self.models(models)}
        shown = {image.slug for image in self.images(images)}
        measured = [
            c for c in self.run.cells if c.model in wanted and c.image in shown and c.record
        ]
        found = tuple(cell for cell in measured if self.record(cell) is not None)
        if measured and not found:
            raise self.left_out[measured[0].record]
        if not found:
            raise SpecError("Nothing was measured there.", "Choose other models or images.")
        return found

    def model(self, cell: Cell) -> ModelEntry:
        """The model of a cell."""
        return next(model for model in self.run.models if model.slug == cell.model)

    def image(self, cell: Cell) -> ImageEntry:
        """The image of a cell."""
        return next(image for image in self.run.images if image.slug == cell.image)

    def models(self, wanted: tuple[str, ...]) -> tuple[ModelEntry, ...]:
        """Models by label, id or slug, in the gallery's order; no names mean all.

        A sweep's label selects all its checkpoints.

        Raises:
            SpecError: a name is unknown.
        """
        sweeps = {m.slug: self.run.sweep_of(m.slug) for m in self.run.models}
        names = {
            model: (model.label, model.id, model.slug, *_named(sweeps[model.slug]))
            for model in self.run.models
        }
        return _chosen(wanted, names, "model")

    def images(self, wanted: tuple[str, ...]) -> tuple[ImageEntry, ...]:
        """Images by title, file name or slug, in the gallery's order; no names mean all.

        A sequence's label or file name selects all its frames.

        Raises:
            SpecError: a name is unknown.
        """
        names = {
            image: (image.title, image.name, image.slug, *_named(image.frame))
            for image in self.run.images
        }
        return _chosen(wanted, names, "image")

    def sequence(self, wanted: str) -> Sequence:
        """A sequence by label, file name or slug; the first one if no name is given.

        Raises:
            SpecError: the name is unknown, or the gallery has no sequence.
        """
        names: dict[Sequence, tuple[str, ...]] = {
            each: (each.label, each.source, each.slug) for each in self.run.sequences
        }
        if not names:
            raise SpecError("The gallery has no sequence.", "Leave out --over time.")
        return _chosen((wanted,) if wanted else (), names, "sequence")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(MeasuredGallery):
    """A built site to export.

    Attributes:
        manifest: the site's own, with all names.
    """

    root: Path
    manifest: Manifest


def open_source(site: Path, store: Path, *, anonymous: bool = False) -> Source:
    """Open a built site.

    Args:
        store: folder of the records.
        anonymous: withhold the authors' names (see :mod:`generator.export.anonymous`); a site that
            was built anonymous is always exported so.

    Raises:
        StoreError: the folder is no site, or one that this version cannot read, or a link inside
            leads out of it.
    """
    manifest = read_manifest(site)
    if manifest is None:
        raise _why_no_source(site)
    if flaw := _contradiction(manifest):
        raise StoreError(
            f"The {MANIFEST} of {site} contradicts itself: {flaw}.", "Copy or build the site again."
        )
    _check_links(site)
    run = run_of(manifest, site)
    found = Anonymous(run, {}, ())
    if anonymous or manifest.anonymous:
        found = anonymized(run, _local(manifest), identity_of(run))
    patches = manifest.patch_scale
    return Source(
        shown=found,
        store=Store(store),
        settings=manifest.settings,
        scale=_scale(manifest.scale),
        patch_scale=_scale(patches) if patches else None,
        root=site,
        manifest=manifest,
    )


def gallery_of(shown: Anonymous, contents: Contents, root: Path, store: Store) -> MeasuredGallery:
    """The gallery of a site that is being built.

    Args:
        shown: the run as the site shows it.
        contents: the heavy files of the site.
        root: folder of these files.
        store: folder of the records.
    """
    images = tuple(_published(image, contents, root) for image in shown.run.images)
    return MeasuredGallery(
        shown=replace(shown, run=replace(shown.run, images=images)),
        store=store,
        settings=contents.settings,
        scale=contents.scale,
        patch_scale=contents.patch_scale,
    )


def _published(image: ImageEntry, contents: Contents, root: Path) -> ImageEntry:
    """An image with its published picture, or with the reason why there is none."""
    copies = contents.copies.get(image.slug)
    if isinstance(copies, Copies):
        return replace(image, path=root / copies.picture.path)
    return replace(image, path=root, failure=copies or image.failure)


def _why_no_source(site: Path) -> StoreError:
    """The error for a folder that cannot be opened."""
    name = "Name the folder that `attention-gallery build` wrote."
    no_site = f"{site} is not a site of attention-gallery"
    if not site.exists():
        hint = did_you_mean_beside(site) or "Build the site first, or name its folder."
        return StoreError(f"There is no folder {site}.", hint, usage=True)
    if not site.is_dir():
        return StoreError(f"{no_site}: it is a file.", name, usage=True)
    if outside := stray(site):
        message = f"{site / MANIFEST} names {outside!a}, which is not inside of the site."
        return StoreError(message, DISTRUST)
    if is_site(site):
        message = f"{site} was built by another version of attention-gallery."
        return StoreError(message, "Build it again.")
    if not (site / MANIFEST).is_file():
        return StoreError(f"{no_site}: it has no {MANIFEST}.", name, usage=True)
    return StoreError(
        f"{no_site}, or its {MANIFEST} is damaged.", f"Copy or build it again. {name}"
    )


def _contradiction(manifest: Manifest) -> str:
    """A contradiction inside of a manifest, such as a missing target; empty if there is none."""
    models = {model.slug for model in manifest.models}
    images = {image.slug for image in manifest.images}
    sequences = {each.slug for each in manifest.sequences}
    named = [
        *(("a model", cell.model, models) for cell in manifest.cells),
        *(("an image", cell.image, images) for cell in manifest.cells),
        *(("a model", slug, models) for pair in manifest.pairs for slug in (pair.one, pair.two)),
        *(("a model", step.model, models) for each in manifest.sweeps for step in each.steps),
        *(
            ("a sequence", image.frame.sequence, sequences)
            for image in manifest.images
            if image.frame
        ),
    ]
    for what, slug, known in named:
        if slug not in known:
            return f"it names {what} that it does not list, {shortened(slug) or '(nothing)'}"
    if len(manifest.cells) != len({(cell.model, cell.image) for cell in manifest.cells}):
        return "a cell is listed twice"
    for scale in (manifest.scale, manifest.patch_scale):
        if scale is not None and not 0 < scale.low <= scale.high < math.inf:
            return f"its scale goes from {given(scale.low)} to {given(scale.high)}"
    places = [cell.measurement for cell in manifest.cells if cell.measurement is not None]
    if any(not 0 <= place < len(manifest.measurements) for place in places):
        return "it names a measurement that it does not list"
    return ""


def _check_links(site: Path) -> None:
    """Make sure that no link of a site leads out of it: its target would be exported.

    Raises:
        StoreError: a link leads out of the site.
    """
    top = site.resolve()
    for folder, folders, names in os.walk(site):
        for entry in (Path(folder, name) for name in (*folders, *names)):
            if entry.is_symlink() and not entry.resolve().is_relative_to(top):
                raise StoreError(f"{entry} is a link that leads out of the site.", DISTRUST)


def _named(whole: Sweep | Frame | None) -> tuple[str, ...]:
    """The names that select a sweep or a sequence as a whole."""
    if isinstance(whole, Sweep):
        return (whole.label,)
    return (whole.sequence.label, whole.sequence.source) if whole else ()


def _picture(image: ImageItem, root: Path) -> Path:
    """The published picture of an image; the site's folder if there is none."""
    return next((root / file.path for file in image.files if file.kind == "picture"), root)


def _frame(manifest: Manifest, image: ImageItem) -> Frame | None:
    """An image's frame in its sequence."""
    frame = image.frame
    if frame is None:
        return None
    sequence = next(each for each in manifest.sequences if each.slug == frame.sequence)
    return Frame(sequence, frame.number, frame.time)


def run_of(manifest: Manifest, root: Path) -> Run:
    """The run of a site, read from its manifest."""
    return Run(
        title=manifest.title,
        description=manifest.description,
        command=manifest.command,
        field_of_view=manifest.field_of_view,
        models=manifest.models,
        images=tuple(
            carried(image, ImageEntry, path=_picture(image, root), frame=_frame(manifest, image))
            for image in manifest.images
        ),
        cells=manifest.cells,
        paper=manifest.paper,
        site_url=manifest.site_url,
        anonymous=manifest.anonymous,
        mixed=len({bool(measured.layout.cls) for measured in manifest.measurements}) == 2,
        pairs=tuple((pair.one, pair.two) for pair in manifest.pairs),
        sweeps=manifest.sweeps,
    )


def _scale(entry: ScaleEntry) -> Scale:
    return Scale(low=round(math.log2(entry.low)), high=round(math.log2(entry.high)))


def _local(manifest: Manifest) -> frozenset[str]:
    """Slugs of models that came from a folder, or whose origin is unknown."""
    return frozenset(
        model.slug
        for model in manifest.models
        if (model.facts.source in ("folder", "memory") if model.facts else not model.commit)
        or (manifest.anonymous and model.id == model.slug)  # its name is withheld
    )


def _chosen(wanted: tuple[str, ...], names: dict[T, tuple[str, ...]], what: str) -> tuple[T, ...]:
    for word in wanted:
        if not any(word in known for known in names.values()):
            wholes = [known[3] if len(known) > 3 else known[0] for known in names.values()]
            others = [name for known in names.values() for name in known[:2]]
            labels = list(dict.fromkeys([*wholes, *others]))
            if what == "image" and any("," in whole for whole in wholes):
                wholes = [known[1] for known in names.values()]  # the names of files
            wholes = list(dict.fromkeys(wholes))
            shown = ", ".join(wholes[:10]) + (", ..." if len(wholes) > 10 else "")
            hint = did_you_mean(word, labels) or f"There are: {shown}."
            raise SpecError(f"No {what} of the gallery is called {word or '(nothing)'}.", hint)
    if not wanted:
        return tuple(names)
    return tuple(item for item, known in names.items() if set(known) & set(wanted))
