"""All presets, in the order of ``--list``."""

from __future__ import annotations

from generator.export.figures.preset import Preset
from generator.export.figures.presets_maps import MAPS
from generator.export.figures.presets_norms import NORMS
from generator.export.figures.presets_objects import OBJECTS
from generator.export.figures.presets_weights import WEIGHTS

PRESETS: dict[str, Preset] = {preset.id: preset for preset in (*MAPS, *NORMS, *OBJECTS, *WEIGHTS)}
"""Presets by the word of ``--preset``."""
