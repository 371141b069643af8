"""BibTeX entries for papers, checkpoints and this program."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from generator.records.record import ModelFacts
from generator.text.latex import BREAK, Code, Piece, escaped, typewriter

FAMILIES: dict[str, tuple[str, ...]] = {
    "dinov2": ("oquab2024dinov2",),
    "dinov2_with_registers": ("oquab2024dinov2", "darcet2024vision"),
    "dinov3_vit": ("simeoni2025dinov3",),
    "vit": ("dosovitskiy2021image",),
    "clip_vision_model": ("radford2021learning",),
}
"""``model_type`` -> papers to cite. Models of other families cite only their checkpoint."""

WITHHELD = "checkpoint withheld for review"
"""Replaces the commit in an anonymous gallery."""

SOURCES = {
    "hub": "Checkpoint, Hugging Face hub",
    "folder": "Checkpoint, local folder",
    "withheld": WITHHELD.capitalize(),
}
"""``ModelFacts.source`` -> where checkpoints are published."""

PROGRAM = "attention-gallery"
"""Key of the entry of this program."""


def short(key: str) -> str:
    """Short citation, such as ``Darcet et al., 2024``; empty for checkpoints and programs."""
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
    """Keys to cite for a model: papers of its family and of test-time registers, its checkpoint.

    Args:
        test_time: whether it has a test-time register.
    """
    papers = FAMILIES.get(facts.model_type, ())
    if facts.model_type == "vit" and "dino" in facts.id.lower():
        papers = ("caron2021emerging",)
    return (*papers, *(("jiang2025vision",) if test_time else ()), checkpoint_key(facts))


def named(label: str, facts: ModelFacts) -> tuple[Piece, ...]:
    """A model in full: its label, its id, and its commit or the hash of its weights."""
    called = (f"{label}, ",) if label != facts.id else ()
    if facts.version:
        what = "commit" if facts.commit else "weights"
        return (*called, Code(facts.id), f" at {what} ", Code(facts.version[:12]))
    withheld = (f", {WITHHELD}",) if facts.source == "withheld" else ()
    return (*called, Code(facts.id), *withheld)


def checkpoint_key(facts: ModelFacts) -> str:
    """Key of a checkpoint's entry: ASCII letters, digits and hyphens, with the version."""
    words = re.sub(r"[^a-z0-9]+", "-", facts.id.lower()).strip("-") or "model"
    return f"checkpoint-{words}-{facts.version[:7]}".rstrip("-")


def bibtex(facts: Iterable[tuple[ModelFacts, bool]], others: Iterable[str] = ()) -> str:
    """A ``.bib`` file.

    Args:
        facts: the models, each with whether it has a test-time register.
        others: keys of further papers to cite.
    """
    models = list(facts)
    keys = dict.fromkeys([*others, *(key for one in models for key in cited(*one))])
    entries = [_paper(key, PAPERS[key]) for key in keys if key in PAPERS]
    entries += list(dict.fromkeys(_checkpoint(one) for one, _ in models))
    return "\n".join(entries)


