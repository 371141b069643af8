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
    lines = Lines(Console(width=100))
    for job_title, total, moments in (
        ("a [model]", 5, (4.0, 11.0, 12.0, 24.0, 25.0)),
        ("slow", 1001, (40.0,)),
        ("fast", 90, (*([0.0] * 44), 20.0, *([20.0] * 45))),
    ):
        clock[0] = 0.0
        with lines.job(job_title, total) as job:
            for seconds in moments:
                clock[0] = seconds
                job.advance()
    assert capsys.readouterr().out.splitlines() == [
        "a [model]: 2/5 (5.5 s each, 16 s left)",
        "a [model]: 4/5 (6.0 s each, 6 s left)",
        "a [model]: 5/5 (5.0 s each)",
        "slow: 1/1001 (40.0 s each, 11 h 6 min left)",
        "fast: 45/90 (2.2/s, 20 s left)",
        "fast: 90/90 (4.5/s)",
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
