"""What is told while a build works."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from generator.pipeline.build import build_gallery
from generator.progress import Bars, Lines, reporter_for
from generator.spec.gallery import GallerySpec


def test_progress_is_told_in_order(
    spec: GallerySpec, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.progress.SECONDS_BETWEEN_LINES", 1e9)
    build_gallery(spec, command="", reporter=Lines(Console(width=100)))
    told = [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        "resolving plain",
        "resolving registers",
        "loading plain",
        "plain: 2/2",
        "loading registers",
        "registers: 2/2",
        "pages: 8/8",
    ]


def test_lines_tell_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("generator.progress.time.monotonic", lambda: clock[0])
    with Lines(Console(width=100)).job("a [model]", 5) as job:
        for seconds in (4.0, 11.0, 12.0, 24.0, 25.0):
            clock[0] = seconds
            job.advance()
    assert capsys.readouterr().out.splitlines() == [
        "a [model]: 2/5 (0.2/s, 16 s left)",
        "a [model]: 4/5 (0.2/s, 6 s left)",
        "a [model]: 5/5 (0.2/s)",
    ]


def test_bars_are_for_terminals() -> None:
    terminal = Console(force_terminal=True, width=100, file=io.StringIO())
    assert isinstance(reporter_for(terminal), Bars)
    assert isinstance(reporter_for(Console(file=io.StringIO())), Lines)
    reporter = reporter_for(terminal)
    reporter.note("loading [it]")
    with reporter.job("a [model]", 2) as job:
        job.advance()
        job.advance()
    assert isinstance(terminal.file, io.StringIO)
    shown = terminal.file.getvalue()
    assert "loading [it]" in shown and "a [model]" in shown and "2/2" in shown
