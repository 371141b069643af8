"""Worker processes: the same site for any number of them, whatever goes wrong in one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from multiprocessing import util
from pathlib import Path

import pytest

from generator.present.site.result import SiteResult
from generator.present.site.workers import FEWEST, EarlyPool, process_count
from generator.present.site.write import build_site
from generator.records.record import AttentionRecord
from generator.records.store import Store
from generator.uninterrupted import uninterrupted
from tests.present.gallery import Gallery, many
from tests.present.site.test_site import VERSION

IMAGES = 5
"""Two models on them: enough cells for two workers."""


@pytest.fixture
def trial(tmp_path: Path) -> tuple[Gallery, Store]:
    """A gallery whose records lie in a store, where other processes can read them."""
    found, store = many(tmp_path / "pictures", IMAGES), Store(tmp_path / "store")
    for record in found.records.values():
        store.put(record)
    return found, store


def bytes_of(site: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }


def built(
    trial: Gallery, read: Callable[[str], AttentionRecord], out: Path, jobs: int
) -> SiteResult:
    return build_site(trial.run, read, out, version=VERSION, jobs=jobs)


@pytest.mark.slow
def test_the_site_is_the_same_for_any_number_of_workers(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    one = built(found, store.get, tmp_path / "one", 1)
    two = built(found, store.get, tmp_path / "two", 2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert (one.rendered, one.reused, one.bytes) == (two.rendered, two.reused, two.bytes)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program only waits for its workers."""
    monkeypatch.setattr(Future, "cancel", lambda self: False)