def added(text: str, entries: str) -> str:
    """Append entries to a bibliography, without those whose keys it already has.

    BibTeX stops at duplicate keys, so the figures of a paper share one file.

    Args:
        text: the bibliography; may be empty.
        entries: output of :func:`bibtex`.
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
    # a whole hash is wider than a column of small type, so it may break
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


@dataclass(frozen=True, slots=True)
class BibEntry:
    """A BibTeX entry. Its texts are LaTeX, with braces that keep capitals."""

    kind: str
    title: str
    author: str
    where: str
    venue: str
    year: int


PAPERS: dict[str, BibEntry] = {
    "dosovitskiy2021image": BibEntry(
        "inproceedings",
        "An Image is Worth 16x16 Words: {Transformers} for Image Recognition at Scale",
        "Dosovitskiy, Alexey and Beyer, Lucas and Kolesnikov, Alexander and Weissenborn, Dirk and "
        "Zhai, Xiaohua and Unterthiner, Thomas and Dehghani, Mostafa and Minderer, Matthias and "
        "Heigold, Georg and Gelly, Sylvain and Uszkoreit, Jakob and Houlsby, Neil",
        "booktitle",
        "International Conference on Learning Representations",
        2021,
    ),
    "caron2021emerging": BibEntry(
        "inproceedings",
        "Emerging Properties in Self-Supervised Vision {Transformers}",
        "Caron, Mathilde and Touvron, Hugo and Misra, Ishan and J{\\'e}gou, Herv{\\'e} and Mairal, "
        "Julien and Bojanowski, Piotr and Joulin, Armand",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
    ),
    "raghu2021vision": BibEntry(
        "inproceedings",
        "Do Vision {Transformers} See Like Convolutional Neural Networks?",
        "Raghu, Maithra and Unterthiner, Thomas and Kornblith, Simon and Zhang, Chiyuan and "
        "Dosovitskiy, Alexey",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2021,
    ),
    "simeoni2021localizing": BibEntry(
        "inproceedings",
        "Localizing Objects with Self-Supervised {Transformers} and no Labels",
        "Sim{\\'e}oni, Oriane and Puy, Gilles and Vo, Huy V. and Roburin, Simon and Gidaris, "
        "Spyros and Bursuc, Andrei and P{\\'e}rez, Patrick and Marlet, Renaud and Ponce, Jean",
        "booktitle",
        "British Machine Vision Conference",
        2021,
    ),
    "radford2021learning": BibEntry(
        "inproceedings",
        "Learning Transferable Visual Models From Natural Language Supervision",
        "Radford, Alec and Kim, Jong Wook and Hallacy, Chris and Ramesh, Aditya and Goh, Gabriel "
        "and Agarwal, Sandhini and Sastry, Girish and Askell, Amanda and Mishkin, Pamela and "
        "Clark, Jack and Krueger, Gretchen and Sutskever, Ilya",
        "booktitle",
        "International Conference on Machine Learning",
        2021,
    ),
    "oquab2024dinov2": BibEntry(
        "article",
        "{DINOv2}: Learning Robust Visual Features without Supervision",
        "Oquab, Maxime and Darcet, Timoth{\\'e}e and Moutakanni, Th{\\'e}o and others",
        "journal",
        "Transactions on Machine Learning Research",
        2024,
    ),
    "darcet2024vision": BibEntry(
        "inproceedings",
        "Vision {Transformers} Need Registers",
        "Darcet, Timoth{\\'e}e and Oquab, Maxime and Mairal, Julien and Bojanowski, Piotr",
        "booktitle",
        "International Conference on Learning Representations",
        2024,
    ),
    "simeoni2025dinov3": BibEntry(
        "article",
        "{DINOv3}",
        "Sim{\\'e}oni, Oriane and Vo, Huy V. and Seitzer, Maximilian and others",
        "journal",
        "arXiv preprint arXiv:2508.10104",
        2025,
    ),
    "jiang2025vision": BibEntry(
        "article",
        "Vision {Transformers} Don't Need Trained Registers",
        "Jiang, Nick and Dravid, Amil and Efros, Alexei A. and Gandelsman, Yossi",
        "journal",
        "arXiv preprint arXiv:2506.08010",
        2025,
    ),
    "abnar2020quantifying": BibEntry(
        "inproceedings",
        "Quantifying Attention Flow in {Transformers}",
        "Abnar, Samira and Zuidema, Willem",
        "booktitle",
        "Annual Meeting of the Association for Computational Linguistics",
        2020,
    ),
    "kobayashi2020attention": BibEntry(
        "inproceedings",
        "Attention is Not Only a Weight: Analyzing {Transformers} with Vector Norms",
        "Kobayashi, Goro and Kuribayashi, Tatsuki and Yokoi, Sho and Inui, Kentaro",
        "booktitle",
        "Conference on Empirical Methods in Natural Language Processing",
        2020,
    ),
    "chefer2021generic": BibEntry(
        "inproceedings",
        "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder "
        "{Transformers}",
        "Chefer, Hila and Gur, Shir and Wolf, Lior",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
    ),
    "wang2022tokencut": BibEntry(
        "inproceedings",
        "Self-Supervised {Transformers} for Unsupervised Object Discovery using Normalized Cut",
        "Wang, Yangtao and Shen, Xi and Hu, Shell Xu and Yuan, Yuan and Crowley, James L. and "
        "Vaufreydaz, Dominique",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2022,
    ),
    "vilas2023analyzing": BibEntry(
        "inproceedings",
        "Analyzing Vision {Transformers} for Image Classification in Class Embedding Space",
        'Vilas, Martina G. and Schauml{\\"o}ffel, Timothy and Roig, Gemma',
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2023,
    ),
    "sun2024massive": BibEntry(
        "inproceedings",
        "Massive Activations in Large Language Models",
        "Sun, Mingjie and Chen, Xinlei and Kolter, J. Zico and Liu, Zhuang",
        "booktitle",
        "Conference on Language Modeling",
        2024,
    ),
}
"""Papers that figures and the methods page cite, by key."""
