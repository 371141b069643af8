"""Methods paragraph for papers: how a gallery was made, with citations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.digest import CellDigest
from generator.analysis.features.lost import EXPANSION
from generator.analysis.features.tokencut import TAU
from generator.analysis.quantities.attention import ENTROPY
from generator.present.bibliography import PROGRAM, cited, named, short
from generator.present.cells.files import CellContent
from generator.present.drawing.scale import power_label
from generator.present.pages.planner import Planner
from generator.present.pages.register_text import check_text, register_text
from generator.present.pages.wording import grid_text, prefix_text
from generator.records.record import OUTLIER
from generator.records.run import ModelEntry
from generator.text.latex import Cite, Code, Piece
from generator.text.numbers import given
from generator.text.phrases import counted, listed, some

SEEN = {
    "square": "The models saw the centered square",
    "whole": "The models saw the whole picture",
    "checkpoint": "The models saw what their own preprocessing keeps",
}
LOST_AND_TOKENCUT = (
    " Object discovery used LOST",
    Cite("simeoni2021localizing"),
    f" (k = {EXPANSION} patches at 37 × 37, scaled by area to other grids) and TokenCut",
    Cite("wang2022tokencut"),
    f" (threshold {given(TAU)}).",
)
MASSIVE = (
    " Massive activations are outstanding single channels of the residual stream",
    Cite("sun2024massive"),
    ".",
)
SINKS = (
    " Contributions of keys are the norms of their weighted values",
    Cite("kobayashi2020attention"),
    ".",
)
RELEVANCE = (
    " Class-specific relevance is that for self-attention",
    Cite("chefer2021generic"),
    ".",
)
LENS = (
    " The class head was read at every token of every layer",
    Cite("vilas2023analyzing"),
    ".",
)


def methods_text(planner: Planner) -> tuple[Piece, ...]:
    """Methods paragraph of a gallery; empty if nothing was measured."""
    models = [model for model in planner.run.models if planner.measured(model.slug)]
    if not models:
        return ()
    return (
        *_program(planner),
        *_models(planner, models),
        *_input(planner),
        *_attention(planner),
        *_stream(),
        *_found_besides(planner, models),
    )


def citations(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Keys that a paragraph cites, each once, in order."""
    return tuple(dict.fromkeys(piece.key for piece in pieces if isinstance(piece, Cite)))


def read_aloud(pieces: Sequence[Piece]) -> str:
    """Plain text of a paragraph: authors and years instead of keys, without checkpoints."""
    text = ""
    for piece in pieces:
        if isinstance(piece, Cite):
            if said := short(piece.key):
                joined = text.endswith(")") and text != ""
                text = f"{text[:-1]}; {said})" if joined else f"{text} ({said})"
        else:
            text += piece.text if isinstance(piece, Code) else piece
    return text


def _program(planner: Planner) -> Iterator[Piece]:
    environments = [
        cell.facts.environment
        for model in planner.run.models
        for cell in planner.measured(model.slug)
    ]
    versions = dict.fromkeys(
        f"{name} {version}"
        for environment in environments
        for name, version in environment.versions
        if name in ("torch", "transformers")
    )
    dtypes = dict.fromkeys(environment.dtype for environment in environments)
    yield f"Attention was measured with attention-gallery {planner.version}"
    yield Cite(PROGRAM)
    yield f", {listed(versions)}, in {listed(dtypes)}."


def _models(planner: Planner, models: Sequence[ModelEntry]) -> Iterator[Piece]:
    yield " Models: " if len(models) > 1 else " Model: "
    for number, model in enumerate(models):
        cells = planner.measured(model.slug)
        facts, layout = cells[0].facts.model, cells[0].facts.layout
        if number:
            yield "; "
        yield from named(model.label, facts)
        grids = grid_text((cell.facts.layout.rows, cell.facts.layout.cols) for cell in cells)
        yield (
            f", {counted(facts.layers, 'layer')} of {counted(facts.heads, 'head')}, "
            f"{prefix_text(layout, model)}, {grids} patches of {facts.patch_height} × "
            f"{facts.patch_width} pixels"
        )
        yield from map(Cite, cited(facts, model.register is not None))
    yield "."
    kept = [m.label for m in models if planner.measured(m.slug)[0].facts.model.source == "memory"]
    if kept:
        was = "was" if len(kept) == 1 else "were"
        yield (
            f" {some(kept)} {was} in memory: a version is the hash of the weights' names, shapes "
            "and bytes, and of a description of the forward pass (structure, options, source)."
        )
    for model in models:
        if model.register is not None:
            yield f" {model.label}: {register_text(model.register)} {check_text(model.register)}"


def _input(planner: Planner) -> Iterator[Piece]:
    sides = dict.fromkeys(
        f"{cell.facts.preprocessing.resolution}"
        for model in planner.run.models
        for cell in planner.measured(model.slug)
    )
    images = sum(
        any(_measured(planner, model, image.slug) for model in planner.run.models)
        for image in planner.run.images
    )
    yield (
        f" {SEEN[planner.run.field_of_view]} of {counted(images, 'image')}, with a short side of "
        f"{listed(sides)} pixels."
    )


def _attention(planner: Planner) -> Iterator[Piece]:
    scale = planner.contents.scale
    yield (
        " Attention is the softmax weight over all keys, in times uniform: multiplied by the "
        "number of keys, so 1 is uniform attention. Maps show one square per patch on a "
        "logarithmic scale from "
        f"{power_label(scale.low)} to {power_label(scale.high)}, the same for all models. "
        "Attention distance is the mean distance between a query's and its keys' patches, "
        "weighted by attention, both raw (over all keys) and renormalized over the patches"
    )
    yield Cite("dosovitskiy2021image")
    yield Cite("raghu2021vision")
    yield (
        f". Entropy is given as a {ENTROPY.unit}. Rollout is the product over layers of "
        "(A + I) / 2, where A is the mean over heads"
    )
    yield Cite("abnar2020quantifying")
    yield "."


def _stream() -> Iterator[Piece]:
    yield (" Norms of tokens are L2 norms in the residual stream before the final LayerNorm")
    yield Cite("darcet2024vision")
    yield (
        f". A patch is an outlier if its norm exceeds {given(OUTLIER)} times the median patch norm "
        "of its layer. Outliers are stated for the layer where the largest norm stands out most."
    )


def _found_besides(planner: Planner, models: Sequence[ModelEntry]) -> Iterator[Piece]:
    """Sentences on what was measured besides attention."""
    digests = _digests(planner, models)
    first = planner.run.images[0].slug
    maps = [
        found
        for model in models
        if (found := planner.contents.maps.of(model.slug, first)) is not None
    ]
    for results, sentence in (
        ([digest.lost for digest in digests], LOST_AND_TOKENCUT),
        ([digest.massive for digest in digests], MASSIVE),
        ([digest.sinks for digest in digests], SINKS),
        ([found.relevance for found in maps], RELEVANCE),
        ([found.lens for found in maps], LENS),
    ):
        if any(not isinstance(result, NotApplicable) for result in results):
            yield from sentence


def _digests(planner: Planner, models: Sequence[ModelEntry]) -> list[CellDigest]:
    """Digest of the first measured image of each model."""
    found = []
    for model in models:
        for image in planner.run.images:
            digest = planner.contents.digests.of(model.slug, image.slug)
            if digest is not None:
                found.append(digest)
                break
    return found


def _measured(planner: Planner, model: ModelEntry, image: str) -> bool:
    return isinstance(planner.cell(model.slug, image), CellContent)
