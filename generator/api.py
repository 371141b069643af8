"""The public Python API: measure, open models, build, load records, statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from generator.capture.checkpoint.module_options import ModuleOptions
from generator.capture.loaders.module import open_module
from generator.errors import GalleryError, ImageError, SpecError, StoreError
from generator.export.numbers.statistics import StatisticsRow, record_rows, rows_of
from generator.export.source import open_source
from generator.pipeline import build as pipeline
from generator.pipeline.comparison import HEIGHT, Comparison, comparison_of, labeled
from generator.pipeline.opened import (
    KeptNetwork,
    NotMeasured,
    OpenModel,
    PastModel,
    Picture,
    picture_path,
    pictures_of,
)
from generator.pipeline.result import BuildResult, result_of
from generator.present.files.manifest import ImageItem
from generator.present.files.manifest_file import read_manifest
from generator.present.pages.notebook import record_html
from generator.progress import Reporter, python_reporter
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
from generator.spec.sweeps import SweepSpec
from generator.spec.toml import did_you_mean
from generator.temporary import scratch
from generator.text.phrases import counted

if TYPE_CHECKING:
    import pandas

display_with(record_html)

_LAST = KeptNetwork()
"""The network that ``measure`` loaded last: measuring another picture does not load it again."""


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

    The network stays in memory until another one is measured, so that a second picture does not
    load it again; :func:`open_model` has a handle for it, which can be closed. The options are
    those of ``attention-gallery build``, with the same defaults.

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
    settings = {
        "resolution": resolution,
        "field_of_view": field_of_view,
        "patch_queries": patch_queries,
        "extras": extras,
        "objects": objects,
        "target": target,
        "device": device,
        "dtype": dtype,
        "trust_remote_code": trust_remote_code,
        **({} if store is None else {"store": expand(store)}),
    }
    return OpenModel(ModelSpec.model_validate(named), settings, _LAST).measure(image)


def open_model(
    model: Any,
    *,
    name: str | None = None,
    call: Callable[..., Any] | None = None,
    patch_size: int | tuple[int, int] | None = None,
    class_token: bool | None = None,
    registers: int | None = None,
    image_size: int | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    processor: Any = None,
    test_time_registers: bool | RegisterSpec = False,
    state_dict: Mapping[str, Any] | None = None,
    store: str | Path | None = None,
    **measuring: Any,
) -> OpenModel:
    """Open a model, to measure many pictures with it: loaded once, or lent as it is in memory.

    ::

        with generator.open_model("facebook/dinov2-small") as model:
            for record in model.measure_all(Path("photos").glob("*.jpg")):
                print(record.image, record.entropy.mean())

        model = generator.open_model(
            my_module, class_token=True, registers=4, image_size=224,
            mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225),
        )
        model.measure("cat.jpg")

    Args:
        model: a hub id, a folder or a file, as for :func:`measure`; or a torch module, which stays
            where it is, in its own dtype. One of transformers or timm tells everything but, for
            transformers, its preprocessing. Of another one its blocks, heads and tokens are found
            by running it; ``image_size``, ``mean`` and ``std`` have to be said, and ``class_token``
            and ``registers`` where it has any.
        name: id of a module in records and on pages; None for the name of its class.
        call: how a module is called, given pixels ``[image, channel, row, column]``; None for
            ``module(pixels)``.
        patch_size: side of a patch in pixels; None for that of the module's patch convolution.
        class_token: whether the first token of a module is a class token.
        registers: number of register tokens of a module, behind the class token.
        image_size: side of a module's own input, in pixels.
        mean: subtracted from values from 0 to 1, for red, green and blue.
        std: divides after that.
        processor: an image processor of transformers, or its config, for a module.
        test_time_registers: as for :func:`measure`.
        state_dict: as for :func:`measure`.
        store: folder of a store for records; None for no store.
        measuring: ``resolution``, ``field_of_view``, ``patch_queries``, ``extras``, ``objects`` and
            ``target`` as for :func:`measure`; for a named model also ``device``, ``dtype`` and
            ``trust_remote_code``.

    Returns:
        A context manager with ``measure`` and ``measure_all``; ``build`` takes it as a model.

    Raises:
        SpecError: an option has a value that cannot be.
        GalleryError: the model cannot be read; for a module the message says what was found.
    """
    options = ModuleOptions(
        name, call, patch_size, class_token, registers, image_size, mean, std, processor
    )
    settings = {**measuring, **({} if store is None else {"store": expand(store)})}
    _expect_valid(settings)
    if not isinstance(model, str | Path):
        if not hasattr(model, "named_modules"):
            raise SpecError(
                f"A model is a torch module, or a text or path that names one; got "
                f"{type(model).__name__}.",
                'Name one, such as "facebook/dinov2-small", or give the module.',
            )
        if placed := sorted({"device", "dtype", "trust_remote_code"} & settings.keys()):
            raise SpecError(
                f"A module in memory has its own {placed[0]}.", f"Leave {placed[0]} out."
            )
        own = _registers(test_time_registers)
        return OpenModel(open_module(model, options), settings, test_time_registers=own)
    if said := [
        field.name for field in fields(options) if getattr(options, field.name) is not None
    ]:
        raise SpecError(f"{said[0]} is for modules in memory; {model} tells it.", "Leave it out.")
    named: dict[str, Any] = {"id": str(model), "test_time_registers": test_time_registers}
    if state_dict is not None:
        named["state_dict"] = dict(state_dict)
    return OpenModel(ModelSpec.model_validate(named), settings)


MEASURING = frozenset(
    {"resolution", "field_of_view", "patch_queries", "extras", "objects", "target", "device"}
    | {"dtype", "trust_remote_code", "batch_size", "store"}
)
"""Keys of a gallery that are about measuring one model."""


def _expect_valid(settings: Mapping[str, Any]) -> None:
    """Check the options of measuring.

    Raises:
        SpecError: one is unknown, or has a value that cannot be.
    """
    for name in settings:
        if name not in MEASURING:
            hint = did_you_mean(name, sorted(MEASURING)) or "help(generator.open_model) lists all."
            raise SpecError(f"open_model has no option {name}.", hint)
    checked = {name: value for name, value in settings.items() if name != "store"}
    GallerySpec(**checked, models=(ModelSpec.model_construct(id="any"),), images=(Path("any"),))


def _registers(asked: bool | RegisterSpec) -> RegisterSpec | None:
    if isinstance(asked, RegisterSpec):
        return asked
    return RegisterSpec() if asked else None


AnyModel = str | Path | ModelSpec | OpenModel | PastModel
"""A model of a gallery: named, specified, or open."""


def build(
    spec: GallerySpec | str | Path | None = None,
    out: str | Path | None = None,
    *,
    models: Iterable[AnyModel] = (),
    images: Iterable[Picture] = (),
    sweeps: Mapping[str, Mapping[int, AnyModel]] | None = None,
    records_only: bool = False,
    progress: bool = True,
    **options: Any,
) -> BuildResult:
    """Build a gallery, as ``attention-gallery build`` does.

    ::

        generator.build("gallery.toml", "site")
        generator.build(models=["facebook/dinov2-small", model], images=["photos"], out="site")

    Args:
        spec: a :class:`GallerySpec`, or a TOML file; None where models and images are given here.
        out: folder of the site; None for the spec's own.
        models: ids, folders, and models from :func:`open_model`; in place of the spec's.
        images: files and folders, and open pictures; in place of the spec's.
        sweeps: label of a training -> its models by step. A model in memory is shown as it was by
            ``model.as_it_is()``, if these pictures were measured then, into the same store.
        records_only: measure nothing; needs neither torch nor a GPU.
        progress: show progress: bars on a terminal, a line that changes in a notebook.
        options: other fields of a :class:`GallerySpec`, in place of the spec's.

    Returns:
        Where the site is, its numbers, and what failed. It stands for the path of ``index.html``.

    Raises:
        GalleryError: nothing could be built. A single model or image that fails does not raise,
            unless the spec is strict; the result and the site have the reason in its place.
        StoreError: a record is missing, and nothing may be measured.
    """
    return build_with(
        python_reporter(progress),
        spec,
        out,
        models=models,
        images=images,
        sweeps=sweeps,
        records_only=records_only,
        **options,
    )


def build_with(
    reporter: Reporter,
    spec: GallerySpec | str | Path | None = None,
    out: str | Path | None = None,
    *,
    models: Iterable[AnyModel] = (),
    images: Iterable[Picture] = (),
    sweeps: Mapping[str, Mapping[int, AnyModel]] | None = None,
    records_only: bool = False,
    **options: Any,
) -> BuildResult:
    """:func:`build`, with a reporter of one's own."""
    with scratch() as folder:
        given = dict(options)
        if out is not None:
            given["out"] = Path(out)
        if pictures := list(pictures_of(images)):
            given["images"] = tuple(
                picture_path(each, folder, n) for n, each in enumerate(pictures)
            )
        if sweeps:
            given["sweeps"] = tuple(_sweep(label, steps) for label, steps in sweeps.items())
        if found := tuple(_as_model(model) for model in _models_of(models)):
            given["models"] = found
        if isinstance(spec, GallerySpec):
            whole = merge(spec, **given)
        elif spec is not None:
            whole = load_spec(expand(spec), **given)
        else:
            whole = GallerySpec.model_validate(given)
        outcome = pipeline.build_gallery(
            whole,
            command="generator.build(...)",
            reporter=reporter,
            records_only=records_only,
        )
    return result_of(outcome, whole.out)


