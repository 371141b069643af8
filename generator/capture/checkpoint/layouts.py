"""Geometry of a vision transformer, read from a config file without torch.

An architecture that is not in the table of families is tried as a plain vision transformer; one
that cannot have a map over the whole picture is refused by name. A vision transformer inside a
larger model is found by the key of its config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator.capture.checkpoint.families import (
    ALIASES,
    FAMILIES,
    FIXED,
    OTHER_INPUTS,
    REFUSED,
    Family,
    InputStyle,
)
from generator.capture.checkpoint.sequence import SequenceLayout, behind, merged
from generator.errors import ModelError, UnsupportedModelError
from generator.records.record import TokenLayout
from generator.text.numbers import count

MOST_PARTS = 1000
"""Most layers, heads or prefix tokens of one kind: several times as many as in the largest vision
transformers."""

MOST_PIXELS = 8192
"""Longest side of pictures and patches: the largest resolution of a gallery."""

MOST_CHANNELS = 100_000
"""Largest width."""

MOST_ENTRIES = {
    "num_labels": 100_000,
    "num_hidden_layers": MOST_PARTS,
    "num_layers": MOST_PARTS,
    "depth": MOST_PARTS,
}
"""Keys that transformers or timm makes a list of, in the vision part or beside it."""

NESTS = ("vision_config", "image_config", "backbone_config", "vlm_config", "detector_config")
"""Keys under which larger models keep the config of their vision transformer, or of a model around
it."""

ENCODERS = frozenset({"vision-encoder-decoder"})
"""Larger models that keep it under ``encoder``."""


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """The part of a config that decides geometry.

    Attributes:
        model_type: of the vision part.
        listed: whether the family is in the table.
        prefix: names of the prefix tokens; for an unlisted family a guess that loading checks.
        patch_height: of a patch, in input pixels.
        patch_width: of a patch, in input pixels.
        image_size: the checkpoint's own input size (short side), in pixels.
        layers: number of blocks.
        heads: heads of each block.
        width: channels of the residual stream.
        inputs: how the model wants its input.
        resizable: whether other grids than the checkpoint's own can be run.
        nest: keys that lead from the config of a larger model to that of its vision transformer;
            empty for a vision transformer alone.
        position: why there are no learned position embeddings; empty where there are.
        position_grid: rows and columns that learned position embeddings stand for.
        no_register: why the blocks take no token more behind the prefix; empty when they do.
        merge: side of the neighborhoods whose patches the network keeps together, in patches.
        window: side of the windows in which some blocks attend, in neighborhoods; 0 without.
        windowed: indices of those blocks.
        channels_first: whether the blocks hand on ``[image, channel, row, column]``.
        frames: frames that a patch spans, all of which are the picture.
        back: names of the tokens behind the patches.
        own_sides: height and width of the checkpoint's own input, where they may differ.
    """

    model_type: str
    listed: bool
    prefix: tuple[str, ...]
    patch_height: int
    patch_width: int
    image_size: int
    layers: int
    heads: int
    width: int
    inputs: InputStyle
    resizable: bool
    nest: tuple[str, ...]
    position: str
    position_grid: tuple[int, int]
    no_register: str
    merge: int = 1
    window: int = 0
    windowed: tuple[int, ...] = ()
    channels_first: bool = False
    frames: int = 1
    back: tuple[str, ...] = ()
    own_sides: tuple[int, int] | None = None

    @property
    def step_height(self) -> int:
        """The height of an input is a multiple of this, in pixels."""
        return self.patch_height * self.merge

    @property
    def step_width(self) -> int:
        """The width of an input is a multiple of this, in pixels."""
        return self.patch_width * self.merge

    def with_register(self) -> VisionConfig:
        """The same with one register more, behind the prefix."""
        registers = sum(name.startswith("reg") for name in self.prefix)
        return replace(self, prefix=(*self.prefix, f"reg{registers + 1}"))

    def layout(self, input_height: int, input_width: int) -> TokenLayout:
        """The layout for an input of this many pixels, both divisible by the patch."""
        rows, cols = input_height // self.patch_height, input_width // self.patch_width
        if self.merge > 1:
            return merged(rows, cols, self.merge, self.window)
        if self.window or self.channels_first:
            return SequenceLayout(
                self.prefix,
                rows,
                cols,
                side=self.window or max(rows, cols),  # one window is the whole picture
                channels_first=self.channels_first,
            )
        if self.back:
            return behind(self.prefix, self.back, rows, cols)
        return TokenLayout(self.prefix, rows, cols)


def read_vision_config(config: Mapping[str, Any], *, model: str) -> VisionConfig:
    """Geometry of the vision transformer in a ``config.json``.

    Args:
        config: the parsed file.
        model: named in errors.

    Raises:
        UnsupportedModelError: windowed, convolutional, or not a vision model at all.
        ModelError: the file lacks what is needed.
    """
    expect_small_lists(config, model)
    outer = str(config.get("model_type", ""))
    nest, inner = _inner(config)
    model_type = _vision_type(outer, inner, nested=bool(nest))
    _refuse(model, outer, model_type, inner)
    family = FAMILIES.get(model_type)
    known = family or Family()
    patch_height, patch_width = _pair(inner.get("patch_size", known.patch), "patch_size", model)
    image = inner.get(known.side, known.image)
    if known.patches:
        default = (known.image // known.patch) ** 2
        image = round(int(inner.get(known.patches, default)) ** 0.5) * patch_height
    largest = inner.get(known.largest, known.default_largest) if known.largest else image
    height, width = _pair(largest, "image_size", model)
    grid = (height // patch_height, width // patch_width)
    if known.positions:
        grid = (round(int(inner.get(known.positions, known.default_positions)) ** 0.5),) * 2
    prefix = _prefix(known, inner, model)
    any_grid = bool(inner.get(known.fixed, False)) if known.fixed else not known.one_grid
    merge = _count(inner, known.merge, 2, model) if known.merge else 1
    layers = _count(inner, _key(known.keys[0], inner), known.layers, model)
    window = _window(known, inner, patch_height * merge, model)
    return VisionConfig(
        model_type=model_type,
        listed=family is not None,
        prefix=prefix,
        patch_height=patch_height,
        patch_width=patch_width,
        image_size=min(_pair(image, "image_size", model)),
        layers=layers,
        heads=_count(inner, _key(known.keys[1], inner), known.heads, model),
        width=_count(inner, known.keys[2], known.width, model),
        inputs=known.inputs,
        resizable=any_grid,
        nest=nest,
        position=_position(known, inner),
        position_grid=grid,
        no_register=_no_register(family, prefix, inner, model_type),
        merge=merge,
        window=window,
        windowed=_windowed(known, inner, layers, model) if window else (),
        channels_first=known.channels_first,
        frames=_count(inner, known.tubelet, 2, model) if known.tubelet else 1,
        back=_back(known, inner, model),
        own_sides=_pair(image, "image_size", model),
    )


SYNONYMS = {
    "num_hidden_layers": ("depth", "num_layers"),
    "num_attention_heads": ("num_heads", "attention_heads"),
}
"""Further keys of the number of blocks and of heads."""


def _key(key: str, config: Mapping[str, Any]) -> str:
    """The key of a number that a config has, or the first of those that it may have."""
    return next((name for name in (key, *SYNONYMS.get(key, ())) if name in config), key)


def _window(family: Family, config: Mapping[str, Any], step: int, model: str) -> int:
    """Side of the windows of a family that has some, in neighborhoods; 0 without."""
    if not family.window:
        return 0
    side = config.get(family.window, family.default_window)
    unit, least = (step, step) if family.window_unit == "pixels" else (1, 0)
    if not isinstance(side, int) or side < least:
        raise ModelError(
            f"{model} has {family.window} = {side!r} in its config; a number from {least} was "
            "expected.",
            "Correct the file.",
        )
    _expect_at_most(MOST_PIXELS, side, family.window, model)
    return side // unit


def _windowed(
    family: Family, config: Mapping[str, Any], layers: int, model: str
) -> tuple[int, ...]:
    """Indices of the blocks that attend within windows."""
    key = family.windowed or family.whole
    listed = config.get(key)
    listed = family.default_whole if listed is None else listed
    if not isinstance(listed, list | tuple) or not all(isinstance(n, int) for n in listed):
        raise ModelError(
            f"{model} has {key} = {listed!r} in its config; a list of layers was expected.",
            "Correct the file.",
        )
    inside = bool(family.windowed)
    return tuple(layer for layer in range(layers) if (layer in listed) == inside)


def _back(family: Family, config: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """Names of the tokens behind the patches."""
    if not family.behind:
        return family.last
    number = int(config.get(family.behind, family.default_behind))
    _expect_at_most(MOST_PARTS, number, family.behind, model)
    return tuple(f"{family.back}{n + 1}" for n in range(number))


def _position(family: Family, config: Mapping[str, Any]) -> str:
    """Why a model has no learned position embeddings."""
    if family.fixed:
        return FIXED if config.get(family.fixed, False) else ""
    return "" if family.learned and config.get(family.learned, False) else family.position


def _no_register(
    family: Family | None, prefix: tuple[str, ...], config: Mapping[str, Any], model_type: str
) -> str:
    """Why the blocks of a model take no token more."""
    if family is None:
        return f"the order of a {model_type} model's tokens is not known beforehand"
    if family.inputs != "pixels":
        return f"a {model_type} model is not given plain pixels"
    if not prefix:
        return f"a {model_type} model has no class token to put it behind"
    if any(config.get(f"use_{kind}relative_position_bias") for kind in ("", "shared_")):
        return "its relative position bias is of a fixed number of tokens"
    return family.no_register


def _inner(config: Mapping[str, Any]) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """The config of the vision transformer, and the keys that lead to it."""
    nest: tuple[str, ...] = ()
    while True:
        keys = ("encoder",) if config.get("model_type") in ENCODERS else NESTS
        key = next((key for key in keys if isinstance(config.get(key), Mapping)), None)
        if key is None:
            return nest, config
        nest, config = (*nest, key), config[key]


def _vision_type(outer: str, inner: Mapping[str, Any], *, nested: bool) -> str:
    """The vision part's model type: older two-tower configs leave it out of the inner config."""
    model_type = str(inner.get("model_type") or outer)
    if nested and (not inner.get("model_type") or model_type == outer):
        model_type = f"{outer}_vision_model"
    return ALIASES.get(model_type, model_type)


