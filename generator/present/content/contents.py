"""Contents of a site: every file but the pages, as the page planners get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.model_digest import ModelDigest
from generator.present.cells.analysis_maps import AnalysisMaps, MapFiles
from generator.present.cells.digests import Digests
from generator.present.cells.files import CellContent
from generator.present.cells.truth import Scored
from generator.present.content.averages import Averages
from generator.present.content.feature_colors import ColoredFeatures
from generator.present.content.front import Front
from generator.present.content.pairs import ComparedPair
from generator.present.content.similarity import Similarities
from generator.present.content.weights import Weights
from generator.present.drawing.scale import Scale
from generator.present.files.manifest import FigureItem, FileEntry
from generator.present.files.reductions import Reduction
from generator.present.files.settings import Settings
from generator.records.record import View
from generator.records.run import Failure

PageKind = Literal["index", "image", "sequence", "model", "methods", "sweep", "pair"]
PAGE_KINDS: tuple[PageKind, ...] = get_args(PageKind)


@dataclass(frozen=True, slots=True)
class Assets:
    """Site-relative paths of the style sheets, scripts and the color bar.

    Attributes:
        stylesheets: kind of page -> screen style sheets, in order.
        print_stylesheet: style sheet for print.
        boot: script that marks the document as scripted for the styles.
        scripts: kind of page -> scripts, in order.
        later: feature -> scripts of image pages that are loaded on demand.
        bar: picture of the color bar.
        diverging_bar: picture of the color bar of signed values.
    """

    stylesheets: Mapping[PageKind, tuple[str, ...]]
    print_stylesheet: str
    boot: str
    scripts: Mapping[PageKind, tuple[str, ...]]
    later: Mapping[str, tuple[str, ...]]
    bar: str
    diverging_bar: str


@dataclass(frozen=True, slots=True)
class Colored:
    """Colored pictures of a cell. The wall exists only where the settings ask for it."""

    map: FileEntry
    wall: FileEntry | None


@dataclass(frozen=True, slots=True)
class Copies:
    """Published copies of a picture.

    Attributes:
        picture: the whole picture.
        thumb: the whole picture, small.
        crop: the part that the first of its models saw, small; None without a measured model.
        view: where that part is.
    """

    picture: FileEntry
    thumb: FileEntry
    crop: FileEntry | None
    view: View | None


@dataclass(frozen=True, slots=True)
class Divergence:
    """Disagreement of an image's models.

    Attributes:
        mean: mean divergence over all pairs of models, in bits; None where maps don't overlap.
    """

    mean: float | None
    file: FileEntry


@dataclass(frozen=True, slots=True)
class Contents:
    """All files but the pages, by slug. A failure takes the place of a missing file.

    Attributes:
        settings: how records are drawn.
        scale: the shared scale.
        patch_scale: the shared scale of patches as queries; None where there are none.
        assets: style sheets and scripts.
        cells: (model, image) -> content of the cell.
        colored: (model, image) -> colored pictures.
        copies: image -> published copies.
        averages: model -> averages by place, or why there are none.
        similarity: model -> similarity of its heads and layers.
        weights: model -> pictures of its weights, or why there are none.
        divergence: image -> disagreement of its models, where there are at least two.
        digests: numbers of each cell's analyses, read on demand.
        models: model -> numbers of its analyses over images, for models that have any.
        pairs: models compared two by two.
        front: pictures of the front page.
        analyses: image -> pictures of its models' analyses; empty where none are drawn.
        maps: values of the maps of the analyses, read on demand.
        features: (model, image) -> features as colors, or why there are none.
        scored: scores against marked objects, for marked images.
        reduction: what is left out to keep the site small.
        figures: figures for papers, drawn with the site.
    """

    settings: Settings
    scale: Scale
    patch_scale: Scale | None
    assets: Assets
    cells: Mapping[tuple[str, str], CellContent | Failure]
    colored: Mapping[tuple[str, str], Colored]
    copies: Mapping[str, Copies | Failure]
    averages: Averages
    similarity: Similarities
    weights: Weights
    divergence: Mapping[str, Divergence]
    digests: Digests
    models: Mapping[str, ModelDigest]
    pairs: tuple[ComparedPair, ...]
    front: Front
    analyses: Mapping[str, AnalysisMaps]
    maps: MapFiles
    features: Mapping[tuple[str, str], ColoredFeatures | NotApplicable]
    scored: Scored
    reduction: Reduction
    figures: tuple[FigureItem, ...] = ()

    def moved(self, root: Path) -> Contents:
        """The same contents in another folder, where the site is now."""
        return replace(
            self, digests=replace(self.digests, root=root), maps=replace(self.maps, root=root)
        )
