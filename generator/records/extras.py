"""Optional parts of a record: features, value norms, massive activations, relevance, logit lens.

Each part is a dataclass of arrays, or None if not measured. A :class:`Measuring` selects the parts
and is part of the record's key. Axis words are those of :mod:`generator.records.record`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from generator.text.phrases import counted

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

Extra = Literal["features", "values", "massive", "relevance", "lens"]
Projection = Literal["keys", "queries", "values"]
PROJECTIONS: tuple[Projection, ...] = get_args(Projection)
"""Vectors of a block's attention."""

EXTRAS: tuple[Extra, ...] = tuple(sorted(get_args(Extra)))
"""All optional parts."""

DEFAULT_EXTRAS: tuple[Extra, ...] = ("features", "massive", "values")
"""Parts measured by default: they cost little compared with the forward pass."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """Selection of optional parts to measure.

    Attributes:
        extras: the parts, in alphabetical order.
        objects: vectors of the last block to keep for LOST and TokenCut, in alphabetical order.
            Keys for DINO and DINOv2; values for DeiT III and OpenCLIP (Darcet 2024, appendix).
        target: class index for ``relevance`` and ``lens``; None for each model's top class.
    """

    extras: tuple[Extra, ...] = DEFAULT_EXTRAS
    objects: tuple[Projection, ...] = ("keys",)
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """Vectors of tokens, always before the final LayerNorm.

    Attributes:
        last: float16 ``[patch, channel]``; float32 where a value is beyond float16.
        pooled: float32 ``[layer + 1, CLS or mean patch, channel]``; CLS is NaN for a model without.
        keys: float16 ``[patch, channel]``, as they enter the attention (after rotary embedding, if
            any), not normalized; None if not requested.
        queries: float16 ``[patch, channel]``, as ``keys``.
        values: float16 ``[patch, channel]``, as ``keys``.
    """

    last: FloatArray
    pooled: FloatArray
    keys: FloatArray | None = None
    queries: FloatArray | None = None
    values: FloatArray | None = None

    @property
    def objects(self) -> dict[Projection, FloatArray]:
        """The kept vectors for object discovery, ``[patch, channel]``, by name."""
        kept = {name: getattr(self, name) for name in PROJECTIONS}
        return {name: vectors for name, vectors in kept.items() if vectors is not None}


@dataclass(frozen=True, slots=True)
class ValueNorms:
    """Value norms after the output projection: contribution at full attention (Kobayashi 2020).

    Attributes:
        norms: float16 ``[layer, head, key]``; float32 where a norm is beyond float16. Times an
            attention weight it is the norm of that head's contribution.
        contribution: float32 ``[layer, key]``: ``|sum_h A[h, 0, key] v[h, key] W_O[h]|``; for a
            model without prefix, to the mean patch.
    """

    norms: FloatArray
    contribution: FloatArray


@dataclass(frozen=True, slots=True)
class MassiveActivations:
    """The largest activations of the residual stream (Sun 2024).

    Attributes:
        value: float32 ``[layer + 1, place]``, with its sign, largest magnitude first.
        token: int32 ``[layer + 1, place]``.
        channel: int32 ``[layer + 1, place]``.
        median: float32 ``[layer + 1]``, of at most 65,536 evenly spaced values, which are all of
            them for a small input; of the two in the middle the lower.
        channel_max: float32 ``[layer + 1, channel]``.
    """

    value: FloatArray
    token: IntArray
    channel: IntArray
    median: FloatArray
    channel_max: FloatArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """The class head's prediction for an image.

    Attributes:
        classes: indices of the five likeliest classes, likeliest first.
        labels: class names from the checkpoint.
        probabilities: softmax over all classes; if classes are not exclusive, the sigmoid of each.
        target: class index for relevance and the logit lens.
        target_probability: probability of the target, even if it is not among the five.
        exclusive: whether classes exclude each other; if not, probabilities do not sum to 1.
    """

    classes: tuple[int, ...]
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    target: int
    target_label: str
    target_probability: float
    exclusive: bool = True


@dataclass(frozen=True, slots=True)
class Relevance:
    """Class-specific relevance (Chefer 2021, generic attention): ``R += mean_h[(dA * A)+] R``.

    Attributes:
        keys: float32 ``[key]``, for ``prediction.target``: relevance to the CLS token, or to the
            mean patch where the head reads only the patches (BEiT). CLS starts with 1 of itself.
    """

    keys: FloatArray


@dataclass(frozen=True, slots=True)
class LogitLens:
    """The class head read at every token of every layer (Vilas 2023).

    The final LayerNorm and the classifier are applied to each token alone. If a head reads CLS and
    the mean patch together (DINOv2), a prefix token replaces CLS and a patch replaces the mean; the
    other input is taken from the same layer.

    Attributes:
        probability: float16 ``[layer + 1, token]``, of ``prediction.target``.
        rank: int32 ``[layer + 1, token]``, of ``prediction.target``, from 1.
    """

    probability: FloatArray
    rank: IntArray


@dataclass(frozen=True, slots=True)
class Intervention:
    """Request of a test-time register (Jiang 2025): part of the record's key.

    Attributes:
        neurons: most register neurons to move.
        up_to_layer: last layer, from 1, to search for them; None for the layer with the most
            extreme outlier patches.
        calibration: hashes of the calibration images, in order.
    """

    neurons: int
    up_to_layer: int | None
    calibration: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisterNeuron:
    """A neuron of an MLP that makes outlier patches.

    Attributes:
        layer: index of its block, from 0.
        neuron: its index among the block's hidden activations.
        activation: mean magnitude after the non-linearity, over the outlier patches.
    """

    layer: int
    neuron: int
    activation: float


@dataclass(frozen=True, slots=True)
class RegisterCheck:
    """Norm and attention of an active test-time register on the calibration images.

    Norms are at ``Intervened.outlier_layer``, relative to the median patch's. Attention is that of
    the class token, averaged over heads and over the layers after the first register neuron, as a
    share of 1. Both are means over the calibration images.

    Attributes:
        register_norm: norm of the register.
        patch_norm: largest norm of a patch.
        register_attention: attention on the register.
        patch_attention: largest attention on a patch, layer by layer.
        outliers: patches that are still outliers at that layer, over all calibration images.
        holds: whether the register replaces the outlier patches. The authors' criterion is that
            its norm and attention are well above the patches' (register_neurons.ipynb of their
            code). Here: its norm is an outlier and above every patch's, and it gets more attention
            than any patch.
    """

    register_norm: float
    patch_norm: float
    register_attention: float
    patch_attention: float
    outliers: int
    holds: bool


@dataclass(frozen=True, slots=True)
class Intervened:
    """A test-time register as it was made.

    A token of zeros is inserted after the prefix before the first block. In every register neuron
    it gets the activation with the largest magnitude of all tokens, including itself, and the
    patches' activations become 0.

    Attributes:
        asked: the request.
        token: name of the token.
        outlier_layer: index along the first axis of the norms at which outliers were determined.
        outliers: outlier patches over all calibration images.
        images: calibration images with outliers.
        up_to_layer: last layer, from 1, that was searched for register neurons.
        neurons: the register neurons, most active first.
        taken_over: norm and attention of the register and of the patches.
    """

    asked: Intervention
    token: str
    outlier_layer: int
    outliers: int
    images: int
    up_to_layer: int
    neurons: tuple[RegisterNeuron, ...]
    taken_over: RegisterCheck

    @property
    def words(self) -> str:
        """What was changed, for captions and tables."""
        return f"test-time register with {counted(len(self.neurons), 'moved neuron')}"


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """Arrays from a model's weights, without an image.

    Attributes:
        key: key of the file in the store.
        position: float32 ``[patch, channel]``, learned position embeddings of the native grid;
            None for a model without them.
        position_grid: rows and columns of the native grid; (0, 0) if there is none.
        position_note: reason for missing position embeddings ("rotary embedding", ...); else empty.
        filters: float32 ``[component, 3, row, col]``, the principal components of the patch
            embedding's filters, largest first, at most 28 (Dosovitskiy 2021, Fig. 7 left).
        spectrum: float32 ``[component]``, share of the variance of each of all components.
    """

    key: str
    model: str
    position: FloatArray | None
    position_grid: tuple[int, int]
    position_note: str
    filters: FloatArray
    spectrum: FloatArray
