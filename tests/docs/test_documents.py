"""Commands, gallery files, code and links in the documents are what the program understands."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
import zlib
from dataclasses import fields
from pathlib import Path

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from generator.capture.checkpoint.families import PLAIN
from generator.cli import main
from generator.commands.publish import PublishCommand
from generator.errors import GalleryError, SpecError
from generator.export.diff import formats
from generator.export.diff.formats import DifferenceRow
from generator.export.numbers import statistics
from generator.export.numbers.data import NOTES
from generator.export.numbers.statistics import QUANTITIES, StatisticsRow
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec
from generator.spec.schema import gallery_schema, schema_text
from tests.capture.towers import TOWERS
from tests.docs import models
from tests.docs.blocks import DOCUMENTS, ROOT, Block, anchors, blocks, commands, links
from tests.docs.reference import FILE, KEYS, SCHEMA, UPDATE, keys, reference

BEGINNING = 'images = ["photos"]\n'
MODELS = 'models = ["facebook/dinov2-small", "facebook/dinov2-base"]\n'


def every(language: str) -> list[Block]:
    return [block for document in DOCUMENTS for block in blocks(document, language)]


def parse(words: list[str]) -> None:
    """Hold a command against the program, without running it.

    Raises:
        click.ClickException: there is no such command or option, or a value is none.
        GalleryError: an option does not go with another.
    """
    command: click.Command = main
    while isinstance(command, click.Group):
        if words[0] not in command.commands:
            raise click.UsageError(f"There is no command {words[0]}.")
        command, words = command.commands[words[0]], words[1:]
    context = command.make_context("attention-gallery", list(words))
    if isinstance(command, PublishCommand):
        command.expect_fitting(context, context.params["target"])


def spec_of(block: Block, folder: Path) -> GallerySpec:
    """The gallery of a block; ``# part`` lacks what others say, ``# sweep`` has two checkpoints."""
    text = block.text
    if "[[sweeps]]" in text:
        for step in (10000, 20000):
            (folder / "run" / f"checkpoint-{step}").mkdir(parents=True)
    if text.startswith("# sweep\n"):
        text = BEGINNING + text
    if text.startswith("# part\n"):
        text = BEGINNING + ("" if "[[models]]" in text else MODELS) + text
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "checkpoint.pth").touch()
    (folder / "models").symlink_to(ROOT / "examples" / "models")
    (folder / "gallery.toml").write_text(text, encoding="utf-8")
    return load_spec(folder / "gallery.toml")


def test_the_reference_of_commands_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), f"Run: {UPDATE}"


def test_the_keys_and_their_schema_are_up_to_date() -> None:
    assert KEYS.read_text(encoding="utf-8") == keys(), f"Run: {UPDATE}"
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), f"Run: {UPDATE}"


@pytest.mark.parametrize("block", every("toml"), ids=str)
def test_every_gallery_file_in_a_document_fits_the_schema(block: Block) -> None:
    Draft202012Validator(gallery_schema()).validate(tomllib.loads(block.text))


def test_the_list_of_models_is_up_to_date() -> None:
    assert models.FILE.read_text(encoding="utf-8") == models.document(), f"Run: {models.UPDATE}"


def test_every_plain_family_is_part_of_a_larger_model_that_is_tested() -> None:
    assert set(PLAIN.values()) <= {tower.name for tower in TOWERS}


def test_the_reference_has_every_command_and_option() -> None:
    text = FILE.read_text(encoding="utf-8")
    for name, command in main.commands.items():
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            path = f"{name} {leaf.name}" if leaf is not command else name
            section = text.partition(f"\n## {path}\n")[2].partition("\n## ")[0]
            for option in leaf.params:
                if isinstance(option, click.Option) and not option.hidden:
                    assert f"`{option.opts[-1]}" in section, f"{path} {option.opts[-1]}"


