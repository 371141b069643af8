"""From the files of a checkpoint to a network with its weights.

The tensors are handed to transformers by name, so that nothing but the files that were hashed
decides the numbers: no index, adapter or explicit file name of the config is followed behind our
back.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers import MODEL_MAPPING, AutoConfig, PretrainedConfig, PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from generator.capture.checkpoint.adapters import Adapter
from generator.capture.checkpoint.hub import download
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.checkpoint.sequence import SequenceLayout
from generator.capture.checkpoint.weight_files import ADAPTER_WEIGHTS
from generator.capture.forward.eager import made_matrices, pictures, whole_matrices
from generator.capture.forward.residual import find_blocks
from generator.capture.models.built import Built
from generator.capture.models.foreign import loading_errors
from generator.capture.models.heads import (
    ARCHITECTURES,
    ClassHead,
    backbone_of,
    class_head,
    headless,
)
from generator.capture.models.merging import merge
from generator.capture.models.tensors import (
    Attempt,
    Make,
    StoredTensor,
    expect_size,
    fitting,
    read_tensors,
    stored_tensors,
)
from generator.errors import ModelError, UnsupportedModelError, first_line
from generator.records.record import TokenLayout

log = logging.getLogger(__name__)

LEVELS = 255
"""Kosmos-2.5 bounds the deviation of a picture from below in levels of 8 bits."""

OLDER_NAMES = {"altclip_vision_model": {r"^(vision_model\.)?encoder\.layer\.": "encoder.layers."}}
"""Names of weights that transformers changes for the larger model alone, as patterns."""


def build_network(
    resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
) -> Built:
    """The network of a checkpoint, with its weights and an adapter merged into them.

    Args:
        resolved: what to load.
        dtype: of weights and activations.
        attention: implementation asked of transformers.
        blank: leave the numbers out: quick, and enough to account for every tensor.

    Raises:
        ModelError: the weights cannot be read, are incomplete, or hold what the config has no
            place for.
    """
    source = resolved.base or resolved
    with loading_errors(resolved):
        config = _config(source)
        make = maker(source, config, dtype, attention)
        planned = _planned(source, config)
        wanted = _stored_names(planned) if source.vision.nest else ()
        tensors, spared = stored_tensors(source, resolved.id, blank=blank, wanted=wanted)
        expect_size(planned, tensors, resolved.id)
        attempt = fitting(make, tensors, source.vision, resolved.id)
        unused = (*attempt.unused, *spared)
        if resolved.adapter is not None:
            unused = (*unused, *_merged(attempt, resolved, resolved.adapter))
    network, head = _split(attempt.network, config, attempt.missing, resolved.id)
    _take_oblong(network, resolved.vision)
    return Built(
        network=network,
        blocks=find_blocks(network, resolved.vision.layers, name=resolved.id),
        runner=TransformersRunner(network, resolved.vision),
        head=head,
        headless=headless(resolved.config, head),
        renamed=attempt.renamed,
        unused=unused,
    )


@dataclass(frozen=True, slots=True)
class TransformersRunner:
    """Calls a network of transformers."""

    network: nn.Module
    vision: VisionConfig

    def hidden(self, pixels: Tensor, layout: TokenLayout) -> Tensor:
        """What the network calls its last hidden state."""
        hidden: Tensor = self._run(pixels, layout).last_hidden_state
        return hidden

    def attentions(self, pixels: Tensor, layout: TokenLayout) -> tuple[Tensor, ...]:
        """With ``output_attentions``, or as its eager function makes them where it returns none."""
        if self.vision.inputs in ("neighborhoods", "placed"):
            with made_matrices(self.network) as made:
                self._run(pixels, layout)
            return whole_matrices(made, layout.tokens)
        # Llama 4 looks for its matrices behind its hidden states, whether it was asked for these
        states = {"output_hidden_states": True} if "llama4" in self.vision.model_type else {}
        run = self._run(pixels, layout, output_attentions=True, **states)
        returned = tuple(run.attentions or ())
        if isinstance(layout, SequenceLayout) and layout.side:
            return pictures(returned, layout, self.vision.heads)
        return returned

    def _run(self, pixels: Tensor, layout: TokenLayout, **options: Any) -> Any:
        inputs = model_inputs(self.vision, pixels, layout)
        own = self.vision.own_sides or (self.vision.image_size,) * 2
        off_size = tuple(pixels.shape[-2:]) != own
        interpolates = _takes(self.network, "interpolate_pos_encoding")
        if off_size and interpolates and self.vision.inputs in ("pixels", "unmasked"):
            options["interpolate_pos_encoding"] = True
        if "skip_predictor" in inspect.signature(self.network.forward).parameters:
            options["skip_predictor"] = True
        with _unmasked(self.network) if self.vision.inputs == "unmasked" else nullcontext():
            return self.network(**inputs, **options)


@contextmanager
def _unmasked(network: Any) -> Iterator[None]:
    """Context manager: no patch is masked; a module in memory gets its own share back."""
    config = network.config
    share, config.mask_ratio = config.mask_ratio, 0.0
    try:
        yield
    finally:
        config.mask_ratio = share


def _take_oblong(network: nn.Module, vision: VisionConfig) -> None:
    """Let position embeddings of an oblong grid be interpolated: transformers takes all for square.

    Args:
        network: changed in place.
        vision: geometry.
    """
    rows, cols = vision.position_grid
    for module in network.modules() if rows != cols else ():
        table = getattr(module, "position_embeddings", None)
        if hasattr(module, "interpolate_pos_encoding") and isinstance(table, nn.Parameter):
            vars(module)["interpolate_pos_encoding"] = partial(_interpolated, table, vision)


def _interpolated(
    table: Tensor, vision: VisionConfig, embeddings: Tensor, height: int, width: int
) -> Tensor:
    """Position embeddings for another grid, as transformers makes them from a square one.

    Args:
        table: ``[1, token, channel]``: of tokens in front of the patches, then of the own grid.
        vision: geometry.
        embeddings: of the tokens, which are not looked at.
        height: of the input, in pixels.
        width: of the input, in pixels.
    """
    rows, cols = vision.position_grid
    first = table.shape[1] - rows * cols
    size = (height // vision.patch_height, width // vision.patch_width)
    if size == (rows, cols):
        return table
    patches = table[:, first:].unflatten(1, (rows, cols)).permute(0, 3, 1, 2)  # type: ignore[no-untyped-call]
    resized = functional.interpolate(patches.float(), size, mode="bicubic", align_corners=False)
    resized = resized.flatten(2).transpose(1, 2).to(table.dtype)
    return torch.cat([table[:, :first], resized], dim=1)


def _takes(network: nn.Module, option: str) -> bool:
    """Whether a network's forward pass knows an option."""
    parameters = inspect.signature(network.forward).parameters
    return option in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def model_inputs(vision: VisionConfig, pixels: Tensor, layout: TokenLayout) -> dict[str, Any]:
    """Keyword arguments for a forward pass in which every patch takes part, in order.

    Args:
        vision: geometry, and how the model wants its input.
        pixels: ``[image, channel, row, column]``.
        layout: of an input of this size.
    """
    count = pixels.shape[0]
    if vision.inputs == "unmasked":
        # MAE sorts patches by this noise; ascending noise and mask_ratio 0 leave them in place.
        noise = torch.arange(layout.patches, device=pixels.device, dtype=torch.float32)
        return {"pixel_values": pixels, "noise": noise.expand(count, -1)}
    if vision.inputs == "patches":
        return _cut(pixels, layout)
    if vision.inputs == "placed":
        return _placed(pixels, layout)
    if vision.inputs == "neighborhoods":
        return _neighborhoods(vision, pixels, layout)
    if vision.inputs == "tubelet":
        clip = pixels[:, None].expand(-1, vision.frames, -1, -1, -1)
        name = "pixel_values_videos" if vision.model_type == "vjepa2" else "pixel_values"
        return {name: clip}
    return {"pixel_values": pixels}


