"""Small seeded checkpoints of every family that must work, written as real folders."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "image_size": 64,
    "patch_size": 16,
}
TEXT = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 99,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "max_position_embeddings": 16,
}


@dataclass(frozen=True)
class Family:
    """A checkpoint to make: classes of transformers, and what the layout must be."""

    name: str
    config: str
    model: str
    prefix: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    processor: str = "ViTImageProcessor"
    resizable: bool = True
    pooling: bool = False
    text: bool = False
    whole: dict[str, Any] = field(default_factory=dict)  # of the config around the towers

    def save(self, folder: Path, seed: int = 0) -> Path:
        """Write config, preprocessor config and seeded weights into a folder."""
        torch.manual_seed(seed)
        config = self._config()
        network = self._class(config)(config)
        network.eval()
        with torch.no_grad():
            # Fresh weights give nearly uniform attention; larger ones make a test that can fail.
            for name, parameter in network.named_parameters():
                if parameter.dim() == 1 and "norm" not in name:
                    parameter.normal_(std=0.1)
                elif parameter.dim() >= 2:
                    parameter.normal_(std=0.25)
        network.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(
            json.dumps(
                {
                    "image_processor_type": self.processor,
                    "size": {"height": 64, "width": 64},
                    "image_mean": [0.5, 0.4, 0.3],
                    "image_std": [0.2, 0.3, 0.4],
                    "resample": 3,
                }
            )
        )
        return folder

    def _class(self, config: Any) -> Any:
        """Some classes are in the module of their config alone."""
        module = type(config).__module__.replace(".configuration_", ".modeling_")
        return getattr(transformers, self.model, None) or getattr(
            importlib.import_module(module), self.model
        )

    def _config(self) -> Any:
        make = getattr(transformers, self.config)
        sizes = {**SIZES, **self.options}
        if not self.text:
            return make(**sizes)
        return make(vision_config=sizes, text_config=TEXT, projection_dim=32, **self.whole)


CLS = ("CLS",)
REGISTERS = ("reg1", "reg2", "reg3", "reg4")
FAMILIES = [
    Family("vit", "ViTConfig", "ViTModel", CLS),
    Family("vit with a class head", "ViTConfig", "ViTForImageClassification", CLS),
    Family("dino", "ViTConfig", "ViTModel", CLS, {"patch_size": 8, "qkv_bias": True}),
    Family("deit", "DeiTConfig", "DeiTModel", ("CLS", "DIST")),
    Family(
        "deit distilled",
        "DeiTConfig",
        "DeiTForImageClassificationWithTeacher",
        ("CLS", "DIST"),
        processor="DeiTImageProcessor",
    ),
    Family("dinov2", "Dinov2Config", "Dinov2Model", CLS),
    Family("dinov2 swiglu", "Dinov2Config", "Dinov2Model", CLS, {"use_swiglu_ffn": True}),
    Family(
        "dinov2 with registers",
        "Dinov2WithRegistersConfig",
        "Dinov2WithRegistersModel",
        CLS + REGISTERS,
    ),
    Family(
        "dinov3",
        "DINOv3ViTConfig",
        "DINOv3ViTModel",
        CLS + REGISTERS,
        {"num_register_tokens": 4},
        processor="DINOv3ViTImageProcessorFast",
    ),
    Family("clip vision", "CLIPVisionConfig", "CLIPVisionModel", CLS),
    Family("clip", "CLIPConfig", "CLIPModel", CLS, text=True),
    Family("siglip vision", "SiglipVisionConfig", "SiglipVisionModel", (), pooling=True),
    Family("siglip", "SiglipConfig", "SiglipModel", (), pooling=True, text=True),
    Family(
        "siglip 2",
        "Siglip2VisionConfig",
        "Siglip2VisionModel",
        (),
        {"num_patches": 16},
        processor="Siglip2ImageProcessor",
        pooling=True,
    ),
    Family("metaclip 2", "MetaClip2VisionConfig", "MetaClip2VisionModel", CLS),
    Family("beit", "BeitConfig", "BeitModel", CLS, {"use_relative_position_bias": True}),
    Family(
        "beit shared bias",
        "BeitConfig",
        "BeitModel",
        CLS,
        {"use_shared_relative_position_bias": True},
    ),
    Family(
        "data2vec",
        "Data2VecVisionConfig",
        "Data2VecVisionModel",
        CLS,
        {"use_relative_position_bias": True},
    ),
    Family(
        "mae",
        "ViTMAEConfig",
        "ViTMAEForPreTraining",
        CLS,
        {
            "mask_ratio": 0.75,
            "decoder_hidden_size": 16,
            "decoder_num_hidden_layers": 1,
            "decoder_num_attention_heads": 2,
            "decoder_intermediate_size": 32,
        },
    ),
    Family("msn", "ViTMSNConfig", "ViTMSNModel", CLS),
    Family("ijepa", "IJepaConfig", "IJepaModel", ()),
    Family("aimv2", "Aimv2VisionConfig", "Aimv2VisionModel", (), resizable=False, pooling=True),
    Family(
        "aimv2 native",
        "Aimv2VisionConfig",
        "Aimv2VisionModel",
        (),
        {"is_native": True},
        pooling=True,
    ),
    Family("mlcd", "MLCDVisionConfig", "MLCDVisionModel", CLS),
    Family(
        "radio",
        "RadioConfig",
        "RadioModel",
        ("CLS1", "CLS2", "CLS3", *(f"reg{n + 1}" for n in range(7))),
        {"max_img_size": 128},
    ),
    Family("tips", "Tipsv2VisionConfig", "Tipsv2VisionModel", ("CLS", "reg1")),
    Family("pixio", "PixioConfig", "PixioModel", tuple(f"CLS{n + 1}" for n in range(8))),
]
