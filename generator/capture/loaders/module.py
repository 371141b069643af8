"""Modules in memory: a network that the user holds, from wherever it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from generator.capture.checkpoint.layouts import VisionConfig
from generator.capture.checkpoint.module_options import ModuleOptions
from generator.capture.checkpoint.processors import Processor, read_processor
from generator.capture.checkpoint.resolved import Read, ResolvedModel
from generator.capture.loaders.timm import declared_processor

if TYPE_CHECKING:
    import torch
    from torch import nn

    from generator.capture.models.built import Built
    from generator.capture.models.memory.network import UnderstoodModule


@dataclass(frozen=True, slots=True)
class ModuleLoader:
    """The container of a module in memory: what was found out about it once.

    Attributes:
        network: the module, without wrappers.
        options: what the user says of it.
        understood: what was found.
    """

    network: nn.Module
    options: ModuleOptions
    understood: UnderstoodModule

    @property
    def name(self) -> str:
        """Id in records and on pages."""
        architecture = str(self.understood.declared.get("architecture", ""))  # of timm
        return self.options.name or architecture or type(self.network).__name__

    @property
    def vision(self) -> VisionConfig:
        """Geometry."""
        return self.understood.vision

    @property
    def package(self) -> str:
        """The package that made it."""
        return self.understood.package

    def reads(self, config: Mapping[str, Any]) -> bool:
        """Never: there is no config file."""
        return False

    def geometry(self, config: Mapping[str, Any], model: str) -> VisionConfig:
        """As found."""
        return self.understood.vision

    def preprocessing(
        self, config: Mapping[str, Any], read: Read, vision: VisionConfig, model: str
    ) -> Processor:
        """What the user says, then what the module declares."""
        found = self._declared(vision, model)
        mean, std = self.options.mean, self.options.std
        return replace(found, mean=mean or found.mean, std=std or found.std)

    def _declared(self, vision: VisionConfig, model: str) -> Processor:
        given = self.options.processor
        if given is not None:
            config = given if isinstance(given, Mapping) else given.to_dict()  # type: ignore[attr-defined]
            return read_processor(config, vision, model=model, file="processor")
        said = self.options.mean is not None and self.options.std is not None
        if self.package == "timm":
            return declared_processor(self.understood.declared, vision, model)
        if self.package == "transformers" and not said:
            return read_processor(None, vision, model=model)
        side = vision.image_size
        config = {
            "size": {"shortest_edge": side},
            "crop_size": side,
            "do_center_crop": True,
            "resample": BICUBIC,
            "image_mean": self.options.mean,
            "image_std": self.options.std,
        }
        processor = read_processor(config, vision, model=model, file="the options")
        assumed = (
            "a module in memory declares no resizing and crop: bicubic and centered were assumed"
        )
        return replace(processor, declared=False, assumed=assumed)

    def classes(self, config: Mapping[str, Any]) -> int:
        """Classes of the head that was found."""
        head = self.understood.built.head
        return head.classes if head else 0

    def build(
        self, resolved: ResolvedModel, dtype: torch.dtype, attention: str, *, blank: bool = False
    ) -> Built:
        """The module itself, which is lent."""
        return self.understood.built

    def own_input(self, resolved: ResolvedModel, picture: object) -> NoReturn:
        """There is nothing to hold preprocessing against.

        Raises:
            ValueError: always.
        """
        raise ValueError("a module in memory declares no preprocessing")


BICUBIC = 3
"""Pillow's number of the filter."""


def open_module(module: nn.Module, options: ModuleOptions) -> ModuleLoader:
    """Find out how a module in memory is read.

    Raises:
        ModelError: something that cannot be seen was not said, or does not fit what was found.
        CaptureError: its attention cannot be read.
    """
    from generator.capture.models.memory.network import (  # noqa: PLC0415 - torch
        understand,
        unwrapped,
    )

    network = unwrapped(module)
    name = options.name or type(network).__name__
    return ModuleLoader(network, options, understand(network, options, name))


def resolve_module(loader: ModuleLoader) -> ResolvedModel:
    """The module as it is now; its version is the hash of its weights and of its forward pass."""
    from generator.capture.forward.as_found import place_of, state_hash  # noqa: PLC0415 - torch
    from generator.capture.models.memory.network import (  # noqa: PLC0415 - torch
        describe_forward,
        expect_no_adapter,
    )

    network, found, name = loader.network, loader.understood, loader.name
    expect_no_adapter(network, name)
    description = describe_forward(network, loader.options, found)
    processor = loader.preprocessing(found.config, lambda _: None, found.vision, name)
    return ResolvedModel(
        id=name,
        source="memory",
        revision="",
        commit="",
        weights_sha256=state_hash(network, description, name),
        location=name,
        loader=loader,
        license="",
        config=found.config,
        vision=found.vision,
        processor=processor,
        trust_remote_code=False,
        dtype=str(place_of(network, name)[1]).removeprefix("torch."),
    )