def _models_of(models: Any) -> Iterable[Any]:
    """Models as they were given; a single one becomes a list."""
    one = (str, Path, ModelSpec, OpenModel, PastModel, AttentionRecord)
    return [models] if isinstance(models, one) else models


def _as_model(model: AnyModel, **more: Any) -> ModelSpec:
    """A model as a gallery's, with its place in a sweep."""
    if isinstance(model, OpenModel):
        return model.as_model(**more)
    if isinstance(model, PastModel):
        return ModelSpec.of_opened(model, **more)
    found = model if isinstance(model, ModelSpec) else ModelSpec.model_validate(str(model))
    return found.model_copy(update=more) if more else found


def _sweep(label: str, steps: Mapping[int, AnyModel]) -> SweepSpec:
    """A training's models by step."""
    if len(steps) < 2:
        raise SpecError(
            f"The sweep {label} has {counted(len(steps), 'step')}.", "A single model is a model."
        )
    return SweepSpec.model_construct(
        label=label,
        named=True,
        checkpoints=tuple(
            _as_model(steps[step], label=f"{label}, step {step}", sweep=label, step=step)
            for step in sorted(steps)
        ),
    )


def compare(
    models: Iterable[AttentionRecord | AnyModel] | Mapping[str, AttentionRecord | AnyModel],
    image: Picture,
    *,
    height: int = HEIGHT,
    **measuring: Any,
) -> Comparison:
    """Compare models on one picture, interactively, in a notebook.

    ::

        generator.compare(["facebook/dinov2-small", my_open_model], "cat.jpg")

    The cell shows the image page of a gallery in one frame: maps, walls, any patch as the query,
    differences. It needs no server, and a saved notebook keeps it.

    Args:
        models: records of this picture, or models to measure on it: ids, folders, open models;
            optionally by label.
        image: a file, or an open picture; for records the one that was measured.
        height: of the frame, in CSS pixels.
        measuring: options of :func:`measure`, for models that are named.

    Returns:
        What the notebook shows; ``html`` is the document.

    Raises:
        GalleryError: a model or the picture cannot be used, or a record is of another picture.
    """
    labels = list(models) if isinstance(models, Mapping) else []
    given = list(models.values() if isinstance(models, Mapping) else _models_of(models))
    records = [_record_of(each, image, measuring) for each in given]
    named = dict(zip(labels, records, strict=True)) if labels else labeled(records)
    return comparison_of(named, image, height)


def _record_of(
    model: AttentionRecord | AnyModel, image: Picture, measuring: Mapping[str, Any]
) -> AttentionRecord:
    if isinstance(model, AttentionRecord):
        return model
    if isinstance(model, PastModel):
        raise SpecError(f"{model.id} is no longer in memory.", "Give its record of this picture.")
    if isinstance(model, ModelSpec):
        return OpenModel(model, measuring, _LAST).measure(image)
    return (
        model.measure(image) if isinstance(model, OpenModel) else measure(model, image, **measuring)
    )


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
    "AttentionRecord",
    "BuildResult",
    "Comparison",
    "GalleryError",
    "GallerySpec",
    "ImageError",
    "NotMeasured",
    "OpenModel",
    "StoreError",
    "build",
    "compare",
    "load_records",
    "measure",
    "open_model",
    "statistics",
]
