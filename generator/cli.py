"""The command line: options become a spec, one call does the work, a message says what came of it.

Heavy imports are made inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator import __version__
from generator.errors import GalleryError

if TYPE_CHECKING:
    from generator.pipeline import Outcome
    from generator.spec import GallerySpec

INTERRUPTED = 130

Command = Callable[..., Any]

MEASURING: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.  [default: auto]"
    ),
    click.option(
        "--dtype",
        type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
        help="Of weights and activations; softmax and norms are float32 always."
        "  [default: auto, which is float32]",
    ),
    click.option(
        "--trust-remote-code/--no-trust-remote-code",
        default=None,
        help="Run code that comes with a checkpoint. Read it first.",
    ),
)
BUILDING: tuple[Callable[[Command], Command], ...] = (
    click.option(
        "--store",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder of the measured records.  [default: the user's cache folder]",
    ),
    click.option("--batch-size", type=int, help="Pictures at a time.  [default: as many as fit]"),
    click.option(
        "--strict/--no-strict",
        default=None,
        help="Stop at the first model or image that fails.",
    ),
    click.option("--dry-run", is_flag=True, help="Print the plan and its cost, and stop."),
)


def options(group: tuple[Callable[[Command], Command], ...]) -> Callable[[Command], Command]:
    """A bundle of options that several commands share."""

    def decorate(command: Command) -> Command:
        for option in reversed(group):
            command = option(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="attention-gallery")
def main() -> None:
    """Static HTML galleries that compare the attention of vision transformers side by side."""


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[GALLERY.toml]")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A model on the hub (org/name or org/name@revision) or a local folder. Repeat for more.",
)
@click.option(
    "-i",
    "--images",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A picture or a folder of pictures. Repeat for more.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the site.  [default: site]",
)
@click.option("--title", help="Of the gallery.")
@click.option("--description", help="One paragraph under the title.")
@click.option(
    "--resolution",
    type=int,
    metavar="PX",
    help="Short side of every model's input.  [default: each checkpoint's own]",
)
@click.option(
    "--field-of-view",
    type=click.Choice(["square", "whole", "checkpoint"]),
    help="What the models see: the centred square, the whole picture, or what the checkpoint's "
    "own preprocessing leaves of it.  [default: square]",
)
@click.option(
    "--patch-queries",
    type=click.Choice(["auto", "off", "mean", "heads"]),
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
    "--site-url",
    metavar="URL",
    help="Where the site will be published: for search engines and link previews.",
)
@options(MEASURING)
@options(BUILDING)
def build(file: Path | None, *, dry_run: bool, **given: Any) -> None:
    r"""Measure models on images and build the site that compares them.

    Everything can be said in a file, on the command line, or both; what is given on the command
    line goes first.

    \b
      attention-gallery build -m facebook/dinov2-small -i photos/ -o site
      attention-gallery build examples/registers.toml
    """
    from generator.spec import Options, load_spec, spec_from_options

    with one_line_errors():
        chosen = Options(**given)
        spec = load_spec(file, chosen) if file is not None else spec_from_options(chosen)
        run(spec, dry_run=dry_run)


@main.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo-gallery"),
    show_default=True,
    metavar="DIR",
    help="Folder of the site.",
)
@options(MEASURING[:2])
@options(BUILDING)
def demo(*, dry_run: bool, **given: Any) -> None:
    """Build a gallery of two embedded models on embedded pictures; needs no network."""
    from generator.bundled import bundled
    from generator.spec import Options, load_spec

    with one_line_errors():
        run(load_spec(bundled("examples") / "demo.toml", Options(**given)), dry_run=dry_run)


@main.command()
@click.argument("model")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="IMAGE",
    help="Run the model on a picture and check what is captured against its eager attention.",
)
@click.option("--resolution", type=int, metavar="PX", help="Short side of the input.")
@options(MEASURING)
def inspect(model: str, check: Path | None, **given: Any) -> None:
    """Say what is known of a model before its weights are downloaded; --check runs it."""
    from rich.console import Console

    from generator import inspection
    from generator.spec import ModelSpec

    console = Console(highlight=False, soft_wrap=True)
    with one_line_errors():
        spec = ModelSpec.model_validate(model)
        resolved = inspection.show(console, spec, **_only(given, "trust_remote_code", "resolution"))
        if check is not None and not inspection.check(console, resolved, check, **given):
            sys.exit(1)


@main.command()
@click.argument("site", type=click.Path(path_type=Path), default=Path("site"))
@click.option("-p", "--port", default=8000, show_default=True, help="0 takes a free one.")
@click.option("--open/--no-open", "browser", help="Open the page in a browser.")
def serve(site: Path, port: int, browser: bool) -> None:
    """Serve a built site on this machine, for looking at it as the web will."""
    from generator.server import serve_site

    with one_line_errors():
        serve_site(site, port, announce=click.echo, browser=browser)


@main.command()
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the measured records.  [default: the user's cache folder]",
)
@click.option("--clear", is_flag=True, help="Remove every record.")
def cache(store: Path | None, clear: bool) -> None:
    """Say where measured records are kept and how much room they take."""
    from generator.amounts import size_in_words
    from generator.spec import default_store
    from generator.store import Store

    with one_line_errors():
        records = Store(store or default_store())
        count, size = len(records.keys()), records.bytes()
        if clear:
            records.gc(keep=())
        verb = "removed from" if clear else "in"
        click.echo(f"{count} records, {size_in_words(size)}, {verb} {records.root}")


def run(spec: GallerySpec, *, dry_run: bool) -> None:
    """Build a gallery and say what came of it; exits with 1 when something failed."""
    from rich.console import Console

    from generator.pipeline import build_gallery
    from generator.progress import reporter_for

    console = Console(stderr=True, highlight=False)
    if dry_run:
        from generator.dry_run import print_plan

        print_plan(spec, Console(highlight=False), reporter_for(console))
        return
    outcome = build_gallery(spec, command=command_line(sys.argv), reporter=reporter_for(console))
    click.echo(summary(outcome, spec.out))
    failures = outcome.site.failures
    for failure in failures:
        click.echo(f"failed: {failure.message} {failure.hint}".rstrip(), err=True)
    if failures:
        sys.exit(1)


def summary(outcome: Outcome, out: Path) -> str:
    """What a build did, and where to look."""
    run = outcome.run
    return (
        f"{len(run.models)} models x {len(run.images)} images: "
        f"{outcome.measured} measured, {outcome.reused} from the store.\n"
        f"Open {out / 'index.html'}"
    )


def command_line(argv: list[str]) -> str:
    """The command as the pages show it: without this machine's folders."""
    return shlex.join(["attention-gallery", *(_without_folders(word) for word in argv[1:])])


def _without_folders(word: str) -> str:
    """A path outside the current folder becomes its name, also in ``--out=/home/me/site``."""
    option, value = "", word
    if word.startswith("--") and "=" in word:
        option, _, value = word.partition("=")
        option += "="
    elif word.startswith("-") and not word.startswith("--") and len(word) > 2:
        option, value = word[:2], word[2:]
    path = Path(value)
    private = path.is_absolute() or value.startswith("~") or ".." in path.parts
    return option + (path.name if private else value)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """An error the user can act on is one line; anything else is a bug and keeps its traceback."""
    try:
        yield
    except GalleryError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped. What was measured is kept: run the same command to go on.", err=True)
        sys.exit(INTERRUPTED)


def _only(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names}


if __name__ == "__main__":
    main()
