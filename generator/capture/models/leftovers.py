"""Tensors of a checkpoint that the network did not take: why each changes nothing, or an error.

Unused tensors are accepted only outside of the blocks and the embeddings, under a name with a
known meaning. Any other unused tensor is an error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from generator.capture.checkpoint.layouts import VisionConfig
from generator.errors import ModelError

Shapes = Mapping[str, Sequence[int]]

_BUFFERS = re.compile(
    r"(position_ids|relative_position_index|inv_freq|periods|num_batches_tracked)$"
)
_ADAPTERS = re.compile(
    r"(^|[._])(lora|loha|lokr|hada|ia3|oft|boft|vera|dora|ssf)_\w+|(^|\.)base_layer(\.|$)"
    r"|adapt(er|mlp|former)"
)
_TOKENS = re.compile(r"(regist|storage_tok|reg_tok|memory_tok)")
_DISTILLATION = re.compile(r"(distill?ation_token|dist_token)")
_INPUT = re.compile(r"(?!token_embedding$|embed_positions_proj$|decoder_)\w*embed")
_MASK = re.compile(r"^mask_tokens?$")
NORM = "a norm behind the blocks, which is not run"
POOLING = "pooling behind the blocks, which is not run"
OF_TOWER = (NORM, POOLING)
"""Reasons that speak of the vision transformer itself."""

_REASONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("only used to mask patches in training", _MASK),
    (
        "part of a text tower or language model",
        re.compile(
            r"^(text\w*|language\w*|lm_head|token_embedding|qformer|query_tokens|bert|llm"
            r"|multimodal\w*|cross_modal\w*)$"
        ),
    ),
    (
        "a projection behind the vision tower",
        re.compile(
            r"^(\w*projections?|\w*projector|\w*_proj|mlp1|visual_head|logit_scale|logit_bias"
            r"|embed_positions_proj)$"
        ),
    ),
    ("part of a decoder", re.compile(r"^(\w*decoder\w*|neck|fpn\w*|upsample\w*|reassemble\w*)$")),
    (
        "a head behind the blocks",
        re.compile(
            r"^(heads?|\w+_heads?|\w*classifiers?|bbox_predictor|fc|prototypes|pre_logits)$"
        ),
    ),
    (POOLING, re.compile(r"^(\w*pool(er|ing)?\w*)$")),
    (
        NORM,
        re.compile(r"^(layer_?norm|norm|fc_norm|ln_post|post_layer_?norm)$"),
    ),
)
"""By a part of the name. A part within a block or the embeddings never counts."""


def refuse_what_decides(
    unused: Shapes, used: Iterable[str], vision: VisionConfig, model: str
) -> None:
    """Refuse what makes another model than the config says, if only it had been taken.

    Args:
        unused: shapes of the tensors that the network did not take, by name.
        used: names of those that it took.
        vision: geometry, as the config says.
        model: named in errors.

    Raises:
        ModelError: there are adapter matrices, registers, or blocks beyond the config's number.
    """
    adapters = [name for name in unused if _ADAPTERS.search(name)]
    if adapters:
        raise ModelError(
            f"The weights of {model} hold adapter matrices that are not merged: "
            f"{first_of(adapters)}.",
            "Merge them: load the model with its adapter and save what merge_and_unload() gives.",
        )
    for name, shape in unused.items():
        if _TOKENS.search(name):
            raise _registers(name, shape, vision, model)
        if _DISTILLATION.search(name):
            raise ModelError(
                f"The weights of {model} hold a distillation token, {name}, and its config.json, "
                f"of model type {vision.model_type}, has none.",
                "Use the config.json of a DeiT (model type deit).",
            )
    beyond = defaultdict(list)
    paths = block_paths(used)
    for name in unused:
        block = _block(name, paths)
        if block is not None and block[1] >= vision.layers:
            beyond[".".join((block[0], str(block[1])))].append(name)
    if beyond:
        first = next(iter(beyond))
        count = f"{len(beyond)} blocks more" if len(beyond) > 1 else "1 block more"
        raise ModelError(
            f"The weights of {model} hold {count} than config.json says "
            f"(num_hidden_layers = {vision.layers}): {first} is left out.",
            f"Set num_hidden_layers to {vision.layers + len(beyond)}, or use the checkpoint's own "
            "config.json.",
        )


def account(
    unused: Shapes,
    used: Iterable[str],
    architecture: str,
    model: str,
    outside: Collection[str] = (),
) -> tuple[str, ...]:
    """Why tensors that were not taken change nothing: one line for each reason.

    Args:
        unused: shapes of the tensors, by name.
        used: names of the tensors that were taken.
        architecture: class of the network, named in errors.
        model: named in errors.
        outside: names of tensors that are known to be no part of the vision transformer.

    Raises:
        ModelError: for one at least, no reason is known.
    """
    found, unknown = explained(unused, used)
    of_tower = [n for reason in OF_TOWER for n in found.get(reason, ())]
    if beside := sorted(name for name in (*of_tower, *unknown) if name in outside):
        found = {
            reason: [name for name in names if name not in beside]
            for reason, names in found.items()
        }
        found["part of a larger model, outside of its vision transformer"] = beside
    unknown = [name for name in unknown if name not in outside]
    if unknown:
        raise ModelError(
            f"The weights of {model} hold {_count(unknown)} that {architecture} does not use: "
            f"{first_of(unknown)}.",
            "Use the config.json that the checkpoint was saved with. If they have no part in the "
            "vision transformer, save the weights without them.",
        )
    return tuple(f"{first_of(names)}: {reason}" for reason, names in found.items() if names)


def explained(unused: Iterable[str], used: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Names of tensors that change nothing, by the reason; and those without a known reason.

    Args:
        unused: names of tensors that were not taken.
        used: names of the tensors that were taken.
    """
    paths = block_paths(used)
    found: dict[str, list[str]] = defaultdict(list)
    unknown = []
    for name in sorted(unused):
        if reason := _reason(name, paths):
            found[reason].append(name)
        else:
            unknown.append(name)
    return found, unknown


