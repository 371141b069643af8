"""Clips as people have them: any container, turned by a phone, cut short, or no clip at all."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.errors import ImageError
from generator.images.clips import DamagedClipError, is_clip, shots, timeline
from generator.images.pixels import open_picture
from tests import moving


def decoded(path: Path) -> list[Image.Image]:
    line = timeline(path)
    return [shot.picture for shot in shots(path, line, line.times)]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.m4v", "mpeg4", "yuv420p"),
        ("a.mov", "libx264", "yuv444p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mkv", "ffv1", "gray16le"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("A.MP4", "libx264", "yuv420p10le"),
    ],
)
def test_frames_come_in_order_whatever_the_container(
    tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    path = moving.video(tmp_path / name, 12, codec=codec, pixels=pixels)
    assert is_clip(path)
    line = timeline(path)
    assert line.times == tuple(round(n / 10, 6) for n in range(12))
    pictures = decoded(path)
    assert {(p.mode, p.size) for p in pictures} == {("RGB", (moving.WIDTH, moving.HEIGHT))}
    if pixels != "gray16le":
        found = [moving.square_at(picture) for picture in pictures]
        assert np.abs(np.subtract(found, [4 + 3 * n for n in range(12)])).max() <= 2


def test_timestamps_are_those_of_the_file(tmp_path: Path) -> None:
    """Phones record with a variable frame rate, and files need not start at zero."""
    stamps = (500, 540, 1000, 1010, 2500)
    line = timeline(moving.video(tmp_path / "a.mp4", 5, times=stamps))
    assert line.times == (0.0, 0.04, 0.5, 0.51, 2.0)


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
        ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
        ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
        ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
def test_a_turned_phone_is_turned_back(
    tmp_path: Path, matrix: tuple[int, int, int, int], turn: Image.Transpose
) -> None:
    path = moving.video(tmp_path / "a.mp4", 2)
    as_stored = decoded(path)[0]
    upright = decoded(moving.turned(path, matrix))[0]
    assert upright.tobytes() == as_stored.transpose(turn).tobytes()
    assert upright.size == as_stored.transpose(turn).size


def test_what_shines_through_is_white(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mov"
    clear = np.zeros((64, 96, 4), dtype=np.uint8)
    clear[:, :48] = (0, 0, 255, 255)
    with av.open(path, "w") as container:
        stream = container.add_stream("qtrle", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "argb"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(clear, format="rgba")))
        container.mux(stream.encode())
    (picture,) = decoded(path)
    assert (picture.getpixel((10, 10)), picture.getpixel((80, 10))) == ((0, 0, 255), (255,) * 3)


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_animations_need_no_further_package(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = moving.animation(tmp_path / name, 4, [100, 50, 200, 100])
    assert is_clip(path)
    line = timeline(path)
    assert (line.times, line.end) == ((0.0, 0.1, 0.15, 0.35), 0.45)
    found = [moving.square_at(picture) for picture in decoded(path)]
    assert np.abs(np.subtract(found, [4, 7, 10, 13])).max() <= 2


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_frames_are_the_same_however_many_are_decoded_at_a_time(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = moving.animation(tmp_path / name, 5, [100] * 5)
    whole = [picture.tobytes() for picture in decoded(path)]
    monkeypatch.setattr("generator.images.clips.BATCH", 2 * moving.WIDTH * moving.HEIGHT)
    line = timeline(path)
    found = []
    for shot in shots(path, line, line.times):
        open_picture(path)  # nobody waits for the clip
        found.append(shot.picture.tobytes())
    assert found == whole
    some = [line.times[1], line.times[4]]
    assert [shot.picture.tobytes() for shot in shots(path, line, some)] == [whole[1], whole[4]]


def test_a_still_gif_is_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.gif")
    (tmp_path / "b.gif").write_bytes(b"junk")
    assert not is_clip(tmp_path / "a.gif")
    assert not is_clip(tmp_path / "b.gif")  # reported where it is opened as a picture


def test_what_is_no_video_is_said_to_be_none(tmp_path: Path) -> None:
    files = {
        "junk.mp4": b"junk" * 100,
        "empty.mp4": b"",
        "list.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    moving.sound(tmp_path / "sound.mp4")
    expected = {
        "junk.mp4": "junk.mp4 is not a video that can be read. "
        "Copy the file again, or convert it to MP4.",
        "empty.mp4": "empty.mp4 is empty (0 bytes). Copy the file again.",
        "list.mp4": "list.mp4 is not a video that can be read. "
        "Copy the file again, or convert it to MP4.",
        "sound.mp4": "sound.mp4 has no pictures, only sound. Name a video.",
    }
    for name, message in expected.items():
        with pytest.raises(ImageError) as caught:
            timeline(tmp_path / name)
        assert str(caught.value) == message


def test_a_video_that_was_cut_short_gives_what_is_whole(tmp_path: Path) -> None:
    path = moving.video(tmp_path / "a.mkv", 20, codec="ffv1", pixels="bgr0")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    line = timeline(path)
    assert 5 < len(line.times) < 15
    path = moving.video(tmp_path / "b.mp4", 20)
    line = timeline(path)
    broken = bytearray(path.read_bytes())
    begin, end = broken.index(b"mdat") + 4, broken.index(b"moov") - 4
    middle = (begin + end) // 2
    broken[middle:end] = bytes(end - middle)
    path.write_bytes(broken)
    found = []
    with pytest.raises(DamagedClipError):
        for shot in shots(path, line, line.times):
            found.append(shot.time)
    assert 0 < len(found) < 20


def test_without_the_reader_of_videos_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = moving.video(tmp_path / "a.mp4", 2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImageError) as caught:
        timeline(path)
    assert str(caught.value) == (
        "a.mp4 is a video, and PyAV, which reads videos, is not installed. "
        "Install it with `pip install av`."
    )
