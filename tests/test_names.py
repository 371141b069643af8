"""One name, one thing: no two classes of the package are called alike."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import generator

PACKAGE = Path(generator.__file__).parent


def alike(sources: Iterable[str]) -> set[str]:
    """Names of classes that several have; one of a module alone counts without its underscore."""
    names = [
        node.name.lstrip("_")
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    ]
    return {name for name in names if names.count(name) > 1}


def test_no_two_classes_have_one_name() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if "templates" not in path.parts]
    assert alike(path.read_text(encoding="utf-8") for path in files) == set()


def test_two_classes_of_one_name_are_found() -> None:
    assert alike(["class Table: ...", "def table():\n    class _Table: ..."]) == {"Table"}
    assert alike(["class Table: ...", "class TableRow: ..."]) == set()
