"""Loading a gallery's specification from a file and options; options override the file.

Options have the names of the fields of :class:`GallerySpec`. ``None`` and an empty tuple mean not
given. Paths in options are relative to the current folder, paths in a file to the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.errors import SpecError
from generator.spec.gallery import GallerySpec, under_current_names
from generator.spec.models import ModelSpec, SpecSource
from generator.spec.pictures import places_here
from generator.spec.sweeps import SweepSpec
from generator.spec.toml import read_toml

TEXTS = ("title", "description")
"""Options that pages show as they are."""


def load_spec(path: Path, **options: Any) -> GallerySpec:
    """Read a gallery file, overridden by options.

    Raises:
        SpecError: the file cannot be read or is invalid.
    """
    return _overridden(read_toml(path), options, SpecSource(str(path), path.parent))


def spec_from_options(**options: Any) -> GallerySpec:
    """Build a gallery's specification from options only.

    Raises:
        SpecError: the options are invalid.
    """
    return _overridden({}, options, SpecSource())


def merge(spec: GallerySpec, **options: Any) -> GallerySpec:
    """Override a gallery's values by options.

    Raises:
        SpecError: the options are invalid.
    """
    values = {name: getattr(spec, name) for name in GallerySpec.model_fields}
    return _overridden(values, options, SpecSource())


def _is_unicode(text: str) -> bool:
    """Whether a text of the command line is one: bytes that are none come as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _overridden(
    values: Mapping[str, Any], options: Mapping[str, Any], source: SpecSource
) -> GallerySpec:
    given = {key: value for key, value in options.items() if value is not None and value != ()}
    given = under_current_names(given)
    for key in TEXTS:
        if isinstance(given.get(key), str) and not _is_unicode(given[key]):
            raise SpecError(
                f"--{key} is no text in UTF-8.",
                f"Write {key} in a gallery file, or set the terminal to UTF-8.",
            )
    here = SpecSource(options=frozenset(given))
    for key, kind in (("models", ModelSpec), ("sweeps", SweepSpec)):
        if key in given:
            given[key] = tuple(kind.model_validate(text, context=here) for text in given[key])
    before = values.get("dataset")
    if isinstance(given.get("dataset"), Mapping) and isinstance(before, Mapping):
        given["dataset"] = {**before, **given["dataset"]}
    if isinstance(given.get("images"), list | tuple):
        given["images"] = places_here(given["images"])
    return GallerySpec.model_validate(
        {**under_current_names(values), **given},
        context=SpecSource(source.file, source.base, here.options),
    )
