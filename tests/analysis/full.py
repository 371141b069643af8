"""Whole attention matrices and the record that measuring would make of them.

The tests of analyses compute from the matrices, in loops, what the analyses compute from records.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generator.records.extras import Extra
from generator.records.record import AttentionRecord, PatchQueries, TokenLayout, outlier_patches
from tests import tiny

Full = np.ndarray


def random(layout: TokenLayout, *, layers: int = 3, heads: int = 2, seed: int = 0) -> Full:
    """Random attention ``[layer, head, query, key]``; rows sum to 1."""
    logits = np.random.default_rng(seed).normal(
        scale=1.5, size=(layers, heads, layout.tokens, layout.tokens)
    )
    full = np.exp(logits)
    return full / full.sum(-1, keepdims=True)


def uniform(layout: TokenLayout, *, layers: int = 3, heads: int = 2) -> Full:
    """Every query looks at all keys alike."""
    return np.full((layers, heads, layout.tokens, layout.tokens), 1 / layout.tokens)


def identity(layout: TokenLayout, *, layers: int = 3, heads: int = 2) -> Full:
    """Every query looks at itself."""
    return np.broadcast_to(np.eye(layout.tokens), (layers, heads, layout.tokens, layout.tokens))


def sink(layout: TokenLayout, token: int, *, layers: int = 3, heads: int = 2) -> Full:
    """Every query looks at one token."""
    full = np.zeros((layers, heads, layout.tokens, layout.tokens))
    full[..., token] = 1
    return full


def plain_norms(layout: TokenLayout, *, layers: int = 3, outliers: tuple[int, ...] = ()) -> Full:
    """Norms around 5, and 50 for the outliers, patches by index, from the second block on."""
    rng = np.random.default_rng(5)
    norms = rng.uniform(4, 6, size=(layers + 1, layout.tokens))
    for patch in outliers:
        norms[2:, len(layout.prefix) + patch] = 50
    return norms.astype(np.float32)


def record(
    layout: TokenLayout,
    full: Full,
    norms: Full | None = None,
    *,
    patches: PatchQueries = "off",
    extras: tuple[Extra, ...] = (),
    seed: int = 0,
) -> AttentionRecord:
    """The record of these matrices. Reduced to what the analyses under test read."""
    layers, heads, tokens, _ = full.shape
    first, grid = len(layout.prefix), layout.patch_slice
    norms = plain_norms(layout, layers=layers) if norms is None else norms
    base = tiny.record(layout, layers=layers, heads=heads, extras=extras, seed=seed)
    groups = [slice(i, i + 1) for i in range(first)] + [grid]
    mass = np.stack(
        [np.stack([full[:, :, q, k].sum(-1).mean(-1) for k in groups], -1) for q in groups], -2
    )
    outliers = outlier_patches(norms[:, grid]).patches
    kept = full[:, :, grid] if patches == "heads" else full[:, :, grid].mean(1)
    received = full.mean(1)[:, outliers + first].mean(1) * tokens if len(outliers) else None
    half = np.float16
    return replace(
        base,
        attention=np.moveaxis(full[:, :, :first] * tokens, 2, 0).astype(half),
        received=(full[:, :, grid].mean(2) * tokens).astype(half),
        mass=mass.astype(np.float32),
        self_attention=np.diagonal(full, axis1=2, axis2=3)[..., grid].mean(-1).astype(np.float32),
        norms=norms,
        received_from_outliers=None if received is None else received.astype(half),
        patch_attention=None if patches == "off" else (kept * tokens).astype(half),
    )
