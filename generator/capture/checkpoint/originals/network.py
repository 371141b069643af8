"""The network in an original checkpoint, found by names and shapes, without torch.

Many projects publish a state dict alone. Its names tell the family, its shapes most sizes; each
network here is one that transformers has as well, so that only names change. What neither tells,
such as the number of heads, comes from the project's own code where that leaves no choice, and from
the user where it does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.capture.checkpoint.originals.namings import (
    ORIGINALS,
    QUERY_KEY_VALUE,
    ROPE_PERIODS,
    Original,
    Shapes,
)
from generator.errors import ModelError
from generator.spec.models import StateDictSpec
from generator.text.phrases import listed

DEFAULT_SIZE = 224
"""Side of the input in pixels where no position embedding tells it, and the user does not."""


@dataclass(frozen=True, slots=True)
class StoredAt:
    """Where a tensor comes from.

    Attributes:
        name: of the stored tensor.
        third: 0 to 2 for query, key or value in it; None for all of it.
    """

    name: str
    third: int | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """An original checkpoint as one of transformers.

    Attributes:
        original: whose naming it has.
        root: prefix of the network's names; empty without one.
        config: a ``config.json``.
        places: new name -> where the tensor is.
        left: names below the prefix that have no new one.
        constant: names of what decides nothing, by the reason.
        behind: name of a projection behind the blocks; empty without one.
        outside: names beside the prefix.
        classifiers: names of the linear layers of a class head, without ``.weight``; empty without
            one.
        classes: number of classes; 0 without a class head.
        mean_patch: whether the class head reads the mean of the patches, behind its LayerNorm.
    """

    original: Original
    root: str
    config: dict[str, Any]
    places: dict[str, StoredAt]
    left: tuple[str, ...]
    constant: dict[str, tuple[str, ...]]
    behind: str
    outside: tuple[str, ...]
    classifiers: tuple[str, ...] = ()
    classes: int = 0
    mean_patch: bool = False


def understand(shapes: Shapes, asked: StateDictSpec, model: str) -> Understood:
    """Find the network in a state dict.

    Args:
        shapes: of all tensors, by name.
        asked: what the user says of it.
        model: named in errors.

    Raises:
        ModelError: there is none, there are several, or something is left open.
    """
    original, root = _network(shapes, asked, model)
    inside = {name.removeprefix(root): s for name, s in shapes.items() if name.startswith(root)}
    constant = _constant(original, inside)
    aside = {name for names in constant.values() for name in names}
    places, left = _renamed(original, {n: s for n, s in inside.items() if n not in aside}, root)
    width = _width(original, inside)
    config = {
        "hidden_size": width,
        "num_hidden_layers": _layers(places),
        "num_attention_heads": _heads(original, inside, root, width, asked, model),
        "patch_size": _patch(original, inside, model),
        **original.config(inside, asked, model),
    }
    config["image_size"] = _image_size(original, inside, config, asked, model)
    outside = tuple(sorted(name for name in shapes if not name.startswith(root)))
    behind = root + original.behind if original.behind in inside else ""
    classifiers = _classifiers(original, inside, width)
    read = tuple(f"{root}{name}." for name in classifiers)
    return Understood(
        original,
        root,
        config,
        places,
        tuple(name for name in left if not name.startswith(read)) if read else left,
        constant,
        behind,
        outside,
        classifiers,
        int(inside[f"{classifiers[0]}.weight"][0]) if classifiers else 0,
        any(place.name == f"{root}fc_norm.weight" for place in places.values()),
    )


def _network(shapes: Shapes, asked: StateDictSpec, model: str) -> tuple[Original, str]:
    """The naming, and the prefix of the names."""
    found: dict[str, Original] = {}
    for original in ORIGINALS:
        first = original.signs[0]
        for name in shapes:
            root = name.removesuffix(first)
            whole = name.endswith(first) and root[-1:] in ("", ".")
            if whole and root not in found and _is(original, root, shapes):
                found[root] = original
    if not found:
        first = next(iter(sorted(shapes)), "")
        raise ModelError(
            f"{model} holds {len(shapes)} tensors" + (f", {first} first" if first else "") + ", "
            "which are not named like a vision transformer of any of these projects: "
            f"{', '.join(original.projects for original in ORIGINALS)}.",
            "Save the model with save_pretrained() of transformers or save_for_hf() of timm.",
        )
    if asked.part:
        chosen = {root: o for root, o in found.items() if asked.part in root.split(".")}
        if not chosen:
            raise ModelError(
                f"{model} has no network under {asked.part}, only under {_roots(found)}.",
                "Correct part.",
            )
        found = chosen
    if len(found) > 1:
        words = [_telling(root, found) for root in found]
        raise ModelError(
            f"{model} holds {len(found)} networks, under {_roots(found)}.",
            f'Say which: part = "{words[0]}" in its table state_dict, or ?part={words[0]} behind '
            "the file.",
        )
    return next((original, root) for root, original in found.items())


def _is(original: Original, root: str, shapes: Shapes) -> bool:
    mark = re.compile(re.escape(root) + original.mark)
    signs = all(root + sign in shapes for sign in original.signs)
    return signs and (not original.mark or any(mark.fullmatch(name) for name in shapes))


def _roots(found: Mapping[str, Original]) -> str:
    return listed(root.removesuffix(".") or "no prefix" for root in sorted(found))


def _telling(root: str, found: Mapping[str, Original]) -> str:
    """The first word of a prefix that the others lack."""
    others = {word for other in found if other != root for word in other.split(".")}
    return next((word for word in root.split(".") if word and word not in others), root)


def _constant(original: Original, inside: Shapes) -> dict[str, tuple[str, ...]]:
    """Names, without the prefix, of what decides nothing, by the reason."""
    found = {
        why: tuple(name for name in inside if re.fullmatch(pattern, name))
        for pattern, why in original.constant
    }
    return {why: names for why, names in found.items() if names}


def _renamed(
    original: Original, inside: Shapes, root: str
) -> tuple[dict[str, StoredAt], tuple[str, ...]]:
    """Places by new name, and names that have none."""
    places: dict[str, StoredAt] = {}
    left = []
    for name in inside:
        made = _new_name(original, name)
        if not made and name != original.behind:
            left.append(root + name)
        elif QUERY_KEY_VALUE in made:
            for third, word in enumerate(original.thirds):
                new = made.replace(QUERY_KEY_VALUE, word)
                if not original.masked or not new.endswith(original.masked):
                    places[new] = StoredAt(root + name, third)
        elif made in places:
            left.append(root + name)
        elif made:
            places[made] = StoredAt(root + name)
    return places, tuple(left)


def _new_name(original: Original, name: str) -> str:
    """What transformers calls it; empty for none."""
    for pattern, new in original.names:
        if match := re.fullmatch(pattern, name):
            return match.expand(new)
    return ""


def _classifiers(original: Original, inside: Shapes, width: int) -> tuple[str, ...]:
    """The linear layers of a class head, if all are there and nothing comes before them."""
    first = original.classifier
    names = (first, f"{first}_dist") if "dist_token" in inside else (first,)
    shapes = [tuple(inside.get(f"{name}.weight", ())) for name in names]
    whole = all(len(shape) == 2 and shape[1] == width for shape in shapes)
    layered = any(name.startswith("pre_logits.") for name in inside)
    return names if first and whole and not layered else ()


def _width(original: Original, inside: Shapes) -> int:
    return int(inside[original.signs[0]][0])


def _layers(places: Mapping[str, StoredAt]) -> int:
    blocks = (re.search(r"layers?\.(\d+)\.", name) for name in places)
    return max((int(match[1]) + 1 for match in blocks if match), default=0)


def _patch(original: Original, inside: Shapes, model: str) -> int:
    shape = inside[original.signs[0]]
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        raise ModelError(
            f"{model} has patches of shape {list(shape)} in {original.signs[0]}; square filters of "
            "three colors were expected.",
            "Use a model of color images.",
        )
    return int(shape[2])


def _heads(
    original: Original, inside: Shapes, root: str, width: int, asked: StateDictSpec, model: str
) -> int:
    known = original.heads.get(width)
    if periods := inside.get(ROPE_PERIODS):
        return width // (4 * int(periods[0]))
    if width in original.asked and (sure := _by_project(inside, root)):
        known = sure.get(width, known)
    heads = asked.heads or known
    if heads is None:
        why = original.asked.get(width, "which none of their published models has")
        raise ModelError(
            f"The names of {model} are those of {original.projects}, and it is {width} wide, "
            f"{why}: its number of heads cannot be told from the weights.",
            "Say it: heads = 6, for example, in its table state_dict, or ?heads=6 behind the file.",
        )
    if width % heads:
        raise ModelError(
            f"{model} is {width} wide, which {heads} heads do not divide.", "Correct heads."
        )
    return heads


def _by_project(inside: Shapes, root: str) -> Mapping[int, int]:
    """Heads by width where a trace of one project's training is in the file."""
    if {"base_encoder", "momentum_encoder"} & set(root.split(".")):
        return {384: 12}  # MoCo v3
    if "dist_token" in inside:
        return {384: 6}  # DeiT
    return {}


def _image_size(
    original: Original,
    inside: Shapes,
    config: Mapping[str, Any],
    asked: StateDictSpec,
    model: str,
) -> int:
    """Side of the input, in pixels: what the position embeddings are for, or the usual."""
    if not original.position:
        return asked.image_size or DEFAULT_SIZE
    tokens = math.prod(inside[original.position][:-1])
    patches = tokens - 1 - ("dist_token" in inside)
    side = math.isqrt(patches)
    pixels = side * int(config["patch_size"])
    if side * side != patches:
        raise ModelError(
            f"{model} has position embeddings of {patches} patches, which make no square.",
            "Save it with save_pretrained() of transformers, whose config says its size.",
        )
    if asked.image_size not in (None, pixels):
        raise ModelError(
            f"{model} has position embeddings for {pixels} x {pixels} px, not for "
            f"{asked.image_size}.",
            "Leave image_size out; --resolution measures at another size.",
        )
    return pixels
