"""The installed command: loads the command line, then runs it."""

from __future__ import annotations

import os
import sys
import threading
import time

from generator.errors import INTERRUPTED

GRACE = 3.0
"""Seconds that a stopped program has to end."""


def main() -> None:
    """Run the command line; Ctrl-C while its modules load is one line, as it is later."""
    try:
        from generator.cli import main as command  # noqa: PLC0415 - what may be interrupted
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)
    try:
        command(prog_name="attention-gallery")
    except SystemExit as end:
        if end.code == INTERRUPTED:
            threading.Thread(target=_end_after_all, daemon=True).start()
        raise


def _end_after_all() -> None:
    """End the program if it waits for a thread that Ctrl-C has left without an end."""
    time.sleep(GRACE)
    os._exit(INTERRUPTED)
