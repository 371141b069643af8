"""The printed report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from generator.analysis.quantities.quantity import Quantity
from generator.bundled import bundled
from generator.export.copy import planned_pages
from generator.export.printed.chapters import STYLES, Chapter, chapters
from generator.export.printed.choice import PrintedChoice, choose
from generator.export.printed.cover import PrintedComparison, comparisons, opening
from generator.export.printed.pictures import (
    NUMBERS,
    PAIR_NUMBERS,
    PrintedImage,
    data_url,
    printed_image,
)
from generator.export.single.policy import hashes
from generator.export.source import Source
from generator.present.drawing.heatmap import bar_png
from generator.present.pages.environment import make_environment
from generator.present.pages.index.hero_views import HeroView
from generator.present.pages.links import step_text
from generator.present.pages.views import BarTick, ColorBar, Fact, Picture
from generator.present.pages.wording import (
    images_text,
    models_text,
    prefix_text,
    scale_note,
)
from generator.records.run import ModelEntry, Sweep
from generator.text.numbers import machine
from generator.text.phrases import counted


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
class PrintedReport:
    """The values of the report's template.

    Attributes:
        policy: the page's content policy.
        authors: authors in one line; may be empty.
        venue: place and date; may be empty.
        description: may be empty.
        summary: numbers of models and images.
        opening: the picture that opens the gallery; None for a part of a gallery.
        comparisons: what each comparison found.
        reading: explanation of maps and colors.
        numbers: headings of the columns of numbers.
        pair_numbers: headings of the columns of numbers of two models.
        chapters: analyses from the site's pages; empty unless asked for.
        methods: how the gallery was made, in words; empty if nothing was measured.
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
    opening: HeroView | None
    comparisons: tuple[PrintedComparison, ...]
    models: tuple[PrintedModel, ...]
    reading: str
    bar: ColorBar
    definitions: tuple[Quantity, ...]
    numbers: tuple[str, ...]
    pair_numbers: tuple[str, ...]
    images: tuple[PrintedImage, ...]
    chapters: tuple[Chapter, ...]
    methods: str
    facts: tuple[Fact, ...]


def printed_html(
    source: Source, models: tuple[str, ...], images: tuple[str, ...], *, analyses: bool = False
) -> str:
    """The report as one self-contained HTML page.

    Args:
        models: labels or ids of models, or labels of sweeps; empty for all.
        images: titles or file names of images or sequences; empty for all.
        analyses: whether the analyses of all pages are in it.

    Raises:
        SpecError: a name is unknown, or none of the cells has a record.
        StoreError: a record is missing; the message names it.
    """
    run, choice = source.run, choose(source, models, images)
    with planned_pages(source) as (site, planned):
        found = tuple(chapters(site, planned, run, choice)) if analyses else ()
        hero = opening(site, planned, choice, run)
        compared = tuple(comparisons(run, planned, choice))
        citing = planned.methods.citing
    page = printed_page(source, choice, hero, compared, found, citing.text if citing else "")
    return make_environment().get_template("printed.html.jinja2").render(page=page)


def printed_page(
    source: Source,
    choice: PrintedChoice,
    hero: HeroView | None,
    compared: tuple[PrintedComparison, ...],
    found: tuple[Chapter, ...],
    methods: str,
) -> PrintedReport:
    """Plan the report of a part of a gallery."""
    run, paper = source.run, source.run.paper
    pairs = tuple(each.models for each in compared)
    images = tuple(printed_image(source, image, choice, pairs) for image in choice.images)
    style = _style(images)
    return PrintedReport(
        policy=f"default-src 'none'; style-src {hashes([style])}; img-src data:",
        style=style,
        title=run.title,
        authors=", ".join(author.name for author in paper.authors) if paper else "",
        venue=" ".join(str(p) for p in (paper.venue, paper.year) if p) if paper else "",
        description=run.description,
        summary=f"{models_text(choice.run)}, {images_text(choice.run)}.",
        abstract=tuple(p for p in paper.abstract.split("\n\n") if p.strip()) if paper else (),
        opening=hero,
        comparisons=compared,
        models=tuple(_model(source, model, choice) for model in choice.models),
        reading="Each patch of a map shows how much attention the class token pays to it. In "
        "models without a class token it is the mean over all tokens. 1 is an even share. "
        f"{scale_note(source.scale, None)} Values beyond its ends have the color of the end. "
        "Numbers are of the last layer, mean over heads; those of CLS are of all tokens on average "
        "in models without a class token.",
        bar=_bar(source),
        definitions=(*NUMBERS, *(PAIR_NUMBERS if any(each.pairs for each in images) else ())),
        numbers=tuple(number.label for number in NUMBERS),
        pair_numbers=tuple(number.label for number in PAIR_NUMBERS),
        images=images,
        chapters=found,
        methods=methods,
        facts=tuple(_facts(source)),
    )


def _style(images: tuple[PrintedImage, ...]) -> str:
    """All styles: those of the report, and the sizes on the page of each picture."""
    folder = bundled("templates") / "static" / "css"
    sheets = [
        (folder / f"{name}.css").read_text(encoding="utf-8")
        for name in ("theme", *STYLES, "printed")
    ]
    for place, image in enumerate(images, 1):
        leaf = image.leaf
        own = f"#image-{place}"
        columns = f"repeat({leaf.columns}, {leaf.column}mm)"
        sheets.append(f"{own} {{ --photo: {leaf.photo}mm; --map: {leaf.map}mm; }}")
        sheets.append(f"{own} :is(.maps, .walls) {{ grid-template-columns: {columns}; }}")
        sheets += (
            f"{own} .walls > :nth-child({n}) img {{ width: {machine(width)}mm; }}"
            for n, width in enumerate(leaf.walls, 1)
        )
    return "\n".join(sheets)


def _bar(source: Source) -> ColorBar:
    data = bar_png(source.settings.colors)
    ticks = tuple(BarTick(f"{machine(100 * t.position)}%", t.label) for t in source.scale.ticks)
    return ColorBar(
        Picture(data_url(data, "png"), 256, 1, ""), ticks, "times uniform", extends=True
    )


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
