"""Small seeded checkpoints of larger models with a vision transformer inside."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

LAYERS = 2
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "image_size": 64,
    "patch_size": 16,
}
TEXT = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "intermediate_size": 48,
    "vocab_size": 99,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
    "pad_token_id": 0,
    "max_position_embeddings": 64,
}
CROSS = {**TEXT, "encoder_hidden_size": 32}
LLAMA = {"model_type": "llama", **TEXT}
QWEN = {"model_type": "qwen2", **TEXT}
MISTRAL = {"model_type": "mistral", "head_dim": 8, **TEXT}
GEMMA = {"model_type": "gemma", "head_dim": 8, **TEXT}
GEMMA3 = {"model_type": "gemma3_text", "head_dim": 8, **TEXT}
OPT = {"model_type": "opt", "word_embed_proj_dim": 32, "ffn_dim": 48, **TEXT}
KOSMOS = {"embed_dim": 32, "layers": 1, "attention_heads": 4, "ffn_dim": 48, "vocab_size": 99}
IMAGE = {"image_token_id": 98}
PAIRS = {"image_size": [64, 64], "patch_size": [16, 16]}
CODES = {
    "embed_dim": 8,
    "num_embeddings": 16,
    "base_channels": 32,
    "channel_multiplier": [1, 1],
    "num_res_blocks": 1,
    "latent_channels": 32,
    "num_patches": 4,
    "image_token_embed_dim": 8,
    "projection_dim": 32,
}
PERCEIVER = {
    "hidden_size": 32,
    "resampler_n_latents": 4,
    "resampler_depth": 1,
    "resampler_n_heads": 4,
    "resampler_head_dim": 8,
    "num_key_value_heads": 2,
}
NECK = {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8}
STAGES = {"num_hidden_layers": 4, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False}
DEPTH = {
    **NECK,
    "patch_size": 16,
    "reassemble_hidden_size": 32,
    "head_hidden_size": 8,
    "reassemble_factors": [4, 2, 1, 0.5],
}
ZOE = {
    **NECK,
    "bottleneck_features": 8,
    "num_relative_features": 8,
    "patch_transformer_hidden_size": 16,
    "patch_transformer_intermediate_size": 16,
    "patch_transformer_num_attention_heads": 4,
    "bin_embedding_dim": 8,
}
DECODER = {
    "d_model": 32,
    "decoder_layers": 1,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 48,
    "vocab_size": 99,
    "max_position_embeddings": 64,
    "cross_attention_hidden_size": 32,
}
CLS = ("CLS",)
REGISTERS = ("reg1", "reg2", "reg3", "reg4")


@dataclass(frozen=True)
class Tower:
    """A larger model to make, and what its vision transformer is like."""

    name: str
    make: Callable[[], Any]
    prefix: tuple[str, ...]
    any_grid: bool = True

    def save(self, folder: Path, seed: int = 0, **options: Any) -> nn.Module:
        """Write it into a folder, with seeded weights; returns the network."""
        torch.manual_seed(seed)
        network = self.make().eval()
        with torch.no_grad():
            # Fresh weights give nearly uniform attention; larger ones make a test that can fail.
            for name, parameter in network.named_parameters():
                if parameter.dim() == 1 and "norm" not in name:
                    parameter.normal_(std=0.1)
                elif parameter.dim() >= 2:
                    parameter.normal_(std=0.25)
        network.save_pretrained(folder, **options)
        (folder / "preprocessor_config.json").write_text(
            json.dumps(
                {
                    "image_processor_type": "ViTImageProcessor",
                    "size": {"height": 64, "width": 64},
                    "image_mean": [0.5, 0.4, 0.3],
                    "image_std": [0.2, 0.3, 0.4],
                    "resample": 3,
                }
            )
        )
        found: nn.Module = network
        return found


def tower(
    name: str,
    config: str,
    model: str,
    vision: str,
    prefix: tuple[str, ...],
    sizes: dict[str, Any] | None = None,
    key: str = "vision_config",
    **options: Any,
) -> Tower:
    """A row: classes of transformers, the vision transformer's model type and what differs."""
    typed = {"model_type": vision} if vision else {}
    options[key] = {**SIZES, **typed, **(sizes or {})}
    return Tower(name, partial(_made, config, model, options), prefix, vision != "ovis2_vision")


