"""Parser that splits a built page into parts for the single file.

Pages are parsed as HTML, because templates may be a user's own. Unchanged parts are copied
character by character. Parts that depend on the cut are decided last, so a page is parsed once, and
its size is known for any cut before it is written.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from html import escape
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import unquote, urlsplit

Attributes = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The changes to a page.

    Attributes:
        path: path of the page, relative to the site.
        link: maps a page's path and fragment to its link.
        name: maps a page's path to its name; None for other files.
        picture: maps a picture's path to its attributes.
        data: changes the JSON that an image page's scripts read.
        scripts_only: whether the page is shown by a script and so needs no ``noscript``.
    """

    path: str
    link: Callable[[str, str], str]
    name: Callable[[str], str | None]
    picture: Callable[[str], Mapping[str, str]]
    data: Callable[[str], str]
    scripts_only: bool


@dataclass(frozen=True, slots=True)
class LinkStart:
    """The start of a link to another page.

    Attributes:
        target: path of that page.
        kept: HTML if the page exists.
        gone: HTML if it is left out.
    """

    target: str
    kept: str
    gone: str


class InsertionPoint(Enum):
    """A place of a page that is filled when it is written."""

    NOTICE = "what is left out, at the top of the content"


Piece = str | LinkStart | Literal[InsertionPoint.NOTICE]


@dataclass(frozen=True, slots=True)
class PageSize:
    """The size of a page in bytes.

    Attributes:
        whole: size of its body if no page is left out, without notices.
        notices: number of notices.
        links: by path of another page, the bytes that its links lose if that page is left out.
    """

    whole: int
    notices: int
    links: Mapping[str, int]

    def without(self, gone: Collection[str], notice: str) -> int:
        """The size of the body, with a notice, if some pages are left out."""
        lost = sum(self.links.get(path, 0) for path in gone)
        return self.whole - lost + self.notices * len(notice.encode())


@dataclass(slots=True)
class PageParts:
    """A page in parts.

    Attributes:
        kind: class of its body.
        head: HTML of its head, without title, styles, scripts and policy.
        styles: paths of its style sheets with their media.
        scripts: paths of its scripts.
        body: HTML of its body.
        pictures: paths of its pictures.
    """

    title: str = ""
    kind: str = ""
    head: list[Piece] = field(default_factory=list)
    styles: list[tuple[str, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    body: list[Piece] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)

    def html(self, gone: Collection[str], notice: str) -> str:
        """The body, if some pages are left out."""
        return _joined(self.body, gone, notice)

    @property
    def head_html(self) -> str:
        """The part of the head that is kept."""
        return _joined(self.head, (), "")

    @property
    def size(self) -> PageSize:
        """The size of :meth:`html` for any cut."""
        links: Counter[str] = Counter()
        for piece in self.body:
            if isinstance(piece, LinkStart):
                links[piece.target] += len(piece.kept.encode()) - len(piece.gone.encode())
        whole = len(self.html((), "").encode())
        return PageSize(whole, sum(piece is InsertionPoint.NOTICE for piece in self.body), links)


def _joined(pieces: list[Piece], gone: Collection[str], notice: str) -> str:
    texts = []
    for piece in pieces:
        if isinstance(piece, LinkStart):
            texts.append(piece.gone if piece.target in gone else piece.kept)
        else:
            texts.append(notice if isinstance(piece, InsertionPoint) else piece)
    return "".join(texts).strip()


def take_apart(html: str, how: Rewriting) -> PageParts:
    """Split a page into parts and rewrite its links and pictures."""
    reader = _PartsReader(how)
    reader.feed(html)
    reader.close()
    return reader.parts


def resolved(page: str, url: str) -> tuple[str, str] | None:
    """The site-relative path and the fragment of a URL in a page; None outside the site."""
    split = urlsplit(url)
    if split.scheme or split.netloc or not split.path:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(split.path)))
    return path, split.fragment


