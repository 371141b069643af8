"""The command ``diff``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from generator.commands.shared.options import (
    Word,
    one_line_errors,
    say,
)
from generator.errors import BAD_USAGE

if TYPE_CHECKING:
    from generator.export.diff.difference import Difference, Passed

Format = Literal["text", "csv", "json"]


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--models",
    multiple=True,
    metavar="A=B",
    help="A model of A and one of B to compare, by label or id; one name for both. Sweeps are "
    "compared by step. Repeat for more.  [default: all that match by label "
    "or id, or are the only ones]",
)
@click.option(
    "--quantities",
    metavar="NAMES",
    help="What to compare, such as entropy,cls-mass.  [default: all]",
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="NAME=LIMIT",
    help="Exit with 1 where a quantity moved further: entropy=0.1 in its unit, entropy=5% of the "
    "value in A. Repeat for more.",
)
@click.option(
    "--threshold-on",
    type=Word(["values", "means"]),
    default="values",
    show_default=True,
    help="Hold thresholds against every single value, or against the mean over images, layers "
    "and heads.",
)
@click.option(
    "--format",
    "kind",
    type=Word(["text", "csv", "json"]),
    help="Format of the output.  [default: what the name after -o says, or text]",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the output to a file; csv and json get a JSON schema beside it.",
)
@click.option(
    "--store",
    "stores",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the measured records; twice where A and B have their own.  [default: the "
    "user's cache folder]",
)
def diff(
    a: Path,
    b: Path,
    models: tuple[str, ...],
    quantities: str | None,
    thresholds: tuple[str, ...],
    threshold_on: str,
    kind: Format | None,
    out: Path | None,
    stores: tuple[Path, ...],
) -> None:
    """Compare the statistics of two built sites, A and B.

    Pictures are matched by what is in their files, whatever their names, and checkpoints of sweeps
    by their step. Exits with 1 where a --threshold was passed, with 2 where there is nothing to
    compare, and with 0 otherwise.
    """
    from generator.analysis.compare.changes import chosen, threshold
    from generator.commands.shared.options import outside
    from generator.errors import SpecError
    from generator.export.diff.difference import difference
    from generator.export.diff.formats import passed_line
    from generator.export.source import open_source
    from generator.spec.gallery import default_store
    from generator.spec.models import expand

    with one_line_errors(BAD_USAGE):
        if len(stores) > 2:
            raise SpecError("--store is given more than twice.", "Name one for each gallery.")
        names = tuple(n.strip() for n in (quantities or "").split(",") if n.strip())
        measures = chosen(names)
        limits = [threshold(each, of_mean=threshold_on == "means") for each in thresholds]
        for limit in limits:
            if not any(limit.name in (each.id, each.family) for each in measures):
                raise SpecError(
                    f"--threshold {limit.text} is not among --quantities {quantities}.",
                    "Add it there, or leave --quantities out.",
                )
        if out is not None:
            for site in (a, b):
                outside(site, out)
        kept = [expand(store) for store in stores] or [default_store()]
        found = difference(
            open_source(expand(a), kept[0]), open_source(expand(b), kept[-1]), measures, models
        )
        passed = found.passed(limits)
        _put(found, passed, (str(a), str(b)), _format(kind, out), out)
        for limit in limits:
            if found.unchecked(limit):
                say(
                    f"Threshold {limit.text} was held against nothing: no model has it in both.",
                    err=True,
                )
        for each in passed:
            say(passed_line(each), err=True)
    if passed:
        sys.exit(1)


def _format(kind: Format | None, out: Path | None) -> Format:
    """The requested format; else by the file's suffix; else text."""
    suffix = out.suffix.lower() if out else ""
    return kind or ("csv" if suffix == ".csv" else "json" if suffix == ".json" else "text")


def _put(
    found: Difference,
    passed: tuple[Passed, ...],
    sites: tuple[str, str],
    kind: Format,
    out: Path | None,
) -> None:
    """Print the difference, or write it to a file."""
    from generator.commands.shared.options import save, save_both
    from generator.export.diff.formats import difference_csv, json_text, schema_bytes, table, text
    from generator.text.terminal import legible

    if kind == "text":
        written = text(found, sites)
    else:
        whole = table(found, sites, passed)
        written = difference_csv(whole) if kind == "csv" else json_text(whole)
    if out is None:
        if kind == "text":
            say(written.removesuffix("\n"))
        else:
            click.echo(legible(written) if sys.stdout.isatty() else written, nl=False)
        return
    if kind == "text":
        save(out, written.encode())
    else:
        save_both(out, written.encode(), schema_bytes())
