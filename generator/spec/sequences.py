"""Specification of sequences: the tables ``[[sequences]]`` of a gallery's file.

Every key but ``path`` is optional, and a path alone may stand for a table::

    [[sequences]]
    path = "clip.mp4"      # or a folder of numbered pictures
    every = 0.5            # seconds between frames; of a folder, every n-th picture
    start = 0              # seconds; of a folder, the number in the first picture's name
    end = 10
    max_frames = 64
    label = "a dog runs"
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from generator.spec.models import AnyPath

MOST_FRAMES = 64
"""Default for ``max_frames``."""

_Number = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class SequenceSpec(BaseModel):
    """A sequence. Frozen; the module shows the TOML form.

    Attributes:
        path: a video, an animated GIF or WebP, or a folder of numbered pictures.
        every: seconds between frames, or every n-th picture of a folder; None for up to
            ``max_frames`` evenly spaced frames.
        start: start in seconds; for a folder, a number in the pictures' names.
        end: end in seconds, or number for a folder; None for the last frame.
        max_frames: most frames to select.
        label: name on pages; the name of the file or folder when empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: AnyPath = Field(description="a video, or a folder of numbered pictures")
    every: Annotated[_Number, Field(gt=0)] | None = Field(
        None, description="a number of seconds above 0; of a folder, a whole number of pictures"
    )
    start: _Number = Field(0.0, description="a number from 0")
    end: _Number | None = Field(None, description="a number from 0")
    max_frames: Annotated[int, Field(strict=True, ge=1)] = Field(
        MOST_FRAMES, description="a whole number from 1"
    )
    label: Annotated[str, Field(strict=True)] = Field("", description="a text")

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str | Path) else given
