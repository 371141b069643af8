"""All presets, in the order of ``--list``."""

from __future__ import annotations

from generator.export.figures.preset import Preset
from generator.export.figures.presets_maps import MAPS

PRESETS: dict[str, Preset] = {preset.id: preset for preset in (*MAPS,)}
"""Presets by the word of ``--preset``."""
