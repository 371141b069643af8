"""Color maps as tables of RGB values, so that drawing needs no matplotlib.

``colors.json`` holds 256 RGB triples for each map in base64, copied from matplotlib (a test
compares them). Browsers get the same bytes, so rendered walls and walls drawn by scripts have the
same colors.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DEFAULT_COLORS = "magma"
"""Sequential, perceptually uniform, legible with color blindness, dark at low values."""


@cache
def color_tables() -> dict[str, str]:
    """Name of a color map -> 256 RGB triples as base64."""
    text = (Path(__file__).with_name("colors.json")).read_text(encoding="utf-8")
    tables: dict[str, str] = json.loads(text)
    return tables


def color_table(name: str = DEFAULT_COLORS) -> NDArray[np.uint8]:
    """One color map: uint8 ``[256, channel]``, from low to high."""
    raw = base64.b64decode(color_tables()[name])
    return np.frombuffer(raw, dtype=np.uint8).reshape(256, 3)


DIVERGING_STOPS = (
    (5, 48, 97),
    (33, 102, 172),
    (67, 147, 195),
    (146, 197, 222),
    (209, 229, 240),
    (247, 247, 247),
    (253, 219, 199),
    (244, 165, 130),
    (214, 96, 77),
    (178, 24, 43),
    (103, 0, 31),
)
"""ColorBrewer's RdBu, low to high, as in ``diverging.js``."""


@cache
def diverging_table() -> NDArray[np.uint8]:
    """Colors for signed values: uint8 ``[256, channel]``, neutral in the middle."""
    stops = np.array(DIVERGING_STOPS, dtype=np.float64)
    places, at = np.linspace(0, 1, len(stops)), np.linspace(0, 1, 256)
    channels = [np.interp(at, places, stops[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)
