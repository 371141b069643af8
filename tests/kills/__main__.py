"""Kills commands at random places, and checks that running them again gives the same bytes.

``python -m tests.kills [--kills 30] [--seed 0]``. Each kill starts from a fresh copy of a folder
with models, pictures, a store, a site and a repository. A command is killed before a random change
of its files, or after a random time. Then the same command runs again. All of the folder must be
what it is after a run without a kill: site, store, exports, published branch, and no leftovers.

Linux and macOS only: commands run in forks of one process that has loaded everything.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before torch is loaded: threads do not survive a fork

from generator.cli import main
from generator.pipeline.costs.speed import FILE as SPEED
from generator.temporary import _NOTES
from tests.capture.families import FAMILIES
from tests.commands.running import picture
from tests.export.publish.publishing import git, identify

CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

BUILD = ("build", "-m", "models/plain", "-m", "models/vit", "-i", "photos", "--store", "store")
COMMANDS: dict[str, tuple[str, ...]] = {
    "build": (*BUILD, "-o", "fresh"),
    "measure and build": (*BUILD, "-i", "more", "-o", "site"),
    "zip": ("export", "zip", "site", "-o", "out.zip", "--store", "store"),
    "anonymous zip": ("export", "zip", "site", "-o", "o.zip", "--anonymous", "--store", "store"),
    "single": ("export", "single", "site", "-o", "out.html", "--store", "store"),
    "records": ("export", "records", "site", "-o", "records", "--store", "store"),
    "statistics": ("export", "statistics", "site", "-o", "out.csv", "--store", "store"),
    "maps": ("export", "maps", "site", "-o", "maps", "--store", "store"),
    "figure": (
        *("figure", "site", "-o", "figure.svg", "--rows", "images", "--cols", "models"),
        *("--venue", "cvpr", "--store", "store"),
    ),
    "publish": ("publish", "../site", "--to", "branch", "--yes"),
}
"""Run in the folder; ``publish`` in the repository in it."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: as ``os.waitpid`` gives it.
        changes: times it changed a file of the folder, or started a program.
    """

    status: int
    changes: int
    seconds: float


def prepare(folder: Path) -> None:
    """Models, pictures, a store and a site of them, and a repository with a published site."""
    families = {family.name: family for family in FAMILIES}
    families["dinov2"].save(folder / "models" / "plain")
    families["vit"].save(folder / "models" / "vit")
    for place, names in (("photos", ("one", "two")), ("more", ("three",))):
        for seed, name in enumerate(names):
            picture(seed + len(place), folder / place / f"{name}.png")
    (folder / "tmp").mkdir()
    assert run(folder, (*BUILD, "-o", "site")).status == 0
    git(folder, "init", "--quiet", "--bare", "bare.git")
    git(folder, "init", "--quiet", "paper")
    git(folder / "paper", "commit", "--quiet", "--allow-empty", "--message", "A paper")
    git(folder / "paper", "remote", "add", "origin", "../bare.git")
    git(folder / "paper", "push", "--quiet", "origin", "main")
    assert run(folder, COMMANDS["publish"]).status == 0
    assert run(folder, (*BUILD, "-o", "site", "--title", "Another")).status == 0


def run(
    folder: Path, words: tuple[str, ...], *, at: int | None = None, after: float | None = None
) -> Ended:
    """Run a command in a fork.

    Args:
        folder: that everything is in.
        words: of the command line.
        at: kill it before this change, from 0.
        after: kill it after so many seconds.
    """
    read, write = os.pipe()
    started = time.monotonic()
    if not (child := os.fork()):
        try:
            os.setpgid(0, 0)  # git, which it starts, is killed with it
            os.close(read)
            _child(folder, words, at, after, write)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(3)  # the parent's blocks, which remove its folder, do not end here
    os.close(write)
    with os.fdopen(read, "rb") as counted:
        changes = len(counted.read())
    _, status = os.waitpid(child, 0)
    return Ended(status, changes, time.monotonic() - started)


def _child(
    folder: Path, words: tuple[str, ...], at: int | None, after: float | None, counter: int
) -> None:
    os.chdir(folder / ("paper" if words[0] == "publish" else "."))
    os.environ["TMPDIR"] = str(folder / "tmp")
    os.environ["ATTENTION_GALLERY_CACHE"] = str(folder / "cache")
    tempfile.tempdir = None
    log = os.open(folder.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    done = 0

    def die(*_: object) -> None:
        os.killpg(0, signal.SIGKILL)

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal done
        if _changes(event, args, folder):
            if done == at:
                die()
            done += 1
            os.write(counter, b".")

    if after is not None:
        signal.signal(signal.SIGALRM, die)
        signal.setitimer(signal.ITIMER_REAL, after)
    sys.addaudithook(watch)
    code = 0
    try:
        main(words, standalone_mode=True)
    except SystemExit as ended:
        code = int(ended.code or 0)
    _NOTES.close()  # what else runs at the end of a program is the parent's
    os._exit(code)


def _changes(event: str, args: tuple[Any, ...], folder: Path) -> bool:
    if event == "subprocess.Popen":
        return True
    writes = event == "open" and isinstance(args[2], int) and bool(args[2] & WRITING)
    if not writes and event not in CHANGES:
        return False
    if not isinstance(args[0], str | Path):
        return False
    return (Path.cwd() / args[0]).is_relative_to(folder)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, and what a visitor gets of the published branch.

    Git's own files are left out, and the measured speed of this machine.
    """
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if not {".git", "bare.git", SPEED} & set(path.relative_to(folder).parts)
    }
    bare = folder / "bare.git"
    for line in git(bare, "ls-tree", "-r", "gh-pages").splitlines():
        about, _, name = line.partition("\t")
        found[f"published {name}"] = about.split()[2].encode()
    found["commits"] = git(bare, "rev-list", "--count", "gh-pages").encode()
    return found


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names of what is in one only, or differs."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def kill_often(work: Path, kills: int, seed: int, say: Callable[[str], None]) -> int:
    """Kill commands in turn; returns how many times the result differed."""
    os.environ.update(identify(work))
    prepared = work / "prepared"
    prepared.mkdir()
    folder = work / "folder"  # always of one name: it must not tell runs apart
    prepared.rename(folder)
    prepare(folder)
    folder.rename(prepared)
    draw = random.Random(seed)
    wanted: dict[str, tuple[dict[str, bytes], Ended]] = {}
    failed = 0
    for number in range(kills):
        name = list(COMMANDS)[number % len(COMMANDS)]
        if name not in wanted:
            _fresh(prepared, folder)
            ended = run(folder, COMMANDS[name])
            assert ended.status == 0, (work / "log.txt").read_text()
            wanted[name] = contents(folder), ended
        whole, reference = wanted[name]
        _fresh(prepared, folder)
        if draw.random() < 2 / 3:
            at = draw.randrange(reference.changes)
            where = f"before change {at} of {reference.changes}"
            killed = run(folder, COMMANDS[name], at=at)
        else:
            after = draw.uniform(0.02, max(reference.seconds, 0.03))
            where = f"after {after:.2f} s of {reference.seconds:.2f}"
            killed = run(folder, COMMANDS[name], after=after)
        left = len(differing(contents(folder), whole))
        again = run(folder, COMMANDS[name])
        if again.status:  # a folder that was whole already is not written a second time
            again = run(folder, ("cache",))
        wrong = differing(contents(folder), whole)
        failed += bool(wrong)
        how = "killed" if killed.status == signal.SIGKILL else "had ended"
        say(
            f"{name}: {how} {where}; {left} files differed; after another run "
            f"{len(wrong)}{': ' + ', '.join(wrong[:5]) if wrong else ''}"
        )
        if again.status:
            say((work / "log.txt").read_text())
    return failed


def _fresh(prepared: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(prepared, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bad = kill_often(Path(name).resolve(), asked.kills, asked.seed, print)
    print(f"{asked.kills} kills, {bad} of them with another result.")
    sys.exit(bool(bad))
