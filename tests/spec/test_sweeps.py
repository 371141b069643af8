"""Sweeps as the user names them: which checkpoints, in which order, at which steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec, merge, spec_from_options


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("checkpoint-500", "checkpoint-10000", "checkpoint-2000", "last", "notes-1.txt"):
        (tmp_path / "run" / name).mkdir(parents=True)
    (tmp_path / "run" / "notes-1.txt").rmdir()
    (tmp_path / "run" / "notes-1.txt").write_text("loss went down")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gallery(here: Path, text: str) -> GallerySpec:
    (here / "gallery.toml").write_text(f'images = ["photos"]\n{text}')
    return load_spec(Path("gallery.toml"))


def steps(spec: GallerySpec) -> list[tuple[str, int | None]]:
    return [(model.label, model.step) for model in spec.models]


def test_folders_are_sorted_by_the_number_in_their_names(here: Path) -> None:
    spec = gallery(here, '[[sweeps]]\nfolders = "run/checkpoint-*"\n')
    assert steps(spec) == [
        ("run, step 500", 500),
        ("run, step 2000", 2000),
        ("run, step 10000", 10000),
    ]
    assert [model.folder for model in spec.models] == [
        here / "run" / f"checkpoint-{step}" for step in (500, 2000, 10000)
    ]


def test_revisions_stand_behind_the_models(here: Path) -> None:
    spec = gallery(
        here,
        'models = ["org/other"]\n[[sweeps]]\nlabel = "ours"\nid = "org/model"\n'
        'revisions = ["v2-step2000", "v2-step1000"]\nresolution = 64\n',
    )
    assert steps(spec) == [
        ("org/other", None),
        ("ours, step 1000", 1000),
        ("ours, step 2000", 2000),
    ]
    assert [(m.revision, m.resolution) for m in spec.models[1:]] == [
        ("v2-step1000", 64),
        ("v2-step2000", 64),
    ]


def test_steps_may_be_given_where_names_hold_none(here: Path) -> None:
    spec = gallery(
        here, '[[sweeps]]\nfolders = ["run/last", "run/checkpoint-500"]\nsteps = [900, 5]\n'
    )
    assert [(m.id, m.step) for m in spec.models] == [("checkpoint-500", 5), ("last", 900)]


@pytest.mark.usefixtures("here")
def test_a_sweep_on_the_command_line() -> None:
    spec = spec_from_options(
        sweeps=("run/checkpoint-*", "org/model@a1,a2"), images=(Path("photos"),)
    )
    assert [sweep.label for sweep in spec.sweeps] == ["run", "org/model"]
    assert [model.step for model in spec.models] == [500, 2000, 10000, 1, 2]


def test_merging_keeps_each_checkpoint_once(here: Path) -> None:
    spec = gallery(here, 'models = ["org/other"]\n[[sweeps]]\nfolders = "run/checkpoint-*"\n')
    assert merge(spec, title="Again").models == spec.models
    other = merge(spec, models=("org/new",))
    assert [model.id for model in other.models][:2] == ["org/new", "checkpoint-500"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'folders = "run/*"',
            "last has no number in its name to be its step. Give the steps of all checkpoints: "
            "steps = [1000, 2000].",
        ),
        (
            'id = "org/model"\nrevisions = ["a-1", "b-1"]',
            "a-1 and b-1 would both be step 1. Give each checkpoint a step of its own: steps = "
            "[1000, 2000].",
        ),
        (
            'folders = "run/checkpoint-*"\nsteps = [1]',
            "there are 1 steps for 3 checkpoints. The checkpoints are checkpoint-500, "
            "checkpoint-2000, checkpoint-10000.",
        ),
        ('folders = "nowhere/*"', "no folder is called nowhere/*. Check the path."),
        (
            'folders = "run/last"',
            "folders run/last is one checkpoint. Name two or more; a single one is a model.",
        ),
        (
            'id = "org/model"',
            'a sweep is an id with revisions, or folders. Write id = "org/model" and revisions = '
            '[...], or folders = "run/checkpoint-*".',
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_next_step(here: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        gallery(here, f"[[sweeps]]\n{text}\n")
    assert str(error.value) == f"gallery.toml: sweeps: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'folder = "run/checkpoint-*"',
            "unknown key folder of sweep 1. Did you mean folders?",
        ),
        (
            'folders = "run/checkpoint-*"\nsteps = ["early"]',
            'steps of sweep 1 should be a list of whole numbers from 0, got the text "early".',
        ),
    ],
)
def test_keys_and_values_are_checked(here: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        gallery(here, f"[[sweeps]]\n{text}\n")
    assert str(error.value) == f"gallery.toml: {said}"


def test_two_sweeps_of_one_label_are_refused(here: Path) -> None:
    with pytest.raises(SpecError, match="two sweeps are called run"):
        gallery(here, '[[sweeps]]\nfolders = "run/checkpoint-*"\n' * 2)
