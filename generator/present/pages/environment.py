"""Jinja environment and static files: the user's folder first, then the bundled ones."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from importlib.util import cache_from_source
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

from jinja2 import (
    BytecodeCache,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
)
from jinja2.bccache import Bucket
from markupsafe import Markup

from generator.bundled import bundled
from generator.present.files.templates import template_folders

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class CompiledTemplates(BytecodeCache):
    """Compiled templates, in memory and where Python keeps compiled modules.

    Compiling takes a second, more than a small gallery takes to build again. Jinja compares the
    source, its own version and Python's with those that were compiled.
    """

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket of a template that was compiled before."""
        code = self._code.get(bucket.key)
        try:
            bucket.bytecode_from_string(code or _file(bucket.key).read_bytes())
        except (OSError, EOFError, ValueError, TypeError, UnpicklingError):
            bucket.reset()  # there is none, or it is damaged

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template, on disk only if Python may keep its own there."""
        code = self._code[bucket.key] = bucket.bytecode_to_string()
        if sys.dont_write_bytecode:
            return
        file = _file(bucket.key)
        with suppress(OSError):  # a package that belongs to another user can still be used
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}")
            part.write_bytes(code)
            part.replace(file)


def _file(key: str) -> Path:
    """Where the compiled template of a key is kept."""
    return Path(cache_from_source(str(bundled("templates") / f"{key}.py")))


_COMPILED = CompiledTemplates()


def make_environment(user: Path | None = None) -> Environment:
    """Create the Jinja environment of the templates.

    A user's template replaces the bundled one with its name, and may extend it as ``!own/<name>``.
    """
    own = FileSystemLoader(bundled("templates"))
    loaders = [FileSystemLoader(folder) for folder in template_folders(user)]
    environment = Environment(
        loader=ChoiceLoader([*loaders, PrefixLoader({"!own": own})]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED,
    )
    environment.filters["page_json"] = page_json
    return environment


def page_json(value: DataclassInstance) -> Markup:
    """Encode a dataclass as JSON that is safe in a script element."""
    return Markup(script_json(asdict(value)))  # noqa: S704 - escaped there


def script_json(value: object) -> str:
    """Encode JSON in which no text can end a script element or start a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def static_files(user: Path | None, folder: str, suffix: str) -> dict[str, Path]:
    """Name -> static file. The user's files replace the bundled ones.

    Args:
        user: the user's template folder.
        folder: ``css`` or ``js``.
        suffix: of the files, with the dot.
    """
    found: dict[str, Path] = {}
    for templates in reversed(template_folders(user)):
        files: Iterable[Path] = (templates / "static" / folder).glob(f"*{suffix}")
        found |= {path.name: path for path in sorted(files)}
    return found
