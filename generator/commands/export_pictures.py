"""The commands ``export maps``, ``export animation`` and ``export report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.commands.shared import completion
from generator.commands.shared.options import (
    EXPORTING,
    IMAGES,
    MODELS,
    SITE,
    Word,
    one_line_errors,
    opened,
    options,
    out,
    outside,
    save,
    say,
    suffix,
)

if TYPE_CHECKING:
    from generator.export.pictures.maps import Style

OVERLAY = click.option(
    "--overlay",
    type=click.IntRange(0, 100),
    default=80,
    show_default=True,
    metavar="PERCENT",
    help="Strength of the colors over the picture.",
)


@click.command("maps")
@SITE
@out("maps", "Folder of the files; a new or an empty one.")
@MODELS
@IMAGES
@click.option(
    "--layers",
    default="last",
    show_default=True,
    metavar="LIST",
    help="Such as 1,6-12, last, pool or all.",
)
@click.option(
    "--heads",
    default="mean",
    show_default=True,
    metavar="LIST",
    help="Such as 1-3, mean, max, min or all.",
)
@click.option(
    "--queries",
    default="CLS",
    show_default=True,
    shell_complete=completion.QUERIES,
    metavar="LIST",
    help="Such as CLS,reg1, values (CLS, weighted by value norms), patch-3-5 (row 3, column 5) "
    "or all.",
)
@click.option(
    "--style",
    type=Word(["raw", "colored", "overlaid"]),
    default="colored",
    show_default=True,
    help="Raw numbers in 16-bit gray at one pixel a patch, colors, or colors over the picture.",
)
@click.option(
    "--width",
    type=click.IntRange(1, 8192),
    default=512,
    show_default=True,
    metavar="PX",
    help="Width of colored and overlaid maps.",
)
@OVERLAY
@options(EXPORTING)
def export_maps(
    site: Path,
    out: Path,
    models: tuple[str, ...],
    images: tuple[str, ...],
    layers: str,
    heads: str,
    queries: str,
    style: Style,
    width: int,
    overlay: int,
    **given: Any,
) -> None:
    """Single maps as PNG. Any layer, head and query, with an index that says what each is."""
    from generator.export.files import put, whole_folder
    from generator.export.pictures.maps import map_files, missing_items
    from generator.export.pictures.selection import selection
    from generator.text.phrases import counted

    with one_line_errors():
        outside(site, out)
        wanted = selection(layers, heads, queries)
        source = opened(site, **given)
        cells = source.cells(models, images)
        written = 0
        with whole_folder(out) as folder:
            for name, data in map_files(
                source, cells, wanted, style=style, width=width, strength=overlay
            ):
                put(folder, name, data)
                written += 1
        say(f"Wrote {counted(written - 1, 'map')} and an index into {out}.")
        for item in missing_items(source, cells, wanted):
            say(item.says)


@click.command("animation")
@SITE
@out("layers.webp", "The file: a name that ends in .webp or .gif.")
@click.option(
    "-i",
    "--image",
    metavar="IMAGE",
    help="An image by its title or file name, or over time a sequence.  [default: the first one]",
)
@click.option(
    "--over",
    type=Word(["layers", "time"]),
    default="layers",
    show_default=True,
    help="An image through the layers, or a sequence frame by frame.",
)
@click.option(
    "--layer",
    default="last",
    show_default=True,
    metavar="LAYER",
    help="Over time: a number or last.",
)
@MODELS
@click.option(
    "--head", default="mean", show_default=True, metavar="HEAD", help="A number, mean, max or min."
)
@click.option(
    "--query",
    default="CLS",
    show_default=True,
    metavar="QUERY",
    help="Such as CLS, reg1, values (CLS, weighted by value norms), patch-3-5.",
)
@click.option(
    "--width",
    type=click.IntRange(64, 2048),
    default=360,
    show_default=True,
    metavar="PX",
    help="Width of each model's picture.",
)
@click.option(
    "--milliseconds",
    type=click.IntRange(20, 10_000),
    metavar="MS",
    help="Time of each layer or frame.  [default: 500, or the clip's own times]",
)
@OVERLAY
@options(EXPORTING)
def export_animation(
    site: Path,
    out: Path,
    image: str | None,
    over: str,
    layer: str,
    models: tuple[str, ...],
    head: str,
    query: str,
    width: int,
    milliseconds: int | None,
    overlay: int,
    **given: Any,
) -> None:
    """One image through the layers, or a sequence over time. As WebP or GIF."""
    from generator.export.pictures.animation import MILLISECONDS, animation_bytes, over_time_bytes
    from generator.export.pictures.selection import selection

    with one_line_errors():
        kind = suffix(out, ".webp", ".gif")
        outside(site, out)
        selection("all" if over == "layers" else layer, head, query)
        source = opened(site, **given)
        if over == "time":
            data = over_time_bytes(
                source,
                source.sequence(image or ""),
                source.models(models),
                layer=layer,
                head=head,
                query=query,
                kind="webp" if kind == ".webp" else "gif",
                width=width,
                milliseconds=milliseconds,
                strength=overlay,
            )
            save(out, data)
            return
        cells = source.cells(models, (image,) if image else ())
        data = animation_bytes(
            source,
            tuple(cell for cell in cells if cell.image == cells[0].image),
            head=head,
            query=query,
            kind="webp" if kind == ".webp" else "gif",
            width=width,
            milliseconds=milliseconds or MILLISECONDS,
            strength=overlay,
        )
        save(out, data)


@click.command("report")
@SITE
@out("report.pdf", "The file: a name that ends in .pdf, or in .html for the page alone.")
@MODELS
@IMAGES
@click.option(
    "--analyses",
    is_flag=True,
    help="Add the analyses of models, pairs and pictures: many pages.",
)
@click.option(
    "--browser",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A Chromium or Chrome that prints.  [default: the first one found]",
)
@options(EXPORTING)
def export_report(
    site: Path,
    out: Path,
    models: tuple[str, ...],
    images: tuple[str, ...],
    analyses: bool,
    browser: Path | None,
    **given: Any,
) -> None:
    """A report to print, one page a picture. Needs Chromium or Chrome, and pypdf."""
    from generator.export.printed.page import printed_html
    from generator.export.printed.pdf import find_browser, pdf_bytes
    from generator.export.printed.pdf_pages import check_reader

    with one_line_errors():
        kind = suffix(out, ".pdf", ".html")
        outside(site, out)
        printer = ""
        if kind == ".pdf":
            check_reader()
            printer = find_browser(browser)
        source = opened(site, **given)
        html = printed_html(source, models, images, analyses=analyses)
        save(out, pdf_bytes(html, printer) if printer else html.encode())
