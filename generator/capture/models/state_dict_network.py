"""From an original checkpoint to a network of transformers with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig

from generator.capture.checkpoint.originals.namings import ROPE_PERIODS, ROPE_THETA
from generator.capture.checkpoint.originals.network import StoredAt, Understood, understand
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.forward.residual import find_blocks
from generator.capture.models.built import Built
from generator.capture.models.foreign import loading_errors
from generator.capture.models.heads import ClassHead, Reads
from generator.capture.models.leftovers import first_of
from generator.capture.models.state_dicts import HeldTensor, read_state_dict
from generator.capture.models.tensors import StoredTensor, Tensors, fitting
from generator.capture.models.transformers_network import TransformersRunner, maker
from generator.errors import ModelError
from generator.spec.models import StateDictSpec
from generator.text.phrases import some


def understood_file(file: Path, asked: StateDictSpec, model: str) -> Understood:
    """What a file holds, by the names and shapes of its tensors.

    Raises:
        ModelError: it cannot be read, or holds no network that is known.
    """
    tensors = read_state_dict(file, model)
    return understand({name: t.shape for name, t in tensors.items()}, asked, model)


def build_network(
    resolved: ResolvedModel,
    asked: StateDictSpec,
    dtype: torch.dtype,
    attention: str,
    *,
    blank: bool = False,
) -> Built:
    """The network of an original checkpoint, with its weights.

    Args:
        resolved: what to load.
        asked: what the user says of it.
        dtype: of weights and activations.
        attention: implementation asked of transformers.
        blank: leave the numbers out.

    Raises:
        ModelError: the weights cannot be read, are incomplete, or hold what the network has no
            place for.
    """
    assert resolved.weights is not None
    with loading_errors(resolved):
        stored = read_state_dict(resolved.weights.parts[0], resolved.id)
        shapes = {name: tensor.shape for name, tensor in stored.items()}
        found = understand(shapes, asked, resolved.id)
        _expect_constant(found, stored, resolved.id)
        config = AutoConfig.for_model(**found.config)
        make = maker(resolved, config, dtype, attention)
        attempt = fitting(make, _moved(found, stored, blank=blank), resolved.vision, resolved.id)
    network = attempt.network
    head = _class_head(found, stored, network, dtype)
    unused = list(attempt.unused)
    unused += [f"{first_of(names)}: {why}" for why, names in found.constant.items()]
    if found.behind:
        unused.append(f"{found.behind}: a projection behind the vision tower")
    if found.outside:
        unused.append(f"{some(found.outside)}: beside the network, which is under {found.root}")
    return Built(
        network=network,
        blocks=find_blocks(network, resolved.vision.layers, name=resolved.id),
        runner=TransformersRunner(network, resolved.vision),
        head=head,
        headless="" if head else _headless(found),
        renamed=f"the names of {found.original.projects} were read as those of "
        f"{type(network).__name__}",
        unused=tuple(unused),
    )


def _class_head(
    found: Understood, stored: Mapping[str, StoredTensor], network: Any, dtype: torch.dtype
) -> ClassHead | None:
    """The class head, as the projects' code runs it; None without one."""
    if not found.classifiers:
        return None
    linear = []
    for name in found.classifiers:
        weight = stored[f"{found.root}{name}.weight"][...].to(dtype)
        bias = stored.get(f"{found.root}{name}.bias")
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=dtype)
        state = {"weight": weight} if bias is None else {"weight": weight, "bias": bias[...]}
        layer.load_state_dict(state)
        linear.append(layer)
    norm = network.layernorm
    reads: Reads = "CLS and DIST" if len(linear) > 1 else "CLS"
    if found.mean_patch:
        reads, network.layernorm = "mean patch", nn.Identity()
    return ClassHead(reads, tuple(linear), norm, {})


def _headless(found: Understood) -> str:
    """Why there is no class head."""
    first = f"{found.root}head"
    left = next((name for name in sorted(found.left) if name.startswith(first)), "")
    return f"its head is not read ({left} first)" if left else "it has no class head"


def _expect_constant(found: Understood, stored: Mapping[str, StoredTensor], model: str) -> None:
    """Make sure that what the network computes by itself is what the checkpoint says.

    Raises:
        ModelError: DINOv3's rotary periods or masks of biases are others.
    """
    for name in (name for names in found.constant.values() for name in names):
        value = stored[found.root + name][...].float()
        if name == ROPE_PERIODS:
            head = 4 * len(value)
            own = ROPE_THETA ** (torch.arange(0, head, 4, dtype=torch.float32) / head)
            same = torch.allclose(value, own, rtol=0.01)  # some are kept in bfloat16
        elif name.endswith("bias_mask"):
            query, key, rest = value.chunk(3)
            same = bool((query == 1).all() and (key == 0).all() and (rest == 1).all())
        else:
            continue
        if not same:
            raise ModelError(
                f"{found.root}{name} of {model} differs from what all models of "
                f"{found.original.projects} have, which is what would be computed.",
                "Measure the module itself with generator.open_model().",
            )


def _moved(found: Understood, stored: Mapping[str, StoredTensor], *, blank: bool) -> Tensors:
    """The tensors under their new names; those below the prefix that have none keep the rest."""
    moved = {name: _part(stored[place.name], place) for name, place in found.places.items()}
    left = {name.removeprefix(found.root): stored[name] for name in found.left}
    return {name: tensor.again(blank=blank) for name, tensor in (moved | left).items()}


def _part(tensor: StoredTensor, place: StoredAt) -> StoredTensor:
    if place.third is None:
        return tensor
    whole: Tensor = tensor[...]
    return StoredTensor(HeldTensor(whole.chunk(3)[place.third]), blank=False)
