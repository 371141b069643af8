"""What is typed after ``build``: pictures after one ``-i``, a gallery file, standard input."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from generator.errors import SpecError

PICTURES = ("-i", "--images")
GALLERY = "gallery.toml"
"""The file that is built where none is named."""

STANDARD_INPUT = "-"


class BuildCommand(click.Command):
    """A command whose ``-i`` may be followed by several pictures, as a shell expands ``*.jpg``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, with ``-i`` before each picture."""
        return super().parse_args(ctx, with_each_named(args))


def with_each_named(words: Sequence[str]) -> list[str]:
    """Repeat ``-i`` before every further word after it, up to the next option or a TOML file."""
    found: list[str] = []
    awaited = among = False
    for place, word in enumerate(words):
        if word == "--" and not awaited:
            return [*found, *words[place:]]
        if awaited:
            awaited, among = False, True
        elif word.startswith("-") and word != STANDARD_INPUT:
            awaited = word in PICTURES
            among = not awaited and word.startswith(("--images=", "-i"))
        elif among and Path(word).suffix != ".toml":
            found.append("-i")
        found.append(word)
    return found


def gallery_file(words: Sequence[str]) -> Path | None:
    """The gallery file among the words without an option; None without any.

    Raises:
        SpecError: a word is something else, or there are two files.
    """
    for word in words:
        if Path(word).suffix != ".toml" and (hint := _meant(word)):
            raise SpecError(f"{word} is not a gallery file, which ends in .toml.", hint)
    if len(words) > 1:
        raise SpecError(
            f"One gallery file is built at a time, got {', '.join(words)}.",
            "Write -i before pictures and -m before models.",
        )
    return Path(words[0]) if words else None


def _meant(word: str) -> str:
    """What a word was probably meant to be; empty for a gallery file of another name.

    Raises:
        SpecError: it is nothing that there is, and no model's id.
    """
    from generator.images.clips import VIDEOS
    from generator.images.find import EXTENSIONS
    from generator.spec.models import STATE_DICTS
    from generator.spec.pictures import address_in
    from generator.spec.toml import did_you_mean_beside

    path = Path(word)
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS | VIDEOS or address_in(word) or "*" in word or word == STANDARD_INPUT:
        return f"Did you mean -i {word}?"
    if suffix in STATE_DICTS or (path / "config.json").is_file():
        return f"Did you mean -m {word}?"
    if (path / GALLERY).is_file():
        return f"Did you mean {path / GALLERY}?"
    if path.is_dir():
        return f"Did you mean -i {word}, for the pictures in it?"
    if path.is_file():
        return ""
    if re.fullmatch(r"[^/]+/[^/]+", word):
        return f"Did you mean -m {word}, for a model?"
    hint = did_you_mean_beside(path) or "Write -m before a model, and -i before pictures."
    raise SpecError(f"There is no file or folder {word}.", hint)


def from_standard_input(folder: Path) -> tuple[Path | str, ...]:
    """The picture, or the pictures of a list, on standard input.

    Args:
        folder: where a picture is kept meanwhile.

    Raises:
        ImageError: it holds neither.
    """
    from PIL import Image

    from generator.errors import ImageError
    from generator.images.given import listed_in

    if sys.stdin is not None and sys.stdin.isatty():
        raise ImageError(
            "-i - reads standard input, and nothing is sent there.",
            "Such as: find photos -name '*.jpg' | attention-gallery build -i - -m MODEL.",
            usage=True,
        )
    data = sys.stdin.buffer.read()
    try:
        with Image.open(io.BytesIO(data)) as image:
            kind = (image.format or "PNG").lower()
    except (OSError, Image.DecompressionBombError):
        return tuple(map(str, listed_in(data, Path(), "standard input")))
    path = folder / f"standard-input.{kind}"
    path.write_bytes(data)
    return (path,)
