"""Quantities of attention: weights, entropy, distance, mass by key group."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

ATTENTION = Quantity(
    id="attention",
    name="attention",
    unit="times uniform",
    axes=("query", "layer", "head", "key"),
    definition="Weight of a key in the softmax of a query, times the number of keys: 1 is what "
    "every key gets from uniform attention.",
    source="Vaswani 2017, Eq. 1; the unit is ours",
    low="no attention",
    high="all attention",
    caveat="Attention tells where a model looks, not what matters to its answer. float16 holds "
    "three digits, fewer below 0.00006, and 0 below 0.00000003.",
)

RECEIVED = Quantity(
    id="received",
    name="attention received",
    unit="times uniform",
    axes=("layer", "head", "key"),
    definition="Attention that a key receives, averaged over the patches as queries.",
    source="ours",
    low="no attention",
    high="all attention",
)

RECEIVED_FROM_OUTLIERS = RECEIVED.part(
    "received-from-outliers",
    "attention received from outlier patches",
    "Attention that a key receives, averaged over the outlier patches as queries and over heads.",
    axes=("layer", "key"),
    low="no attention",
    high="all attention",
)

POOLING_ATTENTION = Quantity(
    id="pooling-attention",
    name="attention of the pooling probe",
    unit="times uniform",
    axes=("probe head", "patch"),
    definition="Weight of a patch in the softmax of the learned probe that pools the patches, "
    "times the number of patches.",
    source="Zhai 2022, Fig. 4",
    low="no attention",
    high="all attention",
)

ENTROPY = Quantity(
    id="entropy",
    name="entropy",
    unit="share of the maximum",
    axes=("layer", "head"),
    definition="Entropy of a query's attention over all keys, divided by the logarithm of the "
    "number of keys, averaged over all queries: 0 is one key, 1 is uniform.",
    source="Shannon entropy, normalized so that models of different grids compare",
    low="few tokens",
    high="spread over all",
    caveat="A sink lowers it: compare with the entropy over patches.",
)

ENTROPY_PATCHES = Quantity(
    id="entropy-patches",
    name="entropy over patches",
    unit="share of the maximum",
    axes=("layer", "head"),
    definition="Entropy of a query's attention cut to the patches and renormalized, divided by the "
    "logarithm of the number of patches, averaged over all queries: 0 is one patch, 1 is uniform.",
    source="Shannon entropy, normalized so that models of different grids compare",
    low="few patches",
    high="spread over all",
    caveat="What goes to CLS and registers is left out, however much it is.",
)

DISTANCE = Quantity(
    id="distance",
    name="mean attention distance",
    short="distance",
    unit="input pixels",
    axes=("layer", "head"),
    definition="Distance between the centers of the query patch and the key patch, weighted by "
    "attention, averaged over the patch queries; attention to the prefix counts 0.",
    source="Dosovitskiy 2021, Fig. 11, without renormalizing",
    low="local, or to the prefix",
    high="global",
    caveat="Attention to CLS and registers shortens it: compare with the distance over patches.",
)

DISTANCE_SHARE = DISTANCE.part(
    "distance-share",
    "mean attention distance, as a share",
    "Mean attention distance divided by the short side of the input, so that resolutions compare.",
    unit="share of the short side",
    short="distance, as a share",
)

DISTANCE_PATCHES = Quantity(
    id="distance-patches",
    name="mean attention distance over patches",
    short="distance over patches",
    unit="input pixels",
    axes=("layer", "head"),
    definition="Distance between the centers of the query patch and the key patch, weighted by "
    "attention cut to the patches and renormalized, averaged over the patch queries. Uniform "
    "attention gives about 0.52 times the side of a square input.",
    source="Dosovitskiy 2021, Fig. 11; Raghu 2021, Fig. 3",
    low="local",
    high="global",
    caveat="A far sink raises it without any wide looking.",
)

DISTANCE_PATCHES_SHARE = DISTANCE_PATCHES.part(
    "distance-patches-share",
    "mean attention distance over patches, as a share",
    "Mean attention distance over patches divided by the short side of the input, so that "
    "resolutions compare.",
    unit="share of the short side",
    short="distance over patches, as a share",
)

MASS = Quantity(
    id="mass",
    name="attention of a group to a group",
    unit="share of 1",
    axes=("layer", "head", "query group", "key group"),
    definition="Sum of a query's attention over the keys of a group, averaged over the queries of "
    "a group. Groups are the prefix tokens, one each, and all patches. The key groups sum to 1.",
    source="ours",
    low="little attention on these keys",
    high="most attention on these keys",
    caveat="A group of one token and a group of all patches differ in size: compare with the "
    "uniform share.",
    short="mass",
)

MASS_MIN = MASS.part(
    "mass-min",
    "attention of a prefix token to a group, by every head",
    "Sum over the keys of a group of the minimum over heads of a prefix token's attention. The "
    "minimum is taken key by key: what every head gives at least. It does not sum to 1.",
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
    definition="Attention that a patch pays to itself, averaged over the patches.",
    source="ours",
    low="patches look at other tokens",
    high="each patch looks at itself",
)

CLS_MASS = Quantity(
    id="cls-mass",
    name="attention of CLS to a group",
    unit="share of 1",
    axes=("layer", "head", "key group"),
    definition="Sum of the CLS query's attention over the keys of a group: itself, each register, "
    "all patches. The groups sum to 1.",
    source="Darcet 2024, Fig. 9, in numbers",
    low="little CLS attention",
    high="most CLS attention",
    caveat="A group of one token and a group of all patches differ in size: compare with the "
    "uniform share.",
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
    definition="Largest weight in the CLS query's attention, over all keys.",
    source="ours",
    low="spread",
    high="one token",
)

SINK = Quantity(
    id="sink",
    name="largest attention received",
    unit="share of 1",
    axes=("layer", "head"),
    definition="Attention that a key receives, averaged over all queries; of the key that receives "
    "most.",
    source="Gu 2025, with all queries since attention is not causal",
    low="no token stands out",
    high="one token gets most: a sink",
    caveat="A sink is not always waste: look at the norm of its value vector.",
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
    caveat="The threshold is absolute: several sinks that share the attention stay below it.",
)

BUDGET = Quantity(
    id="attention-budget",
    name="attention budget",
    unit="share of 1",
    axes=("layer", "query group", "key group"),
    definition="Attention of a group of queries to a group of keys, M(Q, S) = mean over Q of the "
    "sum over S. The query's own token is a group of its own, so the groups never overlap and sum "
    "to 1. Dashed lines: what uniform attention would give, |S|/N.",
    source="Darcet 2024 and Jiang 2025, put in numbers; ours",
    low="little attention on these keys",
    high="most attention on these keys",
    caveat="The own attention of outlier patches is known only where every patch's attention was "
    "kept; elsewhere it is in the group of outlier patches.",
)

CLS_MASS_OUTLIERS = BUDGET.part(
    "cls-mass-outliers",
    "attention of CLS to outlier patches",
    "Sum of the CLS query's attention over the outlier patches, mean over heads; 0 where there are "
    "none.",
    axes=("layer",),
    low="little CLS attention",
    high="most CLS attention",
    short="CLS on outlier patches",
)

POOLING_ENTROPY = ENTROPY.part(
    "pooling-entropy",
    "entropy of the pooling probe",
    "Entropy of the pooling probe's attention over the patches, divided by the logarithm of their "
    "number: 0 is one patch, 1 is uniform.",
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
