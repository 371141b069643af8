"""Size limit of a site: leave out as little as possible.

The full site is made first, since scales, averages and comparisons are over all of it. If it is too
large, reduced files are written beside the full ones. Exact file sizes decide how many steps of
:mod:`generator.present.files.reductions` are taken; then unused files are deleted. So the result
depends on the records and the limit, never on the previous site.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from generator.errors import SpecError
from generator.present.cells.analysis_maps import MAPS, drawn_at_all
from generator.present.cells.chunks.patches import PATCH
from generator.present.cells.files import CellContent, put_mean_patches, put_reduced_chunks
from generator.present.content.contents import Colored, Contents
from generator.present.content.feature_colors import ColoredFeatures
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FileEntry
from generator.present.files.packed import CellFiles
from generator.present.files.reductions import KEPT_LAYERS, STEPS, Detail, Reduction, Step
from generator.present.site.staging import bytes_in
from generator.records.record import ReadRecord
from generator.records.run import Run
from generator.text.amounts import size_in_words

Write = Callable[[Contents], None]
At = tuple[str, str]
"""Slugs of a model and an image."""

DETAILS: tuple[Detail, ...] = ("coarse", "last", "mean")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Files of a cell's maps, by level of detail.

    Attributes:
        tokens: chunks of tokens as queries.
        patches: chunk of patches as queries; None where their rows are not kept.
        patch_means: chunk of patches as queries, with the mean over heads only.
    """

    tokens: Mapping[Detail, tuple[FileEntry, ...]]
    patches: FileEntry | None
    patch_means: FileEntry | None

    def chosen(self, reduction: Reduction, image: str) -> tuple[FileEntry, ...]:
        """Files that a reduction keeps."""
        tokens = self.tokens[reduction.detail(image)]
        if self.patches is None or "patches" in reduction:
            return tokens
        means = self.patch_means if "patch-heads" in reduction else None
        return (*tokens, means or self.patches)


def too_large(contents: Mapping[At, CellContent], limit: int | None) -> bool:
    """Whether the full maps of tokens alone exceed the size limit.

    If so, analysis maps and walls need not be drawn, since they are left out before token maps.
    """
    sizes = (
        file.bytes for cell in contents.values() for file in cell.chunks if file.query != PATCH
    )
    return limit is not None and sum(sizes) > limit


def images_in_order(run: Run, contents: Contents) -> tuple[str, ...]:
    """Images with maps, in the order in which they keep single heads.

    First the images of the teaser, then by disagreement of the models, largest first, then in the
    order of the gallery.
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
    limit: int, run: Run, contents: Contents, cache: SiteCache, read: ReadRecord, write: Write
) -> Contents:
    """Reduce a site to at most ``limit`` bytes, leaving out as little as possible.

    Args:
        limit: largest size of all files together, in bytes.
        contents: the full contents, in the staging folder.
        cache: writes to the staging folder.
        read: gives records; called only if the previous site lacks a reduced file.
        write: writes the pages of reduced contents; they replace those written before.

    Returns:
        The reduced contents. Other files are deleted from the staging folder.

    Raises:
        SpecError: the smallest possible site exceeds the limit.
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
    """Keep single heads on as many images as fit, and means over heads on the others."""
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
    """Sizes of a site under each reduction; reduced files are made on demand.

    Attributes:
        limit: largest size, in bytes.
        order: images, in the order in which they keep single heads.
    """

    def __init__(
        self, limit: int, run: Run, contents: Contents, cache: SiteCache, read: ReadRecord
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
        """Reductions from none on, each with one more step, without the last step."""
        found = self._least
        yield found
        for step in _effective(self._run, self._whole, self._cells.values()):
            found = found.taken(step)
            self._prepare(step)
            yield found
        self._least = found.taken("heads")
        self._prepare("heads")

    def with_heads_of(self, count: int) -> Reduction:
        """All steps, with single heads kept on the first images of :attr:`order`."""
        return replace(self._least, whole=tuple(self.order[:count]))

    def images_within(self, space: int) -> int:
        """Number of images whose single heads fit beside the smallest site; never all of them."""
        for count, image in enumerate(self.order[:-1]):
            own = [numbers for (_, slug), numbers in self._numbers.items() if slug == image]
            detail = self.with_heads_of(count + 1).detail(image)
            for numbers in own:
                space -= sum(file.bytes for file in numbers.tokens[detail])
                space += sum(file.bytes for file in numbers.tokens["mean"])
            if space < 0:
                return count
        return max(0, len(self.order) - 1)

    def files(self, reduction: Reduction) -> int:
        """Exact bytes of all files but pages, styles and scripts."""
        return self._rest + sum(_sizes(self._files(reduction)).values())

    def total(self, reduction: Reduction) -> int:
        """Bytes of the whole site, after its pages are written."""
        kept = _sizes(self._files(reduction))
        return self._staged() - sum(n for path, n in self._optional.items() if path not in kept)

    def contents(self, reduction: Reduction) -> Contents:
        """Contents of the site under a reduction."""
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
        """Delete files from the staging folder that are not in the reduced site."""
        kept = _sizes(self._files(reduction))
        for path in self._optional.keys() - kept.keys():
            (self._cache.root / path).unlink()

    # --- what can go ------------------------------------------------------------------------------

    def _prepare(self, step: Step) -> None:
        """Write the reduced files of a step to the staging folder."""
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
                # all at once, since reading the record is most of the work
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
        """Files that steps may leave out and that this reduction keeps."""
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
        return bytes_in(self._cache.root)


def _effective(run: Run, whole: Contents, cells: Collection[CellContent]) -> tuple[Step, ...]:
    """Steps that make this site smaller, without the last."""
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
    """Path -> size of the file; duplicates count once."""
    return {file.path: file.bytes for file in files}
