"""Principal components of one image, which its feature colors are drawn from.

They are fitted while the record is in memory for its maps, which start from the same fit, and kept
beside the records until the colors of all models are aligned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.maps import first_of
from generator.analysis.features.colors import SharedComponents, shared_components
from generator.analysis.features.objects import NO_FEATURES
from generator.analysis.features.pca import FirstComponents
from generator.present.files.kept import KeptNumbers
from generator.records.record import AttentionRecord, ReadRecord, View

FITTED_VERSION = 2
"""Version of the kept numbers. Raise it when those of an unchanged record change."""


@dataclass(frozen=True, slots=True)
class FittedImage:
    """Components of one model on one image.

    Attributes:
        components: fitted to this image alone.
        view: part of the picture that the patches cover.
    """

    components: SharedComponents | NotApplicable
    view: View


FITTED = KeptNumbers("components", FittedImage, FITTED_VERSION)


def keep_fitted(
    kept: Path | None, record: str, read: ReadRecord, first: FirstComponents | None = None
) -> FittedImage:
    """The components of a record, kept beside the records.

    Args:
        kept: folder of all kept numbers; None to keep nothing.
        record: key of the record.
        read: gives the record; called only if its components are not kept.
        first: its first component; None to fit it here.

    Raises:
        GalleryError: whatever ``read`` raises for a record that is missing or damaged.
    """
    return FITTED.of(kept, {"record": record}, lambda: _fitted(read(record), first))


def _fitted(record: AttentionRecord, first: FirstComponents | None) -> FittedImage:
    if record.features is None:
        return FittedImage(NO_FEATURES, record.view)
    first = first or first_of(record)
    if first is None or first.without is None:
        return FittedImage(NotApplicable("fewer than two patches are left"), record.view)
    found = shared_components(
        [first.features], [record.layout], left_out=[first.outliers], first=first.without
    )
    return FittedImage(found, record.view)
