"""Publishing to GitHub Pages by GitHub Actions: writes the workflow file.

The workflow needs no GPU and no torch. It deploys a committed site, or draws the pages again from
committed records.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from generator.errors import PublishError
from generator.export.publish.delivery import Added
from generator.export.publish.git import Repository, github_page, open_repository
from generator.images.given import LIST, places_of
from generator.present.files.manifest import Manifest, ModelItem
from generator.records.store import Store, weights_key
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec
from generator.spec.pictures import paths_of
from generator.text.phrases import some

Source = Literal["site", "records"]

CHECKOUT = "actions/checkout@v7"
SETUP_PYTHON = "actions/setup-python@v7"
CONFIGURE_PAGES = "actions/configure-pages@v6"
UPLOAD = "actions/upload-pages-artifact@v5"
DEPLOY = "actions/deploy-pages@v5"
"""Major versions of November 2026, from the actions' release pages; all run on Node 24."""

PYTHON = "3.12"
DISTRIBUTION = "attention-gallery"
MEASURING_ONLY = frozenset({"torch", "transformers"})
"""Requirements that drawing pages does not need; pip's default build of torch includes CUDA."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PLAIN = re.compile(r"(?!.*(: | #|:$))[a-z]\S*( \S+)*")
"""A plain scalar of YAML, on one line, without the start of a mapping or a comment."""

DRAWN = "site"
"""The folder for drawn pages in the workflow's checkout."""

HEAD = """\
# Written by attention-gallery publish, to be changed as you like. On GitHub, once: Settings, Pages,
# Source: GitHub Actions.
name: Gallery

on:
  push:
    branches: [{branch}]
  workflow_dispatch:

permissions:
  contents: read

concurrency:
  group: pages
  cancel-in-progress: false

jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: {checkout}
        with:
          lfs: true
"""

DRAW = """\
      - uses: {setup_python}
        with:
          python-version: "{python}"
      # Without torch and transformers: pages are drawn from records, nothing is measured.
      - run: {requirements}
      - run: {program}
      - run: {build}
        env:
          HF_TOKEN: ${{{{ secrets.HF_TOKEN }}}} # for gated and private models only; may be unset
"""

TAIL = """\
      - uses: {upload}
        with:
          path: {path}

  deploy:
    needs: build
    runs-on: ubuntu-latest
    permissions:
      pages: write
      id-token: write
    environment:
      name: github-pages
      url: ${{{{ steps.deployment.outputs.page_url }}}}
    steps:
      - uses: {configure_pages}
      - id: deployment
        uses: {deploy}
"""


@dataclass(frozen=True, slots=True)
class DrawCommand:
    """The command with which a workflow draws the pages.

    Attributes:
        gallery: the gallery file, relative to the repository.
        store: folder of the records, relative to the repository.
        program: pip's argument that installs the program.
        inputs: pictures and folders of models, relative to the repository.
    """

    gallery: str
    store: str
    program: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkflowDelivery:
    """A workflow file to be written into a repository.

    Attributes:
        repository: its repository.
        page: address of the site; empty if it is not known.
        committed: paths to commit with the workflow, relative to the repository.
        force: overwrite another file of this name.
    """

    repository: Repository
    file: Added
    page: str
    committed: tuple[str, ...]
    force: bool

    @property
    def question(self) -> str:
        """The question to confirm."""
        return f"Write {self.file.path}, which publishes the site at every push"

    @property
    def outlook(self) -> str:
        """What sending would do."""
        return f"{self.file.path} would be written; it publishes the site at every push."

    @property
    def added(self) -> tuple[Added, ...]:
        """The workflow's file."""
        return (self.file,)

    def send(self) -> str:
        """Write the file; see :class:`generator.export.publish.delivery.Delivery`."""
        target = self.repository.folder / self.file.path
        try:
            if target.exists() and not self.force and target.read_text("utf-8") != self.file.text:
                raise PublishError(
                    f"{self.file.path} is there already and says something else.",
                    "Choose another with --name, or overwrite it with --force.",
                    usage=True,
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.file.text, encoding="utf-8", newline="\n")
        except (OSError, UnicodeDecodeError) as error:
            raise PublishError(
                f"{self.file.path} cannot be written: {error}.", "Check the folder."
            ) from error
        paths = shlex.join((self.file.path, *self.committed))
        lines = [
            f"Wrote {self.file.path}.",
            f"Commit and push: git add {paths} && git commit && git push",
            "Once, on GitHub: Settings, Pages, Source: GitHub Actions.",
        ]
        return "\n".join([*lines, *([f"Its address: {self.page}"] if self.page else [])])


