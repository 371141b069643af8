"""Decoding of clips (video, GIF, WebP): frame times, and frames as upright RGB.

GIF and WebP are read with Pillow. Videos need PyAV, from the extra ``video``; sound and metadata
are never read. Times are in seconds since the first frame and come from the file's timestamps, so
variable frame rates are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from generator.errors import ImageError
from generator.images.pixels import check_size, decoding, on_white, readable, reading
from generator.text.numbers import count

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
ANIMATIONS = frozenset({".gif", ".webp"})

MOST_FRAMES = 50_000
"""Frames of a GIF or WebP, at most: half an hour of film. Each is decoded for its time."""

BATCH = 50_000_000
"""Pixels of frames of a GIF or WebP that are decoded at a time: 150 MB."""

_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
"""Allowed container formats, whatever the suffix: a playlist would open other files."""
_ROUNDED = 6
"""Decimals of times: microseconds."""
_COMMON = 1 / 1000  # seconds; GIF and WebP know no finer ones
_HD = 720
"""Smallest height for HD colors (BT.709) in a video that does not state its colors."""
_WORTH_SEEKING = 5.0
"""Seconds at the start of a clip that are decoded instead of seeking."""
_SAME = 2e-6
"""Times closer than this many seconds are equal."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Frame times of a clip.

    Attributes:
        times: frame times, ascending, in seconds since the first frame; never empty.
        end: end of the last frame, in seconds; 0 if the file does not state it.
        origin: timestamp of the first frame, in seconds.
    """

    times: tuple[float, ...]
    end: float
    origin: float = 0.0


@dataclass(frozen=True, slots=True)
class Shot:
    """A decoded frame: seconds since the clip's first frame, and an RGB picture."""

    time: float
    picture: Image.Image


class DamagedClipError(Exception):
    """The clip cannot be decoded beyond the frames returned so far."""


def is_clip(path: Path) -> bool:
    """Whether a file is a video by its suffix, or a GIF or WebP with several frames."""
    ending = path.suffix.lower()
    if ending in VIDEOS:
        return path.is_file()
    if ending not in ANIMATIONS:
        return False
    try:
        with decoding(path) as image:
            return int(getattr(image, "n_frames", 1)) > 1
    except ImageError:
        return False  # said where it is opened as a picture


def timeline(path: Path) -> Timeline:
    """Read the frame times of a clip without decoding frames.

    Raises:
        ImageError: the file cannot be read, is not a clip or has no frame; or PyAV is missing.
    """
    return _video_timeline(path) if path.suffix.lower() in VIDEOS else _animation_timeline(path)


def shots(path: Path, line: Timeline, times: Sequence[float]) -> Iterator[Shot]:
    """Decode the frames at some times of a clip's timeline, in order.

    Raises:
        ImageError: as :func:`timeline`.
        DamagedClipError: the rest of the clip cannot be decoded.
    """
    read = _video_shots if path.suffix.lower() in VIDEOS else _animation_shots
    return read(path, line, times)


# --- GIF and WebP ------------------------------------------------------------------------------


def _animation_timeline(path: Path) -> Timeline:
    with decoding(path) as image:
        times, now = [], 0.0
        frames = int(getattr(image, "n_frames", 1))
        if frames > MOST_FRAMES:
            raise ImageError(
                f"{readable(path.name)} has {count(frames)} frames; at most {count(MOST_FRAMES)} "
                "are read.",
                "Cut it, or convert it to MP4.",
            )
        for n in range(frames):
            try:
                image.seek(n)
                image.load()  # WebP knows the duration of a frame when it is decoded
            except (EOFError, OSError, SyntaxError, ValueError):
                break
            times.append(round(now, _ROUNDED))
            now += max(float(image.info.get("duration") or 100) * _COMMON, _COMMON)
    if not times:
        raise _no_frames(readable(path.name))
    return Timeline(tuple(times), round(now, _ROUNDED))


