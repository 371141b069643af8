"""Quantities of features, object discovery, annotated objects and weights."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

FEATURES = Quantity(
    id="features",
    name="features",
    unit="activation",
    axes=("patch", "channel"),
    definition="Residual stream of the patches after the last block, before the final LayerNorm.",
    source="Oquab 2024 (DINOv2), section 7.5",
    low="a negative activation",
    high="a positive activation",
    caveat="A single channel seldom has a meaning.",
)
POOLED_FEATURES = FEATURES.part(
    "pooled-features",
    "features of the image",
    "Residual stream of CLS, and its mean over the patches, after every block and "
    "before the final LayerNorm. Layer 0 is the embedding. NaN for CLS in models without "
    "it.",
    axes=("layer + 1", "CLS or mean patch", "channel"),
)
KEY_VECTORS = Quantity(
    id="key-vectors",
    name="key vectors",
    unit="activation",
    axes=("patch", "channel"),
    definition="Keys of the patches in the last block, heads concatenated, as used in "
    "attention: after rotary embedding, not normalized.",
    source="Siméoni 2021 (LOST)",
    low="a negative activation",
    high="a positive activation",
)
QUERY_VECTORS = KEY_VECTORS.part(
    "query-vectors",
    "query vectors",
    "Queries of the patches in the last block, heads concatenated, as used in "
    "attention: after rotary embedding, not normalized.",
)
VALUE_VECTORS = KEY_VECTORS.part(
    "value-vectors",
    "value vectors",
    "Values of the patches in the last block, heads concatenated, not normalized.",
)
MASS_MASK_AREA = Quantity(
    id="mass-mask-area",
    name="area of the mass mask",
    unit="share of the patches",
    axes=("layer", "head", "query"),
    definition="Share of the patches in the smallest set that holds 60 % of a query's "
    "attention on patches: in ascending order, those whose running sum exceeds 40 %.",
    source="Caron 2021 (DINO), Fig. 4, and its visualize_attention.py",
    low="attention is on few patches",
    high="attention is spread; uniform attention gives 60\u00a0%",
    caveat="One outlier with much of the mass shrinks the mask.",
)
MASS_MASK_PARTS = Quantity(
    id="mass-mask-parts",
    name="parts of the mass mask",
    unit="number of connected parts",
    axes=("layer", "head", "query"),
    definition="Number of parts of the mass mask whose patches share edges.",
    source="ours, on the mask of Caron 2021",
    low="attention is in one place",
    high="attention is scattered",
    caveat="Finer grids give more parts.",
)
LOST_DEGREE = Quantity(
    id="lost-degree",
    name="inverse degree (LOST)",
    unit="1 / number of patches",
    axes=("row", "col"),
    definition="1 / (1 + number of other patches whose dot product with the patch is "
    "positive), for vectors of the last block, heads concatenated, not normalized.",
    source="Siméoni 2021 (LOST), section 3; Darcet 2024, Fig. 13",
    low="similar to most patches",
    high="different from most; LOST starts here",
)
LOST_SCORE = Quantity(
    id="lost-score",
    name="seed expansion score (LOST)",
    unit="sum of dot products",
    axes=("row", "col"),
    definition="Sum of a patch's dot products with the seed and with those of the k patches "
    "of lowest degree that correlate positively with the seed. The object is the connected "
    "part above zero that holds the seed. k is 100 at 37x37 patches and scales with their "
    "number.",
    source="Siméoni 2021 (LOST), section 3, and its object_discovery.py",
    low="below zero: background",
    high="similar to the object",
    caveat="The paper uses k = 100 on every grid.",
)
TOKENCUT_VECTOR = Quantity(
    id="tokencut-vector",
    name="TokenCut eigenvector",
    unit="of a vector of length 1",
    axes=("row", "col"),
    definition="Second smallest solution of (D - W) y = lambda D y. W is 1 between patches "
    "whose vectors in the last block (keys by default) have a cosine above 0.2, and 0.00001 "
    "elsewhere. The largest magnitude is made positive. The object is the connected part "
    "above the mean that holds it.",
    source="Wang 2022 (TokenCut), and its object_discovery.py",
    low="background",
    high="the object",
    caveat="If the gap to the next eigenvalue is small, other cuts are nearly as good.",
)
LEADING_COMPONENT = Quantity(
    id="leading-component",
    name="first principal component",
    unit="standard deviations",
    axes=("row", "col"),
    definition="Score of a patch on the first principal component of the image's patches "
    "after the last block, before the final LayerNorm, divided by its standard deviation. "
    "Positive is the side with the lower share of border patches.",
    source="Darcet 2024, Fig. 20; the rule for the sign is ours",
    low="one end of the strongest contrast in the picture",
    high="the other end",
    caveat="The sign has no meaning. Outliers dominate the component: see it without them.",
)
FEATURE_COLORS = Quantity(
    id="feature-colors",
    name="feature colors",
    unit="red, green, blue",
    axes=("row", "col"),
    definition="Patches on the foreground side of the first principal component of a group of "
    "images, colored by the first three principal components of those patches alone, each scaled "
    "to the scores within two median absolute deviations.",
    source="Oquab 2024 (DINOv2), section 7.5; range as in Yang 2024 (DVT)",
    low="similar colors, similar features",
    high="different colors, different features",
    caveat="Colors of two models are comparable only after alignment.",
)
EXPLAINED_VARIANCE = Quantity(
    id="explained-variance",
    name="explained variance",
    unit="share of 1",
    axes=("component",),
    definition="Variance of the patches along a principal component, divided by their total "
    "variance.",
    source="Pearson 1901",
    low="the component shows little of the features",
    high="the component shows most of them",
)
ALIGNMENT_RESIDUAL = Quantity(
    id="alignment-residual",
    name="alignment residual",
    unit="times the reference's squared size",
    axes=("model",),
    definition="Squared distance between the components of two models after the best "
    "rotation of one onto the other, divided by the other's squared size. Over the places "
    "both models were fitted to: foreground without outliers. Baseline: the same with "
    "patches paired at random.",
    source="orthogonal Procrustes, Schönemann 1966",
    low="colors of the two models mean the same",
    high="colors of the two models are not comparable",
)
PATCH_COSINE = Quantity(
    id="patch-cosine",
    name="cosine with a patch",
    unit="cosine",
    axes=("row", "col"),
    definition="Cosine between the features of a chosen patch and those of every patch, "
    "after the last block and before the final LayerNorm.",
    source="Siméoni 2025 (DINOv3), Figs. 3 and 6",
    low="different from the chosen patch",
    high="similar to the chosen patch",
)
MASS_INSIDE = Quantity(
    id="mass-inside",
    name="mass on the objects",
    unit="share of 1",
    axes=("layer", "head", "query"),
    definition="Share of the attention on patches that falls on marked objects. A patch's "
    "attention is spread evenly over its area.",
    source="Wang 2020 (Score-CAM), energy-based pointing game",
    low="attention is on the background",
    high="attention is on the objects",
    caveat="Compare with uniform and with a centered Gaussian: objects tend to be centered.",
)
POINTING_GAME = Quantity(
    id="pointing-game",
    name="pointing game",
    unit="hit or miss",
    axes=("layer", "head", "query"),
    definition="Whether the patch of the largest value is mostly object.",
    source="Zhang 2018 (excitation backpropagation)",
    low="miss: the strongest patch is background",
    high="hit",
    caveat="One outlier decides it.",
)
MASK_IOU = Quantity(
    id="mask-iou",
    name="IoU of the mass mask",
    unit="share of 1",
    axes=("layer", "head", "query"),
    definition="Intersection over union of the mass mask and the marked objects. A uniform "
    "map has no order, so 60 % of every patch counts as its mask.",
    source="Caron 2021 (DINO), Fig. 4 (Jaccard)",
    low="mask and objects lie apart",
    high="mask and objects coincide",
    caveat="The paper takes the best head of each image. Here each head has its own value.",
)
AVERAGE_PRECISION = Quantity(
    id="average-precision",
    name="average precision",
    unit="share of 1",
    axes=("layer", "head", "query"),
    definition="Sum over all thresholds of precision times the gain in recall, with the "
    "picture's area ranked by the map. Equal values share a threshold.",
    source="Buckley & Voorhees 2000, without interpolation, which PASCAL VOC has",
    low="objects rank no higher than background; a constant map scores their area",
    high="objects rank above the background",
    caveat="Attention below 0.00000003 times uniform is recorded as 0, so such places tie.",
)
BOX_IOU = Quantity(
    id="box-iou",
    name="box IoU",
    unit="share of 1",
    axes=("model", "image"),
    definition="Intersection over union of the found box and the marked box that it fits "
    "best. Marked boxes are cut to what the model saw. 0 if nothing was found.",
    source="PASCAL VOC, Everingham 2010",
    low="the object was missed",
    high="the box fits",
)
CORLOC = Quantity(
    id="corloc",
    name="CorLoc",
    unit="share of the images",
    axes=("model",),
    definition="Share of the images whose found box has an IoU of at least 50\u00a0% with a "
    "marked box. Images without a found box count as missed.",
    source="Deselaers 2010; Darcet 2024, Table 3",
    low="objects are seldom found",
    high="objects are mostly found",
    caveat="A few images give no reliable value. Read it with their number.",
)
POSITION_SIMILARITY = Quantity(
    id="position-similarity",
    name="position embedding similarity",
    unit="cosine",
    axes=("row", "col", "row", "col"),
    definition="Cosine of each patch's learned position embedding with every other's, on the "
    "model's native grid.",
    source="Dosovitskiy 2021 (ViT), Fig. 7 center",
    low="places differ",
    high="places are similar",
)
PATCH_FILTERS = Quantity(
    id="patch-filters",
    name="patch filters",
    unit="weight around zero, which is gray",
    axes=("component", "row", "col"),
    definition="Principal components of the patch embedding's filters, on one scale for all.",
    source="Dosovitskiy 2021 (ViT), Fig. 7 left",
    low="dark, negative",
    high="light, positive",
)

OBJECTS: tuple[Quantity, ...] = (
    FEATURES,
    POOLED_FEATURES,
    KEY_VECTORS,
    QUERY_VECTORS,
    VALUE_VECTORS,
    MASS_MASK_AREA,
    MASS_MASK_PARTS,
    LOST_DEGREE,
    LOST_SCORE,
    TOKENCUT_VECTOR,
    LEADING_COMPONENT,
    FEATURE_COLORS,
    EXPLAINED_VARIANCE,
    ALIGNMENT_RESIDUAL,
    PATCH_COSINE,
    MASS_INSIDE,
    POINTING_GAME,
    MASK_IOU,
    AVERAGE_PRECISION,
    BOX_IOU,
    CORLOC,
    POSITION_SIMILARITY,
    PATCH_FILTERS,
)