def _refuse(model: str, outer: str, model_type: str, inner: Mapping[str, Any]) -> None:
    for name in (model_type, outer):
        if name in REFUSED:
            raise UnsupportedModelError(
                f"{model} is a {name} model, which {REFUSED[name]}: "
                "it has no attention map over the whole picture.",
                "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...).",
            )
        if name in OTHER_INPUTS:
            raise UnsupportedModelError(
                f"{model} is a {name} model, which {OTHER_INPUTS[name]}.",
                "Use a vision transformer that reads pictures alone.",
            )
    if not model_type:
        raise ModelError(
            f"{model} has a config.json without model_type, so its architecture is unknown.",
            "Use a checkpoint in the transformers format.",
        )
    if model_type not in FAMILIES and "patch_size" not in inner:
        raise UnsupportedModelError(
            f"{model} is a {model_type} model without a patch size in its config: "
            "it is not a vision transformer.",
            "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...).",
        )


def _prefix(family: Family, config: Mapping[str, Any], model: str) -> tuple[str, ...]:
    classes = int(config.get(family.classes, family.default_classes)) if family.classes else 0
    registers = (
        int(config.get(family.registers, family.default_registers)) if family.registers else 0
    )
    for key, parts in ((family.classes, classes), (family.registers, registers)):
        _expect_at_most(MOST_PARTS, parts, key, model)
    return (
        *family.prefix,
        *(("CLS",) if classes == 1 else (f"CLS{n + 1}" for n in range(classes))),
        *(f"reg{n + 1}" for n in range(registers)),
    )


