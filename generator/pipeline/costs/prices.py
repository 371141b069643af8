"""Cost model of measuring from shapes: multiplications, memory, record size.

A forward pass counts as its matrix products. Memory-bound work counts as a fixed number of
multiplications for each number read.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.capture.checkpoint.layouts import VisionConfig
from generator.records.extras import Extra, Measuring
from generator.records.record import PatchQueries, TokenLayout

PASS = 20
"""Multiplications in a matrix product that take as long as reading one number."""

BLOCK_PASSES = 72
"""Reads of each number of the residual stream in a block: norms, biases, an activation four times
as wide. Fitted on DINOv2-S and -B at 224 and 518 px."""

ATTENTION_PASSES = 6
"""Reads of each attention weight: softmax and the statistics of maps. Fitted on the same."""

EXPLAINED = 2.5
"""Cost of relevance in forward passes: one forward, and one backward through the activations."""

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of a model on an image, which determines its cost.

    Attributes:
        layout: tokens of the input.
        classes: classes of the class head; 0 without one.
    """

    vision: VisionConfig
    layout: TokenLayout
    classes: int

    @property
    def stream(self) -> int:
        """Size of the residual stream at one layer."""
        return self.layout.tokens * self.vision.width

    @property
    def forward(self) -> float:
        """Multiplications of a forward pass.

        Projections, an MLP of four times the width, attention, and what is done number by number.
        """
        layer = 12 * self.vision.width * self.stream + 2 * self.stream * self.layout.tokens
        return float(self.vision.layers * (layer + BLOCK_PASSES * PASS * self.stream))

    @property
    def measured(self) -> float:
        """Multiplications of a measured forward pass: attention logits are computed twice."""
        logits = 2 * self.stream * self.layout.tokens
        weights = self.vision.heads * self.layout.tokens**2
        return self.forward + self.vision.layers * (logits + ATTENTION_PASSES * PASS * weights)

    def applies(self, extra: Extra) -> bool:
        """Whether a part can be measured."""
        return self.classes > 0 or extra not in ("relevance", "lens")

    def multiplications(self, extra: Extra) -> float:
        """Additional multiplications of a part for one image."""
        vision, passes = self.vision, PASS * self.stream
        if not self.applies(extra):
            return 0.0
        match extra:
            case "features":  # the mean over the patches, and copies
                return float((vision.layers + 1) * 2 * passes)
            case "massive":  # largest and smallest, and a sample for the median
                return float((vision.layers + 1) * 8 * passes)
            case "values":  # one more output projection, and each head's norm
                head = vision.width // vision.heads
                return float(vision.layers * (self.stream * (vision.width + head) + 4 * passes))
            case "lens":  # the class head at every token
                outputs = self.layout.tokens * self.classes
                return float((vision.layers + 1) * outputs * (vision.width + 4 * PASS))
            case "relevance":
                return EXPLAINED * self.forward

    def bytes(self, extra: Extra, vectors: int = 1) -> int:
        """Additional bytes of a part in a record.

        Args:
            vectors: number of kept vector kinds among keys, queries and values.
        """
        vision, layout = self.vision, self.layout
        states = vision.layers + 1
        if not self.applies(extra):
            return 0
        match extra:
            case "features":
                kept = 2 * (1 + vectors) * layout.patches * vision.width
                return kept + states * 2 * vision.width * 4
            case "massive":
                return states * (3 * 12 + 4 + 4 * vision.width)
            case "values":
                return vision.layers * layout.tokens * (2 * vision.heads + 4)
            case "lens":
                return states * layout.tokens * 6
            case "relevance":
                return 4 * layout.tokens

    def record_bytes(self, patch_queries: PatchQueries, measuring: Measuring) -> int:
        """Size of a record."""
        vision, layout = self.vision, self.layout
        maps = vision.layers * vision.heads
        rows = 2 * maps * layout.tokens * (len(layout.prefix) + 1)
        kept = {"off": 0, "mean": vision.layers, "heads": maps}[patch_queries]
        floats = 4 * layout.tokens * (2 * vision.layers + 1)  # norms and rollout
        parts = sum(self.bytes(extra, len(measuring.objects)) for extra in measuring.extras)
        return rows + 2 * kept * layout.patches * layout.tokens + floats + parts + 4096

    def memory(self, measuring: Measuring, dtype: str) -> int:
        """Bytes while measuring one image.

        Weights, the widest activations, head means of all layers for the rollout, and the optional
        parts.
        """
        vision, tokens = self.vision, self.layout.tokens
        size = DTYPE_BYTES[dtype]
        weights = 12 * vision.layers * vision.width**2 * size
        activations = 12 * self.stream * size
        held = sum(self.bytes(extra, len(measuring.objects)) for extra in measuring.extras)
        if "values" in measuring.extras:  # vectors kept during a block, and results from them
            held += 24 * 4 * self.stream  # as measured on a DINOv2-B at 518 px
            held += 4 * vision.layers * vision.width * (vision.width // vision.heads)
        if "relevance" in measuring.extras and self.classes:  # activations for the backward pass
            held += vision.layers * (4 * vision.heads * tokens**2 + 16 * self.stream * size)
        return weights + activations + 4 * vision.layers * tokens**2 + held
