"""Quantities of the residual stream and of means over images."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

NORM = Quantity(
    id="norm",
    name="norm",
    unit="L2 norm",
    axes=("layer + 1", "token"),
    definition="L2 norm of a token's vector in the residual stream after a block, before the "
    "final LayerNorm. Layer 0 is the embedding.",
    source="Darcet 2024, Fig. 3",
    low="small",
    high="large; far above the median, an outlier",
    caveat="Not comparable between models of different width. After the final LayerNorm "
    "all norms are equal and outliers disappear.",
)

MAX_NORM = NORM.part(
    "max-norm",
    "largest norm of a patch",
    "Largest L2 norm of a patch in the residual stream of a layer.",
    axes=("layer + 1",),
)

MEDIAN_NORM = NORM.part(
    "median-norm",
    "median norm of the patches",
    "Median L2 norm of the patches in the residual stream of a layer.",
    axes=("layer + 1",),
    low="most patches have a small vector",
    high="most patches have a large vector",
)

CLS_NORM = NORM.part(
    "cls-norm",
    "norm of CLS",
    "L2 norm of CLS in the residual stream of a layer.",
    axes=("layer + 1",),
)

REGISTER_NORM = NORM.part(
    "register-norm",
    "largest norm of a register",
    "Largest L2 norm of a register in the residual stream of a layer.",
    axes=("layer + 1",),
)

NORM_RATIO = Quantity(
    id="norm-ratio",
    name="largest norm over the median",
    unit="times the median",
    axes=("layer + 1",),
    definition="Largest norm of a patch divided by the median norm of the patches of its layer.",
    source="ours",
    low="all similar",
    high="one patch stands out",
    caveat="The last layer may hide outliers of inner layers.",
)

OUTLIER_SHARE = Quantity(
    id="outlier-share",
    name="share of outlier patches",
    unit="share of the patches",
    axes=("image",),
    definition="Share of patches whose norm exceeds 3 times the median of their layer, in "
    "the layer where the largest norm stands out most.",
    source="ours; Darcet 2024 uses a fixed norm of 150, picked for one model",
    low="no outliers",
    high="many outliers",
    caveat="It depends on the resolution.",
)

OUTLIER_COUNT = OUTLIER_SHARE.part(
    "outlier-count",
    "number of outlier patches",
    "Number of patches whose norm exceeds 3 times the median of their layer, in "
    "the layer where the largest norm stands out most.",
    unit="patches",
    short="outliers",
)

OUTLIER_SHARE_LAYER = OUTLIER_SHARE.part(
    "outlier-share-layer",
    "share of patches above a multiple of the median",
    "Share of patches whose norm exceeds c times the median of their layer, for c from 2 to 10.",
    axes=("layer + 1",),
)

NORM_ONSET = Quantity(
    id="norm-onset",
    name="onset of high norms",
    unit="layer",
    axes=("model",),
    definition="First layer where the largest norm of a patch or of a register, over the "
    "patches' median, exceeds half its peak over the layers. None if the peak is at most 3. "
    "From means over images.",
    source="after Jiang 2025, Fig. 2; the rule is ours",
    low="early layers",
    high="late layers",
    caveat="Norms may grow in two steps. Look at the curve.",
)

LARGEST_CLS_ATTENTION = Quantity(
    id="largest-cls-attention",
    name="largest attention of CLS, mean over heads",
    unit="share of 1",
    axes=("layer",),
    definition="The CLS query's attention, mean over heads, to the patch or register that "
    "gets most of it. Mean over images.",
    source="Jiang 2025, Fig. 2",
    low="no sink",
    high="one token",
)

LARGEST_CLS_PATCH = LARGEST_CLS_ATTENTION.part(
    "largest-cls-attention-patch",
    "largest attention of CLS to a patch, mean over heads",
    "The CLS query's attention, mean over heads, to the patch that gets most of it.",
    short="CLS on its strongest patch",
)

STRONGEST_PATCH = LARGEST_CLS_PATCH.part(
    "strongest-patch",
    "attention of the strongest patch, mean over heads",
    "The CLS query's attention, mean over heads, to the patch that gets most of "
    "it, times the number of keys.",
    unit="times uniform",
    short="strongest patch",
)

LARGEST_ACTIVATION = Quantity(
    id="largest-activation",
    name="largest activations",
    unit="activation",
    axes=("layer + 1", "place"),
    definition="The three values of the residual stream with the largest magnitude, with "
    "their sign.",
    source="Sun 2024",
    low="no channel stands out",
    high="one channel of one token is large: compare with the median activation",
)

LARGEST_ACTIVATION_TOKEN = LARGEST_ACTIVATION.part(
    "largest-activation-token",
    "tokens of the largest activations",
    "The token of each of the three largest activations, counted from 0, prefix first.",
    unit="index",
    low="a prefix token, or a patch at the top of the picture",
    high="a patch at the bottom of the picture",
)

LARGEST_ACTIVATION_CHANNEL = LARGEST_ACTIVATION.part(
    "largest-activation-channel",
    "channels of the largest activations",
    "The channel of each of the three largest activations, counted from 0.",
    unit="index",
    low="no meaning: channels have no order",
    high="no meaning: channels have no order",
)

MEDIAN_ACTIVATION = Quantity(
    id="median-activation",
    name="median activation",
    unit="activation",
    axes=("layer + 1",),
    definition="Median magnitude of the residual stream, over at most 65,536 evenly spaced values.",
    source="Sun 2024",
    low="most values are small",
    high="most values are large",
)

MASSIVE = Quantity(
    id="massive-activation",
    name="massive activation",
    unit="activation",
    axes=("layer + 1", "token", "channel"),
    definition="A value of the residual stream with a magnitude above 100 and at least 1000 "
    "times the median of its layer. Only the three largest of each layer are considered.",
    source="Sun 2024",
    low="no channel stands out",
    high="one channel of one token is thousands of times larger",
    caveat="Narrow models may have the same effect below 100.",
)

CHANNEL_MAGNITUDE = Quantity(
    id="channel-magnitude",
    name="largest magnitude of a channel",
    unit="activation",
    axes=("layer + 1", "channel"),
    definition="Largest magnitude of a channel of the residual stream over the patches.",
    source="after Siméoni 2025 (DINOv3), App. A",
    low="the channel is small on every patch",
    high="the channel is large on some patch",
)

CHANNEL_MAX = Quantity(
    id="channel-max",
    name="largest channel over the patches",
    unit="activation",
    axes=("layer + 1",),
    definition="Largest magnitude that one channel reaches over the patches of a layer.",
    source="after Siméoni 2025 (DINOv3), App. A",
    low="no channel stands out",
    high="one channel stands out on patches",
    caveat="A single outlier patch also raises it. Read it beside the norms.",
)

LOCATION_AVERAGE = Quantity(
    id="location-average",
    name="average attention by place",
    unit="times uniform",
    axes=("query", "layer", "row", "col"),
    definition="Attention of CLS or a register to each place of the grid, mean over heads "
    "and all images. Withheld below 100 images.",
    source="Darcet 2024, Fig. 16",
    low="less than uniform",
    high="more than uniform, in any picture",
    caveat="Photographs put objects in the center. Part of this pattern comes from the data.",
)

OUTLIER_RATE = Quantity(
    id="outlier-rate",
    name="outlier rate by place",
    unit="share of the images",
    axes=("row", "col"),
    definition="Share of images in which the patch at this place is an outlier. Withheld "
    "below 100 images.",
    source="Darcet 2024, Fig. 10",
    low="never an outlier",
    high="often an outlier, in any picture",
    caveat="Resized position embeddings may cause stripes.",
)

LAYER_SIMILARITY = Quantity(
    id="layer-similarity",
    name="similarity of layers (linear CKA)",
    unit="CKA",
    axes=("layer + 1", "layer + 1"),
    definition="Linear CKA of a token's vectors over images, with the unbiased HSIC. 1: "
    "equal up to rotation and scale. A second version scales every channel to standard "
    "deviation 1. Withheld below 256 images.",
    source="Kornblith 2019; Song 2012, Eq. 5; Raghu 2021, Eq. 1",
    low="different",
    high="similar",
    caveat="One massive channel can dominate the first version.",
)

STREAM = (
    NORM,
    MAX_NORM,
    MEDIAN_NORM,
    CLS_NORM,
    REGISTER_NORM,
    NORM_RATIO,
    OUTLIER_SHARE,
    OUTLIER_COUNT,
    OUTLIER_SHARE_LAYER,
    NORM_ONSET,
    LARGEST_CLS_ATTENTION,
    LARGEST_CLS_PATCH,
    STRONGEST_PATCH,
    LARGEST_ACTIVATION,
    LARGEST_ACTIVATION_TOKEN,
    LARGEST_ACTIVATION_CHANNEL,
    MEDIAN_ACTIVATION,
    MASSIVE,
    CHANNEL_MAGNITUDE,
    CHANNEL_MAX,
    LOCATION_AVERAGE,
    OUTLIER_RATE,
    LAYER_SIMILARITY,
)
