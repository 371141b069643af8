"""An open model: loaded once, measured on many pictures, shown in galleries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from PIL import Image, ImageOps

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.loaders.module import ModuleLoader, resolve_module
from generator.errors import GalleryError, ImageError, ModelError
from generator.images.clips import is_clip
from generator.images.find import load_images
from generator.images.pixels import open_picture
from generator.pipeline.checked import CheckedFiles
from generator.pipeline.measuring import measure_missing
from generator.pipeline.plan import resolve, work_plan
from generator.pipeline.workers.measurer import AGAIN
from generator.present.drawing.pictures import published_copy
from generator.progress import Silent, python_reporter
from generator.records.record import AttentionRecord, RecordPicture
from generator.records.run import Failure, ImageEntry
from generator.records.store import Store
from generator.spec.gallery import GallerySpec, ModelSpec
from generator.spec.models import expand
from generator.temporary import scratch

if TYPE_CHECKING:
    from generator.capture.models.load import LoadedModel

Picture = str | Path | Image.Image
"""A file, or an open picture."""

WINDOW = 16
"""Pictures that are planned together; a module in memory is hashed once for each window."""

THUMBNAIL = 320
"""Longest side of the copy of a picture that a record shows in a notebook, in pixels."""

ALONE = "Call measure() with it alone: the error that it raises has the network's own as its cause."

PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A picture without a record, in the place of the record.

    Attributes:
        image: name of the picture.
        reason: what happened.
        hint: the next step; may be empty.
    """

    image: str
    reason: str
    hint: str = ""

    def __bool__(self) -> bool:
        return False

    @property
    def text(self) -> str:
        """Reason and hint."""
        return f"{self.reason} {self.hint}".rstrip()


