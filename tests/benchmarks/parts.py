"""``python -m tests.benchmarks.parts FILE OPTION...``: what the parts of a build take.

It writes seconds of the processor by part as JSON. Run it with ``--jobs 1``: only the program's own
process is seen.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

PARTS = ("planning", "loading", "measuring", "store", "analyses", "drawing", "HTML", "the rest")


class Watch:
    """Seconds of the processor by part; what runs inside another part counts once."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._open: list[str] = ["the rest"]
        self._since = 0.0

    def turn(self) -> None:
        """Book the time since the last turn to the innermost part."""
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time booked to a part; an iterator is exhausted at once."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.turn()
            self._open.append(part)
            try:
                found = function(*args, **kwargs)
                return list(found) if hasattr(found, "__next__") else found
            finally:
                self.turn()
                self._open.pop()

        return wrapped


def watch() -> Watch:
    """Put watches around the parts of the program.

    It is imported here, since loading it is a part of what it takes.
    """
    from generator.capture import extract
    from generator.capture.models import load
    from generator.pipeline import build
    from generator.present.site import page_files, write
    from generator.records import store

    found = Watch()
    for owner, name, part in (
        (build, "planned_gallery", "planning"),
        (load, "load", "loading"),
        (extract, "extract", "measuring"),
        (store.Store, "put", "store"),
        (write, "_put_heavy_files", "drawing"),
        (write, "_put_numbers", "analyses"),
        (page_files.PageFiles, "write", "HTML"),
    ):
        setattr(owner, name, found.timed(part, getattr(owner, name)))
    return found


def main() -> None:
    """Run the program, then write what its parts took."""
    file, *options = sys.argv[1:]
    seen = watch()
    from generator.cli import main as program

    with suppress(SystemExit):
        program(options)
    seen.turn()
    Path(file).write_text(json.dumps(seen.seconds))


if __name__ == "__main__":
    main()
