"""Larger models whose patches come in neighborhoods, and what their eager attention makes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from torch import Tensor

from tests.capture.towers import QWEN, tower

VISION = {
    "depth": 2,
    "num_heads": 4,
    "embed_dim": 32,
    "hidden_size": 32,
    "out_hidden_size": 32,
    "intermediate_size": 48,
    "patch_size": 16,
    "mlp_ratio": 2,
}
ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
TEXT = {**{k: v for k, v in QWEN.items() if k != "model_type"}, "rope_parameters": ROPE}
MORE = {"image_token_id": 98, "video_token_id": 97, "vision_start_token_id": 96}
NEIGHBORHOODS = [
    tower(
        "Qwen2-VL",
        "Qwen2VLConfig",
        "Qwen2VLForConditionalGeneration",
        "",
        (),
        VISION,
        text_config=TEXT,
        **MORE,
    ),
    tower(
        "Qwen2.5-VL",
        "Qwen2_5_VLConfig",
        "Qwen2_5_VLForConditionalGeneration",
        "",
        (),
        {**VISION, "window_size": 64, "fullatt_block_indexes": [1]},
        text_config=TEXT,
        **MORE,
    ),
    tower(
        "Qwen3-VL",
        "Qwen3VLConfig",
        "Qwen3VLForConditionalGeneration",
        "",
        (),
        {**VISION, "num_position_embeddings": 16, "deepstack_visual_indexes": [0]},
        text_config={**TEXT, "head_dim": 8},
        **MORE,
    ),
    tower(
        "GLM-4V",
        "Glm4vConfig",
        "Glm4vForConditionalGeneration",
        "",
        (),
        VISION,
        text_config={**TEXT, "head_dim": 8},
        **MORE,
    ),
]


@contextmanager
def eager_weights(network: Any) -> Iterator[list[Tensor]]:
    """The matrices of a network that makes them, as its own eager function returns them."""
    module, found = sys.modules[type(network).__module__], []
    own = module.eager_attention_forward  # type: ignore[attr-defined]

    def seen(*args: Any, **options: Any) -> Any:
        result = own(*args, **options)
        found.append(result[1])
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "eager_attention_forward", seen)
        yield found
