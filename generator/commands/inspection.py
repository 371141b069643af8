"""Output of ``inspect``: facts of a model, and checks of capture."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from generator.bundled import bundled
from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.preprocess import describe
from generator.capture.checkpoint.resolved import ResolvedModel
from generator.images.pixels import open_picture
from generator.pipeline.plan import resolve
from generator.spec.gallery import ModelSpec
from generator.text.phrases import layer_spans, with_runs

if TYPE_CHECKING:
    from generator.capture.models.load import LoadedModel

MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


def show(
    console: Console, spec: ModelSpec, *, trust_remote_code: bool | None, resolution: int | None
) -> ResolvedModel:
    """Print the facts of a model that need no weights.

    Raises:
        ModelError: the model cannot be found, or is not supported.
    """
    resolved = resolve(spec, trust_remote_code=bool(trust_remote_code))
    vision = resolved.vision
    preprocessing = describe(
        resolved.processor,
        vision,
        field_of_view="square",
        resolution=resolution,
        model=resolved.id,
    )
    side = preprocessing.resolution
    layout = vision.layout(side, side)
    prefix = ", ".join((*with_runs(layout.prefix), ""))
    facts = {
        "model": resolved.id,
        "revision": _revision(resolved),
        "weights sha256": resolved.weights_sha256,
        "license": resolved.license or "not stated",
        "read by": f"{resolved.loader.package} {version(resolved.loader.package)}",
        "architecture": vision.model_type + ("" if vision.listed else " (not a listed family)"),
        "layers x heads": f"{vision.layers} x {vision.heads}, {vision.width} wide",
        "patch": f"{vision.patch_height} x {vision.patch_width} px",
        "input": f"{side} x {side} px: {layout.rows} x {layout.cols} patches",
        "tokens": f"{layout.tokens}: {prefix}{layout.patches} patches"
        + ("" if vision.listed else " (a guess: --check looks)"),
        "class head": f"{resolved.classes} classes" if resolved.classes else "none",
        "windows": _windows(vision),
        "positions": vision.position
        or f"learned embeddings of {vision.position_grid[0]} x {vision.position_grid[1]} patches"
        + ("" if vision.listed else " (a guess)"),
        "preprocessing": "\n".join(preprocessing.steps),
        "adapter": resolved.adapter_words,
        "files not read": ", ".join(resolved.weights.ignored) if resolved.weights else "",
        "tensors": _tensors(resolved),
    }
    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        if fact:
            table.add_row(Text(name, style="bold"), Text(fact, overflow="fold"))
    console.print(table)
    return resolved


def _windows(vision: VisionConfig) -> str:
    side = vision.window * vision.merge
    layers = layer_spans(vision.windowed)
    rest = "the others attend to the whole picture"
    return f"{layers} within {side} x {side} patches, {rest}" if vision.windowed else ""


def _tensors(resolved: ResolvedModel) -> str:
    """Lines on the use of the checkpoint's tensors, if they are on this machine.

    Raises:
        ModelError: the tensors do not fit the config.
    """
    if (resolved.base or resolved).weights is None:
        return "not downloaded yet; --check looks at each of them"
    from generator.capture.models.device import torch_dtype

    built = resolved.loader.build(resolved, torch_dtype("float32"), "sdpa", blank=True)
    return "\n".join(_accounted(built.renamed, built.unused))


def _accounted(renamed: str, unused: tuple[str, ...]) -> tuple[str, ...]:
    """A line on names of tensors, and a line for each reason why tensors are unused."""
    left = tuple(f"left unused: {line}" for line in unused) or ("all used",)
    return (renamed, *left) if renamed else left


def _revision(resolved: ResolvedModel) -> str:
    if resolved.revision == resolved.commit:
        return resolved.commit
    return f"{resolved.revision} ({resolved.commit})"


def check(
    console: Console,
    resolved: ResolvedModel,
    image: Path,
    *,
    device: str | None,
    dtype: str | None,
    resolution: int | None,
) -> bool:
    """Run the model on a picture and print each check; returns whether all passed.

    Raises:
        GalleryError: the picture or the weights cannot be used.
    """
    picture = open_picture(image)
    from generator.capture.selfcheck import self_check

    model = _loaded(resolved, device, dtype)
    for line in _accounted(model.facts.renamed, model.facts.unused):
        console.print(Text(f"{MARKS['passed']:8}tensors of the checkpoint: {line}"))
    checks = self_check(model, picture, resolution)
    for each in checks:
        console.print(Text(f"{MARKS[each.outcome]:8}{each.name}: {each.detail}"))
    return all(each.outcome != "failed" for each in checks)


def _loaded(resolved: ResolvedModel, device: str | None, dtype: str | None) -> LoadedModel:
    from generator.capture.models.device import choose_device, torch_dtype
    from generator.capture.models.load import load

    return load(
        resolved,
        device=choose_device(device or "auto"),
        dtype=torch_dtype("float32" if dtype in (None, "auto") else str(dtype)),
    )


def golden(
    console: Console,
    resolved: ResolvedModel,
    *,
    device: str | None,
    dtype: str | None,
    resolution: int | None,
) -> bool:
    """Run a known model on the example pictures and compare its registers with the golden table.

    Prints expected and found values; returns whether all agree.

    Raises:
        GalleryError: the golden table lacks the model, or its weights cannot be used.
    """
    from generator.capture.golden import RESOLUTION, compare, golden_of

    known = golden_of(resolved)
    paths = (p for p in (bundled("examples") / "images").iterdir() if p.suffix in {".jpg", ".png"})
    pictures = [open_picture(path) for path in sorted(paths)]
    model = _loaded(resolved, device, dtype)
    side = resolution or RESOLUTION
    lines = compare(model, known, pictures, side)
    console.print(f"golden table, mean over {len(pictures)} pictures at {side} px:")
    for line in lines:
        mark = MARKS["passed" if line.passed else "failed"]
        text = f"{mark:8}{line.what}: expected {line.expected}, found {line.found}"
        console.print(Text(text))
    return all(line.passed for line in lines)
