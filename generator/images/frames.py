"""Cache of decoded clip frames, in the folder ``frames`` of the record store.

``frames/<sha256 of the clip>/<microseconds>.png`` is a frame, lossless and without metadata, and
``<sha256 of the request>.json`` beside it says which frames a request was answered with, so that a
clip is decoded once and a gallery can be built again where PyAV is not installed. The same clip
gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from generator.errors import ImageError
from generator.images.clips import DamagedClipError, Shot, Timeline, shots, timeline
from generator.images.pixels import readable, reading
from generator.records.file_hashes import Sha256Of, sha256_of
from generator.records.packing import PackingError, canonical, revive
from generator.spec.sequences import SequenceSpec
from generator.temporary import keep_in_store
from generator.text.numbers import machine

FRAMES = "frames"
FRAMES_VERSION = 1
"""Cache version; raise it when decoding or selection of frames changes."""

_SLACK = 1e-6  # seconds


@dataclass(frozen=True, slots=True)
class Decoded:
    """The frames decoded from a clip.

    Attributes:
        sha256: hash of the clip's file.
        times: frame times, in seconds since the clip's first frame.
        of: number of frames in the clip between start and end.
        damaged: whether the clip could not be decoded after the last of them.
        cut: whether ``max_frames`` dropped requested frames.
        end: end of the clip, in seconds; 0 if the file does not state it.
    """

    sha256: str
    times: tuple[float, ...]
    of: int
    damaged: bool
    cut: bool
    end: float

    def path(self, store: Path, time: float) -> Path:
        """Path of the frame at a time."""
        return store / FRAMES / self.sha256 / _name(time)


def decode(spec: SequenceSpec, store: Path, sha256_of: Sha256Of = sha256_of) -> Decoded:
    """Decode the selected frames of a clip into the cache, unless they are cached.

    Args:
        store: folder of the record store, which is the cache.
        sha256_of: gives the hash of the clip; it may remember it.

    Raises:
        ImageError: the clip cannot be read, has no frame in that time, or needs PyAV.
        StoreError: the cache cannot be written.
    """
    path, name = spec.path, readable(spec.path.name)
    with reading(name):
        sha256 = sha256_of(path)
    request = canonical(
        {
            "version": FRAMES_VERSION,
            "every": spec.every,
            "start": spec.start,
            "end": spec.end,
            "max": spec.max_frames,
        }
    )
    folder = store / FRAMES / sha256
    index = folder / f"{hashlib.sha256(request.encode()).hexdigest()}.json"
    known = _known(index, store)
    if known is not None:
        return known
    line = timeline(path)
    within = [t for t in line.times if spec.start <= t and (spec.end is None or t <= spec.end)]
    if not within:
        end = "its end" if spec.end is None else f"{machine(spec.end)} s"
        raise ImageError(
            f"{name} has no frame between {machine(spec.start)} s and {end}: its last one is at "
            f"{machine(line.times[-1])} s.",
            "Change start or end.",
            usage=True,
        )
    wanted, cut = chosen(within, spec)
    taken, damaged = _decode(path, line, wanted, folder)
    if not taken:
        raise ImageError(
            f"{name} is damaged: no frame of it can be decoded.", "Copy the file again."
        )
    found = Decoded(sha256, taken, len(within), damaged, cut, line.end)
    keep_in_store(index, canonical(asdict(found)).encode(), "The frames of a clip")
    return found


def chosen(times: Sequence[float], spec: SequenceSpec) -> tuple[tuple[float, ...], bool]:
    """Select frames between start and end.

    Args:
        times: frame times, ascending, in seconds.

    Returns:
        The selected times, and whether ``max_frames`` dropped requested frames. Without ``every``,
        frames are evenly spaced and none counts as dropped.
    """
    most = spec.max_frames
    if spec.every is None:
        return spread(times, most), False
    found: list[float] = []
    due = spec.start
    for time in times:
        if time > due - _SLACK:
            found.append(time)
            steps = math.floor((time - spec.start) / spec.every + _SLACK) + 1
            due = spec.start + steps * spec.every
    return tuple(found[:most]), len(found) > most


Taken = TypeVar("Taken", int, float)


def spread(all_of_them: Sequence[Taken], most: int) -> tuple[Taken, ...]:
    """Sample at most some items of a list, evenly, including the first and the last."""
    count = min(most, len(all_of_them))
    places = np.linspace(0, len(all_of_them) - 1, count).round().astype(int)
    return tuple(all_of_them[place] for place in places)


def _decode(
    path: Path, line: Timeline, wanted: Sequence[float], folder: Path
) -> tuple[tuple[float, ...], bool]:
    """Write the selected frames; returns their times and whether the clip ends damaged."""
    taken: list[float] = []
    size: tuple[int, int] | None = None
    try:
        for shot in shots(path, line, wanted):
            size = size or shot.picture.size
            if shot.picture.size != size:
                return tuple(taken), True  # what follows is another clip
            keep_in_store(folder / _name(shot.time), _png(shot), "The frames of a clip")
            taken.append(shot.time)
    except DamagedClipError:
        return tuple(taken), True
    return tuple(taken), False


def _png(shot: Shot) -> bytes:
    buffer = io.BytesIO()
    shot.picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _name(time: float) -> str:
    return f"{round(time * 1e6):012d}.png"


def _known(index: Path, store: Path) -> Decoded | None:
    """The cached answer to a request, if all its frames still exist."""
    try:
        found = revive(Decoded, index.read_bytes())
        whole = all(found.path(store, time).is_file() for time in found.times)
    except (OSError, PackingError):
        return None
    return found if whole and found.times else None


def clear_frames(store: Path) -> None:
    """Remove all frames."""
    shutil.rmtree(store / FRAMES, ignore_errors=True)


def cached_bytes(store: Path) -> int:
    """Size of all frames."""
    return sum(path.stat().st_size for path in (store / FRAMES).glob("*/*") if path.is_file())
