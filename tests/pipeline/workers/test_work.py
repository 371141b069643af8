"""How measuring is cut into batches and dealt out, whatever becomes of the workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from generator.capture.checkpoint.preprocess import Geometry
from generator.errors import ModelError
from generator.pipeline.plan import PlannedCell, PlannedModel
from generator.pipeline.workers.work import (
    Batch,
    Recorded,
    Unmeasured,
    WeightsRead,
    Work,
    cut,
)
from generator.records.record import PatchQueries, TokenLayout, View
from generator.records.run import ImageEntry, ModelEntry

PATCH = 16


def model(name: str) -> PlannedModel:
    return PlannedModel(ModelEntry(name, name, name, "", weights=f"{name} weights"), None, None)


def cell(
    name: str, owner: str = "a", grid: tuple[int, int] = (6, 9), queries: PatchQueries = "off"
) -> PlannedCell:
    rows, cols = grid
    size = (cols * PATCH, rows * PATCH)
    view = View(*size, 0.0, 0.0, *map(float, size), *size)
    return PlannedCell(
        owner,
        ImageEntry(name, name, Path(name), "", *size, ""),
        key=f"{owner} {name}",
        geometry=Geometry((0.0, 0.0, *map(float, size)), size, (0, 0, *size), view),
        layout=TokenLayout(("CLS",), rows, cols),
        patch_queries=queries,
    )


def sizes(
    cells: Sequence[PlannedCell], size: int | None, *, accelerated: bool = False
) -> list[int]:
    found = cut(model("a"), cells, weights=True, size=size, accelerated=accelerated)
    assert [batch.weights for batch in found] == [True, *[False] * (len(found) - 1)]
    assert [each for batch in found for each in batch.cells] == list(cells)
    return [len(batch.cells) for batch in found]


@pytest.mark.parametrize("size", [1, 2, None])
def test_batches_hold_what_can_run_together(size: int | None) -> None:
    wide = [cell(f"wide {n}") for n in range(3)]
    tall = [cell(f"tall {n}", grid=(9, 6)) for n in range(2)]
    found = sizes([*wide, *tall, cell("more", grid=(9, 6), queries="mean")], size)
    assert found == {1: [1] * 6, 2: [2, 1, 2, 1], None: [3, 2, 1]}[size]


def test_automatic_batch_is_bounded_by_its_tokens() -> None:
    many = [cell(str(n)) for n in range(50)]  # of 55 tokens
    assert sizes(many, None) == [37, 13]
    assert sizes(many, None, accelerated=True) == [50]


def test_a_model_without_pictures_is_loaded_for_its_weights() -> None:
    (alone,) = cut(model("a"), [], weights=True, size=None, accelerated=False)
    assert (alone.cells, alone.weights) == ((), True)
    assert cut(model("a"), [], weights=False, size=None, accelerated=False) == []


def batches(owner: str, count: int, pictures: int = 1) -> list[Batch]:
    cells = [cell(str(n), owner) for n in range(count * pictures)]
    return cut(model(owner), cells, weights=False, size=pictures, accelerated=False)


def name(work: Work, worker: str) -> str:
    """The next batch of a worker, by its pictures."""
    deal = work.deal(worker)
    return ", ".join(cell.key for cell in deal.batch.cells) if deal else ""


def settle(work: Work, worker: str, *keys: str) -> None:
    for key in keys:
        work.settle(worker, Recorded(key))


def test_one_worker_goes_in_order() -> None:
    work = Work([*batches("a", 2), *batches("b", 2)])
    found = []
    while done := name(work, "one"):
        found.append(done)
        settle(work, "one", done)
    assert found == ["a 0", "a 1", "b 0", "b 1"]
    assert work.done


def test_workers_take_different_models_and_then_help() -> None:
    work = Work([*batches("a", 2), *batches("b", 6)])
    assert [name(work, worker) for worker in ("one", "two")] == ["a 0", "b 0"]
    assert [name(work, "one") for _ in range(2)] == ["a 1", "b 2"]
    assert name(work, "two") == "b 1"


def test_two_workers_share_two_batches() -> None:
    """What one has only been promised, another may begin."""
    work = Work(batches("a", 2))
    assert (name(work, "one"), name(work, "two"), name(work, "one")) == ("a 0", "a 1", "")
    assert not work.done
    settle(work, "one", "a 0")
    settle(work, "two", "a 1")
    assert work.done


def test_what_a_lost_worker_had_goes_to_another() -> None:
    work = Work(batches("a", 3))
    assert name(work, "one") == "a 0"
    settle(work, "one", "a 0")
    assert name(work, "one") == "a 1"
    assert work.lose("one") == []
    assert [name(work, "two") for _ in range(3)] == ["a 1", "a 2", ""]


def test_records_that_were_not_yet_written_are_measured_again() -> None:
    """A worker writes the records of one batch while it measures the next."""
    work = Work(batches("a", 3))
    assert [name(work, "one") for _ in range(2)] == ["a 0", "a 1"]
    work.lose("one")
    assert {name(work, "two") for _ in range(3)} == {"a 0", "a 1", "a 2"}


def test_a_picture_that_ends_every_worker_fails_alone() -> None:
    work, told = Work(batches("a", 2, pictures=2)), []
    worker = 0
    while not work.done:
        worker += 1
        while found := name(work, str(worker)):
            if "a 2" in found:
                told += work.lose(str(worker))
                break
            settle(work, str(worker), *found.split(", "))
    (only,) = told
    assert isinstance(only, Unmeasured) and only.key == "a 2"
    assert str(only.problem) == (
        "3 processes that measured a on 2 were killed. Perhaps the memory was full: lower "
        "--resolution, or use --dtype bfloat16."
    )
    assert worker == 4, "three were lost, and one finished"


def test_what_waits_of_a_failed_model_is_dropped() -> None:
    work = Work([*batches("a", 3), *batches("b", 1)])
    assert name(work, "one") == "a 0"
    work.drop("a")
    assert [name(work, "one"), name(work, "one")] == ["b 0", ""]
    settle(work, "one", "b 0")
    assert work.done


def test_weights_are_part_of_the_work() -> None:
    (alone,) = cut(model("a"), [], weights=True, size=None, accelerated=False)
    work = Work([alone])
    assert work.deal("one") is not None and not work.done
    work.settle("one", WeightsRead("a weights"))
    assert work.done
    lost = Work([alone])
    for worker in ("one", "two"):
        assert lost.deal(worker) and lost.lose(worker) == []
    assert lost.deal("three")
    (failed,) = lost.lose("three")
    assert isinstance(failed.problem, ModelError) and lost.done
