"""The installed command: loads the command line, then runs it."""

from __future__ import annotations

import sys

from generator.errors import INTERRUPTED


def main() -> None:
    """Run the command line; Ctrl-C while its modules load is one line, as it is later."""
    try:
        from generator.cli import main as command  # noqa: PLC0415 - what may be interrupted
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)
    command(prog_name="attention-gallery")
