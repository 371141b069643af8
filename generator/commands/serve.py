"""``serve``: a built site, as the web will see it."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.shared import one_line_errors


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
    from generator.commands.server import serve_site

    with one_line_errors():
        serve_site(site, port, announce=click.echo, browser=browser)
