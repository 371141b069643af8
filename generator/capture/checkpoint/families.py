"""Families of vision transformers: a table of what their configs leave out, and what is refused.

A family here is a ``model_type`` of transformers. The table gives what a ``config.json`` may leave
out (the defaults of its config class), which tokens come before the patches, and the form
of the model's input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

InputStyle = Literal["pixels", "unmasked", "patches", "neighborhoods", "tubelet", "placed"]
"""``pixels``: one tensor; ``unmasked``: MAE's, with masking and shuffling turned off;
``patches``: SigLIP 2 NaFlex's, cut into patches beforehand; ``neighborhoods``: Qwen2-VL's, all
patches of all pictures as one list, neighbors together, each repeated over the frames of a
tubelet; ``tubelet``: a clip that is the picture, repeated over the frames of a tubelet; ``placed``:
Kosmos-2.5's, patches with their row and column, of a picture in units of its own deviation."""


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
        positions: config key of the number of learned position embeddings, a square, where it is
            not that of the checkpoint's own input.
        default_positions: their number when the config does not say.
        no_register: why its blocks take no token more; empty where they do.
        keys: config keys of the number of blocks, the number of heads and the width.
        side: config key of the side of the checkpoint's own input.
        merge: config key of the side of a neighborhood, in patches, that the network merges behind
            its blocks, and whose patches it keeps together; empty where it merges none.
        window: config key of the side of a window in which some of its blocks attend; empty where
            all attend to the whole picture.
        default_window: that side when the config does not say.
        window_unit: what that side is counted in.
        whole: config key of the indices of the blocks that attend to the whole picture.
        default_whole: those indices when the config does not say.
        windowed: config key of the indices of the others, where the config lists them instead.
        channels_first: whether its blocks hand on ``[image, channel, row, column]``.
        tubelet: config key of the number of frames that a patch spans; empty for one.
        behind: config key of the number of tokens behind the patches; empty where there are none.
        default_behind: their number when the config does not say.
        back: what they are called, with a number behind it.
        last: tokens that are always behind the patches.
        one_grid: whether only the checkpoint's own grid can be run, although ``fixed`` is empty.
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
    positions: str = ""
    default_positions: int = 0
    no_register: str = ""
    keys: tuple[str, str, str] = ("num_hidden_layers", "num_attention_heads", "hidden_size")
    side: str = "image_size"
    merge: str = ""
    window: str = ""
    default_window: int = 0
    window_unit: Literal["pixels", "patches"] = "pixels"
    whole: str = ""
    default_whole: tuple[int, ...] = ()
    windowed: str = ""
    channels_first: bool = False
    tubelet: str = ""
    behind: str = ""
    default_behind: int = 0
    back: str = ""
    last: tuple[str, ...] = ()
    one_grid: bool = False


ROTARY = "rotary embedding: positions turn queries and keys in every layer"
FIXED = "fixed sine and cosine, not learned"
RELATIVE = "relative position bias in every layer"

DEPTH = ("depth", "num_heads", "hidden_size")

QWEN3: dict[str, Any] = {
    **{"patch": 16, "layers": 27, "heads": 16, "width": 1152},
    **{"position": "", "positions": "num_position_embeddings", "default_positions": 2304},
}


def _qwen(title: str, **facts: Any) -> Family:
    """A network that merges 2 x 2 patches behind its blocks."""
    merging: dict[str, Any] = {
        "prefix": (),
        "patch": 14,
        "inputs": "neighborhoods",
        "position": ROTARY,
        "keys": DEPTH,
        "merge": "spatial_merge_size",
        "tubelet": "temporal_patch_size",
    }
    return Family(title, **{**merging, **facts})


