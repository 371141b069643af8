"""Matching of two galleries: models by label or id, checkpoints by step, pictures by hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from generator.errors import SpecError
from generator.export.source import Source
from generator.records.run import ImageEntry, ModelEntry, Run, Sweep
from generator.text.phrases import counted

Pair = tuple[ModelEntry, ModelEntry]


def matched(a: Source, b: Source) -> list[Pair]:
    """Pairs of models that match, in the order of A.

    Sweeps with the same label, or the only ones, are matched step by step. The rest is matched by
    label; then by id, if only one model has it; then as the only ones.
    """
    sweeps = _same_sweeps(a.run.sweeps, b.run.sweeps)
    found = {one.slug: two for pair in sweeps for one, two in _same_steps(a.run, b.run, *pair)}
    inner = [{slug for pair in sweeps for slug in pair[side].models} for side in (0, 1)]
    ours = [model for model in a.run.models if model.slug not in inner[0]]
    theirs = [model for model in b.run.models if model.slug not in inner[1]]
    alone = {one.slug: two for one in ours for two in theirs if one.label == two.label}
    for one in ours:
        taken = {two.slug for two in alone.values()}
        left = [m for m in ours if m.id == one.id and m.slug not in alone]
        right = [m for m in theirs if m.id == one.id and m.slug not in taken]
        if one.slug not in alone and len(left) == len(right) == 1:
            alone[one.slug] = right[0]
    if not alone and len(ours) == len(theirs) == 1:
        alone[ours[0].slug] = theirs[0]
    found |= alone
    return [(one, found[one.slug]) for one in a.run.models if one.slug in found]


def named(a: Source, b: Source, wanted: Sequence[str]) -> list[Pair]:
    """Pairs of models that the user names; two sweeps give pairs of checkpoints by step.

    Raises:
        SpecError: a name is unknown, or a sweep is paired with a single model.
    """
    found = (pair for text in wanted for pair in _named_pairs(a, b, text))
    return list(dict.fromkeys(found))


def same_images(a: Source, b: Source) -> list[tuple[ImageEntry, ImageEntry]]:
    """Pairs of images with the same file content, in the order of A."""
    theirs = {image.sha256: image for image in reversed(b.run.images) if image.sha256}
    ours = {image.sha256: image for image in reversed(a.run.images) if image.sha256}
    return [
        (image, theirs[image.sha256])
        for image in a.run.images
        if image.sha256 in theirs and image is ours[image.sha256]
    ]


# --- sweeps ---------------------------------------------------------------------------------------


def _same_sweeps(ours: Sequence[Sweep], theirs: Sequence[Sweep]) -> list[tuple[Sweep, Sweep]]:
    found = [(one, two) for one in ours for two in theirs if one.label == two.label]
    return list(zip(ours, theirs, strict=True)) if len(ours) == len(theirs) == 1 else found


def _same_steps(a: Run, b: Run, one: Sweep, two: Sweep) -> Iterator[Pair]:
    ours, theirs = ({model.slug: model for model in run.models} for run in (a, b))
    steps = {each.step: each.model for each in two.steps}
    for each in one.steps:
        if each.step in steps:
            yield ours[each.model], theirs[steps[each.step]]


def step_of(run: Run, model: ModelEntry) -> int | None:
    """The step of a checkpoint; None for a model that is not part of a sweep."""
    sweep = run.sweep_of(model.slug)
    if sweep is None:
        return None
    return next(each.step for each in sweep.steps if each.model == model.slug)


# --- names given by the user ---------------------------------------------------------------------


def _named_pairs(a: Source, b: Source, text: str) -> list[Pair]:
    """Pairs from ``A=B``, in which names may contain ``=``, too, or from one name for both."""
    parts = text.split("=")
    cuts = [("=".join(parts[:n]), "=".join(parts[n:])) for n in range(1, len(parts))]
    for left, right in ((text, text), *cuts):
        if _is_known(a, left) and _is_known(b, right):
            return _pairs(a, b, left, right)
    left, right = cuts[0] if cuts else (text, text)
    return _pairs(a, b, left, right)


def _is_known(source: Source, name: str) -> bool:
    models = any(name in (model.label, model.id, model.slug) for model in source.run.models)
    return models or _sweep(source, name) is not None


def _sweep(source: Source, name: str) -> Sweep | None:
    return next((sweep for sweep in source.run.sweeps if sweep.label == name), None)


def _pairs(a: Source, b: Source, left: str, right: str) -> list[Pair]:
    one, two = _sweep(a, left), _sweep(b, right)
    if one is not None and two is not None:
        found = list(_same_steps(a.run, b.run, one, two))
        if not found:
            raise SpecError(
                f"--models: {left} in A and {right} in B have no step in common: "
                f"{_steps(one)}, and {_steps(two)}.",
                f'Name one checkpoint of each: --models "{_label(a, one)}={_label(b, two)}".',
            )
        return found
    if one is not None or two is not None:
        source, sweep = (a, one) if one is not None else (b, two)
        assert sweep is not None
        single = _one_model(b, right) if one is not None else _one_model(a, left)
        raise SpecError(
            f"--models: {sweep.label} is a sweep of {counted(len(sweep.steps), 'checkpoint')}, and "
            f"{single.label} is one model.",
            f'Name a checkpoint, such as "{_label(source, sweep)}".',
        )
    return [(_one_model(a, left), _one_model(b, right))]


def _steps(sweep: Sweep) -> str:
    return f"steps {', '.join(str(each.step) for each in sweep.steps)}"


def _label(source: Source, sweep: Sweep) -> str:
    """The label of a sweep's last checkpoint."""
    return next(model.label for model in source.run.models if model.slug == sweep.models[-1])


def _one_model(source: Source, name: str) -> ModelEntry:
    found = source.models((name,))
    if len(found) > 1:
        labels = ", ".join(model.label for model in found)
        raise SpecError(f"--models: {name} is the id of several models.", f"Say which: {labels}.")
    return found[0]


# --- in words -------------------------------------------------------------------------------------


def models_in_words(run: Run, slugs: Iterable[str]) -> tuple[str, ...]:
    """Labels of models; a sweep's checkpoints are joined, as in ``our run at steps 5, 10``."""
    wanted = set(slugs)
    found: dict[str, None] = {}
    for model in run.models:
        if model.slug not in wanted:
            continue
        sweep = run.sweep_of(model.slug)
        if sweep is None:
            found[model.label] = None
            continue
        steps = [str(each.step) for each in sweep.steps if each.model in wanted]
        noun = "step" if len(steps) == 1 else "steps"
        found[f"{sweep.label} at {noun} {', '.join(steps)}"] = None
    return tuple(found)


def images_in_words(images: Iterable[ImageEntry]) -> tuple[str, ...]:
    """Names of images; a sequence's frames are joined, as in ``walk.mp4 (5 frames)``."""
    frames: dict[str, int] = {}
    for image in images:
        name = image.frame.sequence.source if image.frame else image.name
        frames[name] = frames.get(name, 0) + (image.frame is not None)
    return tuple(
        f"{name} ({counted(count, 'frame')})" if count else name for name, count in frames.items()
    )
