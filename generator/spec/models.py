"""Specification of a model: hub id or local folder, and its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, runtime_checkable
from urllib.parse import parse_qsl

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from generator.errors import SpecError
from generator.spec.toml import did_you_mean_beside, shortened

_SHORT_OPTIONS = {
    "models": "-m",
    "images": "-i",
    "out": "-o",
    "sequences": "--sequence",
    "sweeps": "--sweep",
}
_HUB_NAME = r"\w(?:\w|[.-](?=\w))*"  # no .. or --, as on the hub
_HUB_ID = re.compile(rf"(?=.{{1,96}}$)(?:{_HUB_NAME}/)?{_HUB_NAME}", re.ASCII)
_HUB_ADDRESS = re.compile(r"https?://(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+).*")
STATE_DICTS = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
"""Endings of files that may hold a state dict."""

_TIMM = re.compile(r"(?:hf[-_]hub|local-dir):")
"""How timm marks what it loads; the name behind it says as much."""

_PATH = re.compile(r"[./~\\]|[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class SpecSource:
    """Origin of values, for messages and relative paths.

    Attributes:
        file: the file as the user wrote it; empty for the command line or Python.
        base: base folder of relative paths.
        options: keys given on the command line.
    """

    file: str = ""
    base: Path = Path()
    options: frozenset[str] = frozenset()

    @staticmethod
    def of(info: ValidationInfo) -> SpecSource:
        """The source from pydantic's validation context."""
        return info.context if isinstance(info.context, SpecSource) else SpecSource()

    def says(self, key: str, message: str) -> str:
        """Prefix a message with the file, unless the key came from the command line."""
        return f"{self.file}: {message}" if self.file and key not in self.options else message

    def name(self, key: str) -> str:
        """A key as the user wrote it: ``out`` or ``-o``."""
        if key not in self.options:
            return key
        return _SHORT_OPTIONS.get(key, "--" + key.replace("_", "-"))


def expand(path: str | Path) -> Path:
    """Expand ``~`` in a path; unchanged if the home folder is unknown."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def respelled(table: Any, names: Mapping[str, str]) -> Any:
    """Rename former keys of a table to their current names.

    If both names are present, the former one stays and is refused as unknown.

    Args:
        table: table from the file; other values are returned unchanged.
        names: former name -> current name.
    """
    if not isinstance(table, Mapping):
        return table
    current = {old: new for old, new in names.items() if new not in table}
    return {current.get(key, key): value for key, value in table.items()}


def _resolve(value: object, info: ValidationInfo) -> object:
    """Resolve a text relative to the source, and a Path relative to the current folder."""
    if isinstance(value, Path):
        return expand(value)
    if not isinstance(value, str):
        return value
    if not value.strip() or "\0" in value:
        raise ValueError("no path")
    return SpecSource.of(info).base / expand(value)


AnyPath = Annotated[Path, BeforeValidator(_resolve)]
Text = Annotated[str, Field(description="a text")]
Positive = Annotated[float, Field(gt=0)]
Pixels = Annotated[int, Field(strict=True, ge=8, le=8192)]
PIXELS = "a whole number of pixels from 8 to 8192"


class RegisterSpec(BaseModel):
    """A test-time register (Jiang 2025) for a model.

    Attributes:
        neurons: most register neurons to move.
        up_to_layer: last layer, from 1, to search for them; None for the layer with the most
            extreme outlier patches.
        calibration: calibration pictures, a folder or a file; None for the first pictures of the
            gallery.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    neurons: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        10, description="a whole number from 1"
    )
    up_to_layer: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="a whole number from 1"
    )
    calibration: AnyPath | None = Field(None, description="a folder of pictures")


