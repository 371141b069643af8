"""Views that several templates share: formatted strings, and URLs relative to the page.

Templates read only views; they read no files and compute nothing. The fields of
:class:`PageData` are also the contract with the scripts (``templates/static/js/types.d.ts``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A link with its text."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file with its size in pixels, so that the layout is stable while it loads."""

    url: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Why something is missing, and what to do."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class SmallMap:
    """One model's last-layer map beside a thumbnail, or why it is missing."""

    label: str
    picture: Picture | None
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of a table of facts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class BarTick:
    """A tick of a color bar; its position is in percent of the width."""

    x: str
    label: str


@dataclass(frozen=True, slots=True)
class ColorBar:
    """A numbered color bar.

    Attributes:
        picture: the colors, low to high.
        extends: whether values beyond the ends exist and take the end's color.
        signed: whether zero is in the middle, with colors to both sides.
    """

    picture: Picture
    ticks: tuple[BarTick, ...]
    caption: str
    extends: bool
    signed: bool = False


@dataclass(frozen=True, slots=True)
class LaterScripts:
    """Scripts that are loaded together, on demand.

    Attributes:
        name: name of the feature, by which other scripts load it.
    """

    name: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageBase:
    """The parts that every page has around its content.

    Attributes:
        title: title in the browser tab.
        description: one sentence for search engines and link previews.
        gallery: link to the index.
        manifest: URL of the manifest.
        methods: URL of the methods page.
        sections: links of the navigation line: the sections of the index, and the methods page.
        stylesheets: URLs of screen style sheets, in order.
        print_stylesheet: URL of the print style sheet.
        boot: URL of the script that marks the document as scripted for the styles.
        scripts: URLs of the page's other scripts, in order.
        later: scripts that are loaded on demand.
        version: version of the program.
        canonical: absolute URL of the page; empty without a site URL.
    """

    title: str
    description: str
    gallery: Link
    manifest: str
    methods: str
    sections: tuple[Link, ...]
    stylesheets: tuple[str, ...]
    print_stylesheet: str
    boot: str
    scripts: tuple[str, ...]
    later: tuple[LaterScripts, ...]
    version: str
    canonical: str = ""


@dataclass(frozen=True, slots=True)
class CreditLine:
    """Who made a picture, under which license, and where it comes from."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class PageLink:
    """One of the pages of a long list.

    Attributes:
        current: whether the link points to the current page.
    """

    url: str
    text: str
    current: bool


@dataclass(frozen=True, slots=True)
class QueryChoice:
    """A query token that can be chosen on a page."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class PageModel:
    """A model on an image page, for its scripts.

    Attributes:
        record: key of the record; with a query's id, the key of a chunk.
        heads: number of heads.
        rows: labels of the wall's rows.
        grid: rows and columns of the maps.
        view: left, top, right, bottom of the part that the grid covers, in original pixels.
        prefix: names of the prefix tokens.
        token: the model's token for the query ``CLS``, or ``received``.
        chunks: id of a query -> URL of its chunk.
        failure: why the model has no maps of this image; empty if it has.
        source: id, commit, grid and preprocessing, for captions.
        measured: rows and columns of the patches; ``grid`` has fewer where maps are area means.
        cut: why single heads are missing; empty if all are there.
        alike: URL of its patch features; empty for none.
        window: side of the windows within which some layers attend, in patches; 0 without.
        windowed: labels of these layers.
    """

    slug: str
    label: str
    record: str
    layers: int
    heads: int
    rows: tuple[str, ...]
    grid: tuple[int, int]
    view: tuple[float, float, float, float]
    prefix: tuple[str, ...]
    token: str
    chunks: dict[str, str]
    failure: str
    source: str
    measured: tuple[int, int]
    cut: str
    alike: str = ""
    window: int = 0
    windowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameModel:
    """Fields of a model that differ between frames of a sequence, for the scripts.

    Attributes:
        record: key of the record.
        chunks: id of a query -> URL of its chunk.
        failure: why the model has no maps of this frame; empty if it has.
        cut: why single heads are missing in this frame; empty if all are there.
        alike: URL of the features of its patches; empty if there are none.
    """

    record: str
    chunks: dict[str, str]
    failure: str
    cut: str
    alike: str


@dataclass(frozen=True, slots=True)
class SequenceFrame:
    """A frame of a sequence, for the scripts.

    Attributes:
        label: the time in seconds, or the number in the file name.
        time: start time in seconds from the first frame.
        picture: site-relative path of its published picture; empty for none.
    """

    slug: str
    title: str
    label: str
    time: float
    picture: str
    models: tuple[FrameModel, ...]


@dataclass(frozen=True, slots=True)
class PageStep:
    """A checkpoint of a sweep.

    Attributes:
        model: index of its model on the page, from 0.
    """

    step: int
    model: int


@dataclass(frozen=True, slots=True)
class PageSweep:
    """A sweep on an image page: one model at several steps, one shown at a time."""

    label: str
    steps: tuple[PageStep, ...]


@dataclass(frozen=True, slots=True)
class PageData:
    """Data of an image page, for its scripts.

    Attributes:
        credit: maker and license of the picture.
        width: width of the original picture, in pixels.
        height: height of the original picture, in pixels.
        scale: low and high end of the shared scale, as powers of two.
        patch_scale: low and high end of the scale of patches as queries, as powers of two.
        colors: name of the color map.
        queries: queries in the menu.
        layers: number of layers of the deepest model.
        heads: number of heads of the widest model.
        pool: whether a model has a pooling probe.
        models: the models, in order.
        frames: frames of a sequence; empty on the page of an image.
        sweeps: sweeps among the models.
    """

    slug: str
    title: str
    credit: str
    width: int
    height: int
    scale: tuple[int, int]
    patch_scale: tuple[int, int]
    colors: str
    queries: tuple[QueryChoice, ...]
    layers: int
    heads: int
    pool: bool
    models: tuple[PageModel, ...]
    frames: tuple[SequenceFrame, ...] = ()
    sweeps: tuple[PageSweep, ...] = ()
