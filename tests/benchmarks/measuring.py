"""Cost of measuring: time over a bare forward pass, and memory above it.

Everything is measured in one run, the variants taking turns, so the ratios hold on a busy machine
better than the seconds do.
"""

from __future__ import annotations

import gc
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib import pyplot as plt
from torch import nn

from generator.capture.checkpoint.layouts import read_vision_config
from generator.capture.checkpoint.preprocess import describe, locate
from generator.capture.checkpoint.processors import read_processor
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.extract import Prepared, extract
from generator.capture.forward.residual import find_blocks
from generator.capture.forward.scores import attention_of
from generator.capture.forward.statistics import ReducedAttention
from generator.capture.forward.watcher import Watcher
from generator.capture.loaders.transformers import TransformersLoader
from generator.capture.models.heads import ClassHead
from generator.capture.models.load import LoadedModel
from generator.capture.models.transformers_network import TransformersRunner
from generator.pipeline.plan import AUTOMATIC_GRID
from generator.records.extras import DEFAULT_EXTRAS, Extra, Measuring
from generator.records.record import AttentionRecord, ModelFacts, PatchQueries
from tests.benchmarks import seeded


def dinov2_large(attention: str = "sdpa") -> LoadedModel:
    """A seeded DINOv2-L as the pipeline would load it."""
    return dinov2("L", attention=attention)


def dinov2_base() -> LoadedModel:
    """A seeded DINOv2-B, likewise."""
    return dinov2("B")


def dinov2_base_classifier() -> LoadedModel:
    """A seeded DINOv2-B with a head of 1,000 classes on CLS and the mean patch."""
    model = dinov2("B")
    head = nn.Linear(2 * seeded.SIZES["B"][0], 1000).requires_grad_(False)
    norm = model.network.layernorm
    model.network.requires_grad_(False)
    return replace(model, head=ClassHead("CLS and mean patch", (head,), norm, {}))


def dinov2(size: str, registers: int = 0, attention: str = "sdpa") -> LoadedModel:
    """A seeded DINOv2 of some size."""
    name = f"seeded/dinov2-{size}"
    network = seeded.network(size, registers, attention)
    raw = network.config.to_dict()
    vision = read_vision_config(raw, model=name)
    resolved = ResolvedModel(
        id=name,
        source="folder",
        revision="",
        commit="",
        weights_sha256="0" * 64,
        location="",
        loader=TransformersLoader(),
        license="",
        config=raw,
        vision=vision,
        processor=read_processor(None, vision, model=name),
        trust_remote_code=False,
    )
    facts = ModelFacts(
        id=resolved.id,
        source="folder",
        revision="",
        commit="",
        weights_sha256="0" * 64,
        model_type=raw["model_type"],
        architecture=type(network).__name__,
        layers=vision.layers,
        heads=vision.heads,
        width=vision.width,
        patch_height=14,
        patch_width=14,
        parameters=sum(p.numel() for p in network.parameters()),
        license="",
    )
    blocks = find_blocks(network, vision.layers, name=resolved.id)
    runner = TransformersRunner(network, vision)
    return LoadedModel(facts, network, blocks, runner, resolved, torch.device("cpu"), torch.float32)


def image(side: int) -> np.ndarray:
    """A seeded input, float32 ``[channel, row, column]``."""
    return np.random.default_rng(0).normal(size=(3, side, side)).astype(np.float32)


def bare(model: LoadedModel, side: int, images: int = 1) -> None:
    """The model alone."""
    values = torch.from_numpy(image(side))[None].expand(images, -1, -1, -1)
    model.forward(values.to(model.device), model.resolved.vision.layout(side, side))


def rows_only(model: LoadedModel, side: int) -> None:
    """The model watched, keeping the rows of the prefix tokens."""
    layout = model.resolved.vision.layout(side, side)
    attention = ReducedAttention(partial(attention_of, queries=layout.prefix_slice))
    watcher = Watcher(model.blocks, attention, tokens=layout.tokens, model="seeded")
    with torch.no_grad(), watcher:
        model.forward(torch.from_numpy(image(side))[None], layout)
    assert all(len(images) == 1 for images in attention.layers)


def record(
    model: LoadedModel, side: int, extras: tuple[Extra, ...] = DEFAULT_EXTRAS, images: int = 1
) -> None:
    """Whole records, by default with everything that ``build`` measures by default."""
    for made in records(model, side, extras, images):
        assert all(getattr(made, part) is not None for part in extras)


