"""Defaults of the image processors of transformers: a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)
HALF: Triple = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class ProcessorDefaults:
    """Defaults of a processor class.

    Attributes:
        origin: origin of the defaults, in words.
        mean: subtracted after rescaling.
        std: divides after that.
        resample: Pillow's filter, by number.
        square: whether a size given as one number means both sides.
        size: one number, in pixels.
        crop: side of the center crop; None for none.
        normalize: whether mean and standard deviation are used at all.
        longest: the long side is kept within this, in pixels; 0 for no such limit.
        multiple: both sides are made multiples of this, in pixels.
        pads: whether pictures are padded to a square.
    """

    origin: str
    mean: Triple
    std: Triple
    resample: int
    square: bool
    size: int = 224
    crop: int | None = None
    normalize: bool = True
    longest: int = 0
    multiple: int = 1
    pads: bool = False


def _of(name: str, *args: Any, **options: Any) -> tuple[str, ProcessorDefaults]:
    """A class of transformers and its defaults."""
    return name.lower(), ProcessorDefaults(
        f"the defaults of {name}ImageProcessor", *args, **options
    )


PROCESSORS: dict[str, ProcessorDefaults] = dict(
    (
        _of("ViT", HALF, HALF, 2, square=True),
        _of("DeiT", HALF, HALF, 3, square=True, size=256, crop=224),
        _of("Beit", HALF, HALF, 3, square=True),
        _of("Bit", CLIP_MEAN, CLIP_STD, 3, square=False, crop=224),
        _of("CLIP", CLIP_MEAN, CLIP_STD, 3, square=False, crop=224),
        _of("ChineseCLIP", CLIP_MEAN, CLIP_STD, 3, square=False, crop=224),
        _of("Siglip", HALF, HALF, 3, square=True),
        _of("Siglip2", HALF, HALF, 2, square=True, size=256),
        _of("DINOv3ViT", IMAGENET_MEAN, IMAGENET_STD, 2, square=True),
        _of("Blip", CLIP_MEAN, CLIP_STD, 3, square=True, size=384),
        _of("Flava", CLIP_MEAN, CLIP_STD, 3, square=True, crop=224),
        _of("OwlViT", CLIP_MEAN, CLIP_STD, 3, square=True, size=768),
        _of("Tipsv2", HALF, HALF, 2, square=True, size=448, normalize=False),
        _of("DPT", HALF, HALF, 3, square=True, size=384),
        _of("Owlv2", CLIP_MEAN, CLIP_STD, 2, square=True, size=960, pads=True),
        _of("Yolos", IMAGENET_MEAN, IMAGENET_STD, 2, square=False, size=800, longest=1333),
        _of(
            "Sam", IMAGENET_MEAN, IMAGENET_STD, 2, square=False, size=1024, longest=1024, pads=True
        ),
        _of("Llama4", HALF, HALF, 2, square=True, size=336),
        _of("Kosmos2_5", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 2, square=True, size=1024),
        _of("Vilt", HALF, HALF, 3, square=False, size=384, multiple=32),
    )
)
"""By the class's name in lower case, without ``ImageProcessor`` or ``FeatureExtractor``."""

UNKNOWN = ProcessorDefaults("ImageNet's values", IMAGENET_MEAN, IMAGENET_STD, 3, square=False)

DINOV2 = ProcessorDefaults(
    "the values that the published DINOv2 checkpoints declare",
    *(IMAGENET_MEAN, IMAGENET_STD, 3),
    square=False,
    size=256,
    crop=224,
)
"""transformers lists BitImageProcessor, whose own defaults are CLIP's, for DINOv2 and nothing for
DINOv2 with registers; both were trained with ImageNet's values, and their checkpoints say so."""

RADIO = ProcessorDefaults(
    "values from 0 to 1, which the network normalizes itself,",
    HALF,
    HALF,
    3,
    square=True,
    normalize=False,
)

FAMILY_PROCESSORS: dict[str, ProcessorDefaults] = {
    "dinov2": DINOV2,
    "dinov2_with_registers": DINOV2,
    "radio": RADIO,
    **{
        model_type: PROCESSORS[kind]
        for kind, types in {
            "vit": ("vit", "vit_mae", "vit_msn", "ijepa", "clipseg_vision_model"),
            "deit": ("deit",),
            "beit": ("beit", "data2vec-vision"),
            "bit": ("pixio",),
            "clip": (
                *("clip_vision_model", "metaclip_2_vision_model", "aimv2_vision_model"),
                *("mlcd_vision_model", "altclip_vision_model", "xclip_vision_model"),
                *("git_vision_model", "kosmos_2_vision_model"),
            ),
            "chineseclip": ("chinese_clip_vision_model",),
            "siglip": ("siglip_vision_model",),
            "siglip2": ("siglip2_vision_model",),
            "dinov3vit": ("dinov3_vit",),
            "blip": ("blip_vision_model", "blip_2_vision_model", "instructblip_vision_model"),
            "flava": ("flava_image_model",),
            "owlvit": ("owlvit_vision_model",),
            "owlv2": ("owlv2_vision_model",),
            "tipsv2": ("tipsv2_vision_model",),
            "dpt": ("dpt",),
            "yolos": ("yolos",),
            "llama4": ("llama4_vision_model",),
            "kosmos2_5": ("kosmos_2_5_vision_model",),
            "sam": ("sam_vision_model", "sam_hq_vision_model"),
        }.items()
        for model_type in types
    },
}
"""By ``model_type``: the class that transformers lists for it, or for the model it is part of."""
