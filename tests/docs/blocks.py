"""Fenced blocks, commands, links and headings of a document."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "templates" / "README.md")
)
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>\w+)[^\n]*-->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.*)$", re.M)
PROGRAM = "attention-gallery"


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        document: that it is in, relative to the repository.
        line: of its first line, from 1.
        language: behind the fence.
        text: between the fences.
        mark: first word of the comment above it; may be empty.
    """

    document: str
    line: int
    language: str
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[Block]:
    """The blocks of a language, in order."""
    text = read(document)
    return [
        Block(
            document,
            text.count("\n", 0, found.start("text")) + 1,
            found["language"],
            found["text"],
            found["mark"] or "",
        )
        for found in FENCE.finditer(text)
        if found["language"] == language
    ]


def commands(block: Block) -> Iterator[list[str]]:
    """The words behind ``attention-gallery`` of every command in a block."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            command, words = words[:end], words[end + 1 :]
            if command and Path(command[0]).name == PROGRAM:
                yield command[1:]


def links(document: str) -> list[str]:
    """Links to other files, or within the document."""
    return LINK.findall(FENCE.sub("", read(document)))


def anchors(document: str) -> set[str]:
    """The addresses of a document's headings, as they are made for pages."""
    headings = HEADING.findall(FENCE.sub("", read(document)))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}
