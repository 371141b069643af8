"""A user's templates: what lies under a former name is never passed over in silence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from generator.bundled import bundled
from generator.errors import StoreError
from generator.present.files.templates import RENAMED
from generator.present.pages import environment
from generator.present.pages.environment import CompiledTemplates, make_environment


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_file_under_a_former_name_is_refused_with_the_new_one(
    old: str, new: str, tmp_path: Path
) -> None:
    assert (bundled("templates") / new).is_file()
    path = tmp_path / old
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{# mine #}")
    with pytest.raises(StoreError) as found:
        make_environment(tmp_path)
    assert str(found.value) == (
        f"{path} has no effect: {old} is called {new} now. "
        f"Rename it, and compare it with the program's own {new}."
    )
    path.rename(tmp_path / f"renamed{path.suffix}")
    make_environment(tmp_path)


def test_a_template_is_compiled_once_for_all_processes_and_again_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    compiled: list[str] = []
    compile_one = Environment.compile

    def counted(self: Environment, source: str, name: str, *rest: object) -> object:
        compiled.append(name)
        return compile_one(self, source, name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", counted)

    def another_process() -> list[str]:
        compiled.clear()
        monkeypatch.setattr(environment, "_COMPILED", CompiledTemplates())
        make_environment().get_template("macros/charts.html.jinja2")
        return compiled[:]

    assert another_process() == ["macros/charts.html.jinja2"]
    assert another_process() == []
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    kept.write_bytes(kept.read_bytes()[:200])
    assert another_process() == ["macros/charts.html.jinja2"]
    assert another_process() == []