class KeptNetwork:
    """A slot for one loaded network: the next call with the same model finds it there."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._network: LoadedModel | None = None

    def load(self, resolved: ResolvedModel, device: Any, dtype: Any) -> LoadedModel:
        """The network, loaded if another one was asked for last."""
        from generator.capture.models.load import load  # noqa: PLC0415 - torch

        key = (resolved.location, resolved.version, resolved.trust_remote_code, device, dtype)
        if self._network is None or key != self._key:
            self.clear()  # never two at a time
            self._key, self._network = key, load(resolved, device=device, dtype=dtype)
        return self._network

    def clear(self) -> None:
        """Give the memory back."""
        self._key, self._network = (), None


class OpenModel:
    """A model that stays loaded: a context manager, or closed by hand.

    Made by :func:`generator.open_model`. A model of the hub or a folder is resolved once. A module
    in memory is measured as it is at each call: its version is the hash of its weights, so records
    of other weights are never mixed up. It is left as found: mode, gradients, hooks, device, dtype
    and random numbers.

    Args:
        model: named, or found in memory.
        settings: fields of a :class:`GallerySpec` on measuring.
        kept: where the network is kept.
        test_time_registers: as in a :class:`ModelSpec`.
    """

    def __init__(
        self,
        model: ModelSpec | ModuleLoader,
        settings: Mapping[str, Any],
        kept: KeptNetwork | None = None,
        test_time_registers: Any = None,
    ) -> None:
        self._settings = dict(settings)
        self._kept = kept or KeptNetwork()
        self._module = model if isinstance(model, ModuleLoader) else None
        self._named: ResolvedModel | None = None
        self._registers = test_time_registers
        if isinstance(model, ModelSpec):
            trust = bool(self._settings.get("trust_remote_code", False))
            self._named = resolve(model, trust_remote_code=trust)
            self._registers = model.test_time_registers
        self.id = self.resolved().id if self._module is None else self._module.name

    def __repr__(self) -> str:
        found = self._named or self._module
        assert found is not None
        vision = found.vision
        prefix = ", ".join((*vision.prefix, "patches"))
        return (
            f"<OpenModel {self.id}: {vision.layers} layers x {vision.heads} heads, {prefix} of "
            f"{vision.patch_height} x {vision.patch_width} px>"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory of a loaded network back; measuring again loads it again."""
        self._kept.clear()

    def resolved(self) -> ResolvedModel:
        """Geometry, preprocessing and version, as the model is now."""
        if self._module is not None:
            return resolve_module(self._module)
        assert self._named is not None
        return self._named

    def load(self, resolved: ResolvedModel, device: Any, dtype: Any) -> LoadedModel:
        """The network, loaded once; a module in memory is used where it is.

        Raises:
            ModelError: its weights cannot be loaded, or hold NaN or infinity.
        """
        return self._kept.load(resolved, device, dtype)

    def as_model(self, label: str = "", **more: Any) -> ModelSpec:
        """The model as one of a gallery's.

        Args:
            label: name on pages; the id by default.
            more: other fields of a :class:`ModelSpec`.
        """
        own = {"resolution": self._settings.get("resolution")}
        own["test_time_registers"] = self._registers
        return ModelSpec.of_opened(self, label, **{**own, **more})

    def as_it_is(self) -> PastModel:
        """The model as it is now, to be shown later by what was measured of it."""
        return PastModel(self.resolved())

    def measure(self, image: Picture) -> AttentionRecord:
        """Measure one picture.

        Raises:
            GalleryError: the model or the image cannot be used; the message has the next step.
        """
        (found,) = self._measured([image], strict=True)
        assert isinstance(found, AttentionRecord)
        return found

    def measure_all(
        self, images: Iterable[Picture], *, progress: bool = True
    ) -> Iterator[AttentionRecord | NotMeasured]:
        """Measure many pictures, a few at a time, in order.

        Args:
            images: files and open pictures; they may be made one by one.
            progress: show progress, where the number of pictures is known.

        Yields:
            A record for each picture, or a :class:`NotMeasured`, which is false, with the reason.

        Raises:
            StoreError: the store cannot be written.
        """
        images = pictures_of(images)
        total = len(images) if isinstance(images, Sized) else 0
        with python_reporter(progress and bool(total)).job(self.id, total) as job:
            rest = iter(images)
            # A picture may be closed when the next one is asked for, so each is read at once.
            while found := self._measured(islice(rest, WINDOW), strict=False):
                for each in found:
                    job.advance()
                    yield each

    def _measured(
        self, images: Iterable[Picture], *, strict: bool
    ) -> list[AttentionRecord | NotMeasured]:
        """A record of each picture, or why there is none; the first failure raises if strict."""
        with scratch() as folder:
            given = [_given(image, folder, n, strict=strict) for n, image in enumerate(images)]
            found = [each for each in given if isinstance(each, _Given)]
            measured = iter(self._records(found, folder, strict=strict))
            return [each if isinstance(each, NotMeasured) else next(measured) for each in given]

    def _records(
        self, given: Sequence[_Given], folder: Path, *, strict: bool
    ) -> Iterator[AttentionRecord | NotMeasured]:
        from generator.capture.models.foreign import running_errors  # noqa: PLC0415 - heavy

        if not given:
            return
        spec = GallerySpec(
            **{"store": folder / "store", **self._settings, "strict": strict},
            models=(self.as_model(),),
            images=tuple(each.entry.path for each in given),
            out=folder / "site",
        )
        store = Store(spec.store)
        plan = work_plan(spec, store, [each.entry for each in given], CheckedFiles(store))
        named = given[0].name if len(given) == 1 else ""
        with running_errors(self.resolved(), named):
            problems = measure_missing(spec, plan, store, Silent())
        for each, cell in zip(given, plan.cells, strict=True):
            problem = cell.failure or problems.get(cell.key)
            if problem is not None:
                hint = ALONE if problem.hint == AGAIN else problem.hint
                yield NotMeasured(each.name, problem.message, hint)
                continue
            shown = RecordPicture(
                each.name, published_copy(open_picture(each.entry.path), THUMBNAIL)
            )
            yield replace(store.get(cell.key), picture=shown)


@dataclass(frozen=True, slots=True)
class PastModel:
    """A model as it was: its records can be shown, and no new ones measured.

    Attributes:
        then: its geometry, preprocessing and version at that time.
        problem: why pictures could not be measured then; None if all were.
    """

    then: ResolvedModel
    problem: Failure | None = None

    def lacking(self, failures: Sequence[NotMeasured], where: str = "") -> PastModel:
        """The same, without records of some pictures.

        Args:
            failures: pictures that could not be measured.
            where: put in front of the reason.
        """
        if not failures:
            return self
        reasons = " ".join(dict.fromkeys(each.reason for each in failures))
        return replace(self, problem=Failure(f"{where}{reasons}", failures[0].hint))

    @property
    def id(self) -> str:
        """Id in records and on pages."""
        return self.then.id

    def resolved(self) -> ResolvedModel:
        """As it was."""
        return self.then

    def load(self, resolved: ResolvedModel, device: Any, dtype: Any) -> LoadedModel:
        """Its weights are gone.

        Raises:
            ModelError: always.
        """
        if self.problem is not None:
            raise ModelError(self.problem.message, self.problem.hint)
        raise ModelError(
            f"The weights of {self.id} at {resolved.version[:12]} are no longer in memory.",
            "Show the pictures and options that were measured while they were.",
        )


