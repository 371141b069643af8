"""Difference of two galleries: common models and images, and changes of their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from generator.analysis.absent import NotApplicable
from generator.analysis.compare.changes import Change, Step, Threshold, changes
from generator.analysis.compare.readings import Readings, diverged, readings
from generator.analysis.quantities.quantity import Quantity
from generator.errors import SpecError
from generator.export.diff.pairs import (
    images_in_words,
    matched,
    models_in_words,
    named,
    same_images,
    step_of,
)
from generator.export.source import Source
from generator.present.pages.wording import images_text, models_text
from generator.records.record import AttentionRecord
from generator.records.run import Cell, ImageEntry, ModelEntry, Run
from generator.text.numbers import given, plain


@dataclass(frozen=True, slots=True)
class Unlike:
    """A fact that differs between both galleries.

    Attributes:
        model: label in A; empty for a fact of the whole gallery.
        fact: name of the fact: commit, dtype, resolution, ...
        a: value in A.
        b: value in B.
    """

    model: str
    fact: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class ModelChanges:
    """One model in both galleries.

    Attributes:
        a: label in A.
        b: label in B.
        step: training step in A; None for a model that is no checkpoint of a sweep.
        images: number of images that were compared.
        missing: images of both galleries without a record of this model in one, with the reason.
        changes: changes of each measure.
    """

    a: str
    b: str
    step: int | None
    images: int
    missing: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """A threshold that a model exceeded.

    Attributes:
        step: the value that exceeded it.
    """

    threshold: Threshold
    model: str
    measure: Quantity
    step: Step


@dataclass(frozen=True, slots=True)
class InWords:
    """The comparison in words; a sweep or a sequence counts as one item.

    Attributes:
        compared: numbers of models and images.
        models_alone: models only in A, and models only in B.
        images_alone: images only in A, and images only in B.
        renamed: images with another name in B, with that name.
    """

    compared: str
    models_alone: tuple[tuple[str, ...], tuple[str, ...]]
    images_alone: tuple[tuple[str, ...], tuple[str, ...]]
    renamed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences of two galleries.

    Attributes:
        titles: titles of A and B.
        unlike: facts that differ, such as preprocessing, dtype and commit.
        models_alone: labels of models only in A, and of models only in B.
        images_alone: names of images only in A, and of images only in B.
        renamed: names of images with another name in B, with that name.
        images: number of images in both.
        models: models in both.
        in_words: the comparison in words.
    """

    titles: tuple[str, str]
    unlike: tuple[Unlike, ...]
    models_alone: tuple[tuple[str, ...], tuple[str, ...]]
    images_alone: tuple[tuple[str, ...], tuple[str, ...]]
    renamed: tuple[tuple[str, str], ...]
    images: int
    models: tuple[ModelChanges, ...]
    in_words: InWords

    def passed(self, thresholds: Sequence[Threshold]) -> tuple[Passed, ...]:
        """Every threshold that a measure of a model exceeded, with the value."""
        return tuple(
            Passed(limit, model.a, change.measure, step)
            for limit in thresholds
            for model in self.models
            for change in model.changes
            if (step := limit.passed(change)) is not None
        )

    def unchecked(self, threshold: Threshold) -> bool:
        """Whether no model has a threshold's measure in both galleries."""
        return not any(
            change.mean
            for model in self.models
            for change in model.changes
            if threshold.name in (change.measure.id, change.measure.family)
        )


def difference(
    a: Source, b: Source, measures: Sequence[Quantity], wanted: Sequence[str] = ()
) -> Difference:
    """Compare two galleries.

    Args:
        wanted: models or sweeps, ``A=B`` or one name for both; empty for all that match by label,
            by id, or as the only ones; checkpoints of sweeps match by step.

    Raises:
        SpecError: the galleries share no model or no image, or a wanted model is missing.
        StoreError: a record is missing.
    """
    pairs = named(a, b, wanted) if wanted else matched(a, b)
    images = same_images(a, b)
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
    known = [*pairs, *matched(a, b)]
    alone = (
        tuple(m for m in a.run.models if m not in [one for one, _ in known]),
        tuple(m for m in b.run.models if m not in [two for _, two in known]),
    )
    shared = {image.sha256 for image, _ in images}
    others = (_without(a, shared), _without(b, shared))
    part = _part(a.run, (one for one, _ in pairs), (one for one, _ in images))
    return Difference(
        titles=(a.run.title, b.run.title),
        unlike=(*_of_gallery(a, b), *facts),
        models_alone=(tuple(m.label for m in alone[0]), tuple(m.label for m in alone[1])),
        images_alone=(tuple(i.name for i in others[0]), tuple(i.name for i in others[1])),
        renamed=tuple((one.name, two.name) for one, two in images if one.name != two.name),
        images=len(images),
        models=models,
        in_words=InWords(
            compared=f"{models_text(part)} on {' and '.join(images_text(part).split(', '))}",
            models_alone=(
                models_in_words(a.run, (m.slug for m in alone[0])),
                models_in_words(b.run, (m.slug for m in alone[1])),
            ),
            images_alone=(images_in_words(others[0]), images_in_words(others[1])),
            renamed=_renamed(images),
        ),
    )


