"""From a module in memory to a network that can be measured: lent, not loaded."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from generator.capture.checkpoint.layouts import VisionConfig, read_vision_config
from generator.capture.checkpoint.module_options import ModuleOptions
from generator.capture.checkpoint.resolved import understood
from generator.capture.forward.as_found import as_found, expect_finite, place_of
from generator.capture.forward.residual import find_blocks
from generator.capture.models.built import Built
from generator.capture.models.heads import ARCHITECTURES, backbone_of, class_head, headless
from generator.capture.models.memory.probe import Call, SeenNetwork, places_of_corners, probe
from generator.errors import CaptureError, GalleryError, ModelError, UnsupportedModelError
from generator.records.record import TokenLayout
from generator.text.phrases import counted, listed

Package = Literal["torch", "timm", "transformers"]

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
BOOKKEEPING = frozenset(vars(nn.Module()))
"""Attributes that every module of torch has, such as whether it is in training."""

LIBRARIES = ("torch", "timm", "transformers")
"""Packages whose code a description names and does not quote."""


@dataclass(frozen=True, slots=True)
class UnderstoodModule:
    """A module in memory as loaders need it.

    Attributes:
        package: that made it; ``torch`` for a class of the user's own.
        config: of transformers; empty for others.
        declared: preprocessing that timm declares; empty for others.
        vision: geometry.
        built: the network, its blocks and how it is called.
    """

    package: Package
    config: Mapping[str, Any]
    declared: Mapping[str, Any]
    vision: VisionConfig
    built: Built


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside the wrappers of ``torch.compile``, data parallelism and peft.

    Raises:
        ModelError: an adapter of peft is not inside the module itself.
    """
    wrappers = (nn.parallel.DistributedDataParallel, nn.DataParallel)
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, wrappers):
            inner = module.module
        if type(module).__module__ == "peft.peft_model":
            _expect_no_prompt(module)
            inner = module.get_base_model()  # type: ignore[operator]
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def understand(network: nn.Module, options: ModuleOptions, name: str) -> UnderstoodModule:
    """Find geometry, blocks and call of a module.

    Modules of transformers and timm are read by their config and flags, others by running them.

    Args:
        network: unwrapped.
        options: what the user says.
        name: named in errors.

    Raises:
        ModelError: something that cannot be seen was not said, or does not fit what was found; or
            weights hold NaN or infinity.
        CaptureError: its attention cannot be read.
    """
    expect_no_adapter(network, name)
    expect_finite(network, name, in_memory=True)  # before it is run: NaN is unlike itself
    if not options.geometry_given:
        config = getattr(network, "config", None)
        if hasattr(config, "to_dict") and hasattr(config, "model_type"):
            return _of_transformers(network, config, name)
        if type(network).__module__.startswith("timm.") or _inherits_timm(network):
            return _of_timm(network, name)
    return _plain(network, options, name)


def describe_forward(network: nn.Module, options: ModuleOptions, understood: Any) -> str:
    """What decides the numbers beside the state dict: structure, options, config, source code."""
    classes = sorted({type(module) for module in network.modules()}, key=_full_name)
    parts = {
        "structure": ADDRESS.sub("", repr(network)),
        "attributes": [[path, _attributes(module)] for path, module in network.named_modules()],
        "classes": [[_full_name(kind), _source(kind)] for kind in classes],
        "call": [ADDRESS.sub("", repr(options.call)), _source(options.call)],
        "config": ADDRESS.sub("", repr(sorted(understood.config.items(), key=str))),
        "prefix": understood.vision.prefix,
        "patch": [understood.vision.patch_height, understood.vision.patch_width],
        "image_size": understood.vision.image_size,
    }
    return json.dumps(parts, sort_keys=True)


def _attributes(module: nn.Module) -> list[tuple[str, str]]:
    """Numbers and words that a module keeps beside its weights, such as its number of heads."""
    trained = any("lightning" in kind.__module__ for kind in type(module).__mro__)
    return [
        (name, repr(value))
        for name, value in sorted(vars(module).items())
        if name not in BOOKKEEPING
        and _is_plain(value)
        and not (trained and name.startswith("_"))  # where its trainer stands
    ]


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, int | float | str)


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _source(thing: Any) -> str:
    """Source code of the user's own classes and functions; empty where there is none to read."""
    if thing is None or str(getattr(thing, "__module__", "")).split(".")[0] in LIBRARIES:
        return ""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        return ""


def _expect_no_prompt(module: Any) -> None:
    """Refuse adapters of peft that put tokens into the sequence: they are outside of the module."""
    if module.active_peft_config.is_prompt_learning:
        raise ModelError(
            f"{type(module.get_base_model()).__name__} has an adapter that puts tokens of its own "
            "into the sequence, which is not read.",
            "Open the module without it: get_base_model().",
        )


