"""``manifest.json`` on disk: written, read again by the next build, and its JSON schema."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

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
)
from generator.present.files.schema import documented_schema
from generator.present.files.settings import Settings
from generator.records.extras import Intervened, Intervention, RegisterCheck, RegisterNeuron
from generator.records.record import Environment, ModelFacts, Preprocessing, TokenLayout, View
from generator.records.run import (
    AddedRegister,
    Author,
    Failure,
    Paper,
    PaperLink,
    Sequence,
    Sweep,
    SweepStep,
    TeaserCell,
)
from generator.spec.figures import FigureSpec

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "manifest.schema.json"

_MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)
_CLASSES: tuple[type, ...] = (
    *(Manifest, Program, ScaleEntry, QuantizationEntry, Settings, FileEntry),
    *(ModelItem, ImageItem, Measurement, CellItem, PairItem, Failure, ReductionItem),
    *(FigureItem, FigureSpec),
    *(Paper, Author, PaperLink, TeaserCell, FrameItem, Sequence, Sweep, SweepStep),
    *(Environment, ModelFacts, Preprocessing, TokenLayout, View),
    *(AddedRegister, Intervened, Intervention, RegisterCheck, RegisterNeuron),
)


def is_whole(root: Path, file: FileEntry) -> bool:
    """Whether a file of a site has the bytes that were written.

    Args:
        root: folder of the site.
        file: as its manifest lists it.
    """
    path = root / file.path
    try:
        if path.stat().st_size != file.bytes:
            return False
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as JSON text, the same for the same site.

    Each model, image and cell has a line of its own: lean in large galleries, and two builds can
    be compared line by line.
    """
    fields: dict[str, Any] = _MANIFEST.dump_python(manifest, mode="json")
    parts = (f"{json.dumps(name)}: {_lines(value)}" for name, value in fields.items())
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _lines(value: Any) -> str:
    """A list with an item a line, anything else on one."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    items = (json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in value)
    return "[\n" + ",\n".join(items) + "\n]"


def schema_bytes() -> bytes:
    """JSON schema of the manifest; every field is described by its docstring."""
    return documented_schema(_MANIFEST, _CLASSES)


def read_manifest(site: Path) -> Manifest | None:
    """The manifest of an existing site; None when it is of another schema or damaged."""
    try:
        found = _MANIFEST.validate_json((site / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.schema == SCHEMA_VERSION else None


def is_site(folder: Path) -> bool:
    """Whether a folder was written by this program, in whatever version."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(found["generator"]["name"] == GENERATOR)
    except (OSError, ValueError, KeyError, TypeError):
        return False
