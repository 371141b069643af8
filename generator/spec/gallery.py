"""Specification of a gallery and its TOML file.

The file, every key but ``models`` and ``images`` optional, paths relative to the file::

    title = "With and without registers"
    images = ["photos/", "extra/cat.jpg"]
    out = "site"
    resolution = 518
    models = ["facebook/dinov2-small", "facebook/dinov2-large@main", "./my-checkpoint"]

or, with settings for each model, tables instead of the short form::

    [[models]]
    id = "facebook/dinov2-with-registers-small"
    label = "with registers"
    resolution = 448

    [[models]]
    id = "facebook/dinov2-small"
    test_time_registers = true  # or { neurons = 10, up_to_layer = 9, calibration = "others" }

Checkpoints of one model along its training are a sweep (:mod:`generator.spec.sweeps`)::

    [[sweeps]]
    label = "our run"
    folders = "run/checkpoint-*"

A model is a local folder when such a folder exists, even if a model on the hub has the same name,
or when it is written as a path (it starts with ``.``, ``/``, ``~`` or a drive letter). Anything
else is an id on the Hugging Face hub, with ``@`` and a branch, tag or commit where wanted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from generator.errors import SpecError
from generator.records.extras import DEFAULT_EXTRAS, EXTRAS, Extra, Measuring, Projection
from generator.records.paper import HTTPS, Https, Paper
from generator.records.record import FieldOfView
from generator.spec.compare import Compare, compared
from generator.spec.dataset import DatasetSpec
from generator.spec.errors import in_words
from generator.spec.figures import FigureSpec
from generator.spec.jobs import Jobs
from generator.spec.models import (
    PIXELS,
    AnyPath,
    ModelSpec,
    Pixels,
    SpecSource,
    Text,
    expand,
    model_error,
    respelled,
)
from generator.spec.pictures import IMAGES, Address, PicturePlace, paths_of
from generator.spec.sequences import SequenceSpec
from generator.spec.size import DEFAULT_SITE_SIZE, SiteSize
from generator.spec.sweeps import SweepSpec
from generator.temporary import cache_folder

__all__ = ["GallerySpec", "ModelSpec", "default_store"]


def default_store() -> Path:
    """Default folder of the store: ``ATTENTION_GALLERY_CACHE``, or the user's cache folder."""
    return cache_folder()


def under_current_names(table: Any) -> Any:
    """Rename former keys of a gallery's table to their current names."""
    return respelled(table, {"figures": "analyses"})


_Flag = Annotated[bool, Field(strict=True)]
_FLAG = "true or false"


