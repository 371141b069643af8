"""Small seeded inputs with known answers: records without a model, models without a hub."""

from __future__ import annotations

import hashlib

import numpy as np

from generator.records import (
    AttentionRecord,
    Environment,
    ModelFacts,
    PatchQueries,
    Pooling,
    Preprocessing,
    TokenLayout,
    View,
)


def layout(*, registers: int = 0, rows: int = 4, cols: int = 6, cls: bool = True) -> TokenLayout:
    prefix = (("CLS",) if cls else ()) + tuple(f"reg{n + 1}" for n in range(registers))
    return TokenLayout(prefix=prefix, rows=rows, cols=cols)


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
) -> AttentionRecord:
    """A record of random, row-normalised attention: every invariant holds, no model ran."""
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
    rollout = np.eye(n)
    for layer in full.mean(1):
        rollout = (layer + np.eye(n)) / 2 @ rollout
    probe = rng.random((heads, tokens.patches))
    probe /= probe.sum(-1, keepdims=True)
    kept = full[:, :, patch_rows]
    width, height = image_size
    f32 = np.float32
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
            licence="apache-2.0",
        ),
        image_sha256=image_sha256,
        layout=tokens,
        view=View(
            image_width=width,
            image_height=height,
            left=0,
            top=0,
            right=width,
            bottom=height,
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
        norms=rng.uniform(1, 20, size=(layers + 1, n)).astype(f32),
        rollout=(rollout[0] if p else rollout.mean(0)).astype(f32),
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
