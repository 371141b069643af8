"""``serve --watch``: a gallery is built again when its file, pictures or templates change."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import GalleryError
from generator.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.progress import Reporter

SECONDS = 1.0
"""Between two looks at the files."""

State = Mapping[Path, tuple[int, int]]
"""Time of change in nanoseconds and bytes of each file."""


class Watch:
    """Builds a gallery whenever something that it is made of has changed.

    Args:
        gallery: the gallery file.
        announce: prints a line.
        reporter: receives the progress of builds.
    """

    def __init__(
        self, gallery: Path, *, announce: Callable[[str], None], reporter: Reporter
    ) -> None:
        self._gallery = gallery
        self._announce = announce
        self._reporter = reporter
        self._before: State = {}

    def build_until_there(self) -> Path:
        """Build, and again after each change until there is a site; returns its folder."""
        self._build(is_served=False)
        if self._site() is None:
            self._announce(f"Waiting for a change of {self._gallery}, its pictures or templates.")
        while (site := self._site()) is None:
            self._wait()
            self._build(is_served=False)
        return site

    def _site(self) -> Path | None:
        """The folder of the site; None if there is none yet, or the gallery has a mistake."""
        from generator.spec.options import load_spec

        try:
            out = load_spec(self._gallery).out
        except GalleryError:  # said when it is built
            return None
        return out if (out / "index.html").is_file() else None

    def build_on_changes(self) -> None:
        """Build after each change, without end."""
        while True:
            self._wait()
            self._build(is_served=True)

    def _wait(self) -> None:
        """Wait until a file has changed, and is no longer written."""
        while (now := state(self._gallery)) == self._before:
            time.sleep(SECONDS)
        time.sleep(SECONDS)
        while (later := state(self._gallery)) != now:
            now = later
            time.sleep(SECONDS)

    def _build(self, *, is_served: bool) -> None:
        """Build; an error is one line, and the former site stays."""
        self._before = state(self._gallery)
        rebuild(
            self._gallery, announce=self._announce, reporter=self._reporter, is_served=is_served
        )


def rebuild(
    gallery: Path, *, announce: Callable[[str], None], reporter: Reporter, is_served: bool
) -> None:
    """Build a gallery; an error is one line, and the former site stays.

    Args:
        is_served: whether a browser may show the former site.
    """
    with uninterrupted():
        from generator.commands.build import Told
        from generator.pipeline.build import build_gallery
        from generator.spec.options import load_spec

    told = Told(reporter)
    try:
        spec = load_spec(gallery)
        outcome = build_gallery(
            spec.model_copy(update={"jobs": spec.jobs or "auto"}),
            command=f"attention-gallery build {gallery.name}",
            reporter=told,
        )
    except GalleryError as error:
        if not told.has_said(error):
            announce(f"Error: {told.rest_of(error)}")
        return
    told.finish(outcome)
    line = f"{outcome.measured} measured, {outcome.reused} from the store."
    announce(f"{line} Reload the page." if is_served else line)


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
