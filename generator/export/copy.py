"""The pages to export: the site itself, or a rebuilt anonymous copy."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from generator.errors import StoreError
from generator.export.intact import check, flaws, whole
from generator.export.source import Source
from generator.present.content.contents import Contents
from generator.present.files.manifest import FigureItem
from generator.present.site.plan import Site
from generator.present.site.staging import OWN_NAMES
from generator.present.site.write import Draw, build_site
from generator.records.run import Failure
from generator.temporary import scratch
from generator.version import __version__


@contextmanager
def exported_pages(source: Source) -> Iterator[Path]:
    """The folder of the pages to export, while the block lasts.

    For an anonymous copy the pages are written again, from the program's own templates. Numbers and
    pictures are reused from the site. Records are needed for models whose names are withheld; for a
    site with a size limit all records are needed, since reduction starts from the whole gallery.

    Raises:
        StoreError: a file of the site is missing or damaged, or a record or picture that the copy
            needs is missing. A damaged record costs its cell.
    """
    if not _renamed(source):
        check(source.root, flaws(source.root, source.manifest))
        with whole(source.root):
            yield source.root
        return
    with _built_again(source, lambda folder, held: _figures(folder, held, source)) as (copy, _):
        yield copy


@contextmanager
def planned_pages(source: Source) -> Iterator[tuple[Path, Site]]:
    """The folder of a copy of the site and its pages as values, while the block lasts.

    Numbers and pictures are reused from the site, as for :func:`exported_pages`.

    Raises:
        StoreError: a file of the site is missing or damaged, or a record or picture that the copy
            needs is missing.
    """
    with _built_again(source, lambda *_: ()) as found:
        yield found


def _renamed(source: Source) -> bool:
    """Whether the export withholds names that the site has."""
    return source.run.anonymous and not source.manifest.anonymous


@contextmanager
def _built_again(source: Source, draw: Draw) -> Iterator[tuple[Path, Site]]:
    files, version = source.manifest.files, source.manifest.generator.version
    if _renamed(source):
        # files from records can be made again; pictures and the scores of masks cannot
        files = tuple(file for file in files if file.kind in ("picture", "truth"))
        version = __version__
    check(source.root, flaws(source.root, source.manifest, files))
    with _place() as folder:
        with _told(folder):
            copy = folder / "site"
            copy.mkdir()
            for top in source.root.iterdir():
                if OWN_NAMES.fullmatch(top.name):
                    _link(top, copy / top.name)
            built = build_site(
                source.run,
                source.read,
                copy,
                version=version,
                settings=source.settings,
                read_weights=source.store.get_weights,
                draw=draw,
            )
        damaged = [Failure(each.message, each.hint) for each in source.left_out.values()]
        for failure in built.failures:
            if failure not in (*source.run.failures, *damaged):
                raise StoreError(failure.message, failure.hint)
        assert built.site is not None, "a copy is always built"
        yield copy, built.site


@contextmanager
def _place() -> Iterator[Path]:
    """A folder for the copy."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch())
        except OSError as error:
            raise _unwritable(Path(tempfile.gettempdir()), error) from error
        yield folder


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Errors of the system while the copy is written, as errors that name its folder."""
    try:
        yield
    except OSError as error:
        raise _unwritable(folder.parent, error) from error
    except StoreError as error:
        if isinstance(error.__cause__, OSError):  # the build's advice is about other folders
            raise _unwritable(folder.parent, error.__cause__) from error
        raise


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The copy to export cannot be written to the temporary folder {folder}: "
        f"{error.strerror or error}.",
        "Free some space there, or name a folder on another disk in TMPDIR.",
    )


def _figures(folder: Path, contents: Contents, source: Source) -> tuple[FigureItem, ...]:
    if not source.manifest.figures:
        return ()
    from generator.export.figures.built import drawn_again  # noqa: PLC0415 - imports matplotlib

    return drawn_again(folder, contents, source)


def _link(path: Path, target: Path) -> None:
    """Put a file or folder under another name: with links if possible, else with copies."""
    for folder, _, names in os.walk(path):
        place = target / Path(folder).relative_to(path)
        place.mkdir()
        for name in names:
            _link_file(Path(folder, name), place / name)
    if path.is_file():
        _link_file(path, target)


def _link_file(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except (OSError, AttributeError):  # not every system supports links
        shutil.copyfile(path, target)
