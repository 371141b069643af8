"""The command ``serve``: a local web server for a built site."""

from __future__ import annotations

import functools
import http.server
import io
import os
import re
import sys
import threading
import urllib.parse
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from generator.commands.shared.given import GALLERY
from generator.commands.shared.options import one_line_errors, say
from generator.commands.shared.voice import quiet
from generator.errors import GalleryError, SpecError, StoreError
from generator.spec.toml import did_you_mean_beside
from generator.uninterrupted import uninterrupted

LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)
"""Names of this machine. Any port is accepted: `ssh -L` may forward another one."""

LONGEST_NAME = 255
"""Longest file name in bytes on common systems."""


@click.command()
@click.argument("site", required=False, type=click.Path(path_type=Path), metavar="[SITE]")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="N",
    help="Port; 0 takes a free one.",
)
@click.option("--open/--no-open", "browser", help="Open the page in a browser.")
@click.option(
    "--watch",
    "watched",
    is_flag=True,
    help="Build the gallery first, and again when its file, pictures or templates change.",
)
@click.option(
    "--gallery",
    type=click.Path(path_type=Path),
    default=Path(GALLERY),
    show_default=True,
    metavar="FILE",
    help="The gallery file, with --watch.",
)
def serve(site: Path | None, port: int, browser: bool, watched: bool, gallery: Path) -> None:
    """Serve a built site on this machine, to look at it in a browser.

    SITE is the folder "site" where it is not named, or with --watch that of the gallery.
    """
    from generator.commands.serve import serve_site

    with one_line_errors():
        if not watched:
            serve_site(site or Path("site"), port, announce=say, browser=browser)
            return
        serve_watched(gallery, site, port, browser=browser)


def serve_watched(gallery: Path, site: Path | None, port: int, *, browser: bool) -> None:
    """Build a gallery, serve it, and build it again on each change, until Ctrl-C.

    Builds run in this thread, so that Ctrl-C ends them in order.

    Raises:
        SpecError: there is no gallery file, or it builds another site.
        GalleryError: the port is taken or not allowed.
    """
    with uninterrupted():
        from generator.commands.watch import Watch
        from generator.progress import Silent, reporter_for
        from generator.spec.options import load_spec
        from generator.text.console import LegibleConsole

    try:
        expect_site(gallery, load_spec(gallery).out, site)
    except SpecError:
        if not gallery.is_file() or site is not None:
            raise  # else it is told by the first build, and can be corrected
    reporter = Silent() if quiet() else reporter_for(LegibleConsole(stderr=True, highlight=False))
    watch = Watch(gallery, announce=say, reporter=reporter)
    out = watch.build_until_there()
    with serving(out, port, announce=say, browser=browser) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        watch.build_on_changes()


def expect_site(gallery: Path, out: Path, site: Path | None) -> None:
    """Check that a gallery builds the site that was named.

    Raises:
        SpecError: it builds another one.
    """
    if site is not None and site.resolve() != out.resolve():
        raise SpecError(f"{gallery} builds {out}, not {site}.", "Leave the site out.")


class SiteHandler(http.server.SimpleHTTPRequestHandler):
    """Serves only the files of a site, and logs no requests.

    A page of another host could reach this server under its own name (DNS rebinding), so the
    request must name this machine. Names that start with a dot and links are not served.
    """

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".webp": "image/webp",  # part of Python since 3.13
    }

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Answer with a file of the site, or with an error."""
        if not LOCAL.fullmatch(self.headers.get("Host", "")):
            self.send_error(http.HTTPStatus.FORBIDDEN, "Served to this machine only")
            return None
        if not self._is_served(self.path.partition("?")[0]):
            self.send_error(http.HTTPStatus.NOT_FOUND, "File not found")
            return None
        return super().send_head()

    def _is_served(self, url: str) -> bool:
        """Whether a path is a plain file or folder of the site, without links and hidden names."""
        path = Path(self.directory)
        for part in filter(None, urllib.parse.unquote(url).split("/")):
            path /= part
            outside = part.startswith(".") or not part.isprintable() or set(part) & set("\\:")
            if outside or len(os.fsencode(part)) > LONGEST_NAME or path.is_symlink():
                return False
        return True

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """Answer with an error: folders without a page are not listed."""
        self.send_error(http.HTTPStatus.NOT_FOUND, "File not found")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


class SiteServer(http.server.ThreadingHTTPServer):
    """A server that ignores connections closed while a page loads."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a broken connection, and report other errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def make_server(site: Path, port: int) -> SiteServer:
    """Make a server of a site on 127.0.0.1, not yet running.

    Raises:
        StoreError: the folder is not a site.
        GalleryError: the port is taken or not allowed.
    """
    if not site.exists():
        hint = did_you_mean_beside(site) or "Build the site first, or name its folder."
        raise StoreError(f"There is no folder {site}.", hint, usage=True)
    if not (site / "index.html").is_file():
        raise StoreError(
            f"{site} has no index.html.",
            "Name the folder of a built site, or build one first.",
            usage=True,
        )
    handler = functools.partial(SiteHandler, directory=str(site))
    try:
        return SiteServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise GalleryError(
            f"Port {port} cannot be used: {error.strerror}.", "Choose another, such as --port 0."
        ) from error


def serve_site(site: Path, port: int, *, announce: Callable[[str], None], browser: bool) -> None:
    """Serve until Ctrl-C.

    Args:
        site: folder of a built site.
        port: port to listen on; 0 for a free one.
        browser: whether to open a browser.
    """
    with serving(site, port, announce=announce, browser=browser) as server:
        server.serve_forever()


@contextmanager
def serving(
    site: Path, port: int, *, announce: Callable[[str], None], browser: bool
) -> Iterator[SiteServer]:
    """A server whose address is told, for a block that Ctrl-C ends."""
    with make_server(site, port) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        try:
            announce(f"{site} is at {address} (Ctrl-C stops)")
            if browser:
                webbrowser.open(address)
            yield server
        except KeyboardInterrupt:
            announce("Stopped.")
