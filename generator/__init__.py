"""Attention Gallery: attention of vision transformers, measured and compared side by side.

For notebooks and scripts::

    import generator

    record = generator.measure("facebook/dinov2-small", "cat.jpg")
    record.rows("CLS").shape                 # (layer, head, key), times uniform
    record                                   # shows its wall of maps in a notebook

    generator.build(spec, "site")            # the same as the command line
    for record in generator.load_records("site"):
        print(record.model.id, record.entropy.mean())

The names of axes and units are those of :mod:`generator.records.record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.version import __version__

__all__ = ["__version__", "build", "load_records", "measure"]

if TYPE_CHECKING:
    from generator.api import build, load_records, measure


def __getattr__(name: str) -> object:
    """The API is imported on first use: ``import generator`` alone stays light."""
    if name in ("build", "load_records", "measure"):
        from generator import api  # noqa: PLC0415

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
