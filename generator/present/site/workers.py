"""Processes that make the files of a site ahead of the program.

Workers put files into the same staging folder. The program then goes through cells and images in
order as if it were alone, and finds the files there. So a site is the same for any number of them.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from generator.cores import usable_cores
from generator.errors import GalleryError
from generator.present.files.cache import PutFile, SiteCache
from generator.present.files.settings import Settings
from generator.present.site.threads import one_thread
from generator.records.record import AttentionRecord
from generator.text.terminal import make_warnings_legible

Read = Callable[[str], AttentionRecord]
Item = TypeVar("Item")
Make = Callable[[SiteCache, Read, Item], object]
"""Puts the files of an item into a cache. It is sent to workers, so it has a name in a module."""

FEWEST = 4
"""Fewest new cells for each worker. With fewer, a worker takes longer to start than it saves."""

logger = logging.getLogger(__name__)


def worker_count(jobs: int | None, new_cells: int) -> int:
    """Number of worker processes; 0 for none.

    Args:
        jobs: number of processes that the user wants; None for one on each core.
        new_cells: number of cells whose files are not in the previous site.
    """
    cores = jobs or usable_cores()
    count = min(cores, new_cells // FEWEST)
    return count if count > 1 else 0


class Pool(Protocol):
    """Processes that put files into the staging folder."""

    def map(self, make: Make[Item], items: Sequence[Item]) -> Iterator[tuple[PutFile, ...]]:
        """The files of the items, in order.

        Raises:
            BrokenProcessPool: the processes are gone.
        """
        ...

    def end(self) -> None:
        """End the processes. What they have not begun is dropped."""


StartPool = Callable[[SiteCache, Read, int], Pool | None]
"""Starts a pool for a cache, records, and a number of new cells; None if it cannot."""


class LocalPool:
    """Processes of this machine, each with one thread for linear algebra.

    Args:
        count: number of processes.
        cache: the files of the site.
        read: gives the record of a key; it is sent to the processes.
    """

    def __init__(self, count: int, cache: SiteCache, read: Read) -> None:
        # A fork would copy the threads of torch in an unknown state.
        self._executor = ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(cache.root, cache.former, cache.settings, cache.kept, read),
        )

    def map(self, make: Make[Item], items: Sequence[Item]) -> Iterator[tuple[PutFile, ...]]:
        """The files of the items, in order.

        Raises:
            BrokenProcessPool: a process was killed.
        """
        return self._executor.map(partial(_made, make), items)

    def end(self) -> None:
        """End the processes. What they have not begun is dropped."""
        self._executor.shutdown(cancel_futures=True)


def local_pool(jobs: int | None) -> StartPool:
    """Starts processes of this machine.

    Args:
        jobs: number of processes that the user wants; None for one on each core.
    """

    def start(cache: SiteCache, read: Read, new_cells: int) -> Pool | None:
        count = worker_count(jobs, new_cells)
        return LocalPool(count, cache, read) if count else None

    return start


class Workers:
    """A pool of processes, or none: then the program makes all files itself.

    Args:
        cache: the files of the site.
        pool: puts files into its folder.
    """

    def __init__(self, cache: SiteCache, pool: Pool | None) -> None:
        self._cache = cache
        self._pool = pool

    def __enter__(self) -> Self:
        """Use the pool; it ends with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers. What they have not begun is dropped."""
        self._end()

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.end()
            self._pool = None

    def ahead(self, make: Make[Item], items: Sequence[Item]) -> Iterator[Item]:
        """Yield the items in order, each when workers have put its files into the cache.

        Without workers, or after one was killed, the files are not there yet.
        """
        waiting = iter(items)
        if self._pool is not None:
            try:
                for files in self._pool.map(make, items):
                    self._cache.adopt(files)
                    yield next(waiting)
            except BrokenProcessPool:
                logger.warning(
                    "A worker process was killed; perhaps the memory was full. The rest is made "
                    "in one process. With --jobs 1 there are no workers."
                )
                self._end()
        yield from waiting


class Bench:
    """Makes files in a worker.

    Args:
        root: the staging folder.
        former: folder of the previous site.
        settings: how records are drawn.
        kept: folder of numbers that are kept beside records, or None.
        read: gives the record of a key.
    """

    def __init__(
        self, root: Path, former: Path, settings: Settings, kept: Path | None, read: Read
    ) -> None:
        make_warnings_legible()
        one_thread(analyses=True)
        self._cache = SiteCache(root, former, settings, kept)
        self._read = lru_cache(maxsize=1)(read)

    def made(self, make: Make[Item], item: Item) -> tuple[PutFile, ...]:
        """Make the files of an item.

        The program meets an error again when it goes through the items, and reports it there.
        """
        known = len(self._cache.files)
        try:
            make(self._cache, self._read, item)
        except GalleryError:
            logger.debug("left to the program: %s", item, exc_info=True)
        return tuple(self._cache.files[known:])


_bench: Bench | None = None


def _begin(root: Path, former: Path, settings: Settings, kept: Path | None, read: Read) -> None:
    """Prepare a worker."""
    global _bench  # noqa: PLW0603 - a worker has no other place to keep it
    # Ctrl-C reaches every process of the terminal; the program ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_program, daemon=True).start()
    _bench = Bench(root, former, settings, kept, read)


def _end_with_the_program() -> None:
    """End this worker when the program was killed."""
    program = multiprocessing.parent_process()
    if program is not None:
        program.join()
        os._exit(1)


def _made(make: Make[Item], item: Item) -> tuple[PutFile, ...]:
    """Make the files of an item in a worker."""
    assert _bench is not None, "a worker begins before it works"
    return _bench.made(make, item)
