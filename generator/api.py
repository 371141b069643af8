"""The public Python API: measure, build, load records, statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image, ImageOps

from generator.errors import GalleryError, ImageError, StoreError
from generator.export.numbers.statistics import StatisticsRow, record_rows, rows_of
from generator.export.source import open_source
from generator.images.clips import is_clip
from generator.pipeline import build as pipeline
from generator.pipeline import measuring
from generator.pipeline.result import BuildResult, result_of
from generator.present.drawing.pictures import published_copy
from generator.present.files.manifest import ImageItem
from generator.present.files.manifest_file import read_manifest
from generator.present.pages.notebook import record_html
from generator.progress import Silent, python_reporter
from generator.records.extras import DEFAULT_EXTRAS, Extra, Projection
from generator.records.record import (
    AttentionRecord,
    FieldOfView,
    PatchQueries,
    RecordPicture,
    display_with,
)
from generator.records.store import Store
from generator.records.store import load_records as load_store
from generator.spec.gallery import GallerySpec, ModelSpec, default_store
from generator.spec.models import RegisterSpec, expand
from generator.spec.options import load_spec, merge
from generator.temporary import scratch

if TYPE_CHECKING:
    import pandas

display_with(record_html)

THUMBNAIL = 320
"""Longest side of the copy of a picture that a record shows in a notebook, in pixels."""

PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


def measure(
    model: str | Path,
    image: str | Path | Image.Image,
    *,
    resolution: int | None = None,
    field_of_view: FieldOfView = "square",
    patch_queries: Literal["auto"] | PatchQueries = "auto",
    extras: Sequence[Extra] | str = DEFAULT_EXTRAS,
    objects: Projection | Sequence[Projection] = "keys",
    target: int | None = None,
    test_time_registers: bool | RegisterSpec = False,
    state_dict: Mapping[str, Any] | None = None,
    device: str = "auto",
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
    trust_remote_code: bool = False,
    store: str | Path | None = None,
) -> AttentionRecord:
    """Measure one model on one image; nothing is kept on disk unless a store is given.

    The options are those of ``attention-gallery build``, with the same defaults.

    Args:
        model: id on the hub, optionally with ``@revision``, a local folder, or a file with a state
            dict of an original checkpoint.
        image: a file, or an open picture.
        resolution: short side of the input in pixels; None for the checkpoint's own.
        field_of_view: ``square``: the centered square; ``whole``: the whole picture;
            ``checkpoint``: the crop of the checkpoint's own processor.
        patch_queries: rows of the patches to keep in ``patch_attention``: ``mean`` over heads,
            all ``heads``, or ``off``; ``auto`` is ``mean`` up to a grid of 16x16 patches, and
            ``off`` above.
        extras: optional parts to measure, any of ``features``, ``massive``, ``values``,
            ``relevance`` and ``lens``, each the field of the record with that name; also ``all``,
            ``none``, or a text with commas. The last two need a model with a class head.
        objects: vectors of the last layer to keep in ``record.features`` for LOST and TokenCut:
            any of ``keys``, ``queries`` and ``values``.
        target: class index for relevance and the logit lens; None for the model's top class.
        test_time_registers: move outlier patches to a register that the model was not trained
            with (Jiang 2025), with register neurons found on this image alone; a
            :class:`RegisterSpec` sets the number of neurons and the layers to search.
        state_dict: how to read a file of weights: the keys of ``[models.state_dict]``, such as
            ``{"part": "teacher", "heads": 6}``; None for what the file says itself.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:0`` or ``mps``.
        dtype: dtype of weights and activations; softmax and norms are always float32.
        trust_remote_code: run code that comes with the checkpoint.
        store: folder of a store, such as that of ``build``: existing records are read from it, new
            ones are written to it. None for no store.

    Returns:
        The record: numpy arrays with named axes, attention in times uniform. Its
        ``attention[query, layer, head, key]`` is float16, its norms and statistics float32.

    Raises:
        GalleryError: the model or the image cannot be used; the message has the next step.
    """
    named: dict[str, Any] = {"id": str(model), "test_time_registers": test_time_registers}
    if state_dict is not None:
        named["state_dict"] = dict(state_dict)
    with scratch() as folder:
        if isinstance(image, Image.Image):
            path = folder / "image.png"
            _as_png(image).save(path)
        else:
            path = expand(image)
            if path.is_dir():
                raise ImageError(f"{path} is a folder.", "Name one picture.")
            if is_clip(path):
                raise ImageError(
                    f"{path.name} holds several frames.",
                    "Give one of them, as a picture opened with PIL.Image.",
                )
        spec = GallerySpec(
            models=(ModelSpec.model_validate(named),),
            images=(path,),
            out=folder / "site",
            store=folder / "store" if store is None else expand(store),
            resolution=resolution,
            field_of_view=field_of_view,
            patch_queries=patch_queries,
            extras=extras,
            objects=objects,
            target=target,
            device=device,
            dtype=dtype,
            trust_remote_code=trust_remote_code,
            strict=True,
        )
        records = Store(spec.store)
        plan = pipeline.planned_gallery(spec, records, Silent())
        measuring.measure_missing(spec, plan, records, Silent())
        (cell,) = plan.cells
        name = _name_of(image) or cell.image.name
        shown = RecordPicture(name, published_copy(path, THUMBNAIL))
        return replace(records.get(cell.key), picture=shown)


def _name_of(image: str | Path | Image.Image) -> str:
    """The file name of a picture; empty for one that was made in memory."""
    if isinstance(image, Image.Image):
        return Path(getattr(image, "filename", "") or "").name or "a picture in memory"
    return ""


def _as_png(image: Image.Image) -> Image.Image:
    """An open picture, upright and in a mode that PNG has."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in PNG_MODES:
        return upright
    converted = upright.convert("RGB")
    converted.info.pop("icc_profile", None)  # the profile belongs to the former mode
    return converted


