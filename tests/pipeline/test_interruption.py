"""Stopped in the middle, or by a full disk: nothing is lost."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from generator.errors import StoreError
from generator.records.store import load_records
from generator.spec.gallery import GallerySpec
from tests.pipeline.galleries import build, files, manifest

HALTING = """
import sys
from generator import cli
from generator.records.store import Store
from jinja2 import Template

def halt(owner, name):
    real = getattr(owner, name)
    def wrapped(*args, **options):
        found = real(*args, **options)
        print("halted", flush=True)
        sys.stdin.readline()
        return found
    setattr(owner, name, wrapped)

halt(*{"record": (Store, "put"), "page": (Template, "render")}[sys.argv[1]])
cli.main(sys.argv[2:])
"""


@pytest.fixture
def halted(spec: GallerySpec) -> Iterator[Any]:
    """Runs the command line until it has stored a record or rendered a page, and waits there."""
    running: list[subprocess.Popen[str]] = []

    def run(where: str) -> subprocess.Popen[str]:
        models = [word for model in spec.models for word in ("-m", str(model.folder))]
        words = ["build", *models, "-i", "photos", "--store", "store", "--batch-size", "1"]
        process = subprocess.Popen(
            [sys.executable, "-c", HALTING, where, *words],
            cwd=spec.out.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "halted\n", process.communicate()[1]
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_killed_while_measuring_goes_on_where_it_stood(spec: GallerySpec, halted: Any) -> None:
    process = halted("record")
    process.kill()
    process.wait(timeout=60)
    assert len(list(load_records(spec.store))) == 1
    assert not spec.out.exists(), "no half-new site"
    outcome = build(spec)
    assert (outcome.measured, outcome.reused, outcome.site.failures) == (3, 1, ())


@pytest.mark.slow
def test_killed_while_writing_leaves_the_former_site(spec: GallerySpec, halted: Any) -> None:
    build(spec)
    before = files(spec.out)
    (spec.images[0] / "first.png").unlink()
    process = halted("page")
    process.kill()
    process.wait(timeout=60)
    assert files(spec.out) == before
    outcome = build(spec)
    assert (outcome.measured, outcome.reused) == (0, 2)
    assert len(manifest(spec).images) == 1
    left = {path.name for path in spec.out.parent.iterdir()}
    assert left == {"photos", "site", "store"}, "nothing is left beside the site"


@pytest.mark.slow
def test_two_builds_of_one_site_do_not_get_in_each_other_s_way(
    spec: GallerySpec, halted: Any
) -> None:
    process = halted("record")
    with pytest.raises(StoreError) as caught:
        build(spec)
    assert str(caught.value) == (
        f"Another build is writing the site {spec.out}. Wait until it has ended and run this one "
        "again, or choose another folder (-o, or out)."
    )
    assert len(list(load_records(spec.store))) == 1, "it is told before it measures"
    _, stderr = process.communicate("\n" * 1000, timeout=120)
    assert process.returncode == 0, stderr
    assert len(manifest(spec).images) == 2
    left = {path.name for path in spec.out.parent.iterdir()}
    assert left == {"photos", "site", "store"}
    assert build(spec).measured == 0


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_ctrl_c_says_that_nothing_is_lost(
    spec: GallerySpec, halted: Any, number: signal.Signals
) -> None:
    process = halted("record")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    message = "Stopped. What was measured is kept: run the same command to go on."
    assert stderr.splitlines()[-1] == message
    assert "Traceback" not in stderr
    assert len(list(load_records(spec.store))) == 1
    assert not spec.out.exists()


@pytest.mark.slow
def test_full_disk_keeps_what_was_measured(
    spec: GallerySpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(spec)
    before = files(spec.out)
    shutil.rmtree(spec.store)
    room = ["weights", "record", "record", "weights"]
    fsync = os.fsync

    def sync(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            fsync(descriptor)
            return
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room.pop()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(StoreError) as caught:
        build(spec)
    assert caught.value.message.startswith(
        f"The disk of the record store {spec.store} is full: a record needs "
    )
    assert caught.value.hint == "Free some space, or name a folder on another disk with --store."
    assert files(spec.out) == before
    monkeypatch.setattr(os, "fsync", fsync)
    outcome = build(spec)
    assert (outcome.measured, outcome.reused) == (2, 2)
    assert files(spec.out) == before