def workflow_delivery(
    site: Path,
    manifest: Manifest | None,
    *,
    repository: Path,
    remote: str,
    name: str,
    source: Source,
    gallery: Path | None,
    store: Path | None,
    program: str,
    force: bool,
) -> WorkflowDelivery:
    """Write the workflow's text, and check that everything it needs can be committed.

    Args:
        site: folder of a built site.
        repository: a folder in the repository.
        remote: name of the remote; a push to its main branch starts the workflow.
        name: name of the workflow's file.
        source: deploy the site as it is, or draw it again from records.
        gallery: the gallery file; for records.
        store: folder of the records; for records.
        program: pip's argument that installs the program; for records.
        force: overwrite another file of this name.

    Raises:
        PublishError: something is outside the repository, ignored by git, or missing.
    """
    found = open_repository(repository)
    stem = name.removesuffix(".yml").removesuffix(".yaml")
    if not NAME.fullmatch(stem):
        raise PublishError(
            f"{name!r} is no name for a workflow.", "Choose one like pages.", usage=True
        )
    branch = _main_branch(found, remote)
    if source == "site":
        committed: tuple[str, ...] = (_inside(found, site, "The site"),)
        text = deploying(committed[0], branch)
    else:
        drawing = _drawing(found, gallery, store, program)
        _expect_records(manifest, found.folder / drawing.store)
        committed = (drawing.gallery, drawing.store, *drawing.inputs)
        text = redrawing(drawing, branch)
    return WorkflowDelivery(
        repository=found,
        file=Added(f".github/workflows/{stem}.yml", text),
        page=github_page(found.text("remote", "get-url", remote)),
        committed=committed,
        force=force,
    )


def deploying(site: str, branch: str) -> str:
    """The text of a workflow that deploys a committed site.

    Args:
        site: its folder, relative to the repository.
        branch: the branch whose pushes start the workflow.
    """
    return _head(branch) + _tail(site)


def redrawing(drawing: DrawCommand, branch: str) -> str:
    """The text of a workflow that draws the pages from committed records, and deploys them.

    Args:
        drawing: the command that draws the pages.
        branch: the branch whose pushes start the workflow.
    """
    draw = DRAW.format(
        setup_python=SETUP_PYTHON,
        python=PYTHON,
        requirements=_command("python", "-m", "pip", "install", *drawing_requirements()),
        program=_command("python", "-m", "pip", "install", "--no-deps", drawing.program),
        build=_command(
            *("attention-gallery", "build", drawing.gallery, "--store", drawing.store),
            *("--out", DRAWN, "--records-only"),
        ),
    )
    return _head(branch) + draw + _tail(DRAWN)


def drawing_requirements() -> tuple[str, ...]:
    """The program's requirements that drawing pages needs."""
    listed = importlib.metadata.requires(DISTRIBUTION) or []
    plain = [line for line in listed if "extra ==" not in line]
    names = {line: re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower() for line in plain}
    return tuple(line for line in plain if names[line] not in MEASURING_ONLY)


def _command(*words: str) -> str:
    """A shell command as a YAML scalar: plain if YAML reads it unchanged, else quoted."""
    line = shlex.join(words)
    return line if PLAIN.fullmatch(line) else _quoted(line)


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes: JSON of printable characters is valid YAML."""
    return json.dumps(text, ensure_ascii=False)


def _head(branch: str) -> str:
    pattern = re.sub(r"[+!]", r"\\\g<0>", branch)  # GitHub reads branch names as patterns
    return HEAD.format(branch=_quoted(pattern), checkout=CHECKOUT)


def _tail(path: str) -> str:
    return TAIL.format(
        upload=UPLOAD, path=_quoted(path), configure_pages=CONFIGURE_PAGES, deploy=DEPLOY
    )


def _main_branch(repository: Repository, remote: str) -> str:
    """The remote's main branch if it is known, else the branch that is checked out."""
    head = repository.text("symbolic-ref", "--short", "--quiet", f"refs/remotes/{remote}/HEAD")
    current = repository.text("symbolic-ref", "--short", "--quiet", "HEAD")
    return head.removeprefix(f"{remote}/") or current or "main"


