"""The published folder is never half new: a site is written beside it and swapped in at the end."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.errors import StoreError
from generator.present.manifest_file import is_site

OWN_NAMES = re.compile(
    r"assets|data|figures|i|m|q|r|methods|page-\d+|index\.html|manifest\.json|manifest\.schema\.json|"
    r"\.nojekyll"
)
"""What a site has at its top. Anything else in it (CNAME, .git) is the user's and stays."""


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give an empty folder to write a site into; when the block ends well, it becomes ``out``.

    A block that raises leaves ``out`` untouched. What a killed run left beside ``out`` is removed,
    or put back if the run died between the two renames of the swap.

    Raises:
        StoreError: ``out`` holds something that is not a site of ours, or cannot be written.
    """
    out = out.resolve()
    stage = out.with_name(f".{out.name}.staging")
    former = out.with_name(f".{out.name}.former")
    try:
        _recover(out, stage, former)
        check_replaceable(out)
        stage.mkdir(parents=True)
    except OSError as error:
        raise StoreError(
            f"The site cannot be written to {out}: {error.strerror or error}.",
            "Choose another folder with -o.",
        ) from error
    try:
        yield stage
        _swap(out, stage, former)
    except OSError as error:
        shutil.rmtree(stage, ignore_errors=True)
        raise StoreError(
            f"The site could not be written to {out}: {error.strerror or error}."
            " The former one is kept.",
            "Make room on the disk or choose another folder with -o.",
        ) from error
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise


def _recover(out: Path, stage: Path, former: Path) -> None:
    if former.exists():
        if out.exists():
            _bring_over(former, out)
            shutil.rmtree(former)
        else:
            former.rename(out)
    if stage.exists():
        shutil.rmtree(stage)


def check_replaceable(out: Path) -> None:
    """Make sure that writing a site to ``out`` destroys nothing of the user's.

    Raises:
        StoreError: it is a file, or a folder with something else than a site in it.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise StoreError(f"{out} is a file.", "Choose a folder with -o.")
    if any(out.iterdir()) and not is_site(out):
        raise StoreError(
            f"The folder {out} is not empty and was not written by attention-gallery, "
            "so it is left alone.",
            "Choose another folder with -o, or empty this one.",
        )


def _swap(out: Path, stage: Path, former: Path) -> None:
    if out.exists():
        out.rename(former)
    stage.rename(out)
    if former.exists():
        _bring_over(former, out)
        shutil.rmtree(former)


def _bring_over(former: Path, out: Path) -> None:
    """Move what the user has put beside our files."""
    for entry in sorted(former.iterdir()):
        if not OWN_NAMES.fullmatch(entry.name) and not (out / entry.name).exists():
            entry.rename(out / entry.name)
