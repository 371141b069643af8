"""Chapters of the printed report, taken from the analyses on the site's pages.

What a page shows of models, pairs of models, images and methods is taken from its HTML, so that
paper and site say the same. Controls and folded tables of charts stay on the site, and so does what
pages that show all models say of those that the report does not show.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from markupsafe import Markup

from generator.export.single.page_parts import resolved
from generator.present.files.manifest_file import inner_file

STYLES = ("charts", "panels", "analyses", "pair", "sweep")
"""Style sheets of the site that its charts and panels need."""

DROPPED = frozenset({"script", "noscript", "button", "nav", "form", "input", "select", "template"})
VOID = frozenset({"img", "br", "hr", "col", "input", "meta", "link", "source", "wbr"})
SMALLER = {"h2": "h3", "h3": "h4", "h4": "h5"}


@dataclass(frozen=True, slots=True)
class ChapterPart:
    """A part of a chapter.

    Attributes:
        id: where links lead to.
        title: its heading; empty where the heading stands in its content.
    """

    id: str
    title: str
    content: Markup


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter.

    Attributes:
        id: where links lead to.
    """

    id: str
    title: str
    sections: tuple[ChapterPart, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Which models a report shows, as the pages of the site know them.

    Attributes:
        places: of these among all models of the gallery, from 0.
    """

    slugs: frozenset[str]
    places: frozenset[int]


def chapter(site: Path, page: str, title: str, kind: str, shown: Shown) -> Chapter | None:
    """What a page shows beside its controls; None where that is nothing, or the page is not there.

    Args:
        site: folder of the pages.
        page: path of the page.
        kind: ``analysis`` and ``study`` for parts of this class, ``all`` for every section.
        shown: the models whose parts are taken.
    """
    path = site / page
    if not path.is_file():
        return None
    slug = re.sub(r"[^a-z0-9]+", "-", page.removesuffix("/index.html").lower()).strip("-")
    reader = _ChapterReader(site, page, slug, kind, shown)
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    sections = tuple(
        ChapterPart(f"{slug}--part-{number}", text, Markup("".join(parts)))  # noqa: S704 - own pages
        for number, (text, parts) in enumerate(reader.found, 1)
        if "".join(parts).strip()
    )
    return Chapter(slug, title, sections) if sections else None


@dataclass(slots=True)
class _ChapterReader(HTMLParser):
    """Takes the wanted sections out of a page, ready for paper."""

    site: Path
    page: str
    slug: str
    kind: str
    shown: Shown
    found: list[tuple[str, list[str]]] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)
    _wanted: int = 0
    _dropped: int = 0
    _heading: list[str] | None = None
    _part: bool = False  # whether the chart that is read loses some of its lines

    def __post_init__(self) -> None:
        HTMLParser.__init__(self, convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self._open.append((tag, ""))
        if self._dropped:
            self._dropped += tag not in VOID
            return
        if not self._wanted:
            if self._starts(tag, given):
                self._wanted = len(self._open)
                self.found.append(("", []))
            return
        if tag == "figure":  # a chart over models, of which some may not be shown
            models = (given.get("data-models") or "").split()
            self._part = not self.shown.slugs.issuperset(models)
        if self._unwanted(tag, given):
            self._dropped = int(tag not in VOID)
            return
        if tag in ("h2", "h3") and not self.found[-1][0] and self._heading is None:
            self._heading = []
            return
        if tag == "summary":  # of a study: its heading stands in it
            return
        self._put(self._tag(tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._wanted and not self._dropped:
            self._put(self._tag(tag, dict(attrs)).removesuffix(">") + "/>")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or not self._open:
            return
        self._open.pop()
        if self._dropped:
            self._dropped -= 1
            return
        if not self._wanted:
            return
        if len(self._open) < self._wanted:
            self._wanted = 0
        elif self._heading is not None and tag in ("h2", "h3"):
            self.found[-1] = (" ".join("".join(self._heading).split()), self.found[-1][1])
            self._heading = None
        elif tag != "summary":
            self._put(f"</{SMALLER.get(tag, tag)}>")

    def handle_data(self, data: str) -> None:
        if self._heading is not None and not self._dropped:
            self._heading.append(data)
        elif self._wanted and not self._dropped:
            self._put(escape(data, quote=False))

    def _put(self, text: str) -> None:
        self.found[-1][1].append(text)

    def _starts(self, tag: str, given: dict[str, str | None]) -> bool:
        classes = (given.get("class") or "").split()
        if "needs-script" in classes or "hidden" in given:
            return False
        if self.kind == "study":
            return tag == "details" and "study" in classes
        return tag == "section" and (self.kind == "all" or self.kind in classes)

    def _unwanted(self, tag: str, given: dict[str, str | None]) -> bool:
        classes = (given.get("class") or "").split()
        return (
            tag in DROPPED
            or "needs-script" in classes
            or "hidden" in given
            or (tag == "details" and "study" not in classes)
            or self._of_another_model(given)
        )

    def _of_another_model(self, given: dict[str, str | None]) -> bool:
        """Whether an element is about models that are not shown."""
        place, models = given.get("data-study"), given.get("data-of") or given.get("data-models")
        if place is not None:
            return int(place) not in self.shown.places
        return bool(models) and self.shown.slugs.isdisjoint((models or "").split())

    def _tag(self, tag: str, given: dict[str, str | None]) -> str:
        kept = {name: value for name, value in given.items() if not self._idle(tag, name)}
        for name in ("id", "aria-labelledby", "aria-describedby"):
            if value := kept.get(name):
                kept[name] = " ".join(f"{self.slug}--{one}" for one in value.split())
        if tag in ("img", "image"):
            place = "src" if tag == "img" else "href"
            kept.pop("loading", None)
            if found := resolved(self.page, given.get(place) or ""):
                kept[place] = _inline(inner_file(self.site, found[0]))
        if self._part and "chart-drawing" in (given.get("class") or ""):
            kept.pop("aria-label", None)  # it sums up every series; the title above stands for it
            kept["aria-hidden"] = "true"
        words = [
            name if value is None else f'{name}="{escape(self._own(value), quote=True)}"'
            for name, value in kept.items()
        ]
        return f"<{' '.join([SMALLER.get(tag, tag), *words])}>"

    def _own(self, value: str) -> str:
        """References inside a drawing, under the names that they have here."""
        return re.sub(r"url\(#([^)]+)\)", rf"url(#{self.slug}--\1)", value)

    def _idle(self, tag: str, name: str) -> bool:
        """What paper has no use for: links, and what scripts read."""
        return name.startswith(("data-", "on")) or (tag in ("a", "use") and name in _LINKS)


_LINKS = frozenset({"href", "download", "rel", "target"})


def _inline(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "image/webp"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def chapters(site: Path, wanted: Iterable[tuple[str, str, str]], shown: Shown) -> Iterator[Chapter]:
    """The chapters of a report, in order.

    Args:
        site: folder of the pages.
        wanted: path of the page, title and kind of each chapter; a page that is not there, or has
            nothing of its kind, gives none.
        shown: the models whose parts are taken.
    """
    for page, title, kind in (*wanted, ("methods/index.html", "Methods", "all")):
        if found := chapter(site, page, title, kind, shown):
            yield found
