"""What templates get: finished values. Strings are formatted, URLs are relative to the page.

Templates read these and nothing else; they touch no disk and compute nothing. The fields of
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
    """An image file with its size in pixels, so that nothing jumps while it loads."""

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
    """One model's last layer beside a thumbnail, or the reason that it is missing."""

    label: str
    picture: Picture | None
    failure: Notice | None


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a table of facts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class BarTick:
    """A number on a color bar, placed in percent of its width."""

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
    """Scripts that are loaded together, when a reader wants what they do.

    Attributes:
        name: that the other scripts know them by.
    """

    name: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageBase:
    """What every page has around its content.

    Attributes:
        title: of the page, for the browser's tab.
        description: one sentence for search engines and link previews.
        gallery: link to the index.
        manifest: URL of the manifest.
        methods: URL of the page that says what every number is.
        stylesheets: URLs of screen style sheets, in order.
        print_stylesheet: URL of the print style sheet.
        boot: URL of the script that tells the styles that scripts run.
        scripts: URLs of the page's other scripts, in order.
        later: those that are loaded when a reader wants what they do.
        version: of the program.
        canonical: the page's address on the web; empty when nobody said where the site will stand.
    """

    title: str
    description: str
    gallery: Link
    manifest: str
    methods: str
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
        current: whether it is the page itself.
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
    """A model, for the scripts.

    Attributes:
        record: key of the record; with a query's id, the key of a chunk.
        heads: heads of the wall.
        rows: labels of the wall's rows.
        grid: rows and columns of the maps.
        view: left, top, right, bottom of what the grid covers, in original pixels.
        prefix: names of the prefix tokens.
        token: the token that answers to ``CLS``, or ``received``.
        chunks: id of a query -> URL of its chunk.
        failure: why the model has no maps here; empty when it has.
        source: id, commit, grid and preprocessing, for captions.
        measured: rows and columns of the patches; ``grid`` has fewer where maps are area means.
        cut: why single heads are missing that the model has; empty where all are there.
        alike: URL of the features of its patches; empty where there are none.
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


@dataclass(frozen=True, slots=True)
class FrameModel:
    """What sets a model on one frame of a sequence apart from the others, for the scripts.

    Attributes:
        record: key of the record.
        chunks: id of a query -> URL of its chunk.
        failure: why the model has no maps of this frame; empty when it has.
        cut: why single heads are missing in this frame; empty where all are there.
    """

    record: str
    chunks: dict[str, str]
    failure: str
    cut: str


@dataclass(frozen=True, slots=True)
class SequenceFrame:
    """A frame of a sequence, for the scripts.

    Attributes:
        label: the time in seconds, or the number in the picture's name, as pages write it.
        time: when it is shown, in seconds from the first.
        picture: its published picture, relative to the site; empty without one.
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
        model: its place among the page's models, from 0.
    """

    step: int
    model: int


@dataclass(frozen=True, slots=True)
class PageSweep:
    """One model at several steps, of which one is shown at a time."""

    label: str
    steps: tuple[PageStep, ...]


@dataclass(frozen=True, slots=True)
class PageData:
    """An image page's data for its scripts.

    Attributes:
        credit: who made the picture, under which license.
        width: of the original picture, in pixels.
        height: of the original picture, in pixels.
        scale: low and high end of the shared scale, as powers of two.
        patch_scale: low and high end of the scale of patches as queries, as powers of two.
        colors: name of the color map.
        queries: what can be chosen.
        layers: layers of the deepest model.
        heads: heads of the widest model.
        pool: whether a model has a pooling probe.
        start: layer shown first, a label.
        models: the models, in order.
        frames: of the page of a sequence; empty on the page of an image.
        sweeps: those that are checkpoints of one model.
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
    start: str
    models: tuple[PageModel, ...]
    frames: tuple[SequenceFrame, ...] = ()
    sweeps: tuple[PageSweep, ...] = ()
