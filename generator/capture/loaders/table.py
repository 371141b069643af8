"""All loaders, and which of them reads a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.capture.checkpoint.resolved import Loader
from generator.capture.loaders.timm import TimmLoader
from generator.capture.loaders.transformers import TransformersLoader

LOADERS: tuple[Loader, ...] = (TimmLoader(), TransformersLoader())
"""The first that reads a config takes it."""


def loader_of(config: Mapping[str, Any]) -> Loader:
    """The loader of a checkpoint.

    Args:
        config: its parsed ``config.json``.
    """
    return next(loader for loader in LOADERS if loader.reads(config))
