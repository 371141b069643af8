"""The command ``schema``."""

from __future__ import annotations

from pathlib import Path

import click

from generator.commands.shared.options import one_line_errors, save


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the schema to a file.  [default: print it]",
)
def schema(out: Path | None) -> None:
    """Print the JSON schema of gallery files, for editors."""
    from generator.spec.schema import schema_text

    with one_line_errors():
        if out is None:
            click.echo(schema_text(), nl=False)
        else:
            save(out, schema_text().encode())
