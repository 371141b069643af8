"""Records of a model on images, measured in batches."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.capture.arrays import full, half
from generator.capture.checkpoint.preprocess import Geometry
from generator.capture.checkpoint.sequence import shown
from generator.capture.explain import explain
from generator.capture.forward.residual import ResidualStream
from generator.capture.forward.statistics import (
    LayerStatistics,
    ReducedAttention,
    Reducer,
    rollouts,
)
from generator.capture.forward.vectors import BlockVectors
from generator.capture.forward.watcher import Implementation, Watcher
from generator.capture.models.load import LoadedModel, inferred_layout
from generator.errors import ModelError
from generator.records.extras import Features, Measuring
from generator.records.file import not_finite, record_arrays
from generator.records.record import (
    AttentionRecord,
    Environment,
    FloatArray,
    PatchQueries,
    Pooling,
    Preprocessing,
    TokenLayout,
    outlier_patches,
)

log = logging.getLogger(__name__)

ROLLOUT_QUERIES = 64
"""Patch queries whose rollouts are compared."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The model's input for one picture.

    Attributes:
        key: the record's key.
        name: of the image, for errors.
        image_sha256: of the image file.
        pixels: float32 ``[channel, row, column]``.
        geometry: where the pixels come from in the picture.
        preprocessing: the steps from picture to pixels.
        patch_queries: which attention rows of the patches to keep.
        measuring: extras to measure.
    """

    key: str
    name: str
    image_sha256: str
    pixels: NDArray[np.float32]
    geometry: Geometry
    preprocessing: Preprocessing
    patch_queries: PatchQueries
    measuring: Measuring


@dataclass(frozen=True, slots=True)
class Broken:
    """A picture without a record, and the reason."""

    key: str
    error: ModelError


def extract(model: LoadedModel, batch: Sequence[Prepared]) -> Iterator[AttentionRecord | Broken]:
    """Measure a batch. When memory runs out, measure its halves.

    Args:
        model: in evaluation mode.
        batch: pictures of one input size.

    Yields:
        A record for each picture, in order, or the reason why there is none.

    Raises:
        CaptureError: the attention does not fit the architecture's token layout.
    """
    try:
        measured = _measure(model, batch)
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        _free(model.device)
        if len(batch) == 1:
            yield Broken(batch[0].key, _too_large(model, batch[0]))
            return
        half = len(batch) // 2
        log.warning("Out of memory with a batch of %d; going on with %d.", len(batch), half)
        yield from extract(model, batch[:half])
        yield from extract(model, batch[half:])
        return
    yield from measured


def _measure(model: LoadedModel, batch: Sequence[Prepared]) -> list[AttentionRecord | Broken]:
    """One forward pass, watched."""
    vision = model.resolved.vision
    measuring = batch[0].measuring
    height, width = batch[0].pixels.shape[1:]
    pixels = torch.from_numpy(np.stack([item.pixels for item in batch])).to(model.device)
    layout = model.layout(height, width)
    if not vision.listed:
        layout = inferred_layout(model, pixels[:1])
    reducer = Reducer(
        layout,
        patch=(vision.patch_height, vision.patch_width),
        patch_queries=batch[0].patch_queries,
        device=model.device,
    )
    residual = ResidualStream(
        model.blocks, layout, measuring.extras, tokens_first=model.tokens_first
    )
    attention = ReducedAttention(reducer.reduce, attends=True)
    vectors = BlockVectors(
        attention,
        layers=len(model.blocks),
        layout=layout,
        measuring=measuring,
        roots=model.roots,
    )
    watcher = Watcher(
        model.blocks,
        *(attention, vectors),
        tokens=layout.tokens,
        model=model.facts.id,
        layout=layout,
    )
    with residual, torch.no_grad(), watcher:
        hidden = model.forward(pixels, layout)
        logits = model.head.logits(hidden, layout) if model.head is not None else None
    vectors.check()
    _note_missing(model, measuring, vectors)
    found = [
        _record(model, item, index, layout, attention, residual, vectors)
        for index, item in enumerate(batch)
    ]
    if logits is not None:
        found = [
            _explained(model, item, record, pixels[index], logits[index])
            for index, (item, record) in enumerate(zip(batch, found, strict=True))
        ]
    return [_finite(model, item, record) for item, record in zip(batch, found, strict=True)]


def _finite(
    model: LoadedModel, item: Prepared, record: AttentionRecord | Broken
) -> AttentionRecord | Broken:
    """The record, unless it holds NaN or infinity."""
    if isinstance(record, Broken):
        return record
    place = not_finite(record, record_arrays(record))
    return _not_finite(model, item, f"in {place}") if place else record


def _not_finite(model: LoadedModel, item: Prepared, where: str) -> Broken:
    return Broken(
        item.key,
        ModelError(
            f"{model.facts.id} gives NaN or infinity on {item.name}, {where} first.",
            "Use --dtype float32, or check the model.",
        ),
    )


def _note_missing(model: LoadedModel, measuring: Measuring, vectors: BlockVectors) -> None:
    """Warn once for each model of extras that cannot be measured."""
    reasons = []
    if "values" in measuring.extras and vectors.missing:
        reasons.append(f"no norms of values: {vectors.missing}")
    unseen = [name for name in measuring.objects if name not in vectors.objects]
    if "features" in measuring.extras and unseen:
        lacks = f"no {' or '.join(unseen)}" if vectors.objects else "no features"
        reasons.append(f"{lacks}: the {' and '.join(unseen)} of its last layer cannot be seen")
    for reason in reasons:
        if reason not in model.noted:
            model.noted.add(reason)
            log.warning("%s has %s.", model.facts.id, reason)


def _explained(
    model: LoadedModel,
    item: Prepared,
    record: AttentionRecord | Broken,
    pixels: Tensor,
    logits: Tensor,
) -> AttentionRecord | Broken:
    """Add the class head's results to a record."""
    if isinstance(record, Broken):
        return record
    wanted = item.measuring
    try:
        return explain(
            model,
            record,
            pixels,
            logits,
            relevant="relevance" in wanted.extras,
            lensed="lens" in wanted.extras,
            target=wanted.target,
            image=item.name,
        )
    except ModelError as error:
        return Broken(item.key, error)


