"""The printed report as a PDF, made by a headless Chromium.

The same browser on the same machine gives the same bytes: dates are set to one day, and the names
of browser and system are replaced by that of this program. Another version of the browser or other
fonts may change the layout and the bytes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from generator.errors import GalleryError
from generator.export.printed.pdf_pages import pages_of, with_empty_pictures, with_pages
from generator.temporary import scratch

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
SECONDS = 600
DATE = b"D:19800101000000+00'00'"


class BrowserError(GalleryError):
    """No browser was found, or it failed."""


def find_browser(named: Path | None) -> str:
    """The browser that prints.

    Args:
        named: the user's choice; None for the first one that is installed.

    Raises:
        BrowserError: there is none.
    """
    if named is not None:
        found = shutil.which(named)
        if found is None:
            raise BrowserError(
                f"{named} is no browser that can be run.", "Check the path.", usage=True
            )
        return found
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise BrowserError(
        "No Chromium or Chrome was found, which prints the report.",
        "Install one, name it with --browser, or write the page instead and print it from any "
        "browser: -o report.html.",
    )


def pdf_bytes(html: str, browser: str) -> bytes:
    """Print a report twice: once to find the page of each chapter, once with these page numbers.

    What is drawn takes most of the time, so the first one has empty pictures of the same size. The
    numbers are beside the lines of the contents, so they should not change the layout. If anything
    does, or if the PDF cannot be read, the contents have no page numbers.

    Args:
        html: a self-contained page.
        browser: result of :func:`find_browser`.

    Raises:
        BrowserError: the browser failed.
    """
    pages = pages_of(_printed(with_empty_pictures(html), browser))
    found = _printed(with_pages(html, pages), browser)
    if pages_of(found) != pages:
        found = _printed(html, browser)
    return without_traces(found)


def _printed(html: str, browser: str) -> bytes:
    with scratch() as folder:
        page, pdf = folder / "report.html", folder / "report.pdf"
        page.write_text(html, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-extensions",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            f"--print-to-pdf={pdf}",
        ]
        if getattr(os, "geteuid", lambda: 1)() == 0:
            command.append("--no-sandbox")  # otherwise Chromium does not start as root
        try:
            done = subprocess.run(  # noqa: S603 - the user's browser, on our own page
                [*command, page.as_uri()], capture_output=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BrowserError(
                f"{browser} did not print the report: {error}.", "Name another with --browser."
            ) from error
        if done.returncode or not pdf.is_file():
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"it ended with {done.returncode}"
            raise BrowserError(
                f"{browser} did not print the report: {reason}.", "Name another with --browser."
            )
        return pdf.read_bytes()


def without_traces(pdf: bytes) -> bytes:
    """Replace the date and the names of browser and system in a PDF; its length is unchanged."""

    def dated(found: re.Match[bytes]) -> bytes:
        return found[1] + DATE[: len(found[2])].ljust(len(found[2])) + b")"

    def named(found: re.Match[bytes]) -> bytes:
        return found[1] + b"attention-gallery"[: len(found[2])].ljust(len(found[2])) + b")"

    pdf = re.sub(rb"(/(?:CreationDate|ModDate) ?\()([^)]*)\)", dated, pdf)
    # a name may contain escaped brackets
    return re.sub(rb"(/(?:Creator|Producer) ?\()((?:\\.|[^\\)])*)\)", named, pdf)
