"""Galleries of a training: a few pictures measured every so many steps, shown as a sweep."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, SupportsIndex

from generator import api
from generator.errors import GalleryError, SpecError
from generator.pipeline.opened import (
    NotMeasured,
    OpenModel,
    PastModel,
    Picture,
    expect_readable,
    pictures_of,
)
from generator.pipeline.result import BuildResult
from generator.progress import Job, Reporter, python_reporter
from generator.spec.gallery import default_store
from generator.spec.toml import kind_of

log = logging.getLogger(__name__)

Part = Callable[[Any], Any]
"""From what is trained to the module that is measured."""


class TrainingGallery:
    """A module along its training: measured at some steps, shown as a sweep at the end.

    For a loop of one's own; :func:`trainer_callback` and :func:`lightning_callback` call it::

        gallery = generator.TrainingGallery(["cat.jpg"], every=500, out="site", class_token=True,
                                            image_size=224, mean=MEAN, std=STD)
        for step, batch in enumerate(loader):
            ...
            gallery.at(step, module)
        gallery.finish()

    A step that cannot be measured is logged and does not end the training; a module that cannot be
    read raises at the first step.

    Args:
        images: files, and open pictures; a few.
        every: steps from one measurement to the next.
        out: folder of the site.
        store: folder of the store; None for the user's cache folder.
        label: name of the training on pages.
        part: gives the module to measure of what is trained; None for the whole.
        gallery: further fields of a :class:`GallerySpec`, such as ``title``.
        options: those of :func:`generator.open_model`.

    Attributes:
        steps: the module as it was, by step.
        failures: pictures that could not be measured.
        result: what :meth:`finish` built; None before.

    Raises:
        SpecError: ``every`` is no whole number from 1.
        ImageError: there is no picture, or one is missing or cannot be read.
    """

    def __init__(
        self,
        images: Iterable[Picture],
        *,
        every: int,
        out: str | Path = "site",
        store: str | Path | None = None,
        label: str = "training",
        part: Part | None = None,
        gallery: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.steps: dict[int, PastModel] = {}
        self.failures: list[NotMeasured] = []
        self.result: BuildResult | None = None
        self._images, self._every = list(pictures_of(images)), _checked_interval(every)
        expect_readable(self._images)
        self._out, self._label, self._part = out, label, part
        self._store = default_store() if store is None else store
        self._gallery, self._options = gallery or {}, {"name": label, **options}
        self._model: OpenModel | None = None

    def at(self, step: int, trained: Any) -> None:
        """A step of the training is done: measure, if it is the turn of this one.

        Args:
            step: steps done so far.
            trained: the module, or what ``part`` takes it from.
        """
        if step % self._every == 0:
            self.measure(step, trained)

    def measure(self, step: int, trained: Any) -> None:
        """Measure now, unless this step was measured already."""
        if step in self.steps:
            return
        if self._model is None:
            module = self._part(trained) if self._part else trained
            self._model = api.open_model(module, store=self._store, **self._options)
        try:
            then = self._model.as_it_is()
            found = self._model.measure_all(self._images, progress=False)
            failures = [each for each in found if isinstance(each, NotMeasured)]
        except GalleryError as error:
            log.warning("Step %d was not measured: %s", step, error)
            return
        self.failures += failures
        self.steps[step] = then.lacking(failures)
        if len(failures) == len(self._images) and len({each.reason for each in failures}) == 1:
            self.steps[step] = then.lacking(failures, f"{self._label}, step {step}: ")
            log.warning("Step %d was not measured: %s", step, failures[0].text)
            return
        for each in failures:
            log.warning("Step %d, %s: %s", step, each.image, each.text)

    def finish(self, *, progress: bool = True) -> BuildResult:
        """Build the gallery of the steps measured so far.

        Raises:
            GalleryError: it cannot be built, or no step was measured.
        """
        if not self.steps:
            raise SpecError(
                "No step of the training was measured.",
                "Call at() or measure() during the training, then finish(). If you did, the log "
                "says why each step failed.",
            )
        given: dict[str, Any] = {"out": self._out, "store": self._store, **self._gallery}
        if len(self.steps) > 1:
            given["sweeps"] = {self._label: self.steps}
        else:
            given["models"] = list(self.steps.values())
        measuring = {name: self._options[name] for name in api.MEASURING & self._options.keys()}
        reporter = _TrainingReporter(python_reporter(progress), self._label)
        self.result = api.build_with(reporter, images=self._images, **{**measuring, **given})
        return self.result

    def end(self, step: int, trained: Any) -> None:
        """The training is over: measure the last step, and build. A failure is logged."""
        self.measure(step, trained)
        try:
            self.finish()
        except (GalleryError, OSError) as error:
            log.warning("The gallery was not built: %s Call finish() to try again.", error)


def _checked_interval(every: object) -> int:
    """Steps from one measurement to the next.

    Raises:
        SpecError: it is no whole number from 1.
    """
    number = every.__index__() if isinstance(every, SupportsIndex) else 0
    if number < 1 or isinstance(every, bool):
        raise SpecError(
            f"every should be a whole number from 1, got {kind_of(every)}.",
            "Give the number of steps between measurements, such as every=500.",
        )
    return number


class _TrainingReporter:
    """Tells what all steps of a training share once, without the step.

    Args:
        reporter: receives the rest.
        label: of the training.
    """

    def __init__(self, reporter: Reporter, label: str) -> None:
        self._reporter = reporter
        self._step = re.compile(rf"{re.escape(label)}, step \d+: ")
        self._label = label
        self._told: set[str] = set()

    def note(self, text: str) -> None:
        """Report a message; once, if it differs from an earlier one in the step alone."""
        if step := self._step.match(text):
            text = f"{self._label}: {text[step.end() :]}"
            if text in self._told:
                return
            self._told.add(text)
        self._reporter.note(text)

    def failure(self, text: str) -> None:
        """Report what failed, while the rest goes on."""
        self._reporter.failure(text)

    def job(self, title: str, total: int, *, brief: bool = False) -> AbstractContextManager[Job]:
        """Context manager for a job of ``total`` steps."""
        return self._reporter.job(title, total, brief=brief)


class TrainerGallery(TrainingGallery):
    """The same as a callback of transformers' ``Trainer``, which is not imported for it."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Events of the trainer that are none of ours."""
        if not name.startswith("on_"):
            raise AttributeError(f"TrainerGallery has no attribute {name!r}")
        return _nothing

    def on_train_begin(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
        """Measure the start, which may be a checkpoint's."""
        if state.is_world_process_zero:
            self.measure(state.global_step, model)

    def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
        """Measure, if it is the turn of this step."""
        if state.is_world_process_zero:
            self.at(state.global_step, model)

    def on_train_end(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
        """Measure the end, and build the gallery."""
        if state.is_world_process_zero:
            self.end(state.global_step, model)


def _nothing(*_: Any, **__: Any) -> None:
    """An event of no interest."""


def trainer_callback(images: Iterable[Picture], *, every: int, **options: Any) -> TrainerGallery:
    """A callback for transformers' ``Trainer``: a gallery of the training at its end.

    The ``Trainer`` itself needs ``accelerate``.

    ::

        Trainer(..., callbacks=[generator.trainer_callback(["cat.jpg"], every=500, out="site")])

    Args:
        images: files, and open pictures; a few.
        every: optimizer steps from one measurement to the next.
        options: those of :class:`TrainingGallery`.
    """
    return TrainerGallery(images, every=every, **options)


def lightning_callback(images: Iterable[Picture], *, every: int, **options: Any) -> Any:
    """A callback for Lightning's ``Trainer``: a gallery of the training at its end.

    ::

        Trainer(..., callbacks=[generator.lightning_callback(["cat.jpg"], every=500, out="site",
                                part=lambda module: module.encoder, image_size=224, ...)])

    Args:
        images: files, and open pictures; a few.
        every: optimizer steps from one measurement to the next.
        options: those of :class:`TrainingGallery`.

    Returns:
        A ``lightning.pytorch.Callback``, whose ``gallery`` is a :class:`TrainingGallery`.

    Raises:
        GalleryError: neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """
    base: Any = _callback_class()

    class LightningGallery(base):  # type: ignore[misc]
        """Calls a :class:`TrainingGallery`."""

        def __init__(self) -> None:
            super().__init__()
            self.gallery = TrainingGallery(images, every=every, **options)

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.is_global_zero:
                self.gallery.measure(trainer.global_step, pl_module)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any, **__: Any) -> None:
            if trainer.is_global_zero:
                self.gallery.at(trainer.global_step, pl_module)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if trainer.is_global_zero:
                self.gallery.end(trainer.global_step, pl_module)

    return LightningGallery()


def _callback_class() -> type:
    """The base class of Lightning's callbacks, of either of its packages."""
    for package in ("lightning.pytorch", "pytorch_lightning"):
        try:
            found: type = import_module(package).Callback
        except ImportError:
            continue
        return found
    raise GalleryError("Lightning is not installed.", "pip install lightning.")
