"""Page numbers of a PDF's named destinations, for the table of contents."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from functools import lru_cache

from PIL import Image

from generator.errors import GalleryError

NUMBERED = re.compile(r'(<a href="#([^"]+)" data-page=")(")')
PICTURE = re.compile(r"data:image/\w+;base64,([A-Za-z0-9+/=]+)")
CHART = re.compile(r"(<svg\b[^>]*>).*?(</svg>)", re.DOTALL)


class PdfReaderError(GalleryError):
    """The library that reads PDFs is not installed."""


def check_reader() -> None:
    """Make sure that PDFs can be read, before one is printed.

    Raises:
        PdfReaderError: pypdf is not installed.
    """
    try:
        import pypdf  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise PdfReaderError(
            "The report as a PDF needs pypdf, which is not installed.",
            "Install it with `pip install pypdf`, or write the page instead and print it from any "
            "browser: -o report.html.",
        ) from error


def pages_of(pdf: bytes) -> dict[str, int]:
    """The page, from 1, of each named destination; empty if the PDF cannot be read."""
    from pypdf import PdfReader  # noqa: PLC0415 - an extra
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(io.BytesIO(pdf))
        found = {
            name.removeprefix("/"): reader.get_destination_page_number(place)
            for name, place in reader.named_destinations.items()
        }
    except PyPdfError:
        return {}
    return {name: page + 1 for name, page in found.items() if page is not None and page >= 0}


def with_pages(html: str, pages: Mapping[str, int]) -> str:
    """A report with page numbers in its contents."""

    def numbered(found: re.Match[str]) -> str:
        return f"{found[1]}{pages.get(found[2], '')}{found[3]}"

    return NUMBERED.sub(numbered, html)


def with_empty_pictures(html: str) -> str:
    """A report whose pictures and charts are empty, each of the same size."""

    def empty(found: re.Match[str]) -> str:
        with Image.open(io.BytesIO(base64.b64decode(found[1]))) as picture:
            return _white(picture.size)

    return PICTURE.sub(empty, CHART.sub(r"\1\2", html))


@lru_cache(maxsize=256)
def _white(size: tuple[int, int]) -> str:
    """A white picture as an address."""
    file = io.BytesIO()
    Image.new("1", size, 1).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
