"""``serve --watch``: a gallery is built again when its file, pictures or templates change."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import GalleryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.progress import Reporter

SECONDS = 1.0
"""Between two looks at the files."""

State = Mapping[Path, tuple[int, int]]
"""Time of change in nanoseconds and bytes of each file."""


def watch(
    gallery: Path,
    stop: threading.Event,
    *,
    announce: Callable[[str], None],
    reporter: Reporter,
) -> None:
    """Build a gallery whenever something that it is made of has changed, until told to stop.

    Args:
        gallery: the gallery file.
        announce: prints a line.
        reporter: receives the progress of builds.
    """
    before = state(gallery)
    while not stop.wait(SECONDS):
        now = state(gallery)
        if now == before:
            continue
        while not stop.wait(SECONDS) and (later := state(gallery)) != now:
            now = later  # still being written
        before = now
        rebuild(gallery, announce=announce, reporter=reporter)


def rebuild(gallery: Path, *, announce: Callable[[str], None], reporter: Reporter) -> None:
    """Build a gallery; an error is one line, and the former site stays."""
    from generator.pipeline.build import build_gallery
    from generator.spec.options import load_spec

    try:
        spec = load_spec(gallery)
        outcome = build_gallery(
            spec.model_copy(update={"jobs": spec.jobs or "auto"}),
            command=f"attention-gallery build {gallery.name}",
            reporter=reporter,
        )
    except GalleryError as error:
        announce(f"Error: {error}")
        return
    for failure in outcome.failures:
        announce(f"failed: {failure.text}")
    announce(f"{outcome.measured} measured, {outcome.reused} from the store. Reload the page.")


def state(gallery: Path) -> State:
    """The files that a gallery is made of; only its own where it cannot be read."""
    found = {}
    for path in dict.fromkeys(_files(gallery)):
        with suppress(OSError):
            facts = path.stat()
            found[path] = (facts.st_mtime_ns, facts.st_size)
    return found


def _files(gallery: Path) -> Iterator[Path]:
    from generator.images.given import places_of
    from generator.spec.options import load_spec
    from generator.spec.pictures import paths_of

    yield gallery
    try:
        spec = load_spec(gallery)
        pictures = paths_of(places_of(spec.images))
    except GalleryError:  # said when it is built
        return
    out, store = spec.out.resolve(), spec.store.resolve()
    others = (spec.templates, spec.groups, spec.masks, spec.boxes)
    places = [*paths_of(spec.images), *pictures, *(place for place in others if place is not None)]
    places += [sequence.path for sequence in spec.sequences]
    for place in places:
        inside = place.rglob("*") if place.is_dir() else [place]
        for path in inside:
            full = path.resolve()
            if path.is_file() and not any(full.is_relative_to(own) for own in (out, store)):
                yield path
        yield place.parent / "credits.toml"
