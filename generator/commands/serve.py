"""``serve``: a built site, as the web will see it."""

from __future__ import annotations

import functools
import http.server
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from generator.commands.shared import one_line_errors
from generator.errors import GalleryError, StoreError


@click.command()
@click.argument("site", type=click.Path(path_type=Path), default=Path("site"))
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="N",
    help="0 takes a free one.",
)
@click.option("--open/--no-open", "browser", help="Open the page in a browser.")
def serve(site: Path, port: int, browser: bool) -> None:
    """Serve a built site on this machine, to look at it in a browser."""
    from generator.commands.serve import serve_site

    with one_line_errors():
        serve_site(site, port, announce=click.echo, browser=browser)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".webp": "image/webp",  # Python knows it since 3.13
    }

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


def make_server(site: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A server of a site on 127.0.0.1, not yet running.

    Raises:
        StoreError: the folder is no site.
        GalleryError: the port is taken, or not to be had.
    """
    if not (site / "index.html").is_file():
        raise StoreError(
            f"{site} has no index.html.", "Name the folder of a built site, or build one first."
        )
    handler = functools.partial(QuietHandler, directory=str(site))
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise GalleryError(
            f"Port {port} cannot be used: {error.strerror}.", "Choose another, such as --port 0."
        ) from error


def serve_site(site: Path, port: int, *, announce: Callable[[str], None], browser: bool) -> None:
    """Serve until Ctrl-C.

    Args:
        site: folder of a built site.
        port: to listen on; 0 for a free one.
        browser: whether to open it.
    """
    with make_server(site, port) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        announce(f"{site} is at {address} (Ctrl-C stops)")
        if browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            announce("Stopped.")
