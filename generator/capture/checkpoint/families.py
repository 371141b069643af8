"""Families of vision transformers: a table of what their configs leave out, and what is refused.

A family here is a ``model_type`` of transformers. The table gives what a ``config.json`` may leave
out (the defaults of its config class), which tokens come before the patches, and the form
of the model's input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

InputStyle = Literal["pixels", "unmasked", "patches"]
"""``pixels``: one tensor; ``unmasked``: MAE's, with masking and shuffling turned off;
``patches``: SigLIP 2 NaFlex's, cut into patches beforehand."""


@dataclass(frozen=True, slots=True)
class Family:
    """Facts of one ``model_type``.

    Attributes:
        title: what the family is called.
        prefix: prefix tokens that are always there.
        registers: config key that counts register tokens; empty when there are none.
        default_registers: their number when the config does not say.
        classes: config key that counts class tokens when there may be several.
        default_classes: their number when the config does not say.
        image: default ``image_size``.
        patch: default ``patch_size``.
        layers: default number of blocks.
        heads: default number of heads.
        width: default channels of the residual stream.
        inputs: how the model wants its input.
        position: why there are no learned position embeddings; empty where there are.
        learned: config key of a flag: only with it are there learned ones in place of ``position``.
        fixed: config key of a flag: with it positions are fixed, of any grid; without it they are
            learned, of one grid. Empty where every grid can be run.
        patches: config key that counts the patches of the checkpoint's own square input, where
            there is no ``image_size``.
        largest: config key of the side of the input that the position embeddings were made for,
            where that is not ``image_size``.
        default_largest: that side when the config does not say.
        no_register: why its blocks take no token more; empty where they do.
    """

    title: str = ""
    prefix: tuple[str, ...] = ("CLS",)
    registers: str = ""
    default_registers: int = 0
    classes: str = ""
    default_classes: int = 0
    image: int = 224
    patch: int = 16
    layers: int = 12
    heads: int = 12
    width: int = 768
    inputs: InputStyle = "pixels"
    position: str = ""
    learned: str = ""
    fixed: str = ""
    patches: str = ""
    largest: str = ""
    default_largest: int = 0
    no_register: str = ""


ROTARY = "rotary embedding: positions turn queries and keys in every layer"
FIXED = "fixed sine and cosine, not learned"
RELATIVE = "relative position bias in every layer"

ABSOLUTE = "use_absolute_position_embeddings"

FAMILIES: dict[str, Family] = {
    "vit": Family("ViT, DINO"),
    "deit": Family("DeiT", prefix=("CLS", "DIST")),
    "dinov2": Family("DINOv2", patch=14),
    "dinov2_with_registers": Family(
        "DINOv2 with registers", registers="num_register_tokens", default_registers=4
    ),
    "dinov3_vit": Family(
        "DINOv3", registers="num_register_tokens", width=384, heads=6, position=ROTARY
    ),
    "clip_vision_model": Family("CLIP", patch=32),
    "metaclip_2_vision_model": Family("MetaCLIP 2", patch=32),
    "siglip_vision_model": Family("SigLIP", prefix=()),
    "siglip2_vision_model": Family(
        "SigLIP 2", prefix=(), image=256, inputs="patches", patches="num_patches"
    ),
    "beit": Family("BEiT", position=RELATIVE, learned=ABSOLUTE),
    "data2vec-vision": Family("data2vec", position=RELATIVE, learned=ABSOLUTE),
    "vit_mae": Family("MAE", inputs="unmasked", position=FIXED),
    "vit_msn": Family("MSN"),
    "ijepa": Family("I-JEPA", prefix=()),
    "aimv2_vision_model": Family(
        "AIMv2", prefix=(), patch=14, layers=24, heads=8, width=1024, fixed="is_native"
    ),
    "mlcd_vision_model": Family(
        "MLCD",
        image=336,
        patch=14,
        layers=48,
        heads=16,
        width=1664,
        position=ROTARY,
        no_register="its rotary embedding is laid out for its own tokens",
    ),
    "radio": Family(
        "RADIO",
        prefix=(),
        classes="num_cls_tokens",
        default_classes=3,
        registers="num_registers",
        default_registers=7,
        largest="max_img_size",
        default_largest=2048,
        layers=32,
        heads=16,
        width=1280,
    ),
    "tipsv2_vision_model": Family(
        "TIPSv2", registers="num_register_tokens", default_registers=1, image=448, patch=14
    ),
    "pixio": Family(
        "Pixio",
        prefix=(),
        classes="n_cls_tokens",
        default_classes=8,
        image=256,
        layers=32,
        heads=16,
        width=1280,
    ),
}

PLAIN: dict[str, str] = {
    "altclip_vision_model": "AltCLIP",
    "blip_2_vision_model": "BLIP-2",
    "blip_vision_model": "BLIP",
    "chinese_clip_vision_model": "Chinese-CLIP",
    "clipseg_vision_model": "CLIPSeg",
    "dpt": "DPT",
    "flava_image_model": "FLAVA",
    "git_vision_model": "GIT",
    "idefics2_vision": "Idefics 2",
    "idefics3_vision": "Idefics 3",
    "instructblip_vision_model": "InstructBLIP",
    "internvl_vision": "InternVL",
    "janus_vision_model": "Janus",
    "kosmos_2_vision_model": "Kosmos-2",
    "ovis2_vision": "Ovis 2",
    "owlv2_vision_model": "OWLv2",
    "owlvit_vision_model": "OWL-ViT",
    "pixtral": "Pixtral",
    "smolvlm_vision": "SmolVLM",
}
"""Families that need no row: they are tried as plain vision transformers, and are known to be."""

ALIASES = {"mlcd": "mlcd_vision_model"}

_REASONS = {
    "attends within windows and pools its tokens": (
        *("swin", "swinv2", "swin2sr", "donut-swin", "maskformer-swin", "clap", "hiera", "mvit"),
        *("pvt", "pvt_v2", "segformer", "glpn", "vitdet", "dinat", "nat", "focalnet"),
        *("sam", "sam_vision_model", "sam_hq", "sam_hq_vision_model", "sam2", "sam3"),
        *("sam3_vit_model", "poolformer", "levit", "cvt", "efficientformer"),
    ),
    "is convolutional": (
        *("convnext", "convnextv2", "dinov3_convnext", "resnet", "regnet", "bit", "vgg"),
        *("efficientnet", "textnet", "mobilenet_v1", "mobilenet_v2", "mobilevit", "mobilevitv2"),
    ),
    "reads video, not images": ("vivit", "videomae", "timesformer", "vjepa2"),
}
REFUSED = {model_type: reason for reason, types in _REASONS.items() for model_type in types}