SAM: dict[str, Any] = {
    **{"prefix": (), "image": 1024, "one_grid": True},
    **{"window": "window_size", "default_window": 14, "window_unit": "patches"},
    **{"whole": "global_attn_indexes", "default_whole": (2, 5, 8, 11)},
}
"""Networks in which most blocks attend within windows, padded where they reach past the picture."""

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
    "qwen2_vl_vision": _qwen(
        "Qwen2-VL", layers=32, heads=16, width=1280, keys=("depth", "num_heads", "embed_dim")
    ),
    "qwen2_5_vl_vision": _qwen(
        "Qwen2.5-VL",
        layers=32,
        heads=16,
        width=3584,
        window="window_size",
        default_window=112,
        whole="fullatt_block_indexes",
        default_whole=(7, 15, 23, 31),
    ),
    "qwen3_vl_vision": _qwen("Qwen3-VL", **QWEN3),
    "qwen3_vl_moe_vision": _qwen("Qwen3-VL MoE", **QWEN3),
    "glm4v_vision": _qwen("GLM-4V", image=336, layers=24, heads=12, width=1536, position=""),
    "sam_vision_model": Family("SAM", **SAM),
    "sam_hq_vision_model": Family("SAM-HQ", **SAM),
    "got_ocr2_vision": Family("GOT-OCR2", **SAM),
    "sam3_vit_model": Family(
        "SAM 3",
        **{
            **SAM,
            **{"image": 1008, "patch": 14, "layers": 32, "heads": 16, "width": 1024},
            **{"default_window": 24, "default_whole": (7, 15, 23, 31)},
            **{"largest": "pretrain_image_size", "default_largest": 336},
        },
    ),
    "vitdet": Family(
        "ViTDet",
        prefix=(),
        largest="pretrain_image_size",
        default_largest=224,
        window="window_size",
        window_unit="patches",
        windowed="window_block_indices",
        channels_first=True,
    ),
    "llama4_vision_model": Family(
        "Llama 4",
        prefix=(),
        last=("CLS",),
        image=448,
        patch=14,
        layers=34,
        heads=16,
        one_grid=True,
    ),
    "kosmos_2_5_vision_model": Family(
        "Kosmos-2.5",
        prefix=(),
        image=1024,
        layers=18,
        heads=24,
        width=1536,
        inputs="placed",
        position="learned embeddings of rows and of columns, in two tables",
    ),
    "ovis2_vision": Family(
        "Ovis 2", prefix=(), patch=14, layers=24, heads=8, width=1024, one_grid=True
    ),
    "yolos": Family(
        "YOLOS",
        image=512,
        behind="num_detection_tokens",
        default_behind=100,
        back="det",
        no_register="its detection tokens are shown among the prefix tokens",
    ),
    "vjepa2": Family(
        "V-JEPA 2",
        prefix=(),
        image=256,
        layers=24,
        heads=16,
        width=1024,
        inputs="tubelet",
        position=ROTARY,
        side="crop_size",
        tubelet="tubelet_size",
        one_grid=True,
    ),
    "videomae": Family(
        "VideoMAE",
        prefix=(),
        inputs="tubelet",
        position=FIXED,
        tubelet="tubelet_size",
        one_grid=True,
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
    "owlv2_vision_model": "OWLv2",
    "owlvit_vision_model": "OWL-ViT",
    "pixtral": "Pixtral",
    "smolvlm_vision": "SmolVLM",
}
"""Families that need no row: they are tried as plain vision transformers, and are known to be."""

ALIASES = {
    "mlcd": "mlcd_vision_model",
    "qwen2_vl_vision_model": "qwen2_vl_vision",
    "qwen2_5_vl_vision_model": "qwen2_5_vl_vision",
    "qwen3_vl_vision_model": "qwen3_vl_vision",
    "qwen3_vl_moe_vision_model": "qwen3_vl_moe_vision",
    "glm4v_vision_model": "glm4v_vision",
    "got_ocr2_vision_model": "got_ocr2_vision",
}

_REASONS = {
    "attends within windows and pools its tokens": (
        *("swin", "swinv2", "swin2sr", "donut-swin", "maskformer-swin", "clap", "hiera", "mvit"),
        *("sam2", "sam2_vision_model", "sam2_hiera_det_model", "florence2", "florence_vision"),
    ),
    "cuts the picture into windows, each a sequence of its own, in most of its layers": (
        *("lw_detr", "lw_detr_vit", "rf_detr", "rf_detr_dinov2"),
    ),
    "attends within neighborhoods": ("dinat", "nat"),
    "pools the keys of its attention": (
        *("pvt", "pvt_v2", "segformer", "glpn", "levit", "cvt", "efficientformer"),
    ),
    "groups its patches between its blocks": ("groupvit", "groupvit_vision_model"),
    "has no attention of patches to patches": ("focalnet", "poolformer", "swiftformer"),
    "is convolutional": (
        *("convnext", "convnextv2", "dinov3_convnext", "resnet", "regnet", "bit", "vgg"),
        *("efficientnet", "textnet", "mobilenet_v1", "mobilenet_v2", "mobilevit", "mobilevitv2"),
    ),
    "attends over several frames": ("vivit", "timesformer"),
}
REFUSED = {model_type: reason for reason, types in _REASONS.items() for model_type in types}

OTHER_INPUTS = {
    "audio-spectrogram-transformer": "reads sound, not pictures",
    "vilt": "reads words and patches as one sequence, so that its attention depends on a text",
    "xclip": "exchanges messages between the frames of a clip within each of its blocks",
    "xclip_vision_model": "exchanges messages between the frames of a clip within each of its "
    "blocks",
    "vitmatte": "reads a picture together with a map of its foreground",
}
"""Families whose input is more than a picture, or none."""
