"""Planner: URLs, page frames, pictures and color bars, relative to one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote

from generator.analysis.quantities.table import quantity
from generator.present.cells.chunks.maps import FUSED
from generator.present.cells.files import CellContent
from generator.present.charts.chart import Chart, DefinitionLink
from generator.present.content.contents import Contents, Copies, PageKind
from generator.present.content.crop import SMALL, crop_size
from generator.present.drawing.heatmap import GAP
from generator.present.drawing.pictures import published_size
from generator.present.drawing.scale import Tick
from generator.present.files.manifest import FileEntry
from generator.present.files.manifest_file import MANIFEST
from generator.present.files.reductions import wall_grid
from generator.present.pages.assets import CHARTS, IMAGE_KINDS, original
from generator.present.pages.paths import INDEX, METHODS, image_path, model_path
from generator.present.pages.views import BarTick, ColorBar, LaterScripts, Link, PageBase, Picture
from generator.records.run import Failure, ImageEntry, ModelEntry, Run, Sequence
from generator.text.numbers import machine

BAR_WIDTH = 256
WALL_WIDTH = 660
WALL_HEIGHT = 820


@dataclass(frozen=True)
class Planner:
    """A run and its contents, and the page that URLs are relative to.

    Attributes:
        page: site-relative path of the page being planned.
    """

    run: Run
    contents: Contents
    version: str
    page: str = INDEX

    def on(self, page: str) -> Planner:
        """The planner of another page."""
        return Planner(self.run, self.contents, self.version, page)

    def url(self, path: str) -> str:
        """URL of a site-relative path, relative to the page."""
        if path.partition("/")[0] != self.page.partition("/")[0]:
            return "../" * self.page.count("/") + _quoted(path)
        return quote(_relative(path, self.page))

    def frame(
        self,
        title: str,
        description: str,
        kind: PageKind,
        *,
        scripts: bool = True,
        charts: bool = True,
    ) -> PageBase:
        """The parts that every page has: title, links, styles and scripts.

        Args:
            title: title in the browser tab.
            kind: kind of page, which decides its styles and scripts.
            scripts: whether the page needs the scripts of its kind.
            charts: whether the page needs the styles of charts, if its kind has them.
        """
        assets = self.contents.assets
        paths = assets.scripts.get(kind, ()) if scripts else ()
        later = assets.later if kind in IMAGE_KINDS else {}
        return PageBase(
            title=title,
            description=description,
            gallery=Link(url=self.url(INDEX), text=self.run.title),
            manifest=self.url(MANIFEST),
            methods=self.url(METHODS),
            sections=tuple(self._sections()),
            stylesheets=tuple(
                self.url(path)
                for path in assets.stylesheets[kind]
                if charts or original(path) != CHARTS
            ),
            print_stylesheet=self.url(assets.print_stylesheet),
            boot=self.url(assets.boot) if paths else "",
            scripts=tuple(self.url(path) for path in paths),
            later=tuple(
                LaterScripts(name, tuple(self.url(path) for path in group))
                for name, group in later.items()
            ),
            version=self.version,
            canonical=self.absolute(self.page).removesuffix(INDEX),
        )

    def _sections(self) -> Iterator[Link]:
        """Where the navigation line leads."""
        index = "" if self.page == INDEX else self.url(INDEX)
        if self.contents.pairs:
            yield Link(f"{index}#comparisons", "Comparisons")
        yield Link(f"{index}#images", "Pictures")
        yield Link(f"{index}#models", "Models")
        yield Link(self.url(METHODS), "Methods")

    def definition(self, identifier: str) -> DefinitionLink:
        """Link to the definition of a quantity on the methods page.

        Raises:
            KeyError: there is no such quantity.
        """
        return DefinitionLink(quantity(identifier).name, f"{self.url(METHODS)}#{identifier}")

    def defined(self, chart: Chart, *identifiers: str) -> Chart:
        """Add links to the definitions of a chart's quantities."""
        return replace(chart, definitions=tuple(map(self.definition, identifiers)))

    def absolute(self, path: str) -> str:
        """Absolute URL of a site-relative path; empty without a site URL."""
        return self.run.site_url + quote(path) if self.run.site_url else ""

    def cell(self, model: str, image: str) -> CellContent | Failure:
        """Content of a cell, or why there is none."""
        missing = Failure("This model was not run on this image.")
        return self.contents.cells.get((model, image), missing)

    def measured(self, model: str) -> tuple[CellContent, ...]:
        """Contents of a model's measured cells."""
        cells = (self.cell(model, image.slug) for image in self.run.images)
        return tuple(cell for cell in cells if isinstance(cell, CellContent))

    def frames(self, sequence: Sequence) -> tuple[ImageEntry, ...]:
        """The frames of a sequence that have a page, in order."""
        return tuple(
            image
            for image in self.run.images
            if image.frame and image.frame.sequence == sequence and image.failure is None
        )

    def picture(self, image: ImageEntry, *, thumb: bool = False) -> Picture | None:
        """A published copy of an image's picture."""
        copies = self.contents.copies.get(image.slug)
        if not isinstance(copies, Copies):
            return None
        settings = self.contents.settings
        file = copies.thumb if thumb else copies.picture
        side = settings.thumb_side if thumb else settings.picture_side
        size = published_size(image.width, image.height, side)
        # a title is beside every thumbnail; screen readers should not repeat it
        alt = image.alt or ("" if thumb else image.title)
        return Picture(self.url(file.path), size.width, size.height, alt)

    def crop(self, image: ImageEntry) -> Picture | None:
        """The small copy of what the models saw of a picture; without a model, of all of it."""
        copies = self.contents.copies.get(image.slug)
        if not isinstance(copies, Copies) or copies.crop is None or copies.view is None:
            return self.picture(image, thumb=True)
        size = crop_size(copies.view, SMALL)
        return Picture(self.url(copies.crop.path), size.width, size.height, image.alt)

    def seen_by(self, image: ImageEntry, content: CellContent | None) -> Picture | None:
        """The small copy of what one model saw of a picture, where there is one; else all of it."""
        copies = self.contents.copies.get(image.slug)
        view = copies.view if isinstance(copies, Copies) else None
        same = content is not None and content.facts.view == view
        return self.crop(image) if same else self.picture(image, thumb=True)

    def map_picture(self, file: FileEntry, content: CellContent, alt: str) -> Picture:
        """A thumbnail map, with the aspect ratio of the view."""
        view = content.facts.view
        height = max(1, round(BAR_WIDTH * (view.bottom - view.top) / (view.right - view.left)))
        return Picture(self.url(file.path), BAR_WIDTH, height, alt)

    def wall_picture(self, file: FileEntry, content: CellContent, alt: str) -> tuple[Picture, int]:
        """A rendered wall, enlarged by an integer factor to fit a page, and this factor.

        The file has one pixel a cell and a gap between maps.
        """
        rows, cols = wall_grid(content.facts.layout.rows, content.facts.layout.cols)
        width = (content.header.heads + len(FUSED)) * (cols + GAP) - GAP
        height = len(content.header.rows) * (rows + GAP) - GAP
        factor = max(1, min(WALL_WIDTH // width, WALL_HEIGHT // height))
        return Picture(self.url(file.path), width * factor, height * factor, alt), factor

    def bar(self, ticks: tuple[Tick, ...], caption: str, *, extends: bool) -> ColorBar:
        """A color bar with its numbers."""
        return ColorBar(
            picture=Picture(self.url(self.contents.assets.bar), BAR_WIDTH, 1, ""),
            ticks=tuple(BarTick(x=f"{machine(100 * t.position)}%", label=t.label) for t in ticks),
            caption=caption,
            extends=extends,
        )

    def shared_bar(self) -> ColorBar:
        """The color bar of the shared scale."""
        return self.bar(self.contents.scale.ticks, "times uniform", extends=True)

    def model_link(self, model: ModelEntry) -> str:
        """URL of a model's page."""
        return self.url(model_path(model.slug))

    def image_link(self, image: ImageEntry) -> str:
        """URL of an image's page."""
        return self.url(image_path(image.slug))


_quoted = lru_cache(maxsize=1024)(quote)
"""Styles and scripts are linked from every page."""


def _relative(path: str, page: str) -> str:
    """A site-relative path as seen from a page.

    There are thousands, and ``posixpath.relpath`` asks for the current folder each time.
    """
    there, here = path.split("/"), page.split("/")[:-1]
    shared = 0
    while shared < min(len(here), len(there) - 1) and here[shared] == there[shared]:
        shared += 1
    return "/".join([".."] * (len(here) - shared) + there[shared:])
