"""``export``: a built site and its records as files for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.commands.shared import one_line_errors, options

if TYPE_CHECKING:
    from generator.export.data import RecordFormat
    from generator.export.maps import Style
    from generator.export.source import Source

Command = Callable[..., Any]

SITE = click.argument("site", type=click.Path(path_type=Path))
EXPORTING: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--store",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder of the measured records.  [default: the user's cache folder]",
    ),
    click.option(
        "--anonymous",
        is_flag=True,
        help="Leave out authors, links, folders, names of user and machine, and metadata.",
    ),
)


def out(name: str, what: str) -> Callable[[Command], Command]:
    """The option ``-o``."""
    return click.option(
        "-o",
        "--out",
        type=click.Path(path_type=Path),
        default=Path(name),
        show_default=True,
        metavar="PATH",
        help=what,
    )


@click.group()
def export() -> None:
    """Write a built site, its numbers or its maps as files for others."""


MAX_SIZE = click.option(
    "--max-size",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    metavar="MB",
    help="Of the single file. To keep it, these go, in this order, and the file says so: "
    "attention with patches as queries; single heads of registers; single heads of all but the "
    "last 3 layers; large pictures; pages of images, from the end.",
)


@export.command("single")
@SITE
@out("gallery.html", "The file.")
@MAX_SIZE
@options(EXPORTING)
def export_single(site: Path, out: Path, max_size: float, **given: Any) -> None:
    """The whole site as one HTML file that opens by double click."""
    with one_line_errors():
        save(out, single(opened(site, **given), max_size))


@export.command("zip")
@SITE
@out("gallery.zip", "The archive.")
@click.option("--single", "as_single", is_flag=True, help="Pack the single file, not the folder.")
@MAX_SIZE
@options(EXPORTING)
def export_zip(site: Path, out: Path, as_single: bool, max_size: float, **given: Any) -> None:
    """The site as a ZIP archive, for a supplement; the same site gives the same bytes."""
    from generator.export.archive import site_files, write_zip
    from generator.export.copy import exported_pages
    from generator.export.files import whole_file

    with one_line_errors():
        source = opened(site, **given)
        with whole_file(out) as archive:
            if as_single:
                write_zip(archive, [("gallery.html", single(source, max_size))])
            else:
                with exported_pages(source) as pages:
                    write_zip(archive, site_files(pages))
        wrote(out)


def single(source: Source, max_size: float) -> bytes:
    """A site as one file; says what had to be left out."""
    from generator.export.copy import exported_pages
    from generator.export.single_file import single_file
    from generator.present.manifest import read_manifest

    with exported_pages(source) as pages:
        manifest = read_manifest(pages)
        assert manifest is not None
        found = single_file(pages, manifest, round(max_size * 1e6))
    for what in found.left_out:
        click.echo(f"Left out to keep {max_size:g} MB: {what}.", err=True)
    return found.data


@export.command("records")
@SITE
@out("records", "Folder of the files; a new or an empty one.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["npz", "safetensors"]),
    default="npz",
    show_default=True,
    help="Of the files: npz for plain numpy, or safetensors.",
)
@options(EXPORTING)
def export_records(site: Path, out: Path, kind: RecordFormat, **given: Any) -> None:
    """Every record as a file: attention, statistics and norms, with an index and a description."""
    from generator.export.data import record_files
    from generator.export.files import check_folder, write_file

    with one_line_errors():
        check_folder(out)
        written = 0
        for name, data in record_files(opened(site, **given), kind):
            write_file(out / name, data)
            written += 1
        click.echo(f"Wrote {written - 2} records and their index into {out}.")


@export.command("statistics")
@SITE
@out("statistics.csv", "The table: a name that ends in .csv or .json.")
@options(EXPORTING)
def export_statistics(site: Path, out: Path, **given: Any) -> None:
    """Entropy, distance, mass and norms of every head as one table: CSV, or JSON with a schema."""
    from generator.export.statistics import csv_bytes, json_bytes, rows_of, schema_bytes

    with one_line_errors():
        kind = suffix(out, ".csv", ".json")
        source = opened(site, **given)
        if kind == ".csv":
            save(out, csv_bytes(rows_of(source)))
        else:
            save(out, json_bytes(source.run.title, rows_of(source)))
        save(out.with_name(f"{out.stem}.schema.json"), schema_bytes())


OVERLAY = click.option(
    "--overlay",
    type=click.IntRange(0, 100),
    default=80,
    show_default=True,
    metavar="PERCENT",
    help="Strength of the colours over the picture.",
)
CHOOSING: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "-m",
        "--model",
        "models",
        multiple=True,
        metavar="MODEL",
        help="A model by its label or id. Repeat for more.  [default: all]",
    ),
    click.option(
        "-i",
        "--image",
        "images",
        multiple=True,
        metavar="IMAGE",
        help="An image by its title or file name. Repeat for more.  [default: all]",
    ),
)


@export.command("maps")
@SITE
@out("maps", "Folder of the files; a new or an empty one.")
@options(CHOOSING)
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
    help="Such as 1-3, mean, max or all.",
)
@click.option(
    "--queries",
    default="CLS",
    show_default=True,
    metavar="LIST",
    help="Such as CLS,reg1, patch-3-5 (row 3, column 5) or all.",
)
@click.option(
    "--style",
    type=click.Choice(["raw", "coloured", "overlaid"]),
    default="coloured",
    show_default=True,
    help="Raw numbers in 16-bit gray at one pixel a patch, colours, or colours over the picture.",
)
@click.option(
    "--width",
    type=click.IntRange(1, 8192),
    default=512,
    show_default=True,
    metavar="PX",
    help="Of coloured and overlaid maps.",
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
    """Single maps as PNG, any layer, head and query, with an index that says what each one is."""
    from generator.export.files import check_folder, write_file
    from generator.export.maps import map_files
    from generator.export.selection import selection

    with one_line_errors():
        check_folder(out)
        wanted = selection(layers, heads, queries)
        source = opened(site, **given)
        cells = source.cells(models, images)
        written = 0
        for name, data in map_files(
            source, cells, wanted, style=style, width=width, strength=overlay
        ):
            write_file(out / name, data)
            written += 1
        click.echo(f"Wrote {written - 1} maps and their index into {out}.")


@export.command("animation")
@SITE
@out("layers.webp", "The file: a name that ends in .webp or .gif.")
@click.option(
    "-i",
    "--image",
    metavar="IMAGE",
    help="An image by its title or file name.  [default: the first one]",
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A model by its label or id. Repeat for more.  [default: all]",
)
@click.option(
    "--head", default="mean", show_default=True, metavar="HEAD", help="A number, mean or max."
)
@click.option(
    "--query",
    default="CLS",
    show_default=True,
    metavar="QUERY",
    help="Such as CLS, reg1, patch-3-5.",
)
@click.option(
    "--width",
    type=click.IntRange(64, 2048),
    default=360,
    show_default=True,
    metavar="PX",
    help="Of each model's picture.",
)
@click.option(
    "--milliseconds",
    type=click.IntRange(20, 10_000),
    default=500,
    show_default=True,
    metavar="MS",
    help="Of each layer.",
)
@OVERLAY
@options(EXPORTING)
def export_animation(
    site: Path,
    out: Path,
    image: str | None,
    models: tuple[str, ...],
    head: str,
    query: str,
    width: int,
    milliseconds: int,
    overlay: int,
    **given: Any,
) -> None:
    """One image through the layers, models side by side, as an animated WebP or GIF."""
    from generator.export.animation import animation_bytes
    from generator.export.selection import selection

    with one_line_errors():
        kind = suffix(out, ".webp", ".gif")
        selection("all", head, query)
        source = opened(site, **given)
        cells = source.cells(models, (image,) if image else ())
        data = animation_bytes(
            source,
            tuple(cell for cell in cells if cell.image == cells[0].image),
            head=head,
            query=query,
            kind="webp" if kind == ".webp" else "gif",
            width=width,
            milliseconds=milliseconds,
            strength=overlay,
        )
        save(out, data)


@export.command("report")
@SITE
@out("report.pdf", "The file: a name that ends in .pdf, or in .html for the page alone.")
@options(CHOOSING)
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
    browser: Path | None,
    **given: Any,
) -> None:
    """The whole comparison as a PDF to print, through a Chromium where there is one."""
    from generator.export.report import find_browser, pdf_bytes
    from generator.export.report_page import report_html

    with one_line_errors():
        kind = suffix(out, ".pdf", ".html")
        printer = find_browser(browser) if kind == ".pdf" else ""
        source = opened(site, **given)
        html = report_html(source, models, images)
        save(out, pdf_bytes(html, printer) if printer else html.encode())


def suffix(path: Path, *known: str) -> str:
    """The ending of a file's name, which says what is written.

    Raises:
        SpecError: it is none of the known ones.
    """
    from generator.errors import SpecError

    if path.suffix.lower() not in known:
        raise SpecError(
            f"-o {path} should end in {' or '.join(known)}.",
            f"Name it {path.with_suffix(known[0]).name}, for example.",
        )
    return path.suffix.lower()


def opened(site: Path, *, store: Path | None, anonymous: bool) -> Source:
    """A site to export; says what an anonymous copy leaves out."""
    from generator.export.source import open_source
    from generator.model_spec import expand
    from generator.spec import default_store

    source = open_source(
        expand(site), expand(store) if store else default_store(), anonymous=anonymous
    )
    for note in source.notes:
        click.echo(note, err=True)
    return source


def save(path: Path, data: bytes) -> None:
    """Write a file whole, and say so."""
    from generator.export.files import write_file

    write_file(path, data)
    wrote(path)


def wrote(path: Path) -> None:
    """Say what was written."""
    from generator.amounts import size_in_words

    click.echo(f"Wrote {path}, {size_in_words(path.stat().st_size)}.")
