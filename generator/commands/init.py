"""The command ``init``: a commented gallery file to begin with."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.commands.shared import completion
from generator.commands.shared.given import GALLERY, BuildCommand
from generator.commands.shared.options import one_line_errors, save, say
from generator.errors import SpecError

if TYPE_CHECKING:
    from generator.spec.schema import KeyFact

EXAMPLES = ("facebook/dinov2-small", "facebook/dinov2-with-registers-small")
"""Models of a gallery file for which none were given or found."""

NO_PICTURES = "photos"
MOST_FOUND = 12
"""Models and folders of pictures that are written into a file without being named."""

FIRST = ("title", "description", "models", "images", "out", "resolution", "compare")
"""Keys at the top of the file; the others follow as comments."""


@click.command(cls=BuildCommand)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    shell_complete=completion.MODELS,
    help="A model on the hub or a local folder. Repeat for more.  [default: those in the current "
    "folder]",
)
@click.option(
    "-i",
    "--images",
    multiple=True,
    type=click.Path(),
    metavar="PATH...",
    help="Pictures, folders, patterns or addresses.  [default: folders of pictures in the current "
    "folder]",
)
@click.option("--title", default="Attention gallery", help="Title of the gallery.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path(GALLERY),
    show_default=True,
    metavar="FILE",
    help="The gallery file. gallery.schema.json is written beside it, for editors.",
)
@click.option("--force", is_flag=True, help="Replace the file.")
def init(
    models: tuple[str, ...], images: tuple[str, ...], title: str, out: Path, force: bool
) -> None:
    """Write a commented gallery file.

    It has the models and pictures that are given, or found in the current folder.

    \b
      attention-gallery init
      attention-gallery init -m facebook/dinov2-small -i photos/
      attention-gallery build
    """  # noqa: D301 - click's mark for lines that stay as they are
    from generator.spec.schema import FILE, schema_text

    with one_line_errors():
        if out.exists() and not force:
            raise SpecError(f"{out} is there already.", "Name another with -o, or add --force.")
        base = out.parent
        found = models or tuple(found_models(Path()))
        pictures = images or tuple(found_pictures(Path(), found))
        text = gallery_text(
            title,
            [_seen_from(base, name) for name in found] or list(EXAMPLES),
            [_seen_from(base, name) for name in pictures] or [NO_PICTURES],
        )
        save(out, text.encode())
        save(out.with_name(FILE), schema_text().encode())
        notes = [*_absent_models(models), *_absent_pictures(images)]
        for missing, kind, option in ((not found, "model", "-m"), (not pictures, "picture", "-i")):
            if missing:
                notes.append(
                    f"No {kind} was found here: change the examples in {out}, or give {option}."
                )
        for note in notes:
            say(note)
        build = f"attention-gallery build{'' if out == Path(GALLERY) else f' {out}'}"
        say(f"Next: edit {out}, then run: {build}" if notes else f"Next: {build}")


def _absent_models(models: Sequence[str]) -> Iterator[str]:
    """What is said of models that are not on this machine, and are written as if they were."""
    from generator.spec.gallery import ModelSpec

    for name in models:
        folder = Path(name).parent
        try:
            local = ModelSpec.model_validate(name).place
        except SpecError as error:
            yield str(error)
            continue
        if local is None and folder != Path() and folder.is_dir():
            yield f"There is no folder {name} here: the name is looked up on the hub."


def _absent_pictures(images: Sequence[str]) -> Iterator[str]:
    """What is said of pictures that are not on this machine."""
    from generator.errors import ImageError
    from generator.images.find import missing
    from generator.images.given import places_of
    from generator.spec.pictures import paths_of, places_here

    for name in images:
        try:
            for path in paths_of(places_of(places_here([name]))):
                if not path.exists():
                    yield str(missing(path))
        except (ImageError, SpecError) as error:
            yield str(error)


def _seen_from(base: Path, name: str) -> str:
    """A path as the file names it, which starts at its own folder; other texts as they are."""
    path = Path(name)
    if path.is_absolute() or not (path.exists() or "*" in name):
        return name
    text = Path(os.path.relpath(path, base)).as_posix()
    is_model = (path / "config.json").is_file()
    return f"./{text}" if is_model and not text.startswith((".", "/")) else text


def found_models(folder: Path) -> Iterator[str]:
    """Folders below a folder that hold a checkpoint, at most two deep."""
    places = sorted({*folder.glob("*/config.json"), *folder.glob("*/*/config.json")})
    holding = [place.parent for place in places if any(place.parent.glob("*.safetensors"))]
    for place in holding[:MOST_FOUND]:
        yield f"./{place.as_posix()}"


def found_pictures(folder: Path, models: Sequence[str]) -> Iterator[str]:
    """Folders in a folder that hold pictures; the pictures of the folder itself as a pattern."""
    from generator.images.find import EXTENSIONS
    from generator.present.files.manifest_file import is_site

    def holds(place: Path) -> bool:
        return any(item.suffix.lower() in EXTENSIONS for item in place.iterdir() if item.is_file())

    endings = sorted(
        {item.suffix for item in folder.iterdir() if item.suffix.lower() in EXTENSIONS}
    )
    yield from (f"*{ending}" for ending in endings)
    taken = {Path(model).resolve() for model in models}
    places = [place for place in sorted(folder.iterdir()) if place.is_dir()]
    plain = [
        place
        for place in places
        if place.name[0] != "." and not is_site(place) and place.resolve() not in taken
    ]
    for place in [place for place in plain if holds(place)][:MOST_FOUND]:
        yield place.as_posix()


def gallery_text(title: str, models: Sequence[str], images: Sequence[str]) -> str:
    """A gallery file with every key: those that are given, and the others as comments."""
    from generator.spec.gallery import GallerySpec
    from generator.spec.schema import DIRECTIVE, FILE, TABLES, keys_of, toml_value

    facts = {fact.name: fact for fact in keys_of(GallerySpec)}
    given = {"title": title, "models": list(models), "images": list(images), "out": "site"}
    lines = [
        DIRECTIVE,
        "# A gallery of attention-gallery. Build it:   attention-gallery build",
        "# What it would cost:                         attention-gallery build --dry-run",
        "# Paths start at this file. Lines that begin with # are off: take the # away.",
        f"# {FILE}, beside it, has every key of every table.",
    ]
    others = [name for name in facts if name not in FIRST]
    for name in (*FIRST, *others):
        fact = facts[name]
        if fact.value.startswith(("tables", "a table")):
            continue  # TOML has tables after all other keys
        lines += ["", *_comment(fact.meaning)]
        if name in given:
            value = given[name]
            if isinstance(value, list) and len(value) > 1:
                items = "".join(f"  {toml_value(item)},\n" for item in value)
                lines.append(f"{name} = [\n{items}]")
            else:
                lines.append(f"{name} = {toml_value(value)}")
        else:
            lines.append(_key_line(fact))
    for head, kind in TABLES:
        name = head.strip("[]")
        if name in facts and name not in given:
            lines += ["", *_comment(facts[name].meaning), f"# {head}"]
            lines += [_key_line(fact) for fact in keys_of(kind)]
    return "\n".join(lines) + "\n"


def _key_line(fact: KeyFact) -> str:
    """A key of a table, as a comment."""
    return f"# {fact.name} = {fact.default or '...'}  # {fact.value}"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text.replace("`", ""), 96)]
