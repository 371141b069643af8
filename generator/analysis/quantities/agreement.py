"""Quantities of two maps, or of two models over images."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

PLACES = "Maps are renormalized over patches and resampled by area to the coarser grid."

DIVERGENCE = Quantity(
    id="divergence",
    name="Jensen-Shannon divergence",
    unit="bits",
    axes=("layer",),
    definition="Mean relative entropy of both maps to their mean, base 2. " + PLACES,
    source="Lin 1991",
    low="same",
    high="no overlap",
    caveat="It ignores how far apart places are. Compare with its baselines.",
)

DISAGREEMENT = DIVERGENCE.part(
    "disagreement",
    "disagreement of models",
    "Mean Jensen-Shannon divergence, base 2, over all pairs of models. Maps: last "
    "layer, mean over heads, renormalized over patches, on the coarsest grid of the models.",
    axes=("image",),
    low="same places",
    high="no overlap",
    short="disagreement",
)

PEARSON = Quantity(
    id="pearson",
    name="Pearson correlation",
    unit="correlation",
    axes=("layer", "head"),
    definition="Correlation of the values of both maps, place by place. " + PLACES,
    source="Bylinskii 2019 (CC)",
    low="opposite; 0 = unrelated",
    high="same",
    caveat="A single outlier patch can dominate.",
)

SPEARMAN = Quantity(
    id="spearman",
    name="Spearman correlation",
    unit="correlation",
    axes=("layer", "head"),
    definition="Correlation of the ranks of both maps' values. Ties share their mean rank. "
    + PLACES,
    source="Spearman 1904",
    low="opposite; 0 = unrelated",
    high="same order",
    caveat="Background patches dominate it. Attention below 0.00000003 times uniform is "
    "recorded as 0, so such places tie.",
)

SIMILARITY = Quantity(
    id="similarity",
    name="shared mass",
    unit="0 to 1",
    axes=("layer", "head"),
    definition="Sum over places of the smaller of both values. " + PLACES,
    source="Bylinskii 2019 (SIM)",
    low="no overlap",
    high="same",
)

EARTH_MOVERS = Quantity(
    id="earth-movers",
    name="earth mover's distance",
    unit="share of the picture's height",
    axes=("layer", "head"),
    definition="Least mean distance that attention must move to turn one map into the other. "
    "Exact up to 16x16 patches; larger maps are pooled to that. " + PLACES,
    source="Rubner 2000; Bylinskii 2019 (EMD)",
    low="same place",
    high="far apart",
    caveat="Two different small things close to each other give a low value.",
)

PAIRED_DIFFERENCE = Quantity(
    id="paired-difference",
    name="mean difference over images",
    unit="that of the quantity compared",
    axes=("image",),
    definition="First model minus second, for each image and on average. The nominal "
    "95\u00a0% interval over images is Student's t with the skewness removed, from 8 "
    "images. In simulations, 90 to 96\u00a0% of such intervals hold the true mean.",
    source="Hall 1992; stars after Holm 1979",
    low="the second model has more",
    high="the first model has more",
    caveat="Two checkpoints differ in several ways, so a difference does not name a "
    "cause. There are no significance tests below 20 images. Stars are corrected for the "
    "number of quantities.",
)

HEAD_SIMILARITY = Quantity(
    id="head-similarity",
    name="similarity of heads",
    unit="0 to 1",
    axes=("head", "head"),
    definition="1 minus the Jensen-Shannon divergence of two heads' CLS attention over all "
    "keys, mean over images. Heads of two models are compared by their maps on a common "
    "grid and matched one to one (Hungarian method).",
    source="after Clark 2019, Fig. 6; Kuhn 1955",
    low="different places",
    high="same places",
    caveat="A shared sink makes all heads similar.",
)

AGREEMENT = (
    DIVERGENCE,
    DISAGREEMENT,
    PEARSON,
    SPEARMAN,
    SIMILARITY,
    EARTH_MOVERS,
    HEAD_SIMILARITY,
    PAIRED_DIFFERENCE,
)
