"""Quantities of attention: weights, entropy, distance, mass by key group."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

ATTENTION = Quantity(
    id="attention",
    name="attention",
    unit="times uniform",
    axes=("query", "layer", "head", "key"),
    definition="Softmax weight of a key, times the number of keys. 1 is uniform attention.",
    source="Vaswani 2017, Eq. 1; the unit is ours",
    low="no attention",
    high="all attention",
    caveat="Attention tells where a model looks, not what matters to its answer. float16 "
    "keeps three digits, fewer below 0.00006; below 0.00000003 it is 0.",
)

RECEIVED = Quantity(
    id="received",
    name="attention received",
    unit="times uniform",
    axes=("layer", "head", "key"),
    definition="Attention that a key receives, mean over patches as queries.",
    source="ours",
    low="no attention",
    high="all attention",
)

RECEIVED_FROM_OUTLIERS = RECEIVED.part(
    "received-from-outliers",
    "attention received from outlier patches",
    "Attention that a key receives, mean over outlier patches as queries and over heads.",
    axes=("layer", "key"),
    low="no attention",
    high="all attention",
)

POOLING_ATTENTION = Quantity(
    id="pooling-attention",
    name="attention of the pooling probe",
    unit="times uniform",
    axes=("probe head", "patch"),
    definition="Softmax weight of a patch in the learned probe that pools the patches, times "
    "the number of patches.",
    source="Zhai 2022, Fig. 4",
    low="no attention",
    high="all attention",
)

ENTROPY = Quantity(
    id="entropy",
    name="entropy",
    unit="share of the maximum",
    axes=("layer", "head"),
    definition="Entropy of a query's attention over all keys, divided by its maximum (the "
    "logarithm of their number), mean over queries. 0 is one key, 1 is uniform.",
    source="Shannon entropy, normalized so that different grids are comparable",
    low="few tokens",
    high="spread over all",
    caveat="A sink lowers it. Compare with the entropy over patches.",
)

ENTROPY_PATCHES = Quantity(
    id="entropy-patches",
    name="entropy over patches",
    unit="share of the maximum",
    axes=("layer", "head"),
    definition="Entropy of a query's attention renormalized over patches, divided by its "
    "maximum (the logarithm of their number), mean over queries. 0 is one patch, 1 is "
    "uniform.",
    source="Shannon entropy, normalized so that different grids are comparable",
    low="few patches",
    high="spread over all",
    caveat="Attention to CLS and registers is excluded.",
)

DISTANCE = Quantity(
    id="distance",
    name="mean attention distance",
    short="distance",
    unit="input pixels",
    axes=("layer", "head"),
    definition="Distance between the centers of query patch and key patch, weighted by "
    "attention, mean over patch queries. Attention to CLS and registers counts as 0.",
    source="Dosovitskiy 2021, Fig. 11, without renormalizing",
    low="local, or to the prefix",
    high="global",
    caveat="Attention to CLS and registers shortens it. Compare with the distance over patches.",
)

DISTANCE_SHARE = DISTANCE.part(
    "distance-share",
    "mean attention distance, as a share",
    "Mean attention distance divided by the short side of the input. It is "
    "comparable across resolutions.",
    unit="share of the short side",
    short="distance, as a share",
)

DISTANCE_PATCHES = Quantity(
    id="distance-patches",
    name="mean attention distance over patches",
    short="distance over patches",
    unit="input pixels",
    axes=("layer", "head"),
    definition="Distance between the centers of query patch and key patch, weighted by "
    "attention renormalized over patches, mean over patch queries. Uniform attention gives "
    "about 0.52 times the side of a square input.",
    source="Dosovitskiy 2021, Fig. 11; Raghu 2021, Fig. 3",
    low="local",
    high="global",
    caveat="A distant sink also raises it.",
)

DISTANCE_PATCHES_SHARE = DISTANCE_PATCHES.part(
    "distance-patches-share",
    "mean attention distance over patches, as a share",
    "Mean attention distance over patches divided by the short side of the input. "
    "It is comparable across resolutions.",
    unit="share of the short side",
    short="distance over patches, as a share",
)

MASS = Quantity(
    id="mass",
    name="attention of a group to a group",
    unit="share of 1",
    axes=("layer", "head", "query group", "key group"),
    definition="Sum of a query's attention over a group of keys, mean over a group of "
    "queries. Groups are each prefix token and all patches. Key groups sum to 1.",
    source="ours",
    low="little attention on these keys",
    high="most attention on these keys",
    caveat="Groups differ in size. Compare with the uniform share.",
    short="mass",
)

MASS_MIN = MASS.part(
    "mass-min",
    "attention of a prefix token to a group, by every head",
    "Minimum over heads of a prefix token's attention, taken key by key, summed "
    "over a group of keys. It does not sum to 1.",
    axes=("layer", "query", "key group"),
    low="some head attends little",
    high="every head attends much",
    short="mass, minimum over heads",
)

SELF_ATTENTION = Quantity(
    id="self-attention",
    name="attention of a patch to itself",
    unit="share of 1",
    axes=("layer", "head"),
    definition="Attention of a patch to itself, mean over patches.",
    source="ours",
    low="patches look at other tokens",
    high="each patch looks at itself",
)

CLS_MASS = Quantity(
    id="cls-mass",
    name="attention of CLS to a group",
    unit="share of 1",
    axes=("layer", "head", "key group"),
    definition="Sum of the CLS query's attention over a group of keys: CLS, each register, "
    "all patches. Groups sum to 1.",
    source="Darcet 2024, Fig. 9, in numbers",
    low="little CLS attention",
    high="most CLS attention",
    caveat="Groups differ in size. Compare with the uniform share.",
)

CLS_MASS_CLS = CLS_MASS.part(
    "cls-mass-cls",
    "attention of CLS to itself",
    "The CLS query's attention to CLS.",
    axes=("layer", "head"),
    short="CLS on CLS",
)

CLS_MASS_REGISTERS = CLS_MASS.part(
    "cls-mass-registers",
    "attention of CLS to registers",
    "Sum of the CLS query's attention over all registers.",
    axes=("layer", "head"),
    short="CLS on registers",
)

CLS_MASS_PATCHES = CLS_MASS.part(
    "cls-mass-patches",
    "attention of CLS to patches",
    "Sum of the CLS query's attention over all patches.",
    axes=("layer", "head"),
    short="CLS on patches",
)

MAX_ATTENTION = Quantity(
    id="max-attention",
    name="largest attention of CLS",
    unit="share of 1",
    axes=("layer", "head"),
    definition="Largest weight of the CLS query's attention, over all keys.",
    source="ours",
    low="spread",
    high="one token",
)

SINK = Quantity(
    id="sink",
    name="largest attention received",
    unit="share of 1",
    axes=("layer", "head"),
    definition="Attention that the most-attended key receives, mean over all queries.",
    source="Gu 2025, with all queries since attention is not causal",
    low="no token stands out",
    high="one token gets most: a sink",
    caveat="A sink can be useful. Look at the norm of its value vector.",
)

SINK_RATE = Quantity(
    id="sink-rate",
    name="sink rate",
    unit="share of the heads",
    axes=("layer",),
    definition="Share of heads in which one key receives more than 30\u00a0% of all attention.",
    source="Gu 2025, threshold 30\u00a0%",
    low="no head has a sink",
    high="every head has a sink",
    caveat="The threshold is absolute. Several sinks that share the attention stay below it.",
)

BUDGET = Quantity(
    id="attention-budget",
    name="attention budget",
    unit="share of 1",
    axes=("layer", "query group", "key group"),
    definition="Attention of a group of queries to a group of keys: M(Q, S) = mean over Q of "
    "the sum over S. A query's own token is a separate group, so groups never overlap and "
    "sum to 1. Dashed lines: uniform attention, |S|/N.",
    source="Darcet 2024 and Jiang 2025, put in numbers; ours",
    low="little attention on these keys",
    high="most attention on these keys",
    caveat="Attention of outlier patches to themselves is known only if the rows of all "
    "patches were kept. Otherwise it counts under outlier patches.",
)

CLS_MASS_OUTLIERS = BUDGET.part(
    "cls-mass-outliers",
    "attention of CLS to outlier patches",
    "Sum of the CLS query's attention over the outlier patches, mean over heads. "
    "0 if there are none.",
    axes=("layer",),
    low="little CLS attention",
    high="most CLS attention",
    short="CLS on outlier patches",
)

POOLING_ENTROPY = ENTROPY.part(
    "pooling-entropy",
    "entropy of the pooling probe",
    "Entropy of the pooling probe's attention over patches, divided by the "
    "logarithm of their number. 0 is one patch, 1 is uniform.",
    axes=("probe head",),
    low="few patches",
    high="spread over all",
)

WEIGHTS = (
    ATTENTION,
    RECEIVED,
    RECEIVED_FROM_OUTLIERS,
    POOLING_ATTENTION,
    ENTROPY,
    POOLING_ENTROPY,
    ENTROPY_PATCHES,
    DISTANCE,
    DISTANCE_SHARE,
    DISTANCE_PATCHES,
    DISTANCE_PATCHES_SHARE,
    MASS,
    MASS_MIN,
    SELF_ATTENTION,
    CLS_MASS,
    CLS_MASS_CLS,
    CLS_MASS_REGISTERS,
    CLS_MASS_PATCHES,
    MAX_ATTENTION,
    SINK,
    SINK_RATE,
    BUDGET,
    CLS_MASS_OUTLIERS,
)
