"""The record of one model on one image: what capture writes and presenting reads.

Only numpy and the standard library are imported here, so that a site can be built without torch.
Parts that are measured beside attention are in :mod:`generator.records.extras`.

Axis words. They mean the same in every docstring, field, JSON key and label:

===================  ======================================================================
model                one column of the gallery: a checkpoint at a resolved commit
image                one picture, oriented, before any resizing
layer                a transformer block; 1-based in text and URLs, 0-based as an index
layer + 1            the embedding at index 0, then every layer
start layer          the first layer of a rollout, which ends at the last layer
head                 an attention head of a layer; 1-based in text and URLs, 0-based as index
probe head           a head of a learned pooling probe
query                the token that attends (a row of the attention matrix)
key                  the token that is attended to (a column of the attention matrix)
query group          the prefix tokens, one each, then all patches, as queries
key group            the same groups as keys
token                any position of the sequence, prefix tokens first
patch                a token that stands for a place in the picture, row-major
row, col             the place of a patch in the patch grid, from the top left
prefix               the tokens in front of the patches: CLS, distillation, registers
channel              an entry of a token's vector
component            a principal component, largest first
place                largest, second, third
CLS or mean patch    the vector of CLS at index 0, the mean over patches at index 1
===================  ======================================================================

The order of axes of every array is in :data:`generator.records.arrays.ARRAYS`. For one layer and
head, attention sums to 1 over ``key``. Stored attention is multiplied by the number of keys, so
that 1 is uniform attention: the unit is called *times uniform*. Values then lie around 1, where
half precision keeps three digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from generator.records.arrays import ARRAYS, axis_sizes
from generator.records.extras import (
    Features,
    Intervened,
    LogitLens,
    MassiveActivations,
    Prediction,
    Relevance,
    ValueNorms,
)
from generator.records.layout import RecordError, TokenLayout, View

__all__ = [
    "OUTLIER",
    "SCHEMA",
    "AttentionRecord",
    "Environment",
    "FieldOfView",
    "FloatArray",
    "ModelFacts",
    "OutlierPatches",
    "PatchQueries",
    "Pooling",
    "Preprocessing",
    "ReadRecord",
    "RecordError",
    "RecordPicture",
    "TokenLayout",
    "View",
    "display_with",
    "outlier_patches",
]

SCHEMA = 6
"""Version of the record's fields. A record of another schema is measured again."""

