"""What a shell completes: the values of options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from generator.present.files.manifest import Manifest

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

DEVICES = ("auto", "cpu", "cuda", "cuda:0", "mps")


def completing(words: Callable[[click.Context], Iterable[str]]) -> Completer:
    """A completer from a function that gives all words; what it raises completes nothing."""

    def complete(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            found = list(words(ctx))
        except Exception:  # a shell waits, and no message could be shown
            return []
        return [CompletionItem(word) for word in found if word.startswith(begun)]

    return complete


def completing_lists(words: Callable[[click.Context], Iterable[str]]) -> Completer:
    """As :func:`completing`, for an option whose words are separated by commas."""

    def complete(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
        before, comma, last = begun.rpartition(",")
        there = before.split(",")
        found = completing(words)(ctx, param, last)
        return [
            CompletionItem(f"{before}{comma}{item.value}")
            for item in found
            if item.value not in there
        ]

    return complete


def _presets(ctx: click.Context) -> Iterable[str]:
    from generator.export.figures.presets.table import PRESETS

    return PRESETS


def _venues(ctx: click.Context) -> Iterable[str]:
    from generator.export.figures.layout.venues import VENUES

    return VENUES


def _colors(ctx: click.Context) -> Iterable[str]:
    return ("cividis", "inferno", "magma", "viridis")


def _devices(ctx: click.Context) -> Iterable[str]:
    return DEVICES


def _extras(ctx: click.Context) -> Iterable[str]:
    from generator.records.extras import EXTRAS

    return (*EXTRAS, "all", "none")


def _projections(ctx: click.Context) -> Iterable[str]:
    from generator.records.extras import PROJECTIONS

    return PROJECTIONS


def _axes(ctx: click.Context) -> Iterable[str]:
    from generator.export.figures.grid import AXES

    return AXES


def _compared(ctx: click.Context) -> Iterable[str]:
    """Models that were named before."""
    return (*ctx.params["models"], "none")


def _manifest(ctx: click.Context) -> Manifest | None:
    """The manifest of the site that the command is about."""
    from generator.present.files.manifest_file import read_manifest

    # before the value of an option is complete, click has not told arguments apart
    return read_manifest(Path(ctx.params.get("site") or ctx.args[0]))


def _labels(ctx: click.Context) -> Iterable[str]:
    """Labels of the site's models."""
    manifest = _manifest(ctx)
    return [model.label for model in manifest.models] if manifest else []


def _pictures(ctx: click.Context) -> Iterable[str]:
    """File names of the site's pictures."""
    manifest = _manifest(ctx)
    return [image.name for image in manifest.images] if manifest else []


def _queries(ctx: click.Context) -> Iterable[str]:
    """Queries of the site's models; patches are named by their place."""
    manifest = _manifest(ctx)
    cells = manifest.cells if manifest else ()
    chunks = (file for cell in cells for file in cell.files if file.kind == "chunk")
    return (*dict.fromkeys(file.query for file in chunks), "all")


def _models(ctx: click.Context) -> Iterable[str]:
    """Folders of checkpoints below the current folder, and models in the hub library's cache."""
    here = sorted({*Path().glob("*/config.json"), *Path().glob("*/*/config.json")})
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    known = sorted(cache.glob("models--*")) if cache.is_dir() else []
    names = [path.name.removeprefix("models--").replace("--", "/", 1) for path in known]
    return [*(path.parent.as_posix() for path in here), *names]


PRESETS = completing(_presets)
VENUES = completing(_venues)
COLORS = completing(_colors)
DEVICE = completing_lists(_devices)
EXTRAS = completing_lists(_extras)
PROJECTIONS = completing_lists(_projections)
AXES = completing_lists(_axes)
QUERIES = completing_lists(_queries)
COMPARED = completing_lists(_compared)
LABELS = completing(_labels)
PICTURES = completing(_pictures)
MODELS = completing(_models)
