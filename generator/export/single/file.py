"""A whole site as one HTML file that opens by double click.

The front page is in the body and works without JavaScript. The other pages are templates; pictures
and numbers are blocks of text that are read when a page needs them; the scripts are those of the
site. Each style sheet and script is in the file once, and its hash is in the content policy. The
file makes no requests.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from html import escape
from pathlib import Path
from urllib.parse import quote

from generator.bundled import bundled
from generator.errors import SpecError, StoreError
from generator.export.single.cuts import (
    STEPS,
    Cut,
    chunk_text,
    page_data,
    picture_bytes,
    without_images,
)
from generator.export.single.page_parts import PageParts, PageSize, Rewriting, take_apart
from generator.export.single.policy import hashes, script, style
from generator.present.files.manifest import CellItem, FileEntry, Manifest
from generator.present.files.manifest_file import MANIFEST, inner_file
from generator.present.pages.assets import ORDER as SCRIPT_ORDER
from generator.present.pages.assets import SINGLE, SINGLE_BOOT, SINGLE_STYLE, STYLESHEETS, original
from generator.present.pages.paths import INDEX, image_path, sequence_path
from generator.spec.figures import FIGURES
from generator.text.amounts import size_in_words

TYPES = {
    ".webp": "image/webp",
    ".png": "image/png",
    ".json": "application/json",
    ".js": "application/json",
}


BASE = "base-uri 'none'; "
SRCDOC = "about:srcdoc"
"""Address of a frame's ``srcdoc``: without it as the base, links lead to the page around it."""

SMALL = ("thumb", "crop", "map")
"""Kinds of pictures that the index may show of any image."""


@dataclass(frozen=True, slots=True)
class SingleFile:
    """A site as one file.

    Attributes:
        data: the bytes of the file.
        left_out: omitted parts in words; empty if it is complete.
    """

    data: bytes
    left_out: tuple[str, ...]


def single_file(site: Path, manifest: Manifest, max_bytes: int) -> SingleFile:
    """Make one file of a site, reduced as far as a size limit needs.

    Args:
        site: folder of the pages.
        max_bytes: the largest size allowed.

    Raises:
        SpecError: not even one image fits.
        StoreError: the site was built by an older version.
    """
    writer = _Writer(site, manifest)
    for cut in STEPS:
        # numbers are most of the size: if they alone exceed the limit, skip the exact size
        if writer.numbers_bytes(cut) <= max_bytes and writer.size(cut) <= max_bytes:
            return SingleFile(writer.write(cut), cut.words)
    cut = _without_last_images(writer, max_bytes)
    return SingleFile(writer.write(cut), cut.words)


def framed_file(site: Path, manifest: Manifest, page: str) -> bytes:
    """Make one file of a whole site for ``srcdoc`` of an iframe, which opens at a page.

    Args:
        site: folder of the pages.
        page: path of the page in the site.

    Raises:
        StoreError: the site was built by an older version.
    """
    return _Writer(site, manifest, frame=page_name(page)).write(STEPS[0])


def _without_last_images(writer: _Writer, max_bytes: int) -> Cut:
    """The cut with as many pages of images as fit, from the first one on."""
    most = len(writer.shown) - 1
    smallest = writer.size(without_images(most)) if most > 0 else writer.size(STEPS[-1])
    if most < 1 or smallest > max_bytes:
        raise SpecError(
            f"Even with one image the file would have {size_in_words(smallest)}, more than the "
            f"{size_in_words(max_bytes)} allowed.",
            "Allow more with --max-size, or export the site as an archive.",
        )
    too_few, enough = 0, most
    while enough - too_few > 1:
        count = (too_few + enough) // 2
        if writer.size(without_images(count)) <= max_bytes:
            enough = count
        else:
            too_few = count
    return without_images(enough)


def page_name(path: str) -> str:
    """The name of a page in the fragment: ``index``, ``i/cat``."""
    return posixpath.dirname(path) if posixpath.dirname(path) else "index"


@dataclass(frozen=True, slots=True)
class _Held:
    """A block of the file that is read when a page needs it.

    Attributes:
        size: size in bytes.
    """

    size: int
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Pages:
    """All pages in parts, for one cut (the pages of images are decided later).

    Attributes:
        sizes: bytes of the body by path.
    """

    parts: Mapping[str, PageParts]
    sizes: Mapping[str, PageSize]


