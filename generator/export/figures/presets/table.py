"""All presets, in the order of ``--list``."""

from __future__ import annotations

from generator.export.figures.presets.maps import MAPS
from generator.export.figures.presets.norms import NORMS
from generator.export.figures.presets.objects import OBJECTS
from generator.export.figures.presets.places import PLACES
from generator.export.figures.presets.preset import Preset
from generator.export.figures.presets.tokens import TOKENS
from generator.export.figures.presets.weights import WEIGHTS

PRESETS: dict[str, Preset] = {
    preset.id: preset for preset in (*MAPS, *NORMS, *TOKENS, *OBJECTS, *PLACES, *WEIGHTS)
}
"""Presets by the argument of ``--preset``."""
