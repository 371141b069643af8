"""Check for links that work only on this machine."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from generator.export.problems import Problem
from generator.present.files.manifest import Kind, Manifest
from generator.text.phrases import counted, some

DATA: frozenset[Kind] = frozenset({"chunk", "patches", "alike"})
"""Files with numbers and no links."""

ATTRIBUTE = re.compile(
    r"""\s(?:xlink:href|href|src|srcset|poster|data|action|content)\s*=\s*(?:"([^"]*)"|'([^']*)')"""
)
STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
STRING = re.compile(r"""["'`]((?:file:|https?:|[A-Za-z]:\\|\\\\(?=[\\\w]))[^"'`\s]*)""")

LOCAL = re.compile(
    r"""\s*(?:file:/|[A-Za-z]:[\\/]|\\\\|https?://(?:localhost|127\.[\d.]+|0\.0\.0\.0|\[::1\])(?=[:/]|$))""",
    re.IGNORECASE,
)
"""A local address: a file, a Windows path or share, a local server."""

ROOTED = re.compile(r"\s*/(?!/)")
"""An address relative to the host's root; a project's site is in a folder below it."""


def link_problems(site: Path, paths: Sequence[str], manifest: Manifest | None) -> Iterator[Problem]:
    """Find local addresses in pages, styles and scripts.

    Args:
        paths: its files, relative to it.
        manifest: lists the scripts that are data.
    """
    data = {entry.path for entry in manifest.files if entry.kind in DATA} if manifest else set()
    local, rooted = [], []
    for path in paths:
        if path in data:
            continue
        for link in dict.fromkeys(_links(site / path)):
            where = f"{link} in {path}"
            if LOCAL.match(link):
                local.append(where)
            elif ROOTED.match(link) and not path.endswith(".js"):
                rooted.append(where)
    if local:
        lead = "leads" if len(local) == 1 else "lead"
        yield Problem(
            "error",
            f"{counted(len(local), 'link')} {lead} to this computer: {some(local)}.",
            "Correct the templates, the texts or --site-url, and build again.",
        )
    if rooted:
        start = "starts" if len(rooted) == 1 else "start"
        yield Problem(
            "warning",
            f"{counted(len(rooted), 'link')} {start} with a slash, which fails where a site is "
            f"not at the top of its host: {some(rooted)}.",
            "Write them relative to the page.",
        )


def _links(path: Path) -> Iterator[str]:
    suffix = path.suffix.lower()
    if suffix in {".html", ".svg"}:
        text = _text(path)
        for double, single in ATTRIBUTE.findall(text):
            yield html.unescape(double or single)
        yield from _style_links(text)
    elif suffix == ".css":
        yield from _style_links(_text(path))
    elif suffix == ".js":
        yield from STRING.findall(_text(path))


def _style_links(text: str) -> Iterator[str]:
    for url, imported in STYLE.findall(text):
        yield (url or imported).strip()


def _text(path: Path) -> str:
    data = path.read_bytes()
    # numbers of maps are scripts in UTF-16
    encoding = "utf-16" if data.startswith(codecs.BOM_UTF16_LE) else "utf-8"
    return data.decode(encoding, errors="replace")
