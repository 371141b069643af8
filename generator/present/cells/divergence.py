"""Disagreement of models on an image: the Jensen-Shannon divergence of their maps.

The *disagreement* of two models is the Jensen-Shannon divergence, base 2, of their last layers'
maps averaged over heads: 0 for equal maps, 1 for maps that share no place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from generator.analysis.compare.agreement import divergence
from generator.analysis.grids import PlacedMap, on_common_grid

DEFINITION = (
    "Jensen-Shannon divergence, base 2, of the last layers' maps averaged over heads, on the "
    "coarsest of the grids and the part of the picture that all models saw"
)


def divergence_bytes(maps: Mapping[str, PlacedMap]) -> bytes:
    """Encode the divergences of all pairs of models as JSON.

    Args:
        maps: key of the record -> last-layer map, mean over heads.
    """
    keys = list(maps)
    placed = on_common_grid(list(maps.values()))
    pairs = []
    for one, two in combinations(range(len(keys)), 2) if placed else ():
        assert placed is not None
        bits = round(divergence(placed[one], placed[two]), 5)
        pairs.append({"records": [keys[one], keys[two]], "bits": bits})
    text = json.dumps({"unit": "bits", "definition": DEFINITION, "pairs": pairs}, indent=1)
    return (text + "\n").encode()


def mean_divergence(path: Path) -> float | None:
    """Mean divergence over all pairs in a file of :func:`divergence_bytes`; None without pairs."""
    bits = [pair["bits"] for pair in json.loads(path.read_text(encoding="utf-8"))["pairs"]]
    return float(np.mean(bits)) if bits else None
