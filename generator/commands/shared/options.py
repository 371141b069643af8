"""Shared parts of commands: options, errors as one line, file output."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.commands.shared import completion
from generator.commands.shared.voice import quiet
from generator.errors import BAD_USAGE, FAILED, GalleryError

if TYPE_CHECKING:
    from generator.export.source import Source

logger = logging.getLogger(__name__)

SYNONYMS = {"fp16": "float16", "half": "float16", "bf16": "bfloat16", "fp32": "float32"}
"""Other names of values."""

Command = Callable[..., Any]
Option = Callable[[Command], Command]


class Word(click.Choice):  # type: ignore[type-arg] # generic since click 8.2
    """Parameter type of one of several words, with a suggestion for another."""

    name = "choice"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Find the word.

        Raises:
            click.BadParameter: there is no such word.
        """
        if str(value) not in self.choices:
            from generator.spec.toml import did_you_mean

            known = ", ".join(self.choices)
            hint = did_you_mean(SYNONYMS.get(str(value).lower(), str(value)), self.choices)
            self.fail(f"{value!r} is not one of {known}. {hint}".rstrip(), param, ctx)
        return super().convert(value, param, ctx)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """What may be said, in one line."""
        *others, last = self.choices
        return f"Choose {', '.join(others)} or {last}."


STORE = click.option(
    "--store",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the measured records.  [default: the user's cache folder]",
)
MODELS = click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    shell_complete=completion.LABELS,
    help="A model by its label or id. Repeat for more.  [default: all]",
)
IMAGES = click.option(
    "-i",
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE",
    shell_complete=completion.PICTURES,
    help="An image by its title or file name. Repeat for more.  [default: all]",
)

MEASURING: tuple[Option, ...] = (
    click.option(
        "--device",
        shell_complete=completion.DEVICE,
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps, or several such as cuda:0,cuda:1.  [default: auto, "
        "which is every GPU]",
    ),
    click.option(
        "--dtype",
        type=Word(["auto", "float32", "bfloat16", "float16"]),
        help="Type of weights and activations. Softmax and norms are always float32."
        "  [default: auto, which is float32]",
    ),
    click.option(
        "--trust-remote-code/--no-trust-remote-code",
        default=None,
        help="Run code that comes with a checkpoint. Read it first.",
    ),
)


def _number_or_text(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """A number as a number; the gallery's specification says what else may be said."""
    return int(value) if value is not None and value.isdecimal() else value


BESIDE: tuple[Option, ...] = (
    click.option(
        "--extras",
        shell_complete=completion.EXTRAS,
        metavar="NAMES",
        help="Measured beside attention: features,massive,values,relevance,lens, or all, or none."
        "  [default: features,massive,values]",
    ),
    click.option(
        "--objects",
        shell_complete=completion.PROJECTIONS,
        metavar="NAMES",
        help="Vectors of the last layer to find objects in: keys, queries or values, or several "
        "with commas.  [default: keys]",
    ),
    click.option(
        "--target",
        type=int,
        metavar="N",
        help="Number of the class that relevance and the logit lens are about.  "
        "[default: each model's first guess]",
    ),
)
BUILDING: tuple[Option, ...] = (
    STORE,
    click.option("--batch-size", type=int, help="Pictures at a time.  [default: as many as fit]"),
    click.option(
        "--jobs",
        callback=_number_or_text,
        metavar="N",
        help="Processes that make pages: a number, or auto for one on each core.  [default: auto]",
    ),
    click.option(
        "--strict/--no-strict",
        default=None,
        help="Stop at the first model or image that fails.",
    ),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Print the plan and its cost, and stop; exits with 1 where it would fail.",
    ),
    click.option("--json", "as_json", is_flag=True, help="With --dry-run: print the plan as JSON."),
)


class Number(click.FloatRange):
    """Parameter type of a finite number within a range."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse the number.

        Raises:
            click.BadParameter: it is not a finite number, or out of range.
        """
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value} is not a number.", param, ctx)
        return found


class InOrder(click.Group):
    """A group whose help lists commands in the order they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(self.commands)


def options(group: tuple[Option, ...]) -> Option:
    """Combine options into one decorator."""

    def decorate(command: Command) -> Command:
        for option in reversed(group):
            command = option(command)
        return command

    return decorate


def report(text: str, *, err: bool = False) -> None:
    """Print what was done, unless the command is to be quiet."""
    if not quiet():
        say(text, err=err)


def say(text: str, *, err: bool = False) -> None:
    """Print text that may come from files (see :mod:`generator.text.terminal`).

    Args:
        text: text to print.
        err: print on stderr.
    """
    from generator.text.terminal import legible

    click.echo(legible(text), err=err)


@contextmanager
def one_line_errors(code: int = FAILED) -> Iterator[None]:
    """Print a GalleryError as one line; other errors keep their traceback.

    Args:
        code: exit status of errors that are not the user's options.
    """
    try:
        yield
    except GalleryError as error:
        from generator.text.terminal import legible

        logger.debug("stopped by", exc_info=error)
        say(legible(f"Error: {error}", keep=""), err=True)
        sys.exit(BAD_USAGE if error.usage else code)


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
    """Open a site to export; prints what an anonymous copy leaves out."""
    from generator.export.source import open_source
    from generator.spec.gallery import default_store
    from generator.spec.models import expand

    source = open_source(
        expand(site), expand(store) if store else default_store(), anonymous=anonymous
    )
    for note in source.notes:
        report(note, err=True)
    return source


def save(path: Path, data: bytes) -> None:
    """Write a file atomically, and print its path."""
    from generator.export.files import write_file

    write_file(path, data)
    wrote(path)


def save_both(path: Path, data: bytes, schema: bytes) -> None:
    """Write a table and its JSON schema, both or none, and print their paths."""
    from generator.export.files import write_files

    beside = path.with_name(f"{path.stem}.schema.json")
    write_files({path: data, beside: schema})
    wrote(path)
    wrote(beside)


def outside(site: Path, path: Path) -> None:
    """Check that output files are outside the site.

    Raises:
        StoreError: the output is inside the site.
    """
    from generator.export.files import check_outside
    from generator.spec.models import expand

    check_outside(expand(site), path)


def wrote(path: Path) -> None:
    """Print what was written."""
    from generator.text.amounts import size_in_words

    report(f"Wrote {path}, {size_in_words(path.stat().st_size)}.")


def suffix(path: Path, *known: str) -> str:
    """The suffix of a file, which selects the format.

    Raises:
        SpecError: the suffix is unknown.
    """
    from generator.errors import SpecError

    if path.suffix.lower() not in known:
        raise SpecError(
            f"-o {path} should end in {' or '.join(known)}.",
            f"Name it {(path if path.name else Path('numbers')).with_suffix(known[0]).name}, for "
            "example.",
        )
    return path.suffix.lower()
