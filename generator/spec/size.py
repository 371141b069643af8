"""Size limit of a site: parsing and validation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from generator.text.amounts import bytes_of

LEAST_SITE = 10_000
"""Bytes below which no site fits: a number of megabytes whose unit was forgotten."""

SIZE = 'a size of 10 kB or more such as "900 MB" or "1.5 GB", a number of bytes, or "none"'

DEFAULT_SITE_SIZE = 900_000_000
"""Default limit in bytes: hosts of static pages allow 1 GB."""


def _size(given: Any) -> Any:
    """Parse ``none`` as no limit and sizes such as ``900 MB`` as bytes."""
    if not isinstance(given, str):
        return given
    if given.strip().lower() == "none":
        return None
    try:
        return bytes_of(given)
    except ValueError:
        return given


SiteSize = Annotated[
    Annotated[int, Field(strict=True, ge=LEAST_SITE)] | None,
    BeforeValidator(_size),
    Field(description=SIZE),
]
"""A size limit in bytes; None for no limit."""
