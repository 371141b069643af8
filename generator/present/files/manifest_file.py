"""Reading and writing of ``manifest.json``, and its JSON schema.

Sites are untrusted input. A manifest is used only if every path in it stays in the site and every
slug and key is a plain name, since files are read and written by them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from generator.errors import StoreError
from generator.present.files.manifest import (
    GENERATOR,
    SCHEMA_VERSION,
    CellItem,
    FigureItem,
    FileEntry,
    FrameItem,
    ImageItem,
    Manifest,
    Measurement,
    ModelItem,
    PairItem,
    Program,
    QuantizationEntry,
    ReductionItem,
    ScaleEntry,
    TextEntry,
)
from generator.present.files.schema import documented_schema
from generator.present.files.settings import Settings
from generator.records.extras import Intervened, Intervention, RegisterCheck, RegisterNeuron
from generator.records.paper import Author, Paper, PaperLink, Patch, TeaserCell
from generator.records.record import Environment, ModelFacts, Preprocessing, TokenLayout, View
from generator.records.run import (
    AddedRegister,
    Failure,
    Sequence,
    Sweep,
    SweepStep,
)
from generator.spec.figures import FigureSpec
from generator.text.json_text import parsed_json

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "manifest.schema.json"
DISTRUST = "Do not trust this copy: get the site from its authors, or build it again."

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"([0-9a-f]{64})?")

_MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)
_CLASSES: tuple[type, ...] = (
    *(Manifest, Program, ScaleEntry, QuantizationEntry, Settings, FileEntry, TextEntry),
    *(ModelItem, ImageItem, Measurement, CellItem, PairItem, Failure, ReductionItem),
    *(FigureItem, FigureSpec),
    *(Paper, Author, PaperLink, TeaserCell, Patch, FrameItem, Sequence, Sweep, SweepStep),
    *(Environment, ModelFacts, Preprocessing, TokenLayout, View),
    *(AddedRegister, Intervened, Intervention, RegisterCheck, RegisterNeuron),
)


def is_whole(root: Path, file: FileEntry | TextEntry) -> bool:
    """Whether a file of a site matches its size and checksum in the manifest.

    Args:
        root: folder of the site.
        file: entry of the manifest.
    """
    try:
        with FileIO(f"{root}/{file.path}") as opened:  # there are thousands: no paths, no buffers
            if os.fstat(opened.fileno()).st_size != file.bytes:
                return False
            return hashlib.sha256(opened.read(file.bytes)).hexdigest() == file.sha256
    except OSError:
        return False


def manifest_bytes(manifest: Manifest) -> bytes:
    """Encode the manifest as JSON; equal sites give equal bytes.

    Each model, image and cell has one line, so that the file stays small and line diffs work.
    """
    values = ((item.name, getattr(manifest, item.name)) for item in fields(manifest))
    parts = (f"{json.dumps(name)}: {_lines(value)}" for name, value in values)
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _lines(value: Any) -> str:
    """Encode a tuple with one item on each line, anything else on one line."""
    if not isinstance(value, tuple):
        return json.dumps(to_jsonable_python(value), ensure_ascii=False)
    # one after the other: as objects for JSON, all cells take several times their text
    plain = map(to_jsonable_python, value)
    items = (json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in plain)
    return "[\n" + ",\n".join(items) + "\n]"


@cache
def schema_bytes() -> bytes:
    """JSON schema of the manifest; every field is described by its docstring."""
    return documented_schema(_MANIFEST, _CLASSES)


def read_manifest(site: Path) -> Manifest | None:
    """Read the manifest of a site; None if it has another schema, is damaged or is unsafe."""
    found = _parsed(site)
    return found if found is not None and next(_strays(found), None) is None else None


def stray(site: Path) -> str:
    """The first unsafe path, slug or key of a manifest; empty if all are safe."""
    found = _parsed(site)
    return next(_strays(found), "") if found is not None else ""


def _parsed(site: Path) -> Manifest | None:
    try:
        found = _MANIFEST.validate_json((site / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.schema == SCHEMA_VERSION else None


def _strays(manifest: Manifest) -> Iterator[str]:
    """Paths that may lead out of the site, and slugs and keys that are not plain names."""
    files = (file.path for file in manifest.files)
    paths = (*files, *(text.path for text in manifest.texts), *manifest.pages)
    yield from (path for path in paths if not _is_inner(path))
    frames = (image.frame.sequence for image in manifest.images if image.frame)
    slugs = (
        *(model.slug for model in manifest.models),
        *(image.slug for image in manifest.images),
        *(sequence.slug for sequence in manifest.sequences),
        *(sweep.slug for sweep in manifest.sweeps),
        *(slug for cell in manifest.cells for slug in (cell.model, cell.image)),
        *(slug for pair in manifest.pairs for slug in (pair.one, pair.two, *pair.images)),
        *(step.model for sweep in manifest.sweeps for step in sweep.steps),
        *frames,
    )
    yield from (slug for slug in slugs if not _SLUG.fullmatch(slug))
    keys = (*(cell.record for cell in manifest.cells), *(m.weights for m in manifest.models))
    yield from (key for key in keys if not _KEY.fullmatch(key))


def _is_inner(path: str) -> bool:
    """Whether a path stays in its folder on every operating system.

    Names that start with a dot are rejected; of these a site has only ``.nojekyll``.
    """
    parts = path.split("/")
    return path.isprintable() and not any(
        part.startswith(".") or not part or set(part) & set("\\:") for part in parts
    )


def inner_file(site: Path, path: str) -> Path:
    """Path on disk of a file of a site, from a path in a page or manifest.

    Raises:
        StoreError: the path leads out of the site.
    """
    if not _is_inner(path):
        raise StoreError(f"The site {site} names {path!a}, which is not inside of it.", DISTRUST)
    return site / path


def is_site(folder: Path) -> bool:
    """Whether a folder was written by this program, in any version."""
    try:
        found = parsed_json((folder / MANIFEST).read_bytes())
        return bool(found["generator"]["name"] == GENERATOR)
    except (OSError, ValueError, KeyError, TypeError):
        return False
