"""How large a site may be: as the user writes it, and checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from generator.text.amounts import bytes_of

SIZE = 'a size such as "900 MB" or "1.5 GB", a number of bytes, or "none"'

DEFAULT_SITE_SIZE = 900_000_000
"""Bytes of a site unless another size is asked for: hosts of static pages stop at 1 GB."""


def _size(given: Any) -> Any:
    """``none`` as no limit, and a size in words as bytes; anything else is refused as it is."""
    if not isinstance(given, str):
        return given
    if given.strip().lower() == "none":
        return None
    try:
        return bytes_of(given)
    except ValueError:
        return given


SiteSize = Annotated[
    Annotated[int, Field(strict=True, ge=1)] | None,
    BeforeValidator(_size),
    Field(description=SIZE),
]
"""Bytes; None for any size."""
