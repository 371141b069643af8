"""The quantity of each array of a record."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from generator.analysis.quantities import attention, contribution, objects, stream
from generator.analysis.quantities.quantity import Quantity
from generator.analysis.quantities.table import from_table
from generator.records.arrays import ARRAYS

ARRAY_QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "attention": attention.ATTENTION,
        "received": attention.RECEIVED,
        "entropy": attention.ENTROPY,
        "entropy_patches": attention.ENTROPY_PATCHES,
        "distance": attention.DISTANCE,
        "distance_patches": attention.DISTANCE_PATCHES,
        "mass": attention.MASS,
        "self_attention": attention.SELF_ATTENTION,
        "norms": stream.NORM,
        "rollout": contribution.ROLLOUT,
        "rollout_cosine": contribution.ROLLOUT_COSINE,
        "received_from_outliers": attention.RECEIVED_FROM_OUTLIERS,
        "patch_attention": attention.ATTENTION,
        "pooling.attention": attention.POOLING_ATTENTION,
        "pooling.entropy": attention.POOLING_ENTROPY,
        "features.last": objects.FEATURES,
        "features.pooled": objects.POOLED_FEATURES,
        "features.keys": objects.KEY_VECTORS,
        "features.queries": objects.QUERY_VECTORS,
        "features.values": objects.VALUE_VECTORS,
        "values.norms": contribution.VALUE_NORM,
        "values.contribution": contribution.CONTRIBUTION,
        "massive.value": stream.LARGEST_ACTIVATION,
        "massive.token": stream.LARGEST_ACTIVATION_TOKEN,
        "massive.channel": stream.LARGEST_ACTIVATION_CHANNEL,
        "massive.median": stream.MEDIAN_ACTIVATION,
        "massive.channel_max": stream.CHANNEL_MAGNITUDE,
        "relevance.keys": contribution.RELEVANCE,
        "lens.probability": contribution.LENS_PROBABILITY,
        "lens.rank": contribution.LENS_RANK,
    }
)
"""Quantity by name of the array in :data:`generator.records.arrays.ARRAYS`."""

from_table(*(ARRAY_QUANTITIES[array.name] for array in ARRAYS))
