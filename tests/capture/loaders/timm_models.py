"""Small seeded checkpoints of timm's networks, written as timm writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from generator.capture.models.timm_import import timm

SMALL = {"depth": 3, "embed_dim": 64, "num_heads": 4}


@dataclass(frozen=True)
class TimmModel:
    """A network of timm to make small, and what must be found in it."""

    name: str
    prefix: tuple[str, ...]
    patch: int = 16
    resizable: bool = True
    pooling: bool = False
    headless: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def network(self, seed: int = 0) -> Any:
        """Seeded, with attention far from uniform."""
        torch.manual_seed(seed)
        options = {**SMALL, "num_classes": 5, **self.options}
        if "naflex" not in self.name:
            options["img_size"] = 4 * self.patch
        network = timm().create_model(self.name, pretrained=False, **options)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if parameter.dim() >= 2:
                    parameter.normal_(std=0.25)
                elif "norm" not in name:
                    parameter.normal_(std=0.1)
        return network.eval()

    def save(self, folder: Path) -> Path:
        """``config.json`` and ``model.safetensors``, by timm's own function."""
        save = timm().models._hub.save_for_hf
        save(self.network(), folder, safe_serialization=True)
        return folder


CLS = ("CLS",)
REGISTERS = ("reg1", "reg2", "reg3", "reg4")
MAP = "its class head is not supported (map pooling)"
MODELS = [
    TimmModel("vit_small_patch16_224.augreg_in21k", CLS),
    TimmModel("vit_small_patch14_dinov2", CLS, 14),
    TimmModel("vit_small_patch14_reg4_dinov2", CLS + REGISTERS, 14),
    TimmModel("vit_small_patch16_dinov3", CLS + REGISTERS),
    TimmModel("eva02_small_patch14_224", CLS, 14),
    TimmModel("vit_pe_core_small_patch16_384", CLS, headless=MAP),
    TimmModel("vit_pe_spatial_small_patch16_512", CLS),
    TimmModel("vit_so400m_patch14_siglip_224", (), 14, pooling=True, headless=MAP),
    TimmModel("deit3_small_patch16_224", CLS),
    TimmModel("deit_small_distilled_patch16_224", ("CLS", "DIST")),
    TimmModel("beitv2_base_patch16_224", CLS, resizable=False),
    TimmModel("vit_relpos_small_patch16_224", (), resizable=False),
    TimmModel("vit_base_patch16_clip_224.openai", CLS),
    TimmModel("vit_medium_patch16_reg4_gap_256", REGISTERS),
    TimmModel("naflexvit_base_patch16_gap", REGISTERS),
    # Pathology: UNI, Virchow 2 and GigaPath, by the architectures and arguments of their configs.
    TimmModel("vit_large_patch16_224", CLS, options={"init_values": 1e-5, "num_classes": 0}),
    TimmModel(
        "vit_huge_patch14_224",
        CLS + REGISTERS,
        14,
        options={"reg_tokens": 4, "init_values": 1e-5, "mlp_ratio": 5.25, "num_classes": 0},
    ),
    TimmModel(
        "vit_giant_patch14_dinov2",
        CLS,
        16,
        options={"patch_size": 16, "init_values": 1e-5, "mlp_ratio": 5.25, "num_classes": 0},
    ),
]


def wrap(folder: Path) -> Path:
    """What transformers makes of a folder of timm: TimmWrapperForImageClassification."""
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "architectures": ["TimmWrapperForImageClassification"],
        "do_pooling": True,
        "model_type": "timm_wrapper",
        "transformers_version": "5.23.0",
    }
    (folder / "config.json").write_text(json.dumps(config))
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    save_file({f"timm_model.{name}": tensor for name, tensor in tensors.items()}, weights)
    return folder
