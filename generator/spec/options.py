"""Command line options and a gallery file as one gallery: what was given goes before the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from generator.spec.gallery import GallerySpec
from generator.spec.models import ModelSpec, SpecSource, expand
from generator.spec.sequences import SequenceSpec
from generator.spec.sweeps import SweepSpec
from generator.spec.toml import read_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was given on the command line. None, or nothing in a tuple, means not given.

    The fields are those of :class:`GallerySpec` but ``paper`` and ``figure``; paths are
    relative to the current folder.
    """

    title: str | None = None
    description: str | None = None
    resolution: int | None = None
    models: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    images: tuple[Path, ...] = ()
    sequences: tuple[Path, ...] = ()
    out: Path | None = None
    field_of_view: str | None = None
    device: str | None = None
    dtype: str | None = None
    patch_queries: str | None = None
    extras: str | None = None
    objects: str | None = None
    target: int | None = None
    batch_size: int | None = None
    trust_remote_code: bool | None = None
    strict: bool | None = None
    store: Path | None = None
    templates: Path | None = None
    groups: Path | None = None
    masks: Path | None = None
    boxes: Path | None = None
    site_url: str | None = None
    compare: tuple[str, ...] = ()
    figures: bool | None = None
    anonymous: bool | None = None
    max_site_size: str | None = None


def load_spec(path: Path, options: Options | None = None) -> GallerySpec:
    """Read a gallery file; options that were given go before what it says.

    Raises:
        SpecError: the file cannot be read, or asks for something that cannot be done.
    """
    return _check(read_toml(path), options or Options(), str(path), path.parent)


def spec_from_options(options: Options) -> GallerySpec:
    """A gallery from the command line alone.

    Raises:
        SpecError: the options ask for something that cannot be done.
    """
    return _check({}, options, "", Path())


def merge(spec: GallerySpec, options: Options) -> GallerySpec:
    """A gallery with the options that were given in place of its own.

    Raises:
        SpecError: the options ask for something that cannot be done.
    """
    return _check(
        {name: getattr(spec, name) for name in GallerySpec.model_fields}, options, "", Path()
    )


def _check(values: Mapping[str, Any], options: Options, file: str, base: Path) -> GallerySpec:
    """Put the options over the values and check the whole."""
    given = {item.name: getattr(options, item.name) for item in fields(options)}
    given = {key: value for key, value in given.items() if value is not None and value != ()}
    source = SpecSource(file=file, base=base, options=frozenset(given))
    # Options are relative to the current folder, not to the file.
    here = SpecSource(options=source.options)
    for key in ("out", "store", "templates", "groups", "masks", "boxes"):
        if key in given:
            given[key] = expand(given[key])
    if "images" in given:
        given["images"] = tuple(expand(path) for path in given["images"])
    if "sequences" in given:
        given["sequences"] = tuple(SequenceSpec(path=expand(p)) for p in given["sequences"])
    if "models" in given:
        given["models"] = tuple(
            ModelSpec.model_validate(text, context=here) for text in given["models"]
        )
    if "sweeps" in given:
        given["sweeps"] = tuple(
            SweepSpec.model_validate(text, context=here) for text in given["sweeps"]
        )
    return GallerySpec.model_validate({**values, **given}, context=source)
