"""Adapters of the package peft: a config and a few matrices that change a model's weights.

Torch-free: which adapter a folder holds, and whether it can be applied. ``network.py`` merges it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from generator.capture.checkpoint.weight_files import ADAPTER_CONFIG
from generator.errors import ModelError


@dataclass(frozen=True, slots=True)
class Adapter:
    """Facts of an adapter, read without loading it.

    Attributes:
        kind: type, such as ``LORA``.
        path: base model in its config: an id or a folder.
        revision: revision of the base on the hub; may be empty.
    """

    kind: str
    path: str
    revision: str

    @property
    def local(self) -> bool:
        """Whether its base is a folder."""
        return PurePath(self.path).is_absolute() or self.path.startswith((".", "~"))

    @property
    def base(self) -> str:
        """The base: an id, or the folder's name, since paths may be private."""
        return PurePath(self.path).name if self.local else self.path

    @property
    def words(self) -> str:
        """The adapter in words."""
        return f"an adapter ({self.kind})"


def read_adapter(config: Mapping[str, Any], model: str) -> Adapter:
    """An adapter that can be applied.

    Args:
        config: its parsed ``adapter_config.json``.
        model: named in errors.

    Raises:
        ModelError: the package that applies it is not installed, or the config names no base.
    """
    adapter = Adapter(
        kind=str(config.get("peft_type") or "unknown"),
        path=str(config.get("base_model_name_or_path") or ""),
        revision=str(config.get("revision") or ""),
    )
    if find_spec("peft") is None:
        raise ModelError(
            f"{model} holds {adapter.words} in {ADAPTER_CONFIG}, and the package that applies it, "
            "peft, is not installed.",
            "pip install 'attention-gallery[adapters]', or merge it into the weights where peft "
            f"is: {merging_line(adapter, model)}",
        )
    return adapter


def merging_line(adapter: Adapter, model: str) -> str:
    """Python that writes a checkpoint with the adapter merged into its weights."""
    return (
        f'PeftModel.from_pretrained(AutoModel.from_pretrained("{adapter.base or "BASE"}"), '
        f'"{model}").merge_and_unload().save_pretrained("merged").'
    )
