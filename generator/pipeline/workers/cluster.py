"""Measuring on a cluster that Ray runs.

A worker is an actor with a GPU, or with a whole node where there are none. It loads a model once.
The program deals the work out, so whatever is lost with a node runs on another one.
Ray is imported here only, when a cluster is asked for.
"""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.errors import GalleryError, StoreError
from generator.pipeline.workers.node import (
    Hello,
    Lacking,
    NodeMeasurer,
    NodeSetup,
    expect_same_versions,
)
from generator.pipeline.workers.telling import Stopped
from generator.pipeline.workers.work import Deal, How, Note, Outcome, Outcomes, Recorded, Work
from generator.records.store import Store, unwritable
from generator.temporary import beside

logger = logging.getLogger(__name__)

EXTRA = "attention-gallery[cluster]"
RESCAN = 5.0
"""Seconds between two looks for new nodes."""

STARTS = 2
"""Workers that may end on a node before they are ready; then it is left alone."""

PATIENCE = 600.0
"""Seconds to wait for a first free node, which a cluster may have to start."""

VISIBLE = 90.0
"""Seconds until a file that another node wrote must be seen: network file systems keep what they
know for so long."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a worker can be.

    Attributes:
        node: Ray's id of the node.
        host: name of the node.
        number: of the GPU on the node; 0 where it has none.
        cpus: processors of the worker.
        gpus: 1 or 0.
    """

    node: str
    host: str
    number: int
    cpus: float
    gpus: int