def expect_no_adapter(network: nn.Module, name: str) -> None:
    """Refuse adapters of peft that are not merged: contributions of values would lack them.

    Raises:
        ModelError: there is one.
    """
    for path, module in network.named_modules():
        is_adapter = type(module).__module__.startswith("peft.tuners.")
        if is_adapter and getattr(module, "merged", True) is False:
            raise ModelError(
                f"{name} has an adapter that is not merged into its weights, at {path} first.",
                "Call merge_adapter() before measuring, and unmerge_adapter() after it.",
            )


# --- modules of transformers and timm ------------------------------------------------------------


def _of_transformers(network: Any, config: Any, name: str) -> UnderstoodModule:
    from generator.capture.models.transformers_network import (  # noqa: PLC0415 - takes seconds
        TransformersRunner,
    )

    declared: dict[str, Any] = config.to_dict()
    with understood("The config", name):
        vision = read_vision_config(declared, model=name)
    head = None
    if type(network).__name__ in ARCHITECTURES:
        part = backbone_of(network)
        head = class_head(network, part, config, ())
        declared["architectures"] = [type(network).__name__]
    else:
        part = _vision_part(network, vision, name)
    built = Built(
        network=part,
        blocks=find_blocks(part, vision.layers, name=name),
        runner=TransformersRunner(part, vision),
        head=head,
        headless=headless(declared, head),
        renamed="",
        unused=(),
        lent=True,
    )
    return UnderstoodModule("transformers", declared, {}, vision, built)


def _vision_part(network: Any, vision: VisionConfig, name: str) -> nn.Module:
    """The vision tower of a larger module, or the backbone under a head that is not read."""
    if not vision.nest:
        return getattr(network, "base_model", network)  # type: ignore[no-any-return]
    for path, module in network.named_modules():
        config = getattr(module, "config", None)
        if path and getattr(config, "model_type", None) == vision.model_type:
            return module  # type: ignore[no-any-return]
    raise ModelError(
        f"{name} has a vision_config and no {vision.model_type} among its modules.",
        "Open the vision tower alone.",
    )


def _inherits_timm(network: nn.Module) -> bool:
    return any(kind.__module__.startswith("timm.models") for kind in type(network).__mro__)


def _of_timm(network: Any, name: str) -> UnderstoodModule:
    from generator.capture.models.timm_network import (  # noqa: PLC0415 - needs timm
        NETWORKS,
        TimmRunner,
        class_head_of,
        geometry_of,
    )

    kinds = {kind.__name__ for kind in type(network).__mro__}
    if not kinds & set(NETWORKS):
        raise UnsupportedModelError(
            f"{name} is a {type(network).__name__} of timm: it is not a plain vision transformer, "
            "so it has no attention map over the whole picture.",
            f"Use a model of timm that is a {', '.join(NETWORKS[:-1])} or {NETWORKS[-1]}.",
        )
    found = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None) or {}
    declared = dict(found)
    architecture = str(declared.get("architecture") or type(network).__name__)
    head, why = class_head_of(network, declared)
    built = Built(
        network=network,
        blocks=tuple(network.blocks),
        runner=TimmRunner(network),
        head=head,
        headless=why,
        renamed="",
        unused=(),
        lent=True,
    )
    vision = geometry_of(network, architecture, declared.get("input_size"), name)
    return UnderstoodModule("timm", {}, declared, vision, built)


# --- other modules -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallRunner:
    """Calls a module as the user said."""

    call: Call

    def hidden(self, pixels: Tensor, layout: TokenLayout) -> Tensor:
        """Whatever it returns; without a class head nobody reads it."""
        output = self.call(pixels)
        return output if isinstance(output, Tensor) else pixels

    def attentions(self, pixels: Tensor, layout: TokenLayout) -> tuple[Tensor, ...]:
        """None: there is no eager path that is known."""
        return ()