def _cut(pixels: Tensor, layout: TokenLayout) -> dict[str, Any]:
    """Patches of each picture, row by row, colors last."""
    count = pixels.shape[0]
    grid = torch.tensor([[layout.rows, layout.cols]], device=pixels.device)
    seen = torch.ones(count, layout.patches, dtype=torch.int32, device=pixels.device)
    return {
        "pixel_values": _patches(pixels, layout),
        "pixel_attention_mask": seen,
        "spatial_shapes": grid.expand(count, -1),
    }


def _patches(pixels: Tensor, layout: TokenLayout) -> Tensor:
    """``[image, patch, row * column * channel]``."""
    cut = pixels.unfold(2, pixels.shape[2] // layout.rows, pixels.shape[2] // layout.rows)
    cut = cut.unfold(3, pixels.shape[3] // layout.cols, pixels.shape[3] // layout.cols)
    # [image, channel, row, col, y, x] -> [image, patch, y * x * channel]
    return cut.permute(0, 2, 3, 4, 5, 1).reshape(len(pixels), layout.patches, -1)


def _placed(pixels: Tensor, layout: TokenLayout) -> dict[str, Any]:
    """Patches behind their row and column, from 1, of pictures in units of their deviation."""
    deviation, mean = torch.std_mean(pixels.float(), (1, 2, 3), correction=0, keepdim=True)
    least = pixels[0].numel() ** -0.5 / LEVELS
    standard = (pixels - mean) / deviation.clamp(min=least)
    places = torch.arange(layout.patches, device=pixels.device)
    row_and_col = torch.stack([places // layout.cols, places % layout.cols], dim=-1) + 1
    placed = row_and_col.to(pixels.dtype).expand(len(pixels), -1, -1)
    seen = torch.ones(len(pixels), layout.patches, device=pixels.device)
    patches = _patches(standard.to(pixels.dtype), layout)
    return {"flattened_patches": torch.cat([placed, patches], dim=-1), "attention_mask": seen}


def _neighborhoods(vision: VisionConfig, pixels: Tensor, layout: TokenLayout) -> dict[str, Any]:
    """Patches of all pictures, neighbors together, colors first, each with all of its frames."""
    count, merge = pixels.shape[0], vision.merge
    cut = pixels[:, None].expand(-1, vision.frames, -1, -1, -1)
    high, wide = layout.rows // merge, layout.cols // merge
    cut = cut.reshape(
        *cut.shape[:3], *(high, merge, vision.patch_height), *(wide, merge, vision.patch_width)
    )
    # [image, frame, channel, high, row, y, wide, col, x] -> [patch, channel * frame * y * x]
    cut = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(count * layout.patches, -1)
    grid = torch.tensor([[1, layout.rows, layout.cols]], device=pixels.device)
    return {"hidden_states": cut, "grid_thw": grid.expand(count, -1)}


# --- what to load --------------------------------------------------------------------------------


def _planned(source: ResolvedModel, config: PretrainedConfig) -> nn.Module:
    """The network that a config describes, without numbers."""
    with torch.device("meta"), _quiet():
        planned: nn.Module = _model_class(source, config)(deepcopy(config))
    return planned


def _stored_names(planned: nn.Module) -> tuple[str, ...]:
    """The names that the tensors of a network have in files, of this version or a former one."""
    stored: dict[str, Any] = revert_weight_conversion(planned, planned.state_dict())  # type: ignore[arg-type]
    return tuple(stored)


def maker(
    source: ResolvedModel, config: PretrainedConfig, dtype: torch.dtype, attention: str
) -> Make:
    """From tensors to a network and the report of its loading."""
    network_class = _model_class(source, config)

    def make(tensors: Mapping[str, StoredTensor], how: str = attention) -> Any:
        with _quiet():
            try:
                return network_class.from_pretrained(
                    None,
                    config=config,
                    state_dict=dict(tensors),
                    dtype=dtype,
                    attn_implementation=how,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,  # reported in our words
                    key_mapping=OLDER_NAMES.get(source.vision.model_type),
                )
            except ValueError as error:
                # Older architectures of transformers have no SDPA; their eager attention is read
                # as well.
                if "scaled_dot_product_attention" not in str(error):
                    raise
        return make(tensors, "eager")

    return make


def _model_class(source: ResolvedModel, config: PretrainedConfig) -> Any:
    """The class to load; a few vision towers are missing from transformers' own mapping."""
    for name in config.architectures or ():
        with_head = getattr(transformers, name, None) if name in ARCHITECTURES else None
        if with_head is not None and with_head.config_class is type(config):
            return with_head
    own = (getattr(config, "auto_map", None) or {}).get("AutoModel")
    if own and source.trust_remote_code:
        return get_class_from_dynamic_module(own, source.location, revision=source.commit or None)
    if type(config) in MODEL_MAPPING:
        known = MODEL_MAPPING[type(config)]
        return known[0] if isinstance(known, tuple) else known
    found = _of_module(config)
    if found is None:
        raise UnsupportedModelError(
            f"{source.id} is a {source.vision.model_type} model, and transformers "
            f"{transformers.__version__} has no class that runs its vision transformer alone.",
            "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...).",
        )
    return found


def _of_module(config: PretrainedConfig) -> Any:
    """The class that the config's own module has for it; None without one.

    A backbone is none: it returns maps of features, and no tokens. Nor is an encoder that takes
    what has been embedded.
    """
    module = type(config).__module__.replace(".configuration_", ".modeling_")
    stem = type(config).__name__.removesuffix("Config")
    try:
        classes = vars(importlib.import_module(module))
    except ImportError:
        return None
    whole = {
        name: found
        for name, found in classes.items()
        if isinstance(found, type)
        and issubclass(found, PreTrainedModel)
        and not name.endswith(("PreTrainedModel", "Backbone"))
        and (not name.endswith("Encoder") or "pixel_values" in signature(found.forward).parameters)
    }
    names = (f"{stem}{ending}" for ending in ("Model", "Transformer", "Encoder"))
    named = next((whole[name] for name in names if name in whole), None)
    own = (found for found in whole.values() if found.config_class is type(config))
    return named or next(own, None)


def _config(source: ResolvedModel) -> PretrainedConfig:
    """The vision part's config, so that a text tower is never built."""
    options: dict[str, Any] = {"trust_remote_code": source.trust_remote_code}
    if source.commit:
        options["revision"] = source.commit
    try:
        with _quiet():
            config: PretrainedConfig = AutoConfig.from_pretrained(source.location, **options)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"transformers {transformers.__version__} does not take the config.json of "
            f"{source.id}: {first_line(error).rstrip('.')}.",
            "Correct the file, or use the checkpoint's own config.json.",
        ) from error
    with_head = set(config.architectures or ()) & ARCHITECTURES.keys()
    for key in () if with_head else source.vision.nest:
        config = getattr(config, key)
    if source.vision.inputs == "unmasked":
        config.mask_ratio = 0.0
    if source.vision.model_type == "videomae":
        config.num_frames = source.vision.frames  # positions of the first tubelet alone
    return config


def _split(
    network: Any, config: PretrainedConfig, missing: Sequence[str], model: str
) -> tuple[nn.Module, ClassHead | None]:
    """A network for classification as its backbone and its head; others have no head."""
    if type(network).__name__ not in ARCHITECTURES:
        return network, None
    backbone = backbone_of(network)
    head = class_head(network, backbone, config, missing)
    if head is None:
        log.warning("%s has a class head that is not whole; it is left out.", model)
    return backbone, head


def _merged(attempt: Attempt, resolved: ResolvedModel, adapter: Adapter) -> tuple[str, ...]:
    """Merge an adapter; returns what of it changes nothing."""
    folder = Path(resolved.location)
    if resolved.source == "hub":
        folder = download(resolved.id, ADAPTER_WEIGHTS, resolved.commit).parent
    tensors = read_tensors([folder / ADAPTER_WEIGHTS], resolved.id, blank=False)
    with _quiet():
        return merge(attempt, adapter, folder, tensors, resolved.id)


# --- what goes wrong -----------------------------------------------------------------------------


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' loading reports off the terminal; what matters is checked here."""
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity(logging.ERROR)
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        transformers.logging.enable_progress_bar()  # type: ignore[no-untyped-call]
