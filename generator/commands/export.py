"""The command ``export`` and its formats single, zip, records and statistics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.commands.export_pictures import export_animation, export_maps, export_report
from generator.commands.shared.options import (
    EXPORTING,
    SITE,
    InOrder,
    Number,
    Word,
    one_line_errors,
    opened,
    options,
    out,
    outside,
    save,
    save_both,
    say,
    suffix,
    wrote,
)
from generator.text.numbers import given, plain

if TYPE_CHECKING:
    from generator.export.numbers.data import RecordFormat
    from generator.export.source import Source


@click.group(cls=InOrder)
def export() -> None:
    """Write a built site, its numbers or its maps as files for others."""


MAX_SIZE = click.option(
    "--max-size",
    type=Number(min=0, min_open=True),
    default=50.0,
    show_default=True,
    metavar="MB",
    help="Size limit of the single file. Parts are left out in this order, and the file "
    "lists them: attention with patches as queries; single heads of registers; single heads of all "
    "but the last 3 layers; large pictures; pages of images, from the end.",
)


@export.command("single")
@SITE
@out("gallery.html", "The file.")
@MAX_SIZE
@options(EXPORTING)
def export_single(site: Path, out: Path, max_size: float, **given: Any) -> None:
    """The whole site as one HTML file that opens by double click."""
    with one_line_errors():
        outside(site, out)
        save(out, single(opened(site, **given), max_size))


@export.command("zip")
@SITE
@out("gallery.zip", "The archive.")
@click.option("--single", "as_single", is_flag=True, help="Pack the single file, not the folder.")
@MAX_SIZE
@options(EXPORTING)
def export_zip(site: Path, out: Path, as_single: bool, max_size: float, **given: Any) -> None:
    """The site as a ZIP archive, for a supplement. The same site gives the same bytes."""
    from generator.export.archive import site_files, write_zip
    from generator.export.copy import exported_pages
    from generator.export.files import whole_file

    with one_line_errors():
        outside(site, out)
        source = opened(site, **given)
        with whole_file(out) as archive:
            if as_single:
                write_zip(archive, [("gallery.html", single(source, max_size))])
            else:
                with exported_pages(source) as pages:
                    write_zip(archive, site_files(pages))
        wrote(out)


def single(source: Source, max_size: float) -> bytes:
    """Write a site as one file and print what it leaves out."""
    from generator.export.copy import exported_pages
    from generator.export.single.file import single_file
    from generator.present.files.manifest_file import read_manifest

    with exported_pages(source) as pages:
        manifest = read_manifest(pages)
        assert manifest is not None
        found = single_file(pages, manifest, round(max_size * 1e6))
    for what in found.left_out:
        say(f"Left out to keep {plain(given(max_size))} MB: {what}.", err=True)
    return found.data


@export.command("records")
@SITE
@out("records", "Folder of the files; a new or an empty one.")
@click.option(
    "--format",
    "kind",
    type=Word(["npz", "safetensors"]),
    default="npz",
    show_default=True,
    help="Format: npz for plain numpy, or safetensors.",
)
@options(EXPORTING)
def export_records(site: Path, out: Path, kind: RecordFormat, **given: Any) -> None:
    """Every record as a file, npz or safetensors. With an index and a description."""
    from generator.export.files import put, whole_folder
    from generator.export.numbers.data import record_files
    from generator.text.phrases import counted

    with one_line_errors():
        outside(site, out)
        written = 0
        with whole_folder(out) as folder:
            for name, data in record_files(opened(site, **given), kind):
                put(folder, name, data)
                written += 1
        say(f"Wrote {counted(written - 2, 'record')} and an index into {out}.")


@export.command("statistics")
@SITE
@out("statistics.csv", "The table: a name that ends in .csv or .json.")
@options(EXPORTING)
def export_statistics(site: Path, out: Path, **given: Any) -> None:
    """Entropy, distance, mass and norms as one table. CSV, or JSON with a schema."""
    from generator.export.numbers.statistics import csv_bytes, json_bytes, rows_of, schema_bytes

    with one_line_errors():
        kind = suffix(out, ".csv", ".json")
        outside(site, out)
        source = opened(site, **given)
        rows = rows_of(source)
        data = csv_bytes(rows) if kind == ".csv" else json_bytes(source.run.title, rows)
        save_both(out, data, schema_bytes())


for command in (export_maps, export_animation, export_report):
    export.add_command(command)