class _Writer:
    """Assembles the file; each file of the site is read once.

    The size is the sum over the parts, so it is known before writing.
    """

    def __init__(self, site: Path, manifest: Manifest, frame: str = "") -> None:
        self._site = site
        self._manifest = manifest
        self._frame_page = frame
        self.shown = tuple(
            image.slug for image in manifest.images if image_path(image.slug) in manifest.pages
        )
        self._pictures = cache(self._read_picture)
        self._sizes = cache(self._chunk_bytes)
        # one cut at a time: the next is tried when this one is too large
        self._pages = lru_cache(maxsize=1)(self._take_apart)

    def size(self, cut: Cut) -> int:
        """The size of the file in bytes, with a cut."""
        return len(self._frame(cut, "").encode()) + sum(held.size for held in self._held(cut))

    def write(self, cut: Cut) -> bytes:
        """The file with a cut."""
        data = self._frame(cut, "".join(held.text() for held in self._held(cut))).encode()
        assert len(data) == self.size(cut), "the file is as large as its parts"
        return data

    def _frame(self, cut: Cut, held: str) -> str:
        """The file with its blocks."""
        pages = self._pages(replace(cut, images=0)).parts
        found = {path for page in pages.values() for path in page.scripts}
        paths = sorted(found, key=lambda path: (_place(path, SCRIPT_ORDER), path))
        if not any(posixpath.basename(path).startswith("files.") for path in paths):
            raise StoreError("The site was built by an older version.", "Build it again.")
        boot = [self._text(path) for path in paths if _is_boot(path)]
        return _document(
            pages[INDEX],
            pages[INDEX].html(self._gone(cut), _notice(cut, is_index=True)),
            styles=self._styles(pages),
            boot="\n".join([*boot, self._static("js", SINGLE_BOOT)]),
            code="\n".join(self._texts(path for path in paths if not _is_boot(path))),
            held=held,
            frame=self._frame_page,
        )

    def _gone(self, cut: Cut) -> frozenset[str]:
        """The paths of pages that are left out."""
        gone = set(self.shown[len(self.shown) - cut.images :])
        left = {
            image.frame.sequence
            for image in self._manifest.images
            if image.frame and image.slug in self.shown and image.slug not in gone
        }
        empty = (each.slug for each in self._manifest.sequences if each.slug not in left)
        return frozenset([*map(image_path, gone), *map(sequence_path, empty)])

    def _take_apart(self, cut: Cut) -> _Pages:
        parts = {path: self._page(path, cut) for path in self._manifest.pages}
        return _Pages(parts, {path: page.size for path, page in parts.items()})

    def _styles(self, pages: Mapping[str, PageParts]) -> list[tuple[str, str]]:
        """The texts of style sheets with their media, each once."""
        found = {item for page in pages.values() for item in page.styles}
        paths = sorted(found, key=lambda item: (_place(item[0], STYLESHEETS), item))
        own = (self._static("css", SINGLE_STYLE), "")
        return [*((self._text(path), media) for path, media in paths), own]

    def _texts(self, paths: Iterator[str]) -> Iterator[str]:
        """The scripts; the one that shows pages comes before those that start a page."""
        for path in paths:
            yield self._text(path)
            if posixpath.basename(path).startswith("files."):
                yield self._static("js", SINGLE)

    def _page(self, path: str, cut: Cut) -> PageParts:
        is_index = path == INDEX
        how = Rewriting(
            path=path,
            link=_link,
            name=lambda target: page_name(target) if target in self._manifest.pages else None,
            picture=partial(self._attributes, cut=cut, inline=is_index),
            data=lambda text: page_data(text, cut),
            scripts_only=not is_index,
        )
        return take_apart(self._text(path), how)

    def _attributes(self, path: str, *, cut: Cut, inline: bool) -> Mapping[str, str]:
        if not inline:
            return {"data-file": path}
        return {"src": f"data:{_type(path)};base64,{self._picture(path, cut)}", "data-file": path}

    # --- blocks -----------------------------------------------------------------------------

    def _held(self, cut: Cut) -> Iterator[_Held]:
        gone = self._gone(cut)
        pages = self._pages(replace(cut, images=0))
        notice = _notice(cut, is_index=False)
        for path, page in pages.parts.items():
            if path != INDEX and path not in gone:
                around = len(_template(page_name(path), page, "").encode())
                size = around + pages.sizes[path].without(gone, notice)
                yield _Held(size, partial(_template_of, path, page, gone, notice))
        for path in self._needed(pages.parts, gone):
            yield _now(_file(path, self._picture(path, cut)))
        for kept in (self._site / MANIFEST, *sorted(self._site.glob(f"{FIGURES}/*"))):
            text = base64.b64encode(kept.read_bytes()).decode()
            yield _now(_file(kept.relative_to(self._site).as_posix(), text))
        for path_of_data in sorted(self._site.glob("assets/index-data.*.js")):
            text = path_of_data.read_text(encoding="utf-8")
            data = text[text.index("(") + 1 : text.rindex(")")]
            yield _now(_file(path_of_data.relative_to(self._site).as_posix(), data))
        yield from self._numbers(cut, gone)

    def _numbers(self, cut: Cut, gone: Collection[str]) -> Iterator[_Held]:
        """The numbers of images with a page."""
        seen: set[str] = set()
        for cell in self._manifest.cells:
            for file in _files(cell, cut) if image_path(cell.image) not in gone else ():
                name = f"{cell.record}/{file.query}"
                if name not in seen:  # equal pictures share their records
                    seen.add(name)
                    around = len(_chunk(name, "").encode())
                    size = around + self._sizes(file, replace(cut, images=0))
                    yield _Held(size, partial(self._numbers_text, name, file, cut))

    def numbers_bytes(self, cut: Cut) -> int:
        """The size of all numbers."""
        return sum(held.size for held in self._numbers(cut, self._gone(cut)))

    def _needed(self, pages: Mapping[str, PageParts], gone: Collection[str]) -> tuple[str, ...]:
        """Pictures of pages and the finder, without those that the front page contains."""
        shown = {p for path, page in pages.items() if path not in gone for p in page.pictures}
        small = {file.path for file in self._manifest.files if file.kind in SMALL}
        return tuple(sorted((shown | small) - pages[INDEX].pictures))

    # --- files ----------------------------------------------------------------------------------

    def _text(self, path: str) -> str:
        return inner_file(self._site, path).read_text(encoding="utf-8")

    def _static(self, folder: str, name: str) -> str:
        return (bundled("templates") / "static" / folder / name).read_text(encoding="utf-8")

    def _picture(self, path: str, cut: Cut) -> str:
        return self._pictures(path, replace(cut, images=0))

    def _read_picture(self, path: str, cut: Cut) -> str:
        return base64.b64encode(picture_bytes(inner_file(self._site, path), cut)).decode()

    def _numbers_text(self, name: str, file: FileEntry, cut: Cut) -> str:
        return _chunk(name, chunk_text(self._site / file.path, file.query, cut))

    def _chunk_bytes(self, file: FileEntry, cut: Cut) -> int:
        return len(chunk_text(self._site / file.path, file.query, cut).encode())


