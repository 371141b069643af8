"""A whole site as one HTML file that opens by double click.

The front page stands in the body and works without JavaScript. The other pages are templates, and
pictures and numbers are blocks of text that nothing reads until a page asks for them; the same
scripts as in the site run on them. Styles and scripts stand in the file once and are named in its
content policy by their hashes. Nothing is requested from anywhere.
"""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from html import escape
from pathlib import Path

from generator.amounts import size_in_words
from generator.bundled import bundled
from generator.errors import SpecError
from generator.export.cuts import (
    STEPS,
    Cut,
    chunk_text,
    page_data,
    picture_bytes,
    without_images,
)
from generator.export.page_parts import PageParts, Rewriting, take_apart
from generator.export.policy import hashes, script, style
from generator.figure_spec import FIGURES
from generator.present.assets import SINGLE, SINGLE_BOOT, SINGLE_STYLE
from generator.present.manifest import MANIFEST, CellItem, FileEntry, Manifest
from generator.present.planner import INDEX, image_path, sequence_path

TYPES = {
    ".webp": "image/webp",
    ".png": "image/png",
    ".json": "application/json",
    ".js": "application/json",
}


@dataclass(frozen=True, slots=True)
class SingleFile:
    """One file, and what it leaves out.

    Attributes:
        data: its bytes.
        left_out: in words, nothing when it holds everything.
    """

    data: bytes
    left_out: tuple[str, ...]


def single_file(site: Path, manifest: Manifest, max_bytes: int) -> SingleFile:
    """Write a site as one file, leaving out what is needed to keep it within a size.

    Args:
        site: folder of the pages.
        manifest: of these pages.
        max_bytes: the largest size allowed.

    Raises:
        SpecError: the site was built by an older version, or not even one image fits.
    """
    writer = _Writer(site, manifest)
    for cut in STEPS:
        # numbers are most of it: where they alone are too much, the rest need not be written
        if sum(writer.numbers_bytes(cut).values()) <= max_bytes:
            data = writer.write(cut)
            if len(data) <= max_bytes:
                return SingleFile(data, cut.words)
    return _without_last_images(writer, max_bytes)


def _without_last_images(writer: _Writer, max_bytes: int) -> SingleFile:
    """The file with as many images as fit, from the first one on."""
    sizes = writer.image_bytes(STEPS[-1])
    most = len(writer.shown) - 1
    whole = size = len(writer.write(STEPS[-1]))
    count, dropped, share = 0, 0, 1.0
    while count < most:
        # as many as their parts say, by what earlier ones came to, and at least one more
        over = round(1.02 * (size - max_bytes))
        while count < most and over > 0:
            count += 1
            dropped += sizes[writer.shown[-count]]
            over -= round(share * sizes[writer.shown[-count]])
        cut = without_images(count)
        data = writer.write(cut)
        size = len(data)
        if size <= max_bytes:
            return SingleFile(data, cut.words)
        share = max(0.05, (whole - size) / dropped)
    raise SpecError(
        f"Even with one image the file would have {size_in_words(size)}, more than the "
        f"{size_in_words(max_bytes)} allowed.",
        "Allow more with --max-size, or export the site as an archive.",
    )


def page_name(path: str) -> str:
    """What a page is called in the fragment: ``index``, ``i/cat``."""
    return posixpath.dirname(path) if posixpath.dirname(path) else "index"


