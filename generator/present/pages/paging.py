"""Long lists of images in parts: the index and the pages of models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from generator.present.pages.planner import Planner
from generator.present.pages.views import PageLink
from generator.records.run import ImageEntry
from generator.text.numbers import count

PAGE_IMAGES = 200
"""Images on one page, at most."""

SEQUENCES = "Sequences"
"""The heading of sequences on the index."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several pages lists.

    Attributes:
        number: of the page, from 1.
        total: images on all pages.
    """

    number: int
    count: int
    images: tuple[ImageEntry, ...]
    total: int

    @property
    def first(self) -> bool:
        """Whether it is the page that says everything else, too."""
        return self.number == 1

    @property
    def suffix(self) -> str:
        """What tells the titles of the pages apart."""
        return "" if self.first else f", page {self.number}"

    @property
    def range(self) -> str:
        """Which images the page shows, in words; empty when it shows all."""
        if self.count == 1:
            return ""
        start = (self.number - 1) * PAGE_IMAGES
        return f"{count(start + 1)} to {count(start + len(self.images))} of {count(self.total)}"

    def path(self, first: str) -> str:
        """Site-relative path of the page, from that of the first one."""
        return page_path(first, self.number)

    def links(self, planner: Planner, first: str) -> tuple[PageLink, ...]:
        """Links to all pages, seen from this one; none when there is only one."""
        if self.count == 1:
            return ()
        return tuple(
            PageLink(planner.url(page_path(first, number)), str(number), number == self.number)
            for number in range(1, self.count + 1)
        )


def page_path(first: str, number: int) -> str:
    """Site-relative path of a page, from that of the first one, which ends in a file's name."""
    folder, slash, name = first.rpartition("/")
    return first if number == 1 else f"{folder}{slash}page-{number}/{name}"


def parts(images: tuple[ImageEntry, ...]) -> Iterator[Part]:
    """All pages of a list; one, empty page for a gallery without images."""
    starts = range(0, len(images), PAGE_IMAGES) or range(1)
    for number, start in enumerate(starts, 1):
        shown = images[start : start + PAGE_IMAGES]
        yield Part(number, len(starts), shown, len(images))


def by_group(images: tuple[ImageEntry, ...]) -> tuple[ImageEntry, ...]:
    """Images in order, those of one group together where its first one stands."""
    first: dict[str, int] = {}
    for index, image in enumerate(images):
        first.setdefault(image.group, index)
    return tuple(sorted(images, key=lambda image: first[image.group]))


def listed_images(images: tuple[ImageEntry, ...]) -> tuple[ImageEntry, ...]:
    """What the index lists: every picture by itself, and of each sequence its first good frame."""
    good: dict[str, ImageEntry] = {}
    for image in images:
        if image.frame is not None and image.failure is None:
            good.setdefault(image.frame.sequence.slug, image)
    return tuple(
        replace(image, group=_heading(image))
        for image in images
        if image.frame is None or good.get(image.frame.sequence.slug, image) is image
    )


def _heading(image: ImageEntry) -> str:
    """Sequences stand together, unless a table has them elsewhere."""
    alone = image.frame is not None and image.group in ("", image.frame.sequence.label)
    return SEQUENCES if alone else image.group
