"""What a worker in another process tells: outcomes, warnings, and errors with their traceback."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from generator.errors import GalleryError
from generator.pipeline.workers.work import ModelLost, Outcome, Unmeasured, Warned
from generator.version import PACKAGE

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Stopped:
    """An error that ends the build."""

    error: GalleryError


def told(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Outcomes, and the program's own warnings between them.

    Warnings are not printed here: each worker would print them.
    """
    logger, kept = logging.getLogger(PACKAGE), _Kept()
    logger.addHandler(kept)
    try:
        for outcome in outcomes:
            yield from kept.taken()
            yield outcome
        yield from kept.taken()
    finally:
        logger.removeHandler(kept)


class _Kept(logging.Handler):
    """Keeps the texts of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self._texts.append(record.getMessage())

    def taken(self) -> list[Warned]:
        """What was kept since the last time."""
        texts, self._texts = self._texts, []
        return [Warned(text) for text in texts]


def sendable(message: object) -> bytes:
    """A message as a pickle; errors keep their traceback as a note."""
    return pickle.dumps(portable(message))


def portable(message: Told) -> Told:
    """A message that can be sent; errors keep their traceback as a note."""
    if isinstance(message, Unmeasured | ModelLost) and message.raised is not None:
        return replace(message, raised=_noted(message.raised))
    return message


def _noted(error: Exception) -> Exception:
    """An error that can be sent, with its traceback as a note."""
    trace = "".join(traceback.format_exception(error))
    try:
        again: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301 - just made
    except Exception:
        again = RuntimeError(f"{type(error).__name__}: {error}")
    again.add_note(f"In the process that measured:\n{trace}")
    return again