class _Writer:
    """Puts the file together; what it reads from the site is read once."""

    def __init__(self, site: Path, manifest: Manifest) -> None:
        self._site = site
        self._manifest = manifest
        self.shown = tuple(
            image.slug for image in manifest.images if image_path(image.slug) in manifest.pages
        )
        self._pictures = cache(self._read_picture)
        self._sizes = cache(self._chunk_bytes)

    def write(self, cut: Cut) -> bytes:
        """The file with something left out."""
        slugs = set(self.shown[len(self.shown) - cut.images :])
        gone = {image_path(slug) for slug in slugs} | self._sequences_without(slugs)
        pages = {path: self._page(path, cut, gone) for path in self._manifest.pages}
        paths = list(dict.fromkeys(path for page in pages.values() for path in page.scripts))
        if not any(posixpath.basename(path).startswith("files.") for path in paths):
            raise SpecError("The site was built by an older version.", "Build it again.")
        boot = [self._text(path) for path in paths if _is_boot(path)]
        return _document(
            pages[INDEX],
            styles=self._styles(pages),
            boot="\n".join([*boot, self._static("js", SINGLE_BOOT)]),
            code="\n".join(self._texts(path for path in paths if not _is_boot(path))),
            held="".join(self._held(pages, cut, gone)),
        ).encode()

    def _styles(self, pages: Mapping[str, PageParts]) -> list[tuple[str, str]]:
        """Texts of style sheets with the medium they are for, each once."""
        paths = dict.fromkeys(item for page in pages.values() for item in page.styles)
        own = (self._static("css", SINGLE_STYLE), "")
        return [*((self._text(path), media) for path, media in paths), own]

    def _texts(self, paths: Iterator[str]) -> Iterator[str]:
        """Scripts; the one that turns pages goes before those that start a page."""
        for path in paths:
            yield self._text(path)
            if posixpath.basename(path).startswith("files."):
                yield self._static("js", SINGLE)

    def _page(self, path: str, cut: Cut, gone: set[str]) -> PageParts:
        is_index = path == INDEX
        how = Rewriting(
            path=path,
            link=partial(self._link, gone=gone),
            name=lambda target: page_name(target) if target in self._manifest.pages else None,
            picture=partial(self._attributes, cut=cut, inline=is_index),
            data=lambda text: page_data(text, cut, self._slugs_of(gone)),
            notice=_notice(cut, is_index=is_index),
            scripts_only=not is_index,
        )
        return take_apart(self._text(path), how)

    def _sequences_without(self, slugs: set[str]) -> set[str]:
        """Pages of sequences that lose all their frames."""
        left = {
            image.frame.sequence
            for image in self._manifest.images
            if image.frame and image.slug in self.shown and image.slug not in slugs
        }
        return {
            sequence_path(sequence.slug)
            for sequence in self._manifest.sequences
            if sequence.slug not in left
        }

    def _slugs_of(self, pages: set[str]) -> set[str]:
        """The images whose pages are among some."""
        return {slug for slug in self.shown if image_path(slug) in pages}

    def _link(self, path: str, fragment: str, *, gone: set[str]) -> str | None:
        if path in gone:
            return None
        # a choice on an image page, or a place on another one
        more = f"&{fragment}" if "=" in fragment else f"&to={fragment}" if fragment else ""
        return f"#page={page_name(path)}{more}"

    def _attributes(self, path: str, *, cut: Cut, inline: bool) -> Mapping[str, str]:
        if not inline:
            return {"data-file": path}
        return {"src": f"data:{_type(path)};base64,{self._picture(path, cut)}", "data-file": path}

    # --- what waits -----------------------------------------------------------------------------

    def _held(self, pages: Mapping[str, PageParts], cut: Cut, gone: set[str]) -> Iterator[str]:
        for path, page in pages.items():
            if path != INDEX and path not in gone:
                yield _template(page_name(path), page)
        for path in self._needed(pages, gone):
            yield _file(path, self._picture(path, cut))
        for kept in (self._site / MANIFEST, *sorted(self._site.glob(f"{FIGURES}/*"))):
            text = base64.b64encode(kept.read_bytes()).decode()
            yield _file(kept.relative_to(self._site).as_posix(), text)
        for path_of_data in sorted(self._site.glob("assets/index-data.*.js")):
            text = path_of_data.read_text(encoding="utf-8")
            data = text[text.index("(") + 1 : text.rindex(")")]
            yield _file(path_of_data.relative_to(self._site).as_posix(), data)
        seen: set[str] = set()
        for cell in self._manifest.cells:
            for file in _numbers(cell, cut) if image_path(cell.image) not in gone else ():
                name = f"{cell.record}/{file.query}"
                if name not in seen:  # equal pictures share their records
                    yield _block(f'data-chunk="{name}"', self._chunk(file, cut))
                seen.add(name)

    def numbers_bytes(self, cut: Cut) -> dict[str, int]:
        """Size of the numbers of each image that has a page."""
        sizes = dict.fromkeys(self.shown, 0)
        for cell in self._manifest.cells:
            for file in _numbers(cell, cut) if cell.image in sizes else ():
                sizes[cell.image] += self._sizes(file, replace(cut, images=0))
        return sizes

    def image_bytes(self, cut: Cut) -> dict[str, int]:
        """Size of what goes with the page of an image: its numbers, the page and the picture."""
        sizes = self.numbers_bytes(cut)
        for image in self._manifest.images:
            if image.slug in sizes:
                sizes[image.slug] += (self._site / image_path(image.slug)).stat().st_size
                for file in image.files:
                    if file.kind == "picture":
                        sizes[image.slug] += len(self._picture(file.path, cut))
        return sizes

    def _needed(self, pages: Mapping[str, PageParts], gone: set[str]) -> tuple[str, ...]:
        """Pictures that pages or the finder may show, but for those that the front page holds."""
        shown = {p for path, page in pages.items() if path not in gone for p in page.pictures}
        small = {file.path for file in self._manifest.files if file.kind in ("thumb", "map")}
        return tuple(sorted((shown | small) - pages[INDEX].pictures))

    # --- files ----------------------------------------------------------------------------------

    def _text(self, path: str) -> str:
        return (self._site / path).read_text(encoding="utf-8")

    def _static(self, folder: str, name: str) -> str:
        return (bundled("templates") / "static" / folder / name).read_text(encoding="utf-8")

    def _picture(self, path: str, cut: Cut) -> str:
        return self._pictures(path, replace(cut, images=0))

    def _read_picture(self, path: str, cut: Cut) -> str:
        return base64.b64encode(picture_bytes(self._site / path, cut)).decode()

    def _chunk(self, file: FileEntry, cut: Cut) -> str:
        return chunk_text(self._site / file.path, file.query, cut)

    def _chunk_bytes(self, file: FileEntry, cut: Cut) -> int:
        return len(self._chunk(file, cut))


