"""A process on each device: the same gallery whatever their number, and whatever becomes of one."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from generator.errors import ModelError
from generator.pipeline.build import build_gallery
from generator.pipeline.workers import devices
from generator.pipeline.workers.telling import sendable, told
from generator.pipeline.workers.work import ModelLost, Note, Warned
from generator.progress import Job, Silent
from generator.spec.gallery import GallerySpec
from generator.spec.options import merge
from tests.pipeline.galleries import build, files, measured_files, picture, replace_models
from tests.pipeline.test_failures import NAN, broken_model

KILLED_ONCE = """
import logging
import os
from pathlib import Path
from generator.records.store import Store
put, flag = Store.put, Path(os.environ["KILLED_ONCE"])
def die(store, record):
    if not flag.exists():
        flag.touch()
        os._exit(9)
    put(store, record)
Store.put = die
"""
"""A process ends before it writes its first record, once."""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums differ in their last bits with the number of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


class Notes(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.slow
def test_the_gallery_is_the_same_on_two_devices_of_which_one_is_killed(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(4):
        picture(spec.images[0] / f"more {seed}.png", 10 + seed)
    models = [checkpoints / "plain", checkpoints / "registers", broken_model(checkpoints, tmp_path)]
    alone = merge(replace_models(spec, *models), batch_size=1)
    before = build(alone)
    flag = tmp_path / "killed"
    monkeypatch.setenv("KILLED_ONCE", str(flag))
    monkeypatch.setattr(devices, "BOOT", devices.BOOT + KILLED_ONCE)
    both = merge(alone, device="cpu,cpu", store=tmp_path / "other", out=tmp_path / "other site")
    reporter = Notes()
    outcome = build_gallery(both, command="attention-gallery build", reporter=reporter)
    assert flag.exists()
    killed = "A process on cpu was killed; what it had is measured again."
    assert reporter.texts.count(killed) == 1
    assert (outcome.measured, outcome.failures) == (before.measured, before.failures)
    assert [failure.message for failure in outcome.failures] == [NAN[0]]
    assert measured_files(both.store) == measured_files(alone.store)
    assert files(both.out) == files(alone.out)


class Interrupting(Notes):
    """Ctrl-C at the first record."""

    @contextmanager
    def job(self, title: str, total: int, *, brief: bool = False) -> Iterator[Job]:
        self.texts.append(title)
        yield self

    def advance(self, steps: int = 1) -> None:
        if self.texts[-1].startswith("measuring"):
            raise KeyboardInterrupt


@pytest.mark.slow
def test_ctrl_c_leaves_no_process(spec: GallerySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    popen = devices.subprocess.Popen

    def watched(*args: object, **options: object) -> object:
        process = popen(*args, **options)  # type: ignore[call-overload]
        started.append(process.pid)
        return process

    monkeypatch.setattr(devices.subprocess, "Popen", watched)
    reporter = Interrupting()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        build_gallery(merge(spec, device="cpu,cpu", batch_size=1), command="", reporter=reporter)
    assert reporter.texts[-1] == "measuring on 2 devices"
    assert len(started) == 2
    for number in started:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)
    assert not list(spec.store.rglob(".*")), "no unfinished file"
    assert time.monotonic() - begun < 120


def test_a_device_without_processes_is_an_error(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "BOOT", "raise SystemExit(3)\n")
    with pytest.raises(ModelError) as caught:
        build(merge(spec, device="cpu,cpu", batch_size=1))
    assert str(caught.value) == (
        "No process can be started on cpu. See what it printed above, or name one device with "
        "--device."
    )


def test_a_process_whose_words_cannot_be_read_is_ended(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = "import os, time; os.write(1, b'cnowhere_at_all\\nThing\\n.'); time.sleep(600)"
    monkeypatch.setattr(devices, "SERVE", talk)
    monkeypatch.setattr(devices, "GRACE", 0.1)
    with pytest.raises(ModelError, match=r"^No process can be started on cpu\."):
        build(merge(spec, device="cpu,cpu", batch_size=1))


def test_an_error_keeps_its_place_on_its_way() -> None:
    def fail() -> None:
        raise RuntimeError("no such layer")

    try:
        fail()
    except RuntimeError as error:
        lost = ModelLost("plain", ModelError("It failed.", "Do so."), error)
    again = pickle.loads(sendable(lost))
    assert str(again.problem) == "It failed. Do so."
    assert type(again.raised) is RuntimeError and str(again.raised) == "no such layer"
    assert "in fail" in again.raised.__notes__[0]


class AwkwardError(Exception):
    """Cannot be made again from what it says."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def test_an_error_that_cannot_be_sent_is_told_in_words() -> None:
    lost = ModelLost("plain", ModelError("It failed."), AwkwardError(1, 2))
    again = pickle.loads(sendable(lost))
    assert (type(again.raised), str(again.raised)) == (RuntimeError, "AwkwardError: 1 and 2")


def test_warnings_are_told_with_the_outcomes() -> None:
    def outcomes() -> Iterator[Note]:
        logging.getLogger("generator.somewhere").warning("%s has no features", "plain")
        yield Note("a")

    assert list(told(outcomes())) == [Warned("plain has no features"), Note("a")]
