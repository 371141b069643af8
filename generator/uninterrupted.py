"""Ctrl-C and SIGTERM wait while processes start or end, and while models of data are defined.

pydantic's compiled part drops an exception that a signal raises while it defines a model.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM)
"""Signals that end the program."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back what ends the program until the block has ended.

    Otherwise a process that is half started or half ended is left behind. Only the main thread is
    interrupted by signals, so nothing is held back in others.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in ENDING}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    arrived: list[int] = []
    try:
        for number in held:
            signal.signal(number, lambda number, frame: arrived.append(number))
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])
