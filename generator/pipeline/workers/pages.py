"""Files of a site made on a cluster, by nodes that share its folder and the record store."""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from generator.pipeline.workers.cluster import Cluster
from generator.pipeline.workers.node import enter
from generator.present.files.cache import PutFile, SiteCache
from generator.present.files.settings import Settings
from generator.present.site.workers import FEWEST, Bench, Item, Make, StartPool, prepare
from generator.records.record import ReadRecord
from generator.temporary import beside

logger = logging.getLogger(__name__)

STARTING = 60.0
"""Seconds that workers have to start; those that need longer are not waited for."""

ATTEMPTS = 2
"""Workers that may be lost over an item before it is left to the program."""


class PageMaker:
    """Makes files on a node.

    Args:
        marks: files that the program has written, in the staging folder and in the store.
        token: what they hold.
        folder: the program's current folder.
    """

    def __init__(self, marks: Sequence[Path], token: str, folder: Path) -> None:
        enter(folder)
        self._marks = tuple(marks)
        self._token = token
        self._bench: Bench | None = None

    def sees(self) -> bool:
        """Whether this node sees the program's folders, and can write there."""
        try:
            for mark in self._marks:
                if mark.read_text() != self._token:
                    return False
                with beside(mark) as written:
                    written.touch()
        except OSError:
            return False
        return True

    def begin(
        self, root: Path, former: Path, settings: Settings, kept: Path | None, read: ReadRecord
    ) -> None:
        """Prepare to make files."""
        prepare()
        self._bench = Bench(root, former, settings, kept, read)

    def made(self, make: Make[Any], item: Any) -> tuple[PutFile, ...]:
        """Make the files of an item."""
        assert self._bench is not None, "a worker begins before it works"
        return self._bench.made(make, item)


def cluster_pool(cluster: Cluster, store: Path) -> StartPool:
    """Starts workers for pages on a cluster.

    Args:
        store: folder of the record store.
    """
    return partial(_started, cluster, store.absolute())


def _started(
    cluster: Cluster, store: Path, cache: SiteCache, read: ReadRecord, new_cells: int
) -> RayPool | None:
    """Workers on nodes that share the folders; None if there are not several."""
    seats = [seat for seat in cluster.seats(accelerators=False) for _ in range(int(seat.cpus))][
        : new_cells // FEWEST
    ]
    if len(seats) < 2:
        return None
    store.mkdir(parents=True, exist_ok=True)
    with beside(cache.root / "mark") as one, beside(store / "mark") as other:
        marks, token = (one.absolute(), other.absolute()), secrets.token_hex(16)
        for mark in marks:
            mark.write_text(token)
        actors = [cluster.actor(PageMaker, seat, 1, marks, token, Path.cwd()) for seat in seats]
        asked = {actor.sees.remote(): actor for actor in actors}
        done, _ = cluster.ray.wait([*asked], num_returns=len(asked), timeout=STARTING)
        sees = [asked[answer] for answer in done if _is_true(cluster, answer)]
    for actor in actors:
        if actor not in sees:
            cluster.end(actor)
    if not sees:
        logger.warning(
            "The nodes of the Ray cluster do not share %s and %s with this machine, so pages are "
            "made here.",
            cache.root.parent,
            store,
        )
        return None
    kept = cache.kept.absolute() if cache.kept else None
    arguments = cache.root.absolute(), cache.former.absolute(), cache.settings, kept, read
    for actor in sees:
        actor.begin.remote(*arguments)
    return RayPool(cluster, sees)


def _is_true(cluster: Cluster, answer: Any) -> bool:
    with suppress(cluster.ray.exceptions.RayError):
        return bool(cluster.ray.get(answer))
    return False


@dataclass(slots=True)
class _Task:
    """An item with a worker."""

    number: int
    actor: Any
    lost: int = 0


class RayPool:
    """Actors that make files.

    Args:
        cluster: a connection.
        actors: of :class:`PageMaker`, which have begun.
    """

    def __init__(self, cluster: Cluster, actors: Sequence[Any]) -> None:
        self._cluster = cluster
        self._actors = list(actors)

    def map(self, make: Make[Item], items: Sequence[Item]) -> Iterator[tuple[PutFile, ...]]:
        """The files of the items, in order. What a lost worker had is made by another.

        Raises:
            BrokenProcessPool: no worker is left.
        """
        ray = self._cluster.ray
        waiting = deque(_Task(number, None) for number in range(len(items)))
        running: dict[Any, _Task] = {}
        found: dict[int, tuple[PutFile, ...]] = {}
        idle = deque(self._actors)
        for number in range(len(items)):
            while number not in found:
                while waiting and idle:
                    task = waiting.popleft()
                    task.actor = idle.popleft()
                    running[task.actor.made.remote(make, items[task.number])] = task
                if not running:
                    raise BrokenProcessPool("no worker of the cluster is left")
                done, _ = ray.wait([*running], timeout=1.0)
                for answer in done:
                    task = running.pop(answer)
                    try:
                        found[task.number] = ray.get(answer)
                    except ray.exceptions.RayTaskError as error:
                        raise error.as_instanceof_cause() from None
                    except ray.exceptions.RayError:
                        self._actors.remove(task.actor)
                        task.lost += 1
                        if task.lost < ATTEMPTS:
                            waiting.appendleft(task)
                        else:
                            found[task.number] = ()
                    else:
                        idle.append(task.actor)
            yield found.pop(number)

    def end(self, *, at_once: bool = False) -> None:
        """End the workers. What they have not finished is dropped."""
        for actor in self._actors:
            self._cluster.end(actor)