class GallerySpec(BaseModel):
    """Specification of a gallery. Frozen; the module shows the TOML form.

    Wrong values raise a :class:`SpecError`, from Python as well as from a file.

    Attributes:
        title: title of the gallery.
        description: one paragraph under the title.
        resolution: short side of every model's input in pixels; None for each checkpoint's own.
        models: the models, in the order of the columns; the checkpoints of sweeps come last.
        sweeps: training sweeps; each is one model at several steps of its training.
        images: files and folders of pictures, patterns such as ``photos/*.jpg``, lists of those in
            a ``.txt`` file, and addresses; a video, or an animated GIF or WebP, becomes a sequence.
        dataset: a data set whose pictures follow those of ``images``.
        sequences: clips and folders of numbered pictures whose frames belong together.
        out: the folder that the site is written to.
        field_of_view: ``square``: all models see the same centered square; ``whole``: the whole
            picture; ``checkpoint``: the crop of the checkpoint's own processor.
        device: ``auto`` for every GPU that CUDA has, or the best there is; ``cpu``, ``cuda``,
            ``cuda:1``, ``mps``; or several of one kind, a process on each, in a list or a text with
            commas.
        dtype: dtype of weights and activations; ``auto`` is float32.
        patch_queries: attention with patches as queries: ``mean`` over heads, all ``heads``, or
            ``off``; ``auto`` is ``mean`` up to a grid of 16x16 patches, and ``off`` above.
        extras: optional parts to measure: ``features``, ``massive``, ``values``,
            ``relevance``, ``lens``; also ``all`` or ``none``, or a text with commas.
        objects: vectors of the last layer for object discovery: ``keys``, ``queries``,
            ``values``, or several in a list or a text with commas.
        target: class index for relevance and the logit lens; None for each model's top class.
        batch_size: pictures per forward pass; None for as many as fit.
        jobs: processes that make pages; ``auto`` for one on each core. More than one are started
            anew, so a script that asks for them needs ``if __name__ == "__main__"``.
        ray: measure and make pages on a Ray cluster: ``auto`` for that of this machine, or the host
            and port of its head; None for this machine alone. Then ``device`` is ``auto``, ``cpu``
            or ``cuda``.
        trust_remote_code: run code that comes with a checkpoint.
        strict: stop at the first model or image that fails.
        store: folder of the record store.
        templates: folder of templates that override the built-in ones.
        groups: CSV file with the columns ``file`` and ``group``: headings to list images under.
        masks: folder of PNG files named as the images; objects are non-zero pixels.
        boxes: boxes around objects: a COCO JSON file, or a folder of VOC XML files.
        site_url: address of the published site, for absolute links.
        compare: pairs of models, by label or id, for comparison pages; empty or ``none`` for no
            such page; None for pairs that differ in registers only.
        paper: authors, venue and links of a paper, for the front page.
        analyses: whether pages of images show analyses; None for yes up to 200 images.
        figure: figures for papers, drawn into the folder ``figures`` of the site.
        anonymous: whether to withhold the authors' names and places.
        max_site_size: size limit of the site in bytes; None for no limit. The pages list the parts
            that were left out; the records keep everything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text = "Attention gallery"
    description: Text = ""
    resolution: Pixels | None = Field(None, description=PIXELS)
    models: tuple[ModelSpec, ...] = Field(
        min_length=1, description='a list of models such as ["facebook/dinov2-small"]'
    )
    sequences: tuple[SequenceSpec, ...] = Field((), description="tables [[sequences]]")
    sweeps: tuple[SweepSpec, ...] = Field((), description="tables [[sweeps]]")
    dataset: DatasetSpec | None = Field(None, description="a table [dataset]")
    images: tuple[PicturePlace, ...] = Field(description=IMAGES)
    out: AnyPath = Field(Path("site"), description="a folder")
    field_of_view: FieldOfView = Field("square", description="square, whole or checkpoint")
    device: str = Field(
        "auto",
        pattern=r"^(auto|mps|cuda|cpu(,cpu)*|cuda:[0-9]+(,cuda:[0-9]+)*)$",
        description="auto, cpu, cuda, cuda:0, mps, or several such as cuda:0,cuda:1",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto, float32, bfloat16 or float16"
    )
    patch_queries: Literal["auto", "off", "mean", "heads"] = Field(
        "auto", description="auto, off, mean or heads"
    )
    extras: tuple[Extra, ...] = Field(
        DEFAULT_EXTRAS, description=f"{', '.join(EXTRAS)}, all or none"
    )
    objects: tuple[Projection, ...] = Field(
        ("keys",), min_length=1, description="keys, queries or values, or several of them"
    )
    target: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        None, description="a class's number, from 0"
    )
    batch_size: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="a whole number from 1"
    )
    jobs: Jobs = None
    ray: str | None = Field(
        None,
        pattern=r"^(auto|[^/:\s]+:[0-9]{1,5})$",
        description="auto, or the host and port of a Ray cluster's head",
    )
    trust_remote_code: _Flag = Field(False, description=_FLAG)
    strict: _Flag = Field(False, description=_FLAG)
    store: AnyPath = Field(default_factory=default_store, description="a folder")
    templates: AnyPath | None = Field(None, description="a folder")
    groups: AnyPath | None = Field(None, description="a CSV file")
    masks: AnyPath | None = Field(None, description="a folder")
    boxes: AnyPath | None = Field(None, description="a JSON file or a folder")
    site_url: Https | None = Field(None, description=HTTPS)
    compare: Compare = None
    paper: Paper | None = Field(None, description="a table [paper]")
    analyses: _Flag | None = Field(None, description=_FLAG)
    figure: tuple[FigureSpec, ...] = Field((), description="tables [[figure]]")
    anonymous: _Flag = Field(False, description=_FLAG)
    max_site_size: SiteSize = DEFAULT_SITE_SIZE

    @field_validator("images")
    @classmethod
    def _some(
        cls, images: tuple[Path | Address, ...], info: ValidationInfo
    ) -> tuple[Path | Address, ...]:
        if not images and not info.data.get("sequences") and not info.data.get("dataset"):
            raise ValueError("no image")
        return images

    @field_validator("device", mode="before")
    @classmethod
    def _devices(cls, given: Any) -> Any:
        """Parse a list of devices, or a text with commas."""
        names = given.split(",") if isinstance(given, str) else given
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            return given
        return ",".join(name.strip() for name in names)

    @field_validator("extras", mode="before")
    @classmethod
    def _extras(cls, given: Any) -> Any:
        """Parse ``all``, ``none`` and texts with commas to a sorted tuple."""
        names = given.split(",") if isinstance(given, str) else given
        if not isinstance(names, list | tuple):
            return given
        words = [name.strip() if isinstance(name, str) else name for name in names]
        if words in (["none"], [""]):
            return ()
        return EXTRAS if words == ["all"] else tuple(words)

    @field_validator("objects", mode="before")
    @classmethod
    def _objects(cls, given: Any) -> Any:
        """Parse a name, a list of names or a text with commas to a sorted tuple."""
        names = given.split(",") if isinstance(given, str) else given
        if not isinstance(names, list | tuple):
            return given
        return tuple(name.strip() if isinstance(name, str) else name for name in names)

    @field_validator("extras", "objects")
    @classmethod
    def _in_order(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(names)))

    @model_validator(mode="wrap")
    @classmethod
    def _one_line(cls, values: Any, check: Any, info: ValidationInfo) -> Self:
        """Turn validation errors into one-line messages, also for errors across keys."""
        source = SpecSource.of(info)
        values = under_current_names(values)
        if isinstance(values, Mapping) and (values.get("sequences") or values.get("dataset")):
            values = {"images": (), **values}
        try:
            spec: Self = check(_with_checkpoints(values, info))
        except ValidationError as error:
            raise in_words(error, cls, source) from None
        spec._refuse_sweeps_of_one_label(source)
        spec._refuse_devices_of_a_cluster(source)
        spec._refuse_twins(source)
        spec._refuse_overwriting(source)
        spec._refuse_masks_as_images(source)
        spec._refuse_figures_of_one_name(source)
        compared(spec.compare or (), spec.labels, [m.id for m in spec.models], source)
        return spec

    @property
    def measuring(self) -> Measuring:
        """The optional parts to measure; settings that no part needs keep their defaults."""
        explained = not {"relevance", "lens"}.isdisjoint(self.extras)
        return Measuring(
            extras=self.extras,
            objects=self.objects if "features" in self.extras else ("keys",),
            target=self.target if explained else None,
        )

    @property
    def pairs(self) -> tuple[tuple[int, int], ...] | None:
        """Pairs of models to compare, as indices; None for automatic pairs."""
        if self.compare is None:
            return None
        return compared(self.compare, self.labels, [m.id for m in self.models], SpecSource())

    @property
    def processes(self) -> int | None:
        """Processes that make pages; None for one on each core."""
        return None if self.jobs == "auto" else self.jobs or 1

    @property
    def calibrations(self) -> tuple[Path, ...]:
        """Folders of calibration pictures for register neurons, besides the gallery's pictures."""
        asked = (model.test_time_registers for model in self.models)
        found = (one.calibration for one in asked if one and one.calibration)
        return tuple(dict.fromkeys(found))

    def resolution_of(self, model: ModelSpec) -> int | None:
        """Input resolution of a model; None for the checkpoint's own."""
        return model.resolution or self.resolution

    @property
    def labels(self) -> tuple[str, ...]:
        """The models' labels; equal labels get a suffix with the difference."""
        labels: list[str] = []
        for model in self.models:
            twins = [other for other in self.models if other.label == model.label]
            label = model.label
            if len(twins) > 1:
                label = f"{label} ({self._difference(model, twins)})"
            same = sum(earlier == label for earlier in labels)
            labels.append(f"{label} #{same + 1}" if same else label)
        return tuple(labels)

    def _difference(self, model: ModelSpec, twins: list[ModelSpec]) -> str:
        """The facts of a model that distinguish it among models of one label."""
        facts = [
            (
                m.id,
                Path(os.path.realpath(m.place)).parent.name if m.place else "",
                m.revision[:12],
                self._size(m),
                "test-time register" if m.test_time_registers else "",
            )
            for m in twins
        ]
        mine = facts[twins.index(model)]
        parts = [fact for n, fact in enumerate(mine) if len({other[n] for other in facts}) > 1]
        return ", ".join(part for part in parts if part) or "hub"

    def _size(self, model: ModelSpec) -> str:
        pixels = self.resolution_of(model)
        return f"{pixels} px" if pixels else "own size"

    def _refuse_devices_of_a_cluster(self, source: SpecSource) -> None:
        """Refuse to choose devices by number on a cluster, which gives each worker its own."""
        if self.ray and self.device not in ("auto", "cpu", "cuda"):
            message = f"{source.name('device')}: {self.device} cannot be chosen on a Ray cluster."
            raise SpecError(source.says("device", message), "Use auto, cpu or cuda.")

    def _refuse_twins(self, source: SpecSource) -> None:
        """Refuse two identical models: probably a mistake."""
        known = set()
        for model in self.models:
            identity = (
                Path(os.path.realpath(model.place)) if model.place else model.id,
                (id(model.opened), model.step) if model.opened else None,
                model.state_dict,
                model.revision,
                self.resolution_of(model),
                model.test_time_registers,
            )
            if identity in known:
                at = f"@{model.revision}" if model.revision else ""
                size = f" at {self._size(model)}" if self.resolution_of(model) else ""
                message = f"{model.id}{at} is given twice{size}."
                raise model_error(source, message, "Leave one out, or change its resolution.")
            known.add(identity)

    def _refuse_overwriting(self, source: SpecSource) -> None:
        """Refuse output folders with other content: building replaces the whole folder."""
        out = Path(os.path.realpath(self.out))  # resolve() raises where links go round
        precious = [
            ("the current folder", Path.cwd()),
            ("the home folder", expand("~")),
            *((f"the folder of {file}", Path(file).parent) for file in (source.file,) if file),
            ("the record store", self.store),
            *(("the templates", folder) for folder in (self.templates,) if folder),
            *(("the groups", table) for table in (self.groups,) if table),
            *(("the masks", folder) for folder in (self.masks,) if folder),
            *(("the boxes", place) for place in (self.boxes,) if place),
            *((f"the images {path}", path) for path in paths_of(self.images)),
            *((f"the sequence {item.path}", item.path) for item in self.sequences),
            *((f"the model {m.id}", m.place) for m in self.models if m.place),
            *(("the calibration pictures", place) for place in self.calibrations),
        ]
        for what, path in precious:
            place = Path(os.path.realpath(path))
            if out in (place, *place.parents):
                message = f"{source.name('out')}: a site in {self.out} would replace {what}."
                hint = "Name a folder of its own, such as site."
                raise SpecError(source.says("out", message), hint)

    def _refuse_sweeps_of_one_label(self, source: SpecSource) -> None:
        """Refuse sweeps with the same label: pages could not distinguish them."""
        labels = [sweep.label for sweep in self.sweeps]
        for label in labels:
            if labels.count(label) > 1:
                message = f"{source.name('sweeps')}: two sweeps are called {label}."
                raise SpecError(source.says("sweeps", message), "Give each a label of its own.")

    def _refuse_figures_of_one_name(self, source: SpecSource) -> None:
        """Refuse figures with the same name: they would overwrite each other."""
        names = [figure.name.lower() for figure in self.figure]
        for name in names:
            if names.count(name) > 1:
                message = f"Two figures are called {name}."
                raise SpecError(source.says("figure", message), "Give each a name of its own.")

    def _refuse_masks_as_images(self, source: SpecSource) -> None:
        """Refuse a mask folder that equals a folder of images; a subfolder is skipped instead."""
        if self.masks and os.path.realpath(self.masks) in map(
            os.path.realpath, paths_of(self.images)
        ):
            message = f"{source.name('masks')}: {self.masks} is also a folder of images."
            raise SpecError(source.says("masks", message), "Keep masks in a folder of their own.")


class _Sweeps(BaseModel):
    """Only the sweeps: their checkpoints are needed before models are validated."""

    sweeps: tuple[SweepSpec, ...]


def _with_checkpoints(values: Any, info: ValidationInfo) -> Any:
    """Append the checkpoints of sweeps to the models of a gallery's values."""
    if not isinstance(values, Mapping) or not values.get("sweeps"):
        return values
    sweeps = _Sweeps.model_validate({"sweeps": values["sweeps"]}, context=info.context).sweeps
    models = values.get("models", ())
    if not isinstance(models, list | tuple):
        return values
    own = [each for each in models if not (isinstance(each, ModelSpec) and each.sweep)]
    checkpoints = (model for sweep in sweeps for model in sweep.checkpoints)
    return {**values, "sweeps": sweeps, "models": (*own, *checkpoints)}
