"""Names of well-known checkpoints on the hub, to suggest one for a misspelled name offline."""

from __future__ import annotations

import difflib

SIZES = ("small", "base", "large", "giant")

KNOWN: dict[str, tuple[str, ...]] = {
    "DINO": tuple(f"facebook/dino-vit{size}" for size in ("s16", "s8", "b16", "b8")),
    "DINOv2": tuple(f"facebook/dinov2-{size}" for size in SIZES),
    "DINOv2 with registers": tuple(f"facebook/dinov2-with-registers-{size}" for size in SIZES),
    "DINOv3": tuple(f"facebook/dinov3-vit{size}16-pretrain-lvd1689m" for size in "sbl"),
    "ViT": (
        "google/vit-base-patch16-224",
        "google/vit-base-patch16-224-in21k",
        "google/vit-large-patch16-224",
    ),
    "DeiT": (
        "facebook/deit-tiny-patch16-224",
        "facebook/deit-small-patch16-224",
        "facebook/deit-base-patch16-224",
        "facebook/deit-base-distilled-patch16-224",
    ),
    "MAE": ("facebook/vit-mae-base", "facebook/vit-mae-large", "facebook/vit-mae-huge"),
    "MSN": ("facebook/vit-msn-small", "facebook/vit-msn-base", "facebook/vit-msn-large"),
    "I-JEPA": ("facebook/ijepa_vith14_1k", "facebook/ijepa_vith14_22k"),
    "BEiT": ("microsoft/beit-base-patch16-224", "microsoft/beit-large-patch16-224"),
    "CLIP": (
        "openai/clip-vit-base-patch32",
        "openai/clip-vit-base-patch16",
        "openai/clip-vit-large-patch14",
        "openai/clip-vit-large-patch14-336",
    ),
    "SigLIP": ("google/siglip-base-patch16-224", "google/siglip-so400m-patch14-384"),
    "SigLIP 2": ("google/siglip2-base-patch16-224",),
    "AIMv2": ("apple/aimv2-large-patch14-224",),
    "YOLOS": ("hustvl/yolos-tiny", "hustvl/yolos-small"),
}
"""Names by the title of the family."""

TORCH_HUB = {
    f"dinov2_vit{letter}14{suffix}": f"facebook/dinov2-{registers}{size}"
    for letter, size in zip("sblg", SIZES, strict=True)
    for suffix, registers in (("", ""), ("_reg", "with-registers-"))
}
"""Names by those that torch.hub has for the same weights."""

CLOSE = 0.8
"""Least likeness, from 0 to 1, of a name without its owner."""


def suggested(model: str) -> str:
    """The hub id that a name was probably meant to be; empty if it is like none."""
    tail = model.rpartition("/")[2].lower()
    if tail in TORCH_HUB:
        return TORCH_HUB[tail]
    tails = {name.rpartition("/")[2].lower(): name for each in KNOWN.values() for name in each}
    close = difflib.get_close_matches(tail, tails, n=1, cutoff=CLOSE)
    found = tails[close[0]] if close else ""
    return "" if found == model else found
