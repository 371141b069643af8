"""The order of imports: they point down only, and torch is imported in one folder."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import generator

PACKAGE = Path(generator.__file__).parent
LADDERS: dict[str, tuple[str, ...]] = {
    "": (
        "errors",
        "bundled cores other_name temporary text uninterrupted version",
        "progress",
        "records",
        "spec",
        "images",
        "analysis",
        "capture present",
        "export",
        "pipeline",
        "api",
        "training",
        "commands",
        "cli",
        "entry",
        "__main__",
    ),
    "capture": ("arrays checkpoint", "forward", "models", "loaders", "*"),
    "capture.checkpoint": ("*", "originals"),
    "capture.models": ("*", "memory"),
    "analysis": ("absent grids quantities", "attention features", "stream", "cells", "compare"),
    "present": (
        "papers",
        "bibliography drawing",
        "files",
        "cells charts",
        "content",
        "pages",
        "site",
    ),
    "present.cells": ("chunks", "*"),
    "present.pages": ("*", "image methods model sweep", "pair", "index"),
    "commands": ("shared", "*"),
    "pipeline": ("checked interventions", "plan", "costs workers", "*"),
    "export": (
        "anonymous archive files problems",
        "intact source",
        "numbers pictures publish single",
        "diff figures",
        "copy",
        "printed",
    ),
    "export.figures": ("layout", "*", "grid presets", "make", "built"),
}
"""From the ground up, for each folder with folders in it: a part of it, which is a folder or a
module, imports from lower rungs only, or from itself. ``*`` is all modules that are not named."""

HEAVY = {"torch", "transformers", "timm"}
LATE = {"pipeline", "commands"}
"""These import what needs torch, inside a function, when there is work."""

LIGHT_CAPTURE = {"checkpoint", "loaders", "__init__"}
"""Parts of capture/ that need no torch, for planning."""

LATE_CAPTURE = {"loaders"}
"""Of these, the parts that import what needs torch inside a function, when there is work."""

UPWARDS = {("__init__", "api"), ("__init__", "training")}
"""Inside functions only: the public API is found on first use."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "templates" not in path.parts)


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(path: Path) -> str:
    """The part of the package that a file is in: a module, or a folder."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rung_of(folder: str, part: str) -> int:
    """Where a part of a folder stands on its ladder."""
    rungs = [rung.split() for rung in LADDERS[folder]]
    places = [place for place, rung in enumerate(rungs) if part in rung]
    if not places and PACKAGE.joinpath(*folder.split("."), f"{part}.py").is_file():
        places = [place for place, rung in enumerate(rungs) if rung == ["*"]]
    assert places, f"{folder or PACKAGE.name}: {part} has no rung"
    return places[0]


def climbs(importer: list[str], target: list[str]) -> bool:
    """Whether an import runs up, or to a neighbor, in the folder that two modules share."""
    shared = 0
    while importer[shared : shared + 1] == target[shared : shared + 1] != []:
        shared += 1
    folder = ".".join(importer[:shared])
    if folder not in LADDERS or len(importer) == shared or len(target) == shared:
        return False  # a folder without folders in it, or one of the two holds the other
    own, other = (rung_of(folder, parts[shared]) for parts in (importer, target))
    return other > own or (other == own and LADDERS[folder][own] != "*")


@cache
def imports(path: Path) -> tuple[tuple[str, bool, bool], ...]:
    """Every imported module of a file, with whether it is in a function and only for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late, typed = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            late |= set(ast.walk(node))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typed |= set(ast.walk(node))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            # ``from generator import images`` imports a module, not a name.
            names = [
                f"{module}.{alias.name}" if _is_module(f"{module}.{alias.name}") else module
                for alias in node.names
            ]
        else:
            continue
        found += [(name, node in late, node in typed) for name in names]
    return tuple(found)


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return name.startswith("generator.") and (path.is_dir() or path.with_suffix(".py").is_file())


def own_parts(name: str) -> list[str]:
    """``['records', 'store']`` of ``generator.records.store``; nothing for foreign modules."""
    first, *parts = name.split(".")
    return parts if first == "generator" else []


def test_every_part_has_its_rung() -> None:
    folders = {path.parent.parent for path in modules() if path.name == "__init__.py"}
    named = {".".join(folder.relative_to(PACKAGE).parts) for folder in folders - {PACKAGE.parent}}
    assert {folder.strip(".") for folder in named} == set(LADDERS)
    for folder, rungs in LADDERS.items():
        inside = PACKAGE.joinpath(*folder.split("."))
        parts = [path.name for path in inside.iterdir() if (path / "__init__.py").is_file()]
        parts += [path.stem for path in inside.glob("*.py") if path.stem != "__init__"]
        assert all(rung_of(folder, part) >= 0 for part in parts)
        assert set(" ".join(rungs).split()) - {"*"} <= set(parts), f"{folder}: gone"


