"""A process on each device of this machine.

A process is a fresh interpreter that runs :func:`serve`. It gets pickles by its standard input and
answers by its standard output. So a script that builds a gallery needs no ``if __name__ ==
"__main__"``, and the process ends with the program, however that ends.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from generator.cores import usable_cores
from generator.errors import GalleryError, ModelError
from generator.pipeline.workers.measurer import Measurer
from generator.pipeline.workers.telling import Stopped, sendable, told
from generator.pipeline.workers.work import Deal, How, Note, Outcome, Outcomes, Work
from generator.records.store import Store
from generator.version import PACKAGE

logger = logging.getLogger(__name__)

BOOT = "import sys; sys.path[:] = sys.argv[1:]\n"
SERVE = f"from {PACKAGE}.pipeline.workers.devices import serve; serve()"
STARTS = 2
"""Processes that may end on a device before they are ready; then it is left alone."""

LENGTH = 8
"""Bytes before a message to a process, with its length."""

GRACE = 5.0
"""Seconds that a process has to end by itself."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process needs once."""

    how: How
    store: Path


@dataclass(frozen=True, slots=True)
class Ready:
    """A process can take a batch."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Tell all outcomes: there is no batch now."""


@dataclass(frozen=True, slots=True)
class End:
    """There is nothing more to do."""


Message = Outcome | Stopped | Ready
Events = SimpleQueue[tuple["_Process", Message | None]]


class DeviceProcesses:
    """A crew of a process on each device.

    Args:
        devices: a device for each process, all of one kind.
        dtype: dtype of weights and activations.
        store: receives records.
    """

    def __init__(self, devices: Sequence[str], dtype: str, store: Store) -> None:
        self.size = len(devices)
        self.place = f"{len(devices)} devices"
        self._devices = devices
        self._dtype = dtype
        self._store = store
        self._unstarted = dict.fromkeys(range(len(devices)), 0)
        self._started = 0

    def measure(self, work: Work) -> Outcomes:
        """Measure all batches.

        Raises:
            StoreError: the store cannot be written.
            ModelError: no process can be started.
        """
        events: Events = SimpleQueue()
        running = {process.name: process for process in self._all(events)}
        idle: list[_Process] = []
        try:
            while not work.done:
                process, message = events.get()
                match message:
                    case Ready():
                        process.ready = True
                        if not process.begins(work):
                            idle.append(process)
                    case Stopped(error):
                        raise error
                    case None:
                        del running[process.name]
                        idle = [other for other in idle if other is not process]
                        yield from self._lost(process, work, running, events)
                        idle = [other for other in idle if not other.begins(work)]
                    case outcome:
                        work.settle(process.name, outcome)
                        yield outcome
        except BaseException:
            _end(running.values(), at_once=True)
            raise
        _end(running.values(), at_once=False)

    def _all(self, events: Events) -> Iterator[_Process]:
        return (self._start(place, events) for place in range(self.size))

    def _start(self, place: int, events: Events) -> _Process:
        """Start a process on a device."""
        self._started += 1
        device = self._devices[place]
        setup = Setup(How(device, self._dtype), self._store.root)
        return _Process(f"{self._started}", place, setup, self.size, events)

    def _lost(
        self, process: _Process, work: Work, running: dict[str, _Process], events: Events
    ) -> Iterator[Outcome]:
        """Take back what a process had that was killed, and start another."""
        device = self._devices[process.place]
        process.wait()
        yield from work.lose(process.name)
        if not process.ready:
            self._unstarted[process.place] += 1
        if self._unstarted[process.place] < STARTS:
            yield Note(f"A process on {device} was killed; what it had is measured again.")
            another = self._start(process.place, events)
            running[another.name] = another
        elif not running:
            raise ModelError(
                f"No process can be started on {', '.join(dict.fromkeys(self._devices))}.",
                "See what it printed above, or name one device with --device.",
            )


class _Process:
    """A process on a device, as the program sees it.

    Attributes:
        name: differs for each process.
        place: number of its device.
        ready: whether it has begun.
    """

    def __init__(self, name: str, place: int, setup: Setup, processes: int, events: Events) -> None:
        self.name = name
        self.place = place
        self.ready = False
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, "-c", BOOT + SERVE, *(path or str(Path.cwd()) for path in sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | _threads(setup.how.device, processes),
        )
        self._send(setup)
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    def begins(self, work: Work) -> bool:
        """Send it the next batch, if there is one."""
        deal = work.deal(self.name)
        self._send(deal or Flush())
        return deal is not None

    def end(self, *, at_once: bool) -> None:
        """Have the process end."""
        if at_once:
            self._process.terminate()
        else:
            self._send(End())

    def wait(self) -> None:
        """Wait until it has ended; kill it if that takes long."""
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it was killed; the listener tells
            data = pickle.dumps(message)
            self._process.stdin.write(len(data).to_bytes(LENGTH) + data)
            self._process.stdin.flush()

    def _listen(self, events: Events) -> None:
        """Pass on what the process says; None when it has ended, or cannot be read."""
        assert self._process.stdout is not None
        try:
            while True:
                events.put((self, pickle.load(self._process.stdout)))  # noqa: S301 - our own
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            logger.debug("%s has ended", self.name)
        except Exception:  # a pickle may raise anything, and the program would wait forever
            logger.exception("%s cannot be read", self.name)
        events.put((self, None))


def _end(processes: Iterable[_Process], *, at_once: bool) -> None:
    """End processes, all at the same time."""
    ending = [*processes]
    for process in ending:
        process.end(at_once=at_once)
    for process in ending:
        process.wait()


def _threads(device: str, processes: int) -> dict[str, str]:
    """Processes on the CPU share its cores, unless the user has chosen otherwise."""
    if device != "cpu" or "OMP_NUM_THREADS" in os.environ:
        return {}
    return {"OMP_NUM_THREADS": str(max(usable_cores() // processes, 1))}


def serve() -> None:
    """Measure what comes by the standard input, until the program ends."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not disturb the pickles
    # Ctrl-C reaches every process of the terminal; the program ends this one itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    inbox: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_read, args=(inbox,), daemon=True).start()
    setup: Setup = inbox.get()

    def tell(message: Message) -> None:
        pipe.write(sendable(message))
        pipe.flush()

    try:
        with Measurer(setup.how, Store(setup.store)) as measurer:
            tell(Ready())
            while not isinstance(message := inbox.get(), End):
                if isinstance(message, Flush):
                    outcomes = measurer.flush()
                else:
                    outcomes = measurer.measure(message)
                for outcome in told(outcomes):
                    tell(outcome)
                if isinstance(message, Deal):
                    tell(Ready())
    except GalleryError as error:
        tell(Stopped(error))
    except BrokenPipeError:
        os._exit(1)


def _read(inbox: SimpleQueue[Any]) -> None:
    """Read messages; end at once when the program is gone."""
    while length := _exactly(LENGTH):
        inbox.put(pickle.loads(_exactly(int.from_bytes(length))))  # noqa: S301 - from the program
    os._exit(1)


def _exactly(count: int) -> bytes:
    """So many bytes of the standard input; none at its end.

    Not by ``sys.stdin``, whose lock a waiting thread would hold when the interpreter ends.
    """
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            return b""
        data += part
    return data


def _stop(number: int, frame: object) -> None:
    """End as after an error, so that unfinished files are removed."""
    raise SystemExit(1)
