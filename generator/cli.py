"""The command line: options become a spec, one call does the work, a message reports the result.

Heavy imports are made inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
from typing import Any

import click

from generator.commands.build import build, demo
from generator.commands.cache import cache
from generator.commands.diff import diff
from generator.commands.export import export
from generator.commands.figure import figure
from generator.commands.init import init
from generator.commands.inspect import inspect
from generator.commands.publish import publish
from generator.commands.schema import schema
from generator.commands.serve import serve
from generator.commands.shared.options import InOrder, say
from generator.commands.shared.voice import VOICES, with_voice
from generator.errors import INTERRUPTED
from generator.temporary import finish_killed
from generator.version import PACKAGE, __version__

NEW_OBJECTS = 50_000
"""New objects after which Python looks for unused ones that refer to each other. There are few, and
its own 700 take a tenth of the time of a build that measures nothing."""

KEPT = "Stopped. What was measured is kept: run the same command to go on."
STOPPED = {"build": KEPT, "demo": KEPT}
"""What is said after Ctrl-C, by command."""


def stopped(command: str) -> str:
    """What is said after Ctrl-C: what is kept, and which download begins again."""
    hub = sys.modules.get(f"{PACKAGE}.capture.checkpoint.hub")
    lost = f" The download of {hub.unfinished[-1]} begins again." if hub and hub.unfinished else ""
    return STOPPED.get(command, "Stopped.") + lost


class AllCommands(InOrder):
    """The group of all commands: stopped anywhere, it ends in one way."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; ``help`` is another way to write ``--help``.

        Raises:
            click.UsageError: an option is unknown, or stands before its command.
        """
        words = [*args[1:], "--help"] if args[:1] == ["help"] else args
        named = next((word for word in words if word in self.commands), "build")
        try:
            return super().parse_args(ctx, words)
        except click.NoSuchOption as error:
            if error.option_name not in VOICES:
                raise
            raise click.UsageError(
                f"{error.option_name} comes after the command: attention-gallery {named} "
                f"{error.option_name}",
                ctx,
            ) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C at any moment is one line, and exit status 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say(stopped(ctx.invoked_subcommand or ""), err=True)
            sys.exit(INTERRUPTED)


@click.group(
    cls=AllCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="attention-gallery")
def main() -> None:
    """Static HTML galleries that compare the attention of vision transformers side by side.

    \b
      attention-gallery demo                # see one: needs no network
      attention-gallery inspect MODEL       # can this model be shown?
      attention-gallery build -m MODEL -m ANOTHER -i photos/ -o site
    """  # noqa: D301 - click's mark for lines that stay as they are
    from generator.text.terminal import make_warnings_legible  # noqa: PLC0415 - when it runs

    gc.set_threshold(NEW_OBJECTS)
    make_warnings_legible()
    finish_killed()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: object) -> None:
    """End as after Ctrl-C, so that unfinished files are removed."""
    raise KeyboardInterrupt


for command in (
    *(demo, init, inspect, build, serve, export, figure, diff, publish, cache),
    schema,
):
    main.add_command(with_voice(command))


if __name__ == "__main__":
    main()
