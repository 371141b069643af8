"""Progress reports: bars on a terminal, one changing line in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from generator.text.amounts import duration_in_words
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

    def failure(self, text: str) -> None:
        """Report what failed, while the rest goes on."""

    def job(self, title: str, total: int, *, brief: bool = False) -> AbstractContextManager[Job]:
        """Context manager for a job of ``total`` steps.

        Args:
            brief: whether it mostly takes no time, and need not be told when it is done.
        """
        ...


class Noted:
    """What all reporters share: a failure is a note."""

    def note(self, text: str) -> None:
        """Report a message."""
        raise NotImplementedError

    def failure(self, text: str) -> None:
        """A note that says so."""
        self.note(f"failed: {text}")


class Silent(Noted):
    """Reporter without output."""

    def note(self, text: str) -> None:
        """Nothing."""

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Job]:
        """Nothing."""
        yield self

    def advance(self) -> None:
        """Nothing."""


class Lines(Noted):
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
        rest = f", {duration_in_words(left)} left" if self._done < self._total else ""
        self._lines.note(f"{self._title}: {self._done}/{self._total} ({_pace(rate)}{rest})")


class Bars(Noted):
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
        self._progress.update(task.id, advance=1, rate=_pace(task.speed) if task.speed else "")


def _pace(rate: float) -> str:
    """Steps a second, or seconds a step where these say more."""
    return f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"


class ChangingLine(Noted):
    """One line that changes, as notebooks render it without widgets, and keep it when saved."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._width = 0

    def note(self, text: str) -> None:
        """Shown until the next one."""
        self._out.write(f"\r{text.ljust(self._width)}")
        self._out.flush()
        self._width = len(text)

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Job]:
        """Count the steps; the last count stays, unless it is brief."""
        job = _CountJob(self, legible(title), total)
        if total:
            job.show()
        yield job
        if total and not brief:
            self._out.write("\n")
            self._out.flush()
            self._width = 0


class _CountJob:
    def __init__(self, line: ChangingLine, title: str, total: int) -> None:
        self._line, self._title, self._total = line, title, total
        self._done = 0
        self._start = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        self.show()

    def show(self) -> None:
        passed = time.monotonic() - self._start
        self._line.note(f"{self._title}: {self._done}/{self._total}, {duration_in_words(passed)}")


def reporter_for(console: Console) -> Reporter:
    """Bars on a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)


def python_reporter(progress: bool) -> Reporter:
    """For the Python API: a changing line in a notebook, as on the command line elsewhere.

    Args:
        progress: whether anything is shown.
    """
    if not progress:
        return Silent()
    if in_notebook():
        return ChangingLine(sys.stdout)  # notebooks color the other one as an error
    return reporter_for(Console(stderr=True, highlight=False))


def in_notebook() -> bool:
    """Whether a kernel of Jupyter, Colab or an editor runs this."""
    shell: Any = sys.modules.get("IPython")
    found = shell.get_ipython() if shell is not None else None
    return found is not None and hasattr(found, "kernel")