@pytest.mark.slow
@pytest.mark.usefixtures("waiting")
def test_workers_make_the_files_and_the_program_reads_no_record(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    read = OnlyInWorkers(store, os.getpid())
    result = built(found, read, tmp_path / "site", 2)
    assert not result.failures


@dataclass(frozen=True)
class OnlyInWorkers:
    """Reads records in other processes than the program."""

    store: Store
    program: int

    def __call__(self, key: str) -> AttentionRecord:
        assert os.getpid() != self.program, "the program read a record"
        return self.store.get(key)


@dataclass(frozen=True)
class SlowInWorkers:
    """Takes a second for a record in a worker, and none in the program.

    Attributes:
        read: keys that the program has asked for.
    """

    store: Store
    program: int
    read: list[str] = field(default_factory=list)

    def __call__(self, key: str) -> AttentionRecord:
        if os.getpid() != self.program:
            time.sleep(1)
        else:
            self.read.append(key)
        return self.store.get(key)


@pytest.mark.slow
def test_the_program_makes_what_no_worker_has_begun(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    read = SlowInWorkers(store, os.getpid())
    two = built(found, read, tmp_path / "two", 2)
    one = built(found, store.get, tmp_path / "one", 1)
    assert found.run.cells[-1].record in read.read
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert (one.rendered, one.reused, one.bytes) == (two.rendered, two.reused, two.bytes)


@pytest.mark.slow
def test_a_record_that_is_missing_fails_alone(trial: tuple[Gallery, Store], tmp_path: Path) -> None:
    found, store = trial
    gone = found.run.cells[3].record
    next(store.root.glob(f"*/{gone}.safetensors")).unlink()
    (failure,) = built(found, store.get, tmp_path / "site", 2).failures
    assert failure.message.startswith(f"The record {gone[:12]} is not in ")


@dataclass(frozen=True)
class Deadly:
    """Ends a worker at one record, as the system does when memory is full."""

    store: Store
    key: str
    program: int

    def __call__(self, key: str) -> AttentionRecord:
        if key == self.key and os.getpid() != self.program:
            os._exit(9)
        return self.store.get(key)


@pytest.mark.slow
@pytest.mark.usefixtures("waiting")
def test_after_a_worker_was_killed_the_program_goes_on_alone(
    trial: tuple[Gallery, Store], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found, store = trial
    read = Deadly(store, found.run.cells[4].record, os.getpid())
    result = built(found, read, tmp_path / "two", 2)
    assert not result.failures
    assert "A worker process was killed" in caplog.text
    built(found, store.get, tmp_path / "one", 1)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


@pytest.mark.slow
def test_no_worker_is_left_after_an_error(trial: tuple[Gallery, Store], tmp_path: Path) -> None:
    found, store = trial

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_site(found.run, store.get, tmp_path / "site", version=VERSION, jobs=2, advance=stop)
    assert not multiprocessing.active_children()
    assert not (tmp_path / "site").exists()


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch, interruptible: None) -> list[int]:
    """Numbers of the processes that start; Ctrl-C arrives when one has, and knows nothing yet."""
    found: list[int] = []
    spawn = util.spawnv_passfds  # type: ignore[attr-defined]

    def spawn_and_interrupt(*given: object) -> int:
        found.append(spawn(*given))
        signal.raise_signal(signal.SIGINT)
        return found[-1]

    monkeypatch.setattr(util, "spawnv_passfds", spawn_and_interrupt)
    return found


@pytest.mark.skipif(os.name != "posix", reason="Windows starts processes in another way")
def test_ctrl_c_while_workers_start_leaves_none(spawned: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt):
        EarlyPool(3, 3 * FEWEST)
    *_, first, second = spawned
    assert not multiprocessing.active_children()
    for number in (first, second):
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_be_interrupted_is_done_first(number: signal.Signals) -> None:
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, stop)
    done: list[str] = []
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted(), uninterrupted():
            signal.raise_signal(number)
            done.append("all")
        assert done == ["all"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        signal.signal(signal.SIGTERM, former)


@pytest.mark.slow
def test_workers_that_started_early_make_the_same_site(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    early = EarlyPool(2, 2 * IMAGES)
    before = {process.pid for process in multiprocessing.active_children()}
    build_site(found.run, store.get, tmp_path / "two", version=VERSION, jobs=2, pool=early)
    early.end()
    assert len(before) == 1  # and the program
    assert not multiprocessing.active_children()
    built(found, store.get, tmp_path / "one", 1)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


@pytest.mark.slow
def test_workers_that_started_early_end_where_there_is_too_little_to_do(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    built(found, store.get, tmp_path / "site", 1)
    early = EarlyPool(2, 2 * IMAGES)
    again = build_site(found.run, store.get, tmp_path / "site", version=VERSION, pool=early)
    assert again.rendered == 0
    assert not multiprocessing.active_children()


def test_files_of_the_former_site_need_no_workers(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    built(found, store.get, tmp_path / "site", 1)
    before = bytes_of(tmp_path / "site")

    def local(key: str) -> AttentionRecord:  # it cannot be sent to another process
        return store.get(key)

    again = built(found, local, tmp_path / "site", 2)
    assert again.rendered == 0
    assert bytes_of(tmp_path / "site") == before


@pytest.mark.slow
def test_a_new_version_of_the_records_uses_workers_and_keeps_pictures(
    trial: tuple[Gallery, Store], tmp_path: Path
) -> None:
    found, store = trial
    built(found, store.get, tmp_path / "site", 1)
    models = tuple(replace(model, id=f"new/{model.slug}") for model in found.run.models)
    renamed = replace(found, run=replace(found.run, models=models))
    result = built(renamed, store.get, tmp_path / "site", 2)
    alone = built(renamed, store.get, tmp_path / "alone", 1)
    assert result.reused >= 2 * IMAGES
    assert bytes_of(tmp_path / "site") == bytes_of(tmp_path / "alone")
    assert result.rendered + result.reused == alone.rendered + alone.reused


@pytest.mark.parametrize(
    ("jobs", "cells", "processes"),
    [(1, 100, 1), (4, 0, 1), (4, 2 * FEWEST - 1, 1), (4, 2 * FEWEST, 2), (4, 1000, 4)],
)
def test_workers_start_where_there_is_enough_to_do(jobs: int, cells: int, processes: int) -> None:
    assert process_count(jobs, cells) == processes


def test_there_is_a_process_for_each_core_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert process_count(None, 1000) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert process_count(None, 1000) == 5
