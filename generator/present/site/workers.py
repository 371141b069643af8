"""Processes that make the files of a site ahead of the program.

Workers put files into the same staging folder. The program then goes through cells and images in
order as if it were alone, and finds the files there. So a site is the same for any number of them.
On one machine the program works, too: while the next item is not ready, it makes the last one that
no worker has begun.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from functools import lru_cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from generator.cores import usable_cores
from generator.errors import GalleryError
from generator.present.files.cache import PutFile, SiteCache
from generator.present.files.settings import Settings
from generator.present.site.threads import one_thread
from generator.records.record import ReadRecord
from generator.temporary import scratch
from generator.text.terminal import make_warnings_legible
from generator.uninterrupted import uninterrupted

Item = TypeVar("Item")
Make = Callable[[SiteCache, ReadRecord, Item], object]
"""Puts the files of an item into a cache. It is sent to workers, so it has a name in a module."""

FEWEST = 4
"""Fewest new cells for each worker. With fewer, a worker takes longer to start than it saves."""

GRACE = 5.0
"""Seconds that a killed process has to end."""

logger = logging.getLogger(__name__)


def process_count(jobs: int | None, new_cells: int) -> int:
    """Number of processes that make files, the program's own among them.

    Args:
        jobs: number of processes that the user wants; None for one on each core.
        new_cells: number of cells whose files are not in the previous site.
    """
    cores = jobs or usable_cores()
    return max(1, min(cores, new_cells // FEWEST))


class Pool(Protocol):
    """Processes that put files into the staging folder."""

    def map(self, make: Make[Item], items: Sequence[Item]) -> Iterator[tuple[PutFile, ...]]:
        """The files of the items, in order.

        Raises:
            BrokenProcessPool: the processes are gone.
        """
        ...

    def end(self, *, at_once: bool = False) -> None:
        """End the processes. What they have not begun is dropped.

        Args:
            at_once: drop also what they have begun.
        """


StartPool = Callable[[SiteCache, ReadRecord, int], Pool | None]
"""Starts a pool for a cache, records, and a number of new cells; None if it cannot."""


class LocalPool:
    """Processes of this machine, each with one thread for linear algebra, beside the program.

    They start at once, and wait for what they work on.

    Args:
        count: number of processes without the program.
    """

    def __init__(self, count: int) -> None:
        self._open = ExitStack()
        self._bench = Path()
        self._own: Bench | None = None
        with ExitStack() as undone:
            with uninterrupted():
                # A fork would copy the threads of torch in an unknown state.
                self._executor = ProcessPoolExecutor(
                    count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
                )
                self._processes = self._executor._processes  # public since Python 3.14 only
                undone.callback(self.end, at_once=True)
                with suppress(BrokenProcessPool):  # it is told when there is something to make
                    for _ in range(count):
                        self._executor.submit(_begun)  # each starts one more process
            undone.pop_all()

    def begin(self, cache: SiteCache, read: ReadRecord) -> None:
        """Say where files go and records come from; both are sent to the processes.

        That is a file, since the records of a large gallery have a long list of names.
        """
        self._bench = self._open.enter_context(scratch()) / "bench"
        made_with = (cache.root, cache.former, cache.settings, cache.kept, read)
        self._bench.write_bytes(pickle.dumps(made_with))
        self._own = Bench(*made_with)

    def map(self, make: Make[Item], items: Sequence[Item]) -> Iterator[tuple[PutFile, ...]]:
        """The files of the items, in order.

        Raises:
            BrokenProcessPool: a process was killed.
        """
        answers = [self._submitted(make, item) for item in items]
        return self._in_order(answers, make, items)

    def _submitted(self, make: Make[Item], item: Item) -> Future[tuple[PutFile, ...]]:
        """The answer for an item, which a worker will give."""
        with uninterrupted():  # it may start a process, and tells the executor's thread
            return self._executor.submit(_made, self._bench, make, item)

    def _in_order(
        self, answers: list[Future[tuple[PutFile, ...]]], make: Make[Item], items: Sequence[Item]
    ) -> Iterator[tuple[PutFile, ...]]:
        """The files of the items; while the next is not ready, the program makes the last one."""
        assert self._own is not None, "a pool begins before it works"
        own: dict[int, tuple[PutFile, ...]] = {}
        unbegun = list(range(len(items)))  # the last is taken first: workers begin with the first
        for number, answer in enumerate(answers):
            while number not in own and not answer.done() and unbegun and unbegun[-1] >= number:
                last = unbegun.pop()
                if answers[last].cancel():
                    own[last] = self._own.made(make, items[last])
            yield own.pop(number) if number in own else answer.result()

    def end(self, *, at_once: bool = False) -> None:
        """End the processes. What they have not begun is dropped.

        Args:
            at_once: drop also what they have begun.
        """
        with uninterrupted():
            processes = [*self._processes.values()]
            manager: Any = self._executor._executor_manager_thread
            self._executor.shutdown(wait=not at_once, cancel_futures=True)
            if at_once:
                _kill(processes)
                if manager is not None:
                    manager.join(GRACE)  # it closes what the interpreter uses at its end
            self._open.close()


def local_pool(jobs: int | None) -> StartPool:
    """Starts processes of this machine.

    Args:
        jobs: number of processes that the user wants; None for one on each core.
    """

    def start(cache: SiteCache, read: ReadRecord, new_cells: int) -> Pool | None:
        count = process_count(jobs, new_cells)
        if count == 1:
            return None
        pool = LocalPool(count - 1)
        try:
            pool.begin(cache, read)
        except BaseException:
            pool.end(at_once=True)
            raise
        return pool

    return start


def _kill(processes: Sequence[BaseProcess]) -> None:
    """Kill processes, and wait until the system has removed them."""
    for process in processes:
        process.kill()
    for process in processes:
        process.join(GRACE)


class _EndsWithItsBlock(ABC):
    """A context manager that ends something; after an error at once."""

    def __enter__(self) -> Self:
        """Use it; it ends with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.end(at_once=kind is not None)

    @abstractmethod
    def end(self, *, at_once: bool = False) -> None:
        """End it; ``at_once`` drops what was begun."""


