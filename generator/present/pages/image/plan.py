"""Plan of the image page."""

from __future__ import annotations

from collections.abc import Mapping

from generator.present.cells.chunks.maps import FUSED, POOL, PRIMARY, VALUES
from generator.present.cells.chunks.patches import PATCH
from generator.present.cells.files import CellContent
from generator.present.cells.labels import query_label
from generator.present.files.reductions import WALL_CELLS
from generator.present.pages.image.analyses import analyses
from generator.present.pages.image.views import FrameLink, ImagePage, ModelColumn
from generator.present.pages.paths import image_path, sequence_path
from generator.present.pages.planner import Planner
from generator.present.pages.reduced import (
    image_notice,
    missing_heads,
    shown_text,
    square_text,
    without_walls,
)
from generator.present.pages.register_text import moved_text
from generator.present.pages.views import (
    Fact,
    Link,
    Notice,
    PageData,
    PageModel,
    PageStep,
    PageSweep,
    QueryChoice,
)
from generator.present.pages.wording import (
    OUTLIERS_RULE,
    RECEIVED_NOTE,
    checkpoint_notes,
    credit,
    grid_text,
    map_alt,
    notice,
    outliers_text,
    prefix_text,
    scale_note,
    wall_alt,
    windows_text,
)
from generator.records.run import Failure, ImageEntry, ModelEntry, Run
from generator.text.phrases import counted

WALLS = (
    "Rows are layers, columns are heads; the last columns are the mean, maximum and minimum over "
    f"heads. Maps of more patches are area means on at most {WALL_CELLS} × {WALL_CELLS} cells."
)
"""How walls for readers without JavaScript are read."""

FIELDS = {
    "square": "the centered square",
    "whole": "the whole picture",
    "checkpoint": "what each checkpoint's own preprocessing keeps",
}


def image_page(
    planner: Planner,
    number: int,
    image: ImageEntry,
    previous: ImageEntry | None,
    following: ImageEntry | None,
) -> ImagePage:
    """Plan the page of an image.

    Args:
        number: of the image among those that have a page, from 1.
    """
    here = planner.on(image_path(image.slug))
    # without the total: one more picture would change every page
    return page_at(here, image, f"Picture {number}", previous, following)


def page_at(
    here: Planner,
    image: ImageEntry,
    place: str,
    previous: ImageEntry | None,
    following: ImageEntry | None,
    shown_at: Mapping[str, ImageEntry] | None = None,
) -> ImagePage:
    """Plan the page of an image or a sequence at a given path.

    Args:
        image: image that is shown first.
        place: where the page stands among others, in words.
        previous: link of the pager to the previous page.
        following: link of the pager to the next page.
        shown_at: slug of a model -> image whose cell gives the model's facts; by default ``image``.
    """
    run = here.run
    copies = here.contents.copies.get(image.slug)
    labels = ", ".join(model.label for model in run.models)
    at = shown_at or {model.slug: image for model in run.models}
    patches = None if "patches" in here.contents.reduction else here.contents.patch_scale
    found = analyses(here, image)
    return ImagePage(
        path=here.page,
        frame=here.frame(
            f"{image.title} · {run.title}",
            f"Attention of {labels} on {image.title}, side by side.",
            "image",
            charts=any(item.charts for item in found.items),
        ),
        title=image.title,
        size=_size(image),
        place=place,
        credit=credit(image),
        facts=_facts(here, image),
        picture=here.picture(image),
        picture_failure=notice(copies) if isinstance(copies, Failure) else None,
        picture_note=Notice(image.note, "") if image.note else None,
        square=square_text(here, image.slug),
        walls=WALLS,
        without_walls=without_walls(here),
        reduced=image_notice(here, image.slug),
        columns=tuple(_column(here, model, at[model.slug]) for model in run.models),
        bar=here.shared_bar(),
        scale_note=scale_note(here.contents.scale, patches),
        previous=Link(here.image_link(previous), previous.title) if previous else None,
        next=Link(here.image_link(following), following.title) if following else None,
        data=_data(here, image, at),
        analyses=found,
        sequence=_sequence(here, image),
    )


def _sequence(planner: Planner, image: ImageEntry) -> FrameLink | None:
    if image.frame is None:
        return None
    frames = planner.frames(image.frame.sequence)
    number = frames.index(image) + 1
    return FrameLink(
        url=f"{planner.url(sequence_path(image.frame.sequence.slug))}#frame={number}",
        text=f"Frame {number} of {len(frames)} of {image.frame.sequence.label}",
        number=number,
    )


def _facts(planner: Planner, image: ImageEntry) -> tuple[Fact, ...]:
    return (
        Fact("File", image.name),
        Fact("Size", _size(image)),
        Fact("Models saw", FIELDS[planner.run.field_of_view]),
        *(
            Fact(model.label, " ".join(notes))
            for model in planner.run.models
            if isinstance(cell := planner.cell(model.slug, image.slug), CellContent)
            and (notes := checkpoint_notes(cell.facts.model, cell.facts.preprocessing))
        ),
        Fact("Outlier patches", OUTLIERS_RULE),
        Fact("SHA-256", image.sha256),
    )


def _size(image: ImageEntry) -> str:
    return f"{image.width} × {image.height} pixels"


