"""BibTeX entries for papers, checkpoints and this program."""

from __future__ import annotations

import re
from collections.abc import Iterable

from generator.present.papers import PAPERS, BibEntry
from generator.records.record import ModelFacts
from generator.text.latex import BREAK, Code, Piece, escaped, typewriter

FAMILIES: dict[str, tuple[str, ...]] = {
    "vit": ("dosovitskiy2021image",),
    "deit": ("touvron2021training",),
    "dinov2": ("oquab2024dinov2",),
    "dinov2_with_registers": ("oquab2024dinov2", "darcet2024vision"),
    "dinov3_vit": ("simeoni2025dinov3",),
    "clip_vision_model": ("radford2021learning",),
    "metaclip_2_vision_model": ("chuang2025metaclip",),
    "siglip_vision_model": ("zhai2023sigmoid",),
    "siglip2_vision_model": ("tschannen2025siglip",),
    "beit": ("bao2022beit",),
    "data2vec-vision": ("baevski2022data2vec",),
    "vit_mae": ("he2022masked",),
    "vit_msn": ("assran2022masked",),
    "ijepa": ("assran2023self",),
    "aimv2_vision_model": ("fini2025multimodal",),
    "mlcd_vision_model": ("an2024multi",),
    "radio": ("ranzinger2024radio",),
    "pixio": ("yang2025pursuit",),
    "tipsv2_vision_model": ("maninis2025tips",),
    "altclip_vision_model": ("chen2023altclip",),
    "blip_vision_model": ("li2022blip",),
    "blip_2_vision_model": ("li2023blip",),
    "instructblip_vision_model": ("dai2023instructblip",),
    "chinese_clip_vision_model": ("yang2022chinese",),
    "clipseg_vision_model": ("luddecke2022image",),
    "dpt": ("ranftl2021vision",),
    "flava_image_model": ("singh2022flava",),
    "git_vision_model": ("wang2022git",),
    "idefics2_vision": ("laurencon2024matters",),
    "idefics3_vision": ("laurencon2024building",),
    "smolvlm_vision": ("marafioti2025smolvlm",),
    "internvl_vision": ("chen2024internvl",),
    "janus_vision_model": ("wu2025janus",),
    "kosmos_2_vision_model": ("peng2023kosmos",),
    "ovis2_vision": ("lu2024ovis",),
    "owlvit_vision_model": ("minderer2022simple",),
    "owlv2_vision_model": ("minderer2023scaling",),
    "pixtral": ("agrawal2024pixtral",),
    "qwen2_vl_vision": ("wang2024qwen",),
    "qwen2_5_vl_vision": ("bai2025qwen",),
    "qwen3_vl_vision": ("bai2025qwen3",),
    "qwen3_vl_moe_vision": ("bai2025qwen3",),
    "glm4v_vision": ("hong2025glm",),
    "sam_vision_model": ("kirillov2023segment",),
    "sam_hq_vision_model": ("ke2023segment",),
    "sam3_vit_model": ("carion2025sam",),
    "got_ocr2_vision": ("wei2024general",),
    "vitdet": ("li2022exploring",),
    "llama4_vision_model": ("meta2025llama",),
    "kosmos_2_5_vision_model": ("lv2023kosmos",),
    "yolos": ("fang2021you",),
    "vjepa2": ("assran2025vjepa",),
    "videomae": ("tong2022videomae",),
}
"""``model_type`` of transformers -> papers to cite. Models of another family cite only their
checkpoint."""

ACCENTS = {r"{\'e}": "é", '{\\"u}': "ü", r"{\c{c}}": "ç"}
"""What LaTeX writes for letters of names."""

ARCHITECTURES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dinov3", ("simeoni2025dinov3",)),
    ("reg4_dinov2", ("oquab2024dinov2", "darcet2024vision")),
    ("dinov2", ("oquab2024dinov2",)),
    ("eva02", ("fang2024eva",)),
    ("vit_pe_", ("bolya2025perception",)),
    ("siglip", ("zhai2023sigmoid",)),
    ("clip", ("radford2021learning",)),
    ("deit3", ("touvron2022deit",)),
    ("deit", ("touvron2021training",)),
    ("beitv2", ("peng2022beit",)),
    ("beit", ("bao2022beit",)),
    ("vit", ("dosovitskiy2021image",)),
)
"""A part of the name of an architecture of timm -> papers to cite; the first that is in it."""

TIMM = frozenset(
    {
        *("VisionTransformer", "VisionTransformerDistilled", "VisionTransformerRelPos"),
        *("Eva", "Beit", "NaFlexVit"),
    }
)
"""Classes of timm, whose models have the name of an architecture for a ``model_type``."""

WITHHELD = "checkpoint withheld for review"
"""Replaces the commit in an anonymous gallery."""

SOURCES = {
    "hub": "Checkpoint, Hugging Face hub",
    "folder": "Checkpoint, local folder",
    "memory": "Module in memory",
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
    names = [_plain(name.split(",")[0]) for name in paper.author.split(" and ")]
    who = " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{names[0] if len(names) == 1 else who}, {paper.year}"


def _plain(name: str) -> str:
    for latex, letter in ACCENTS.items():
        name = name.replace(latex, letter)
    return name.strip("{}")


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
    if facts.architecture in TIMM:
        papers = next((keys for part, keys in ARCHITECTURES if part in facts.model_type), ())
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