class EarlyPool(_EndsWithItsBlock):
    """Processes of this machine that load their modules while the program still plans.

    It is a :data:`StartPool`, and ends with its block. Without it, a core waits for both.

    Args:
        jobs: as for :func:`local_pool`.
        cells: number of new cells that is expected.
    """

    def __init__(self, jobs: int | None, cells: int) -> None:
        self._jobs = jobs
        self._count = process_count(jobs, cells)
        self._pool = LocalPool(self._count - 1) if self._count > 1 else None
        self._given = False

    def __call__(self, cache: SiteCache, read: ReadRecord, new_cells: int) -> Pool | None:
        """The pool, unless another number of processes is wanted; once only."""
        if self._pool is None or self._given:
            return None
        if process_count(self._jobs, new_cells) != self._count:
            self.end()
            return None
        self._given = True
        self._pool.begin(cache, read)
        return self._pool

    def end(self, *, at_once: bool = False) -> None:
        """End the processes if they are not needed, or not yet.

        Args:
            at_once: drop also what they have begun.
        """
        if self._pool is not None:
            self._pool.end(at_once=at_once)
            self._pool = None


class Workers(_EndsWithItsBlock):
    """A pool of processes, or none: then the program makes all files itself.

    Args:
        cache: the files of the site.
        pool: puts files into its folder.
    """

    def __init__(self, cache: SiteCache, pool: Pool | None) -> None:
        self._cache = cache
        self._pool = pool

    def end(self, *, at_once: bool = False) -> None:
        """End the workers. What they have not begun is dropped.

        Args:
            at_once: drop also what they have begun.
        """
        if self._pool is not None:
            self._pool.end(at_once=at_once)
            self._pool = None

    def ahead(self, make: Make[Item], items: Sequence[Item]) -> Iterator[Item]:
        """The items in order, each when workers have put its files into the cache.

        Workers begin with them at once. Without workers, or after one was killed, the files are not
        there yet.
        """
        pool = self._pool
        try:
            made = pool.map(make, items) if pool is not None else iter(())
        except BrokenProcessPool:
            self._killed()
            made = iter(())
        return self._adopted(made, items)

    def _adopted(
        self, made: Iterator[tuple[PutFile, ...]], items: Sequence[Item]
    ) -> Iterator[Item]:
        waiting = iter(items)
        try:
            for files in made:
                self._cache.adopt(files)
                yield next(waiting)
        except BrokenProcessPool:
            self._killed()
        yield from waiting

    def _killed(self) -> None:
        if self._pool is not None:
            logger.warning(
                "A worker process was killed; perhaps the memory was full. The rest is made "
                "in one process. With --jobs 1 there are no workers."
            )
        self.end(at_once=True)


class Bench:
    """Makes files, in a worker or in the program while it waits for one.

    Args:
        root: the staging folder.
        former: folder of the previous site.
        settings: how records are drawn.
        kept: folder of numbers that are kept beside records, or None.
        read: gives the record of a key.
    """

    def __init__(
        self, root: Path, former: Path, settings: Settings, kept: Path | None, read: ReadRecord
    ) -> None:
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


def _begin() -> None:
    """Prepare a worker."""
    # Ctrl-C reaches every process of the terminal; the program ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_program, daemon=True).start()
    prepare()


def prepare() -> None:
    """Load what makes files, and limit linear algebra to one thread."""
    import generator.present.site.jobs  # noqa: F401, PLC0415 - late: a site may need no workers

    make_warnings_legible()
    one_thread(analyses=True)


def _begun() -> None:
    """Return from a worker that has begun."""


def _end_with_the_program() -> None:
    """End this worker when the program was killed."""
    program = multiprocessing.parent_process()
    if program is not None:
        program.join()
        os._exit(1)


@lru_cache(maxsize=1)
def _bench(path: Path) -> Bench:
    """The bench of a worker, from the file of :meth:`LocalPool.begin`."""
    return Bench(*pickle.loads(path.read_bytes()))  # noqa: S301 - written by the program


def _made(bench: Path, make: Make[Item], item: Item) -> tuple[PutFile, ...]:
    """Make the files of an item in a worker."""
    return _bench(bench).made(make, item)
