"""Building of a site from a run and its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from generator.analysis.absent import NotApplicable
from generator.analysis.cells.model_digest import ModelDigest, model_digest
from generator.analysis.features.objects import NO_FEATURES
from generator.errors import GalleryError
from generator.present.cells.analysis_maps import (
    MAPS,
    AnalysisMaps,
    drawn_at_all,
)
from generator.present.cells.chunks.headers import HEADERS, Headers
from generator.present.cells.chunks.patches import PATCH
from generator.present.cells.digests import DIGESTS, Digests
from generator.present.cells.divergence import mean_divergence
from generator.present.cells.files import (
    CellContent,
    has_chunks,
    put_divergence,
)
from generator.present.cells.truth import put_truth
from generator.present.content.averages import LocationFiles
from generator.present.content.contents import Colored, Contents, Copies, Divergence
from generator.present.content.feature_colors import (
    ColoredFeatures,
    begin_feature_colors,
    fitted_alone,
)
from generator.present.content.front import put_front
from generator.present.content.pairs import put_pairs
from generator.present.content.similarity import SimilarityFiles
from generator.present.content.weights import ReadWeights, put_weights
from generator.present.drawing.scale import Scale, shared_scale
from generator.present.files.cache import SiteCache
from generator.present.files.manifest import FigureItem
from generator.present.files.packed import CellFiles
from generator.present.files.reductions import Reduction
from generator.present.files.settings import Settings
from generator.present.files.templates import template_folders
from generator.present.pages.assets import write_assets
from generator.present.site.former_pages import FormerPages
from generator.present.site.jobs import (
    CellJob,
    ColorJob,
    KeepingJob,
    MapsJob,
    no_record,
    put_copies,
)
from generator.present.site.page_files import PageFiles
from generator.present.site.plan import Site
from generator.present.site.result import SiteResult
from generator.present.site.size import keep_within, too_large
from generator.present.site.staging import bytes_in, staged
from generator.present.site.threads import one_thread
from generator.present.site.workers import StartPool, Workers, local_pool
from generator.records.record import ReadRecord
from generator.records.run import Cell, Failure, Run

Advance = Callable[[], None]
Draw = Callable[[Path, Contents], tuple[FigureItem, ...]]

STEPS_A_CELL = 2
"""How often ``build_site`` calls ``advance`` for each cell: for its numbers and for its colors."""


def build_site(
    run: Run,
    read: ReadRecord,
    out: Path,
    *,
    templates: Path | None = None,
    version: str,
    settings: Settings | None = None,
    jobs: int | None = 1,
    pool: StartPool | None = None,
    read_weights: ReadWeights | None = None,
    advance: Advance = lambda: None,
    draw: Draw = lambda *_: (),
    kept: Path | None = None,
) -> SiteResult:
    """Build the site of a run.

    Args:
        run: models, images and cells.
        read: gives the record of a key. It is called from one thread: once for a record without
            cached chunks, once more for a reduced site and for missing feature colors, unless
            these are kept.
        out: folder of the site; replaced as a whole at the end.
        templates: the user's templates and static files, which override the program's own.
        version: version of the program, for the pages and the manifest.
        settings: how records are drawn.
        jobs: number of processes that make the files of cells; None for one on each core. With more
            than one, ``read`` is sent to other processes and must be picklable.
        pool: starts other processes than ``jobs``; those of this machine if it cannot.
        read_weights: gives the analyzed weights of a model by ``ModelEntry.weights``.
        advance: called ``STEPS_A_CELL`` times for each cell, to report progress.
        draw: draws figures for papers into the given folder, from the contents of the site.
        kept: folder beside the records for numbers that many records are summed up from, and for
            notes on rendered pages; None to read every record and render every page again.

    Raises:
        StoreError: ``out`` is not empty and not a site of ours, or cannot be written.
        SpecError: the smallest possible site exceeds ``settings.max_bytes``.
    """
    settings = settings or Settings()
    template_folders(templates)  # raise errors before the work, not after
    with staged(out) as stage:
        cache = SiteCache(stage, out, settings, kept)
        unshared, read = (
            read,
            lru_cache(maxsize=1)(read),
        )  # a cell's files ask for the same record in turn
        new_cells = _new_cells(run, cache)
        started = pool(cache, unshared, new_cells) if pool else None
        started = started or local_pool(jobs)(cache, unshared, new_cells)
        with Workers(cache, started) as workers:
            begun = _begin_numbers(run, read, cache, workers)
            with one_thread(analyses=new_cells > 0):
                contents = _put_heavy_files(
                    run, read, read_weights, cache, templates, advance, workers, begun
                )
        contents = replace(contents, figures=draw(stage, contents))
        former = FormerPages(out, kept, templates)
        pages = PageFiles(run, stage, templates, version, former)
        if settings.max_bytes is None:
            pages.write(contents)
        else:
            limit = settings.max_bytes
            contents = keep_within(limit, run, contents, cache, read, pages.write)
        size = bytes_in(stage)
    former.keep()
    return SiteResult(
        out=out,
        pages=len(pages.pages),
        rendered=cache.rendered,
        reused=cache.reused,
        bytes=size,
        scale=contents.scale,
        limit=settings.max_bytes,
        reduction=contents.reduction,
        failures=_failures(run, contents),
        site=Site(run, contents.moved(out), version),
    )


def _put_heavy_files(
    run: Run,
    read: ReadRecord,
    read_weights: ReadWeights | None,
    cache: SiteCache,
    templates: Path | None,
    advance: Advance,
    workers: Workers,
    begun: _Begun,
) -> Contents:
    """Write all files but pages, styles and scripts to the staging folder."""
    # first what the program makes alone, while workers make the numbers of cells
    assets = write_assets(
        cache.root,
        templates,
        cache.settings,
        sequences=bool(run.sequences),
        sweeps=bool(run.sweeps),
    )
    weights = put_weights(run, read_weights, cache)
    cells = _put_numbers(run, read, cache, begun, advance)
    found = [(slug, c) for (slug, _), c in cells.items() if isinstance(c, CellContent)]
    scale = _scale((slug, cell.facts.histogram) for slug, cell in found)
    whole = {at: c for at, c in cells.items() if isinstance(c, CellContent)}
    draw = not too_large(whole, cache.settings.max_bytes)
    digests = CellFiles(DIGESTS, cache.root, {at: c.digest.path for at, c in whole.items()})
    # workers begin with all that they can make now; what takes longest comes first
    put_features = _begin_features(run, read, cache, whole if draw else {}, digests, workers)
    put_pictures = _begin_pictures(run, cells, cache, workers)
    put_analysis_maps = _begin_analysis_maps(run, whole if draw else {}, cache, scale, workers)
    colored = _put_colored(run, cells, cache, scale, advance, workers, draw=draw)
    models = _model_digests(run, digests)
    similarity = begun.alike.publish(run, cells, workers.ahead)
    maps = CellFiles(MAPS, cache.root, {at: c.maps.path for at, c in whole.items() if c.maps})
    differ = _put_divergence(run, cells, cache)
    features = begun.alike.features
    return Contents(
        settings=cache.settings,
        scale=scale,
        patch_scale=_patch_scale(found),
        assets=assets,
        cells=cells,
        colored=colored,
        copies=put_pictures(),
        averages=begun.locations.publish(run, scale, read),
        similarity=similarity,
        weights=weights,
        divergence=differ,
        digests=digests,
        models=models,
        pairs=put_pairs(run, cells, digests, models, cache, scale, similarity, features),
        front=put_front(run, cells, {at: each.mean for at, each in differ.items()}, cache, scale),
        analyses=put_analysis_maps(),
        maps=maps,
        features=put_features(),
        scored=put_truth(run, cells, digests, cache),
        reduction=Reduction(),
    )


def _new_cells(run: Run, cache: SiteCache) -> int:
    """Number of cells whose chunks are not in the previous site."""
    ids = {model.slug: model.id for model in run.models}
    return sum(
        not has_chunks(cache, cell, ids[cell.model], mixed=run.mixed) for cell in _recorded(run)
    )


@dataclass(frozen=True, slots=True)
class _Begun:
    """Numbers of cells that workers have begun with.

    Attributes:
        locations: sums over them.
        alike: features of them.
        ready: yields the cells that have a record, each when workers are done with it.
    """

    job: CellJob
    locations: LocationFiles
    alike: SimilarityFiles
    ready: Iterator[Cell]


def _begin_numbers(run: Run, read: ReadRecord, cache: SiteCache, workers: Workers) -> _Begun:
    ids = {model.slug: model.id for model in run.models}
    job = CellJob(ids, run.mixed, drawn_at_all(run, cache.settings), fitted_alone(run))
    locations, alike = LocationFiles(run, cache), SimilarityFiles(run, cache, read)
    keeping = KeepingJob(job, locations.models, alike.records)
    return _Begun(job, locations, alike, workers.ahead(keeping, _recorded(run)))


def _recorded(run: Run) -> list[Cell]:
    """The cells that have a record, in order."""
    return [cell for cell in run.cells if cell.failure is None and cell.record]


def _put_numbers(
    run: Run, read: ReadRecord, cache: SiteCache, begun: _Begun, advance: Advance
) -> dict[tuple[str, str], CellContent | Failure]:
    """Write the chunks of every cell. One record at a time is in memory of each process."""
    cells: dict[tuple[str, str], CellContent | Failure] = {}
    headers = Headers(HEADERS.read(cache.kept, cache.former))
    for cell in run.cells:
        if cell.failure is not None or not cell.record:
            found: CellContent | Failure = cell.failure or Failure("There is no record.")
        else:
            next(begun.ready)
            try:
                found = begun.job(cache, read, cell, headers)
            except GalleryError as error:
                found = Failure(error.message, error.hint)
            else:
                for each in (begun.locations, begun.alike):
                    each.add(cell, read)
        cells[cell.model, cell.image] = found
        advance()
    HEADERS.write(cache.kept, cache.former, headers.note())
    return cells


def _put_colored(
    run: Run,
    cells: Mapping[tuple[str, str], CellContent | Failure],
    cache: SiteCache,
    scale: Scale,
    advance: Advance,
    workers: Workers,
    *,
    draw: bool,
) -> dict[tuple[str, str], Colored]:
    """Draw the walls, if ``draw`` and the settings want them, and the small maps."""
    colored: dict[tuple[str, str], Colored] = {}
    job = ColorJob(scale, cache.settings.walls and draw)
    found = [(cell, cells[cell.model, cell.image]) for cell in run.cells]
    whole = [(cell, content) for cell, content in found if isinstance(content, CellContent)]
    for cell, content in workers.ahead(job, whole):
        files = job(cache, no_record, (cell, content))
        colored[cell.model, cell.image] = Colored(files[0], (*files[1:], None)[0])
        advance()
    for _ in range(len(found) - len(whole)):
        advance()
    return colored


def _scale(histograms: Iterable[tuple[str, tuple[int, ...]]]) -> Scale:
    """The scale of pairs of a model and a histogram."""
    by_model: dict[str, list[tuple[int, ...]]] = {}
    for model, histogram in histograms:
        by_model.setdefault(model, []).append(histogram)
    return shared_scale(by_model)


def _patch_scale(cells: Sequence[tuple[str, CellContent]]) -> Scale | None:
    """The scale of patches as queries, which attend to neighbors far more than tokens do."""
    kept = [(slug, cell) for slug, cell in cells if PATCH in cell.facts.queries]
    return _scale((slug, cell.facts.patch_histogram) for slug, cell in kept) if kept else None


def _model_digests(run: Run, digests: Digests) -> dict[str, ModelDigest]:
    """Digests of models over their images; models without digests are left out."""
    slugs = [image.slug for image in run.images]
    held = {m.slug: [slug for slug in slugs if (m.slug, slug) in digests.paths] for m in run.models}
    return {
        model: model_digest(digest for slug in own if (digest := digests.of(model, slug)))
        for model, own in held.items()
        if own
    }


def _begin_analysis_maps(
    run: Run,
    cells: Mapping[tuple[str, str], CellContent],
    cache: SiteCache,
    scale: Scale,
    workers: Workers,
) -> Callable[[], dict[str, AnalysisMaps]]:
    """Begin with the analysis maps of each image that has some; returns what writes them."""
    job, items = MapsJob(scale), []
    for image in run.images:
        own = {model.slug: cells.get((model.slug, image.slug)) for model in run.models}
        whole = {slug: cell for slug, cell in own.items() if cell is not None and cell.maps}
        if whole:
            items.append((image.slug, whole))
    ready = workers.ahead(job, items)
    return lambda: {item[0]: job(cache, no_record, item) for item in ready}


def _begin_features(
    run: Run,
    read: ReadRecord,
    cache: SiteCache,
    cells: Mapping[tuple[str, str], CellContent],
    digests: Digests,
    workers: Workers,
) -> Callable[[], dict[tuple[str, str], ColoredFeatures | NotApplicable]]:
    """Begin with the feature colors of cells whose analyses are drawn; returns what writes them.

    Records are read once more where components are fitted to all images together.
    """
    keys = {}
    for at, cell in cells.items():
        if cell.maps is not None:
            digest = digests.of(*at)
            if digest is not None and digest.lost != NO_FEATURES:
                keys[at] = cell.facts.record
    return begin_feature_colors(run, read, cache, keys, workers.ahead)


def _begin_pictures(
    run: Run,
    cells: Mapping[tuple[str, str], CellContent | Failure],
    cache: SiteCache,
    workers: Workers,
) -> Callable[[], dict[str, Copies | Failure]]:
    """Begin with the copies of pictures; returns what writes them."""
    usable = []
    for image in run.images:
        if image.failure is None:
            held = (cells.get((model.slug, image.slug)) for model in run.listed)
            views = (each.facts.view for each in held if isinstance(each, CellContent))
            usable.append((image, next(views, None)))
    ready = workers.ahead(put_copies, usable)

    def put() -> dict[str, Copies | Failure]:
        copies: dict[str, Copies | Failure] = {}
        for item in ready:
            try:
                copies[item[0].slug] = put_copies(cache, no_record, item)
            except GalleryError as error:
                copies[item[0].slug] = Failure(error.message, error.hint)
        return copies

    return put


def _put_divergence(
    run: Run, cells: dict[tuple[str, str], CellContent | Failure], cache: SiteCache
) -> dict[str, Divergence]:
    found: dict[str, Divergence] = {}
    for image in run.images:
        contents = [cells.get((model.slug, image.slug)) for model in run.listed]
        held = [content for content in contents if isinstance(content, CellContent)]
        file = put_divergence(cache, image.slug, held)
        if file is not None:
            found[image.slug] = Divergence(mean_divergence(cache.root / file.path), file)
    return found


def _failures(run: Run, contents: Contents) -> tuple[Failure, ...]:
    now = [*contents.cells.values(), *contents.copies.values()]
    found = [*run.failures, *(item for item in now if isinstance(item, Failure))]
    return tuple(dict.fromkeys(found))
