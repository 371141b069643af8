"""What is planned for a page is shown on one: no section, field or macro is forgotten."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import generator
from generator.present.files.templates import template_folders

PACKAGE = Path(generator.__file__).parent
PAGES = PACKAGE / "present" / "pages"


def texts(folders: list[Path], *patterns: str) -> str:
    paths = sorted({path for each in folders for name in patterns for path in each.rglob(name)})
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def forgotten(pages: str, program: str, templates: str) -> Iterator[str]:
    """Functions and classes of pages that nothing names, and fields that nothing reads.

    Args:
        pages: source of modules of pages.
        program: source of the whole package, these modules included.
        templates: templates and scripts of pages.
    """
    named = Counter(re.findall(r"\w+", program))
    read = set(re.findall(r"\.(\w+)", program + templates))
    for node in ast.parse(pages).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and named[node.name] < 2:
            yield node.name
        for field in node.body if isinstance(node, ast.ClassDef) else ():
            target = field.target if isinstance(field, ast.AnnAssign) else None
            if isinstance(target, ast.Name) and target.id not in read:
                yield f"{node.name}.{target.id}"


def unused(templates: str) -> set[str]:
    """Macros that no template names but where it is made."""
    named = Counter(re.findall(r"\w+", re.sub(r"\{#.*?#\}", "", templates, flags=re.DOTALL)))
    return {name for name in re.findall(r"macro (\w+)\(", templates) if named[name] < 2}


def test_every_section_is_planned_and_every_field_is_shown() -> None:
    pages = texts([PAGES], "*.py").replace("from __future__ import annotations", "")
    templates = texts(template_folders(None), "*.jinja2", "*.js")
    assert list(forgotten(pages, texts([PACKAGE], "*.py"), templates)) == []


def test_every_macro_is_used() -> None:
    templates = texts(template_folders(None), "*.jinja2")
    assert templates.count("macro ") > 40 and unused(templates) == set()


SECTION = """
class Depth:
    deepest: float

def depth_section(found: Depth) -> Section: ...
"""
MACRO = "{% macro depths(item) %}{# depths #}{{ item }}{% endmacro %}"


def test_a_forgotten_step_is_found() -> None:
    assert list(forgotten(SECTION, SECTION, "")) == ["Depth.deepest", "depth_section"]
    planned = SECTION + "\nsections = [depth_section(depth)]\n"
    assert list(forgotten(SECTION, planned, "")) == ["Depth.deepest"]
    assert list(forgotten(SECTION, planned, "{{ depth.deepest }}")) == []
    assert unused(MACRO) == {"depths"}
    assert unused(MACRO + "{{ depths(page.depth) }}") == set()
