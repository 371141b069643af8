"""The commands ``build`` and ``demo``."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.commands.shared import completion
from generator.commands.shared.given import (
    GALLERY,
    STANDARD_INPUT,
    BuildCommand,
    from_standard_input,
    gallery_file,
)
from generator.commands.shared.options import (
    BESIDE,
    BUILDING,
    MEASURING,
    Word,
    one_line_errors,
    options,
    report,
    say,
)
from generator.commands.shared.voice import quiet
from generator.errors import BAD_USAGE, FAILED, GalleryError, NothingLeftError, SpecError
from generator.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from generator.pipeline.build import Outcome
    from generator.progress import Reporter
    from generator.spec.gallery import GallerySpec


@click.command(cls=BuildCommand)
@click.argument("words", nargs=-1, metavar="[GALLERY.toml]")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    shell_complete=completion.MODELS,
    help="A model on the hub (org/name or org/name@revision) or a local folder. Repeat for more.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="PATTERN",
    help="Checkpoints of one model along its training: folders such as 'run/checkpoint-*', or "
    "org/name@step1000,step2000. Repeat for more.",
)
@click.option(
    "-i",
    "--images",
    multiple=True,
    type=click.Path(),
    metavar="PATH...",
    help="Pictures, folders of them, patterns such as 'photos/**/*.jpg', addresses (https://..., "
    "hf://datasets/...), a list of those in a .txt file, or - for standard input. A video is a "
    "sequence.",
)
@click.option(
    "--dataset",
    metavar="NAME",
    help="A data set of the hub, owner/name or owner/name@revision, whose pictures are shown. "
    "Needs the library datasets.",
)
@click.option("--split", metavar="NAME", help="Split of the data set, with rows: 'test[:20]'.")
@click.option("--column", metavar="NAME", help="Column with the pictures.  [default: the only one]")
@click.option("--subset", metavar="NAME", help="Subset of the data set.  [default: its default]")
@click.option(
    "--sequence",
    "sequences",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A folder of numbered pictures, or a clip, whose frames belong together. Repeat for more.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the site.  [default: site]",
)
@click.option("--title", help="Title of the gallery.")
@click.option("--description", help="One paragraph under the title.")
@click.option(
    "--resolution",
    type=int,
    metavar="PX",
    help="Short side of every model's input.  [default: each checkpoint's own]",
)
@click.option(
    "--field-of-view",
    type=Word(["square", "whole", "checkpoint"]),
    help="What the models see: the centered square, the whole picture, or what the checkpoint's "
    "own preprocessing keeps.  [default: square]",
)
@click.option(
    "--patch-queries",
    type=Word(["auto", "off", "mean", "heads"]),
    help="Keep attention with patches as queries: mean over heads, all heads, or off."
    "  [default: auto, which is mean up to 16x16 patches]",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder whose templates go before the built-in ones.",
)
@click.option(
    "--groups",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Table with the columns file and group: headings to list images under.",
)
@click.option(
    "--masks",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="PNG masks named as the pictures, objects non-zero. Maps are scored against them.",
)
@click.option(
    "--boxes",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Boxes around objects: a COCO JSON file or a folder of VOC XML files. Found objects are "
    "scored against them.",
)
@click.option(
    "--site-url",
    metavar="URL",
    help="Address where the site will be published, for search engines and link previews.",
)
@click.option(
    "--compare",
    multiple=True,
    shell_complete=completion.COMPARED,
    metavar="A,B",
    help="Two models to compare on a page, by label or id; none for no comparisons. Repeat for "
    "more.  [default: models that differ in registers only]",
)
@click.option(
    "--analyses/--no-analyses",
    default=None,
    help="Draw the analyses of each image on its page.  [default: up to 200 images]",
)
@click.option(
    "--figures/--no-figures",
    default=None,
    hidden=True,
    help="The former name of --analyses.",
)
@click.option(
    "--anonymous/--no-anonymous",
    default=None,
    help="Leave out authors, links, folders, names of user and machine, and metadata, for "
    "double-blind review.",
)
@click.option(
    "--max-site-size",
    metavar="SIZE",
    help="Size limit, such as 1.5 GB, or none. Parts are left out in this order, and the pages "
    "list them: heads of patch queries; patch queries; pictures of analyses; walls for readers "
    "without JavaScript; grids above 16x16; heads of all but the last 3 layers; heads of all "
    "layers, image by image.  [default: 900 MB]",
)
@options(BESIDE)
@click.option(
    "--records-only",
    is_flag=True,
    help="Measure nothing: stop when the store lacks a record. Needs neither torch nor a GPU.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Measure and make pages on a Ray cluster: auto, or the host and port of its head. Needs "
    "the extra 'cluster'.",
)
@options(MEASURING)
@options(BUILDING)
def build(
    words: tuple[str, ...], *, dry_run: bool, as_json: bool, records_only: bool, **given: Any
) -> None:
    """Measure models on images and build the site that compares them.

    Options can be in a file, on the command line, or both; what is given on the command
    line goes first. Without a file and without models or images, gallery.toml in the current
    folder is built.

    \b
      attention-gallery build -m facebook/dinov2-small -i photos/ -o site
      attention-gallery build examples/registers.toml
    """  # noqa: D301 - click's mark for lines that stay as they are
    with uninterrupted():
        from generator.spec.options import load_spec, spec_from_options
        from generator.temporary import scratch

    with one_line_errors(), ExitStack() as stack:
        given["dataset"] = dataset_in(given)
        file = gallery_file(words) or found_here(given)
        if STANDARD_INPUT in given["images"]:
            found = from_standard_input(stack.enter_context(scratch()))
            given["images"] = tuple(
                each
                for image in given["images"]
                for each in (found if image == STANDARD_INPUT else (image,))
            )
        spec = load_spec(file, **given) if file is not None else spec_from_options(**given)
        run(spec, dry_run=dry_run, as_json=as_json, records_only=records_only)


def dataset_in(given: dict[str, Any]) -> dict[str, str] | None:
    """The data set that the options name; takes its options out."""
    found = {key: given.pop(key) for key in ("split", "column", "subset")}
    found["name"] = given["dataset"]
    return {key: value for key, value in found.items() if value is not None} or None


def found_here(given: dict[str, Any]) -> Path | None:
    """The current folder's gallery.toml, where the options name no models or no images."""
    pictures = given["images"] or given["sequences"] or given["dataset"]
    complete = (given["models"] or given["sweeps"]) and pictures
    path = Path(GALLERY)
    if complete or not path.is_file():
        return None
    report(f"Building {path}.", err=True)
    return path


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo-gallery"),
    show_default=True,
    metavar="DIR",
    help="Folder of the site.",
)
@options(BESIDE)
@options(MEASURING[:2])
@options(BUILDING)
def demo(*, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Build a gallery of embedded models and pictures. Needs no network."""
    with uninterrupted():
        from generator.bundled import bundled
        from generator.spec.options import load_spec

    with one_line_errors():
        run(load_spec(bundled("examples") / "demo.toml", **given), dry_run=dry_run, as_json=as_json)


def run(
    spec: GallerySpec, *, dry_run: bool, as_json: bool = False, records_only: bool = False
) -> None:
    """Build a gallery and print the outcome; exits with 1 if something failed."""
    with uninterrupted():
        from generator.pipeline.build import build_gallery
        from generator.progress import Silent, reporter_for
        from generator.text.console import LegibleConsole

    console = LegibleConsole(stderr=True, highlight=False)
    told = Told(Silent() if quiet() or as_json else reporter_for(console))
    if spec.jobs is None:
        spec = spec.model_copy(update={"jobs": "auto"})
    if as_json and not dry_run:
        raise SpecError("--json belongs to --dry-run.", "Leave it out, or add --dry-run.")
    try:
        if dry_run:
            from generator.commands.dry_run import print_plan

            if not print_plan(spec, LegibleConsole(highlight=False), told, as_json=as_json):
                sys.exit(FAILED)
            return
        outcome = build_gallery(
            spec, command=command_line(sys.argv), reporter=told, records_only=records_only
        )
    except NothingLeftError as error:
        if told.has_said(error):
            sys.exit(BAD_USAGE if error.usage else FAILED)
        raise told.rest_of(error) from error.__cause__
    told.finish(outcome)
    for note in outcome.notes:
        report(note, err=True)
    report(summary(outcome, spec.out))  # last: it says how to look at the site
    if outcome.failures:
        sys.exit(FAILED)


class Told:
    """A reporter that tells each failure once.

    Attributes:
        failures: those that were told.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.failures: set[str] = set()
        self.note = reporter.note
        self.job = reporter.job

    def failure(self, text: str) -> None:
        """Pass a failure on, unless it was told."""
        if text not in self.failures:
            self._reporter.failure(text)
        self.failures.add(text)

    def finish(self, outcome: Outcome) -> None:
        """Print the failures of a build that were not told."""
        for failure in outcome.failures:
            if quiet() or failure.text not in self.failures:
                say(f"failed: {failure.text}", err=True)

    def has_said(self, error: GalleryError) -> bool:
        """Whether the one failure that was told says all of an error."""
        return self._has_told_reason(error) and len(self.failures) == 1

    def rest_of(self, error: GalleryError) -> GalleryError:
        """An error without the reason that was told."""
        if isinstance(error, NothingLeftError) and self._has_told_reason(error):
            return GalleryError(error.what, usage=error.usage)
        return error

    def _has_told_reason(self, error: GalleryError) -> bool:
        told = isinstance(error, NothingLeftError) and error.reason in self.failures
        return told and not quiet()


def summary(outcome: Outcome, out: Path) -> str:
    """Text on the outcome of a build."""
    from generator.text.numbers import count
    from generator.text.phrases import counted

    run = outcome.run
    models, images = counted(len(run.models), "model"), counted(len(run.images), "image")
    failed = sum(cell.failure is not None for cell in run.cells)
    return (
        f"{models} x {images}: {count(outcome.measured)} measured, {count(outcome.reused)} from "
        f"the store{f', {count(failed)} failed' if failed else ''}.\n"
        f"{_left_out(outcome)}Open {out / 'index.html'}, or run: {_serving(out)}"
    )


def _serving(out: Path) -> str:
    """The command that shows a site in a browser."""
    return shlex.join(["attention-gallery", "serve", str(out), "--open"])


def _left_out(outcome: Outcome) -> str:
    """Text on what a site leaves out to stay within its size."""
    from generator.text.amounts import size_in_words

    words, limit = outcome.site.reduction.words, outcome.site.limit
    if not words or limit is None:
        return ""
    return (
        f"Left out to keep the site within {size_in_words(limit)} (it takes "
        f"{size_in_words(outcome.site.bytes)}): {'; '.join(words)}. The records keep everything.\n"
    )


def command_line(argv: list[str]) -> str:
    """The command line for pages, without this machine's folders and without undecodable bytes."""
    from generator.images.pixels import readable

    words = [readable(_without_folders(word)) for word in argv[1:]]
    return shlex.join(["attention-gallery", *words])


def _without_folders(word: str) -> str:
    """Shorten a path outside the current folder to its name, also in ``--out=/home/me/site``."""
    option, value = "", word
    if word.startswith("--") and "=" in word:
        option, _, value = word.partition("=")
        option += "="
    elif word.startswith("-") and not word.startswith("--") and len(word) > 2:
        option, value = word[:2], word[2:]
    path = Path(value)
    private = path.is_absolute() or value.startswith("~") or ".." in path.parts
    return option + (path.name if private else value)
