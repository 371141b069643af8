"""The printed report as one self-contained HTML page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from generator.analysis.quantities.attention import (
    CLS_MASS_PATCHES,
    CLS_MASS_REGISTERS,
    DISTANCE,
    ENTROPY,
)
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.stream import STRONGEST_PATCH
from generator.bundled import bundled
from generator.export.copy import planned_pages
from generator.export.pictures.drawing import colored, enlarged, input_picture, size_of
from generator.export.printed.chapters import STYLES, Chapter, chapters
from generator.export.printed.choice import PrintedChoice, choose
from generator.export.single.policy import hashes
from generator.export.source import Source
from generator.present.cells.maps import PRIMARY, RECEIVED, QueryMaps, maps_of
from generator.present.drawing.heatmap import bar_png, wall_png
from generator.present.pages.environment import make_environment
from generator.present.pages.links import step_text
from generator.present.pages.views import BarTick, ColorBar, Fact, Picture
from generator.present.pages.wording import (
    RECEIVED_NOTE,
    credit,
    images_text,
    models_text,
    prefix_text,
    scale_note,
)
from generator.records.record import AttentionRecord
from generator.records.run import ImageEntry, ModelEntry, Sweep
from generator.text.numbers import machine, number, percent
from generator.text.phrases import counted

PICTURE_WIDTH = 420
WALL_WIDTH = 1400
"""Width in pixels to which walls are enlarged by whole factors; viewers blur small pictures."""

LAST_LAYER = "Last layer, mean over heads."
WITHOUT_CLS = "In a model without CLS: of all tokens on average."
NUMBERS = (
    ENTROPY.reduced(LAST_LAYER),
    DISTANCE.reduced(LAST_LAYER),
    CLS_MASS_PATCHES.reduced(f"{LAST_LAYER} {WITHOUT_CLS}"),
    CLS_MASS_REGISTERS.reduced(f"{LAST_LAYER} {WITHOUT_CLS}"),
    STRONGEST_PATCH.reduced(f"Last layer. {WITHOUT_CLS}"),
)


@dataclass(frozen=True, slots=True)
class PrintedModel:
    """A row of the table of models; ``steps`` describes the checkpoints of a sweep, or is empty."""

    label: str
    steps: str
    id: str
    size: str
    tokens: str
    input: str
    license: str


@dataclass(frozen=True, slots=True)
class PrintedColumn:
    """A model on an image: its map, numbers and wall, or the reason why there is none."""

    label: str
    says: str
    map: Picture | None
    wall: Picture | None
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrintedImage:
    """An image and every model on it; ``frames`` describes a sequence's frames, or is empty."""

    title: str
    frames: str
    credit: str
    picture: Picture | None
    columns: tuple[PrintedColumn, ...]


@dataclass(frozen=True, slots=True)
class PrintedReport:
    """The values of the report's template.

    Attributes:
        policy: the page's content policy.
        authors: authors in one line; may be empty.
        venue: place and date; may be empty.
        description: may be empty.
        summary: numbers of models and images.
        reading: explanation of maps and colors.
        numbers: headings of the columns of numbers.
        chapters: analyses from the site's pages.
        facts: origin of the report.
    """

    policy: str
    style: str
    title: str
    authors: str
    venue: str
    description: str
    summary: str
    abstract: tuple[str, ...]
    models: tuple[PrintedModel, ...]
    reading: str
    bar: ColorBar
    definitions: tuple[Quantity, ...]
    numbers: tuple[str, ...]
    images: tuple[PrintedImage, ...]
    chapters: tuple[Chapter, ...]
    facts: tuple[Fact, ...]


def printed_html(source: Source, models: tuple[str, ...], images: tuple[str, ...]) -> str:
    """The report as one self-contained HTML page.

    Args:
        models: labels or ids of models, or labels of sweeps; empty for all.
        images: titles or file names of images or sequences; empty for all.

    Raises:
        SpecError: a name is unknown, or none of the cells has a record.
        StoreError: a record is missing; the message names it.
    """
    choice = choose(source, models, images)
    with planned_pages(source) as (site, planned):
        found = tuple(chapters(site, planned, source.run, choice))
    page = printed_page(source, choice, found)
    return make_environment().get_template("printed.html.jinja2").render(page=page)


def printed_page(
    source: Source, choice: PrintedChoice, found: tuple[Chapter, ...] = ()
) -> PrintedReport:
    """Plan the report of a part of a gallery."""
    run, paper = source.run, source.run.paper
    folder = bundled("templates") / "static" / "css"
    style = "\n".join(
        (folder / f"{name}.css").read_text(encoding="utf-8")
        for name in ("theme", *STYLES, "printed")
    )
    return PrintedReport(
        policy=f"default-src 'none'; style-src {hashes([style])}; img-src data:",
        style=style,
        title=run.title,
        authors=", ".join(author.name for author in paper.authors) if paper else "",
        venue=" ".join(str(p) for p in (paper.venue, paper.year) if p) if paper else "",
        description=run.description,
        summary=f"{models_text(choice.run)}, {images_text(choice.run)}.",
        abstract=tuple(p for p in paper.abstract.split("\n\n") if p.strip()) if paper else (),
        models=tuple(_model(source, model, choice) for model in choice.models),
        reading=f"A patch of a map says how much attention the class token pays to it, or all "
        f"tokens on average where a model has no class token; 1 is an even share. "
        f"{scale_note(source.scale, None)} Values beyond its ends have the color of the end.",
        bar=_bar(source),
        definitions=NUMBERS,
        numbers=tuple(number.label for number in NUMBERS),
        images=tuple(_image(source, image, choice) for image in choice.images),
        chapters=found,
        facts=tuple(_facts(source)),
    )


