"""A cluster: the same gallery as on one machine, whatever a node lacks and whichever is lost."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.errors import GalleryError, SpecError
from generator.pipeline.build import planned_gallery
from generator.pipeline.plan import WorkPlan
from generator.pipeline.workers.cluster import Seat, connected, seats_in_words
from generator.pipeline.workers.node import (
    Hello,
    Lacking,
    NodeMeasurer,
    NodeSetup,
    expect_same_versions,
    versions,
)
from generator.pipeline.workers.telling import Stopped
from generator.pipeline.workers.work import Batch, Deal, How, Recorded, WeightsRead, cut
from generator.progress import Silent
from generator.records.store import Store, load_records
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec, merge
from tests.pipeline.galleries import build, files, measured_files, picture


def without_a_namespace() -> str:
    """Why no cluster can be started here; empty if one can."""
    if importlib.util.find_spec("ray") is None:
        return "Ray is not installed: pip install 'attention-gallery[cluster]'."
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "There is no unshare or no ip, so a cluster would not stay on this machine."
    tried = subprocess.run(
        ["unshare", "-rn", "ip", "link", "set", "lo", "up"], capture_output=True, check=False
    )
    return "A network namespace cannot be made here." if tried.returncode else ""


@pytest.mark.slow
@pytest.mark.timeout(260)
def test_the_gallery_is_the_same_on_two_nodes_of_which_one_is_killed(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := without_a_namespace():
        pytest.skip(reason)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for seed in range(6):
        picture(tmp_path / "photos" / f"{seed}.png", seed)
    models = json.dumps([str(checkpoints / name) for name in ("plain", "registers")])
    (tmp_path / "gallery.toml").write_text(
        f'models = {models}\nimages = ["photos"]\nbatch_size = 1\ndevice = "cpu"\n'
    )
    plain = tmp_path / "plain"
    build(load_spec(tmp_path / "gallery.toml", out=plain / "site", store=plain / "store"))
    script = [sys.executable, "-m", "tests.pipeline.workers.ray_cluster", str(tmp_path)]
    done = subprocess.run(
        ["unshare", "-rn", *script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["measured"], told["failures"], told["left"]) == (12, [], [])
    place = "Measured on the Ray cluster HEAD: 2 nodes, 2 workers on the CPU."
    assert place in told["plan"]
    lost = [note for note in told["notes"] if note.endswith("what it had is measured again.")]
    assert told["makers"] == 2, "the pages are made on the cluster, too"
    assert len(lost) == 1 and lost[0].startswith("A worker on ")
    assert measured_files(tmp_path / "ray" / "store") == measured_files(plain / "store")
    assert files(tmp_path / "ray" / "site") == files(plain / "site")


@pytest.fixture
def plan(spec: GallerySpec) -> WorkPlan:
    return planned_gallery(spec, Store(spec.store), Silent())


def batch_of(plan: WorkPlan) -> Batch:
    """Everything of the first model."""
    model = plan.models[0]
    cells = plan.missing(model)
    (batch,) = cut(model, cells, weights=True, size=None, accelerated=False)
    return batch


def node(place: Path, store: Path, *, same_machine: bool = False) -> NodeMeasurer:
    mark, reply = place / "mark", place / "reply"
    setup = NodeSetup(How("cpu", "float32"), store, mark, "x", reply, same_machine, Path.cwd())
    return NodeMeasurer(setup)


def moved(batch: Batch, place: Path) -> Batch:
    """A batch whose pictures are not where they were found."""
    cells = tuple(
        replace(cell, image=replace(cell.image, path=place / cell.image.path.name))
        for cell in batch.cells
    )
    return replace(batch, cells=cells)


def test_a_node_that_shares_nothing_measures_what_is_sent(
    spec: GallerySpec, plan: WorkPlan, tmp_path: Path
) -> None:
    batch = batch_of(plan)
    there = moved(batch, tmp_path / "elsewhere")
    worker = node(tmp_path, tmp_path / "no store")
    (lacking,) = worker.measure(Deal(there), None, shared=False)
    assert isinstance(lacking, Lacking)
    assert [picture.name for picture in lacking.pictures] == ["first.png", "second.jpg"]
    sent = {cell.image.sha256: cell.image.path.read_bytes() for cell in batch.cells}
    weights, *records = worker.measure(Deal(there), sent, shared=False)[2:]
    assert isinstance(weights, WeightsRead) and weights.weights is not None
    assert not (tmp_path / "no store").exists()
    build(spec)
    known = {record.key: record for record in load_records(spec.store)}
    assert len(records) == 2
    for each in records:
        assert isinstance(each, Recorded) and each.record is not None
        assert (each.record.attention == known[each.key].attention).all()


def test_a_picture_with_other_bytes_is_not_measured_for_it(plan: WorkPlan, tmp_path: Path) -> None:
    batch = batch_of(plan)
    for cell in batch.cells:
        picture(tmp_path / "elsewhere" / cell.image.path.name, 99)
    there = moved(batch, tmp_path / "elsewhere")
    (lacking,) = node(tmp_path, tmp_path / "store").measure(Deal(there), None, shared=False)
    assert isinstance(lacking, Lacking) and len(lacking.pictures) == 2


def test_records_of_a_lost_worker_are_not_measured_again(
    spec: GallerySpec, plan: WorkPlan, passes: list[tuple[str, int]], tmp_path: Path
) -> None:
    batch = replace(batch_of(plan), weights=False)
    build(spec)
    passes.clear()
    found = node(tmp_path, spec.store).measure(Deal(batch), None, shared=True)
    assert found == [Recorded(cell.key) for cell in batch.cells]
    assert not passes


def test_other_weights_on_a_node_are_an_error(plan: WorkPlan, tmp_path: Path) -> None:
    batch = batch_of(plan)
    resolved = batch.model.resolved
    assert resolved is not None
    other = replace(batch.model, resolved=replace(resolved, weights_sha256="0" * 64))
    here = replace(batch, model=other)
    (stopped,) = node(tmp_path, tmp_path / "store").measure(Deal(here), None, shared=False)
    assert isinstance(stopped, Stopped)
    assert stopped.error.message.startswith("plain has other weights on the node ")
    hint = "Put it on a file system that all nodes share, or on the hub."
    assert stopped.error.hint == hint


def test_a_folder_that_a_node_lacks_is_an_error(plan: WorkPlan, tmp_path: Path) -> None:
    batch = batch_of(plan)
    asked = batch.model.asked
    assert asked is not None
    gone = asked.model_copy(update={"folder": tmp_path / "gone"})
    here = replace(batch, model=replace(batch.model, asked=gone))
    (stopped,) = node(tmp_path, tmp_path / "store").measure(Deal(here), None, shared=False)
    assert isinstance(stopped, Stopped)
    assert stopped.error.message.startswith("plain cannot be read on the node ")


def test_other_versions_on_a_node_are_an_error() -> None:
    expect_same_versions(Hello("two", versions()))
    other = {**dict(versions()), "numpy": "1.0"}
    with pytest.raises(GalleryError) as caught:
        expect_same_versions(Hello("two", tuple(other.items())))
    assert str(caught.value) == (
        f"The node two has numpy 1.0, and this machine has {dict(versions())['numpy']}: their "
        "numbers could differ. Install the same versions on all nodes, for instance with one "
        "container image."
    )


@pytest.mark.parametrize(("written", "answered"), [("x", True), ("another", False), ("", False)])
def test_a_node_answers_only_where_it_sees_the_store(
    tmp_path: Path, written: str, answered: bool
) -> None:
    if written:
        (tmp_path / "mark").write_text(written)
    assert node(tmp_path, tmp_path).hello().versions == versions()
    assert (tmp_path / "reply").exists() is answered


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(GalleryError) as caught, connected("auto"):
        pass
    assert str(caught.value) == (
        "--ray needs the extra 'cluster'. pip install 'attention-gallery[cluster]'"
    )


def test_a_cluster_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", types.ModuleType("ray"))
    with pytest.raises(GalleryError) as caught, connected("127.0.0.1:1"):
        pass
    assert str(caught.value) == (
        "There is no Ray cluster at 127.0.0.1:1: Connection refused. Start one with ray start "
        "--head, or run this on one of its nodes."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"ray": "ray://head:10001"},
            "--ray should be auto, or the host and port of a Ray cluster's head, got the text "
            '"ray://head:10001".',
        ),
        (
            {"ray": "auto", "device": "cuda:1"},
            "--device: cuda:1 cannot be chosen on a Ray cluster. Use auto, cpu or cuda.",
        ),
    ],
)
def test_what_cannot_be_asked_of_a_cluster(
    spec: GallerySpec, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        merge(spec, **options)
    assert str(caught.value) == message


def test_places_of_workers_in_words() -> None:
    gpus = [Seat(node, node, number, 4.0, 1) for node in ("a", "b") for number in (0, 1)]
    assert seats_in_words(gpus) == "2 nodes, 4 workers with a GPU each"
    assert seats_in_words([Seat("a", "a", 0, 16.0, 0)]) == "1 node, 1 worker on the CPU"
