"""What the pages of a site say of each model: every quantity that stands in several places."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NUMBER = r"[+\u2212<>]*[\d][\d,.]*(?:e\u2212?\d+)?(?:[\u00a0 ]%)?|\u2013"
SCORES = r"mass inside|hits|IoU at 60\u00a0%|average precision"
SENTENCES = (
    ("outlier-share", rf"“{{label}}” has ({NUMBER}) outlier patches"),
    ("outlier-share", rf"There, ({NUMBER}) of patches exceed 3 × the median"),
    (
        "norm-ratio",
        rf"“{{label}}” has (?:{NUMBER}) outlier patches [^:]*: the largest norm is ({NUMBER}) ×",
    ),
    ("norm-ratio", rf"The largest norm stands out most in [\w ]+: ({NUMBER}) × the layer's median"),
    (
        "norm-ratio",
        rf"“{{label}}” has no outlier patches in any [a-z ]*: the largest norm is ({NUMBER}) ×",
    ),
)
"""Ids of quantities at a model's peak layer, and sentences that state them.

Where a sentence has no label, it is of the page's own model.
"""

KEY_NUMBERS = {
    "Largest norm over the median, at its peak": "norm-ratio",
    "Patches above 3 × the median at that layer": "outlier-share",
}
"""Rows of the table at the top of a page of two models."""

MAP_TEXT = re.compile(
    rf'src="[^"]*data/([\w-]+)/([\w-]+)\.last\.[^"]*"[^>]*alt="[^"]*: ({NUMBER}) of the [^"]* '
    rf"is on patches, at most ({NUMBER}) times uniform"
)


@dataclass(frozen=True, order=True)
class Key:
    """What a number is of.

    Attributes:
        quantity: id of the quantity, or of a chart's only quantity.
        model: label of the model.
        where: image, layer, row of a table.
    """

    quantity: str
    model: str
    where: str = ""


def pages(site: Path) -> dict[str, str]:
    """Path -> HTML of every page, without scripts."""
    return {
        path.relative_to(site).as_posix(): re.sub(
            r"<script\b.*?</script>", "", path.read_text(encoding="utf-8"), flags=re.S
        )
        for path in sorted(site.rglob("*.html"))
    }


def disagreements(found: dict[str, str], labels: dict[str, str]) -> dict[Key, dict[str, set[str]]]:
    """Numbers that two places write differently: text -> pages.

    Args:
        found: HTML by path.
        labels: slug -> label of the models.
    """
    return {key: texts for key, texts in readings(found, labels).items() if len(texts) > 1}


def readings(found: dict[str, str], labels: dict[str, str]) -> dict[Key, dict[str, set[str]]]:
    """Every number with what it is of, as it is written, and on which pages."""
    known: dict[Key, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path, page in found.items():
        for key, text in _of_page(path, page, labels):
            known[key][text].add(path)
    return known


def _of_page(path: str, page: str, labels: dict[str, str]) -> Iterator[tuple[Key, str]]:
    of = re.fullmatch(r"m/([\w-]+)/index\.html", path)
    own = labels[of[1]] if of else ""
    text = _text(page)
    for quantity, sentence in SENTENCES:
        for label in labels.values() if "{label}" in sentence else [own]:
            for stated in re.findall(sentence.format(label=re.escape(label)), text):
                yield Key(quantity, label, "peak"), stated
    for model, image, share, most in MAP_TEXT.findall(html.unescape(page)):
        yield Key("on-patches", labels[model], image), share
        yield Key("largest", labels[model], image), most
    for table in re.findall(r"<table\b.*?</table>", page, re.S):
        yield from _of_table(table)
    for figure in re.findall(r'<figure class="chart.*?</figure>', page, re.S):
        yield from _of_chart(figure, own, tuple(labels.values()))


def _of_table(table: str) -> Iterator[tuple[Key, str]]:
    """Key numbers, and scores against marked objects of both kinds of pages."""
    head, *rows = _rows(table)
    for name, *cells in rows:
        if name in KEY_NUMBERS:
            for label, cell in zip(head[1:], cells, strict=True):
                yield Key(KEY_NUMBERS[name], label, "peak"), cell.split(" ")[0]
        score = re.fullmatch(
            r"([\w ]+), (mass inside|hits|IoU at 60\u00a0%|average precision)", name
        )
        if score and head[0] == "map and score":
            for label, cell in zip(head[1:3], cells, strict=False):
                yield Key(score[2], label, score[1]), cell
        whole = re.fullmatch(r"([^,]+), ([\w ]+)", name)
        if whole and head[0] == "model, map":
            for column, cell in zip(head[2:], cells[1:], strict=True):
                yield Key(column, whole[1], whole[2]), cell


def _of_chart(figure: str, own: str, labels: tuple[str, ...]) -> Iterator[tuple[Key, str]]:
    """The table of a chart of one quantity: columns of one model, or of one model each."""
    defined = re.findall(r'methods/index\.html#([\w-]+)"', figure)
    table = re.search(r"<table\b.*?</table>", figure, re.S)
    title = _text("".join(re.findall(r"<figcaption.*?</figcaption>", figure, re.S)))
    if len(set(defined)) != 1 or not table:
        return
    head, *rows = _rows(table[0])
    owner = next((label for label in labels if title.startswith(f"{label}: ")), own)
    # the same tokens in the same layers, whose attention it is stands above
    asked = title.removeprefix(f"{owner}: ").lower() if defined[0] == "attention-budget" else ""
    for n, column in enumerate(head[1:], start=1):
        label = next((each for each in labels if column.split(",")[0] == each), owner)
        name = "" if label == column or len(head) == 2 else column.removeprefix(f"{label}, ")
        for row in rows:
            if label:
                yield (
                    Key(defined[0], label, " ".join(filter(None, (asked, head[0], row[0], name)))),
                    row[n],
                )


def _rows(table: str) -> list[list[str]]:
    return [
        [_text(cell) for cell in re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr\b.*?</tr>", table, re.S)
    ]


def _text(markup: str) -> str:
    """Words as they are read, with their no-break spaces."""
    bare = html.unescape(re.sub(r"<[^>]*>", "", markup))
    return re.sub(r"[ \n\t]+", " ", bare).strip()