@pytest.mark.slow
def test_imports_point_down() -> None:
    for path in modules():
        importer = own_parts(dotted(path))
        for name, late, typed in imports(path):
            target = own_parts(name)
            if typed or not target or (late and (part_of(path), target[0]) in UPWARDS):
                continue
            assert importer or target == ["version"], f"import generator would import {name}"
            assert not climbs(importer, target), (
                f"{dotted(path)} imports {name}, which is not below"
            )


@pytest.mark.parametrize(
    ("importer", "target", "wrong"),
    [
        ("present.pages.index.plan", "present.pages.image.views", False),
        ("present.pages.image.views", "present.pages.index.plan", True),
        ("present.pages.image.views", "present.pages.model.views", True),
        ("present.pages.planner", "present.pages.views", False),
        ("present.pages.planner", "present.pages.image.views", True),
        ("present.charts.axes", "present.cells.chunks.maps", True),
        ("analysis.absent", "present.cells.chunks.maps", True),
        ("records", "records.record", False),
    ],
)
def test_an_import_that_runs_up_is_found(importer: str, target: str, wrong: bool) -> None:
    assert climbs(importer.split("."), target.split(".")) is wrong


def at_once(path: Path) -> set[str]:
    """Modules that are imported when a file is: those it names, and the folders that hold them."""
    found = {name for name, late, typed in imports(path) if not late and not typed}
    own = {
        ".".join(name.split(".")[:end]) for name in found for end in range(2, name.count(".") + 2)
    }
    return {name for name in own if name.startswith("generator.")} - {dotted(path)}


def circle(graph: dict[str, set[str]]) -> tuple[str, ...]:
    """Modules that import each other in a circle; none where there is no circle.

    Without one, modules can be imported in any order, so it need not be tried for each of them.
    """
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if name in path:
            return path[path.index(name) :]
        if name not in done:
            for other in sorted(graph.get(name, ())):
                # a module's own folder is being imported already, and gives no names to it
                if not name.startswith(f"{other}.") and (found := visit(other, (*path, name))):
                    return found
            done.add(name)
        return ()

    return next((found for name in sorted(graph) if (found := visit(name, ()))), ())


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle({dotted(path): at_once(path) for path in modules()}) == ()


def test_a_circle_of_imports_is_found() -> None:
    assert circle({"g.a": {"g.b"}, "g.b": {"g.c"}, "g.c": set()}) == ()
    assert circle({"g.a": {"g.b"}, "g.b": {"g.c"}, "g.c": {"g.a"}}) == ("g.a", "g.b", "g.c")
    assert circle({"g.f": {"g.f.x"}, "g.f.x": {"g.y"}, "g.y": {"g.f"}}) == ("g.f", "g.f.x", "g.y")


def test_torch_is_imported_in_one_folder_only() -> None:
    for path in modules():
        part, within = part_of(path), path.relative_to(PACKAGE).parts[1:2]
        light = {module.removesuffix(".py") for module in within} <= LIGHT_CAPTURE
        for name, late, typed in imports(path):
            if part == "capture" and (typed or (late and set(within) <= LATE_CAPTURE)):
                continue
            if name.split(".")[0] in HEAVY:
                assert part == "capture" and not light, f"{dotted(path)}: {name}"
            parts = own_parts(name)
            heavy = parts[:1] == ["capture"] and len(parts) > 1 and parts[1] not in LIGHT_CAPTURE
            if heavy and part != "capture":
                assert typed or (late and part in LATE), f"{dotted(path)} imports {name} at once"
            if heavy and part == "capture":
                assert not light, f"{dotted(path)} must do without {name}"


def test_records_need_numpy_and_the_standard_library_only() -> None:
    for path in [
        PACKAGE / "errors.py",
        *(PACKAGE / "records" / f"{m}.py" for m in ("extras", "layout", "record", "run")),
    ]:
        for name, _, _ in imports(path):
            first = name.split(".")[0]
            assert first in {"generator", "numpy"} | set(sys.stdlib_module_names), name


def in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_presenting_and_the_command_line_load_no_torch() -> None:
    names = [dotted(path) for path in modules() if part_of(path) not in {"capture", "__main__"}]
    assert {"generator", "generator.cli", "generator.pipeline.build", "generator.api"} <= set(names)
    assert {
        "generator.present.site.write",
        "generator.pipeline.measuring",
        "generator.pipeline.workers.measurer",
        "generator.commands.inspection",
    } <= set(names)
    light = {
        name for path in modules() if set(own_parts(name := dotted(path))[1:2]) & LIGHT_CAPTURE
    }
    assert {"generator.capture.checkpoint.hub", "generator.capture.loaders.resolve"} <= light
    names += sorted(light)
    imported = "; ".join(f"import {name}" for name in names)
    code = f"import sys; {imported}; print(sorted({HEAVY | {'ray'}} & set(sys.modules)))"
    assert in_a_fresh_interpreter(code) == "[]"


@pytest.mark.slow
def test_every_measuring_module_imports() -> None:
    names = [dotted(path) for path in modules() if part_of(path) == "capture"]
    assert "generator.capture.models.load" in names
    imported = "; ".join(f"import {name}" for name in names)
    assert in_a_fresh_interpreter(f"{imported}; print('all')") == "all"