def _record(
    model: LoadedModel,
    item: Prepared,
    index: int,
    layout: TokenLayout,
    attention: ReducedAttention[LayerStatistics],
    residual: ResidualStream,
    vectors: BlockVectors,
) -> AttentionRecord | Broken:
    layers = [images[index] for images in attention.layers]
    norms = residual.image_norms(index)
    bad = (~torch.isfinite(norms)).any(-1).nonzero()
    if len(bad):
        at = int(bad[0])
        where = f"after layer {at}" if at else "in the embedding"
        return _not_finite(model, item, where)
    tokens = layout.tokens
    rows = torch.stack([layer.rows for layer in layers], dim=1)
    received = torch.stack([layer.received for layer in layers])
    return AttentionRecord(
        key=item.key,
        model=model.facts,
        image_sha256=item.image_sha256,
        layout=shown(layout),
        view=item.geometry.view,
        preprocessing=item.preprocessing,
        environment=_environment(model, attention.implementation),
        attention=half(rows * tokens),
        received=half(received * tokens),
        entropy=_stack([layer.entropy for layer in layers]),
        entropy_patches=_stack([layer.entropy_patches for layer in layers]),
        distance=_stack([layer.distance for layer in layers]),
        distance_patches=_stack([layer.distance_patches for layer in layers]),
        mass=full(_mass(rows, received, layout)),
        self_attention=_stack([layer.self_attention for layer in layers]),
        norms=full(norms),
        rollout=full(_rollouts(layers, layout)),
        rollout_cosine=full(_rollout_cosine(layers, layout)),
        received_from_outliers=_from_outliers(layers, layout, norms),
        pooling=_pooling(attention.pooled, index),
        patch_attention=_patch_attention(layers),
        features=_features(residual, vectors, index),
        values=vectors.image_values(index),
        massive=residual.image_massive(index),
        intervention=model.register,
    )


def _features(residual: ResidualStream, vectors: BlockVectors, index: int) -> Features | None:
    if not vectors.objects:
        return None
    return Features(
        last=residual.image_last(index),
        pooled=residual.image_pooled(index),
        **vectors.image_objects(index),
    )


