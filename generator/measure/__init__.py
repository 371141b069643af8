"""Measuring: the only folder that imports torch or transformers.

The package carries the name of the function that notebooks call, so it can be called: whoever
writes ``generator.measure(model, image)`` gets :func:`generator.api.measure`, whether or not a
module of this package has been imported before. ``help("generator.api.measure")`` describes it.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator.records import AttentionRecord


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> AttentionRecord:
        """See :func:`generator.api.measure`."""
        from generator.api import measure  # noqa: PLC0415 - it imports this package

        return measure(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
