"""Two galleries held against each other: which models and images they share, and what moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.analysis.absent import NotApplicable
from generator.analysis.changes import Change, Step, Threshold, changes
from generator.analysis.readings import Measure, Readings, diverged, readings
from generator.errors import SpecError
from generator.export.source import Source
from generator.records import AttentionRecord
from generator.run import Cell, ImageEntry, ModelEntry


@dataclass(frozen=True, slots=True)
class Unlike:
    """A fact that is not the same in both galleries.

    Attributes:
        model: label in A; empty for a fact of the whole gallery.
        fact: what it is: commit, dtype, resolution, ...
        a: in A.
        b: in B.
    """

    model: str
    fact: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class ModelChanges:
    """One model in both galleries.

    Attributes:
        a: its label in A.
        b: its label in B.
        images: how many were compared.
        missing: images that both galleries have, but one of them without a record of this model,
            with the reason.
        changes: one for each measure.
    """

    a: str
    b: str
    images: int
    missing: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """A threshold that a model passed.

    Attributes:
        threshold: that was passed.
        model: label in A.
        measure: that passed it.
        step: the value that did.
    """

    threshold: Threshold
    model: str
    measure: Measure
    step: Step


@dataclass(frozen=True, slots=True)
class Difference:
    """All that two galleries differ in.

    Attributes:
        titles: of A and B.
        unlike: facts that are not the same, as preprocessing, dtype and commit.
        models_alone: labels of the models that only A has, and that only B has.
        images_alone: names of the images that only A has, and that only B has.
        renamed: names of the images that are called otherwise in B, with the name there.
        images: how many images both have.
        models: those that both have.
    """

    titles: tuple[str, str]
    unlike: tuple[Unlike, ...]
    models_alone: tuple[tuple[str, ...], tuple[str, ...]]
    images_alone: tuple[tuple[str, ...], tuple[str, ...]]
    renamed: tuple[tuple[str, str], ...]
    images: int
    models: tuple[ModelChanges, ...]

    def passed(self, thresholds: Sequence[Threshold]) -> tuple[Passed, ...]:
        """Every threshold that a measure of a model passed, with the value that did."""
        return tuple(
            Passed(limit, model.a, change.measure, step)
            for limit in thresholds
            for model in self.models
            for change in model.changes
            if (step := limit.passed(change)) is not None
        )

    def unchecked(self, threshold: Threshold) -> bool:
        """Whether a threshold was held against nothing, since no model has it in both."""
        return not any(
            change.mean
            for model in self.models
            for change in model.changes
            if threshold.name in (change.measure.id, change.measure.quantity)
        )


def difference(
    a: Source, b: Source, measures: Sequence[Measure], wanted: Sequence[str] = ()
) -> Difference:
    """Compare two galleries.

    Args:
        a: what was.
        b: what is.
        measures: what to compare.
        wanted: models, ``A=B`` or one name for both; empty for all that match by label, by id, or
            by being the only ones.

    Raises:
        SpecError: they share no model, or no image; or a wanted model is not there.
        StoreError: a record is gone.
    """
    pairs = _named(a, b, wanted) if wanted else _matched(a, b)
    images = _same_images(a, b)
    if not pairs:
        raise SpecError(
            f"The galleries share no model: A has {_listed(a)}, B has {_listed(b)}.",
            "Say which to compare: --models A=B.",
        )
    if not images:
        raise SpecError(
            "The galleries share no image: no picture of one has the sha256 of one of the other.",
            "Build both from the same picture files; names do not matter.",
        )
    facts: dict[Unlike, None] = {}
    models = tuple(_compared(a, b, pair, images, measures, facts) for pair in pairs)
    if not any(model.images for model in models):
        raise SpecError(
            "No model has a record of the same picture in both galleries.",
            "Build both galleries again; their pages say what failed.",
        )
    shared = {image.sha256 for image, _ in images}
    known = [*pairs, *_matched(a, b)]
    return Difference(
        titles=(a.run.title, b.run.title),
        unlike=(*_of_gallery(a, b), *facts),
        models_alone=(
            tuple(m.label for m in a.run.models if m not in [one for one, _ in known]),
            tuple(m.label for m in b.run.models if m not in [two for _, two in known]),
        ),
        images_alone=(_others(a, shared), _others(b, shared)),
        renamed=tuple((one.name, two.name) for one, two in images if one.name != two.name),
        images=len(images),
        models=models,
    )


# --- what belongs together -----------------------------------------------------------------------


def _matched(a: Source, b: Source) -> list[tuple[ModelEntry, ModelEntry]]:
    """Models of one label; then of one id, where it names one only; then the only ones."""
    found = {
        one.slug: two for one in a.run.models for two in b.run.models if one.label == two.label
    }
    for one in a.run.models:
        taken = {two.slug for two in found.values()}
        ours = [m for m in a.run.models if m.id == one.id and m.slug not in found]
        theirs = [m for m in b.run.models if m.id == one.id and m.slug not in taken]
        if one.slug not in found and len(ours) == len(theirs) == 1:
            found[one.slug] = theirs[0]
    if not found and len(a.run.models) == len(b.run.models) == 1:
        return [(a.run.models[0], b.run.models[0])]
    return [(one, found[one.slug]) for one in a.run.models if one.slug in found]


def _named(a: Source, b: Source, wanted: Sequence[str]) -> list[tuple[ModelEntry, ModelEntry]]:
    return [_named_pair(a, b, text) for text in wanted]


def _named_pair(a: Source, b: Source, text: str) -> tuple[ModelEntry, ModelEntry]:
    """``A=B``, wherever the = stands that names may hold too; one name for both without it."""
    parts = text.split("=")
    cuts = [("=".join(parts[:n]), "=".join(parts[n:])) for n in range(1, len(parts))]
    for left, right in ((text, text), *cuts):
        if _is_model(a, left) and _is_model(b, right):
            return _one_model(a, left), _one_model(b, right)
    left, right = cuts[0] if cuts else (text, text)
    return _one_model(a, left), _one_model(b, right)


def _is_model(source: Source, name: str) -> bool:
    return any(name in (model.label, model.id, model.slug) for model in source.run.models)


def _one_model(source: Source, name: str) -> ModelEntry:
    found = source.models((name,))
    if len(found) > 1:
        labels = ", ".join(model.label for model in found)
        raise SpecError(f"--models: {name} is the id of several models.", f"Say which: {labels}.")
    return found[0]


def _listed(source: Source) -> str:
    return ", ".join(model.label for model in source.run.models)


def _same_images(a: Source, b: Source) -> list[tuple[ImageEntry, ImageEntry]]:
    """Images of one picture file, whatever their names; in the order of A."""
    theirs = {image.sha256: image for image in reversed(b.run.images) if image.sha256}
    ours = {image.sha256: image for image in reversed(a.run.images) if image.sha256}
    return [
        (image, theirs[image.sha256])
        for image in a.run.images
        if image.sha256 in theirs and image is ours[image.sha256]
    ]


def _others(source: Source, shared: set[str]) -> tuple[str, ...]:
    return tuple(image.name for image in source.run.images if image.sha256 not in shared)


# --- what moved ----------------------------------------------------------------------------------


def _compared(
    a: Source,
    b: Source,
    pair: tuple[ModelEntry, ModelEntry],
    images: Sequence[tuple[ImageEntry, ImageEntry]],
    measures: Sequence[Measure],
    facts: dict[Unlike, None],
) -> ModelChanges:
    """One model over the images; facts that differ are added as they are met."""
    one, two = pair
    both, missing = [], []
    for image, same in images:
        cells = a.run.cell(one.slug, image.slug), b.run.cell(two.slug, same.slug)
        reasons = [_why_not(cell, where) for cell, where in zip(cells, "AB", strict=True)]
        if any(reasons):
            missing.append(f"{image.name}: {'; '.join(filter(None, reasons))}")
        else:
            both.append((image.name, cells))

    def read() -> Iterator[tuple[str, Readings, Readings]]:
        for name, (ours, theirs) in both:
            records = a.read(ours.record), b.read(theirs.record)
            facts.update(dict.fromkeys(_of_model(one.label, *records)))
            divergence = diverged(*records)
            # Of A's map against itself, which is 0 by definition, so that B's is the change.
            none = divergence if isinstance(divergence, NotApplicable) else 0 * divergence
            yield (
                name,
                {**readings(records[0]), "divergence": none},
                {**readings(records[1]), "divergence": divergence},
            )

    return ModelChanges(one.label, two.label, len(both), tuple(missing), changes(read(), measures))


def _why_not(cell: Cell, where: str) -> str:
    if cell.record:
        return ""
    return f"no record in {where}" + (f" ({cell.failure.message})" if cell.failure else "")


# --- what is not the same ------------------------------------------------------------------------


def _of_gallery(a: Source, b: Source) -> tuple[Unlike, ...]:
    ours, theirs = a.run.field_of_view, b.run.field_of_view
    return () if ours == theirs else (Unlike("", "field of view", ours, theirs),)


def _of_model(label: str, one: AttentionRecord, two: AttentionRecord) -> Iterator[Unlike]:
    ours, theirs = _facts(one), _facts(two)
    for fact, value in ours.items():
        if value != theirs[fact]:
            yield Unlike(label, fact, value, theirs[fact])


def _facts(record: AttentionRecord) -> dict[str, str]:
    """What decides a record, in words."""
    model, view, made = record.model, record.view, record.preprocessing
    return {
        "id": model.id,
        "commit": model.version[:12],
        "architecture": model.architecture,
        "layers": str(model.layers),
        "heads": str(model.heads),
        "prefix": ", ".join(record.layout.prefix) or "none",
        "grid": f"{record.layout.rows}x{record.layout.cols}",
        "input": f"{view.input_width}x{view.input_height} px",
        "resolution": f"{made.resolution} px",
        "resampling": made.resample,
        "rescaling": f"{made.rescale:g}",
        "mean": ", ".join(f"{value:g}" for value in made.mean),
        "std": ", ".join(f"{value:g}" for value in made.std),
        "dtype": record.environment.dtype,
        "device": record.environment.device,
        "attention": record.environment.attention,
        "versions": ", ".join(" ".join(each) for each in record.environment.versions),
        "test-time register": "yes" if record.intervention else "no",
    }