def _renamed(images: Sequence[tuple[ImageEntry, ImageEntry]]) -> tuple[tuple[str, str], ...]:
    """Images with another name in B; a sequence is named once."""
    pairs = ((_name(one), _name(two)) for one, two in images)
    return tuple(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))


def _name(image: ImageEntry) -> str:
    return image.frame.sequence.source if image.frame else image.name


def _listed(source: Source) -> str:
    return ", ".join(models_in_words(source.run, (model.slug for model in source.run.models)))


def _without(source: Source, shared: set[str]) -> tuple[ImageEntry, ...]:
    return tuple(image for image in source.run.images if image.sha256 not in shared)


def _part(run: Run, models: Iterable[ModelEntry], images: Iterable[ImageEntry]) -> Run:
    """A run with some of its models and images, for counts in words."""
    kept = {model.slug for model in models}
    sweeps = (
        replace(sweep, steps=tuple(each for each in sweep.steps if each.model in kept))
        for sweep in run.sweeps
    )
    return replace(
        run,
        models=tuple(model for model in run.models if model.slug in kept),
        images=tuple(images),
        sweeps=tuple(sweep for sweep in sweeps if len(sweep.steps) > 1),
    )


# --- changes ----------------------------------------------------------------------------------


def _compared(
    a: Source,
    b: Source,
    pair: tuple[ModelEntry, ModelEntry],
    images: Sequence[tuple[ImageEntry, ImageEntry]],
    measures: Sequence[Quantity],
    facts: dict[Unlike, None],
) -> ModelChanges:
    """Compare one model over the images; facts that differ are added to ``unlike``."""
    one, two = pair
    both, missing = [], []
    for image, same in images:
        cells = a.run.cell(one.slug, image.slug), b.run.cell(two.slug, same.slug)
        reasons = [_why_not(*place) for place in zip((a, b), cells, "AB", strict=True)]
        if any(reasons):
            missing.append(f"{image.name}: {'; '.join(filter(None, reasons))}")
        else:
            both.append((image.name, cells))

    def read() -> Iterator[tuple[str, Readings, Readings]]:
        for name, (ours, theirs) in both:
            records = a.read(ours.record), b.read(theirs.record)
            facts.update(dict.fromkeys(_of_model(one.label, *records)))
            divergence = diverged(*records)
            # A's map compared with itself, which is 0 by definition: the change is B's value
            none = divergence if isinstance(divergence, NotApplicable) else 0 * divergence
            yield (
                name,
                {**readings(records[0]), "divergence": none},
                {**readings(records[1]), "divergence": divergence},
            )

    return ModelChanges(
        one.label,
        two.label,
        step_of(a.run, one),
        len(both),
        tuple(missing),
        changes(read(), measures),
    )


def _why_not(source: Source, cell: Cell, where: str) -> str:
    if source.record(cell) is not None:
        return ""
    if cell.record:
        return f"a damaged record in {where}"
    return f"no record in {where}" + (f" ({cell.failure.message})" if cell.failure else "")


# --- differing facts ------------------------------------------------------------------------


def _of_gallery(a: Source, b: Source) -> tuple[Unlike, ...]:
    ours, theirs = a.run.field_of_view, b.run.field_of_view
    return () if ours == theirs else (Unlike("", "field of view", ours, theirs),)


def _of_model(label: str, one: AttentionRecord, two: AttentionRecord) -> Iterator[Unlike]:
    ours, theirs = _facts(one), _facts(two)
    for fact, value in ours.items():
        if value != theirs[fact]:
            yield Unlike(label, fact, value, theirs[fact])


def _facts(record: AttentionRecord) -> dict[str, str]:
    """The facts of a record's key, in words."""
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
        "rescaling": plain(given(made.rescale)),
        "mean": ", ".join(plain(given(value)) for value in made.mean),
        "std": ", ".join(plain(given(value)) for value in made.std),
        "dtype": record.environment.dtype,
        "device": record.environment.device,
        "attention": record.environment.attention,
        "versions": ", ".join(" ".join(each) for each in record.environment.versions),
        "test-time register": "yes" if record.intervention else "no",
    }
