"""Finding pictures: search folders, hash files and read their headers, assign credits and slugs.

:mod:`generator.images.pixels` decodes them, when they are measured. Damage after a header is found
then.
"""

from __future__ import annotations

import logging
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from generator.cores import usable_cores
from generator.errors import ImageError
from generator.images.credits import Credit, read_credits
from generator.images.header import picture_header
from generator.images.pixels import open_noted, open_picture, readable, reading
from generator.progress import Reporter, Silent
from generator.records.file_hashes import Sha256Of, sha256_of
from generator.records.run import Failure, Frame, ImageEntry
from generator.spec.toml import did_you_mean_beside
from generator.text.slugs import unique_slugs

__all__ = ["find_pictures", "load_images", "open_picture"]

logger = logging.getLogger(__name__)

EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jxl"}
    | {".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
"""Suffixes of pictures in a folder. Pillow may not read some of them, but a reported failure is
better than a silent omission."""


class SiteTest(Protocol):
    """Says whether a folder is a built site: its pictures are not the user's."""

    def __call__(self, folder: Path, /) -> bool:
        """Whether it is."""


def _no_site(folder: Path, /) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Search:
    """How folders are searched.

    Attributes:
        avoid: resolved folders to skip.
        is_site: which folders to leave out.
        left_out: receives those.
    """

    avoid: frozenset[Path]
    is_site: SiteTest = _no_site
    left_out: list[Path] = field(default_factory=list)

    @staticmethod
    def avoiding(skip: Iterable[Path], is_site: SiteTest = _no_site) -> _Search:
        return _Search(frozenset(Path(os.path.realpath(folder)) for folder in skip), is_site)


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture, and its folders below the input as ``a/b``."""

    path: Path
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFrame:
    """A frame of a sequence before it becomes an image.

    Attributes:
        path: path of the picture, or of a clip that cannot be used.
        name: file name on pages and in annotations.
        stem: source of the slug.
        title: title of the image, unless credits give one.
        group: heading to list it under.
        credit: credit of the clip; None for the credits of the picture's folder.
        frame: place in the sequence; None for a clip that cannot be used.
    """

    path: Path
    name: str
    stem: str
    title: str
    group: str
    credit: Credit | None = None
    frame: Frame | None = None
    failure: Failure | None = None

    @staticmethod
    def picture(
        path: Path,
        name: str,
        *,
        group: str = "",
        credit: Credit | None = None,
        failure: Failure | None = None,
    ) -> FoundFrame:
        """A single picture, called as its file unless the credit has a title."""
        name = readable(name)
        stem = Path(name).stem
        return FoundFrame(
            path=path,
            name=name,
            stem=stem,
            title=(credit.title if credit else "") or stem,
            group=readable(group),
            credit=credit,
            failure=failure,
        )


def find_pictures(inputs: Iterable[Path], *, skip: Iterable[Path] = ()) -> tuple[Path, ...]:
    """List the pictures of files and folders, each file once.

    A file is accepted with any suffix. A folder is searched recursively in natural order (``2.png``
    before ``10.png``), files before subfolders. Hidden files and folders, and files without a
    picture's suffix, are skipped.

    Args:
        skip: folders not to search, such as the output folder.

    Raises:
        ImageError: an input does not exist, cannot be listed, or holds no picture.
    """
    return tuple(found.path for found in _find(inputs, _Search.avoiding(skip)))


def load_images(
    inputs: Iterable[Path | FoundFrame],
    *,
    skip: Iterable[Path] = (),
    frames: Sequence[FoundFrame] = (),
    is_site: SiteTest = _no_site,
    reporter: Reporter | None = None,
    jobs: int | None = 1,
    sha256_of: Sha256Of = sha256_of,
) -> tuple[ImageEntry, ...]:
    """Find pictures, hash them and read their headers; a bad one becomes an entry with its failure.

    Only pictures of 16 bits a channel are decoded: their owner may have to be told that they are
    nearly black.

    Args:
        inputs: files and folders, see :func:`find_pictures`, and pictures that were found.
        skip: folders not to search.
        frames: frames of sequences, placed after the pictures; ``inputs`` may then be empty.
        is_site: which folders to leave out, because their pictures are a site's.
        reporter: receives progress, and a note on each folder that was left out.
        jobs: number of files that are read at once; None for one on each core.
        sha256_of: gives the hash of a file; it may remember it.

    Raises:
        ImageError: an input does not exist or holds no picture.
        SpecError: a ``credits.toml`` beside the pictures is malformed.
    """
    inputs, reporter = tuple(inputs), reporter or Silent()
    search = _Search.avoiding(skip, is_site)
    stills = _find(inputs, search) if inputs or not frames else []
    for folder in search.left_out:
        reporter.note(f"{folder} is a gallery that was built before, so it is left out.")
    found = [*(_as_frame(item) for item in stills), *frames]
    folders = {item.path.parent for item in found if item.credit is None}
    credited = {folder: read_credits(folder) for folder in folders}
    checked = _check_all(found, reporter, jobs, sha256_of)
    keys = [f"{i.group}/{i.name}\n{c.sha256}" for i, c in zip(found, checked, strict=True)]
    slugs = unique_slugs([item.stem for item in found], keys)
    return tuple(
        _entry(item, slug, check, _credit(item, credited))
        for item, slug, check in zip(found, slugs, checked, strict=True)
    )


def _as_frame(item: _Found | FoundFrame) -> FoundFrame:
    """A single picture as a :class:`FoundFrame`."""
    if isinstance(item, FoundFrame):
        return item
    return FoundFrame.picture(item.path, item.path.name, group=item.group)


def _credit(item: FoundFrame, credited: Mapping[Path, Mapping[str, Credit]]) -> Credit:
    if item.credit is not None:
        # its title is the sequence's
        return replace(item.credit, title="", group="")
    found = credited[item.path.parent].get(item.name, Credit())
    return replace(found, group="") if item.frame else found


@dataclass(frozen=True, slots=True)
class _Checked:
    """Facts of a file: hash, oriented size in pixels, and its failure."""

    sha256: str = ""
    width: int = 0
    height: int = 0
    note: str = ""
    failure: Failure | None = None


def _entry(item: FoundFrame, slug: str, check: _Checked, credit: Credit) -> ImageEntry:
    return ImageEntry(
        slug=slug,
        name=item.name,
        path=item.path,
        sha256=check.sha256,
        width=check.width,
        height=check.height,
        title=credit.title or item.title,
        alt=credit.alt,
        credit=credit.credit,
        license=credit.license,
        source=credit.source,
        group=credit.group or item.group,
        failure=check.failure,
        note=check.note,
        frame=item.frame,
    )


def _check_all(
    found: Sequence[FoundFrame], reporter: Reporter, jobs: int | None, sha256_of: Sha256Of
) -> tuple[_Checked, ...]:
    """Check files, several at once; results are in order."""
    checked = []
    workers = jobs or usable_cores()
    with (
        ThreadPoolExecutor(workers) as pool,
        reporter.job("checking pictures", len(found), brief=True) as job,
    ):
        for item, check in zip(found, pool.map(partial(_check, sha256_of), found), strict=True):
            if check.note:
                logger.warning("%s: %s", item.name, check.note)
            checked.append(check)
            job.advance()
    return tuple(checked)


def _check(sha256_of: Sha256Of, item: FoundFrame) -> _Checked:
    """Hash a file and read its header."""
    if item.failure is not None:
        return _Checked(failure=item.failure)
    sha256 = ""
    try:
        with reading(item.name):
            sha256 = sha256_of(item.path)
        header = picture_header(item.path)
        note = open_noted(item.path)[1] if header.deep else ""
    except ImageError as error:
        return _Checked(sha256=sha256, failure=Failure(error.message, error.hint))
    return _Checked(sha256, *header.size, note)


# --- finding -------------------------------------------------------------------------------------


def _find(inputs: Iterable[Path | FoundFrame], search: _Search) -> list[_Found | FoundFrame]:
    found: dict[Path | FoundFrame, _Found | FoundFrame] = {}
    given = list(inputs)
    if not given:
        raise ImageError(
            "No images were given.",
            "Name files or folders of pictures (-i, or images).",
            usage=True,
        )
    for place in given:
        if isinstance(place, FoundFrame):
            found[place] = place
            continue
        try:
            items = _pictures_of(place, search)
        except OSError as error:
            raise ImageError(
                f"{place} cannot be read: {error.strerror}.", "Check the path and its permissions."
            ) from error
        for item in items:
            # The folder as the system knows it, but the file's own name, even if it is a link.
            found.setdefault(Path(os.path.realpath(item.path.parent)) / item.path.name, item)
    return list(found.values())


def _pictures_of(path: Path, search: _Search) -> list[_Found]:
    """The pictures of one input."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.lstat()  # since Python 3.14, is_file() takes what cannot be read for not there
    if path.is_file():
        return [_Found(path, "")]
    if not path.is_dir():
        raise missing(path)
    if search.is_site(path):
        raise ImageError(
            f"{path} is a gallery that was built before, not a folder of pictures.",
            "Name the folder that its pictures came from.",
            usage=True,
        )
    items = list(_walk(path, "", search, set()))
    if not items:
        raise ImageError(
            f"No picture was found in {path}.",
            "Name a folder that holds pictures (PNG, JPEG, WebP, TIFF and the like), "
            "or the files themselves.",
            usage=True,
        )
    return items


def _walk(folder: Path, group: str, search: _Search, above: set[Path]) -> Iterator[_Found]:
    """The pictures of a folder, followed by those of its subfolders.

    Args:
        group: the folders above, below the input.
        search: which folders not to search.
        above: resolved parent folders; links back to one are not followed.
    """
    place = Path(os.path.realpath(folder))
    if place in search.avoid or place in above:
        return
    if above and search.is_site(folder):
        search.left_out.append(folder)
        return
    names = sorted((p.name for p in folder.iterdir() if p.name[0] != "."), key=natural_order)
    children = [folder / name for name in names]
    for path in children:
        # A link to nowhere is kept: it will be reported as missing, not left out.
        if path.suffix.lower() in EXTENSIONS and (path.is_file() or not path.exists()):
            yield _Found(path, group)
    for path in children:
        if path.is_dir():
            below = f"{group}/{path.name}".lstrip("/")
            yield from _walk(path, below, search, above | {place})


def natural_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key for natural order: numbers by value, letters without case, no ties."""
    parts = re.split(r"([0-9]+)", unicodedata.normalize("NFC", name).casefold())
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts], name


_OTHER_SCHEME = re.compile(r"(?:^|/)([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE | re.DOTALL)
"""An address in a path, which has lost one of its slashes."""


def not_fetched(path: Path) -> ImageError | None:
    """The error of an address that is taken for a path; None for a path."""
    address = _OTHER_SCHEME.search(path.as_posix())
    if address is None:
        return None
    what = f"{address[1]}://{address[2]} is not fetched: only https:// and hf:// are."
    return ImageError(what, "Download it, and name the file.", usage=True)


def missing(path: Path) -> ImageError:
    """The error of a path that is no file and no folder."""
    if address := not_fetched(path):
        return address
    if path.is_symlink():
        what = f"{path} is a link to what is not there."
        return ImageError(what, "Check where it leads.", usage=True)
    if path.exists():
        return ImageError(
            f"{path} is neither a file nor a folder.", "Name a picture or a folder.", usage=True
        )
    hint = did_you_mean_beside(path) or "Check the path of the images (-i, or images)."
    return ImageError(f"There is no file or folder {path}.", hint, usage=True)
