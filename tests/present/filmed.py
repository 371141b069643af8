"""A gallery with a sequence among its images: a clip of some frames, one of which is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from generator.records.run import Cell, Failure, Frame, Run, Sequence
from tests.present.gallery import Gallery, gallery
from tests.present.sweeping import sweeping

STILLS = 3
TIMES = (0.0, 0.5, 1.0, 2.5)
LABEL = 'A "walk"'
CLIP = Sequence(
    slug="a-walk",
    label=LABEL,
    source="walk.mp4",
    sha256="5" * 64,
    of=9,
    taken="5 of 9 frames, spread evenly, from 0.000 s to 3.000 s",
    damage="walk.mp4 is damaged or cut short: nothing can be decoded after 3.000 s.",
)
GONE = Failure("Deep ran out of memory on image5.", "Use a smaller batch.")


def filmed(folder: Path) -> Gallery:
    """Images 3 to 6 are frames 1 to 4, the broken picture is frame 5; ``deep`` failed on frame 3.

    Images 0 to 2 are pictures by themselves.
    """
    trial = gallery(folder, images=STILLS + len(TIMES))
    cells = tuple(
        Cell("deep", "image5", "", GONE) if (c.model, c.image) == ("deep", "image5") else c
        for c in trial.run.cells
    )
    return Gallery(replace(with_frames(trial.run, STILLS), cells=cells), trial.records)


def trained(folder: Path, frames: int) -> Gallery:
    """A clip and nothing else, on which four checkpoints and ``plain`` were run."""
    trial = sweeping(folder, images=frames)
    images = tuple(
        replace(image, title=f"{LABEL}, {n / 10:.3f} s", frame=Frame(CLIP, n + 1, n / 10))
        for n, image in enumerate(trial.run.images)
    )
    return Gallery(replace(trial.run, images=images), trial.records)


def with_frames(run: Run, stills: int) -> Run:
    """The images behind the first ``stills`` are frames of the clip; there are up to 5."""
    times = (*TIMES, 3.0)
    images = tuple(
        image
        if n < stills
        else replace(
            image,
            title=f"{LABEL}, {times[n - stills]:.3f} s",
            group=LABEL,
            frame=Frame(CLIP, n - stills + 1, times[n - stills]),
        )
        for n, image in enumerate(run.images)
    )
    return replace(run, images=images)
