"""Page numbers of a PDF's named destinations, for the table of contents."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from generator.errors import GalleryError

NUMBERED = re.compile(r'(<a href="#([^"]+)" data-page=")(")')


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