def _mass(rows: Tensor, received: Tensor, layout: TokenLayout) -> Tensor:
    """Mass budget ``[layer, head, query group, key group]`` from rows and received attention.

    Args:
        rows: ``[prefix, layer, head, key]``, shares of 1.
        received: ``[layer, head, key]``, mean over patch queries, shares of 1.
        layout: which tokens are patches.
    """
    queries = torch.cat([rows, received[None]])
    to_patches = queries[..., layout.patch_slice].sum(-1, keepdim=True)
    groups = torch.cat([queries[..., layout.prefix_slice], to_patches], dim=-1)
    return groups.permute(1, 2, 0, 3)


def _rollouts(layers: Sequence[LayerStatistics], layout: TokenLayout) -> Tensor:
    """Rollouts ``[start layer, key]`` of the CLS row, or of a mean patch row without CLS."""
    start = torch.zeros(1, layout.tokens, device=layers[0].head_mean.device)
    if layout.cls is not None:
        start[0, layout.token(layout.cls)] = 1.0
    else:
        start[0, layout.patch_slice] = 1.0 / layout.patches
    return torch.stack([rows[0] for rows in rollouts(_head_means(layers), start)])


def _rollout_cosine(layers: Sequence[LayerStatistics], layout: TokenLayout) -> Tensor:
    """Mean cosine between the rollouts of some patch queries, ``[start layer]``."""
    device = layers[0].head_mean.device
    count = min(ROLLOUT_QUERIES, layout.patches)
    if count < 2:
        return torch.ones(len(layers), device=device)
    chosen = torch.linspace(0, layout.patches - 1, count, device=device).round().long()
    start = torch.zeros(count, layout.tokens, device=device)
    start[torch.arange(count, device=device), chosen + len(layout.prefix)] = 1.0
    found = []
    for rows in rollouts(_head_means(layers), start):
        unit = torch.nn.functional.normalize(rows, dim=-1)
        found.append((unit.sum(0).square().sum() - count) / (count * (count - 1)))
    return torch.stack(found)


def _head_means(layers: Sequence[LayerStatistics]) -> list[Tensor]:
    return [layer.head_mean for layer in layers]


def _from_outliers(
    layers: Sequence[LayerStatistics], layout: TokenLayout, norms: Tensor
) -> FloatArray | None:
    """Mean attention of the outlier patches, over heads: ``[layer, key]``, times uniform."""
    found = outlier_patches(full(norms)[:, layout.patch_slice]).patches
    if not len(found):
        return None
    queries = torch.from_numpy(found + len(layout.prefix)).to(norms.device)
    rows = torch.stack([layer.head_mean[queries].mean(0) for layer in layers])
    return half(rows * layout.tokens)


def _pooling(pooling: Tensor | None, index: int) -> Pooling | None:
    if pooling is None:
        return None
    attention = pooling[index]
    keys = attention.shape[-1]
    entropy = -torch.special.xlogy(attention, attention).sum(-1) / max(np.log(keys), 1e-9)
    return Pooling(attention=half(attention * keys), entropy=full(entropy))


def _patch_attention(layers: Sequence[LayerStatistics]) -> FloatArray | None:
    kept = [layer.patch_attention for layer in layers if layer.patch_attention is not None]
    return torch.stack(kept).cpu().numpy() if kept else None


def _environment(model: LoadedModel, implementation: Implementation) -> Environment:
    device = model.device.type
    if device == "cuda":
        device = f"cuda ({torch.cuda.get_device_name(model.device)})"
    packages = {"numpy", "pillow", "torch", "transformers", model.resolved.loader.package}
    versions = {name: importlib.metadata.version(name) for name in packages}
    versions["python"] = platform.python_version()
    return Environment(
        device=device,
        dtype=str(model.dtype).removeprefix("torch."),
        attention=implementation,
        versions=tuple(sorted(versions.items())),
    )


def _too_large(model: LoadedModel, item: Prepared) -> ModelError:
    height, width = item.pixels.shape[1:]
    return ModelError(
        f"{model.facts.id} runs out of memory on {item.name} alone, at {width} x {height} px.",
        "Lower --resolution, or use --patch-queries off or --dtype bfloat16.",
    )


def _is_out_of_memory(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or (
        "out of memory" in text or "can't allocate memory" in text
    )


def _free(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _stack(values: Sequence[Tensor]) -> FloatArray:
    return full(torch.stack(list(values)))
