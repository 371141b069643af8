"""Small seeded inputs with known answers: records without a model, models without a hub."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from generator.records.extras import (
    Extra,
    Features,
    LogitLens,
    MassiveActivations,
    Prediction,
    Relevance,
    ValueNorms,
)
from generator.records.record import (
    AttentionRecord,
    Environment,
    ModelFacts,
    PatchQueries,
    Pooling,
    Preprocessing,
    TokenLayout,
    View,
    outlier_patches,
)


def layout(*, registers: int = 0, rows: int = 4, cols: int = 6, cls: bool = True) -> TokenLayout:
    prefix = (("CLS",) if cls else ()) + tuple(f"reg{n + 1}" for n in range(registers))
    return TokenLayout(prefix=prefix, rows=rows, cols=cols)


def patch_token(layout: TokenLayout, row: int, col: int) -> int:
    """Index of the token at a place of the grid."""
    return len(layout.prefix) + row * layout.cols + col


def _rollout(head_means: np.ndarray) -> np.ndarray:
    n = head_means.shape[-1]
    rolled = np.eye(n)
    for layer in head_means:
        rolled = (layer + np.eye(n)) / 2 @ rolled
    return rolled


def _cosine(rows: np.ndarray) -> np.ndarray:
    """Mean cosine between different rows."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    count = len(unit)
    return ((unit @ unit.T).sum() - count) / (count * (count - 1))


def record(
    tokens: TokenLayout | None = None,
    *,
    model: str = "tiny/model",
    layers: int = 3,
    heads: int = 2,
    seed: int = 0,
    pooling: bool = False,
    patches: PatchQueries = "off",
    image_size: tuple[int, int] = (96, 64),
    image_sha256: str = "0" * 64,
    extras: tuple[Extra, ...] = (),
) -> AttentionRecord:
    """A record of random, row-normalized attention: every invariant holds, no model ran."""
    tokens = tokens or layout()
    rng = np.random.default_rng(seed)
    n, p = tokens.tokens, len(tokens.prefix)
    logits = rng.normal(scale=1.5, size=(layers, heads, n, n))
    full = np.exp(logits)
    full /= full.sum(-1, keepdims=True)
    patch_rows = tokens.patch_slice
    groups = [slice(i, i + 1) for i in range(p)] + [patch_rows]
    mass = np.stack(
        [np.stack([full[:, :, q, k].sum(-1).mean(-1) for k in groups], -1) for q in groups], -2
    )
    with np.errstate(divide="ignore"):
        entropy = -(full * np.log(full)).sum(-1).mean(-1) / np.log(n)
        cut = full[..., patch_rows] / full[..., patch_rows].sum(-1, keepdims=True)
        entropy_patches = -(cut * np.log(cut)).sum(-1).mean(-1) / np.log(tokens.patches)
    row, col = np.divmod(np.arange(tokens.patches), tokens.cols)
    apart = 16.0 * np.hypot(row[:, None] - row[None], col[:, None] - col[None])
    rollouts = np.stack([_rollout(full.mean(1)[start:]) for start in range(layers)])
    probe = rng.random((heads, tokens.patches))
    probe /= probe.sum(-1, keepdims=True)
    kept = full[:, :, patch_rows]
    width, height = image_size
    f32 = np.float32
    norms = rng.uniform(1, 20, size=(layers + 1, n)).astype(f32)
    outliers = outlier_patches(norms[:, patch_rows]).patches
    from_outliers = full.mean(1)[:, outliers + p].mean(1) if len(outliers) else None
    return AttentionRecord(
        key=hashlib.sha256(f"{model} {seed} {tokens}".encode()).hexdigest(),
        model=ModelFacts(
            id=model,
            source="hub",
            revision="main",
            commit="c" * 40,
            weights_sha256="",
            model_type="dinov2",
            architecture="Dinov2Model",
            layers=layers,
            heads=heads,
            width=32,
            patch_height=16,
            patch_width=16,
            parameters=12345,
            license="apache-2.0",
        ),
        image_sha256=image_sha256,
        layout=tokens,
        view=View(
            image_width=width,
            image_height=height,
            left=0.0,
            top=0.0,
            right=float(width),
            bottom=float(height),
            input_width=16 * tokens.cols,
            input_height=16 * tokens.rows,
        ),
        preprocessing=Preprocessing(
            field_of_view="whole",
            resolution=64,
            resample="bicubic",
            rescale=1 / 255,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            steps=("resize the whole picture to 96x64 (bicubic)",),
        ),
        environment=Environment(
            device="cpu", dtype="float32", attention="sdpa", versions=(("torch", "2.13.0"),)
        ),
        attention=np.moveaxis(full[:, :, :p] * n, 2, 0).astype(np.float16),
        received=(full[:, :, patch_rows].mean(2) * n).astype(np.float16),
        entropy=entropy.astype(f32),
        entropy_patches=entropy_patches.astype(f32),
        distance=(full[:, :, patch_rows, patch_rows] * apart).sum(-1).mean(-1).astype(f32),
        distance_patches=(cut[:, :, patch_rows] * apart).sum(-1).mean(-1).astype(f32),
        mass=mass.astype(f32),
        self_attention=np.diagonal(full, axis1=2, axis2=3)[..., patch_rows].mean(-1).astype(f32),
        norms=norms,
        received_from_outliers=None
        if from_outliers is None
        else (from_outliers * n).astype(np.float16),
        **parts(tokens, layers=layers, heads=heads, seed=seed, extras=extras),
        rollout=(rollouts[:, 0] if p else rollouts.mean(1)).astype(f32),
        rollout_cosine=np.stack([_cosine(each[patch_rows]) for each in rollouts]).astype(f32),
        pooling=Pooling(
            attention=(probe * tokens.patches).astype(np.float16),
            entropy=(-(probe * np.log(probe)).sum(-1) / np.log(tokens.patches)).astype(f32),
        )
        if pooling
        else None,
        patch_attention=None
        if patches == "off"
        else (n * (kept if patches == "heads" else kept.mean(1))).astype(np.float16),
    )


