"""Pagination of image lists, for the index and model pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from generator.present.pages.planner import Planner
from generator.present.pages.views import PageLink
from generator.records.run import ImageEntry
from generator.text.numbers import count

PAGE_IMAGES = 200
"""Most images on one page."""

PAGE_MAPS = 500
"""Most maps on one page: each image has one of each model that the page shows."""

SEQUENCES = "Sequences"
"""Heading of sequences on the index."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a list that one page shows.

    Attributes:
        number: number of the page, from 1.
        start: place of its first image in the list, from 0.
        total: number of images on all pages.
    """

    number: int
    start: int
    count: int
    images: tuple[ImageEntry, ...]
    total: int

    @property
    def first(self) -> bool:
        """Whether this is the first page, which also has all other content."""
        return self.number == 1

    @property
    def suffix(self) -> str:
        """Suffix of the page title; empty on the first page."""
        return "" if self.first else f", page {self.number}"

    @property
    def range(self) -> str:
        """Range of the images on the page, in words; empty if it shows all."""
        if self.count == 1:
            return ""
        last = self.start + len(self.images)
        return f"{count(self.start + 1)} to {count(last)} of {count(self.total)}"

    def path(self, first: str) -> str:
        """Site-relative path of the page, from the path of the first page."""
        return page_path(first, self.number)

    def links(self, planner: Planner, first: str) -> tuple[PageLink, ...]:
        """Links to all pages, relative to this one; empty if there is only one."""
        if self.count == 1:
            return ()
        return tuple(
            PageLink(planner.url(page_path(first, number)), str(number), number == self.number)
            for number in range(1, self.count + 1)
        )


def page_path(first: str, number: int) -> str:
    """Site-relative path of a page, from the path of the first page."""
    folder, slash, name = first.rpartition("/")
    return first if number == 1 else f"{folder}{slash}page-{number}/{name}"


def parts(images: tuple[ImageEntry, ...], maps: int = 1) -> Iterator[Part]:
    """All parts of a list; one empty part for a gallery without images.

    Args:
        maps: number of maps that a page shows of each image.
    """
    most = max(1, min(PAGE_IMAGES, PAGE_MAPS // max(1, maps)))
    starts = range(0, len(images), most) or range(1)
    for number, start in enumerate(starts, 1):
        shown = images[start : start + most]
        yield Part(number, start, len(starts), shown, len(images))


def by_group(images: tuple[ImageEntry, ...]) -> tuple[ImageEntry, ...]:
    """Images ordered by group; groups are in the order of their first images."""
    first: dict[str, int] = {}
    for index, image in enumerate(images):
        first.setdefault(image.group, index)
    return tuple(sorted(images, key=lambda image: first[image.group]))


def listed_images(images: tuple[ImageEntry, ...]) -> tuple[ImageEntry, ...]:
    """Images on the index: single images, and the first good frame of each sequence."""
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
    """Group of an image: its own, or that of sequences for a frame without one."""
    alone = image.frame is not None and image.group in ("", image.frame.sequence.label)
    return SEQUENCES if alone else image.group