@dataclass(frozen=True, slots=True)
class _Given:
    """A readable picture, and what the caller calls it."""

    name: str
    entry: ImageEntry


def _given(image: Picture, folder: Path, number: int, *, strict: bool) -> _Given | NotMeasured:
    """A picture as a file; an open one is written to the folder."""
    name = name_of(image)
    try:
        path = picture_file(image, folder / f"image-{number}.png")
        (entry,) = load_images([path])
        if entry.failure is not None:
            raise ImageError(entry.failure.message, entry.failure.hint)
    except GalleryError as error:
        if strict:
            raise
        return NotMeasured(name, error.message, error.hint)
    return _Given(name, entry)


def expect_readable(images: Sequence[Picture]) -> None:
    """Find pictures and read their headers, before anything is measured.

    Raises:
        ImageError: there is none, or one is missing or cannot be read.
    """
    if not images:
        raise ImageError("No pictures were given.", 'Name a few, such as ["cat.jpg"].', usage=True)
    with scratch() as folder:
        for number, image in enumerate(images):
            _given(image, folder, number, strict=True)


def pictures_of(images: Picture | Iterable[Picture]) -> Iterable[Picture]:
    """Pictures as they were given; a single one becomes a list, for a text is a list of letters.

    Raises:
        ImageError: it is an array, which is no list of its lines, or nothing that has pictures.
    """
    if isinstance(images, str | Path | Image.Image):
        return [images]
    several = hasattr(images, "__iter__") or hasattr(images, "__getitem__")
    return images if several and not hasattr(images, "__array__") else [_checked(images)]


def _checked(image: object) -> Picture:
    """A picture, as Python callers may give anything.

    Raises:
        ImageError: it is neither a path nor an open picture.
    """
    if not isinstance(image, str | Path | Image.Image):
        raise ImageError(
            f"A picture is a path, or is opened with PIL.Image; got {type(image).__name__}.",
            "Make an array a picture with PIL.Image.fromarray.",
            usage=True,
        )
    return image


def name_of(image: Picture) -> str:
    """The file name of a picture, if it has one.

    Raises:
        ImageError: it is neither a path nor an open picture.
    """
    image = _checked(image)
    path = getattr(image, "filename", "") if isinstance(image, Image.Image) else image
    return Path(path or "").name or "a picture in memory"


def picture_file(image: Picture, place: Path) -> Path:
    """The file of a picture.

    Args:
        image: a file, or an open picture.
        place: written for an open picture, as PNG.

    Raises:
        ImageError: it is a folder, or a clip.
    """
    if isinstance(image, Image.Image):
        _as_png(image).save(place)
        return place
    path = expand(image)
    if path.is_dir():
        raise ImageError(f"{path} is a folder.", "Name one picture.", usage=True)
    if is_clip(path):
        raise ImageError(
            f"{path.name} holds several frames.",
            "Give one of them, as a picture opened with PIL.Image.",
            usage=True,
        )
    return path


def picture_path(image: Picture, folder: Path, number: int) -> str | Path:
    """A picture as a gallery takes it, which may also be a folder, a clip or an address.

    An open picture is written to the folder, under its own name if it has one.
    """
    if not isinstance(image, Image.Image):
        return image
    own = Path(getattr(image, "filename", "") or f"picture-{number + 1}").stem
    place = folder / "pictures" / f"{number:04}" / f"{own}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    return picture_file(image, place)


def _as_png(image: Image.Image) -> Image.Image:
    """An open picture, upright and in a mode that PNG has."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in PNG_MODES:
        return upright
    converted = upright.convert("RGB")
    converted.info.pop("icc_profile", None)  # the profile belongs to the former mode
    return converted