class _PartsReader(HTMLParser):
    """Collects the parts of one page."""

    def __init__(self, how: Rewriting) -> None:
        super().__init__(convert_charrefs=False)
        self.parts = PageParts()
        self._how = how
        self._where = self.parts.head
        self._inside = ""
        self._skipped = 0

    def _emit(self, piece: Piece) -> None:
        if not self._skipped:
            self._where.append(piece)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        given = dict(attrs)
        if tag in ("html", "head"):
            return
        if tag == "body":
            self.parts.kind = given.get("class") or ""
            self._where = self.parts.body
            return
        if tag == "noscript" and self._how.scripts_only:
            self._skipped += 1
            return
        if self._where is self.parts.head and self._head(tag, given):
            return
        if tag == "script":
            self._inside = "data" if given.get("id") == "page-data" else ""
        self._emit(self._element(tag, given, raw, end=">"))
        if tag == "main":
            self._emit(InsertionPoint.NOTICE)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        self._emit(self._element(tag, dict(attrs), raw, end="/>"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "noscript" and self._how.scripts_only:
            self._skipped -= 1
        elif (tag == "title" and self._inside == "title") or (
            tag == "script" and self._inside == "gone"
        ):
            self._inside = ""
        elif tag not in ("html", "head", "body"):
            self._emit(f"</{tag}>")
            self._inside = "" if tag == "script" else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.parts.title += data
        elif self._inside == "data":
            self._emit(self._how.data(data))
        elif self._inside != "gone":
            self._emit(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self._emit(f"<!--{data}-->")

    def _head(self, tag: str, given: Attributes) -> bool:
        """Whether an element is removed from the head."""
        if tag == "title":
            self._inside = "title"
            return True
        if tag == "meta":
            return "charset" in given or given.get("http-equiv") == "Content-Security-Policy"
        if tag == "script" and given.get("src"):
            self._inside = "gone"
            if found := resolved(self._how.path, given["src"] or ""):
                self.parts.scripts.append(found[0])
            return True
        if tag == "link":
            if given.get("rel") == "stylesheet":
                if found := resolved(self._how.path, given.get("href") or ""):
                    self.parts.styles.append((found[0], given.get("media") or ""))
                return True
            return given.get("rel") == "canonical"
        return False

    def _element(self, tag: str, given: Attributes, raw: str, end: str) -> str | LinkStart:
        """The start tag of an element; an address of a file in it is rewritten."""
        # a picture inside of SVG is an image element, with another attribute for its address
        place = {"img": "src", "image": "href"}.get(tag, "href")
        found = resolved(self._how.path, given.get(place) or "")
        if tag in ("img", "image") and found:
            rest = {name: value for name, value in given.items() if name != place}
            if not self._skipped:
                self.parts.pictures.add(found[0])
            new = self._how.picture(found[0])
            moved = {place if name == "src" else name: new[name] for name in new}
            return _tag(tag, {**moved, **rest}, end)
        if tag == "a" and found:
            return self._link(given, *found, end)
        if tag == "form" and "data-data" in given:
            data = resolved(self._how.path, given["data-data"] or "")
            return _tag(tag, {**given, "data-data": data[0] if data else "", "data-root": ""}, end)
        return raw

    def _link(self, given: Attributes, path: str, fragment: str, end: str) -> str | LinkStart:
        rest = {name: value for name, value in given.items() if name != "href"}
        name = self._how.name(path)
        if name is None:
            file = {"data-file": path, "download": posixpath.basename(path), **rest}
            return _tag("a", file, end)
        kept = {"href": self._how.link(path, fragment), "data-page": name, **rest}
        gone = {**rest, "title": "This page is left out of this file."}
        return LinkStart(path, _tag("a", kept, end), _tag("a", gone, end))


def _tag(tag: str, attributes: Attributes, end: str) -> str:
    words = [
        name if value is None else f'{name}="{escape(value, quote=True)}"'
        for name, value in attributes.items()
    ]
    return f"<{' '.join([tag, *words])}{end}"
