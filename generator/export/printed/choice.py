"""Models and images in the printed report; one entry for each sweep and sequence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from generator.export.source import Source
from generator.records.run import Cell, ImageEntry, ModelEntry, Run, Sweep
from generator.records.run import Sequence as FrameSequence


@dataclass(frozen=True, slots=True)
class PrintedChoice:
    """The part of a gallery that is printed.

    Attributes:
        run: the gallery's run with the chosen models and images; it has the sweeps and sequences
            that were chosen completely.
        cells: cells of the chosen models and images with a record.
        models: models that are shown; a complete sweep is shown by its last checkpoint.
        images: images that are shown; a complete sequence is shown by its first measured frame.
        sequences: the complete sequences.
    """

    run: Run
    cells: tuple[Cell, ...]
    models: tuple[ModelEntry, ...]
    images: tuple[ImageEntry, ...]
    sequences: tuple[FrameSequence, ...]

    def sweep_of(self, model: ModelEntry) -> Sweep | None:
        """The complete sweep that is shown by a model."""
        return self.run.sweep_of(model.slug)

    def sequence_of(self, image: ImageEntry) -> FrameSequence | None:
        """The complete sequence that is shown by an image."""
        found = image.frame.sequence if image.frame else None
        return found if found in self.sequences else None

    def frames(self, sequence: FrameSequence) -> int:
        """The number of measured frames of a sequence."""
        return sum(i.frame is not None and i.frame.sequence == sequence for i in self.run.images)


def choose(source: Source, models: tuple[str, ...], images: tuple[str, ...]) -> PrintedChoice:
    """Find the models and images to print.

    Args:
        models: labels or ids of models, or labels of sweeps; empty for all.
        images: titles or file names of images or sequences; empty for all.

    Raises:
        SpecError: a name is unknown, or none of the cells has a record.
    """
    cells = source.cells(models, images)
    chosen = source.models(models)
    slugs = {model.slug for model in chosen}
    measured = {cell.image for cell in cells}
    named = source.images(images)
    whole = tuple(
        sequence
        for sequence in source.run.sequences
        if {*_frames(source.run.images, sequence)} <= {*_frames(named, sequence)}
    )
    shown = tuple(image for image in named if image.slug in measured)
    run = replace(
        source.run,
        models=chosen,
        images=shown,
        sweeps=tuple(s for s in source.run.sweeps if slugs.issuperset(s.models)),
    )
    return PrintedChoice(run, cells, run.listed, tuple(_first_frames(shown, whole)), whole)


def _frames(images: Iterable[ImageEntry], sequence: FrameSequence) -> Iterable[str]:
    """The slugs of a sequence's frames among images."""
    return (i.slug for i in images if i.frame and i.frame.sequence == sequence)


def _first_frames(
    images: Iterable[ImageEntry], whole: tuple[FrameSequence, ...]
) -> Iterable[ImageEntry]:
    """Images with only the first frame of each complete sequence."""
    met = set()
    for image in images:
        sequence = image.frame.sequence if image.frame else None
        if sequence is None or sequence not in whole:
            yield image
        elif sequence not in met:
            met.add(sequence)
            yield image