def block_paths(used: Iterable[str]) -> frozenset[str]:
    """The prefixes before the number of a block in the names of used tensors."""
    numbered = (re.match(r"(.*?)\.(\d+)\.", name) for name in used)
    return frozenset(match[1] for match in numbered if match)


def missing_blocks(missing: Iterable[str], expected: Iterable[str]) -> list[str]:
    """The blocks of a network of which a checkpoint has nothing, such as ``layer.2``."""
    blocks: dict[str, list[str]] = defaultdict(list)
    for name in expected:
        if match := re.match(r".*?\.\d+\.", name):
            blocks[match[0].rstrip(".")].append(name)
    absent = set(missing)
    return [block for block, names in blocks.items() if absent.issuperset(names)]


def _reason(name: str, paths: frozenset[str]) -> str:
    """Why a tensor changes nothing; empty where it may change everything."""
    if _BUFFERS.search(name):
        return "a buffer that is made anew"
    if _block(name, paths) is not None:
        return ""
    parts = re.split(r"\.\d+(?:\.|$)", name)[0].split(".")
    # Text towers have embeddings, too; what is part of the vision tower's is not excused.
    inside = next((n for n, part in enumerate(parts) if _INPUT.match(part)), len(parts))
    outside = parts[:inside]
    for reason, pattern in _REASONS:
        within = parts if pattern is _MASK else outside
        if any(pattern.match(part) for part in within):
            return reason
    return ""


def _block(name: str, paths: frozenset[str]) -> tuple[str, int] | None:
    """The list and number of the block that a tensor is part of."""
    match = re.match(r"(.*?)\.(\d+)\.", name)
    return (match[1], int(match[2])) if match and match[1] in paths else None


def _registers(name: str, shape: Sequence[int], vision: VisionConfig, model: str) -> ModelError:
    count = shape[-2] if len(shape) > 1 else 0
    tokens = f"{count} register tokens" if count else "register tokens"
    fitting = {
        "dinov2": "model type dinov2_with_registers",
        "dinov3_vit": "model type dinov3_vit",
    }
    config = fitting.get(vision.model_type, "a model with registers")
    return ModelError(
        f"The weights of {model} hold {tokens}, {name}, and its config.json, of model type "
        f"{vision.model_type}, has none for them.",
        f"Use the config.json of {config}"
        + (f", with num_register_tokens = {count}." if count else "."),
    )


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} tensors" if len(names) > 1 else "1 tensor"


def first_of(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - 1
    return f"{names[0]} and {more} more" if more else names[0]
