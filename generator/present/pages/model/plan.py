"""Plan of the model page."""

from __future__ import annotations

from collections.abc import Iterator

from generator.analysis.compare.findings import Finding
from generator.present.bibliography import WITHHELD
from generator.present.cells.digests import vectors_of
from generator.present.cells.files import CellContent
from generator.present.pages.links import pair_links, sweep_link
from generator.present.pages.model.attention import budget_section, rollout_section
from generator.present.pages.model.findings import model_findings
from generator.present.pages.model.heads import distance_section, heads_section
from generator.present.pages.model.pictures import averages_section, weights_section
from generator.present.pages.model.similarity import heads_alike_section, layers_alike_section
from generator.present.pages.model.sinks import sinks_section
from generator.present.pages.model.stream import massive_section, norms_section, onset_section
from generator.present.pages.model.views import ModelImage, ModelPage
from generator.present.pages.model_context import ModelContext
from generator.present.pages.paging import Part, parts
from generator.present.pages.paths import model_path
from generator.present.pages.planner import Planner
from generator.present.pages.register_text import METHOD, check_text, register_text
from generator.present.pages.sections import Section
from generator.present.pages.views import Fact
from generator.present.pages.wording import grid_text, map_alt, notice, prefix_text
from generator.records.record import ModelFacts
from generator.records.run import ImageEntry, ModelEntry
from generator.text.numbers import count
from generator.text.phrases import upper_first


def model_pages(planner: Planner, model: ModelEntry) -> Iterator[ModelPage]:
    """Plan the page of a model, and further pages if it has many images."""
    return (_page(planner, model, part) for part in parts(planner.run.images))


def _page(planner: Planner, model: ModelEntry, part: Part) -> ModelPage:
    first = model_path(model.slug)
    here = planner.on(part.path(first))
    cells = here.measured(model.slug)
    steps, steps_of = _steps(here, model) if part.first else ((), "")
    return ModelPage(
        path=here.page,
        frame=here.frame(
            f"{model.label}{part.suffix} · {planner.run.title}",
            f"{model.id}: facts, provenance and attention maps{part.suffix}.",
            "model",
        ),
        first=part.first,
        label=model.label,
        id=model.id,
        findings=_findings(here, model) if part.first else (),
        facts=tuple(_facts(here, model, cells)) if cells and part.first else (),
        provenance=tuple(_provenance(model, cells)) if part.first else (),
        steps=steps,
        steps_of=steps_of,
        command=planner.run.command if part.first else "",
        sections=_sections(here, model) if part.first else (),
        maps=_maps(cells),
        bar=here.shared_bar(),
        images=tuple(_image(here, model, image) for image in part.images),
        pages=part.links(here, first),
        range=part.range,
        failure=notice(model.failure) if part.first else None,
        comparisons=pair_links(here, model.slug) if part.first else (),
        sweep=sweep_link(here, model),
    )


def _facts(here: Planner, model: ModelEntry, cells: tuple[CellContent, ...]) -> Iterator[Fact]:
    facts, measured = cells[0].facts, cells[0].facts.model
    grids = [(cell.facts.layout.rows, cell.facts.layout.cols) for cell in cells]
    inputs = [(c.facts.view.input_width, c.facts.view.input_height) for c in cells]
    yield Fact("Architecture", f"{measured.architecture} (model type {measured.model_type})")
    yield Fact("Layers × heads", f"{measured.layers} × {measured.heads}")
    yield Fact("Width", f"{measured.width} channels")
    yield Fact("Parameters", count(measured.parameters))
    yield Fact("Patch", f"{measured.patch_height} × {measured.patch_width} pixels")
    yield Fact("Prefix tokens", prefix_text(facts.layout, model))
    if model.register is not None:
        yield Fact("Test-time register", f"{register_text(model.register)} {METHOD}")
        yield Fact("Register check", check_text(model.register))
    yield Fact("Grid it ran on", f"{grid_text(grids)} patches (rows × columns)")
    yield Fact("Input", f"{grid_text(inputs)} pixels (width × height)")
    context = ModelContext.of(here, model)
    if context and context.windowed:
        whole = len(context.windowed) < context.layers
        others = "; the others to the whole picture" if whole else ""
        yield Fact("Attends", f"{upper_first(context.windows)}{others}")
    if vectors := vectors_of(here.contents.digests, model.slug):
        yield Fact("Object discovery uses", f"{' and '.join(vectors)} of the last layer")
    yield Fact("License", measured.license or "not stated")