FloatArray = NDArray[np.floating]
PatchQueries = Literal["off", "mean", "heads"]
FieldOfView = Literal["square", "whole", "checkpoint"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts of a resolved and loaded model.

    Attributes:
        id: hub id, or the folder's name for a local model (never its path).
        source: origin of the model; withheld if it would identify an anonymous gallery's authors.
        revision: requested branch, tag or commit, ``main`` by default; empty for a folder.
        commit: the resolved commit on the hub; empty for a folder.
        weights_sha256: hash over config and weight files for a folder; for a module in memory over
            its state dict and the description of its forward pass; empty on the hub.
        model_type: the ``model_type`` of the vision config.
        architecture: class that ran.
        layers: number of transformer blocks.
        heads: attention heads of each block.
        width: channels of the residual stream.
        patch_height: height of a patch, in input pixels.
        patch_width: width of a patch, in input pixels.
        parameters: parameters of the part that ran.
        license: license in the model card; empty if it has none.
        adapter: kind and base of the adapter that was merged into the weights; empty without one.
        renamed: prefix that was removed from the names of the checkpoint's tensors, in words; empty
            if they were not renamed.
        unused: unused tensors of the checkpoint with the reason, one line per reason.
        headless: reason why there is no class head, and so no prediction, relevance and logit
            lens; empty if there is one.
        window: side of the windows within which some layers attend, in patches; 0 without.
        windowed: indices of these layers.
    """

    id: str
    source: Literal["hub", "folder", "memory", "withheld"]
    revision: str
    commit: str
    weights_sha256: str
    model_type: str
    architecture: str
    layers: int
    heads: int
    width: int
    patch_height: int
    patch_width: int
    parameters: int
    license: str
    adapter: str = ""
    renamed: str = ""
    unused: tuple[str, ...] = ()
    headless: str = ""
    window: int = 0
    windowed: tuple[int, ...] = ()

    def within_windows(self, layout: TokenLayout) -> tuple[int, ...]:
        """Indices of the layers that attend within windows; none if one window holds the grid."""
        return self.windowed if self.window < max(layout.rows, layout.cols) else ()

    @property
    def version(self) -> str:
        """The commit, or for a folder the weights' hash."""
        return self.commit or self.weights_sha256


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an original picture became the model's input, in full.

    Attributes:
        field_of_view: ``square`` (the centered square), ``whole`` (the whole picture) or
            ``checkpoint`` (the resizing and cropping of the checkpoint's own processor).
        resolution: requested short side of the input, in pixels.
        resample: Pillow's filter, by name.
        rescale: factor from 8-bit values to floats.
        mean: subtracted from each RGB channel after rescaling.
        std: divides each RGB channel after that.
        assumed: defaults used for settings that the checkpoint does not declare, in words; empty if
            it declares all.
        steps: the steps as one readable line each, for the page.
    """

    field_of_view: FieldOfView
    resolution: int
    resample: str
    rescale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    assumed: str = ""
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Device and software of a measurement. Only ``dtype`` is part of the record's key.

    Attributes:
        device: ``cpu``, ``cuda`` or ``mps``, with the device's name.
        dtype: dtype of weights and activations; softmax and norms are float32 always.
        attention: ``sdpa``, or ``eager`` for models that bypass it.
        versions: (package, version) pairs, sorted by package.
    """

    device: str
    dtype: str
    attention: Literal["sdpa", "eager"]
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pooling:
    """Attention of a learned probe that pools the patches (SigLIP, SigLIP 2, AIMv2).

    Attributes:
        attention: float16 ``[probe head, patch]``.
        entropy: float32 ``[probe head]``.
    """

    attention: FloatArray
    entropy: FloatArray


@dataclass(frozen=True, slots=True)
class RecordPicture:
    """The picture of a record, as the caller knows it. It is not kept in the record's file.

    Attributes:
        name: the file's name without folders, or what the caller calls it.
        thumbnail: a small copy as WebP; empty without one.
    """

    name: str
    thumbnail: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class AttentionRecord:
    """All measurements of one model on one image.

    An array is the quantity that
    :data:`generator.analysis.quantities.arrays.ARRAY_QUANTITIES` names for it. Attention is in
    *times uniform*: the softmax weight times the number of keys. Parts are None if they were not
    measured, or if the model does not have them.

    Attributes:
        key: sha256 of the inputs that decide the record (see ``store.record_key``).
        image_sha256: hash of the image file's bytes.
        view: part of the picture that the patches cover.
        attention: float16 ``[query, layer, head, key]``; the queries are the prefix tokens, in the
            order of ``layout.prefix``.
        received: float16 ``[layer, head, key]``; averaged over the *patch* queries. With
            ``attention`` it gives the average over any group of queries.
        entropy: float32 ``[layer, head]``.
        entropy_patches: float32 ``[layer, head]``.
        distance: float32 ``[layer, head]``, in input pixels.
        distance_patches: float32 ``[layer, head]``, in input pixels.
        mass: float32 ``[layer, head, query group, key group]``; rows sum to 1.
        self_attention: float32 ``[layer, head]``, as a share of 1.
        norms: float32 ``[layer + 1, token]``.
        rollout: float32 ``[start layer, key]``; rows sum to 1, or to less where padding of windows
            took the rest. Index 0 is the rollout through all layers.
        rollout_cosine: float32 ``[start layer]``.
        patch_attention: float16 ``[layer, head, query, key]``, or ``[layer, query, key]`` for the
            mean over heads; the queries are the patches.
        received_from_outliers: float16 ``[layer, key]``; None if there are no outlier patches
            (see ``outlier_patches``).
        prediction: prediction of the class head.
        intervention: active test-time register; None for the unmodified model.
        picture: name and small copy of the picture; None where the caller knows neither.
    """

    key: str
    model: ModelFacts
    image_sha256: str
    layout: TokenLayout
    view: View
    preprocessing: Preprocessing
    environment: Environment
    attention: FloatArray
    received: FloatArray
    entropy: FloatArray
    entropy_patches: FloatArray
    distance: FloatArray
    distance_patches: FloatArray
    mass: FloatArray
    self_attention: FloatArray
    norms: FloatArray
    rollout: FloatArray
    rollout_cosine: FloatArray
    pooling: Pooling | None = None
    patch_attention: FloatArray | None = None
    received_from_outliers: FloatArray | None = None
    features: Features | None = None
    values: ValueNorms | None = None
    massive: MassiveActivations | None = None
    prediction: Prediction | None = None
    relevance: Relevance | None = None
    lens: LogitLens | None = None
    intervention: Intervened | None = None
    schema: int = field(default=SCHEMA)
    picture: RecordPicture | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        shapes = {}
        for array in ARRAYS:
            part, _, name = array.name.rpartition(".")
            owner = getattr(self, part) if part else self
            values = None if owner is None else getattr(owner, name)
            if values is not None:
                shapes[array.name] = values.shape
        check_shapes(self.model, self.layout, shapes)

    def __repr__(self) -> str:
        model, layout = self.model, self.layout
        tokens = ", ".join((*layout.prefix, f"{layout.rows} x {layout.cols} patches"))
        size = f"{model.layers} layers x {model.heads} heads, {tokens}"
        return f"<AttentionRecord of {model.id} on {self.image}: {size}>"

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None for the plain text, where no display is registered."""
        return _displays[-1](self) if _displays else None

    @property
    def image(self) -> str:
        """Name of the picture; the beginning of its file's hash where the name is not known."""
        return self.picture.name if self.picture else f"image {self.image_sha256[:12]}"

    @property
    def queries(self) -> tuple[str, ...]:
        """Names along the query axis of ``attention``."""
        return self.layout.prefix

    def rows(self, query: str) -> FloatArray:
        """Attention of one prefix token, ``[layer, head, key]``, times uniform.

        Raises:
            RecordError: the model has no such token.
        """
        rows: FloatArray = self.attention[self.layout.token(query)]
        return rows

    def received_by_all(self) -> FloatArray:
        """Attention each key receives, averaged over all queries: float32 ``[layer, head, key]``.

        The map to show for the blocks of a model without a class token.
        """
        from_all: FloatArray = self.received.astype(np.float32)
        from_all *= self.layout.patches  # in place: it takes half the time
        from_all += self.attention.astype(np.float32).sum(axis=0)
        from_all /= self.layout.tokens
        return from_all


_displays: list[Callable[[AttentionRecord], str]] = []


ReadRecord = Callable[[str], AttentionRecord]
"""Gives the record of a key."""


def display_with(display: Callable[[AttentionRecord], str]) -> None:
    """Register how notebooks show records.

    Args:
        display: gives the HTML of a record.
    """
    _displays.append(display)


def check_shapes(
    model: ModelFacts, layout: TokenLayout, found: Mapping[str, tuple[int, ...]]
) -> None:
    """Compare the shapes of a record's arrays, by their names, with its facts.

    Raises:
        RecordError: they contradict each other.
    """
    if model.windowed and not (
        model.window > 0 and all(0 <= layer < model.layers for layer in model.windowed)
    ):
        raise RecordError(f"{model.id} cannot have windows in its layers {model.windowed}.")
    sizes = axis_sizes(layout, model.layers, model.heads)
    for array in ARRAYS:
        if array.name in found:
            array.check(found[array.name], sizes, model.id)


OUTLIER = 3.0
"""A patch is an outlier when its norm is more than this many times the median patch's."""


@dataclass(frozen=True, slots=True)
class OutlierPatches:
    """Patches of unusual norm, at the layer where the largest stands out most from the median.

    Attributes:
        layer: index along the first axis of the norms; 0 is the embedding.
        ratio: largest norm over the median, at that layer.
        patches: indices of the outliers among the patches, ascending.
    """

    layer: int
    ratio: float
    patches: NDArray[np.intp]


def outlier_patches(norms: FloatArray, cutoff: float = OUTLIER) -> OutlierPatches:
    """Find outlier patches. Measuring and analysis share this definition.

    The layer is chosen over all layers: in distilled models the outliers live in inner blocks and
    are gone at the last.

    Args:
        norms: ``[layer + 1, patch]``, before the final LayerNorm.
        cutoff: times the median, above which a patch is an outlier.
    """
    values = np.asarray(norms, dtype=np.float64)
    medians = np.maximum(np.median(values, axis=1), np.finfo(np.float32).tiny)
    ratios = values.max(axis=1) / medians
    layer = int(ratios.argmax())
    found = np.flatnonzero(values[layer] > cutoff * medians[layer])
    return OutlierPatches(layer=layer, ratio=float(ratios[layer]), patches=found)
