"""Clips and numbered folders become images that know their place in time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from generator.errors import ImageError, SpecError
from generator.images.find import load_images
from generator.images.sequences import find_frames, of_one_size
from generator.records.run import ImageEntry, sequences_of
from generator.spec.options import load_spec, spec_from_options
from generator.spec.sequences import SequenceSpec
from tests import moving


def images_of(
    store: Path, images: list[Path], sequences: list[SequenceSpec] | None = None
) -> tuple[ImageEntry, ...]:
    inputs = find_frames(images, sequences or [], store)
    return of_one_size(load_images(inputs.stills, frames=inputs.frames))


def sequence(path: Path, **given: object) -> SequenceSpec:
    return SequenceSpec.model_validate({"path": path, **given})


def test_frames_of_a_video_are_images_with_a_time(tmp_path: Path) -> None:
    clip = moving.video(tmp_path / "A dog runs.mp4", 5, metadata={"location": "+48.1+011.5/"})
    Image.new("RGB", (8, 8)).save(tmp_path / "still.png")
    still, *frames = images_of(tmp_path / "store", [clip, tmp_path / "still.png"])
    assert (still.name, still.frame) == ("still.png", None)
    assert [f.slug for f in frames][:2] == ["a-dog-runs-0000-000s", "a-dog-runs-0000-100s"]
    assert frames[1].name == "A dog runs-0000.100s.png"
    assert frames[1].title == "A dog runs, 0.100 s"
    assert {f.group for f in frames} == {"A dog runs"}
    places = [f.frame for f in frames if f.frame]
    assert [(p.number, p.time) for p in places] == [(n + 1, n / 10) for n in range(5)]
    (found,) = sequences_of([still, *frames])
    assert (found.slug, found.label, found.source) == ("a-dog-runs", "A dog runs", clip.name)
    assert (found.of, found.taken, found.damage) == (
        5,
        "all 5 frames, from 0.000 s to 0.400 s",
        "",
    )
    for frame in frames:
        with Image.open(frame.path) as picture:
            assert (picture.format, picture.info) == ("PNG", {})
            assert b"+48.1" not in frame.path.read_bytes()


def test_frames_are_decoded_once_and_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = moving.video(tmp_path / "a.mp4", 4)
    first = images_of(tmp_path / "store", [clip])
    again = images_of(tmp_path / "other", [clip])
    assert [i.sha256 for i in first] == [i.sha256 for i in again]
    monkeypatch.setitem(sys.modules, "av", None)  # a laptop that only has the store
    assert images_of(tmp_path / "store", [clip]) == first
    first[2].path.unlink()
    with pytest.raises(ImageError, match="pip install av"):
        images_of(tmp_path / "store", [clip])


@pytest.mark.parametrize(
    ("given", "times", "taken"),
    [
        ({"max_frames": 3}, [0.0, 1.0, 1.9], "3 of 20 frames, spread evenly, from 0.000 s"),
        ({"every": 0.5}, [0.0, 0.5, 1.0, 1.5], "4 of 20 frames, one every 0.5 s, from"),
        ({"every": 0.25, "end": 0.8}, [0.0, 0.3, 0.5, 0.8], "4 of 9 frames, one every 0.25 s"),
        ({"start": 1.75}, [1.8, 1.9], "all 2 frames, from 1.800 s to 1.900 s"),
        (
            {"every": 0.1, "max_frames": 2},
            [0.0, 0.1],
            "the first 2 frames, 0.1 s apart, from 0.000 s to 0.100 s; max_frames is 2, so the "
            "rest is left out",
        ),
        ({"every": 30}, [0.0], "1 of 20 frames, one every 30 s"),
    ],
)
def test_which_frames_are_taken_is_chosen_and_said(
    tmp_path: Path, given: dict[str, float], times: list[float], taken: str
) -> None:
    clip = moving.video(tmp_path / "a.mkv", 20, codec="ffv1", pixels="bgr0")
    images = images_of(tmp_path / "store", [], [sequence(clip, **given)])
    assert [i.frame.time for i in images if i.frame] == times
    found = [moving.square_at(Image.open(image.path)) for image in images]
    assert found == [4 + moving.STEP * round(10 * time) for time in times]
    assert sequences_of(images)[0].taken.startswith(taken)


@pytest.mark.slow
def test_64_frames_are_taken_of_a_long_clip(tmp_path: Path) -> None:
    clip = moving.animation(tmp_path / "a.gif", 100, 40, (320, 64))
    images = images_of(tmp_path / "store", [clip])
    assert len(images) == 64
    said = "64 of 100 frames, spread evenly, from 0.000 s to 3.960 s"
    assert sequences_of(images)[0].taken == said


def test_a_folder_is_ordered_by_the_numbers_in_its_names(tmp_path: Path) -> None:
    names = ["shot_2 (v1).png", "shot_10 (v1).png", "shot_9 (v1).png"]
    walk = moving.folder(tmp_path / "walk", names)
    images = images_of(tmp_path / "store", [], [sequence(walk)])
    assert [image.name for image in images] == [names[0], names[2], names[1]]
    frames = moving.folder(tmp_path / "frames", [f"f{n}.png" for n in (1, 2, 3, 10, 20, 30)])
    images = images_of(tmp_path / "store", [], [sequence(frames, start=2, end=20, every=2)])
    assert [image.title for image in images] == ["frames, 2", "frames, 10"]
    assert [image.slug for image in images] == ["frames-f2", "frames-f10"]
    assert sequences_of(images)[0].taken == "2 of 4 pictures, one in 2, from 2 to 10"
    with pytest.raises(ImageError, match=r"every of the sequence .*walk is 0\.5;.* whole number"):
        images_of(tmp_path / "store", [], [sequence(walk, every=0.5)])
    with pytest.raises(ImageError, match="has 3 pictures, and none is between its start and end"):
        images_of(tmp_path / "store", [], [sequence(walk, start=50)])


def test_a_frame_of_another_size_says_so_and_the_rest_go_on(tmp_path: Path) -> None:
    walk = moving.folder(tmp_path / "walk", ["1.png", "2.png", "3.png"])
    Image.new("RGB", (20, 10)).save(walk / "2.png")
    good, bad, last = images_of(tmp_path / "store", [], [sequence(walk)])
    assert (good.failure, last.failure) == (None, None)
    assert bad.failure is not None
    assert bad.failure.message == (
        "2.png has 20 × 10 pixels; 1.png, the first frame of walk, has 96 × 64."
    )


def test_a_clip_that_is_none_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "junk.mp4").write_bytes(b"junk" * 50)
    good = moving.animation(tmp_path / "a.gif", 2)
    bad, *rest = images_of(tmp_path / "store", [tmp_path / "junk.mp4", good])
    assert (bad.name, bad.slug, bad.frame) == ("junk.mp4", "junk", None)
    assert bad.failure is not None
    assert bad.failure.message == "junk.mp4 is not a video that can be read."
    assert len(rest) == 2
    late = sequence(good, start=5)
    (empty,) = images_of(tmp_path / "store", [], [late])
    assert empty.failure is not None
    assert empty.failure.message == (
        "a.gif has no frame between 5 s and its end: its last one is at 0.1 s."
    )


def test_what_is_whole_of_a_damaged_clip_is_kept_and_said(tmp_path: Path) -> None:
    clip = moving.video(tmp_path / "a.mp4", 20)
    data = bytearray(clip.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    middle = (begin + end) // 2
    data[middle:end] = bytes(end - middle)
    clip.write_bytes(data)
    images = images_of(tmp_path / "store", [clip])
    assert 0 < len(images) < 20
    assert images[-1].frame is not None and images[-1].frame.time is not None
    assert sequences_of(images)[0].damage == (
        "a.mp4 is damaged or cut short: nothing can be decoded after "
        f"{images[-1].frame.time:.3f} s."
    )


def test_credits_of_a_clip_hold_for_its_frames(tmp_path: Path) -> None:
    clip = moving.animation(tmp_path / "a.gif", 2)
    (tmp_path / "credits.toml").write_text(
        '["a.gif"]\ntitle = "A walk"\ncredit = "Ada"\nlicense = "CC0 1.0"\nalt = "A square"\n'
    )
    for image in images_of(tmp_path / "store", [clip]):
        assert (image.credit, image.license, image.alt) == ("Ada", "CC0 1.0", "A square")
        assert image.group == "A walk"
        assert image.title.startswith("A walk, 0.")


def test_what_cannot_be_a_sequence_is_refused(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(picture)
    with pytest.raises(ImageError, match=r"^a\.png is no sequence: neither a video"):
        images_of(tmp_path / "store", [], [sequence(picture)])
    with pytest.raises(ImageError, match=r"There is no file or folder .*gone"):
        images_of(tmp_path / "store", [], [sequence(tmp_path / "gone")])


def test_a_gallery_may_be_a_sequence_alone(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text('models = ["a/b"]\n[[sequences]]\npath = "clip.mp4"\nevery = 0.5\n')
    spec = load_spec(file)
    assert (spec.images, spec.sequences[0].path) == ((), tmp_path / "clip.mp4")
    spec = spec_from_options(models=("a/b",), sequences=(Path("frames"),))
    assert spec.sequences == (SequenceSpec(path=Path("frames")),)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("every = 0", "every of sequence 1 should be a number of seconds above 0; of a folder"),
        ("evry = 1", "unknown key evry of sequence 1. Did you mean every?"),
        ("max_frames = 0.5", "max_frames of sequence 1 should be a whole number from 1, got the"),
        ('start = "1"', "start of sequence 1 should be a number from 0, got the text"),
    ],
)
def test_a_sequence_is_checked_in_words(tmp_path: Path, table: str, message: str) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(f'models = ["a/b"]\n[[sequences]]\npath = "clip.mp4"\n{table}\n')
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    assert message in str(caught.value)