def records(
    model: LoadedModel, side: int, extras: tuple[Extra, ...], images: int
) -> Iterator[AttentionRecord]:
    """Records of the same noise."""
    resolved = model.resolved
    preprocessing = describe(
        resolved.processor, resolved.vision, field_of_view="square", resolution=side, model="seeded"
    )
    geometry = locate(
        side,
        side,
        processor=resolved.processor,
        vision=resolved.vision,
        preprocessing=preprocessing,
        model="seeded",
    )
    grid = resolved.vision.layout(side, side)
    kept: PatchQueries = "mean" if grid.patches <= AUTOMATIC_GRID else "off"
    item = Prepared(
        key="0" * 64,
        name="noise",
        image_sha256="0" * 64,
        pixels=image(side),
        geometry=geometry,
        preprocessing=preprocessing,
        patch_queries=kept,
        measuring=Measuring(extras),
    )
    for made in extract(model, [item] * images):
        assert isinstance(made, AttentionRecord)
        yield made


def plain_record(model: LoadedModel, side: int) -> None:
    """A record of attention alone."""
    record(model, side, extras=())


def relevance_record(model: LoadedModel, side: int) -> None:
    """A record of attention and class-specific relevance."""
    record(model, side, extras=("relevance",))


def lens_record(model: LoadedModel, side: int) -> None:
    """A record of attention and the logit lens."""
    record(model, side, extras=("lens",))


def tutorial(model: LoadedModel, side: int, folder: Path) -> None:
    """The tutorial's way: eager attention, all matrices, a matplotlib grid of heads a layer."""
    mpl.use("Agg")
    layout = model.resolved.vision.layout(side, side)
    attentions = model.attentions(torch.from_numpy(image(side))[None], layout)
    for number, attention in enumerate(attentions):
        figure, axes = plt.subplots(4, 4, figsize=(8, 8))
        for axis, head in zip(axes.flat, attention[0], strict=True):
            axis.imshow(layout.fold(head[0].numpy()))
            axis.axis("off")
        figure.savefig(folder / f"layer{number}.png")
        plt.close(figure)


def taking_turns(
    variants: dict[str, Callable[[], None]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each variant in each round, after one round that is not counted.

    Args:
        variants: what to run, by name.
        rounds: how often.
        clock: ``time.process_time`` leaves out what other programs take of a busy machine.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, run in variants.items():
            gc.collect()
            start = clock()
            run()
            if number:
                seconds[name].append(clock() - start)
    return seconds


def ratio(seconds: dict[str, list[float]], name: str, base: str) -> float:
    """Median over the rounds of a variant's time over the base's time of the same round."""
    pairs = zip(seconds[name], seconds[base], strict=True)
    return statistics.median(one / other for one, other in pairs)


def fastest_ratio(seconds: dict[str, list[float]], name: str, base: str) -> float:
    """A variant's fastest round over the base's: what other programs take only ever adds."""
    return min(seconds[name]) / min(seconds[base])


def peak_bytes(variant: str, side: int) -> int:
    """Peak resident memory of a fresh process while it runs one variant, weights included."""
    command = [sys.executable, "-m", "tests.benchmarks.measuring", variant, str(side)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.strip().splitlines()[-1])


def _one_variant(variant: str, side: int) -> None:
    model = {"eager": partial(dinov2_large, "eager")}.get(
        variant, dinov2_base_classifier if variant in CLASSIFIER else dinov2_large
    )()
    _forget_peak()
    VARIANTS[variant](model, side)
    status = Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024)


def eager_attention(model: LoadedModel, side: int) -> None:
    """All matrices, by the eager path of transformers."""
    model.attentions(torch.from_numpy(image(side))[None], model.resolved.vision.layout(side, side))


VARIANTS = {
    "bare": bare,
    "rows": rows_only,
    "record": record,
    "plain": plain_record,
    "eager": eager_attention,
    "bare classifier": bare,
    "plain classifier": plain_record,
    "relevance": relevance_record,
    "lens": lens_record,
}
"""What runs in a process of its own to see its peak memory."""

CLASSIFIER = {"bare classifier", "plain classifier", "relevance", "lens"}
"""These run the DINOv2-B with a class head, the others the DINOv2-L."""


def _forget_peak() -> None:
    """Making seeded weights takes more memory than running them: start the peak anew (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    _one_variant(sys.argv[1], int(sys.argv[2]))
