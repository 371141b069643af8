"""Quantities of the residual stream and of vectors over images. Listed in ``quantities``."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

NORM = Quantity(
    id="norm",
    name="norm",
    unit="length of the vector; no unit, differs between models",
    axes=("layer", "token"),
    definition="L2 norm of a token's vector in the residual stream after a block, before the final "
    "LayerNorm; layer 0 is the embedding.",
    source="Darcet 2024, Fig. 3",
    low="a small vector",
    high="a large vector; far above the median of the patches, an outlier",
    caveat="After the final LayerNorm all norms are alike, and outliers cannot be seen.",
)

NORM_RATIO = Quantity(
    id="norm-ratio",
    name="largest norm over the median",
    unit="times the median patch norm of the layer",
    axes=("layer",),
    definition="Largest norm of a patch divided by the median norm of the patches of that layer.",
    source="ours",
    low="no patch stands out",
    high="some patch has an unusual norm",
    caveat="A last layer near 1 does not say that there are no outliers: look at the inner layers.",
)

OUTLIER_SHARE = Quantity(
    id="outlier-share",
    name="share of outlier patches",
    unit="share of the patches, 0 to 1",
    axes=("layer",),
    definition="Share of patches with a norm above c times the median of their layer, for c from 2 "
    "to 10. Outliers are those above 3, in the layer where the largest stands out most.",
    source="ours; Darcet 2024 uses a fixed norm of 150, picked for one model",
    low="norms are alike",
    high="many patches have an unusual norm",
    caveat="It depends on the resolution.",
)

NORM_ONSET = Quantity(
    id="norm-onset",
    name="onset of high norms",
    unit="layer",
    axes=("model",),
    definition="First layer where the largest patch norm over the median, or a register's norm "
    "over that median, exceeds half its peak over the layers; none where the peak is not above 3. "
    "From means over images.",
    source="after Jiang 2025, Fig. 2; the rule is ours",
    low="high norms begin early",
    high="high norms begin late",
    caveat="Norms may grow in two steps: look at the curve.",
)

LARGEST_CLS_ATTENTION = Quantity(
    id="largest-cls-attention",
    name="largest attention of CLS, mean over heads",
    unit="share of 1",
    axes=("layer",),
    definition="The CLS query's attention averaged over heads, at the patch or register that gets "
    "most of it; mean over images.",
    source="Jiang 2025, Fig. 2",
    low="CLS has no sink in this layer",
    high="CLS looks at one token in this layer",
)

MASSIVE = Quantity(
    id="massive-activation",
    name="massive activation",
    unit="value in the residual stream; no unit",
    axes=("layer", "token"),
    definition="A single value of the residual stream of magnitude above 100 and at least 1000 "
    "times the median magnitude of its layer; looked for among the three largest of each layer.",
    source="Sun 2024",
    low="no channel stands out",
    high="one channel of one token is thousands of times the others",
    caveat="Models of small width may have the same thing below the fixed bound of 100.",
)

CHANNEL_MAX = Quantity(
    id="channel-max",
    name="largest channel over the patches",
    unit="value in the residual stream; no unit",
    axes=("layer",),
    definition="Largest magnitude that one channel reaches over the patches of a layer.",
    source="after Siméoni 2025 (DINOv3), App. A",
    low="no channel stands out",
    high="some channel is large on patches; on all of them where norms are alike",
    caveat="A single outlier patch raises it too: read it beside the norms.",
)

LOCATION_AVERAGE = Quantity(
    id="location-average",
    name="average attention by place",
    unit="times uniform",
    axes=("query", "layer", "row", "col"),
    definition="Attention of CLS or a register to each place of the grid, mean over heads and over "
    "all images of the run; withheld below 100 images.",
    source="Darcet 2024, Fig. 16",
    low="this place is looked at less than uniform attention would",
    high="this place is looked at more, whatever the picture",
    caveat="Photographs are centered: some of it is the pictures', not the model's.",
)

OUTLIER_RATE = Quantity(
    id="outlier-rate",
    name="outlier rate by place",
    unit="share of the images, 0 to 1",
    axes=("row", "col"),
    definition="Share of the images in which the patch at this place is an outlier; withheld below "
    "100 images.",
    source="Darcet 2024, Fig. 10",
    low="outliers are never here",
    high="outliers are often here, whatever the picture",
    caveat="Stripes may come from how position embeddings were resized.",
)

LAYER_SIMILARITY = Quantity(
    id="layer-similarity",
    name="similarity of layers (linear CKA)",
    unit="0 to 1, about",
    axes=("layer", "layer"),
    definition="Linear CKA of a token's vectors over images, with the unbiased HSIC: 1 is alike "
    "but for rotation and scale. A second version brings every channel to deviation 1 first. "
    "Withheld below 256 images.",
    source="Kornblith 2019; Song 2012, Eq. 5; Raghu 2021, Eq. 1",
    low="the layers order the images differently",
    high="the layers order the images alike",
    caveat="One massive channel can make all of the plain version.",
)

STREAM = (
    NORM,
    NORM_RATIO,
    OUTLIER_SHARE,
    NORM_ONSET,
    LARGEST_CLS_ATTENTION,
    MASSIVE,
    CHANNEL_MAX,
    LOCATION_AVERAGE,
    OUTLIER_RATE,
    LAYER_SIMILARITY,
)