def _made(config: str, model: str, options: dict[str, Any]) -> Any:
    return getattr(transformers, model)(getattr(transformers, config)(**options))


def _trocr() -> Any:
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.DeiTConfig(**SIZES), transformers.TrOCRConfig(**DECODER)
    )
    return transformers.VisionEncoderDecoderModel(config)


def _two_towers() -> Any:
    config = transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
        transformers.ViTConfig(**SIZES), transformers.BertConfig(**TEXT), projection_dim=32
    )
    return transformers.VisionTextDualEncoderModel(config)


def _colpali() -> Any:
    vision = {"model_type": "siglip_vision_model", "vision_use_head": False, **SIZES}
    inner = transformers.PaliGemmaConfig(
        vision_config=vision, text_config=GEMMA, projection_dim=32, hidden_size=32, **IMAGE
    )
    return transformers.ColPaliForRetrieval(
        transformers.ColPaliConfig(vlm_config=inner, embedding_dim=16)
    )


def _dpt() -> Any:
    options = {
        **SIZES,
        **NECK,
        "num_hidden_layers": 4,
        "backbone_out_indices": [0, 1, 2, 3],
        "is_hybrid": False,
    }
    return transformers.DPTForDepthEstimation(transformers.DPTConfig(**options))


CLIP, SIGLIP = "clip_vision_model", "siglip_vision_model"
PLAIN = {"vision_use_head": False}
TOWERS = [
    tower(
        *("LLaVA 1.5", "LlavaConfig", "LlavaForConditionalGeneration", CLIP, CLS),
        text_config=LLAMA,
        **IMAGE,
    ),
    tower(
        *("LLaVA-NeXT", "LlavaNextConfig", "LlavaNextForConditionalGeneration", CLIP, CLS),
        text_config=LLAMA,
        **IMAGE,
    ),
    tower(
        *("LLaVA-OneVision", "LlavaOnevisionConfig"),
        *("LlavaOnevisionForConditionalGeneration", SIGLIP, ()),
        PLAIN,
        text_config=QWEN,
        video_token_id=97,
        **IMAGE,
    ),
    tower(
        *("PaliGemma", "PaliGemmaConfig", "PaliGemmaForConditionalGeneration", SIGLIP, ()),
        PLAIN,
        text_config=GEMMA,
        projection_dim=32,
        hidden_size=32,
        **IMAGE,
    ),
    tower(
        *("Gemma 3", "Gemma3Config", "Gemma3ForConditionalGeneration", SIGLIP, ()),
        PLAIN,
        text_config=GEMMA3,
        mm_tokens_per_image=4,
        **IMAGE,
    ),
    tower(
        *("BLIP", "BlipConfig", "BlipForConditionalGeneration", "", CLS),
        text_config={**CROSS, "is_decoder": True},
    ),
    tower(
        *("BLIP-2", "Blip2Config", "Blip2ForConditionalGeneration", "", CLS),
        qformer_config=CROSS,
        text_config=OPT,
        num_query_tokens=4,
    ),
    tower(
        *("InstructBLIP", "InstructBlipConfig", "InstructBlipForConditionalGeneration", "", CLS),
        qformer_config=CROSS,
        text_config=OPT,
        num_query_tokens=4,
    ),
    tower("GIT", "GitConfig", "GitForCausalLM", "", CLS, **TEXT),
    tower(
        *("InternVL", "InternVLConfig", "InternVLForConditionalGeneration", "internvl_vision", CLS),
        PAIRS,
        text_config=QWEN,
        **IMAGE,
    ),
    tower(
        *("Idefics 2", "Idefics2Config", "Idefics2ForConditionalGeneration", "idefics2_vision", ()),
        text_config=MISTRAL,
        perceiver_config=PERCEIVER,
        **IMAGE,
    ),
    tower(
        *("Idefics 3", "Idefics3Config", "Idefics3ForConditionalGeneration", "idefics3_vision", ()),
        text_config=LLAMA,
        **IMAGE,
    ),
    tower(
        *("SmolVLM", "SmolVLMConfig", "SmolVLMForConditionalGeneration", "smolvlm_vision", ()),
        text_config=LLAMA,
        **IMAGE,
    ),
    tower(
        *("Pixtral", "LlavaConfig", "LlavaForConditionalGeneration", "pixtral", ()),
        text_config=MISTRAL,
        **IMAGE,
    ),
    tower(
        *("Mistral 3", "Mistral3Config", "Mistral3ForConditionalGeneration", "pixtral", ()),
        text_config=MISTRAL,
        **IMAGE,
    ),
    tower(
        *("Janus", "JanusConfig", "JanusForConditionalGeneration", "", ()),
        {"projection_dim": 32, "depth": LAYERS, "num_image_tokens": 16},
        text_config=LLAMA,
        vq_config=CODES,
    ),
    tower(
        *("Kosmos-2", "Kosmos2Config", "Kosmos2ForConditionalGeneration", "", CLS),
        text_config=KOSMOS,
        latent_query_num=4,
    ),
    tower(
        *("Ovis 2", "Ovis2Config", "Ovis2ForConditionalGeneration", "ovis2_vision", ()),
        {"vocab_size": 64, "hidden_stride": 2},
        text_config=QWEN,
        visual_indicator_token_ids=[90, 91, 92, 93, 94],
        **IMAGE,
    ),
    tower(
        *("AltCLIP", "AltCLIPConfig", "AltCLIPModel", "", CLS),
        text_config={**TEXT, "project_dim": 32},
        projection_dim=32,
    ),
    tower(
        *("AIMv2", "Aimv2Config", "Aimv2Model", "", ()),
        {"is_native": True},
        text_config=TEXT,
        projection_dim=32,
    ),
    tower(
        *("FLAVA", "FlavaConfig", "FlavaModel", "", CLS),
        key="image_config",
        text_config=TEXT,
        multimodal_config=TEXT,
        projection_dim=32,
    ),
    tower(
        *("Depth Anything", "DepthAnythingConfig"),
        *("DepthAnythingForDepthEstimation", "dinov2", CLS),
        STAGES,
        key="backbone_config",
        **DEPTH,
    ),
    tower(
        *("Prompt Depth Anything", "PromptDepthAnythingConfig"),
        *("PromptDepthAnythingForDepthEstimation", "dinov2", CLS),
        STAGES,
        key="backbone_config",
        **DEPTH,
    ),
    tower(
        *("ZoeDepth", "ZoeDepthConfig", "ZoeDepthForDepthEstimation", "beit", CLS),
        {**STAGES, "use_relative_position_bias": True},
        key="backbone_config",
        **ZOE,
    ),
    tower(
        *("DPT on DINOv2", "DPTConfig", "DPTForDepthEstimation", "dinov2", CLS),
        STAGES,
        key="backbone_config",
        reassemble_factors=[4, 2, 1, 0.5],
        hidden_size=32,
        num_attention_heads=4,
        **NECK,
    ),
    tower(
        *("TIPSv2 DPT", "Tipsv2DptConfig"),
        *("Tipsv2DptForDepthEstimation", "tipsv2_vision_model", ("CLS", "reg1")),
        STAGES,
        key="backbone_config",
        **NECK,
    ),
    tower("TIPSv2", "Tipsv2Config", "Tipsv2Model", "", ("CLS", "reg1"), text_config=TEXT),
    tower(
        *("Chinese-CLIP", "ChineseCLIPConfig", "ChineseCLIPModel", "", CLS),
        text_config=TEXT,
        projection_dim=32,
    ),
    tower(
        *("CLIPSeg", "CLIPSegConfig", "CLIPSegForImageSegmentation", "", CLS),
        text_config=TEXT,
        projection_dim=32,
        extract_layers=[0, 1, 1],
        reduce_dim=16,
        decoder_num_attention_heads=4,
        decoder_intermediate_size=16,
    ),
    tower(
        *("OWL-ViT", "OwlViTConfig", "OwlViTForObjectDetection", "", CLS),
        text_config=TEXT,
        projection_dim=32,
    ),
    tower(
        *("OWLv2", "Owlv2Config", "Owlv2ForObjectDetection", "", CLS),
        text_config=TEXT,
        projection_dim=32,
    ),
    Tower("DPT", _dpt, CLS),
    Tower("VisionTextDualEncoder", _two_towers, CLS),
    Tower("TrOCR", _trocr, ("CLS", "DIST")),
    Tower("ColPali", _colpali, ()),
]
