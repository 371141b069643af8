"""License check of pictures and models before publishing.

The problems are warnings: a user must read the licenses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.export.problems import Problem
from generator.present.files.manifest import ImageItem, Manifest, ModelItem
from generator.text.phrases import counted, some

CREDITS_HINT = "Say it in credits.toml beside the pictures, and build again."
TERMS_HINT = "Read the terms of use: they may say what can be shown."

NON_COMMERCIAL = re.compile(r"\bnc\b|non-?commercial", re.IGNORECASE)
NO_DERIVATIVES = re.compile(r"\bnd\b|no-?deriv", re.IGNORECASE)
RESERVED = re.compile(r"all rights reserved|no redistribution|\u00a9|\(c\)", re.IGNORECASE)

FREE = re.compile(
    r"(?:apache|mit|bsd|cc0|cc-by(?:-sa)?-\d|isc|unlicense|[al]?gpl|mpl|openrail|wtfpl|ms-pl)",
    re.IGNORECASE,
)
"""Prefixes of the hub's names for licenses without special terms of use."""

CREATIVE_COMMONS = re.compile(r"cc[- ](by(?:-(?:nc|nd|sa))*)[- ](\d\.\d)", re.IGNORECASE)
CC0 = re.compile(r"cc0(?:[- ]1\.0)?", re.IGNORECASE)


def picture_problems(manifest: Manifest) -> Iterator[Problem]:
    """Warnings on pictures without author or license, and on restrictive licenses."""
    shown = [image for image in manifest.images if image.failure is None]
    yield from _pictures(
        [image for image in shown if not image.license], "without a license", CREDITS_HINT
    )
    yield from _pictures(
        [image for image in shown if not image.credit], "without a credit", CREDITS_HINT
    )
    stated = [image for image in shown if image.license]
    yield from _pictures(
        [image for image in stated if RESERVED.search(image.license)],
        "whose maker reserves all rights",
        "Ask for permission, or leave them out.",
    )
    yield from _pictures(
        [image for image in stated if NO_DERIVATIVES.search(image.license)],
        "whose license forbids changed copies, which maps drawn over them are",
        "Ask for permission, or leave them out.",
    )
    yield from _pictures(
        [image for image in stated if NON_COMMERCIAL.search(image.license)],
        "whose license forbids commercial use",
        "Make sure that this site is none.",
    )


def _pictures(images: list[ImageItem], what: str, hint: str) -> Iterator[Problem]:
    if images:
        names = some(
            f"{image.name} ({image.license})" if image.license else image.name for image in images
        )
        yield Problem("warning", f"{counted(len(images), 'picture')} {what}: {names}.", hint)


def model_problems(manifest: Manifest) -> Iterator[Problem]:
    """Warnings on models with an unknown or restrictive license, and on gated models."""
    measured = [model for model in manifest.models if model.facts is not None]
    gated = [model for model in measured if model.gated]
    rest = [model for model in measured if not model.gated]
    yield from _models(gated, "behind a gate")
    yield from _models([m for m in rest if not _license(m)], "whose card states no license")
    yield from _models(
        [m for m in rest if _license(m) and not FREE.match(_license(m))],
        "under a license with terms of its own",
    )


def _models(models: list[ModelItem], what: str) -> Iterator[Problem]:
    if models:
        names = some(map(_named, models))
        yield Problem("warning", f"{counted(len(models), 'model')} {what}: {names}.", TERMS_HINT)


def _named(model: ModelItem) -> str:
    license = _license(model)
    return f"{model.id} ({license})" if license else model.id


def _license(model: ModelItem) -> str:
    return model.facts.license if model.facts else ""


def shared_license(manifest: Manifest) -> str:
    """The hub's name for the license of all pictures; empty if they differ or it has no name."""
    stated = {image.license.strip() for image in manifest.images if image.failure is None}
    if len(stated) != 1:
        return ""
    (license,) = stated
    if CC0.fullmatch(license):
        return "cc0-1.0"
    found = CREATIVE_COMMONS.fullmatch(license)
    return f"cc-{found[1]}-{found[2]}".lower() if found else ""
