"""Weights and pictures that somebody writes to meanwhile: never numbers under a wrong hash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from generator.pipeline.build import planned_gallery
from generator.pipeline.measuring import measure_missing
from generator.progress import Silent
from generator.records.record import AttentionRecord
from generator.records.store import Store
from generator.spec.gallery import GallerySpec
from tests.pipeline.galleries import build, picture, replace_models

NAME = "model.safetensors"


@dataclass(frozen=True)
class Trained:
    """A checkpoint of a training, and the file that the training writes next.

    Attributes:
        spec: a gallery of it.
    """

    spec: GallerySpec
    folder: Path
    later: Path


@pytest.fixture
def trained(spec: GallerySpec, checkpoints: Path, tmp_path: Path) -> Trained:
    folder, later = tmp_path / "last", tmp_path / "later.safetensors"
    shutil.copytree(checkpoints / "plain", folder)
    tensors = load_file(folder / NAME)
    save_file({name: 0.9 * tensor for name, tensor in tensors.items()}, later, {"format": "pt"})
    for seed in range(2, 5):
        picture(tmp_path / "photos" / f"{seed}.png", seed)
    one_by_one = spec.model_copy(update={"batch_size": 1})
    return Trained(replace_models(one_by_one, folder), folder, later)


def renamed(trained: Trained) -> None:
    shutil.copy(trained.later, trained.folder / "new")
    (trained.folder / "new").replace(trained.folder / NAME)


def written_over(trained: Trained) -> None:
    shutil.copy(trained.later, trained.folder / NAME)


def removed(trained: Trained) -> None:
    (trained.folder / NAME).unlink()


@pytest.mark.parametrize("change", [renamed, written_over])
def test_weights_that_change_before_they_are_loaded_are_not_measured(
    trained: Trained, change: Callable[[Trained], None]
) -> None:
    store = Store(trained.spec.store)
    plan = planned_gallery(trained.spec, store, Silent())
    change(trained)
    problems = measure_missing(trained.spec, plan, store, Silent())
    assert {problem.message for problem in problems.values()} == {
        "model.safetensors of last was changed between hashing and loading."
    }
    assert {problem.hint for problem in problems.values()} == {
        "Run the command again when nothing writes to it, or measure a copy."
    }
    assert not any(store.has(key) for key in problems)


@pytest.mark.parametrize("change", [renamed, written_over, removed])
def test_weights_that_change_after_they_were_loaded_change_no_number(
    trained: Trained, change: Callable[[Trained], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(trained.spec)
    store = Store(trained.spec.store)
    clean = {key: store.get(key) for key in store.keys()}  # noqa: SIM118 - not a mapping
    shutil.rmtree(trained.spec.store)

    put, changed = Store.put, list[str]()

    def put_then_change(self: Store, record: AttentionRecord) -> None:
        put(self, record)
        if not changed:
            change(trained)
            changed.append("once")

    monkeypatch.setattr(Store, "put", put_then_change)
    again = trained.spec.model_copy(update={"out": trained.spec.out.with_name("again")})
    assert build(again).measured == 5
    for key, record in clean.items():
        assert np.array_equal(store.get(key).attention, record.attention)


def test_a_picture_that_changes_before_it_is_measured_fails_alone(
    spec: GallerySpec, tmp_path: Path
) -> None:
    store = Store(spec.store)
    plan = planned_gallery(spec, store, Silent())
    picture(tmp_path / "photos" / "first.png", 77)  # of the same size
    problems = measure_missing(spec, plan, store, Silent())
    assert {(problem.message, problem.hint) for problem in problems.values()} == {
        ("first.png was changed after it was hashed.", "Build again.")
    }
    measured = {cell.image.name for cell in plan.cells if store.has(cell.key)}
    assert measured == {"second.jpg"}
    assert build(spec).measured == 2


def test_a_picture_that_changes_before_the_pages_is_not_shown(
    spec: GallerySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store.put

    def put_then_change(self: Store, record: AttentionRecord) -> None:
        put(self, record)
        picture(tmp_path / "photos" / "first.png", 77)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", put_then_change)
        outcome = build(spec)
    assert "first.png was changed after it was hashed. Build again." in {
        failure.text for failure in outcome.failures
    }
    assert build(spec).measured == 2


CUT = """
import sys
from pathlib import Path
import torch
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import load
folder = Path(sys.argv[1])
model = load(resolve_folder(folder), device=torch.device("cpu"), dtype=torch.float32)
(folder / "model.safetensors").write_bytes(b"")
print(float(sum(p.double().abs().sum() for p in model.network.parameters())) > 0)
"""


@pytest.mark.slow
def test_weights_that_become_shorter_do_not_end_the_program(trained: Trained) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(trained.folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
