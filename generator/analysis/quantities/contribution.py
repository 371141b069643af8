"""Quantities of rollout, value norms, relevance and the logit lens."""

from __future__ import annotations

from generator.analysis.quantities.quantity import Quantity

ROLLOUT = Quantity(
    id="rollout",
    name="rollout",
    unit="share of 1",
    axes=("start layer", "key"),
    definition="Row of CLS, or the mean patch row, of the product of (A + I) / 2 over "
    "layers, from the start layer to the last. A is attention fused over heads. If small "
    "weights on patches are discarded, rows are renormalized and weights on the prefix are "
    "kept.",
    source="Abnar & Zuidema 2020; fusing and discarding after jacobgil/vit-explain",
    low="little of the output came from here",
    high="much of the output came from here, judging by attention alone",
    caveat="Rollout ignores values and MLPs and is not about any class.",
)

ROLLOUT_COSINE = Quantity(
    id="rollout-cosine",
    name="similarity of rollouts",
    unit="cosine",
    axes=("start layer",),
    definition="Mean cosine between rollouts of different patch queries, at most 64 of them, "
    "by start layer.",
    source="ours",
    low="depends on the patch",
    high="same for all patches",
    caveat="Near 1, the map shows where attention gathers, not what a query looks at.",
)

ROLLOUT_PREFIX = Quantity(
    id="rollout-prefix",
    name="rollout on the prefix",
    unit="share of 1",
    axes=("start layer",),
    definition="Sum of the rollout over CLS and registers, by start layer.",
    source="ours",
    low="the map holds nearly all",
    high="the map holds little",
)

VALUE_NORM = Quantity(
    id="value-norm",
    name="value norm",
    unit="L2 norm",
    axes=("layer", "head", "key"),
    definition="Norm of a key's value vector after the head's output projection (and "
    "LayerScale, if any).",
    source="Kobayashi 2020",
    low="contributes little",
    high="contributes much",
    caveat="Not comparable between models of different width.",
)

VALUE_WEIGHTED = Quantity(
    id="value-weighted",
    name="value-weighted attention",
    unit="L2 norm",
    axes=("layer", "head", "key"),
    definition="|A v W_O|: attention weight times the norm of the key's value vector after "
    "the head's output projection (and LayerScale, if any).",
    source="Kobayashi 2020, Eq. 4",
    low="little contribution",
    high="large contribution",
    caveat="Not comparable between models of different width. Contributions of heads may "
    "cancel: see the contribution through all heads. As a query beside CLS it is a share of "
    "each head's keys, in times uniform, and all heads count equally in the mean.",
)

CONTRIBUTION = Quantity(
    id="contribution",
    name="contribution through all heads",
    unit="L2 norm",
    axes=("layer", "key"),
    definition="|sum over heads of A v W_O|: norm of what a key adds to CLS in a layer. "
    "Without a prefix: to the mean patch.",
    source="Kobayashi 2020",
    low="little contribution",
    high="large contribution",
    caveat="Not comparable between models of different width. Later parts of the network "
    "can cancel this.",
)

SINK_VALUE = Quantity(
    id="sink-value",
    name="value norm of the sink",
    unit="times the median of the patches",
    axes=("layer", "head"),
    definition="Value norm of the most-attended key, after the output projection, divided by "
    "the patches' median.",
    source="after Kobayashi 2020; ours",
    low="contributes little",
    high="passes a large value to every query",
    caveat="Every head has a most-attended key, sink or not.",
)

RELEVANCE = Quantity(
    id="relevance",
    name="class relevance",
    unit="no unit",
    axes=("key",),
    definition="First prefix token's row of R. R starts as the identity; each layer adds the "
    "mean over heads of (dA * A)+ times R. dA is the gradient of the class's logit. Maps "
    "show it in times the mean patch. It does not sum to 1.",
    source="Chefer 2021 (generic attention), Eqs. 5 and 6",
    low="irrelevant to the class, judging by attention and gradient",
    high="relevant to the class",
    caveat="It is about one class, which may differ between models.",
)

LENS_PROBABILITY = Quantity(
    id="lens-probability",
    name="logit lens",
    unit="share of 1",
    axes=("layer + 1", "token"),
    definition="Probability of the class when the final LayerNorm and the class head read a "
    "single token of a layer.",
    source="Vilas 2023",
    low="the token alone does not point to the class",
    high="the token alone points to the class",
    caveat="The head was trained on one token of the last layer. Other tokens are not calibrated.",
)

LENS_RANK = LENS_PROBABILITY.part(
    "lens-rank",
    "rank in the logit lens",
    "Rank of the class among all classes when the final LayerNorm and the class "
    "head read a single token of a layer.",
    unit="rank, from 1",
    low="the token alone points to the class",
    high="the token alone does not point to the class",
)

CONTRIBUTIONS = (
    ROLLOUT,
    ROLLOUT_COSINE,
    ROLLOUT_PREFIX,
    VALUE_NORM,
    VALUE_WEIGHTED,
    CONTRIBUTION,
    SINK_VALUE,
    RELEVANCE,
    LENS_PROBABILITY,
    LENS_RANK,
)
