"""The house's walls: imports point down only, and torch stays behind its one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import generator

PACKAGE = Path(generator.__file__).parent
LADDER = (
    "errors",
    "bundled text progress",
    "records",
    "spec",
    "images",
    "analysis",
    "capture present",
    "export",
    "pipeline",
    "api",
    "commands",
    "cli",
    "__main__",
)
"""From the ground up: a folder or a module imports from lower rungs only, or from itself."""

HEAVY = {"torch", "transformers"}
LATE = {"pipeline", "commands"}
"""These import what needs torch, inside a function, when there is work."""

LIGHT_CAPTURE = {
    *("hub", "layouts", "preprocess", "processor_defaults", "processors", "resolve"),
    *("weight_files", "__init__"),
}
"""Modules of capture/ that need no torch, for planning."""

UPWARDS = {("__init__", "api"), ("records", "present")}
"""Inside functions only: the public API is found on first use, and a record finds its page when
a notebook shows it."""


def rung_of(part: str) -> int:
    return next(rung for rung, parts in enumerate(LADDER) if part in parts.split())


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "templates" not in path.parts)


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(path: Path) -> str:
    """The rung's name for a file: a module of the package, or the folder it is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool, bool]]:
    """Every imported module of a file, with whether it is in a function and only for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late, typed = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            late |= set(ast.walk(node))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typed |= set(ast.walk(node))
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
        for name in names:
            yield name, node in late, node in typed


def _is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return name.startswith("generator.") and (path.is_dir() or path.with_suffix(".py").is_file())


def own_parts(name: str) -> list[str]:
    """``['capture', 'load']`` of ``generator.capture.load``; nothing for foreign modules."""
    first, *parts = name.split(".")
    return parts if first == "generator" else []


def test_every_folder_has_its_rung() -> None:
    known = {part for parts in LADDER for part in parts.split()} | {"__init__"}
    assert {part_of(path) for path in modules()} <= known


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_point_down(path: Path) -> None:
    part = part_of(path)
    for name, late, typed in imports(path):
        target = (own_parts(name) or [""])[0]
        inside = part == target
        if not target or typed or inside or (late and (part, target) in UPWARDS):
            continue
        assert part != "__init__", f"import generator would import {name}"
        below = rung_of(target) < rung_of(part)
        assert below, f"{dotted(path)} imports {name}, which is not below it"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_torch_is_imported_in_one_folder_only(path: Path) -> None:
    part, module = part_of(path), path.stem
    for name, late, typed in imports(path):
        if name.split(".")[0] in HEAVY:
            assert part == "capture" and module not in LIGHT_CAPTURE, f"{dotted(path)}: {name}"
        parts = own_parts(name)
        heavy = parts[:1] == ["capture"] and len(parts) > 1 and parts[1] not in LIGHT_CAPTURE
        if heavy and part != "capture":
            assert typed or (late and part in LATE), f"{dotted(path)} imports {name} at once"
        if heavy and part == "capture":
            assert module not in LIGHT_CAPTURE, f"{dotted(path)} must do without {name}"


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


def test_presenting_and_the_command_line_load_no_torch() -> None:
    names = [dotted(path) for path in modules() if part_of(path) not in {"capture", "__main__"}]
    assert {"generator", "generator.cli", "generator.pipeline.build", "generator.api"} <= set(names)
    assert {
        "generator.present.site.write",
        "generator.pipeline.measuring",
        "generator.commands.inspection",
    } <= set(names)
    names += [f"generator.capture.{name}" for name in sorted(LIGHT_CAPTURE - {"__init__"})]
    imported = "; ".join(f"import {name}" for name in names)
    code = f"import sys; {imported}; print(sorted({HEAVY} & set(sys.modules)))"
    assert in_a_fresh_interpreter(code) == "[]"


def test_every_light_module_imports_alone() -> None:
    """A circle of imports shows only from some of its ends: each module goes first once.

    The package's own modules are forgotten between two of them, the libraries stay.
    """
    light = [
        dotted(path)
        for path in modules()
        if part_of(path) != "__main__"
        and (part_of(path) != "measure" or path.stem in LIGHT_CAPTURE)
    ]
    assert in_a_fresh_interpreter(_one_by_one(light)) == f"{len(light)} modules"


def test_every_measuring_module_imports_alone() -> None:
    heavy = [
        dotted(path)
        for path in modules()
        if part_of(path) == "measure" and path.stem not in LIGHT_CAPTURE
    ]
    assert in_a_fresh_interpreter(_one_by_one(heavy)) == f"{len(heavy)} modules"


def _one_by_one(names: list[str]) -> str:
    return (
        "import importlib, sys\n"
        f"names = {names}\n"
        "for name in names:\n"
        "    for known in [m for m in sys.modules if m.split('.')[0] == 'generator']:\n"
        "        del sys.modules[known]\n"
        "    importlib.import_module(name)\n"
        "print(len(names), 'modules')"
    )
