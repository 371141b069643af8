"""The command line: options become a spec, one call does the work, a message reports the result.

Heavy imports are made inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import signal
import threading

import click

from generator.commands.build import build, demo
from generator.commands.cache import cache
from generator.commands.diff import diff
from generator.commands.export import export
from generator.commands.figure import figure
from generator.commands.inspect import inspect
from generator.commands.publish import publish
from generator.commands.serve import serve
from generator.commands.shared import InOrder
from generator.temporary import finish_killed
from generator.version import __version__


@click.group(
    cls=InOrder,
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

    make_warnings_legible()
    finish_killed()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: object) -> None:
    """End as after Ctrl-C, so that unfinished files are removed."""
    raise KeyboardInterrupt


for command in (demo, inspect, build, serve, export, figure, diff, publish, cache):
    main.add_command(command)


if __name__ == "__main__":
    main()
