"""attention-gallery under the name of its distribution: ``import attention_gallery``.

Installed as the package ``attention_gallery``, which loads the modules of the folder ``generator``
under its own name. So a file called ``generator.py`` in somebody's folder is never taken for them,
and they are never taken for it. Use one of the two names in a program: each has classes of its own.

Plainer ways do less. A second copy of the modules in the wheel would double its size, and an
editable install cannot rename a folder. Aliases in ``sys.modules`` would import ``generator``
first, which a ``generator.py`` of the user's stands in for. A folder of the repository named
``attention_gallery`` would be one more at the top, beside ``generator``.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generator import *  # noqa: F403 - the same API, for type checkers

OWN, INNER = "attention_gallery", "generator"
MARK = "pipeline/measuring.py"
"""A module by which the folder is known from another one of this name."""


def _folder() -> Path:
    """The folder of the modules: beside this package, or where an editable install points to."""
    own = Path(__file__).parent.parent
    for place in (own / INNER, *(Path(path) / INNER for path in sys.path)):
        if (place / MARK).is_file():
            return place
    raise ImportError(f"The modules of {OWN} are gone. Install attention-gallery again.")


FOLDER = _folder()


def _renamed(
    name: str,
    scope: Mapping[str, object] | None = None,
    local: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """What ``import`` means in these modules: their own names, under the name of this package."""
    first, dot, rest = name.partition(".")
    if level == 0 and first == INNER:
        name = f"{OWN}{dot}{rest}"
    return builtins.__import__(name, scope, local, fromlist, level)


class RenamingLoader(SourceFileLoader):
    """Runs a module with an import statement of its own."""

    def exec_module(self, module: ModuleType) -> None:
        """Run it; functions in it import the same way later on."""
        own: dict[str, Any] = {**vars(builtins), "__import__": _renamed}
        module.__dict__["__builtins__"] = own
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType | None:
        """The compiled module; ``python -m`` runs it outside of :meth:`exec_module`."""
        if fullname == f"{OWN}.__main__":
            return compile(f"from {OWN}.entry import main\nmain()\n", self.path, "exec")
        return super().get_code(fullname)


class RenamingFinder(MetaPathFinder):
    """Finds the modules of the folder under the name of this package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's file; None for modules of others."""
        first, *parts = fullname.split(".")
        if first != OWN or not parts:
            return None
        place = FOLDER.joinpath(*parts)
        inside = [str(place)] if place.is_dir() else None
        file = place / "__init__.py" if inside else place.with_suffix(".py")
        if not file.is_file():
            return None
        return spec_from_file_location(
            fullname,
            file,
            loader=RenamingLoader(fullname, str(file)),
            submodule_search_locations=inside,
        )


if __name__ == OWN:
    sys.meta_path.insert(0, RenamingFinder())
    __path__ = [str(FOLDER)]
    RenamingLoader(OWN, str(FOLDER / "__init__.py")).exec_module(sys.modules[OWN])
