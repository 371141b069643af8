"""Sequences: frames of clips and of folders of numbered pictures.

A frame of a clip is a PNG in the record store; a frame of a folder is its picture. Both become
images with a place in a sequence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.errors import ImageError, StoreError
from generator.images.clips import is_clip
from generator.images.credits import Credit, read_credits
from generator.images.find import EXTENSIONS, FoundFrame, natural_order
from generator.images.frames import Decoded, decode, spread
from generator.images.pixels import readable
from generator.records.file_hashes import Sha256Of, sha256_of
from generator.records.run import Failure, Frame, ImageEntry
from generator.records.run import Sequence as RunSequence
from generator.spec.sequences import SequenceSpec
from generator.spec.toml import did_you_mean_beside
from generator.text.amounts import moment
from generator.text.numbers import machine
from generator.text.slugs import unique_slugs


@dataclass(frozen=True, slots=True)
class Inputs:
    """Input files of a gallery.

    Attributes:
        stills: files and folders of single pictures.
        frames: frames of all sequences, in order.
    """

    stills: tuple[Path | FoundFrame, ...]
    frames: tuple[FoundFrame, ...]


def find_frames(
    images: Sequence[Path | FoundFrame],
    sequences: Sequence[SequenceSpec],
    store: Path,
    sha256_of: Sha256Of = sha256_of,
) -> Inputs:
    """Separate clips from pictures, and select the frames of all sequences.

    A clip that cannot be used becomes one frame with its failure; the others go on.

    Args:
        images: files, folders, and pictures that were found; each clip among them is a sequence.
        store: folder of the record store, which caches frames of clips.
        sha256_of: gives the hash of a clip; it may remember it.

    Raises:
        ImageError: a sequence does not exist, is not one, or needs PyAV, which is missing.
        StoreError: the cache cannot be written.
    """
    clips = [place for place in images if isinstance(place, Path) and is_clip(place)]
    stills = tuple(place for place in images if place not in clips)
    alone = [SequenceSpec(path=path) for path in clips]
    specs = [*alone, *sequences]
    labels = [spec.label or _credit(spec).title or readable(spec.path.stem) for spec in specs]
    slugs = unique_slugs(labels, [readable(spec.path.name) for spec in specs])
    frames = [
        frame
        for spec, label, slug in zip(specs, labels, slugs, strict=True)
        for frame in _frames(spec, label, slug, store, sha256_of)
    ]
    return Inputs(stills, tuple(frames))


def of_one_size(images: Sequence[ImageEntry]) -> tuple[ImageEntry, ...]:
    """Mark frames as failed if their size differs from the first of their sequence.

    Maps of a sequence share one picture, so all frames need the same size.
    """
    first: dict[str, ImageEntry] = {}
    found = []
    for image in images:
        if image.frame is not None and image.failure is None:
            begin = first.setdefault(image.frame.sequence.slug, image)
            if (image.width, image.height) != (begin.width, begin.height):
                message = (
                    f"{image.name} has {image.width} × {image.height} pixels; {begin.name}, the "
                    f"first frame of {image.frame.sequence.label}, has "
                    f"{begin.width} × {begin.height}."
                )
                hint = "Make the frames of a sequence the same size."
                found.append(replace(image, failure=Failure(message, hint)))
                continue
        found.append(image)
    return tuple(found)


def _frames(
    spec: SequenceSpec, label: str, slug: str, store: Path, sha256_of: Sha256Of
) -> tuple[FoundFrame, ...]:
    if spec.path.is_dir():
        return tuple(_folder(spec, label, slug))
    if not spec.path.is_file():
        raise ImageError(
            f"There is no file or folder {spec.path}.",
            did_you_mean_beside(spec.path) or "Check the path of the sequence.",
            usage=True,
        )
    if not is_clip(spec.path):
        raise ImageError(
            f"{readable(spec.path.name)} is no sequence: neither a video (MP4, MOV, WebM, MKV, "
            "AVI), nor an animated GIF or WebP, nor a folder of numbered pictures.",
            "Name it with -i if it is a picture.",
            usage=True,
        )
    try:
        return tuple(_clip(spec, label, slug, store, sha256_of))
    except StoreError:
        raise
    except ImageError as error:
        if "pip install" in error.hint:
            raise
        name = readable(spec.path.name)
        failed = Failure(error.message, error.hint)
        return (
            FoundFrame(
                path=spec.path,
                name=name,
                stem=Path(name).stem,
                title=label,
                group="",
                credit=Credit(),
                failure=failed,
            ),
        )


# --- clips -------------------------------------------------------------------------------------


def _clip(
    spec: SequenceSpec, label: str, slug: str, store: Path, sha256_of: Sha256Of
) -> Iterator[FoundFrame]:
    found = decode(spec, store, sha256_of)
    name = readable(spec.path.name)
    last = found.times[-1]
    damage = (
        f"{name} is damaged or cut short: nothing can be decoded after {moment(last)}."
        if found.damaged
        else ""
    )
    sequence = RunSequence(
        slug=slug,
        label=label,
        source=name,
        sha256=found.sha256,
        of=found.of,
        taken=_taken(found, spec),
        damage=damage,
    )
    for number, time in enumerate(found.times, start=1):
        stem = f"{Path(name).stem}-{time:08.3f}s"
        yield FoundFrame(
            path=found.path(store, time),
            name=f"{stem}.png",
            stem=f"{slug}-{time:08.3f}s",
            title=f"{label}, {moment(time)}",
            group=label,
            credit=_credit(spec),
            frame=Frame(sequence, number, time),
        )


def _taken(found: Decoded, spec: SequenceSpec) -> str:
    count, last = len(found.times), found.times[-1]
    span = f"from {moment(found.times[0])} to {moment(last)}"
    if found.cut and spec.every is not None:
        return (
            f"the first {count} frames, {machine(spec.every)} s apart, {span}; max_frames is "
            f"{spec.max_frames}, so the rest is left out"
        )
    if count == found.of:
        return f"all {count} frames, {span}" if count > 1 else "its only frame"
    how = f"one every {machine(spec.every)} s" if spec.every is not None else "spread evenly"
    return f"{count} of {found.of} frames, {how}, {span}"


# --- folders -----------------------------------------------------------------------------------


def _folder(spec: SequenceSpec, label: str, slug: str) -> Iterator[FoundFrame]:
    """The pictures of a folder in the order of their numbers; subfolders are skipped."""
    name = readable(spec.path.name)
    try:
        files = [path for path in spec.path.iterdir() if path.name[0] != "."]
    except OSError as error:
        raise ImageError(
            f"{spec.path} cannot be read: {error.strerror}.", "Check the path of the sequence."
        ) from error
    pictures = [path for path in files if path.suffix.lower() in EXTENSIONS]
    numbered = _numbered(sorted(pictures, key=lambda path: natural_order(path.name)))
    within = {
        number: path
        for number, path in numbered.items()
        if spec.start <= number and (spec.end is None or number <= spec.end)
    }
    if not within:
        there = f"{len(numbered)} pictures" if numbered else "no picture"
        raise ImageError(
            f"The sequence {spec.path} has {there}, and none is between its start and end."
            if numbered
            else f"The sequence {spec.path} holds {there}.",
            "Name a folder that holds numbered pictures, such as 0001.png.",
            usage=True,
        )
    taken, said = _chosen(tuple(within), spec)
    sequence = RunSequence(slug, label, name, "", len(within), said)
    for place, number in enumerate(taken, start=1):
        path = within[number]
        stem = readable(path.stem)
        yield FoundFrame(
            path=path,
            name=readable(path.name),
            stem=stem if stem.startswith(label) else f"{slug}-{stem}",
            title=f"{label}, {number}",
            group=label,
            frame=Frame(sequence, place),
        )


def _numbered(pictures: Sequence[Path]) -> dict[int, Path]:
    """Pictures by the last number in their names, or by position where that number repeats."""
    found = [re.findall(r"[0-9]+", path.stem) for path in pictures]
    numbers = [int(digits[-1]) for digits in found if digits]
    if len(set(numbers)) == len(pictures):
        return dict(sorted(zip(numbers, pictures, strict=True)))
    return dict(enumerate(pictures, start=1))


def _chosen(numbers: tuple[int, ...], spec: SequenceSpec) -> tuple[tuple[int, ...], str]:
    """The selected numbers, and their description."""
    most = spec.max_frames
    every = spec.every or 1
    if every != int(every):
        raise ImageError(
            f"every of the sequence {spec.path} is {machine(every)}; of a folder, every n-th "
            "picture is taken.",
            "Write a whole number.",
            usage=True,
        )
    wanted = numbers[:: int(every)]
    taken = spread(numbers, most) if spec.every is None else wanted[:most]
    span = f"from {taken[0]} to {taken[-1]}"
    if len(taken) == len(numbers):
        return taken, f"all {len(taken)} pictures, {span}"
    if len(taken) < len(wanted) and spec.every is not None:
        rest = f"max_frames is {most}, so the rest is left out"
        return taken, f"the first {len(taken)} pictures, {span}; {rest}"
    how = f"one in {int(every)}" if spec.every is not None else "spread evenly"
    return taken, f"{len(taken)} of {len(numbers)} pictures, {how}, {span}"


def _credit(spec: SequenceSpec) -> Credit:
    """The credit of a clip, which holds for each of its frames."""
    if spec.path.is_dir():
        return Credit()
    return read_credits(spec.path.parent).get(readable(spec.path.name), Credit())
