"""Attention Gallery: attention of vision transformers, measured and compared side by side.

For notebooks and scripts::

    import generator

    record = generator.measure("facebook/dinov2-small", "cat.jpg")
    record.rows("CLS").shape                 # (layer, head, key), times uniform
    record                                   # shows its wall of maps in a notebook

    with generator.open_model("facebook/dinov2-small") as model:  # or a module in memory
        records = list(model.measure_all(["cat.jpg", "dog.jpg"]))

    generator.build("gallery.toml", "site")  # the same as the command line
    for record in generator.load_records("site"):
        print(record.model.id, record.image, record.entropy.mean())
    generator.statistics("site")             # a pandas DataFrame
    generator.compare(records, "cat.jpg")    # the interactive comparison, in a notebook

The names of axes and units are those of :mod:`generator.records.record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.version import __version__

__all__ = [
    "AttentionRecord",
    "BuildResult",
    "Comparison",
    "GalleryError",
    "GallerySpec",
    "NotMeasured",
    "OpenModel",
    "TrainingGallery",
    "__version__",
    "build",
    "compare",
    "lightning_callback",
    "load_records",
    "measure",
    "open_model",
    "statistics",
    "trainer_callback",
]

if TYPE_CHECKING:
    from generator.api import (
        AttentionRecord,
        BuildResult,
        Comparison,
        GalleryError,
        GallerySpec,
        NotMeasured,
        OpenModel,
        build,
        compare,
        load_records,
        measure,
        open_model,
        statistics,
    )
    from generator.training import TrainingGallery, lightning_callback, trainer_callback

_OF_TRAININGS = ("TrainingGallery", "lightning_callback", "trainer_callback")


def __getattr__(name: str) -> object:
    """The API is imported on first use: ``import generator`` alone stays light."""
    if name in _OF_TRAININGS:
        from generator import training  # noqa: PLC0415

        return getattr(training, name)
    if name in __all__:
        from generator import api  # noqa: PLC0415

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The API, for completion: not what this module is made of."""
    return sorted({*(name for name in globals() if name[:2] == "__"), *__all__})
