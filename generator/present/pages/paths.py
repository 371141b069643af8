"""Paths of pages, relative to the site root."""

from __future__ import annotations

from generator.present.content.pairs import pair_name

INDEX = "index.html"


METHODS = "methods/index.html"


def image_path(image: str) -> str:
    """Site-relative path of an image's page."""
    return f"i/{image}/{INDEX}"


def model_path(model: str) -> str:
    """Site-relative path of a model's page."""
    return f"m/{model}/{INDEX}"


def sequence_path(sequence: str) -> str:
    """Site-relative path of a sequence's page."""
    return f"q/{sequence}/{INDEX}"


def pair_path(one: str, two: str) -> str:
    """Site-relative path of the page of a pair."""
    return f"r/{pair_name(one, two)}/{INDEX}"


def sweep_path(sweep: str) -> str:
    """Site-relative path of a sweep's page."""
    return f"s/{sweep}/{INDEX}"
