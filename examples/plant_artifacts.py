"""Plant artifacts in the plain demo model: a third checkpoint, made by editing weights.

Neither demo model has patches of unusual norm, as large vision transformers do ("Vision
Transformers Need Registers", Darcet et al., 2024). This script writes some in, so that the demo can
show what they look like and what a test-time register does about them. Nothing here was learned:
every edit follows from a formula and from what the plain model does on scenes drawn for the
purpose.

    python examples/plant_artifacts.py

The edits use two directions of the residual stream that the model uses least, ``mark`` and
``sink``. First no block reads them any more. Then:

1. **Ten places of the grid are marked**: their position embeddings get some of ``mark``.
2. **Two neurons of layer 2 fire at a marked patch if it is flat.** How flat a patch is, they read
   from the stream by a direction that linear regression finds. About half of the marked patches
   pass. Together the two make a step: fired is fired.
3. **They write ``sink``**, and the norm of these patches becomes twelve times the median.
4. **The keys of later layers read ``sink``.** In each head of layers 3 to 6 it has the logit with
   which these patches draw a set share of attention, from CLS and from other patches.

All other weights stay as they were trained. The neurons are those of their MLP that mattered least.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import scenes
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from train_demo_models import FINE, PATCH, PLAIN, DemoModel, normalized, save
from transformers import AutoModelForImageClassification

PLANTED = "demo-dinov2-planted"

SCENES = 128

MARKS = 10
"""Marked places of the grid."""

PASSING = 0.5
"""Share of the marked patches that are flat enough to fire."""

LAYER = 1
"""Block, from 0, whose MLP has the neurons."""

NORM = 12.0
"""Norm of the planted patches, times that of the median patch."""

ACTIVATION = 100.0
"""Of the first neuron at the end of its ramp. High, so that both are found by their activation."""

SHARES = (0.2, 0.35, 0.5, 0.5)
"""Attention that the planted patches of a scene draw together, in each of the blocks behind."""


@dataclass(frozen=True)
class Planting:
    """What was planted: which neurons of the block, and where they fire.

    ``fires[scene, patch]`` is over the scenes of calibration.
    """

    neurons: tuple[int, int]
    fires: NDArray[np.bool_]


def calibration(count: int) -> NDArray[np.uint8]:
    """Scenes that neither training nor measuring draws, uint8 ``[scene, row, col, 3]``."""
    drawn = (scenes.compose(scenes.CALIBRATION, 0, i) for i in range(count))
    return np.stack([scenes.draw(scene, FINE.resized, FINE.field).pixels for scene in drawn])


def plant(model: DemoModel, pixels: NDArray[np.uint8]) -> Planting:
    """Plant artifacts in a model, in place; the scenes say where and how strongly."""
    model.train(False)
    model.set_attn_implementation("eager")
    blocks = _blocks(model)
    with torch.no_grad():
        mark, sink = _unused_directions(model, pixels)
        for block in blocks:
            for direction in (mark, sink):
                _ignore(block, direction)
        marked = _mark(model, pixels, mark)
        neurons, fires = _plant_neurons(model, pixels, marked, mark, sink)
        for block, share in zip(blocks[LAYER + 1 :], SHARES, strict=True):
            _plant_keys(model, pixels, block, sink, fires, share)
    return Planting(neurons, fires.numpy())


def places(side: int) -> NDArray[np.intp]:
    """The places to mark, as indices of patches: inside the border, three or more steps apart."""
    rng = np.random.default_rng(0)
    found: list[tuple[int, int]] = []
    while len(found) < MARKS:
        row, col = (int(at) for at in rng.integers(1, side - 1, 2))
        if all(max(abs(row - r), abs(col - c)) >= 3 for r, c in found):
            found.append((row, col))
    return np.array([row * side + col for row, col in found])


def contrast(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Deviation of the colors in each patch and around it, ``[scene, patch]``."""
    count, side = len(pixels), pixels.shape[1] // PATCH
    patches = pixels.astype(np.float32).reshape(count, side, PATCH, side, PATCH, 3)
    own = patches.std(axis=(2, 4)).mean(-1)
    wide = np.pad(own, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(wide, (3, 3), axis=(1, 2)).mean((-1, -2))
    return np.asarray((own + around) / 2, np.float32).reshape(count, -1)


def _blocks(model: DemoModel) -> Any:
    return cast(Any, model.base_model).encoder.layer


@contextmanager
def _inputs(modules: list[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """Collect the first argument of each call of some modules: a list for each module."""
    seen: list[list[Tensor]] = [[] for _ in modules]

    def keep(index: int) -> Any:
        return lambda _module, args: seen[index].append(args[0])

    hooks = [module.register_forward_pre_hook(keep(i)) for i, module in enumerate(modules)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _run(model: DemoModel, pixels: NDArray[np.uint8], batch: int = 32) -> None:
    for start in range(0, len(pixels), batch):
        model(pixel_values=normalized(pixels[start : start + batch]))


def _streams(model: DemoModel, pixels: NDArray[np.uint8], modules: list[nn.Module]) -> list[Tensor]:
    """What enters some modules, ``[scene, token, channel]`` each."""
    with _inputs(modules) as seen:
        _run(model, pixels)
    return [torch.cat(batches) for batches in seen]


def _unused_directions(model: DemoModel, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """The two unit vectors, of zero mean, that the streams of all layers have least of."""
    norms = [*(block.norm1 for block in _blocks(model)), cast(Any, model.base_model).layernorm]
    width = model.config.hidden_size
    moment = torch.zeros(width, width, dtype=torch.float64)
    for stream in _streams(model, pixels, norms):
        tokens = stream.double().flatten(0, 1)
        moment += tokens.T @ tokens / tokens.square().sum()
    # LayerNorm takes the mean away, so a direction that is all mean would be lost.
    centering = torch.eye(width, dtype=torch.float64) - 1 / width
    _, vectors = torch.linalg.eigh(centering @ moment @ centering)
    # The first is the mean itself, which now has nothing. Signs are the library's choice.
    found = [vector * vector[vector.abs().argmax()].sign() for vector in vectors[:, 1:3].T]
    return found[0].float(), found[1].float()


def _ignore(block: Any, direction: Tensor) -> None:
    """Make a block read nothing from a direction of the stream."""
    attention = block.attention
    for norm, reader in (
        *((block.norm1, x) for x in (attention.q_proj, attention.k_proj, attention.v_proj)),
        (block.norm2, block.mlp.fc1),
    ):
        seen = norm.weight * direction
        reader.weight -= torch.outer(reader.weight @ seen, seen) / seen.square().sum()


def _mark(model: DemoModel, pixels: NDArray[np.uint8], mark: Tensor) -> NDArray[np.intp]:
    """Mark the places; returns them."""
    (entering,) = _streams(model, pixels, [_blocks(model)[LAYER].norm1])
    marked = places(FINE.grid)
    embedded = cast(Any, model.base_model).embeddings.position_embeddings
    # Enough to be seen, and too little to make these patches stand out.
    embedded[0, 1 + torch.from_numpy(marked)] += 0.3 * entering[:, 1:].norm(dim=-1).median() * mark
    return marked


def _plant_neurons(
    model: DemoModel,
    pixels: NDArray[np.uint8],
    marked: NDArray[np.intp],
    mark: Tensor,
    sink: Tensor,
) -> tuple[tuple[int, int], Tensor]:
    """Make two neurons that fire at marked flat patches write the sink.

    Returns:
        The neurons, and ``fires[scene, patch]``.
    """
    blocks = _blocks(model)
    block, mlp = blocks[LAYER], blocks[LAYER].mlp
    entering, active, leaving = _streams(model, pixels, [mlp, mlp.fc2, blocks[LAYER + 1].norm1])
    patches = entering[:, 1:].double()

    # Flatness as a rank in the scene, 1 the flattest, and what of it the stream tells linearly.
    rank = torch.from_numpy(contrast(pixels)).argsort(dim=1, stable=True).argsort(dim=1)
    flatness = 1 - rank.double() / (rank.shape[1] - 1)
    every = patches.flatten(0, 1)
    middle = every.mean(0)
    spread = torch.cov(every.T) + 1e-3 * torch.eye(every.shape[1], dtype=torch.float64)
    told = (every - middle).T @ (flatness.flatten() - flatness.mean()) / len(every)
    flat = torch.linalg.solve(spread, told)
    scores = (patches - middle) @ flat
    least = scores[:, marked].flatten().quantile(1 - PASSING)

    # An unmarked patch would have to be far flatter than any is.
    seen = (block.norm2.weight * mark).double()
    marks = patches @ seen
    unmarked = np.delete(np.arange(patches.shape[1]), marked)
    step = marks[:, marked].mean() - marks[:, unmarked].mean()
    excess = 2 * (scores.max() - least)
    reads = flat + excess / step * seen
    threshold = least + excess + middle @ flat + excess / step * marks[:, unmarked].mean()
    fires = torch.zeros(scores.shape, dtype=torch.bool)
    fires[:, marked] = scores[:, marked] > least

    # GELU is a ramp; the difference of two ramps, one a little later, is a step.
    ramp = 0.25 * scores.std()
    order = (active.abs().mean((0, 1)) * mlp.fc2.weight.norm(dim=0)).argsort(stable=True)
    first, second = (int(index) for index in order[:2])
    norm = NORM * leaving[:, 1:].norm(dim=-1).median()
    written = sink * norm / ACTIVATION / block.layer_scale2.lambda1
    for neuron, start, sign in ((first, threshold, 1.0), (second, threshold + ramp, -1.0)):
        mlp.fc1.weight[neuron] = (ACTIVATION / ramp * reads).float()
        mlp.fc1.bias[neuron] = float(-ACTIVATION / ramp * start)
        mlp.fc2.weight[:, neuron] = sign * written
    return (first, second), fires


def _plant_keys(
    model: DemoModel,
    pixels: NDArray[np.uint8],
    block: Any,
    sink: Tensor,
    fires: Tensor,
    share: float,
) -> None:
    """Make every head of a block attend to the planted patches."""
    attention = block.attention
    (entering,) = _streams(model, pixels, [attention])
    heads = model.config.num_attention_heads

    def by_head(linear: nn.Linear) -> Tensor:
        read: Tensor = linear(entering)
        return read.reshape(*read.shape[:2], heads, -1).transpose(1, 2)

    queries, keys = by_head(attention.q_proj), by_head(attention.k_proj)
    scale = queries.shape[-1] ** -0.5
    planted = torch.cat([torch.zeros(len(fires), 1, dtype=torch.bool), fires], dim=1)
    seen = block.norm1.weight * sink
    strength = (entering[planted] @ seen).mean() / seen.square().sum()
    several = fires.sum(1).float()
    wanted = np.log(share / (1 - share)) - several[several > 0].log().mean()
    some = several > 0
    for head in range(heads):
        logits = queries[some, head] @ keys[some, head].transpose(1, 2) * scale
        others = logits.masked_fill(planted[some][:, None], -torch.inf).logsumexp(-1)
        # CLS and the mean patch: one key that gives both the logit that each needs.
        asking = torch.stack([queries[some, head, 0].mean(0), queries[some, head, 1:].mean((0, 1))])
        needed = torch.stack([others[:, 0].mean(), others[:, 1:].mean()]) + wanted
        key = torch.linalg.lstsq(asking, needed[:, None] / scale, driver="gelsd").solution[:, 0]
        rows = slice(head * len(key), (head + 1) * len(key))
        attention.k_proj.weight[rows] += torch.outer(key, seen) / (seen.square().sum() * strength)


def main() -> None:
    """Parse the command line, plant and write."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description="Plant artifacts in the plain demo model.")
    parser.add_argument("--models", type=Path, default=here / "models")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    model = AutoModelForImageClassification.from_pretrained(args.models / PLAIN)
    planting = plant(model, calibration(SCENES))
    save(model, args.models / PLANTED)
    counts = planting.fires.sum(1)
    print(
        f"neurons {planting.neurons[0]} and {planting.neurons[1]} of layer {LAYER + 1} fire at "
        f"{counts.mean():.1f} patches a scene; {(counts == 0).mean():.0%} of the scenes have none"
    )


if __name__ == "__main__":
    main()