class Cluster:
    """A connection to a Ray cluster.

    Attributes:
        ray: the module.
        address: as the user gave it.
        own_node: id of the node of this program.
    """

    def __init__(self, ray: Any, address: str) -> None:
        self.ray = ray
        self.address = address
        self.own_node: str = ray.get_runtime_context().get_node_id()

    def seats(self, *, accelerators: bool = True) -> list[Seat]:
        """Where workers can be now.

        Args:
            accelerators: whether to use GPUs where the cluster has some.
        """
        found = []
        nodes = [node for node in self.ray.nodes() if node["Alive"]]
        nodes.sort(key=lambda node: (node["NodeID"] != self.own_node, node["NodeID"]))
        for node in nodes:
            resources = node["Resources"]
            cpus, gpus = resources.get("CPU", 0.0), int(resources.get("GPU", 0))
            where = node["NodeID"], node["NodeManagerHostname"]
            if gpus and accelerators:
                found += [Seat(*where, n, cpus // gpus, 1) for n in range(gpus)]
            elif cpus >= 1:
                found.append(Seat(*where, 0, cpus, 0))
        with_gpu = [seat for seat in found if seat.gpus]
        return with_gpu or found

    def actor(self, kind: type, seat: Seat, cpus: float, *arguments: object) -> Any:
        """Start an actor on a node."""
        scheduling = importlib.import_module("ray.util.scheduling_strategies")
        strategy = scheduling.NodeAffinitySchedulingStrategy(node_id=seat.node, soft=False)
        options = {"num_cpus": cpus, "num_gpus": seat.gpus, "scheduling_strategy": strategy}
        return self.ray.remote(kind).options(max_restarts=0, **options).remote(*arguments)

    def end(self, actor: Any) -> None:
        """End an actor."""
        with suppress(self.ray.exceptions.RayError):
            self.ray.kill(actor, no_restart=True)


def seats_in_words(seats: Sequence[Seat]) -> str:
    """Such as ``2 nodes, 8 workers with a GPU each``."""
    nodes = len({seat.node for seat in seats})
    each = "with a GPU each" if any(seat.gpus for seat in seats) else "on the CPU"
    workers = "1 worker" if len(seats) == 1 else f"{len(seats)} workers"
    return f"{nodes} {'node' if nodes == 1 else 'nodes'}, {workers} {each}"


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """A connection to a running cluster; all workers end with the block.

    Args:
        address: ``auto``, or the host and port of its head.

    Raises:
        GalleryError: Ray is not installed, or there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise GalleryError("--ray needs the extra 'cluster'.", f"pip install '{EXTRA}'") from error
    _expect_answer(address)
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_cluster(address, str(error)) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminated)  # Ray replaces it
    try:
        yield Cluster(ray, address)
    finally:
        ray.shutdown()


def _expect_answer(address: str) -> None:
    """Check that something answers; Ray would try for a long time.

    Raises:
        GalleryError: nothing does.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except OSError as error:
        raise _no_cluster(address, error.strerror or str(error)) from error


def _no_cluster(address: str, reason: str) -> GalleryError:
    first = reason.strip().split("\n", maxsplit=1)[0].rstrip(".")
    where = "on this machine" if address == "auto" else f"at {address}"
    return GalleryError(
        f"There is no Ray cluster {where}: {first}.",
        "Start one with ray start --head, or run this on one of its nodes.",
    )


@dataclass(slots=True, eq=False)
class _Worker:
    """An actor, as the program sees it.

    Attributes:
        name: differs for each worker.
        reply: the file by which it says that it sees the store.
        answer: what is waited for; None while it is idle.
        deal: what it measures.
        ready: whether it has said hello.
        shared: whether it writes to the program's store.
    """

    name: str
    seat: Seat
    actor: Any
    reply: Path
    answer: Any
    deal: Deal | None = None
    ready: bool = False
    shared: bool = False


@dataclass(slots=True)
class _State:
    """What a crew knows while it measures."""

    mark: Path
    token: str
    workers: list[_Worker] = field(default_factory=list)
    unstarted: dict[Seat, int] = field(default_factory=dict)
    scanned: float = -RESCAN
    waited: float = field(default_factory=time.monotonic)
    reason: str = ""
    started: int = 0


class RayCrew:
    """A crew of Ray actors.

    Args:
        cluster: a connection.
        device: ``auto``, ``cpu`` or ``cuda``.
        dtype: dtype of weights and activations.
        store: receives records.
    """

    def __init__(self, cluster: Cluster, device: str, dtype: str, store: Store) -> None:
        self._cluster = cluster
        self._store = store
        self._accelerators = device != "cpu"
        seats = cluster.seats(accelerators=self._accelerators)
        self.accelerated = device == "cuda" or any(seat.gpus for seat in seats)
        self._how = How("cuda" if self.accelerated else "cpu", dtype)
        self.size = max(len(seats), 2)  # one bar for all models
        self.place = seats_in_words(seats)

    def measure(self, work: Work) -> Outcomes:
        """Measure all batches.

        Raises:
            StoreError: the store cannot be written.
            GalleryError: no node is free, or the nodes differ.
        """
        try:
            with beside(self._store.root / "mark") as mark:
                token = secrets.token_hex(16)
                mark.write_text(token)
                state = _State(mark, token)
                try:
                    while not work.done:
                        yield from self._step(state, work)
                finally:
                    for worker in state.workers:
                        self._dismiss(worker)
        except OSError as error:
            raise unwritable(self._store.root, error) from error

    def _step(self, state: _State, work: Work) -> Iterator[Outcome]:
        """Hand out what waits, and take one answer."""
        self._recruit(state)
        for worker in state.workers:
            if worker.answer is None and (deal := work.deal(worker.name)):
                self._ask(worker, deal, None)
        waiting = {worker.answer: worker for worker in state.workers if worker.answer is not None}
        if any(worker.ready for worker in state.workers):
            state.waited = time.monotonic()
        elif time.monotonic() - state.waited > PATIENCE or self._hopeless(state):
            raise GalleryError(
                f"No node of the Ray cluster is free to measure{state.reason}.",
                "Look at it with ray status.",
            )
        if not waiting:
            time.sleep(0.2)
            return
        done, _ = self._cluster.ray.wait([*waiting], timeout=1.0)
        for answer in done:
            yield from self._hear(state, waiting[answer], work)

    def _recruit(self, state: _State) -> None:
        """Start a worker on every free seat."""
        if time.monotonic() - state.scanned < RESCAN:
            return
        state.scanned = time.monotonic()
        taken = {worker.seat for worker in state.workers}
        for seat in self._cluster.seats(accelerators=self._accelerators):
            if seat in taken or bool(seat.gpus) != self.accelerated:
                continue
            if state.unstarted.get(seat, 0) < STARTS:
                state.workers.append(self._start(state, seat))

    def _start(self, state: _State, seat: Seat) -> _Worker:
        state.started += 1
        with beside(self._store.root / "reply") as reply:
            pass  # only its name: the worker writes it
        own = seat.node == self._cluster.own_node
        setup = NodeSetup(
            self._how,
            self._store.root.absolute(),
            state.mark.absolute(),
            state.token,
            reply.absolute(),
            own,
            Path.cwd(),
        )
        actor = self._cluster.actor(NodeMeasurer, seat, seat.cpus, setup)
        return _Worker(str(state.started), seat, actor, reply, actor.hello.remote())

    def _hopeless(self, state: _State) -> bool:
        """Whether workers have ended everywhere before they were ready."""
        return (
            not state.workers
            and bool(state.unstarted)
            and all(
                state.unstarted.get(seat, 0) >= STARTS
                for seat in self._cluster.seats(accelerators=self._accelerators)
            )
        )

    def _ask(self, worker: _Worker, deal: Deal, pictures: dict[str, bytes] | None) -> None:
        worker.deal = deal
        worker.answer = worker.actor.measure.remote(deal, pictures, shared=worker.shared)

    def _hear(self, state: _State, worker: _Worker, work: Work) -> Iterator[Outcome]:
        """Take the answer of a worker."""
        errors = self._cluster.ray.exceptions
        try:
            said = self._cluster.ray.get(worker.answer)
        except errors.RayTaskError as error:
            raise error.as_instanceof_cause() from None
        except errors.RayError as error:
            yield from self._lost(state, worker, work, error)
            return
        worker.answer = None
        if isinstance(said, Hello):
            expect_same_versions(said)
            worker.ready = True
            worker.shared = _sees(worker, state.token)
            return
        for each in said:
            if isinstance(each, Stopped):
                raise each.error
            if isinstance(each, Lacking):
                assert worker.deal is not None
                self._ask(worker, worker.deal, _read(each))
                return
            if isinstance(each, Recorded) and each.record is None:
                self._expect_seen(each.key, worker.seat)
            work.settle(worker.name, each)
            yield each

    def _lost(
        self, state: _State, worker: _Worker, work: Work, error: Exception
    ) -> Iterator[Outcome]:
        """Take back what a lost worker had. Another is started where its node is still there."""
        state.workers.remove(worker)
        self._dismiss(worker)
        state.scanned = -RESCAN
        if not worker.ready:
            state.unstarted[worker.seat] = state.unstarted.get(worker.seat, 0) + 1
            state.reason = f": {str(error).strip().splitlines()[-1].strip()}"
        yield from work.lose(worker.name)
        yield Note(f"A worker on {worker.seat.host} was lost; what it had is measured again.")

    def _dismiss(self, worker: _Worker) -> None:
        self._cluster.end(worker.actor)
        with suppress(OSError):
            worker.reply.unlink(missing_ok=True)

    def _expect_seen(self, key: str, seat: Seat) -> None:
        """Wait until a record that a node has written is seen here.

        Raises:
            StoreError: it is not.
        """
        until = time.monotonic() + VISIBLE
        while not self._store.has(key):
            if time.monotonic() > until:
                raise StoreError(
                    f"The node {seat.host} has written the record {key[:12]} to "
                    f"{self._store.root}, but it is not there on this machine.",
                    "Name a store on a file system that all nodes share, or on this machine alone.",
                )
            time.sleep(0.5)


def _sees(worker: _Worker, token: str) -> bool:
    """Whether a worker has answered the mark, so that it writes where the program reads."""
    try:
        return worker.reply.read_text() == token
    except OSError:
        return False


def _read(lacking: Lacking) -> dict[str, bytes]:
    """The bytes of pictures by hash; one that is gone is missed by the worker, who says so."""
    found = {}
    for image in lacking.pictures:
        with suppress(OSError):
            found[image.sha256] = image.path.read_bytes()
    return found