def _files(cell: CellItem, cut: Cut) -> tuple[FileEntry, ...]:
    """The files of a cell's numbers, without those that are left out."""
    kinds = {"chunk"} if cut.patches else {"chunk", "patches", "alike"}
    return tuple(file for file in cell.files if file.kind in kinds)


def _link(path: str, fragment: str) -> str:
    # choices on an image page, or a position on another page
    more = f"&{fragment}" if "=" in fragment else f"&to={fragment}" if fragment else ""
    return f"#page={page_name(path)}{more}"


def _document(
    index: PageParts,
    body: str,
    *,
    styles: list[tuple[str, str]],
    boot: str,
    code: str,
    held: str,
    frame: str = "",
) -> str:
    """The file: the front page, blocks, and styles and scripts with their hashes.

    Args:
        index: the front page.
        body: HTML of the front page.
        styles: style sheets with their media.
        boot: scripts that run before the page is shown.
        code: all other scripts.
        held: blocks of other pages, pictures and numbers.
        frame: name of the page at which a frame's ``srcdoc`` opens; empty for a file.
    """
    if frame:
        boot = f'if (!location.hash) location.hash = "#page={quote(frame)}";\n{boot}'
    policy = (
        "default-src 'none'; "
        f"script-src {hashes([boot, code])}; style-src {hashes(text for text, _ in styles)}; "
        f"img-src data: blob:; connect-src 'none'; {'' if frame else BASE}form-action 'none'"
    )
    base = f'<base href="{SRCDOC}">\n' if frame else ""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"{base}<title>{index.title}</title>\n",
        *(style(text, media) for text, media in styles),
        script(boot),
        index.head_html,
        f'\n</head>\n<body class="{escape(index.kind)}">\n',
        body,
        f'\n<div id="held" hidden>\n{held}</div>\n{script(code)}</body>\n</html>\n',
    ]
    return "".join(parts)


def _place(path: str, names: Iterable[str]) -> int:
    """The position of a style sheet or script in the program's order; a user's own come last."""
    order = tuple(names)
    name = original(path) if path.count(".") > 1 else ""
    return order.index(name) if name in order else len(order)


def _is_boot(path: str) -> bool:
    return posixpath.basename(path).startswith("boot.")


def _notice(cut: Cut, *, is_index: bool) -> str:
    """The notice of a page: omitted parts; on the front page also that others need scripts."""
    html = []
    if cut.words:
        words = escape("; ".join(cut.words))
        html.append(f'<p class="left-out" role="note">Left out of this file: {words}.</p>')
    if is_index:
        html.append(
            '<noscript><p class="left-out">In this file, the pages of images and models need '
            "JavaScript.</p></noscript>"
        )
    return "\n".join(html)


def _template_of(path: str, page: PageParts, gone: Collection[str], notice: str) -> str:
    return _template(page_name(path), page, page.html(gone, notice))


def _template(name: str, page: PageParts, body: str) -> str:
    title = page.title.replace('"', "&quot;")
    words = f'data-page="{escape(name)}" data-kind="{escape(page.kind)}" data-title="{title}"'
    return f"<template {words}>{body}</template>\n"


def _now(text: str) -> _Held:
    """A block whose text is known already."""
    return _Held(len(text.encode()), lambda: text)


def _chunk(name: str, text: str) -> str:
    return _block(f'data-chunk="{name}"', text)


def _file(path: str, text: str) -> str:
    return _block(f'data-file="{escape(path)}" data-type="{_type(path)}"', text)


def _type(path: str) -> str:
    return TYPES.get(posixpath.splitext(path)[1], "application/octet-stream")


def _block(attributes: str, text: str) -> str:
    """Text in an element that a browser does not interpret."""
    return f'<script type="text/plain" {attributes}>{text}</script>\n'