def build(
    spec: GallerySpec | str | Path,
    out: str | Path | None = None,
    *,
    records_only: bool = False,
    progress: bool = True,
) -> BuildResult:
    """Build a gallery, as ``attention-gallery build`` does.

    Args:
        spec: a :class:`GallerySpec`, or a TOML file.
        out: folder of the site; None for the spec's own.
        records_only: measure nothing; needs neither torch nor a GPU.
        progress: show progress: bars on a terminal, a line that changes in a notebook.

    Returns:
        Where the site is, its numbers, and what failed. It stands for the path of ``index.html``.

    Raises:
        GalleryError: nothing could be built. A single model or image that fails does not raise,
            unless the spec is strict; the result and the site have the reason in its place.
        StoreError: a record is missing, and nothing may be measured.
    """
    if not isinstance(spec, GallerySpec):
        spec = load_spec(expand(spec))
    if out is not None:
        spec = merge(spec, out=Path(out))
    outcome = pipeline.build_gallery(
        spec,
        command="generator.build(...)",
        reporter=python_reporter(progress),
        records_only=records_only,
    )
    return result_of(outcome, spec.out)


def load_records(
    folder: str | Path, *, store: str | Path | None = None
) -> Iterator[AttentionRecord]:
    """The records of a site or of a store, one at a time.

    Args:
        folder: a site (its records are read from the store) or the folder of a store.
        store: folder of a site's records; None for the user's cache folder.

    Raises:
        StoreError: the folder is neither, or the store lacks a record of the site.
    """
    manifest = read_manifest(expand(folder))
    if manifest is None:
        return load_store(expand(folder))
    records = Store(expand(store) if store is not None else default_store())
    images = {item.slug: item for item in manifest.images}
    return (
        replace(records.get(cell.record), picture=_published(expand(folder), images[cell.image]))
        for cell in manifest.cells
        if cell.record
    )


def _published(site: Path, image: ImageItem) -> RecordPicture:
    """The picture of a site as a record shows it."""
    thumbs = (site / file.path for file in image.files if file.kind == "thumb")
    path = next((path for path in thumbs if path.is_file()), None)
    return RecordPicture(image.name, path.read_bytes() if path else b"")


def statistics(
    of: str | Path | BuildResult | AttentionRecord | Iterable[AttentionRecord],
    *,
    store: str | Path | None = None,
) -> pandas.DataFrame:
    """The statistics of records as a pandas DataFrame: one number a row, as ``export statistics``.

    Args:
        of: a site, a store, what ``build`` returned, a record, or several records.
        store: folder of a site's records; None for the user's cache folder.

    Returns:
        The columns ``model``, ``model_id``, ``commit``, ``intervention``, ``image``, ``layer``,
        ``head``, ``query``, ``key``, ``quantity``, ``unit`` and ``value``: float64 that reads as
        the record's float32, NaN where it does not exist. Layers and heads are texts, since they
        can be ``pool`` or ``min``.

    Raises:
        GalleryError: pandas is not installed.
        StoreError: the folder is neither a site nor a store, or the store lacks a record.
    """
    try:
        import pandas  # noqa: PLC0415 - only those who have it ask for it
    except ImportError as error:
        raise GalleryError(
            "Statistics as a DataFrame need pandas, which is not installed.",
            "pip install pandas, or use attention-gallery export statistics for a CSV file.",
        ) from error
    columns = [field.name for field in fields(StatisticsRow)]
    rows = map(astuple, _statistics(of, expand(store) if store is not None else default_store()))
    return pandas.DataFrame(rows, columns=columns).astype({"value": "float64"})


def _statistics(
    of: str | Path | BuildResult | AttentionRecord | Iterable[AttentionRecord], store: Path
) -> Iterator[StatisticsRow]:
    """The rows of a table; a site has labels of its models, records have their ids."""
    folder = of.site if isinstance(of, BuildResult) else of
    if isinstance(folder, str | Path):
        if read_manifest(expand(folder)) is not None:
            yield from rows_of(open_source(expand(folder), store))
            return
        folder = load_store(expand(folder))
    for record in (folder,) if isinstance(folder, AttentionRecord) else folder:
        yield from record_rows(record, record.model.id, record.image)


__all__ = [
    "BuildResult",
    "GalleryError",
    "GallerySpec",
    "ImageError",
    "StoreError",
    "build",
    "load_records",
    "measure",
    "statistics",
]
