"""Review of a site before publishing: sizes, names, links, licenses.

The review reads a folder and its manifest; it needs no network and changes nothing.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generator.errors import StoreError
from generator.export.intact import flaws
from generator.export.problems import Problem
from generator.export.publish.licenses import model_problems, picture_problems
from generator.export.publish.links import link_problems
from generator.present.files.manifest import Kind, Manifest
from generator.present.files.manifest_file import (
    DISTRUST,
    MANIFEST,
    MANIFEST_SCHEMA,
    is_site,
    read_manifest,
    stray,
)
from generator.spec.figures import FIGURES
from generator.spec.size import DEFAULT_SITE_SIZE
from generator.spec.toml import did_you_mean_beside
from generator.text.amounts import size_in_words
from generator.text.phrases import counted, some

Target = Literal["branch", "workflow", "space"]

SITE_LIMIT = 1_000_000_000
"""Size limit in bytes of a site on GitHub Pages, and of a Space's repository."""

NEAR_THE_LIMIT = DEFAULT_SITE_SIZE
"""Size in bytes above which to warn: the default size limit of a build."""

FILE_LIMIT = 100_000_000
"""Size limit in bytes of a single file that is pushed to GitHub."""

FILE_WARNING = 50_000_000
"""Size in bytes above which GitHub warns of a file."""

NOJEKYLL = ".nojekyll"
INDEX = "index.html"
OWN = frozenset({MANIFEST, MANIFEST_SCHEMA, NOJEKYLL})
ASSETS = "assets/"
FIGURE = re.compile(rf"{FIGURES}/[^/.]+\.(pdf|svg|png|tex|bib)")
"""Pattern of a figure for papers, or of its LaTeX files."""

FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f"\\:*?<>|\ud800-\udfff]|[. ](/|$)')
"""Characters that git, Windows or the hub refuse in names."""

PARTS: dict[Kind, str] = {
    "chunk": "numbers of the maps",
    "patches": "patch queries",
    "wall": "colored walls",
    "map": "colored maps",
    "maps": "analyses of images",
    "alike": "analyses of images",
    "truth": "analyses of images",
    "figure": "analyses of images",
    "features": "analyses of images",
    "picture": "pictures",
    "thumb": "pictures",
    "crop": "pictures",
}
PAGES = "pages"
OTHER = "other files"
FEWER = "fewer models or images"
SMALLER = "a smaller --max-site-size"
REDUCE = {
    "patch queries": "--patch-queries off",
    "numbers of the maps": "a lower --resolution",
    "analyses of images": "--no-analyses",
    "colored walls": "a lower --resolution",
    "colored maps": "a lower --resolution",
}
"""Options that make a part smaller, besides leaving models or images out."""


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of a site.

    Attributes:
        path: relative to the site, with ``/``.
    """

    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Review:
    """Result of the review of a site.

    Attributes:
        manifest: the site's manifest; None if it has another version.
        files: every file, sorted by path.
        problems: errors, then warnings.
    """

    site: Path
    manifest: Manifest | None
    files: tuple[SiteFile, ...]
    problems: tuple[Problem, ...]

    @property
    def bytes(self) -> int:
        """The total size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that prevent publishing."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def left_out(self) -> str:
        """The parts left out to keep the site small, in a sentence; empty for a complete site."""
        if self.manifest is None or not self.manifest.reductions:
            return ""
        limit = self.manifest.settings.max_bytes
        within = f" within {size_in_words(limit)}" if limit is not None else " small"
        words = "; ".join(item.text for item in self.manifest.reductions)
        return f"The site was kept{within}, which its pages say. Left out: {words}."

    @property
    def amount(self) -> str:
        """The number and size of the files, in words."""
        return f"{counted(len(self.files), 'file')}, {size_in_words(self.bytes)}"


def review_site(site: Path, target: Target) -> Review:
    """Review all files that would be published.

    Args:
        site: folder of a built site.
        target: where it would be published; limits differ.

    Raises:
        StoreError: the folder does not exist, or is no site of this program.
    """
    if not site.is_dir():
        hint = did_you_mean_beside(site) or "Build the site first, or name its folder."
        raise StoreError(f"There is no folder {site}.", hint, usage=True)
    if not is_site(site):
        raise StoreError(
            f"{site} has no {MANIFEST} of attention-gallery, so it is not published.",
            "Name the folder that `attention-gallery build` wrote.",
            usage=True,
        )
    manifest = read_manifest(site)
    files, links = list_files(site)
    problems = [
        *_symlink_problems(links),
        *_name_problems(files),
        *_dot_file_problems(files),
        *_manifest_problems(site, manifest, files),
        *total_problems(files, manifest),
        *(file_problems(files) if target != "space" else ()),
        *link_problems(site, [file.path for file in files], manifest),
        *(picture_problems(manifest) if manifest else ()),
        *(model_problems(manifest) if manifest else ()),
    ]
    problems.sort(key=lambda problem: problem.severity != "error")
    return Review(site, manifest, tuple(files), tuple(problems))


def list_files(folder: Path) -> tuple[list[SiteFile], list[str]]:
    """List every file with its size, and every symbolic link, sorted by path."""
    files, links = [], []
    for root, folders, names in os.walk(folder):
        for name in [*names, *folders]:
            path = Path(root, name)
            shown = path.relative_to(folder).as_posix()
            if path.is_symlink():
                links.append(shown)
            elif name in names:
                files.append(SiteFile(shown, path.stat().st_size))
    return sorted(files, key=lambda file: file.path), sorted(links)