def with_norms(record: AttentionRecord, norms: np.ndarray) -> AttentionRecord:
    """A record with other norms; what it calls outliers then attend as the mean patch does."""
    outliers = outlier_patches(norms[:, record.layout.patch_slice]).patches
    received = record.received.mean(1, dtype=np.float32).astype(np.float16)
    return replace(record, norms=norms, received_from_outliers=received if len(outliers) else None)


WIDTH = 32


def parts(
    tokens: TokenLayout, *, layers: int, heads: int, seed: int, extras: tuple[Extra, ...]
) -> dict[str, object]:
    """The parts of a record beside attention: random, of the right shapes and ranges."""
    rng = np.random.default_rng((seed, 1))
    f16, f32 = np.float16, np.float32
    n, patches = tokens.tokens, tokens.patches
    stream = rng.normal(size=(layers + 1, n, WIDTH))
    found: dict[str, object] = {}
    if "features" in extras:
        cls = stream[:, 0] if tokens.cls else np.full((layers + 1, WIDTH), np.nan)
        mean = stream[:, tokens.patch_slice].mean(1)
        keys = rng.normal(size=(patches, WIDTH)).astype(f16)
        found["features"] = Features(
            last=stream[-1, tokens.patch_slice].astype(f16),
            pooled=np.stack([cls, mean], axis=1).astype(f32),
            keys=keys,
        )
    if "values" in extras:
        found["values"] = ValueNorms(
            norms=rng.uniform(0.5, 2, size=(layers, heads, n)).astype(f16),
            contribution=rng.uniform(0, 0.1, size=(layers, n)).astype(f16),
        )
    if "massive" in extras:
        flat = np.abs(stream).reshape(layers + 1, -1)
        order = np.argsort(-flat, axis=1, kind="stable")[:, :3]
        token, channel = np.divmod(order, WIDTH)
        found["massive"] = MassiveActivations(
            value=np.take_along_axis(stream.reshape(layers + 1, -1), order, 1).astype(f32),
            token=token.astype(np.int32),
            channel=channel.astype(np.int32),
            median=np.median(flat, axis=1).astype(f32),
            channel_max=np.abs(stream[:, tokens.patch_slice]).max(1).astype(f32),
        )
    if "relevance" in extras or "lens" in extras:
        found["prediction"] = Prediction(
            classes=(3, 1, 4, 0, 2),
            labels=("cat", "dog", "fox", "hen", "owl"),
            probabilities=(0.5, 0.2, 0.1, 0.05, 0.02),
            target=3,
            target_label="cat",
            target_probability=0.5,
        )
    if "relevance" in extras:
        found["relevance"] = Relevance(keys=rng.random(n).astype(f32))
    if "lens" in extras:
        found["lens"] = LogitLens(
            probability=rng.random((layers + 1, n)).astype(f16),
            rank=rng.integers(1, 6, size=(layers + 1, n)).astype(np.int32),
        )
    return found
