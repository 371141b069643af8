"""What the commands below ``export`` share: options, opening a site, writing a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.commands.shared import STORE, Option

if TYPE_CHECKING:
    from generator.export.source import Source

SITE = click.argument("site", type=click.Path(path_type=Path))
EXPORTING: tuple[Option, ...] = (
    STORE,
    click.option(
        "--anonymous",
        is_flag=True,
        help="Leave out authors, links, folders, names of user and machine, and metadata.",
    ),
)


def out(name: str, what: str) -> Option:
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


def opened(site: Path, *, store: Path | None, anonymous: bool = False) -> Source:
    """A site to export; says what an anonymous copy leaves out."""
    from generator.export.source import open_source
    from generator.spec.gallery import default_store
    from generator.spec.models import expand

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


def save_both(path: Path, data: bytes, schema: bytes) -> None:
    """Write a table and its JSON schema beside it, both or none, and say so."""
    from generator.export.files import write_files

    beside = path.with_name(f"{path.stem}.schema.json")
    write_files({path: data, beside: schema})
    wrote(path)
    wrote(beside)


def outside(site: Path, path: Path) -> None:
    """Make sure that what is written does not land in the site itself.

    Raises:
        StoreError: it would.
    """
    from generator.export.files import check_outside
    from generator.spec.models import expand

    check_outside(expand(site), path)


def wrote(path: Path) -> None:
    """Say what was written."""
    from generator.text.amounts import size_in_words

    click.echo(f"Wrote {path}, {size_in_words(path.stat().st_size)}.")


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
