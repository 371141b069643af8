"""What has been put into the staging folder by the time the pages are planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from generator.records.run import Failure

PageKind = Literal["index", "image", "sequence", "model", "methods", "sweep", "pair"]
PAGE_KINDS: tuple[PageKind, ...] = get_args(PageKind)


@dataclass(frozen=True, slots=True)
class Assets:
    """Site-relative paths of the style sheets, scripts and the color bar.

    Attributes:
        stylesheets: of each kind of page, for the screen, in order.
        print_stylesheet: for paper.
        boot: tells the styles that scripts run.
        scripts: of the kinds of pages that have some, in order.
        later: of image pages, scripts that are loaded when they are wanted, by what they do.
        bar: the picture of the color bar.
        diverging_bar: the picture of the bar of signed values.
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
    """Colored pictures of a cell; the wall only where settings ask for it."""

    map: FileEntry
    wall: FileEntry | None


@dataclass(frozen=True, slots=True)
class Copies:
    """Published copies of a picture."""

    picture: FileEntry
    thumb: FileEntry


@dataclass(frozen=True, slots=True)
class Divergence:
    """How far the maps of an image's models lie apart.

    Attributes:
        mean: over all pairs of models, in bits; None where they cover nothing together.
        file: with every pair.
    """

    mean: float | None
    file: FileEntry


@dataclass(frozen=True, slots=True)
class Contents:
    """All heavy files, by the slugs of the run; a failure stands where a file could not be made.

    Attributes:
        settings: how records are drawn.
        scale: the shared scale.
        patch_scale: the shared scale of patches as queries; None where there are none.
        assets: style sheets and scripts.
        cells: (model, image) -> what its chunks hold.
        colored: (model, image) -> its colored pictures.
        copies: image -> its published copies.
        averages: model -> averages by place, or why there are none.
        similarity: model -> which of its heads and layers are alike.
        weights: model -> pictures of its weights, or why there are none.
        divergence: image -> how far its models' maps lie apart, where there are two.
        digests: numbers of each cell's analyses, read when they are asked for.
        models: model -> the same over its images, for models that have any.
        pairs: models compared two by two.
        front: what the front page shows besides.
        analyses: image -> pictures of its models' analyses; empty where none are drawn.
        maps: what they were drawn from, read when it is asked for.
        features: (model, image) -> features as colors, or why there are none.
        scored: agreement with marked objects, where somebody has marked some.
        reduction: what is left out to keep the site small.
        figures: for papers, drawn with the site.
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
