"""Inventory of a site: its manifest, from the run and its contents."""

from __future__ import annotations

from collections.abc import Iterator

from generator.present.cells.files import CellContent
from generator.present.content.averages import LocationPictures
from generator.present.content.contents import Contents, Copies
from generator.present.content.feature_colors import ColoredFeatures
from generator.present.content.weights import WeightPictures
from generator.present.drawing.scale import Scale
from generator.present.files.manifest import (
    GENERATOR,
    SCHEMA_VERSION,
    CellItem,
    FileEntry,
    FrameItem,
    ImageItem,
    Manifest,
    Measurement,
    ModelItem,
    PairItem,
    Program,
    QuantizationEntry,
    ReductionItem,
    ScaleEntry,
    TextEntry,
    carried,
)
from generator.present.files.reductions import Reduction
from generator.present.files.settings import RENDER_VERSION
from generator.present.pages.wording import SCALE_RULE, UNIT
from generator.records.run import Cell, Failure, ImageEntry, ModelEntry, Run


def manifest_of(
    run: Run,
    contents: Contents,
    pages: tuple[str, ...],
    texts: tuple[TextEntry, ...],
    version: str,
) -> Manifest:
    """The manifest of a site."""
    patches = contents.patch_scale
    measurements = _measurements(contents)
    return Manifest(
        schema=SCHEMA_VERSION,
        generator=Program(GENERATOR, version, RENDER_VERSION),
        title=run.title,
        description=run.description,
        command=run.command,
        field_of_view=run.field_of_view,
        scale=_scale(contents.scale),
        quantization=QuantizationEntry(),
        settings=contents.settings,
        models=tuple(_model(model, contents) for model in run.models),
        images=tuple(_image(image, contents) for image in run.images),
        measurements=tuple(measurements),
        cells=tuple(_cell(cell, contents, measurements) for cell in run.cells),
        pages=pages,
        texts=texts,
        front=contents.front.files,
        patch_scale=_scale(patches) if patches else None,
        pairs=tuple(PairItem(p.one, p.two, p.images, p.files) for p in contents.pairs),
        figures=contents.figures,
        paper=run.paper,
        site_url=run.site_url,
        anonymous=run.anonymous,
        sequences=run.sequences,
        sweeps=run.sweeps,
        reductions=tuple(_reductions(contents.reduction)),
    )


def _reductions(reduction: Reduction) -> Iterator[ReductionItem]:
    for step in reduction.steps:
        spared = reduction.whole if step == "heads" else ()
        yield ReductionItem(step, reduction.said(step), spared)


def _scale(scale: Scale) -> ScaleEntry:
    return ScaleEntry(UNIT, 2.0**scale.low, 2.0**scale.high, SCALE_RULE)


def _model(model: ModelEntry, contents: Contents) -> ModelItem:
    cells = (c for (slug, _), c in contents.cells.items() if slug == model.slug)
    found = next((cell for cell in cells if isinstance(cell, CellContent)), None)
    return carried(
        model,
        ModelItem,
        commit=model.commit or (found.facts.model.commit if found else ""),
        facts=found.facts.model if found else None,
        files=(
            *_averages(contents, model.slug),
            *contents.similarity[model.slug].files,
            *_weights(contents, model.slug),
            *_feature_files(model, contents),
        ),
    )


def _averages(contents: Contents, model: str) -> tuple[FileEntry, ...]:
    found = contents.averages[model]
    return (found.numbers, found.maps, found.rates) if isinstance(found, LocationPictures) else ()


def _weights(contents: Contents, model: str) -> tuple[FileEntry, ...]:
    found = contents.weights[model]
    return found.files if isinstance(found, WeightPictures) else ()


def _feature_files(model: ModelEntry, contents: Contents) -> tuple[FileEntry, ...]:
    """Files of a model's feature colors: one for all images, or one for each."""
    found = (
        each.source
        for (slug, _), each in contents.features.items()
        if slug == model.slug and isinstance(each, ColoredFeatures)
    )
    return tuple(dict.fromkeys(found))


def _image(image: ImageEntry, contents: Contents) -> ImageItem:
    copies, frame = contents.copies.get(image.slug), image.frame
    divergence = contents.divergence.get(image.slug)
    found = [divergence.file if divergence else None]
    if isinstance(copies, Copies):
        found = [copies.picture, copies.thumb, copies.crop, *found]
    return carried(
        image,
        ImageItem,
        files=tuple(file for file in found if file is not None),
        failure=copies if isinstance(copies, Failure) else image.failure,
        frame=FrameItem(frame.sequence.slug, frame.number, frame.time) if frame else None,
    )


def _measurements(contents: Contents) -> dict[Measurement, int]:
    """Distinct measurements of cells -> index in the manifest."""
    found = (cell for cell in contents.cells.values() if isinstance(cell, CellContent))
    distinct = dict.fromkeys(_measurement(cell) for cell in found)
    return {measurement: place for place, measurement in enumerate(distinct)}


def _measurement(cell: CellContent) -> Measurement:
    facts = cell.facts
    return Measurement(facts.layout, facts.view, facts.preprocessing, facts.environment)


def _cell(cell: Cell, contents: Contents, measurements: dict[Measurement, int]) -> CellItem:
    found = contents.cells[cell.model, cell.image]
    if isinstance(found, Failure):
        return carried(
            cell, CellItem, failure=found, measurement=None, files=(), detail="native", truth=""
        )
    colored = contents.colored[cell.model, cell.image]
    walls: tuple[FileEntry, ...] = (colored.wall,) if colored.wall else ()
    truth = contents.scored.files.get((cell.model, cell.image))
    maps = tuple(file for file in (found.maps, found.alike, truth) if file is not None)
    drawn = contents.analyses[cell.image].drawn if cell.image in contents.analyses else {}
    colors = contents.features.get((cell.model, cell.image))
    features = (colors.picture,) if isinstance(colors, ColoredFeatures) else ()
    figures = (each.file for (model, _), each in drawn.items() if model == cell.model)
    return carried(
        cell,
        CellItem,
        measurement=measurements[_measurement(found)],
        files=(*found.chunks, found.digest, colored.map, *walls, *maps, *figures, *features),
        failure=None,
        detail=found.detail,
        truth=truth.made_of if truth else "",
    )
