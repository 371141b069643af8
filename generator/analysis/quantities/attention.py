"""Quantities of attention itself: heads, budget, rollout, values. Listed in ``quantities``."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

ENTROPY = Quantity(
    id="entropy",
    name="entropy",
    unit="share of its maximum, 0 to 1",
    axes=("layer", "head"),
    definition="Entropy of a query's attention over all keys, divided by the logarithm of the "
    "number of keys, averaged over all queries.",
    source="Shannon entropy, normalized so that models of different grids compare",
    low="each token looks at few others",
    high="each token looks at all alike",
    caveat="A sink lowers it: compare with the entropy over patches.",
)

ENTROPY_PATCHES = Quantity(
    id="entropy-patches",
    name="entropy over patches",
    unit="share of its maximum, 0 to 1",
    axes=("layer", "head"),
    definition="Entropy of a query's attention cut to the patches and renormalized, divided by the "
    "logarithm of the number of patches, averaged over all queries.",
    source="Shannon entropy, normalized so that models of different grids compare",
    low="of the patches, each token looks at few",
    high="each token looks at all patches alike",
    caveat="What goes to CLS and registers is left out, however much it is.",
)

DISTANCE = Quantity(
    id="distance",
    name="mean attention distance",
    unit="input pixels; as a share of the input's short side where resolutions differ",
    axes=("layer", "head"),
    definition="Distance between the centers of the query patch and the key patch, weighted by "
    "attention, averaged over the patch queries; attention to the prefix counts 0.",
    source="Dosovitskiy 2021, Fig. 11, without renormalizing",
    low="patches look near themselves, or at the prefix",
    high="patches look far away",
    caveat="Attention to CLS and registers shortens it: compare with the distance over patches.",
)

DISTANCE_PATCHES = Quantity(
    id="distance-patches",
    name="mean attention distance over patches",
    unit="input pixels; as a share of the input's short side where resolutions differ",
    axes=("layer", "head"),
    definition="The same with each query's attention cut to the patches and renormalized. Uniform "
    "attention gives 0.520 times the side of a square input at 14 × 14 patches, 0.521 at 37 × 37.",
    source="Dosovitskiy 2021, Fig. 11; Raghu 2021, Fig. 3",
    low="local: patches look near themselves",
    high="global: patches look far away",
    caveat="A far sink raises it without any wide looking.",
)

CLS_MASS = Quantity(
    id="cls-mass",
    name="attention of CLS to a group",
    unit="share of 1",
    axes=("layer", "head"),
    definition="Sum of the CLS query's attention over the keys of a group: itself, each register, "
    "all patches. The groups sum to 1.",
    source="Darcet 2024, Fig. 9, in numbers",
    low="CLS takes little from the group",
    high="CLS takes most from the group",
    caveat="A group of one token and a group of all patches differ in size: compare with the "
    "uniform share.",
)

MAX_ATTENTION = Quantity(
    id="max-attention",
    name="largest attention of CLS",
    unit="share of 1",
    axes=("layer", "head"),
    definition="Largest weight in the CLS query's attention, over all keys.",
    source="ours",
    low="CLS spreads its attention",
    high="CLS looks at one token",
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
    high="most queries look at one token: a sink",
    caveat="A sink is not always waste: look at the norm of its value vector.",
)

SINK_RATE = Quantity(
    id="sink-rate",
    name="sink rate",
    unit="share of the layer's heads, 0 to 1",
    axes=("layer",),
    definition="Share of heads in which one key receives more than 0.3 of all attention.",
    source="Gu 2025, threshold 0.3",
    low="no head of the layer has a sink",
    high="every head of the layer has a sink",
    caveat="The threshold is absolute: several sinks that share the attention stay below it.",
)

BUDGET = Quantity(
    id="attention-budget",
    name="attention budget",
    unit="share of 1",
    axes=("layer", "query", "key"),
    definition="Attention of a group of queries to a group of keys, M(Q, S) = mean over Q of the "
    "sum over S. The query's own token is a group of its own, so the groups never overlap and sum "
    "to 1. Dashed lines: what uniform attention would give, |S|/N.",
    source="Darcet 2024 and Jiang 2025, put in numbers; ours",
    low="the queries take little from these keys",
    high="the queries take most from these keys",
    caveat="The own attention of outlier patches is known only where every patch's attention was "
    "kept; elsewhere it is in the group of outlier patches.",
)

ROLLOUT = Quantity(
    id="rollout",
    name="rollout",
    unit="share of 1",
    axes=("layer", "key"),
    definition="Row of CLS, or the mean patch row, of the product over layers of (A + I) / 2, A "
    "being attention fused over heads, from the start layer to the last. Where weights on patches "
    "are discarded, rows are made to sum to 1 again, and weights on the prefix are kept.",
    source="Abnar & Zuidema 2020; fusing and discarding after jacobgil/vit-explain",
    low="little of what comes out of the last layer came from here",
    high="much of it came from here, if attention were all",
    caveat="It knows nothing of values and MLPs, and not of any class.",
)

ROLLOUT_COSINE = Quantity(
    id="rollout-cosine",
    name="likeness of rollouts",
    unit="cosine, 0 to 1",
    axes=("layer",),
    definition="Mean cosine between the rollouts of different patch queries, over at most 64 of "
    "them, by start layer.",
    source="ours",
    low="rollouts depend on the query",
    high="all queries have the same rollout",
    caveat="Near 1 the rollout map shows where attention gathers, not what a query looks at.",
)

ROLLOUT_PREFIX = Quantity(
    id="rollout-prefix",
    name="rollout on the prefix",
    unit="share of 1",
    axes=("layer",),
    definition="Sum of the rollout over CLS and registers, by start layer.",
    source="ours",
    low="nearly all of the rollout is on the map",
    high="the map shows a small rest",
)

VALUE_WEIGHTED = Quantity(
    id="value-weighted",
    name="value-weighted attention",
    unit="length in the residual stream; no unit, differs between models",
    axes=("layer", "head", "key"),
    definition="|A v W_O|: attention weight times the norm of the key's value vector after the "
    "head's output projection, and LayerScale where the block has one.",
    source="Kobayashi 2020, Eq. 4",
    low="the key gives the query little through this head",
    high="the key gives the query much through this head",
    caveat="What heads give may cancel: see the contribution through all heads. As a query beside "
    "CLS it is shown as shares over a head's keys, in times uniform; the mean over heads counts "
    "each head alike, however little it gives.",
)

CONTRIBUTION = Quantity(
    id="contribution",
    name="contribution through all heads",
    unit="length in the residual stream; no unit, differs between models",
    axes=("layer", "key"),
    definition="|sum over heads of A v W_O|: norm of what a key gives CLS in a layer; without a "
    "prefix, of what it gives the mean patch.",
    source="Kobayashi 2020",
    low="the key gives the query little",
    high="the key gives the query much",
    caveat="The MLP and later layers may undo it.",
)

SINK_VALUE = Quantity(
    id="sink-value",
    name="value norm of the sink",
    unit="times the median of the patches",
    axes=("layer", "head"),
    definition="Norm of the value vector, after the output projection, of the key that receives "
    "most attention, over the median of the patches'.",
    source="after Kobayashi 2020; ours",
    low="attention to this token does nothing",
    high="this token speaks to all that look at it",
    caveat="In a head without a sink it is the norm of some token.",
)

RELEVANCE = Quantity(
    id="relevance",
    name="class relevance",
    unit="times the mean patch",
    axes=("key",),
    definition="Row of the first prefix token of R, which starts as the identity and gains "
    "mean over heads of (dA * A)+ times R in every layer; dA is the gradient of the class's logit.",
    source="Chefer 2021 (generic attention), Eqs. 5 and 6",
    low="the patch matters little for this class, as far as attention tells",
    high="the patch matters much",
    caveat="It is about one class, which may be another one in another model.",
)

LENS_PROBABILITY = Quantity(
    id="lens-probability",
    name="logit lens",
    unit="probability and rank of the class",
    axes=("layer", "token"),
    definition="What the class head, with the final LayerNorm, says of a single token of a layer.",
    source="Vilas 2023",
    low="the token alone does not point to the class",
    high="the token alone points to the class",
    caveat="The head was trained on one token of the last layer: the others are not calibrated.",
)

ATTENTION = (
    ENTROPY,
    ENTROPY_PATCHES,
    DISTANCE,
    DISTANCE_PATCHES,
    CLS_MASS,
    MAX_ATTENTION,
    SINK,
    SINK_RATE,
    BUDGET,
    ROLLOUT,
    ROLLOUT_COSINE,
    ROLLOUT_PREFIX,
    VALUE_WEIGHTED,
    CONTRIBUTION,
    SINK_VALUE,
    RELEVANCE,
    LENS_PROBABILITY,
)
