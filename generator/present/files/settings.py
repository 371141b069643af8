"""Settings of a build, and the version of its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RENDER_VERSION = 12
"""Cache version. Raise it when chunks, walls or pictures of unchanged records change."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of drawing.

    Attributes:
        colors: name of the color map.
        walls: render a wall of every model and image for readers without JavaScript.
        picture_side: longest side of a published picture, in pixels.
        thumb_side: longest side of a thumbnail, in pixels.
        analyses: draw the analyses of each image on its page: ``all``, ``none``, or ``auto`` for
            galleries of at most 200 images.
        max_bytes: size limit of the site; null for no limit. ``reductions`` lists the parts that
            were left out.
    """

    colors: str = "magma"
    walls: bool = True
    picture_side: int = 1280
    thumb_side: int = 480
    analyses: Literal["auto", "all", "none"] = "auto"
    max_bytes: int | None = None