def _plain(network: nn.Module, options: ModuleOptions, name: str) -> UnderstoodModule:
    if options.image_size is None or options.mean is None or options.std is None:
        wanted = {"image_size": "224", "mean": "(0.5, 0.5, 0.5)", "std": "(0.5, 0.5, 0.5)"}
        missing = [key for key in wanted if getattr(options, key) is None]
        raise ModelError(
            f"{name} is a module in memory, which does not tell {listed(missing)}.",
            f"Say {', '.join(f'{key}={wanted[key]}' for key in missing)}, with your own values.",
        )
    side, patch = options.image_size, _patch_size(network, options, name)
    if side % patch[0] or side % patch[1]:
        raise ModelError(
            f"image_size {side} of {name} does not hold whole patches of {patch[0]} x {patch[1]}.",
            "Correct image_size or patch_size.",
        )
    call = options.call or network
    device, dtype = place_of(network, name)
    grid = (side // patch[0], side // patch[1])
    with as_found(network), torch.no_grad():
        pixels = _noise(2, side, side).to(device, dtype)
        seen = probe(network, call, pixels, name)
        prefix = _prefix(seen, grid, options, name)
        _expect_order(seen, call, pixels, patch, len(prefix), name)
        larger = _noise(2, side + patch[0], side + 2 * patch[1]).to(device, dtype)
        resizable = _runs(network, seen, call, larger, patch, len(prefix), name)
    vision = VisionConfig(
        model_type=type(network).__name__,
        listed=True,
        prefix=prefix,
        patch_height=patch[0],
        patch_width=patch[1],
        image_size=side,
        layers=len(seen.blocks),
        heads=seen.heads,
        width=seen.width,
        inputs="pixels",
        resizable=resizable,
        nest=(),
        position="",
        position_grid=grid,
        no_register="how its blocks take a token more is not known",
    )
    built = Built(
        network=network,
        blocks=seen.blocks,
        runner=CallRunner(call),
        head=None,
        headless="which part of a module in memory is a class head is not known",
        renamed="",
        unused=(),
        lent=True,
        tokens_first=seen.tokens_first,
    )
    return UnderstoodModule("torch", {}, {}, vision, built)


def _noise(images: int, height: int, width: int) -> Tensor:
    """Seeded noise ``[image, channel, row, column]``."""
    return torch.randn(images, 3, height, width, generator=torch.Generator().manual_seed(0))


def _patch_size(network: nn.Module, options: ModuleOptions, name: str) -> tuple[int, int]:
    """As said, or that of the convolution that cuts color pictures into patches."""
    given = options.patch_size
    if given is not None:
        return (given, given) if isinstance(given, int) else given
    found: dict[tuple[int, ...], str] = {}
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            size = tuple(module.kernel_size)
            if size == tuple(module.stride) and max(size) > 1:
                found.setdefault(size, path)
    if len(found) == 1:
        ((height, width),) = found
        return height, width
    seen = listed(f"{path} with {' x '.join(map(str, size))}" for size, path in found.items())
    raise ModelError(
        f"The patch size of {name} is not clear: "
        + (
            f"several convolutions could cut the patches, {seen}."
            if found
            else "no convolution cuts color pictures into patches."
        ),
        "Say patch_size=16, with your own value.",
    )


def _prefix(
    seen: SeenNetwork, grid: tuple[int, int], options: ModuleOptions, name: str
) -> tuple[str, ...]:
    """Names of the tokens in front of the patches, as said, if they fit what ran."""
    patches = grid[0] * grid[1]
    extra = seen.tokens - patches
    what = (
        f"{name} runs {counted(seen.tokens, 'token')} where {options.image_size} pixels make "
        f"{grid[0]} x {grid[1]} = {counted(patches, 'patch', 'patches')}"
    )
    if extra < 0:
        raise ModelError(
            f"{what}.",
            "Correct patch_size or image_size. A model that merges or drops patches has no map "
            "over the whole picture.",
        )
    said = options.class_token is not None or options.registers is not None
    classes, registers = int(bool(options.class_token)), options.registers or 0
    if classes + registers != extra:
        asked = (
            f", and {counted(classes + registers, 'token')} beside them were said" if said else ""
        )
        hint = (
            f"Say what they are, class_token=True, registers={extra - 1}, or correct patch_size."
            if extra
            else "There are none beside the patches: leave class_token and registers out."
        )
        raise ModelError(f"{what} and {counted(extra, 'token')} more{asked}.", hint)
    names = ("CLS",) if classes else ()
    return (*names, *(f"reg{n + 1}" for n in range(registers)))


def _expect_order(
    seen: SeenNetwork, call: Call, pixels: Tensor, patch: tuple[int, int], prefix: int, name: str
) -> None:
    """Check that a patch at each corner changes its own token.

    Raises:
        CaptureError: tokens are not the prefix and then the patches, row by row.
    """
    rows, cols = pixels.shape[-2] // patch[0], pixels.shape[-1] // patch[1]
    found = places_of_corners(seen, call, pixels[:1], patch, name)
    expected = [prefix + row * cols + col for row in (0, rows - 1) for col in (0, cols - 1)]
    if found != expected:
        raise CaptureError(
            f"{name} has its patches elsewhere: changing the patch at each corner changes tokens "
            f"{listed(map(str, found))}, where {listed(map(str, expected))} were expected.",
            f"Tokens have to be {counted(prefix, 'prefix token')}, then the patches row by row.",
        )


def _runs(
    network: nn.Module,
    seen: SeenNetwork,
    call: Call,
    pixels: Tensor,
    patch: tuple[int, int],
    prefix: int,
    name: str,
) -> bool:
    """Whether a module also takes an input of another size and shape."""
    try:
        other = probe(network, call, pixels, name)
        _expect_order(seen, call, pixels, patch, prefix, name)
    except GalleryError:
        return False
    rows, cols = pixels.shape[-2] // patch[0], pixels.shape[-1] // patch[1]
    return other.names == seen.names and other.tokens == prefix + rows * cols
