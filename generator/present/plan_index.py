"""The index: what the gallery is, its models, and every image with each model's last layer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from generator.present.cells import CellContent
from generator.present.image_statistics import STATISTICS, figures_text
from generator.present.plan_finder import by_group, finder, values_of
from generator.present.plan_front import credit_groups, paper_block, social
from generator.present.planner import INDEX, Planner
from generator.present.views import Notice
from generator.present.views_index import (
    Definition,
    IndexPage,
    ModelCard,
    PageLink,
    PageScript,
    Plate,
    PlateGroup,
    PlateMap,
)
from generator.present.wording import (
    counted,
    credit,
    grid_text,
    map_alt,
    notice,
    prefix_text,
    version_text,
)
from generator.run import Failure, ImageEntry, ModelEntry

PAGE_IMAGES = 200
"""Images on one page of the index, at most."""


def index_pages(planner: Planner, script: PageScript | None) -> tuple[IndexPage, ...]:
    """Plan the index: one page, or several for many images."""
    images = by_group(planner.run.images)
    parts = list(batched(images, PAGE_IMAGES)) or [()]
    return tuple(
        _page(planner, script, number, part, len(parts)) for number, part in enumerate(parts, 1)
    )


def batched(items: tuple[ImageEntry, ...], size: int) -> Iterator[tuple[ImageEntry, ...]]:
    """Parts of a size, the last one smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def page_path(number: int) -> str:
    """Site-relative path of a page of the index."""
    return INDEX if number == 1 else f"page-{number}/{INDEX}"


def _page(
    planner: Planner,
    script: PageScript | None,
    number: int,
    images: tuple[ImageEntry, ...],
    count: int,
) -> IndexPage:
    here, run = planner.on(page_path(number)), planner.run
    summary = f"{counted(len(run.models), 'model')} on {counted(len(run.images), 'image')}"
    suffix = "" if number == 1 else f", page {number}"
    return IndexPage(
        path=here.page,
        frame=here.frame(
            run.title + suffix,
            (run.description or f"{run.title}: {summary}, side by side.") + suffix,
            index=True,
        ),
        first=number == 1,
        title=run.title,
        description=run.description,
        summary=_summary(here),
        what=_what(here),
        models=tuple(_model_card(here, model) for model in run.models) if number == 1 else (),
        groups=tuple(
            PlateGroup(heading, tuple(_plate(here, image) for image in group))
            for heading, group in groupby(images, key=lambda image: image.group)
        ),
        bar=here.shared_bar(),
        failures=tuple(_failures(here)) if number == 1 else (),
        command=run.command if number == 1 else "",
        pages=_page_links(here, number, count),
        range=_range(number, len(run.images)) if count > 1 else "",
        finder=finder(here, script),
        definitions=_definitions(here),
        paper=paper_block(here) if number == 1 else None,
        social=social(here) if number == 1 else None,
        credits=credit_groups(here) if number == 1 else (),
    )


def _range(number: int, images: int) -> str:
    """Which images a page shows, in words."""
    last = min(number * PAGE_IMAGES, images)
    return f"{(number - 1) * PAGE_IMAGES + 1:,} to {last:,} of {images:,}"


def _page_links(planner: Planner, current: int, count: int) -> tuple[PageLink, ...]:
    if count == 1:
        return ()
    numbers = range(1, count + 1)
    return tuple(PageLink(planner.url(page_path(n)), str(n), n == current) for n in numbers)


def _definitions(planner: Planner) -> tuple[Definition, ...]:
    """Of the numbers that any image of the gallery has."""
    table = [values_of(planner, image) for image in planner.run.images]
    return tuple(
        Definition(statistic.name, statistic.unit, statistic.definition)
        for place, statistic in enumerate(STATISTICS)
        if any(values[place] is not None for values in table)
    )


def _summary(planner: Planner) -> str:
    run = planner.run
    maps = sum(
        len(content.rows) * content.heads
        for content in planner.contents.cells.values()
        if isinstance(content, CellContent)
    )
    return (
        f"{counted(len(run.models), 'model')}, {counted(len(run.images), 'image')}, "
        f"{counted(maps, 'attention map')}"
    )


def _what(planner: Planner) -> str:
    """What the small maps are."""
    cells = [c for c in planner.contents.cells.values() if isinstance(c, CellContent)]
    asked = "how strongly the CLS token attends to each patch of the picture"
    if cells and all(content.received for content in cells):
        asked = "how much attention each patch of the picture receives from all tokens"
    elif any(content.received for content in cells):
        asked += " (for models without one, how much attention the patch receives from all tokens)"
    return f"Each small map shows {asked}, in the last layer, averaged over its heads."


def _model_card(planner: Planner, model: ModelEntry) -> ModelCard:
    cells = planner.measured(model.slug)
    facts = cells[0].facts if cells else None
    grids = [(cell.facts.layout.rows, cell.facts.layout.cols) for cell in cells]
    return ModelCard(
        label=model.label,
        id=model.id,
        url=planner.model_link(model),
        version=version_text(model, facts.model.version if facts else ""),
        size=f"{facts.model.layers} layers × {facts.model.heads} heads" if facts else "",
        tokens=prefix_text(facts.layout) if facts else "",
        grid=f"{grid_text(grids)} patches" if facts else "",
        licence=facts.model.licence if facts else "",
        failure=notice(model.failure),
    )


def _plate(planner: Planner, image: ImageEntry) -> Plate:
    return Plate(
        title=image.title,
        url="" if image.failure else planner.image_link(image),
        thumb=planner.picture(image, thumb=True),
        credit=credit(image),
        maps=() if image.failure else tuple(_maps(planner, image)),
        failure=notice(image.failure),
        figures=figures_text(values_of(planner, image)),
    )


def _maps(planner: Planner, image: ImageEntry) -> Iterator[PlateMap]:
    for model in planner.run.models:
        cell = planner.cell(model.slug, image.slug)
        url = planner.image_link(image)
        if isinstance(cell, CellContent):
            file = planner.contents.coloured[model.slug, image.slug].map
            alt = map_alt(model.label, cell.last, cell)
            yield PlateMap(model.label, url, planner.map_picture(file, cell, alt), None)
        else:
            yield PlateMap(model.label, url, None, notice(model.failure or cell))


def _failures(planner: Planner) -> Iterator[Notice]:
    """Every failure once: models, images, then cells that neither explains, then pictures."""
    run, contents = planner.run, planner.contents
    failed_models = {model.slug for model in run.models if model.failure}
    failed_images = {image.slug for image in run.images if image.failure}
    cells = (
        cell
        for (model, image), cell in contents.cells.items()
        if model not in failed_models and image not in failed_images
    )
    found = [
        *(model.failure for model in run.models),
        *(image.failure for image in run.images),
        *cells,
        *contents.copies.values(),
    ]
    for failure in dict.fromkeys(item for item in found if isinstance(item, Failure)):
        yield Notice(failure.message, failure.hint)
