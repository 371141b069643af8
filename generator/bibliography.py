"""BibTeX: the papers of models and methods, checkpoints, and the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from generator.latex import escaped
from generator.papers import PAPERS, Paper
from generator.records import ModelFacts

FAMILIES: dict[str, tuple[str, ...]] = {
    "dinov2": ("oquab2024dinov2",),
    "dinov2_with_registers": ("oquab2024dinov2", "darcet2024vision"),
    "dinov3_vit": ("simeoni2025dinov3",),
    "vit": ("dosovitskiy2021image",),
    "clip_vision_model": ("radford2021learning",),
}
"""What to cite for a model, by its ``model_type``; other families only have their checkpoint."""


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


def cited(facts: ModelFacts, registers: bool) -> tuple[str, ...]:
    """Keys of the entries for a model: the papers of its family, then its checkpoint."""
    papers = FAMILIES.get(facts.model_type, ())
    if facts.model_type == "vit" and "dino" in facts.id.lower():
        papers = ("caron2021emerging",)
    if registers and facts.model_type == "dinov2":
        papers = ("oquab2024dinov2", "jiang2025vision")  # DINOv2 has none of its own
    return (*papers, checkpoint_key(facts))


def checkpoint_key(facts: ModelFacts) -> str:
    """The key of a checkpoint's entry: ASCII letters, digits and hyphens, with its version."""
    words = re.sub(r"[^a-z0-9]+", "-", facts.id.lower()).strip("-") or "model"
    return f"checkpoint-{words}-{facts.version[:7]}".rstrip("-")


def bibtex(facts: Iterable[tuple[ModelFacts, bool]], others: Iterable[str] = ()) -> str:
    """A ``.bib`` file.

    Args:
        facts: the models, each with whether it has registers.
        others: keys of the papers that a figure is after.
    """
    models = list(facts)
    keys = dict.fromkeys([*others, *(key for one in models for key in cited(*one))])
    entries = [_paper(key, PAPERS[key]) for key in keys if key in PAPERS]
    entries += list(dict.fromkeys(_checkpoint(one) for one, _ in models))
    return "\n".join(entries)


def _paper(key: str, paper: Paper) -> str:
    return (
        f"@{paper.kind}{{{key},\n"
        f"  title = {{{paper.title}}},\n"
        f"  author = {{{paper.author}}},\n"
        f"  {paper.where} = {{{paper.venue}}},\n"
        f"  year = {{{paper.year}}},\n}}\n"
    )


def _checkpoint(facts: ModelFacts) -> str:
    version = f"commit {facts.version}" if facts.commit else f"weights {facts.version}"
    where = "Hugging Face hub" if facts.source == "hub" else "local weights"
    lines = [
        f"@misc{{{checkpoint_key(facts)},",
        rf"  title = {{{{\texttt{{{escaped(facts.id)}}}}}}},",
        f"  howpublished = {{Checkpoint, {where}}},",
        *([f"  note = {{{version}}},"] if facts.version else []),
        "}",
    ]
    return "\n".join(lines) + "\n"
