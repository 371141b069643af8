"""Result of building a site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.present.drawing.scale import Scale
from generator.present.files.reductions import Reduction
from generator.records.run import Failure

if TYPE_CHECKING:
    from generator.present.site.plan import Site


@dataclass(frozen=True, slots=True)
class SiteResult:
    """Result of a build.

    Attributes:
        rendered: number of files that were made.
        reused: number of files reused from the previous site.
        bytes: size of the whole site.
        scale: the shared color scale.
        limit: largest size of the site, in bytes; None for any.
        reduction: what was left out to keep the size limit.
        failures: failures of the run, and of records or pictures that could not be read.
        site: every page; None for a site that was left as it was.
    """

    out: Path
    pages: int
    rendered: int
    reused: int
    bytes: int
    scale: Scale
    limit: int | None
    reduction: Reduction
    failures: tuple[Failure, ...]
    site: Site | None