def _animation_shots(path: Path, line: Timeline, times: Sequence[float]) -> Iterator[Shot]:
    known = {time: n for n, time in enumerate(line.times)}
    left = list(times)
    while left:
        found, damage = [], None
        with decoding(path) as image:  # in order: a frame is made of those before it
            some = max(1, BATCH // (image.width * image.height))
            try:
                for time in left[:some]:
                    image.seek(known[time])
                    image.load()
                    found.append(Shot(time, _on_white(image.convert("RGBA"))))
            except (EOFError, OSError, SyntaxError, ValueError) as error:
                damage = error
        yield from found
        if damage is not None:
            raise DamagedClipError from damage
        left = left[some:]


# --- videos ------------------------------------------------------------------------------------


def _video_timeline(path: Path) -> Timeline:
    name = readable(path.name)
    with _opened(path) as (container, stream):
        pyav = _pyav()
        times: list[Fraction] = []
        try:
            for packet in container.demux(stream):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None and packet.size and not packet.is_discard:
                    times.append(stamp * packet.time_base)
        except pyav.FFmpegError:
            pass  # what comes behind is missing; the decoder will say so
        length = stream.duration and stream.time_base and stream.duration * stream.time_base
    if not times:
        raise _no_frames(name)
    first = min(times)
    seconds = sorted({round(float(time - first), _ROUNDED) for time in times})
    return Timeline(tuple(seconds), round(float(length or 0), _ROUNDED), float(first))


def _video_shots(path: Path, line: Timeline, times: Sequence[float]) -> Iterator[Shot]:
    wanted = list(times)
    with _opened(path) as (container, stream):
        if wanted[0] > _WORTH_SEEKING:
            container.seek(round((line.origin + wanted[0]) * 1e6))
        for frame in _decoded(container, stream):
            time = round(float(frame.time or 0) - line.origin, _ROUNDED)
            if time <= wanted[0] - _SAME:
                continue
            if frame.is_corrupt:
                raise DamagedClipError
            wanted = [later for later in wanted if later >= time + _SAME]
            yield Shot(time, _picture(frame, stream))
            if not wanted:
                return
    raise DamagedClipError  # it ends before it should


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Frames in display order, up to the first broken one."""
    pyav = _pyav()
    try:
        for packet in container.demux(stream):
            yield from packet.decode()
    except pyav.FFmpegError as error:
        yield from stream.decode(None)  # whole frames that the decoder still holds back
        raise DamagedClipError from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A video and its picture stream, cover pictures excluded."""
    pyav = _pyav(readable(path.name))
    name = readable(path.name)
    with reading(name):
        if not path.stat().st_size:
            raise ImageError(f"{name} is empty (0 bytes).", "Copy the file again.")
        file = path.open("rb")
    options = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
    with file:
        try:
            container = pyav.open(file, options=options, metadata_errors="ignore")
        except (pyav.FFmpegError, ValueError) as error:
            raise ImageError(
                f"{name} is not a video that can be read.",
                "Copy the file again, or convert it to MP4.",
            ) from error
        with container:
            covers = pyav.stream.Disposition.attached_pic
            found = [s for s in container.streams.video if not s.disposition & covers]
            if not found:
                raise ImageError(f"{name} has no pictures, only sound.", "Name a video.")
            stream = found[0]
            if stream.codec_context is None:
                raise ImageError(
                    f"{name} is in a video format that cannot be decoded here.",
                    "Convert it to MP4 (H.264).",
                )
            check_size(stream.width * stream.height, name)
            yield container, stream


def _pyav(name: str = "a video") -> Any:  # PyAV's own types, where it is not installed
    try:
        import av  # noqa: PLC0415 - an extra
        import av.logging  # noqa: PLC0415
    except ImportError as error:
        raise ImageError(
            f"{name} is a video, and PyAV, which reads videos, is not installed.",
            "Install it with `pip install av`.",
        ) from error
    return av


def _picture(frame: VideoFrame, stream: VideoStream) -> Image.Image:
    """A frame as a picture: square pixels, sRGB matrix, on white, upright."""
    aspect = float(stream.sample_aspect_ratio or 1) or 1.0
    width = max(1, round(frame.width * aspect))
    alpha = any(component.is_alpha for component in frame.format.components)
    colors = {} if frame.format.is_rgb or frame.colorspace != _UNSPECIFIED else _assumed(frame)
    plain = frame.reformat(
        width=width,
        format="rgba" if alpha else "rgb24",
        interpolation="BICUBIC",
        **colors,
    )
    picture = Image.fromarray(plain.to_ndarray())
    return _upright(_on_white(picture) if alpha else picture, frame)


def _on_white(picture: Image.Image) -> Image.Image:
    return on_white(picture.convert("RGB"), picture.getchannel("A"))


_UNSPECIFIED = 2
"""FFmpeg's number for unspecified colors."""


def _assumed(frame: VideoFrame) -> dict[str, Any]:
    return {"src_colorspace": "ITU709" if frame.height >= _HD else "ITU601"}


def _upright(picture: Image.Image, frame: VideoFrame) -> Image.Image:
    """Apply the rotation and mirroring of the display matrix.

    The matrix maps a pixel at (x, y) to (a x + c y, b x + d y), in 16.16 fixed point. Phones write
    quarter turns.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return picture
    a, b, _, c, d = struct.unpack("=5i", bytes(matrix)[:20])
    signs = tuple((n > _HALF) - (n < -_HALF) for n in (a, b, c, d))
    turn = _TURNS.get(signs)
    return picture if turn is None else picture.transpose(turn)


_HALF = 1 << 15
_TURNS = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""Pillow's transpose by the signs of a, b, c, d. Pillow rotates counterclockwise; (0, 1, -1, 0) is
a clockwise turn."""


def _no_frames(name: str) -> ImageError:
    return ImageError(f"{name} holds no frame.", "Copy the file again, or leave it out.")
