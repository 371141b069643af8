"""timm without torchvision.

timm's networks need nothing of torchvision, but its modules import it by name for training and data
loading. Where torchvision is missing, or doesn't fit PyTorch's CPU build, a stand-in is put in its
place while timm is imported, and taken away again. Whatever is called on it refuses.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, NoReturn

MODULES = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)
"""What timm imports, besides what it can do without."""


@cache
def timm() -> Any:
    """The package timm.

    Raises:
        ImportError: it is not installed, or needs more of torchvision than there is a stand-in for.
    """
    if _works():
        return importlib.import_module("timm")
    with _stand_ins():
        package = importlib.import_module("timm")
        importlib.import_module("timm.data")
    return package


def torchvision_is_missing() -> bool:
    """Whether timm had to be imported without torchvision."""
    timm()
    return isinstance(sys.modules["timm.layers.norm_act"].FrozenBatchNorm2d, _Refusing)


def _works() -> bool:
    try:
        importlib.import_module("torchvision.transforms")
    except Exception:  # of another build, it raises whatever its compiled part does not find
        _forget()
        return False
    return True


def _forget() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


class _Refusing(type):
    """A class of torchvision that is not there: it has parts, and makes nothing."""

    def __getattr__(cls, name: str) -> _Refusing:
        return _named(f"{cls.__name__}.{name}")

    def __call__(cls, *args: object, **options: object) -> NoReturn:
        raise ImportError(f"timm's {cls.__name__} needs torchvision, which cannot be imported here")


@cache
def _named(name: str) -> _Refusing:
    if name.rpartition(".")[2].startswith("__"):
        raise AttributeError(name)
    return _Refusing(name, (), {})


class _StandIn(ModuleType):
    """A module of torchvision that is not there."""

    def __getattr__(self, name: str) -> _Refusing:
        return _named(name)


@contextmanager
def _stand_ins() -> Iterator[None]:
    modules = {name: _StandIn(name) for name in MODULES}
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    sys.modules.update(modules)
    try:
        yield
    finally:
        _forget()
