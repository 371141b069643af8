"""Plan of the index."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from generator.analysis.quantities.quantity import Quantity
from generator.present.cells.files import CellContent
from generator.present.cells.image_statistics import STATISTICS, figures_text
from generator.present.pages.image.sequence import sequence_summary
from generator.present.pages.index.finder import finder, strip, values_listed, values_of
from generator.present.pages.index.finder_views import PageScript
from generator.present.pages.index.front import credit_groups, paper_block, social
from generator.present.pages.index.marked import marked_summary
from generator.present.pages.index.views import (
    CardGroup,
    FigureDownload,
    ImageCard,
    IndexPage,
    ModelCard,
    SweepCard,
)
from generator.present.pages.links import pair_links, step_text
from generator.present.pages.paging import Part, by_group, listed_images, parts
from generator.present.pages.paths import INDEX, sequence_path, sweep_path
from generator.present.pages.planner import Planner
from generator.present.pages.reduced import site_notice
from generator.present.pages.small_maps import small_maps, small_maps_text
from generator.present.pages.views import Link, Notice
from generator.present.pages.wording import (
    checkpoint_notes,
    credit,
    grid_text,
    images_text,
    models_text,
    notice,
    prefix_text,
    version_text,
)
from generator.records.run import Failure, ImageEntry, ModelEntry, Sweep
from generator.text.phrases import counted


def index_pages(planner: Planner, script: PageScript | None) -> tuple[IndexPage, ...]:
    """Plan the index: one page, or several for many images."""
    return tuple(
        _page(planner, script, part) for part in parts(by_group(listed_images(planner.run.images)))
    )


def _page(planner: Planner, script: PageScript | None, part: Part) -> IndexPage:
    here, run = planner.on(part.path(INDEX)), planner.run
    summary = f"{models_text(run)} on {images_text(run)}"
    return IndexPage(
        path=here.page,
        frame=here.frame(
            run.title + part.suffix,
            (run.description or f"{run.title}: {summary}, side by side.") + part.suffix,
            "index",
        ),
        first=part.first,
        title=run.title,
        description=run.description,
        summary=_summary(here),
        what=small_maps_text(here),
        models=tuple(_model_card(here, model) for model in _alone(here)) if part.first else (),
        sweeps=tuple(_sweep_card(here, sweep) for sweep in run.sweeps) if part.first else (),
        groups=tuple(
            CardGroup(heading, tuple(_image_card(here, image) for image in group))
            for heading, group in groupby(part.images, key=lambda image: image.group)
        ),
        bar=here.shared_bar(),
        failures=tuple(_failures(here)) if part.first else (),
        command=run.command if part.first else "",
        pages=part.links(here, INDEX),
        range=part.range,
        finder=finder(here, script),
        definitions=_definitions(here),
        paper=paper_block(here) if part.first else None,
        social=social(here) if part.first else None,
        credits=credit_groups(here) if part.first else (),
        figures=_figures(here) if part.first else (),
        comparisons=pair_links(here) if part.first else (),
        reduced=site_notice(here) if part.first else None,
        marked=marked_summary(here) if part.first else None,
    )


def _figures(planner: Planner) -> tuple[FigureDownload, ...]:
    return tuple(
        FigureDownload(
            figure.title,
            tuple(Link(planner.url(f.path), f.path.rpartition("/")[2]) for f in figure.files),
            figure.failure.message if figure.failure else "",
        )
        for figure in planner.contents.figures
    )


def _definitions(planner: Planner) -> tuple[Quantity, ...]:
    """Quantities that any image of the gallery has."""
    table = [values_of(planner, image) for image in planner.run.images]
    return tuple(
        statistic.quantity
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
    return f"{models_text(run)}, {images_text(run)}, {counted(maps, 'attention map')}"


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
        tokens=prefix_text(facts.layout, model) if facts else "",
        grid=f"{grid_text(grids)} patches" if facts else "",
        license=facts.model.license if facts else "",
        notes=checkpoint_notes(facts.model, facts.preprocessing) if facts else (),
        failure=notice(model.failure),
    )


def _alone(planner: Planner) -> tuple[ModelEntry, ...]:
    """Models that are not checkpoints of a sweep."""
    run = planner.run
    return tuple(model for model in run.models if run.sweep_of(model.slug) is None)


def _sweep_card(planner: Planner, sweep: Sweep) -> SweepCard:
    """Card of a sweep, with the facts of its last checkpoint."""
    entries = {model.slug: model for model in planner.run.models}
    return SweepCard(
        label=sweep.label,
        url=planner.url(sweep_path(sweep.slug)),
        last=_model_card(planner, entries[sweep.models[-1]]),
        steps=tuple(
            Link(planner.model_link(entries[each.model]), step_text(each.step))
            for each in sweep.steps
        ),
    )


def _image_card(planner: Planner, image: ImageEntry) -> ImageCard:
    sequence = image.frame.sequence if image.frame and not image.failure else None
    url = planner.url(sequence_path(sequence.slug)) if sequence else planner.image_link(image)
    frames = strip(planner, sequence) if sequence else ()
    thumbs = (planner.picture(frame, thumb=True) for frame in frames)
    return ImageCard(
        title=image.frame.sequence.label if image.frame else image.title,
        url="" if image.failure else url,
        thumb=planner.picture(image, thumb=True),
        credit=credit(image),
        maps=() if image.failure else tuple(small_maps(planner, image)),
        failure=notice(image.failure),
        figures=figures_text(values_listed(planner, image)),
        summary=sequence_summary(planner, sequence) if sequence else "",
        strip=tuple(thumb for thumb in thumbs if thumb is not None),
    )


def _failures(planner: Planner) -> Iterator[Notice]:
    """Every failure once: of models, images, other cells, then pictures."""
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