def _numbers(cell: CellItem, cut: Cut) -> tuple[FileEntry, ...]:
    """The files of a cell's numbers that are not left out."""
    kinds = {"chunk"} if cut.patches else {"chunk", "patches", "alike"}
    return tuple(file for file in cell.files if file.kind in kinds)


def _document(
    index: PageParts, *, styles: list[tuple[str, str]], boot: str, code: str, held: str
) -> str:
    """The file: the front page, what waits, and styles and scripts named by their hashes."""
    policy = (
        "default-src 'none'; "
        f"script-src {hashes([boot, code])}; style-src {hashes(text for text, _ in styles)}; "
        "img-src data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{index.title}</title>\n",
        *(style(text, media) for text, media in styles),
        script(boot),
        "".join(index.head).strip(),
        f'\n</head>\n<body class="{escape(index.kind)}">\n',
        "".join(index.body).strip(),
        f'\n<div id="held" hidden>\n{held}</div>\n{script(code)}</body>\n</html>\n',
    ]
    return "".join(parts)


def _is_boot(path: str) -> bool:
    return posixpath.basename(path).startswith("boot.")


def _notice(cut: Cut, *, is_index: bool) -> str:
    """What is left out, and on the front page that the others need scripts."""
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


def _template(name: str, page: PageParts) -> str:
    title, body = page.title.replace('"', "&quot;"), "".join(page.body).strip()
    words = f'data-page="{escape(name)}" data-kind="{escape(page.kind)}" data-title="{title}"'
    return f"<template {words}>{body}</template>\n"


def _file(path: str, text: str) -> str:
    return _block(f'data-file="{escape(path)}" data-type="{_type(path)}"', text)


def _type(path: str) -> str:
    return TYPES.get(posixpath.splitext(path)[1], "application/octet-stream")


def _block(attributes: str, text: str) -> str:
    """Text that a browser keeps and does not read."""
    return f'<script type="text/plain" {attributes}>{text}</script>\n'
