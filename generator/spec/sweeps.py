"""Specification of training sweeps: checkpoints of one model, each becomes a model.

In a gallery file, one of the two::

    [[sweeps]]
    label = "our run"
    id = "org/model"
    revisions = ["step1000", "step2000"]

    [[sweeps]]
    folders = "run/checkpoint-*"
    steps = [1000, 2000]  # only where the names hold no numbers

The step of a checkpoint is the last number in its name, unless ``steps`` gives it.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from generator.errors import SpecError
from generator.spec.models import PIXELS, ModelSpec, Pixels, SpecSource, Text, expand
from generator.spec.toml import shortened

Step = Annotated[int, Field(strict=True, ge=0)]


class SweepSpec(BaseModel):
    """One model at several steps of its training.

    Attributes:
        label: name on pages; by default the id, or the name of the checkpoints' folder.
        id: hub id of the model, with ``revisions``.
        revisions: branches, tags or commits, one for each checkpoint.
        folders: a pattern such as ``run/checkpoint-*``, or a list of folders.
        steps: training steps in the order of the checkpoints; without it, read from the names.
        resolution: short side of the input in pixels; None for the gallery's.
        named: whether the label was given.
        checkpoints: models of the checkpoints by step, with labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Text = ""
    id: Text = ""
    revisions: tuple[Text, ...] = Field((), description="a list of branches, tags or commits")
    folders: str | tuple[Text, ...] = Field(
        "", description='a pattern such as "run/checkpoint-*", or a list of folders'
    )
    steps: tuple[Step, ...] | None = Field(None, description="a list of whole numbers from 0")
    resolution: Pixels | None = Field(None, description=PIXELS)
    named: bool = False
    checkpoints: tuple[ModelSpec, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _short(cls, values: Any, info: ValidationInfo) -> Any:
        """Accept the short form: a pattern of folders, or an id with revisions after ``@``."""
        if isinstance(values, Mapping):
            for hidden in {"named", "checkpoints"} & set(values):
                raise _error(SpecSource.of(info), f"unknown key {hidden}", "Leave it out.")
        if not isinstance(values, str):
            return values
        name, at, revisions = values.partition("@")
        if at and not any(_folders((values,), SpecSource.of(info).base)):
            return {"id": name, "revisions": [r.strip() for r in revisions.split(",")]}
        return {"folders": values}

    @model_validator(mode="wrap")
    @classmethod
    def _found(cls, values: Any, check: Any, info: ValidationInfo) -> SweepSpec:
        """Find the checkpoints, and their steps."""
        if isinstance(values, SweepSpec):
            return values
        spec: SweepSpec = check(values)
        source = SpecSource.of(info)
        names = _checkpoints(spec, source)
        what = spec.id or f"folders {_pattern(spec)}"
        if len(names) < 2:
            raise _error(
                source,
                f"{what} is {'one checkpoint' if names else 'no checkpoint'}",
                "Name two or more; a single one is a model.",
            )
        steps = _steps(spec, [name for name, _ in names], source)
        label = spec.label or spec.id or _folder_name(names[0][1])
        found = [
            (
                step,
                ModelSpec.model_validate(
                    table | {"label": f"{label}, step {step}", "resolution": spec.resolution},
                    context=source,
                ),
            )
            for step, (_, table) in zip(steps, names, strict=True)
        ]
        found.sort(key=lambda item: item[0])
        return spec.model_copy(
            update={
                "label": label,
                "named": bool(spec.label or spec.id),
                "checkpoints": tuple(
                    model.model_copy(update={"sweep": label, "step": step}) for step, model in found
                ),
            }
        )


def _checkpoints(spec: SweepSpec, source: SpecSource) -> list[tuple[str, dict[str, str]]]:
    """Name and model text of each checkpoint."""
    if bool(spec.id) == bool(spec.folders) or bool(spec.id) != bool(spec.revisions):
        raise _error(
            source,
            "a sweep is an id with revisions, or folders",
            'Write id = "org/model" and revisions = [...], or folders = "run/checkpoint-*".',
        )
    if spec.id:
        return [(each, {"id": spec.id, "revision": each}) for each in spec.revisions]
    patterns = (spec.folders,) if isinstance(spec.folders, str) else spec.folders
    found = _folders(patterns, source.base)
    if not found:
        raise _error(source, f"no folder is called {_pattern(spec)}", "Check the path.")
    return [(path.name, {"id": str(path.absolute())}) for path in found]


def _folders(patterns: Sequence[str], base: Path) -> list[Path]:
    """Folders in the order of the patterns, then by the numbers in their names."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        whole = Path(glob.escape(str(base))) / expand(pattern)
        # A pattern may be absolute, which Path.glob does not take.
        paths = (Path(each) for each in glob.glob(str(whole)))  # noqa: PTH207
        folders = sorted((path for path in paths if path.is_dir()), key=_by_number)
        found.update(dict.fromkeys(folders))
    return list(found)


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sort key: numbers by value, the rest as text."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def _pattern(spec: SweepSpec) -> str:
    return spec.folders if isinstance(spec.folders, str) else ", ".join(spec.folders)


def _folder_name(table: Mapping[str, str]) -> str:
    """Name of the parent folder of the checkpoints."""
    return Path(table["id"]).resolve().parent.name or "sweep"


def _steps(spec: SweepSpec, names: Sequence[str], source: SpecSource) -> list[int]:
    """The step of each checkpoint.

    Raises:
        SpecError: a name holds no number, two have the same, or there are more or fewer steps.
    """
    if spec.steps is not None and len(spec.steps) != len(names):
        raise _error(
            source,
            f"there are {len(spec.steps)} steps for {len(names)} checkpoints",
            f"The checkpoints are {_listed(names)}.",
        )
    found: dict[int, str] = {}
    for place, name in enumerate(names):
        numbers = re.findall(r"\d+", name)
        if spec.steps is None and not numbers:
            raise _error(
                source,
                f"{name} has no number in its name to be its step",
                "Give the steps of all checkpoints: steps = [1000, 2000].",
            )
        step = spec.steps[place] if spec.steps is not None else int(numbers[-1])
        if step in found:
            raise _error(
                source,
                f"{found[step]} and {name} would both be step {step}",
                "Give each checkpoint a step of its own: steps = [1000, 2000].",
            )
        found[step] = name
    return list(found)


def _listed(names: Sequence[str]) -> str:
    return shortened(", ".join(names))


def _error(source: SpecSource, what: str, hint: str) -> SpecError:
    option = "--sweep" if "sweeps" in source.options else "sweeps"
    return SpecError(source.says("sweeps", f"{option}: {what}."), hint)
