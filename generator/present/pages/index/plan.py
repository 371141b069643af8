"""Plan of the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from generator.present.cells.files import CellContent
from generator.present.cells.image_statistics import STATISTICS, figure_texts
from generator.present.content.pairs import ComparedPair
from generator.present.pages.image.sequence import sequence_summary
from generator.present.pages.index.finder import finder, strip
from generator.present.pages.index.finder_views import PageScript
from generator.present.pages.index.front import credit_groups, paper_block, social
from generator.present.pages.index.hero import hero_view
from generator.present.pages.index.listing import Listing
from generator.present.pages.index.marked import marked_summary
from generator.present.pages.index.views import (
    CardGroup,
    ComparedPicture,
    ComparisonCard,
    FigureDownload,
    ImageCard,
    IndexPage,
    ModelLine,
)
from generator.present.pages.links import pair_links, step_text
from generator.present.pages.paging import Part, parts
from generator.present.pages.paths import INDEX, pair_path, sequence_path, sweep_path
from generator.present.pages.planner import Planner
from generator.present.pages.reduced import site_notice
from generator.present.pages.small_maps import small_maps
from generator.present.pages.views import Link, Notice
from generator.present.pages.wording import (
    checkpoint_notes,
    grid_text,
    images_text,
    models_text,
    notice,
    prefix_text,
)
from generator.records.run import Failure, ImageEntry, ModelEntry
from generator.text.numbers import column
from generator.text.phrases import counted

CARDS = 6
"""Most comparisons with a figure on the front page; the others are links."""

ALONE = 3
"""Pictures of a comparison that is the only one; the others have one each."""


def index_pages(
    planner: Planner, script: PageScript | None, listed: Listing
) -> Iterator[IndexPage]:
    """Plan the index: one page, or several for many images."""
    figures = _figures_shown(listed)
    for part in parts(listed.images, len(planner.run.listed)):
        yield _page(planner, script, listed, figures, part)


def _page(
    planner: Planner,
    script: PageScript | None,
    listed: Listing,
    figures: Mapping[str, str],
    part: Part,
) -> IndexPage:
    here, run = planner.on(part.path(INDEX)), planner.run
    pairs = here.contents.pairs if part.first else ()
    summary = f"{models_text(run)} on {images_text(run)}"
    lines = tuple(_model_lines(here)) if part.first else ()
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
        what=_contact_text(here),
        hero=hero_view(here) if part.first else None,
        models=lines,
        size=_shared_size(lines),
        aligned=listed.aligned,
        across=1 + len(run.listed),
        groups=tuple(
            CardGroup(
                heading, tuple(_image_card(here, image, figures[image.slug]) for image in group)
            )
            for heading, group in groupby(part.images, key=lambda image: image.group)
        ),
        bar=here.shared_bar(),
        failures=tuple(_failures(here)) if part.first else (),
        command=run.command if part.first else "",
        pages=part.links(here, INDEX),
        range=part.range,
        finder=finder(here, script, listed),
        paper=paper_block(here) if part.first else None,
        social=social(here) if part.first else None,
        credits=credit_groups(here) if part.first else (),
        figures=_figures(here) if part.first else (),
        comparisons=tuple(
            _comparison_card(here, pair, mean)
            for pair, mean in zip(pairs[:CARDS], _means(pairs[:CARDS]), strict=True)
        ),
        more_comparisons=pair_links(here)[CARDS:] if part.first else (),
        reduced=site_notice(here) if part.first else None,
        marked=marked_summary(here) if part.first else None,
    )


def _contact_text(planner: Planner) -> str:
    """What the pictures of the contact sheet are, in their order."""
    held = [c for c in planner.contents.cells.values() if isinstance(c, CellContent)]
    asked = "received attention" if all(c.received for c in held) else "CLS attention"
    if len({c.received for c in held}) == 2:
        asked += " (received attention of models without CLS)"
    # labels may have commas
    labels = " · ".join(model.label for model in planner.run.listed)
    differ = " Numbers: difference in bits." if planner.contents.divergence else ""
    return (
        f"{asked[0].upper()}{asked[1:]} of the last layer, mean over heads, one scale: "
        f"{labels}.{differ}"
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


def _summary(planner: Planner) -> str:
    run = planner.run
    maps = sum(
        len(content.header.rows) * content.header.heads
        for content in planner.contents.cells.values()
        if isinstance(content, CellContent)
    )
    return f"{models_text(run)}, {images_text(run)}, {counted(maps, 'attention map')}"


def _model_lines(planner: Planner) -> Iterator[ModelLine]:
    """Models that are no checkpoints, then sweeps with the facts of their last checkpoint."""
    run = planner.run
    for model in run.models:
        if run.sweep_of(model.slug) is None:
            yield _model_line(planner, model)
    entries = {model.slug: model for model in run.models}
    for sweep in run.sweeps:
        yield replace(
            _model_line(planner, entries[sweep.models[-1]]),
            label=sweep.label,
            url=planner.url(sweep_path(sweep.slug)),
            steps=tuple(
                Link(planner.model_link(entries[each.model]), step_text(each.step))
                for each in sweep.steps
            ),
        )


def _shared_size(lines: Sequence[ModelLine]) -> str:
    """The size of all models, if there are several and it is the same."""
    sizes = {line.size for line in lines}
    return sizes.pop() if len(lines) > 1 and len(sizes) == 1 else ""


def _model_line(planner: Planner, model: ModelEntry) -> ModelLine:
    cells = planner.measured(model.slug)
    facts = cells[0].facts if cells else None
    size = tokens = ""
    if facts:
        grids = [(cell.facts.layout.rows, cell.facts.layout.cols) for cell in cells]
        size = (
            f"{facts.model.layers} layers × {facts.model.heads} heads, {grid_text(grids)} patches"
        )
        tokens = prefix_text(facts.layout, model)
    return ModelLine(
        label=model.label,
        url=planner.model_link(model),
        size=size,
        tokens=tokens,
        notes=checkpoint_notes(facts.model, facts.preprocessing) if facts else (),
        failure=notice(model.failure),
    )


def _figures_shown(listed: Listing) -> dict[str, str]:
    """The number of each listed image, by its slug; all pages of the index print them alike."""
    texts = figure_texts(STATISTICS[0], [values[0] for values in listed.values.values()])
    return dict(zip(listed.values, texts, strict=True))


def _means(pairs: Sequence[ComparedPair]) -> list[str]:
    """Mean divergence of each pair over its images."""
    apart = [
        [comparison.between.divergence for comparison in pair.comparisons.values()]
        for pair in pairs
    ]
    return column([float(np.mean(each)) if each else None for each in apart])


def _comparison_card(planner: Planner, pair: ComparedPair, mean: str) -> ComparisonCard:
    labels = {model.slug: model.label for model in planner.run.models}
    apart = {image: each.between.divergence for image, each in pair.comparisons.items()}
    text = ""
    if apart:
        text = f"Difference: {mean} bits ({counted(len(apart), 'picture')})"
    hero = planner.contents.front.hero
    # other pictures than the one above, where there are some
    order = sorted(apart, key=lambda image: (bool(hero and image == hero.image), -apart[image]))
    shown = order[: 1 if len(planner.contents.pairs) > 1 else ALONE]
    return ComparisonCard(
        title=f"{labels[pair.one]} vs {labels[pair.two]}",
        url=planner.url(pair_path(pair.one, pair.two)),
        text=text,
        rows=tuple(row for image in shown for row in _compared(planner, pair, image)),
    )


def _compared(planner: Planner, pair: ComparedPair, slug: str) -> Iterator[ComparedPicture]:
    """A picture and both maps of it, if it could be published."""
    image = next(each for each in planner.run.images if each.slug == slug)
    crop = planner.crop(image)
    if crop is None:
        return
    maps = []
    for model in (pair.one, pair.two):
        content = planner.cell(model, slug)
        assert isinstance(content, CellContent)
        file = planner.contents.colored[model, slug].map
        maps.append(planner.map_picture(file, content, ""))
    yield ComparedPicture(replace(crop, alt=""), tuple(maps))


def _image_card(planner: Planner, image: ImageEntry, figure: str) -> ImageCard:
    sequence = image.frame.sequence if image.frame and not image.failure else None
    url = planner.url(sequence_path(sequence.slug)) if sequence else planner.image_link(image)
    frames = strip(planner, sequence) if sequence else ()
    thumbs = (planner.picture(frame, thumb=True) for frame in frames)
    return ImageCard(
        title=image.frame.sequence.label if image.frame else image.title,
        url="" if image.failure else url,
        crop=planner.crop(image),
        maps=() if image.failure else tuple(small_maps(planner, image)),
        failure=notice(image.failure),
        figure=figure,
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
