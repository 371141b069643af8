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
        run: the gallery's, with the models and images that were chosen; its sweeps are those of
            which every checkpoint was, its sequences those of which every frame was.
        cells: those of the chosen models and images that have records.
        models: that are shown: of a whole sweep, the last checkpoint stands for all.
        images: that are shown: of a whole sequence, the first frame that was measured.
        sequences: that are shown as a whole.
    """

    run: Run
    cells: tuple[Cell, ...]
    models: tuple[ModelEntry, ...]
    images: tuple[ImageEntry, ...]
    sequences: tuple[FrameSequence, ...]

    def sweep_of(self, model: ModelEntry) -> Sweep | None:
        """The whole sweep that a shown model stands for."""
        return self.run.sweep_of(model.slug)

    def sequence_of(self, image: ImageEntry) -> FrameSequence | None:
        """The whole sequence that a shown image stands for."""
        found = image.frame.sequence if image.frame else None
        return found if found in self.sequences else None

    def frames(self, sequence: FrameSequence) -> int:
        """How many frames of a sequence were measured."""
        return sum(i.frame is not None and i.frame.sequence == sequence for i in self.run.images)


def choose(source: Source, models: tuple[str, ...], images: tuple[str, ...]) -> PrintedChoice:
    """What is printed for these words.

    Args:
        models: labels or ids of models, or labels of sweeps; all when none is named.
        images: titles or file names of images, or those of sequences; all when none is named.

    Raises:
        SpecError: nothing is called so, or none of it has a record.
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
    """Slugs of the frames of a sequence among images."""
    return (i.slug for i in images if i.frame and i.frame.sequence == sequence)


def _first_frames(
    images: Iterable[ImageEntry], whole: tuple[FrameSequence, ...]
) -> Iterable[ImageEntry]:
    """Images, of each whole sequence the first only."""
    met = set()
    for image in images:
        sequence = image.frame.sequence if image.frame else None
        if sequence is None or sequence not in whole:
            yield image
        elif sequence not in met:
            met.add(sequence)
            yield image