def _provenance(model: ModelEntry, cells: tuple[CellContent, ...]) -> Iterator[Fact]:
    yield Fact("Id", model.id)
    facts: ModelFacts | None = cells[0].facts.model if cells else None
    if model.revision:
        yield Fact("Revision asked for", model.revision)
    commit = model.commit or (facts.commit if facts else "")
    if commit:
        yield Fact("Commit", commit)
    elif facts and facts.source == "withheld":
        yield Fact("Checkpoint", WITHHELD.removeprefix("checkpoint "))
    if facts and facts.weights_sha256:
        yield Fact("Weights SHA-256", facts.weights_sha256)
    if facts and facts.adapter:
        yield Fact("Adapter", f"{facts.adapter}, merged into the weights")
    if facts and facts.renamed:
        yield Fact("Names of tensors", facts.renamed)
    if facts and facts.unused:
        yield Fact("Tensors left unused", "; ".join(facts.unused))
    if cells:
        environments = dict.fromkeys(cell.facts.environment for cell in cells)
        yield Fact("Device", _joined(e.device for e in environments))
        yield Fact("Dtype", _joined(e.dtype for e in environments) + ", softmax in float32")
        yield Fact("Attention", _joined(e.attention for e in environments))
        versions = _joined(", ".join(f"{n} {v}" for n, v in e.versions) for e in environments)
        yield Fact("Versions", versions)


def _joined(values: Iterator[str]) -> str:
    """Join distinct values in order, since records may be measured at different times."""
    return "; ".join(dict.fromkeys(values))


def _steps(planner: Planner, model: ModelEntry) -> tuple[tuple[str, ...], str]:
    """Preprocessing steps of the first image, and its title if other images differ."""
    images = planner.run.images
    found = [
        (cell.facts.preprocessing.steps, image.title)
        for image in images
        if isinstance(cell := planner.cell(model.slug, image.slug), CellContent)
    ]
    if not found:
        return (), ""
    steps, title = found[0]
    return steps, "" if all(other == steps for other, _ in found) else title


def _findings(planner: Planner, model: ModelEntry) -> tuple[Finding, ...]:
    context = ModelContext.of(planner, model)
    return () if context is None else model_findings(context)


def _sections(planner: Planner, model: ModelEntry) -> tuple[Section, ...]:
    """Sections of the page; empty where nothing was measured."""
    context = ModelContext.of(planner, model)
    if context is None:
        return ()
    return (
        heads_section(context),
        distance_section(context),
        budget_section(context),
        norms_section(context),
        onset_section(context),
        rollout_section(context),
        sinks_section(context),
        massive_section(context),
        averages_section(context),
        heads_alike_section(context),
        layers_alike_section(context),
        weights_section(planner, model),
    )


def _maps(cells: tuple[CellContent, ...]) -> str:
    """Description of the small maps beside the images."""
    if not cells:
        return ""
    layer = f"layer {cells[0].facts.model.layers}, mean over heads, one scale for the gallery"
    if cells[0].facts.layout.cls is None:
        return f"Received attention (the model has no class token), {layer}."
    return f"CLS attention, {layer}."


def _image(planner: Planner, model: ModelEntry, image: ImageEntry) -> ModelImage:
    cell = planner.cell(model.slug, image.slug)
    picture = None
    if isinstance(cell, CellContent):
        file = planner.contents.colored[model.slug, image.slug].map
        picture = planner.map_picture(file, cell, map_alt(model.label, cell.header.last, cell))
    reason = None if isinstance(cell, CellContent) else model.failure or image.failure or cell
    return ModelImage(
        title=image.title,
        url="" if image.failure else planner.image_link(image),
        thumb=planner.seen_by(image, cell if isinstance(cell, CellContent) else None),
        map=picture,
        failure=notice(reason),
    )
