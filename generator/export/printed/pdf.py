"""The printed report as a PDF, made by a headless Chromium.

Two runs of the same browser on the same machine give the same bytes: dates are set to one day, and
the names of program and system to that of this program. Another version of the browser, or other
fonts, may lay the same page out in other bytes; nothing here can change that.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from generator.errors import GalleryError
from generator.export.printed.pdf_pages import pages_of, with_pages
from generator.temporary import scratch

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
SECONDS = 600
DATE = b"D:19800101000000+00'00'"


class BrowserError(GalleryError):
    """There is no browser that could print, or it did not."""


def find_browser(named: Path | None) -> str:
    """The browser that prints.

    Args:
        named: by the user; None for the first one that is installed.

    Raises:
        BrowserError: there is none.
    """
    if named is not None:
        found = shutil.which(named)
        if found is None:
            raise BrowserError(f"{named} is no browser that can be run.", "Check the path.")
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
    """Print a report: once to see on which page each chapter is, and once with these numbers.

    Numbers stand beside the lines of the contents and take no room of theirs, so both have the same
    pages. Where that does not hold, or the pages cannot be read, the contents have no numbers.

    Args:
        html: a page that needs nothing else.
        browser: as :func:`find_browser` found it.

    Raises:
        BrowserError: the browser failed.
    """
    found = _printed(html, browser)
    pages = pages_of(found)
    if pages:
        numbered = _printed(with_pages(html, pages), browser)
        found = numbered if pages_of(numbered) == pages else found
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
            command.append("--no-sandbox")  # Chromium does not start for root otherwise
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
    """A PDF without its date and without the names of browser and system; its length stays."""

    def dated(found: re.Match[bytes]) -> bytes:
        return found[1] + DATE[: len(found[2])].ljust(len(found[2])) + b")"

    def named(found: re.Match[bytes]) -> bytes:
        return found[1] + b"attention-gallery"[: len(found[2])].ljust(len(found[2])) + b")"

    pdf = re.sub(rb"(/(?:CreationDate|ModDate) ?\()([^)]*)\)", dated, pdf)
    # a name may hold brackets, escaped
    return re.sub(rb"(/(?:Creator|Producer) ?\()((?:\\.|[^\\)])*)\)", named, pdf)
