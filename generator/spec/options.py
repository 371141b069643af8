"""Galleries from a file, from options, or from both: an option overrides the file.

An option has the name of its key in :class:`GallerySpec`. ``None`` and an empty tuple mean that it
was not given. Paths of options are relative to the current folder, those of a file to the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.spec.gallery import GallerySpec, under_current_names
from generator.spec.models import ModelSpec, SpecSource
from generator.spec.sweeps import SweepSpec
from generator.spec.toml import read_toml


def load_spec(path: Path, **options: Any) -> GallerySpec:
    """Read a gallery file; options override it.

    Raises:
        SpecError: the file cannot be read, or asks for something that cannot be done.
    """
    return _overridden(read_toml(path), options, SpecSource(str(path), path.parent))


def spec_from_options(**options: Any) -> GallerySpec:
    """A gallery from the command line alone.

    Raises:
        SpecError: the options ask for something that cannot be done.
    """
    return _overridden({}, options, SpecSource())


def merge(spec: GallerySpec, **options: Any) -> GallerySpec:
    """A gallery with options in place of its own values.

    Raises:
        SpecError: the options ask for something that cannot be done.
    """
    values = {name: getattr(spec, name) for name in GallerySpec.model_fields}
    return _overridden(values, options, SpecSource())


def _overridden(
    values: Mapping[str, Any], options: Mapping[str, Any], source: SpecSource
) -> GallerySpec:
    given = {key: value for key, value in options.items() if value is not None and value != ()}
    given = under_current_names(given)
    here = SpecSource(options=frozenset(given))
    for key, kind in (("models", ModelSpec), ("sweeps", SweepSpec)):
        if key in given:
            given[key] = tuple(kind.model_validate(text, context=here) for text in given[key])
    return GallerySpec.model_validate(
        {**under_current_names(values), **given},
        context=SpecSource(source.file, source.base, here.options),
    )
