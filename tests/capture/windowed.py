"""Small seeded networks of which some layers attend within windows, and their own attention."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tests.capture.families import Family
from tests.capture.towers import QWEN, SIZES, TEXT, tower

LAYERS, HEADS = 3, 4


def _sam(name: str, config: str, model: str, **options: Any) -> Family:
    """Its middle layer attends to the whole picture; its windows of 3 x 3 patches are padded."""
    sizes = {"window_size": 3, "global_attn_indexes": [1], "output_channels": 8}
    return Family(name, config, model, (), {**sizes, **options}, resizable=False)


WINDOWED = [
    _sam("SAM", "SamVisionConfig", "SamVisionModel", num_pos_feats=8),
    _sam("SAM-HQ", "SamHQVisionConfig", "SamHQVisionModel", num_pos_feats=8),
    _sam("SAM without padding", "SamVisionConfig", "SamVisionModel", window_size=2),
    _sam("SAM of one window", "SamVisionConfig", "SamVisionModel", window_size=5),
    _sam("SAM without a bias", "SamVisionConfig", "SamVisionModel", use_rel_pos=False),
    _sam("SAM 3", "Sam3ViTConfig", "Sam3ViTModel", pretrain_image_size=32),
    Family(
        *("ViTDet", "VitDetConfig", "VitDetModel", ()),
        {
            **{"window_size": 3, "window_block_indices": [0, 2], "residual_block_indices": [1]},
            **{"use_relative_position_embeddings": True, "mlp_ratio": 2},
        },
    ),
    Family("ViTDet without windows", "VitDetConfig", "VitDetModel", (), {"mlp_ratio": 2}),
]


TOWER = {
    **SIZES,
    **{"window_size": 3, "global_attn_indexes": [1], "output_channels": 32},
    **{"num_pos_feats": 16, "mlp_dim": 48},
}
PROMPTS = {"hidden_size": 32, "image_size": 64, "patch_size": 16}
PART = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 1, "num_layers": 1}
MASKS = {**PART, "mlp_dim": 32}
NESTED = {
    "backbone_config": {**TOWER, "model_type": "sam3_vit_model", "pretrain_image_size": 32},
    "fpn_hidden_size": 32,
}
SAM3: dict[str, Any] = {
    "text_config": {**TEXT, "projection_dim": 32},
    "geometry_encoder_config": {**PART, "intermediate_size": 32, "roi_size": 3},
    "detr_encoder_config": {**PART, "intermediate_size": 32},
    "detr_decoder_config": {**PART, "intermediate_size": 32, "num_queries": 5},
    "mask_decoder_config": {**PART, "num_upsampling_stages": 2},
}
WINDOWED_TOWERS = [
    tower(
        *("SAM", "SamConfig", "SamModel", "", (), TOWER),
        prompt_encoder_config=PROMPTS,
        mask_decoder_config=MASKS,
    ),
    tower(
        *("SAM-HQ", "SamHQConfig", "SamHQModel", "", (), TOWER),
        prompt_encoder_config=PROMPTS,
        mask_decoder_config={**MASKS, "vit_dim": 32},
    ),
    tower(
        *("GOT-OCR2", "GotOcr2Config", "GotOcr2ForConditionalGeneration", "", (), TOWER),
        text_config=QWEN,
        image_token_index=98,
    ),
    tower("SAM 3", "Sam3Config", "Sam3Model", "", (), NESTED, **SAM3),
]
"""Larger models with such a network inside."""


def of_size(family: Family, side: int) -> Family:
    """The same for pictures of another size, in patches."""
    return replace(family, options={**family.options, "image_size": 16 * side})


def in_picture(made: Tensor, grid: tuple[int, int], side: int) -> tuple[Tensor, Tensor]:
    """A layer's matrices, put together one query at a time, and each query's share for padding.

    Args:
        made: as the network returns them: windows, and maybe heads, on the first axis.
        grid: rows and columns of patches.
        side: of a window.

    Returns:
        ``[head, query, key]``, and ``[head, query]``.
    """
    rows, cols = grid
    made = made.reshape(-1, HEADS, *made.shape[-2:])
    whole = torch.zeros(HEADS, rows * cols, rows * cols)
    padding = torch.zeros(HEADS, rows * cols)
    across = -(-cols // side)
    for query in range(rows * cols):
        row, col = divmod(query, cols)
        window = made[(row // side) * across + col // side]
        seen = window[:, (row % side) * side + col % side]
        for place in range(side * side):
            down, right = divmod(place, side)
            at = (row // side * side + down, col // side * side + right)
            if at[0] < rows and at[1] < cols:
                whole[:, query, at[0] * cols + at[1]] = seen[:, place]
            else:
                padding[:, query] += seen[:, place]
    return whole, padding