def _column(planner: Planner, model: ModelEntry, image: ImageEntry) -> ModelColumn:
    cell = planner.cell(model.slug, image.slug)
    found = cell if isinstance(cell, CellContent) else None
    colored = planner.contents.colored.get((model.slug, image.slug))
    wall, factor = None, 1
    if found and colored and colored.wall:
        wall, factor = planner.wall_picture(colored.wall, found, wall_alt(model.label, found))
    last = None
    if found and colored and not colored.wall:
        last = planner.map_picture(
            colored.map, found, map_alt(model.label, found.header.last, found)
        )
    return ModelColumn(
        slug=model.slug,
        label=model.label,
        url=planner.model_link(model),
        detail=_detail(found, model, shown_text(found)) if found else "",
        measured=_detail(found, model) if found else "",
        outliers=outliers_text(found.facts.outliers) if found else "",
        note=_note(model, found) if found else "",
        wall=wall,
        wall_rows=found.header.rows if found else (),
        wall_heads=(*map(str, range(1, found.header.heads + 1)), *FUSED) if found else (),
        wall_factor=factor,
        last=last,
        cut=missing_heads(found) if found else "",
        failure=None if isinstance(cell, CellContent) else notice(model.failure or cell),
    )


def _note(model: ModelEntry, content: CellContent) -> str:
    """Note above the maps of a model."""
    facts = content.facts
    windows = windows_text(facts.model, facts.model.within_windows(facts.layout))
    parts = (
        RECEIVED_NOTE if content.received else "",
        f"{windows} (bars beside the numbers)" if windows else "",
        "the test-time register does not take over from the patches: see the model's page"
        if model.register and not model.register.made.taken_over.holds
        else "",
    )
    return "; ".join(part for part in parts if part)


def _detail(content: CellContent, model: ModelEntry, shown: str = "") -> str:
    facts = content.facts
    return (
        f"{counted(facts.model.layers, 'layer')} × {counted(facts.model.heads, 'head')}, "
        f"{grid_text([(facts.layout.rows, facts.layout.cols)])} patches{shown}, "
        f"{prefix_text(facts.layout, model)}"
    )


def _data(planner: Planner, image: ImageEntry, at: Mapping[str, ImageEntry]) -> PageData:
    models = tuple(page_model(planner, model, at[model.slug]) for model in planner.run.models)
    cells = [planner.cell(model.slug, at[model.slug].slug) for model in planner.run.models]
    found = [cell for cell in cells if isinstance(cell, CellContent)]
    tokens = any(not cell.received for cell in found)
    ids = dict.fromkeys(file.query for cell in found for file in cell.chunks)
    if any(cell.alike for cell in found):
        # a model without patch queries answers with the cosines of its features
        ids[PATCH] = None
    # CLS first, then by kind in the order of the models: registers by number, then value-weighted,
    # then patches
    ends = {VALUES: 1, PATCH: 2}
    ordered = sorted(
        ids, key=lambda q: (q != PRIMARY, ends.get(q, 0), q.startswith("reg"), len(q), q)
    )
    layers = [cell.facts.model.layers for cell in found]
    scale = planner.contents.scale
    patches = planner.contents.patch_scale or scale
    return PageData(
        slug=image.slug,
        title=image.title,
        credit=credit(image).text,
        width=image.width,
        height=image.height,
        scale=(scale.low, scale.high),
        patch_scale=(patches.low, patches.high),
        colors=planner.contents.settings.colors,
        queries=tuple(QueryChoice(q, query_label(q, tokens)) for q in ordered),
        layers=max(layers, default=0),
        heads=max((cell.header.heads for cell in found), default=0),
        pool=any(POOL in cell.header.rows for cell in found),
        models=models,
        sweeps=_sweeps(planner.run),
    )


def _sweeps(run: Run) -> tuple[PageSweep, ...]:
    """Sweeps, with the indices of their checkpoints among the models."""
    places = {model.slug: place for place, model in enumerate(run.models)}
    return tuple(
        PageSweep(sweep.label, tuple(PageStep(s.step, places[s.model]) for s in sweep.steps))
        for sweep in run.sweeps
    )


def page_model(planner: Planner, model: ModelEntry, image: ImageEntry) -> PageModel:
    """Data of a model on an image, for the scripts."""
    cell = planner.cell(model.slug, image.slug)
    if not isinstance(cell, CellContent):
        reason = (model.failure or cell).message
        empty = (0, 0)
        return PageModel(
            *(model.slug, model.label, "", 0, 0, (), empty, (0, 0, 0, 0), (), "", {}, reason, ""),
            measured=empty,
            cut="",
        )
    facts = cell.facts
    windowed = facts.model.within_windows(facts.layout)
    return PageModel(
        slug=model.slug,
        label=model.label,
        record=facts.record,
        layers=facts.model.layers,
        heads=cell.header.heads,
        rows=cell.header.rows,
        grid=cell.grid,
        view=facts.view.box,
        prefix=facts.layout.prefix,
        token=cell.header.token,
        chunks={file.query: planner.url(file.path) for file in cell.chunks},
        failure="",
        alike=planner.url(cell.alike.path) if cell.alike else "",
        source=_source(cell, model),
        measured=(facts.layout.rows, facts.layout.cols),
        cut=missing_heads(cell),
        window=facts.model.window if windowed else 0,
        windowed=tuple(str(layer + 1) for layer in windowed),
    )


def _source(content: CellContent, model: ModelEntry) -> str:
    """Provenance of a model's maps, for captions."""
    facts = content.facts
    version = facts.model.version[:12]
    seen, view = facts.preprocessing, facts.view
    moved = f"{moved_text(model.register)}, " if model.register else ""
    return (
        f"{facts.model.id}{f' at {version}' if version else ''}, {moved}"
        f"{grid_text([(facts.layout.rows, facts.layout.cols)])} patches{shown_text(content)}, "
        f"input {view.input_width} × {view.input_height} pixels, {FIELDS[seen.field_of_view]}, "
        f"{seen.resample}, {facts.environment.dtype}"
    )
