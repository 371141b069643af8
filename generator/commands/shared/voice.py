"""How much a command says: the options ``-q``, ``-v`` and ``--debug`` of every command."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import sys
from pathlib import Path

import click

from generator.text.terminal import LegibleFormatter
from generator.version import PACKAGE, __version__

LOG = "attention-gallery.log"
"""File of ``--debug``, in the current folder."""

KEY = "attention-gallery.quiet"
LIBRARIES = ("torch", "transformers", "numpy", "pillow", "huggingface_hub", "timm", "click")
LINES = "%(asctime)s %(levelname)s %(name)s: %(message)s"

logger = logging.getLogger(__name__)


VOICES = ("-q", "--quiet", "-v", "--verbose", "--debug")
"""The options of this module."""


def quiet() -> bool:
    """Whether the running command was asked to be quiet."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(KEY))


def with_voice(command: click.Command) -> click.Command:
    """Give a command, or each command of a group, the options of this module."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            with_voice(each)
    else:
        command.params += [
            _flag("-q", "--quiet", "Print errors and failures only.", _be_quiet),
            _flag("-v", "--verbose", "Print also what is found and how long it takes.", _tell),
            _flag("--debug", f"Write {LOG}: versions, steps and tracebacks.", _log),
        ]
    return command


def _flag(*names_and_help: object) -> click.Option:
    *names, text, callback = names_and_help
    return click.Option(
        [str(name) for name in names],
        is_flag=True,
        expose_value=False,
        help=str(text),
        callback=callback,
    )


def _be_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[KEY] = True


def _tell(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value:
        return
    if quiet():
        raise click.UsageError("-q and -v exclude each other.", ctx)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LegibleFormatter())
    _attach(ctx, handler, logging.getLogger(PACKAGE), logging.INFO)


def _log(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value:
        return
    try:
        handler = logging.FileHandler(LOG, mode="w", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{LOG} cannot be written here: {error.strerror}.", ctx) from error
    handler.setFormatter(logging.Formatter(LINES))
    handler.addFilter(lambda line: line.levelno > logging.DEBUG or not line.name.startswith("PIL."))
    if logging.lastResort is not None:  # warnings are still shown, now that a handler is there
        _attach(ctx, logging.lastResort, logging.getLogger(), logging.WARNING)
    _attach(ctx, handler, logging.getLogger(), logging.DEBUG)
    logger.debug("attention-gallery %s: %s", __version__, sys.argv[1:])
    logger.debug("Python %s on %s", platform.python_version(), platform.platform())
    for name in LIBRARIES:
        try:
            logger.debug("%s %s", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            logger.debug("%s is not installed", name)

    def told() -> None:
        error = sys.exc_info()[1]  # what ends the command, while this handler is still there
        expected = click.ClickException | click.exceptions.Exit | click.Abort
        if isinstance(error, Exception) and not isinstance(error, expected):
            logger.debug("a bug", exc_info=error)
        handler.close()
        click.echo(f"Log: {Path(LOG)}", err=True)

    ctx.call_on_close(told)


def _attach(ctx: click.Context, handler: logging.Handler, to: logging.Logger, level: int) -> None:
    """Add a handler for as long as the command runs."""
    before, own = to.level, handler.level
    handler.setLevel(level)
    to.addHandler(handler)
    to.setLevel(min(before or level, level))

    def detach() -> None:
        to.removeHandler(handler)
        to.setLevel(before)
        handler.setLevel(own)

    ctx.call_on_close(detach)