def _bar(source: Source) -> ColorBar:
    data = bar_png(source.settings.colors)
    ticks = tuple(BarTick(f"{machine(100 * t.position)}%", t.label) for t in source.scale.ticks)
    return ColorBar(Picture(_url(data, "png"), 256, 1, ""), ticks, "times uniform", extends=True)


def _model(source: Source, model: ModelEntry, choice: PrintedChoice) -> PrintedModel:
    sweep = choice.sweep_of(model)
    label = sweep.label if sweep else model.label
    steps = _steps(sweep) if sweep else ""
    key = next((cell.record for cell in choice.cells if cell.model == model.slug), None)
    if key is None:
        reason = model.failure.message if model.failure else "not measured on these images"
        return PrintedModel(label, steps, model.id, reason, "", "", "")
    record = source.read(key)
    facts, layout, view = record.model, record.layout, record.view
    return PrintedModel(
        label=label,
        steps=steps,
        id=f"{facts.id} {facts.version[:12]}",
        size=f"{facts.layers} × {facts.heads}",
        tokens=f"{prefix_text(layout, model)}, {layout.rows} × {layout.cols} patches",
        input=f"{view.input_width} × {view.input_height} pixels",
        license=facts.license,
    )


def _steps(sweep: Sweep) -> str:
    """The checkpoints of a sweep in words, with the one that is shown."""
    first, last = (step_text(each.step) for each in (sweep.steps[0], sweep.steps[-1]))
    return f"{counted(len(sweep.steps), 'checkpoint')}, {first} to {last}; here the last"


def _image(source: Source, image: ImageEntry, choice: PrintedChoice) -> PrintedImage:
    columns = []
    picture = None
    for model in choice.models:
        cell = next(
            (c for c in choice.cells if (c.model, c.image) == (model.slug, image.slug)), None
        )
        if cell is None:
            absent = source.run.cell(model.slug, image.slug)
            failure = absent.failure or source.left_out.get(absent.record)
            says = failure.message if failure else "There is no record."
            columns.append(PrintedColumn(model.label, says, None, None, ()))
            continue
        record = source.read(cell.record)
        columns.append(_column(source, model, record))
        if picture is None and image.path.is_file():
            size = size_of(record.view, PICTURE_WIDTH)
            photo = input_picture(image.path, record.view, size)
            picture = Picture(_url(_encoded(photo, "WEBP"), "webp"), *size, image.alt)
    sequence = choice.sequence_of(image)
    frames = ""
    if sequence is not None:
        of = counted(choice.frames(sequence), "frame")
        frames = f"{of}; here {image.title.removeprefix(f'{sequence.label}, ')}"
    title = sequence.label if sequence else image.title
    return PrintedImage(title, frames, credit(image).text, picture, tuple(columns))


def _column(source: Source, model: ModelEntry, record: AttentionRecord) -> PrintedColumn:
    colors, scale = source.settings.colors, source.scale
    maps = maps_of(record, PRIMARY)
    last = record.model.layers - 1
    size = size_of(record.view, PICTURE_WIDTH)
    drawn = enlarged(colored(maps.maps[last, -1], scale, colors), size)
    with Image.open(io.BytesIO(wall_png(maps.maps, scale, colors))) as wall:
        factor = max(1, WALL_WIDTH // wall.width)
        large = wall.convert("RGBA").resize(
            (wall.width * factor, wall.height * factor), Image.Resampling.NEAREST
        )
    says = f"layer {last + 1}, mean over heads"
    if maps.token == RECEIVED:
        says += f", {RECEIVED_NOTE}"
    return PrintedColumn(
        label=model.label,
        says=says,
        map=Picture(_url(_encoded(drawn, "PNG"), "png"), *size, f"{model.label}, {says}"),
        wall=Picture(
            _url(_encoded(large, "PNG"), "png"),
            *large.size,
            f"{model.label}: maps of every layer and head",
        ),
        numbers=_numbers(record, maps, last),
    )


def _numbers(record: AttentionRecord, maps: QueryMaps, last: int) -> tuple[str, ...]:
    """The numbers of the last layer, in the order of ``NUMBERS``."""
    mass = dict(zip(maps.groups, maps.mass[last, -1], strict=True))
    registers = [float(mass[name]) for name in record.layout.registers]
    return (
        number(float(record.entropy[last].mean())),
        number(float(record.distance[last].mean())),
        percent(float(mass["patches"])),
        percent(sum(registers)) if registers else "none there",
        number(float(np.nanmax(maps.maps[last, -1]))),
    )


def _facts(source: Source) -> Iterator[Fact]:
    manifest = source.manifest
    yield Fact("Made with", f"{manifest.generator.name} {manifest.generator.version}")
    if source.run.command:
        yield Fact("Command", source.run.command)
    if source.run.site_url:
        yield Fact("Address", source.run.site_url)
    for failure in dict.fromkeys(source.run.failures):
        yield Fact("Not measured", failure.message)
    for measured in manifest.measurements[:1]:
        found = measured.environment
        versions = ", ".join(f"{name} {version}" for name, version in found.versions)
        yield Fact("Measured", f"{found.device}, {found.dtype}, {found.attention}; {versions}")
        yield Fact("Models saw", "; ".join(measured.preprocessing.steps))
    for image in source.run.images:
        if text := credit(image).text:
            yield Fact(image.title, text)


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=kind)
    return file.getvalue()


def _url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