def total_problems(files: Sequence[SiteFile], manifest: Manifest | None) -> Iterator[Problem]:
    """Findings on the size of the site, with the options that reduce it."""
    total = sum(file.bytes for file in files)
    if total <= NEAR_THE_LIMIT:
        return
    over = total > SITE_LIMIT
    verb = "is more than" if over else "comes near"
    yield Problem(
        "error" if over else "warning",
        f"The site takes {size_in_words(total)}, which {verb} the limit of "
        f"{size_in_words(SITE_LIMIT)}.",
        _what_to_reduce(files, manifest),
    )


def _what_to_reduce(files: Sequence[SiteFile], manifest: Manifest | None) -> str:
    """The two largest parts of a site, and the options that make them smaller."""
    entries = manifest.files if manifest else ()
    kinds = {entry.path: PARTS.get(entry.kind, OTHER) for entry in entries}
    sizes: Counter[str] = Counter()
    for file in files:
        page = PAGES if file.path.endswith(".html") else OTHER
        sizes[kinds.get(file.path, page)] += file.bytes
    worth = sum(sizes.values()) / 10
    largest = [part for part, size in sizes.most_common(2) if size > worth]
    words = [f"{part} ({size_in_words(sizes[part])})" for part in largest]
    options = dict.fromkeys(REDUCE[part] for part in largest if part in REDUCE)
    again = ", or ".join([SMALLER, *options, FEWER])
    return f"Most of it is {' and '.join(words)}. Build again with {again}."


def file_problems(files: Sequence[SiteFile]) -> Iterator[Problem]:
    """Findings on single files that are too large for GitHub."""
    over = [file for file in files if file.bytes > FILE_LIMIT]
    near = [file for file in files if FILE_WARNING < file.bytes <= FILE_LIMIT]
    hint = "Build again with a lower --resolution or --patch-queries off."
    if over:
        yield Problem("error", f"{_files_above(FILE_LIMIT, over)}. GitHub refuses that.", hint)
    if near:
        yield Problem("warning", f"{_files_above(FILE_WARNING, near)}. GitHub warns of that.", hint)


def _files_above(limit: int, files: Sequence[SiteFile]) -> str:
    names = some(f"{file.path} ({size_in_words(file.bytes)})" for file in files)
    return f"{counted(len(files), 'file')} above {size_in_words(limit)}: {names}"


def _symlink_problems(links: Sequence[str]) -> Iterator[Problem]:
    if links:
        yield Problem(
            "error",
            f"{counted(len(links), 'symbolic link')} in the site: {some(links)}.",
            "Put there what a link leads to, or delete it.",
        )


def _name_problems(files: Sequence[SiteFile]) -> Iterator[Problem]:
    bad = [ascii(file.path) for file in files if FORBIDDEN.search(file.path)]
    if bad:
        yield Problem(
            "error",
            f"{counted(len(bad), 'name')} that git or the web would refuse: {some(bad)}.",
            "Rename what is called so, or delete it.",
        )


def _dot_file_problems(files: Sequence[SiteFile]) -> Iterator[Problem]:
    hidden = [
        file.path
        for file in files
        if file.path != NOJEKYLL and any(part.startswith(".") for part in file.path.split("/"))
    ]
    if hidden:
        yield Problem(
            "error",
            f"{counted(len(hidden), 'hidden file')} that may hold what nobody should see: "
            f"{some(hidden)}.",
            "Remove from the site what is hidden.",
        )


def _manifest_problems(
    site: Path, manifest: Manifest | None, files: Sequence[SiteFile]
) -> Iterator[Problem]:
    """Findings on differences between the folder and its manifest."""
    if outside := stray(site):
        what = f"{MANIFEST} names {outside!a}, which is not inside of the site."
        yield Problem("error", what, DISTRUST)
        return
    if manifest is None:
        yield Problem(
            "error",
            f"{MANIFEST} was written by another version of attention-gallery.",
            "Build the site again.",
        )
        return
    there = {file.path for file in files}
    expected = {entry.path for entry in manifest.files} | set(manifest.pages) | {INDEX}
    missing = sorted(expected - there)
    if missing:
        yield Problem(
            "error",
            f"The site lacks {counted(len(missing), 'file')} of its own: {some(missing)}.",
            "Build the site again.",
        )
    found = flaws(site, manifest).changed
    texts = [text.path for text in manifest.texts if text.path in found]
    changed = [path for path in found if path not in texts]
    if changed:
        yield Problem(
            "error",
            f"{counted(len(changed), 'file')} cut short or changed since the build: "
            f"{some(changed)}.",
            "Copy the site again as a whole, or build it again.",
        )
    if texts:
        yield Problem(
            "warning",
            f"{counted(len(texts), 'page, style or script', 'pages, styles and scripts')} changed "
            f"since the build: {some(texts)}.",
            "Build the site again, unless you changed them on purpose.",
        )
    strange = sorted(
        path
        for path in there - expected - OWN
        if not path.startswith(ASSETS)
        and not FIGURE.fullmatch(path)
        and not any(p.startswith(".") for p in path.split("/"))
    )
    if strange:
        yield Problem(
            "warning",
            f"{counted(len(strange), 'file')} that the build did not write: {some(strange)}.",
            "Delete what should not be seen.",
        )
