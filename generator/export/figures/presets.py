"""All presets, in the order of ``--list``."""

from __future__ import annotations

from generator.export.figures.preset import Preset
from generator.export.figures.presets_maps import MAPS
from generator.export.figures.presets_norms import NORMS
from generator.export.figures.presets_objects import OBJECTS
from generator.export.figures.presets_places import PLACES
from generator.export.figures.presets_tokens import TOKENS
from generator.export.figures.presets_weights import WEIGHTS

PRESETS: dict[str, Preset] = {
    preset.id: preset for preset in (*MAPS, *NORMS, *TOKENS, *OBJECTS, *PLACES, *WEIGHTS)
}
"""Presets by the word of ``--preset``."""
