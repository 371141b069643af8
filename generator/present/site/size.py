"""Keeping a site within a size, by the least that has to be left out.

Everything is made whole first, since scales, averages and comparisons are of the whole. If that is
too much, what is less is put beside it, exact sizes of files decide how far the order of
:mod:`generator.present.files.reductions` has to be followed, and what is not in the site goes. So
the result depends on the records and the size allowed, never on the site that was there before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from generator.errors import SpecError
from generator.present.cells.analysis_maps import MAPS, drawn_at_all
from generator.present.cells.files import CellContent, put_mean_patches, put_reduced_chunks
from generator.present.cells.patches import PATCH
from generator.present.content.contents import Colored, Contents
from generator.present.content.feature_colors import ColoredFeatures
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import CellFiles
from generator.present.files.reductions import KEPT_LAYERS, STEPS, Detail, Reduction, Step
from generator.records.record import AttentionRecord
from generator.records.run import Run
from generator.text.amounts import size_in_words

Read = Callable[[str], AttentionRecord]
Write = Callable[[Contents], None]
At = tuple[str, str]
"""Slugs of a model and an image."""

DETAILS: tuple[Detail, ...] = ("coarse", "last", "mean")


@dataclass(frozen=True, slots=True)
class Numbers:
    """The files that hold the maps of a cell, by how much they hold.

    Attributes:
        tokens: with tokens as queries.
        patches: with patches as queries; None where their rows are not kept.
        patch_means: the same with the mean over heads only.
    """

    tokens: Mapping[Detail, tuple[FileEntry, ...]]
    patches: FileEntry | None
    patch_means: FileEntry | None

    def chosen(self, reduction: Reduction, image: str) -> tuple[FileEntry, ...]:
        """The files that are left."""
        tokens = self.tokens[reduction.detail(image)]
        if self.patches is None or "patches" in reduction:
            return tokens
        means = self.patch_means if "patch-heads" in reduction else None
        return (*tokens, means or self.patches)


def too_large(contents: Mapping[At, CellContent], limit: int | None) -> bool:
    """Whether whole maps of tokens alone are more than a site may hold.

    Then pictures of analyses and walls need not be drawn: they go before these maps do.
    """
    sizes = (
        file.bytes for cell in contents.values() for file in cell.chunks if file.query != PATCH
    )
    return limit is not None and sum(sizes) > limit


def images_in_order(run: Run, contents: Contents) -> tuple[str, ...]:
    """Images with maps, those first that keep their heads longest.

    The images of the teaser, then by how far their models' maps lie apart, farthest first, then in
    the gallery's order.
    """
    shown = {cell.image for cell in run.cells if _measured(contents, (cell.model, cell.image))}
    teaser = [tile.image for tile in run.paper.teaser] if run.paper else []

    def together(image: str) -> float:
        found = contents.divergence.get(image)
        return 1.0 if found is None or found.mean is None else -found.mean

    every = [image.slug for image in run.images if image.slug in shown]
    order = [*(image for image in teaser if image in shown), *sorted(every, key=together)]
    return tuple(dict.fromkeys(order))


def keep_within(
    limit: int, run: Run, contents: Contents, cache: SiteCache, read: Read, write: Write
) -> Contents:
    """Leave out as little as possible of a site that may not be larger than ``limit`` bytes.

    Args:
        limit: for all files together.
        run: of the gallery.
        contents: everything, in the staging folder.
        cache: of the staging folder.
        read: gives records; called when something has to go and the former site lacks what stays.
        write: writes the pages of what is left, in place of those it wrote before.

    Returns:
        What is left. Files of the rest are gone from the staging folder.

    Raises:
        SpecError: even the smallest site would be larger.
    """
    fitting = _Fitting(limit, run, contents, cache, read)
    for reduction in fitting.reductions():
        if fitting.files(reduction) <= limit:
            left = fitting.contents(reduction)
            write(left)
            if fitting.total(reduction) <= limit:
                fitting.settle(reduction)
                return left
    return _with_heads_of_some(fitting, write)


def _with_heads_of_some(fitting: _Fitting, write: Write) -> Contents:
    """Single heads on as many images as fit, means over heads on the others."""
    least = fitting.with_heads_of(0)
    write(fitting.contents(least))
    smallest = fitting.total(least)
    if smallest > fitting.limit:
        raise SpecError(
            f"The smallest possible site takes {size_in_words(smallest)}, with the mean over heads "
            f"only, and {size_in_words(fitting.limit)} are allowed. Nothing was replaced.",
            f"Use fewer images or models, or allow more: --max-site-size {smallest}.",
        )
    count = fitting.images_within(fitting.limit - smallest)
    while True:
        reduction = fitting.with_heads_of(count)
        left = fitting.contents(reduction)
        write(left)
        if count == 0 or fitting.total(reduction) <= fitting.limit:
            fitting.settle(reduction)
            return left
        count -= 1


class _Fitting:
    """The sizes of a site with less and less in it; what is less is made when it is asked for.

    Attributes:
        limit: bytes allowed.
        order: images, those first that keep their heads longest.
    """

    def __init__(
        self, limit: int, run: Run, contents: Contents, cache: SiteCache, read: Read
    ) -> None:
        self.limit = limit
        self.order = images_in_order(run, contents)
        self._run = run
        self._whole = contents
        self._cache = cache
        self._read = read
        self._cells = {
            at: content
            for at, content in contents.cells.items()
            if isinstance(content, CellContent)
        }
        self._numbers = {at: _whole_numbers(content) for at, content in self._cells.items()}
        self._least = Reduction(images=len(self.order))
        self._optional = _sizes(self._files(Reduction()))
        self._rest = self._staged() - sum(self._optional.values())

    def reductions(self) -> Iterator[Reduction]:
        """From the whole site on, with one step more each time; the last step is not among them."""
        found = self._least
        yield found
        for step in _effective(self._run, self._whole, self._cells.values()):
            found = found.taken(step)
            self._prepare(step)
            yield found
        self._least = found.taken("heads")
        self._prepare("heads")

    def with_heads_of(self, count: int) -> Reduction:
        """All steps, with single heads on the first images of :attr:`order`."""
        return replace(self._least, whole=tuple(self.order[:count]))

    def images_within(self, room: int) -> int:
        """How many images may have their heads beside the least there is; never all of them."""
        for count, image in enumerate(self.order[:-1]):
            own = [numbers for (_, slug), numbers in self._numbers.items() if slug == image]
            detail = self.with_heads_of(count + 1).detail(image)
            for numbers in own:
                room -= sum(file.bytes for file in numbers.tokens[detail])
                room += sum(file.bytes for file in numbers.tokens["mean"])
            if room < 0:
                return count
        return max(0, len(self.order) - 1)

    def files(self, reduction: Reduction) -> int:
        """Bytes of the heavy files, exactly."""
        return self._rest + sum(_sizes(self._files(reduction)).values())

    def total(self, reduction: Reduction) -> int:
        """Bytes of the whole site, once its pages are written."""
        kept = _sizes(self._files(reduction))
        return self._staged() - sum(n for path, n in self._optional.items() if path not in kept)

    def contents(self, reduction: Reduction) -> Contents:
        """What is in the site."""
        whole = self._whole
        cells = {
            at: self._cell(at, content, reduction) if isinstance(content, CellContent) else content
            for at, content in whole.cells.items()
        }
        left = replace(whole, cells=cells, reduction=reduction)
        if "walls" in reduction:
            colored = {at: Colored(each.map, None) for at, each in whole.colored.items()}
            left = replace(left, colored=colored)
        if "analyses" in reduction:
            left = replace(
                left, analyses={}, features={}, maps=CellFiles(MAPS, self._cache.root, {})
            )
        return left

    def settle(self, reduction: Reduction) -> None:
        """Remove from the staging folder what is not in the site."""
        kept = _sizes(self._files(reduction))
        for path in self._optional.keys() - kept.keys():
            (self._cache.root / path).unlink()

    # --- what can go ------------------------------------------------------------------------------

    def _prepare(self, step: Step) -> None:
        """Put into the staging folder what stays when a step is taken."""
        ids = {model.slug: model.id for model in self._run.models}
        mixed = self._run.mixed
        for cell in self._run.cells:
            at = (cell.model, cell.image)
            if at not in self._cells:
                continue
            numbers = self._numbers[at]
            if step == "patch-heads" and self._cells[at].facts.patch_heads:
                file = put_mean_patches(self._cache, cell, ids[cell.model], self._read, mixed=mixed)
                numbers = replace(numbers, patch_means=file)
            if step in ("grid", "low-heads", "heads") and len(numbers.tokens) == 1:
                # all of them at once: reading the record is most of the work
                made = {
                    detail: put_reduced_chunks(
                        self._cache,
                        cell,
                        self._cells[at],
                        ids[cell.model],
                        self._read,
                        mixed=mixed,
                        detail=detail,
                    )
                    for detail in DETAILS
                }
                numbers = replace(numbers, tokens={**numbers.tokens, **made})
            self._numbers[at] = numbers
            every = (file for files in numbers.tokens.values() for file in files)
            patches = (numbers.patches, numbers.patch_means)
            self._optional |= _sizes([*every, *(file for file in patches if file)])

    def _cell(self, at: At, content: CellContent, reduction: Reduction) -> CellContent:
        return replace(
            content,
            chunks=self._numbers[at].chosen(reduction, at[1]),
            detail=reduction.detail(at[1]),
            maps=None if "analyses" in reduction else content.maps,
            alike=None if "analyses" in reduction else content.alike,
        )

    def _files(self, reduction: Reduction) -> Iterator[FileEntry]:
        """Files that a step may leave out, and that are not left out."""
        for at, content in self._cells.items():
            yield from self._numbers[at].chosen(reduction, at[1])
            colored = self._whole.colored[at]
            if colored.wall and "walls" not in reduction:
                yield colored.wall
            if "analyses" not in reduction:
                yield from (file for file in (content.maps, content.alike) if file)
        if "analyses" in reduction:
            return
        for drawn in self._whole.analyses.values():
            yield from (figure.file for figure in drawn.drawn.values())
        for colors in self._whole.features.values():
            if isinstance(colors, ColoredFeatures):
                yield from (colors.source, colors.picture)

    def _staged(self) -> int:
        files = (path for path in self._cache.root.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)


def _effective(run: Run, whole: Contents, cells: Collection[CellContent]) -> tuple[Step, ...]:
    """The steps but the last that would make this site smaller at all."""
    effects: dict[Step, bool] = {
        "patch-heads": any(cell.facts.patch_heads for cell in cells),
        "patches": any(PATCH in cell.facts.queries for cell in cells),
        "analyses": drawn_at_all(run, whole.settings) and bool(cells),
        "walls": whole.settings.walls and bool(cells),
        "grid": any(replace(cell, detail="coarse").is_coarse for cell in cells),
        "low-heads": any(cell.facts.model.layers > KEPT_LAYERS for cell in cells),
    }
    return tuple(step for step in STEPS if effects.get(step))


def _measured(contents: Contents, at: At) -> bool:
    return isinstance(contents.cells.get(at), CellContent)


def _whole_numbers(content: CellContent) -> Numbers:
    patches = [file for file in content.chunks if file.query == PATCH]
    tokens = tuple(file for file in content.chunks if file.query != PATCH)
    return Numbers({"native": tokens}, patches[0] if patches else None, None)


def _sizes(files: Iterator[FileEntry] | list[FileEntry]) -> dict[str, int]:
    """Size of each file by its path: one that is named twice is there once."""
    return {file.path: file.bytes for file in files}
