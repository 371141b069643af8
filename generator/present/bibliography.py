"""BibTeX: the papers of models and methods, checkpoints, and the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from generator.present.papers import PAPERS, BibEntry
from generator.records.record import ModelFacts
from generator.text.latex import BREAK, Code, Piece, escaped, typewriter

FAMILIES: dict[str, tuple[str, ...]] = {
    "dinov2": ("oquab2024dinov2",),
    "dinov2_with_registers": ("oquab2024dinov2", "darcet2024vision"),
    "dinov3_vit": ("simeoni2025dinov3",),
    "vit": ("dosovitskiy2021image",),
    "clip_vision_model": ("radford2021learning",),
}
"""What to cite for a model, by its ``model_type``; other families only have their checkpoint."""

WITHHELD = "checkpoint withheld for review"
"""In place of a commit that would tell who made an anonymous gallery."""

SOURCES = {
    "hub": "Checkpoint, Hugging Face hub",
    "folder": "Checkpoint, local folder",
    "withheld": WITHHELD.capitalize(),
}
"""Where checkpoints are published, by ``ModelFacts.source``."""

PROGRAM = "attention-gallery"
"""Key of the entry of this program."""


def short(key: str) -> str:
    """``Darcet et al., 2024``; empty for what is no paper, such as a checkpoint."""
    if key not in PAPERS:
        return ""
    paper = PAPERS[key]
    names = [name.split(",")[0].replace(r"{\'e}", "é") for name in paper.author.split(" and ")]
    who = " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{names[0] if len(names) == 1 else who}, {paper.year}"


def program_entry(version: str) -> str:
    """The entry of this program at a version."""
    return (
        f"@software{{{PROGRAM},\n"
        "  title = {{attention-gallery}: Static Galleries that Compare the Attention of Vision "
        "{Transformers}},\n"
        "  author = {{The attention-gallery authors}},\n"
        f"  version = {{{version}}},\n"
        "  year = {2026},\n}\n"
    )


def cited(facts: ModelFacts, test_time: bool) -> tuple[str, ...]:
    """Keys of the entries for a model: papers of its family and its register, its checkpoint.

    Args:
        facts: of the model.
        test_time: whether it has a test-time register.
    """
    papers = FAMILIES.get(facts.model_type, ())
    if facts.model_type == "vit" and "dino" in facts.id.lower():
        papers = ("caron2021emerging",)
    return (*papers, *(("jiang2025vision",) if test_time else ()), checkpoint_key(facts))


def named(label: str, facts: ModelFacts) -> tuple[Piece, ...]:
    """A model exactly: what it is called here, its id, and its commit or its weights' hash."""
    called = (f"{label}, ",) if label != facts.id else ()
    if facts.version:
        what = "commit" if facts.commit else "weights"
        return (*called, Code(facts.id), f" at {what} ", Code(facts.version[:12]))
    withheld = (f", {WITHHELD}",) if facts.source == "withheld" else ()
    return (*called, Code(facts.id), *withheld)


def checkpoint_key(facts: ModelFacts) -> str:
    """The key of a checkpoint's entry: ASCII letters, digits and hyphens, with its version."""
    words = re.sub(r"[^a-z0-9]+", "-", facts.id.lower()).strip("-") or "model"
    return f"checkpoint-{words}-{facts.version[:7]}".rstrip("-")


def bibtex(facts: Iterable[tuple[ModelFacts, bool]], others: Iterable[str] = ()) -> str:
    """A ``.bib`` file.

    Args:
        facts: the models, each with whether it has a test-time register.
        others: keys of the papers that a figure is after.
    """
    models = list(facts)
    keys = dict.fromkeys([*others, *(key for one in models for key in cited(*one))])
    entries = [_paper(key, PAPERS[key]) for key in keys if key in PAPERS]
    entries += list(dict.fromkeys(_checkpoint(one) for one, _ in models))
    return "\n".join(entries)


def added(text: str, entries: str) -> str:
    """A bibliography with those of some entries whose keys it does not have; the rest stays.

    BibTeX stops at a key that comes twice, so that figures of one paper share a file.

    Args:
        text: of the bibliography; may be empty.
        entries: as :func:`bibtex` writes them.
    """
    known = set(_keys(text))
    new = [one for one in re.split(r"\n(?=@)", entries) if not known & set(_keys(one))]
    return "\n".join(part for part in (text, *new) if part.strip())


def _keys(text: str) -> list[str]:
    return re.findall(r"^\s*@\w+\s*[{(]\s*([^,\s]+)\s*,", text, re.MULTILINE)


def _paper(key: str, paper: BibEntry) -> str:
    return (
        f"@{paper.kind}{{{key},\n"
        f"  title = {{{paper.title}}},\n"
        f"  author = {{{paper.author}}},\n"
        f"  {paper.where} = {{{paper.venue}}},\n"
        f"  year = {{{paper.year}}},\n}}\n"
    )


def _checkpoint(facts: ModelFacts) -> str:
    # a whole hash is wider than a column of small type, so that it may be broken
    parts = BREAK.join(escaped(part) for part in re.findall(".{1,10}", facts.version))
    version = f"{'commit' if facts.commit else 'weights'} {parts}"
    lines = [
        f"@misc{{{checkpoint_key(facts)},",
        f"  title = {{{{{typewriter(facts.id)}}}}},",
        f"  key = {{{escaped(facts.id)}}},",
        f"  howpublished = {{{SOURCES[facts.source]}}},",
        *([f"  note = {{{version}}},"] if facts.version else []),
        "}",
    ]
    return "\n".join(lines) + "\n"
