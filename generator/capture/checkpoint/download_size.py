"""Bytes that loading a model would download, from the hub's metadata: nothing large is fetched."""

from __future__ import annotations

import json

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError

from generator.capture.checkpoint.hub import UNREACHABLE, download
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.checkpoint.weight_files import (
    ADAPTER_WEIGHTS,
    WEIGHTS,
    WEIGHTS_INDEX,
    WEIGHTS_KEY,
)
from generator.errors import ModelError


def bytes_to_download(resolved: ResolvedModel) -> int | None:
    """Bytes of a model's weights that are not in the hub library's cache; None if unknown.

    An index of parts is downloaded, which is small.
    """
    try:
        total = 0
        if resolved.adapter is not None and resolved.commit:
            total += _missing(resolved.id, ADAPTER_WEIGHTS, resolved.commit)
        source = resolved.base or resolved
        if source.source == "hub":
            named = source.config.get(WEIGHTS_KEY)
            total += _weights(source.id, source.commit, named if isinstance(named, str) else None)
    except (ModelError, ValueError, *UNREACHABLE):
        return None
    return total


def _weights(model: str, commit: str, named: str | None) -> int:
    try:
        if named is None or not named.endswith(".index.json"):
            return _missing(model, named or WEIGHTS, commit)
    except EntryNotFoundError:
        if named is not None:
            raise
    index = json.loads(download(model, named or WEIGHTS_INDEX, commit).read_bytes())
    parts = {str(part) for part in (index.get("weight_map") or {}).values()}
    return sum(_missing(model, part, commit) for part in sorted(parts))


def _missing(model: str, name: str, commit: str) -> int:
    """Bytes of a file; 0 if it is in the cache."""
    found = hf_hub_download(model, name, revision=commit, dry_run=True)
    if not found.will_download:
        return 0
    if found.file_size is None:
        raise ValueError(f"the size of {name} is unknown")
    return found.file_size