def _drawing(
    repository: Repository, gallery: Path | None, store: Path | None, program: str
) -> DrawCommand:
    if gallery is None or store is None or not program:
        raise PublishError(
            "To draw from records the workflow must know the gallery file, the folder of its "
            "records, and where to get this program.",
            "Say --gallery gallery.toml, --store records and "
            f"--program '{DISTRIBUTION} @ git+https://...@COMMIT' or a released version.",
            usage=True,
        )
    spec = load_spec(gallery)
    paths = _picture_paths(spec)
    pictures = [_inside(repository, path, "The path of images") for path in paths]
    pictures += [_inside(repository, item.path, "The path of sequences") for item in spec.sequences]
    folders = [model.place for model in spec.models if model.place is not None]
    models = [_inside(repository, folder, "The model") for folder in folders]
    if not program.isprintable() or "${{" in program:
        raise PublishError(
            f"{program!r} is nothing pip could install.", "Correct --program.", usage=True
        )
    return DrawCommand(
        gallery=_inside(repository, gallery, "The gallery file"),
        store=_inside(repository, store, "The store"),
        program=program,
        inputs=(*pictures, *models),
    )


def _picture_paths(spec: GallerySpec) -> tuple[Path, ...]:
    """The pictures, folders and lists that a gallery names.

    Raises:
        PublishError: it names addresses, which a workflow does not fetch.
    """
    named = places_of(spec.images)
    addresses = [str(place) for place in named if not isinstance(place, Path)]
    addresses += [spec.dataset.name] if spec.dataset else []
    if addresses:
        raise PublishError(
            f"The gallery names pictures at {some(addresses)}, and the workflow fetches none.",
            "Put the pictures into the repository, and name them there.",
        )
    lists = [path for path in paths_of(spec.images) if path.suffix == LIST and path.is_file()]
    return (*lists, *paths_of(named))


def _expect_records(manifest: Manifest | None, folder: Path) -> None:
    """Make sure that the store has the records of the site."""
    if manifest is None:
        return
    store = Store(folder)
    keys = {cell.record for cell in manifest.cells if cell.record}
    weights = {key for model in manifest.models for key in _weights(manifest, model)}
    missing = sum(not store.has(key) for key in keys)
    missing += sum(not store.has_weights(key) for key in weights)
    if missing:
        raise PublishError(
            f"{missing} of the site's {len(keys | weights)} records are not in {folder.name}.",
            "Build it with --store and that folder, and publish again.",
        )


def _weights(manifest: Manifest, model: ModelItem) -> set[str]:
    """The key of the arrays from a model's weights; empty for a model that failed."""
    if model.facts is None:
        return set()
    places = {cell.measurement for cell in manifest.cells if cell.model == model.slug}
    measured = [manifest.measurements[place] for place in places if place is not None]
    dtypes = {measurement.environment.dtype for measurement in measured}
    name, version = model.facts.id, model.facts.version
    return {weights_key(model=name, version=version, dtype=dtype) for dtype in dtypes}


def _inside(repository: Repository, path: Path, what: str) -> str:
    """A path relative to the repository, for the workflow's checkout.

    Raises:
        PublishError: it is outside the repository, missing, or ignored by git.
    """
    full, top = path.resolve(), repository.folder.resolve()
    if not full.exists():
        raise PublishError(f"{what} {path} does not exist.", "Correct the path.", usage=True)
    if not full.is_relative_to(top) or full == top:
        raise PublishError(
            f"{what} {path} is not in a folder of the repository {top.name}, "
            "where the workflow could find it.",
            "Move it there, and commit it.",
            usage=True,
        )
    relative = full.relative_to(top).as_posix()
    if "${{" in relative or not relative.isprintable():
        raise PublishError(
            f"{what} {path} has a name that a workflow cannot hold.", "Rename it.", usage=True
        )
    if repository.ask("check-ignore", "--quiet", relative).code == 0:
        raise PublishError(
            f"{what} {path} is ignored by git, so the workflow would not find it.",
            "Take it out of .gitignore, and commit it.",
        )
    return relative
