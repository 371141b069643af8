"""Pictures of a data set, by the library ``datasets``: rows are read as they stream.

Each picture is kept as its file was, in the folder ``fetched`` of the record store, with an index
that says which rows they are. The index holds for one commit of the data set.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from generator.errors import ImageError, StoreError
from generator.images.credits import Credit
from generator.images.find import FoundFrame
from generator.images.remote import FETCHED
from generator.progress import Reporter
from generator.records.packing import PackingError, canonical, revive
from generator.spec.dataset import DatasetSpec
from generator.spec.toml import did_you_mean
from generator.temporary import keep_in_store
from generator.text.numbers import count
from generator.text.phrases import listed

MOST_ROWS = 2000
"""Rows that are read, at most."""


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """The picture of a row.

    Attributes:
        file: its name in the folder of the index.
        row: number in the split, from 0.
        label: the name of its class; empty where there is no class column.
    """

    file: str
    row: int
    label: str


@dataclass(frozen=True, slots=True)
class DatasetIndex:
    """The rows that were read of a data set.

    Attributes:
        commit: full hash on the hub; empty for a local folder.
        license: as the data set's card states it.
    """

    commit: str
    license: str
    rows: tuple[DatasetRow, ...]


def dataset_pictures(spec: DatasetSpec, store: Path, reporter: Reporter) -> tuple[FoundFrame, ...]:
    """The pictures of a data set's rows.

    Args:
        store: folder of the record store, which keeps them.

    Raises:
        ImageError: there is no such data set, split or column, it has too many rows, there is no
            network, or the library ``datasets`` is missing.
        StoreError: the store cannot be written.
    """
    request = hashlib.sha256(canonical(spec.model_dump()).encode()).hexdigest()[:32]
    folder = store / FETCHED / request
    name, _, revision = spec.name.partition("@")
    known = _read(folder)
    here = Path(name).expanduser().is_dir()
    commit, license, reached = (
        ("", "", True) if here else _version(name, revision, kept=known is not None)
    )
    if known is None or here or (reached and known.commit != commit):
        known = DatasetIndex(commit, license, tuple(_rows(spec, folder, reporter)))
        keep_in_store(folder / "index.json", canonical(asdict(known)).encode(), "A picture")
    elif not reached:
        reporter.note(f"{spec.name}: the hub cannot be reached; taken as it was before")
    title = PurePosixPath(name).name
    source = "" if here else f"https://huggingface.co/datasets/{name}"
    return tuple(
        FoundFrame.picture(
            folder / row.file,
            f"{title}-{row.file}",
            group=row.label,
            credit=Credit(f"{title} {row.row}", license=known.license, source=source),
        )
        for row in known.rows
    )


def _version(name: str, revision: str, *, kept: bool) -> tuple[str, str, bool]:
    """Commit and license of a data set on the hub, and whether the hub was reached.

    Args:
        kept: whether its rows were read before, so that it need not be.

    Raises:
        ImageError: there is no network, and nothing was kept. The library would try for half a
            minute, and say so six times.
    """
    from huggingface_hub import HfApi, constants  # noqa: PLC0415
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined] # noqa: PLC0415

    try:
        info = HfApi().dataset_info(name, revision=revision or None)
    except (HTTPError, OSError, ValueError) as error:  # said where it is read
        answered = isinstance(error, HfHubHTTPError | ValueError)
        if answered or kept or constants.HF_HUB_OFFLINE:
            return "", "", False
        reason = str(error).strip().split("\n", maxsplit=1)[0][:300] or type(error).__name__
        raise ImageError(
            f"The data set {name} cannot be read: the connection to the hub failed "
            f"({reason.rstrip('.')}).",
            "Check the network and try again. With HF_HUB_OFFLINE=1 the cache of the library "
            "datasets is read.",
        ) from error
    license: Any = info.card_data.get("license") if info.card_data else ""
    words = license if isinstance(license, list) else [license or ""]
    return str(info.sha), ", ".join(map(str, words)), True


def _rows(spec: DatasetSpec, folder: Path, reporter: Reporter) -> Iterator[DatasetRow]:
    """Read the rows and keep their pictures."""
    with _in_words(spec.name):
        data, column, labels = _opened(spec)
    split, first, end = spec.rows
    if end is not None and end - first > MOST_ROWS:
        raise _too_many(spec, split, f"{count(end - first)} rows")
    stop = first + MOST_ROWS + 1 if end is None else end
    rows = itertools.islice(data, first, stop)
    found = 0
    with reporter.job(spec.name, stop - first if end is not None else 0, brief=True) as job:
        while True:
            with _in_words(spec.name):
                row = next(rows, None)
            if row is None:
                break
            found += 1
            if found > MOST_ROWS:
                raise _too_many(spec, split, f"more than {count(MOST_ROWS)} rows")
            number = first + found - 1
            content = _content(row[column], f"row {number} of {spec.name}")
            file = f"{number:06d}.{_ending(content)}"
            keep_in_store(folder / file, content, "A picture")
            yield DatasetRow(file, number, labels[1][row[labels[0]]] if labels else "")
            job.advance()
    if not found:
        raise ImageError(
            f"{spec.name} has no rows in {spec.split or 'its split'}.",
            "Count rows from 0.",
            usage=True,
        )


def _too_many(spec: DatasetSpec, split: str, rows: str) -> ImageError:
    return ImageError(
        f"{spec.name} {spec.split or split} has {rows}; at most {count(MOST_ROWS)} are read.",
        f"Take some of them: --split '{split or 'test'}[:20]'.",
        usage=True,
    )


def _opened(spec: DatasetSpec) -> tuple[Any, str, tuple[str, list[str]] | None]:
    """The rows of a split, the column of pictures, and the column and names of classes."""
    try:
        import datasets  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImageError(
            "A data set needs the library datasets, which is not installed.",
            "Install it with `pip install datasets`, or name pictures with "
            "-i hf://datasets/owner/name/folder.",
        ) from error
    name, _, revision = spec.name.partition("@")
    splits = datasets.load_dataset(
        name, spec.subset or None, revision=revision or None, streaming=True
    )
    split = spec.rows[0] or (next(iter(splits)) if len(splits) == 1 else "")
    if split not in splits:
        told = f"has no split {split}" if split else "has several splits"
        names = f"Its splits are {listed(splits)}."
        raise ImageError(f"{spec.name} {told}.", did_you_mean(split, splits) or names, usage=True)
    rows = splits[split]
    kinds = rows.features or {}
    pictures = [key for key, kind in kinds.items() if isinstance(kind, datasets.Image)]
    column = spec.column or (pictures[0] if len(pictures) == 1 else "")
    if column not in pictures:
        told = f"has no pictures in a column {column}" if column else "has no column of pictures"
        if len(pictures) > 1 and not column:
            told = "has several columns of pictures"
        hint = (
            f"Its columns of pictures: {listed(pictures)}."
            if pictures
            else (f"Its columns are {listed(kinds)}.")
        )
        raise ImageError(f"{spec.name} {told}.", did_you_mean(column, pictures) or hint, usage=True)
    classes = [key for key, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)]
    labels = (classes[0], list(kinds[classes[0]].names)) if len(classes) == 1 else None
    return rows.cast_column(column, datasets.Image(decode=False)), column, labels


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """Context manager: what the library raises, which may be anything, in one line."""
    try:
        yield
    except (ImageError, StoreError):
        raise
    except Exception as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0][:300] or type(error).__name__
        raise ImageError(
            f"The data set {name} cannot be read: {reason.rstrip('.')}.",
            "Check its name on huggingface.co/datasets, and the network.",
            usage=isinstance(error, FileNotFoundError),
        ) from error


def _content(value: Any, what: str) -> bytes:
    """The file of a picture: its bytes, or what its path leads to."""
    import fsspec  # noqa: PLC0415 - of the library datasets

    content, path = (value or {}).get("bytes"), (value or {}).get("path")
    if content:
        return bytes(content)
    if not path:
        raise ImageError(f"There is no picture in {what}.", "Leave that row out with --split.")
    with _in_words(what), fsspec.open(path, "rb") as file:
        return bytes(file.read())


def _ending(content: bytes) -> str:
    with suppress(Exception), Image.open(io.BytesIO(content)) as image:
        return (image.format or "png").lower().replace("jpeg", "jpg")
    return "bin"


def _read(folder: Path) -> DatasetIndex | None:
    """What was read before, if all of it is still there."""
    try:
        found = revive(DatasetIndex, (folder / "index.json").read_bytes())
    except (OSError, PackingError):
        return None
    return found if all((folder / row.file).is_file() for row in found.rows) else None