def _pair(value: object, key: str, model: str) -> tuple[int, int]:
    sizes = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(sizes) != 2 or not all(isinstance(s, int) and s > 0 for s in sizes):
        raise ModelError(
            f"{model} has {key} = {value!r} in its config; "
            "one or two positive whole numbers were expected.",
            "Use a vision transformer over images.",
        )
    _expect_at_most(MOST_PIXELS, max(sizes), key, model)
    return sizes[0], sizes[1]


def _count(config: Mapping[str, Any], key: str, default: int, model: str) -> int:
    value = config.get(key, default)
    if not isinstance(value, int) or value < 1:
        raise UnsupportedModelError(
            f"{model} has {key} = {value!r} in its config; one positive whole number was expected.",
            "A model whose blocks differ in size has no attention map over the whole picture.",
        )
    most = MOST_CHANNELS if key in ("hidden_size", "embed_dim") else MOST_PARTS
    _expect_at_most(most, value, key, model)
    return value


def expect_small_lists(config: Mapping[str, Any], model: str) -> None:
    """Check the numbers, in all parts of a config, that lists are made of as it is read.

    Raises:
        ModelError: one would take minutes and gigabytes.
    """
    parts: list[object] = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            for key, most in MOST_ENTRIES.items():
                if isinstance(value := part.get(key), int):
                    _expect_at_most(most, value, key, model)
            parts += part.values()


def _expect_at_most(most: int, value: int, key: str, model: str) -> None:
    """Refuse numbers that would fill the memory before the config is found to be wrong.

    Raises:
        ModelError: the number is too large for a vision transformer.
    """
    if not 0 <= value <= most:
        raise ModelError(
            f"{model} has {key} = {value} in its config; a number from 0 to "
            f"{count(most)} was expected.",
            "Check that its config.json belongs to a vision transformer, and is whole.",
        )