@pytest.mark.parametrize("block", every("sh"), ids=str)
def test_every_command_in_a_document_is_understood(block: Block) -> None:
    for words in commands(block):
        try:
            parse(words)
        except (click.ClickException, GalleryError) as error:
            pytest.fail(f"{block}: attention-gallery {' '.join(words)}: {error}")


def test_commands_that_do_not_exist_are_found_out() -> None:
    for words in (["bild", "x.toml"], ["build", "--titel", "x"], ["build", "--resolution", "big"]):
        with pytest.raises(click.ClickException):
            parse(words)
    with pytest.raises(GalleryError, match="belongs to"):
        parse(["publish", "site", "--to", "branch", "--space", "a/b"])


def test_the_documents_hold_commands() -> None:
    found = [words for block in every("sh") for words in commands(block)]
    used = {words[0] for words in found}
    assert used >= {"build", "demo", "export", "figure", "inspect", "publish", "serve", "cache"}


@pytest.mark.parametrize("block", every("toml"), ids=str)
def test_every_gallery_file_in_a_document_can_be_read(block: Block, tmp_path: Path) -> None:
    try:
        assert spec_of(block, tmp_path).models
    except SpecError as error:
        pytest.fail(f"{block}: {error}")


@pytest.mark.parametrize("block", every("sh"), ids=str)
def test_every_shell_block_is_shell(block: Block) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=block.text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("block", every("yaml"), ids=str)
def test_every_file_for_kubernetes_in_a_document_is_whole(block: Block) -> None:
    (job,) = yaml.safe_load_all(block.text)
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[0] == "attention-gallery"
    parse(words[1:])
    cluster = job["spec"]["rayClusterSpec"]
    assert f"ray=={cluster['rayVersion']}\n" in (ROOT / "constraints.txt").read_text()
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for group in groups:
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        mounted = {mount["name"] for each in pod["containers"] for mount in each["volumeMounts"]}
        assert mounted == volumes


@pytest.mark.parametrize("block", every("python"), ids=str)
def test_python_in_a_document_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{document}: {link}"
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix()), link


def test_every_document_is_in_the_index() -> None:
    named = {link.partition("#")[0] for link in links("docs/README.md")}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= named


def test_every_picture_of_the_documents_is_shown_and_small() -> None:
    shown = {Path(link).name for document in DOCUMENTS for link in links(document)}
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.name in shown
        assert picture.stat().st_size <= 200_000, picture.name


def test_every_array_of_a_record_is_told_with_its_axes_and_quantity() -> None:
    text = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    part = text[text.index("## Records") : text.index("## Statistics")]
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{n.name}` | {', '.join(n.axes)} | {n.dtype} | {n.unit} | `{n.quantity}` |"
        for n in NOTES.values()
    ]


def test_the_quantities_of_statistics_are_all_told() -> None:
    text = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    part = text[text.index("## Statistics") : text.index("## Differences")]
    (line,) = (line for line in part.splitlines() if line.startswith("| `quantity` |"))
    assert re.findall(r"`([\w-]+)`", line)[1:] == [quantity.id for quantity in QUANTITIES]


@pytest.mark.parametrize(
    ("heading", "row", "version", "names"),
    [
        ("## Statistics", StatisticsRow, (statistics.SCHEMA, 3), 2729281139),
        ("## Differences", DifferenceRow, (formats.SCHEMA, 3), 1556639134),
    ],
)
def test_the_columns_of_tables_are_all_told(
    heading: str, row: type, version: tuple[int, int], names: int
) -> None:
    text = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    part = text[text.index(heading) :].split("\n## ")[0]
    cells = [line.split(" | ")[0] for line in part.splitlines() if line.startswith("| `")]
    told = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    columns = [field.name for field in fields(row)]
    assert told == columns
    assert (version[0], zlib.crc32(" ".join(columns).encode())) == (version[1], names), (
        f"The columns of {row.__name__} changed: raise its SCHEMA, then the numbers here."
    )
