"""Changes of a model's numbers between two galleries, and thresholds on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.analysis.absent import NotApplicable
from generator.analysis.compare.readings import MEASURES, Readings, first_layer
from generator.analysis.quantities.quantity import Quantity
from generator.errors import SpecError
from generator.records.record import FloatArray
from generator.spec.toml import did_you_mean
from generator.text.phrases import listed


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a value: image, layer, head.

    Attributes:
        image: name of the image in A.
        layer: from 1; 0 for the embedding; None if the value has no layer.
        head: from 1; None if the value has no head.
    """

    image: str
    layer: int | None
    head: int | None

    def __str__(self) -> str:
        parts = [self.image]
        if self.layer is not None:
            parts.append(f"layer {self.layer}" if self.layer else "embedding")
        if self.head is not None:
            parts.append(f"head {self.head}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Step:
    """One value in both galleries.

    Attributes:
        where: position of the value; None for a mean.
    """

    a: float
    b: float
    where: Place | None

    @property
    def change(self) -> float:
        """B less A."""
        return self.b - self.a

    @property
    def relative(self) -> float:
        """The change's size as a share of A's; infinite where A is 0 and B is not."""
        if self.change == 0:
            return 0.0
        return abs(self.change / self.a) if self.a else math.inf


@dataclass(frozen=True, slots=True)
class Change:
    """One measure of one model in both galleries.

    Attributes:
        images: how many images have it in both.
        mean: mean over these images, layers and heads; None where no image has it in both.
        largest: the largest single change; None where no image has the measure in both.
        relative: the largest change relative to its value in A; None where ``largest`` is.
        notes: what could not be compared, and why; it does not count as a change.
    """

    measure: Quantity
    images: int
    mean: Step | None
    largest: Step | None
    relative: Step | None
    notes: tuple[str, ...]


def changes(
    found: Iterable[tuple[str, Readings, Readings]], measures: Sequence[Quantity] = MEASURES
) -> tuple[Change, ...]:
    """Compare one model image by image, with one image in memory at a time.

    Args:
        found: name and readings in A and B, for each image.
    """
    tallies = [_Tally(measure) for measure in measures]
    for image, one, two in found:
        for tally in tallies:
            tally.add(image, one[tally.measure.id], two[tally.measure.id])
    return tuple(tally.change() for tally in tallies)


class _Tally:
    """Running change of one measure over images."""

    def __init__(self, measure: Quantity) -> None:
        self.measure = measure
        self.sums, self.values = [0.0, 0.0], [0, 0]
        self.seen = self.images = 0
        self.largest: Step | None = None
        self.relative: Step | None = None
        self.notes: dict[str, int] = {}

    def add(
        self, image: str, one: FloatArray | NotApplicable, two: FloatArray | NotApplicable
    ) -> None:
        self.seen += 1
        if isinstance(one, NotApplicable) or isinstance(two, NotApplicable):
            self._note(_absent(one, two))
            return
        one, two = np.asarray(one, np.float64), np.asarray(two, np.float64)
        alike = one.shape == two.shape
        if not alike:
            shapes = f"{_shape(self.measure, one)} in A, {_shape(self.measure, two)} in B"
            self._note(f"{shapes}: means over an image are compared")
            one, two = _mean(one), _mean(two)
        both = np.isfinite(one) & np.isfinite(two)
        if not both.all():
            alone = int((np.isfinite(one) ^ np.isfinite(two)).sum())
            self._note("no number" + (f" in one of the two at {alone} places" if alone else ""))
        if both.any():
            self._count(image, one, two, both, places=alike)

    def _count(
        self,
        image: str,
        one: FloatArray,
        two: FloatArray,
        both: NDArray[np.bool_],
        *,
        places: bool,
    ) -> None:
        self.images += 1
        for n, values in enumerate((one, two)):
            self.sums[n] += float(values[both].sum())
            self.values[n] += int(both.sum())
        size = np.where(both, np.abs(two - one), -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(size > 0, size / np.abs(one), size)
        largest, relative = (self._step(image, one, two, by, places=places) for by in (size, share))
        if self.largest is None or abs(largest.change) > abs(self.largest.change):
            self.largest = largest
        if self.relative is None or relative.relative > self.relative.relative:
            self.relative = relative

    def _step(
        self, image: str, one: FloatArray, two: FloatArray, by: FloatArray, *, places: bool
    ) -> Step:
        """The step at the position where ``by`` is largest."""
        at = np.unravel_index(int(by.argmax()), by.shape)
        numbers = [int(each) for each in at] if places else []
        layer = numbers[0] + first_layer(self.measure) if numbers else None
        head = numbers[1] + 1 if len(numbers) > 1 else None
        return Step(float(one[at]), float(two[at]), Place(image, layer, head))

    def _note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1

    def change(self) -> Change:
        count = self.values[0]
        return Change(
            measure=self.measure,
            images=self.images,
            mean=Step(self.sums[0] / count, self.sums[1] / count, None) if count else None,
            largest=self.largest,
            relative=self.relative,
            notes=tuple(
                text if times == self.seen else f"{text} ({times} of {self.seen} images)"
                for text, times in self.notes.items()
            ),
        )


def _absent(one: FloatArray | NotApplicable, two: FloatArray | NotApplicable) -> str:
    reasons = [each.reason if isinstance(each, NotApplicable) else "" for each in (one, two)]
    if reasons[0] == reasons[1]:
        return f"in neither: {reasons[0]}"
    return "; ".join(
        f"not in {name}: {reason}" for name, reason in zip("AB", reasons, strict=True) if reason
    )


def _shape(measure: Quantity, values: FloatArray) -> str:
    """A shape in words: ``12 layers and 3 heads``."""
    axes = (axis.removesuffix(" + 1").split()[-1] for axis in measure.axes)
    return listed(f"{count} {axis}s" for count, axis in zip(values.shape, axes, strict=True))


def _mean(values: FloatArray) -> FloatArray:
    finite = values[np.isfinite(values)]
    return np.asarray(finite.mean() if finite.size else np.nan)


@dataclass(frozen=True, slots=True)
class Threshold:
    """The largest change allowed for a measure.

    Attributes:
        text: the threshold as given.
        name: id of a measure, or of a quantity for all its parts.
        limit: largest change, in the measure's unit or as a share of the value in A.
        relative: whether the limit is a share.
        of_mean: whether the limit holds for the mean instead of every single value.
    """

    text: str
    name: str
    limit: float
    relative: bool
    of_mean: bool

    def passed(self, change: Change) -> Step | None:
        """The value that exceeds the threshold; None if none does or the measure differs."""
        if self.name not in (change.measure.id, change.measure.family):
            return None
        furthest = change.relative if self.relative else change.largest
        step = change.mean if self.of_mean else furthest
        if step is None:
            return None
        moved = step.relative if self.relative else abs(step.change)
        return step if moved > self.limit else None


def threshold(text: str, *, of_mean: bool = False) -> Threshold:
    """Read ``entropy=0.1`` (in the measure's unit) or ``entropy=5%`` (of the value in A).

    Raises:
        SpecError: there is no such measure, or the limit is not a non-negative number.
    """
    name, equals, given = text.partition("=")
    name, given = name.strip(), given.strip()
    relative = given.endswith("%")
    try:
        limit = float(given.removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        limit = math.nan
    if not equals or not (0 <= limit < math.inf):
        message = f"--threshold {text} names no limit from 0."
        raise SpecError(message, "Write entropy=0.1, in the quantity's unit, or entropy=5%.")
    chosen((name,), "--threshold")
    return Threshold(text, name, limit, relative, of_mean)


def chosen(names: Sequence[str], option: str = "--quantities") -> tuple[Quantity, ...]:
    """Select measures by their ids or their quantities' ids, in the table's order.

    Args:
        names: ids; all measures when empty.
        option: the command's option, for the message.

    Raises:
        SpecError: there is no such measure or quantity.
    """
    known = dict.fromkeys(n for measure in MEASURES for n in (measure.family, measure.id))
    for name in names:
        if name not in known:
            message = f"{option}: no quantity is called {name or 'nothing'}."
            raise SpecError(message, did_you_mean(name, known) or f"There are: {', '.join(known)}.")
    wanted = set(names)
    found = [each for each in MEASURES if not wanted or {each.id, each.family} & wanted]
    return tuple(found)
