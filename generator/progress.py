"""Progress reports: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from generator.text.terminal import legible

SECONDS_BETWEEN_LINES = 10.0


class Job(Protocol):
    """A running job."""

    def advance(self) -> None:
        """Report one finished step."""


class Reporter(Protocol):
    """Receiver of the pipeline's progress and notes."""

    def note(self, text: str) -> None:
        """Report a message."""

    def job(self, title: str, total: int, *, brief: bool = False) -> AbstractContextManager[Job]:
        """Context manager for a job of ``total`` steps.

        Args:
            brief: whether it mostly takes no time, and need not be told when it is done.
        """
        ...


class Silent:
    """Reporter without output: for the Python API."""

    def note(self, text: str) -> None:
        """Nothing."""

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Job]:
        """Nothing."""
        yield self

    def advance(self) -> None:
        """Nothing."""


class Lines:
    """Plain lines for logs and pipes, at most one per job every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Job]:
        """Print a line every ten seconds, and one at the end unless it is brief."""
        yield _LineJob(self, title, total, brief=brief)


class _LineJob:
    def __init__(self, lines: Lines, title: str, total: int, *, brief: bool) -> None:
        self._lines, self._title, self._total, self._brief = lines, title, total, brief
        self._done = 0
        self._start = self._last = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        last = self._done == self._total and not self._brief
        if not last and now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        rate = self._done / max(now - self._start, 1e-9)
        left = (self._total - self._done) / rate
        rest = f", {left:.0f} s left" if self._done < self._total else ""
        self._lines.note(f"{self._title}: {self._done}/{self._total} ({rate:.1f}/s{rest})")


class Bars:
    """A bar for each job, with its rate and the time left: for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, highlight=False)

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Job]:
        """A bar that stays when the job is done, unless it is brief."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=brief) as progress:
            task = progress.add_task(legible(title), total=total, rate="")
            yield _BarJob(progress, task)


class _BarJob:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self) -> None:
        task = self._progress.tasks[0]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._progress.update(task.id, advance=1, rate=rate)


def reporter_for(console: Console) -> Reporter:
    """Bars on a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)
