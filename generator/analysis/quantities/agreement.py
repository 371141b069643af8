"""Quantities of two maps, or of two models over images."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

PLACES = "Maps are the patches' part, made to sum to 1, moved by area to the coarser of both grids."

DIVERGENCE = Quantity(
    id="divergence",
    name="Jensen-Shannon divergence",
    unit="bits",
    axes=("layer",),
    definition="Mean of the relative entropies of both maps to their mean, base 2. " + PLACES,
    source="Lin 1991",
    low="same",
    high="no overlap",
    caveat="It ignores how far apart places are. Read it beside its baselines.",
)

DISAGREEMENT = DIVERGENCE.part(
    "disagreement",
    "disagreement of models",
    "Mean over all pairs of models of the Jensen-Shannon divergence, base 2, of their small maps: "
    "last layer, mean over heads, patches only, as shares of 1, on the coarsest of the models' "
    "grids.",
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
    definition="Correlation of the ranks of both maps' values; equal values share their mean rank. "
    + PLACES,
    source="Spearman 1904",
    low="opposite; 0 = unrelated",
    high="same order",
    caveat="Background patches dominate it. Records hold 0 for attention below "
    "0.00000003 times uniform: such places tie.",
)

SIMILARITY = Quantity(
    id="similarity",
    name="shared mass",
    unit="0 to 1",
    axes=("layer", "head"),
    definition="Sum over places of the smaller of both maps. " + PLACES,
    source="Bylinskii 2019 (SIM)",
    low="no overlap",
    high="same",
)

EARTH_MOVERS = Quantity(
    id="earth-movers",
    name="earth mover's distance",
    unit="share of the picture's height",
    axes=("layer", "head"),
    definition="Mean distance that attention must move to turn one map into the other, by the "
    "cheapest plan; exact on a grid of at most 16x16, to which larger maps are pooled. " + PLACES,
    source="Rubner 2000; Bylinskii 2019 (EMD)",
    low="same place",
    high="far apart",
    caveat="Maps of two different small things close to each other have a low value.",
)

PAIRED_DIFFERENCE = Quantity(
    id="paired-difference",
    name="mean difference over images",
    unit="that of the quantity compared",
    axes=("image",),
    definition="First model minus second, image by image, and the mean, with a nominal 95\u00a0% "
    "interval over images: Student's t with the skewness removed, from 8 images. In "
    "simulations, 90 to 96\u00a0% of such intervals hold the true mean.",
    source="Hall 1992; stars after Holm 1979",
    low="the second model has more",
    high="the first model has more",
    caveat="Two checkpoints differ in more than one thing: a difference is not a cause. Below 20 "
    "images nothing is called significant; stars are corrected for the number of quantities.",
)

HEAD_SIMILARITY = Quantity(
    id="head-similarity",
    name="similarity of heads",
    unit="0 to 1",
    axes=("head", "head"),
    definition="1 less the Jensen-Shannon divergence of two heads' CLS rows over all keys, mean "
    "over images. Heads of two models are matched one to one by the largest sum (Hungarian "
    "method), by their maps on a common grid.",
    source="after Clark 2019, Fig. 6; Kuhn 1955",
    low="different places",
    high="same places",
    caveat="A sink that all heads share makes all of them similar.",
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
