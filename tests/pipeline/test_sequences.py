"""Clips in a gallery: their frames, measured like pictures."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from generator.commands.dry_run import print_plan
from generator.present.files.manifest_file import read_manifest
from generator.progress import Lines
from generator.spec.sequences import SequenceSpec
from tests import moving
from tests.pipeline.galleries import build, files, gallery


def test_a_video_becomes_frames_that_are_measured_like_pictures(
    checkpoints: Path, tmp_path: Path
) -> None:
    """With a phone's position and title in it, which nothing that is published may tell."""
    clip = moving.video(
        tmp_path / "walk.mp4",
        6,
        metadata={
            "location": "+48.8584+002.2945/",
            "title": "SecretTitle",
            "comment": "SecretWord",
        },
    )
    assert b"SecretTitle" in clip.read_bytes()
    spec = gallery(
        tmp_path,
        checkpoints / "plain",
        images=(clip,),
        sequences=(),
    )
    outcome = build(spec)
    assert (outcome.measured, outcome.failures) == (6, ())
    manifest = read_manifest(spec.out)
    assert manifest is not None
    assert [i.frame.time for i in manifest.images if i.frame] == [n / 10 for n in range(6)]
    assert (spec.out / "q/walk/index.html").is_file()
    for name, data in files(spec.out).items():
        for secret in (b"SecretTitle", b"SecretWord", b"48.8584"):
            assert secret not in data, name
    before = files(spec.out)
    again = build(spec)
    assert (again.measured, again.reused) == (0, 6)
    assert files(spec.out) == before
    # more frames of the same clip cost only those
    longer = SequenceSpec(path=clip, every=0.2, label="A walk")
    outcome = build(spec.model_copy(update={"images": (), "sequences": (longer,)}))
    assert (outcome.measured, outcome.reused) == (0, 3)


def test_which_frames_were_taken_is_told(checkpoints: Path, tmp_path: Path) -> None:
    clip = moving.animation(tmp_path / "a.gif", 8)
    spec = gallery(
        tmp_path,
        checkpoints / "plain",
        images=(),
        sequences=(SequenceSpec(path=clip, max_frames=3),),
    )
    console = Console(file=io.StringIO(), width=200)
    print_plan(spec, Console(file=io.StringIO(), width=200), Lines(console))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "a.gif: 3 of 8 frames, spread evenly, from 0.000 s to 0.700 s" in said