class StateDictSpec(BaseModel):
    """What the weights of an original checkpoint do not tell, in a file without a config.

    Attributes:
        part: a word of the prefix that the network has in the file, such as ``teacher``.
        heads: attention heads of each block.
        activation: between the layers of an MLP, for CLIP.
        image_size: side of the checkpoint's own input in pixels; checked against the position
            embeddings, where there are any.
        mean: subtracted from values from 0 to 1, for red, green and blue.
        std: divides after that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str = Field("", description="a word of the names' prefix, such as teacher")
    heads: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="a whole number from 1"
    )
    activation: Literal["gelu", "quick_gelu"] | None = Field(None, description="gelu or quick_gelu")
    image_size: Annotated[int, Field(ge=8, le=8192)] | None = Field(None, description=PIXELS)
    mean: tuple[float, float, float] | None = Field(None, description="three numbers")
    std: Annotated[tuple[Positive, Positive, Positive], Field()] | None = Field(
        None, description="three positive numbers"
    )


STATE_DICT = 'a table such as { part = "teacher", heads = 6 }'


def _flag_or_table(value: object) -> object:
    """Accept true for the defaults and false for none."""
    if value is True:
        return {}
    return None if value is False else value


REGISTERS = "true, false or a table such as { neurons = 10, up_to_layer = 17 }"


@runtime_checkable
class Opened(Protocol):
    """A model that is open: see :class:`generator.pipeline.opened.OpenModel`."""

    @property
    def id(self) -> str:
        """Id in records and on pages."""

    def resolved(self) -> Any:
        """Its geometry, preprocessing and version, as it is now."""

    def load(self, resolved: Any, device: Any, dtype: Any) -> Any:
        """The network, loaded once."""


class ModelSpec(BaseModel):
    """One model to measure.

    Attributes:
        id: id on the hub, or the name of a local folder.
        revision: branch, tag or commit on the hub; empty for a folder.
        label: name on pages; the id by default.
        resolution: short side of the input in pixels; None for the gallery's.
        test_time_registers: move outlier patches to a register that the model was not trained with;
            None for the unmodified model. In a file also true, for the defaults.
        state_dict: how to read a file that holds a state dict alone; None for its own word. Behind
            a file's name also as ``?part=teacher&heads=6``.
        folder: folder of a local model; None for a hub model or a file.
        file: file of an original checkpoint; None for others.
        sweep: label of its training sweep; empty for a model outside sweeps.
        step: training step of the checkpoint; None for a model outside sweeps.
        opened: a model that is open already; None for one that is named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    id: str = Field(description="a model's id on the hub, or a folder")
    revision: str = Field("main", description="a branch, tag or commit, as a text")
    label: Text = ""
    resolution: Pixels | None = Field(None, description=PIXELS)
    test_time_registers: Annotated[RegisterSpec | None, BeforeValidator(_flag_or_table)] = Field(
        None, description=REGISTERS
    )
    state_dict: StateDictSpec | None = Field(None, description=STATE_DICT)
    folder: Path | None = None
    file: Path | None = None
    sweep: str = ""
    step: int | None = None
    opened: Opened | None = Field(None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _tell_apart(cls, values: Any, info: ValidationInfo) -> Any:
        """Accept the short form, and distinguish folders from hub ids."""
        table = {"id": values} if isinstance(values, str) else values
        if not isinstance(table, dict) or not isinstance(table.get("id"), str):
            return table
        for place in ("folder", "file"):
            if place in table:
                hint = f"Give the {place} as the id."
                raise model_error(SpecSource.of(info), f"Unknown key {place}.", hint)
        for hidden in {"sweep", "step", "opened"} & set(table):
            hint = "Checkpoints are named in [[sweeps]]."
            raise model_error(SpecSource.of(info), f"Unknown key {hidden}.", hint)
        revision = table.get("revision", "")
        if not isinstance(revision, str):
            return table
        table, text = _with_query(table, SpecSource.of(info))
        where = _find_model(text, revision, SpecSource.of(info))
        if "state_dict" in table and not where.get("file"):
            hint = "Leave it out: a folder or a model on the hub has a config."
            raise model_error(SpecSource.of(info), f"{text} is no file with weights alone.", hint)
        changed = " + test-time register" if table.get("test_time_registers") else ""
        asked = table.get("state_dict")
        part = asked.get("part", "") if isinstance(asked, Mapping) else ""
        own = f"{where['id']} ({part})" if part else where["id"]
        return table | {"label": table.get("label") or own + changed} | where

    @classmethod
    def of_opened(cls, opened: Opened, label: str = "", **more: Any) -> ModelSpec:
        """A model that is open already, as a model of a gallery.

        Args:
            label: name on pages; the id by default.
            more: other fields.
        """
        given: dict[str, Any] = {"id": opened.id, "revision": "", "label": label or opened.id}
        return cls.model_construct(**given, opened=opened, **more)

    @property
    def is_local(self) -> bool:
        """Whether it is not from the hub: a folder, a file, or a module in memory."""
        return self.place is not None or self.opened is not None

    @property
    def place(self) -> Path | None:
        """Folder or file of a local model; None for a hub model."""
        return self.folder or self.file


def _with_query(table: dict[str, Any], source: SpecSource) -> tuple[dict[str, Any], str]:
    """Take ``?part=teacher&heads=6`` off a file's name, and put it into ``state_dict``.

    Raises:
        SpecError: it makes no sense, or is said twice.
    """
    text = table["id"]
    name, mark, query = text.partition("?")
    if not mark or not _is_file(source.base / expand(name)):
        return table, text
    asked: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    for key in ("mean", "std"):
        if key in asked:
            asked[key] = asked[key].split(",")
    if not asked or table.get("state_dict"):
        raise model_error(
            source,
            f"{text} says nothing behind the question mark, or has a table state_dict as well.",
            "Write ?part=teacher&heads=6, or the table.",
        )
    return table | {"state_dict": asked}, name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # longer than any path, or in a folder that must not be entered
        return False


def _find_model(text: str, revision: str, source: SpecSource) -> dict[str, Any]:
    """Parse a model's text into the fields ``id``, ``revision`` and ``folder``.

    Raises:
        SpecError: the text is neither a folder nor a hub id.
    """
    text = _TIMM.sub("", text, count=1) if _TIMM.match(text) else text
    folder = source.base / expand(text)
    is_file = _is_file(folder)
    try:
        is_folder = bool(text.strip()) and folder.is_dir()
    except OSError:
        is_folder = False
    if is_folder:
        if revision:
            message = f"{text} is a folder, which has no revision {revision}."
            raise model_error(source, message, "Leave the revision out.")
        return {"id": folder.resolve().name or "model", "revision": "", "folder": folder}
    if is_file and folder.suffix in STATE_DICTS:
        if revision:
            message = f"{text} is a file, which has no revision {revision}."
            raise model_error(source, message, "Leave the revision out.")
        return {"id": folder.stem, "revision": "", "folder": None, "file": folder}
    if is_file:
        raise model_error(
            source,
            f"{text} is a file.",
            f"Name a folder, or a file of weights: {', '.join(STATE_DICTS)}.",
        )
    name = text.partition("?")[0]
    if Path(name).suffix in STATE_DICTS:
        path = source.base / expand(name)
        hint = did_you_mean_beside(path) or "Check the path."
        raise model_error(source, f"There is no file {path}.", hint)
    if address := _HUB_ADDRESS.fullmatch(text):
        raise model_error(source, f"{text} is an address.", f"Write {address[1]}.")
    if _PATH.match(text):
        raise model_error(
            source,
            f"There is no model folder {folder}.",
            did_you_mean_beside(folder)
            or "Check the path; a model on the hub is written owner/name.",
        )
    name, at, tail = text.partition("@")
    if not _HUB_ID.fullmatch(name) or (at and not tail.strip()):
        raise model_error(
            source,
            f'"{shortened(text)}" is neither a folder nor the id of a model.',
            (did_you_mean_beside(folder) if "/" in text else "")
            or "Write owner/name as on the Hugging Face hub, owner/name@revision, or ./folder.",
        )
    if tail and revision and tail != revision:
        raise model_error(source, f"{text} also has revision {revision}.", "Keep one of them.")
    return {"id": name, "revision": tail or revision or "main", "folder": None}


def model_error(source: SpecSource, message: str, hint: str) -> SpecError:
    """Build an error about the list of models."""
    if source == SpecSource():  # Python, or a command for one model: no list to refer to
        return SpecError(message, hint)
    return SpecError(source.says("models", f"{source.name('models')}: {message}"), hint)
