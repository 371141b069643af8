"""``init`` and ``schema``: a gallery file to begin with, and what editors know of it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic.dataclasses import dataclass

from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec
from generator.spec.schema import TABLES, gallery_schema, keys_of
from tests.commands.running import fails, picture, run


def written(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_init_writes_what_it_finds_and_build_builds_it(here: Path) -> None:
    result = run("init")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Next: attention-gallery build"
    facts = written(here / "gallery.toml")
    assert facts["models"] == ["./models/headed", "./models/plain", "./models/vit"]
    assert facts["images"] == ["photos"]
    assert (here / "gallery.toml").read_text().startswith("#:schema gallery.schema.json\n")
    assert json.loads((here / "gallery.schema.json").read_text()) == gallery_schema()
    result = run("build", "-m", "models/plain", "--no-analyses")
    assert result.exit_code == 0, result.output


def test_init_takes_what_it_is_given_and_names_it_from_the_file(here: Path) -> None:
    words = ["-m", "models/plain", "-m", "org/name", "-i", "photos/one.png", "photos/*.jpg"]
    (here / "sub").mkdir()
    assert run("init", *words, "--title", 'Mine "here"', "-o", "sub/mine.toml").exit_code == 0
    facts = written(here / "sub" / "mine.toml")
    assert facts == {
        "title": 'Mine "here"',
        "models": ["../models/plain", "org/name"],
        "images": ["../photos/one.png", "../photos/*.jpg"],
        "out": "site",
    }


def test_init_says_what_is_not_there(here: Path) -> None:
    words = ["-m", "models/nope", "-m", "./models/plian", "-m", "org/name", "-m", "models/plain"]
    pictures = ["nope", "photos", "photos/*.jpg", "https://example.org/a.jpg", "phtoos/one.png"]
    result = run("init", *words, "-i", *pictures)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[2:] == [
        "There is no folder models/nope here: the name is looked up on the hub.",
        "There is no model folder models/plian. Did you mean models/plain?",
        "There is no file or folder nope. Check the path of the images (-i, or images).",
        "No picture matches photos/*.jpg. Check the pattern; ** goes through subfolders, as in "
        "'photos/**/*.jpg'.",
        "There is no file or folder phtoos/one.png. Check the path of the images (-i, or images).",
        "Next: edit gallery.toml, then run: attention-gallery build",
    ]
    assert written(here / "gallery.toml")["images"] == pictures


def test_every_key_is_in_the_file_and_fits_when_it_is_taken_in(here: Path) -> None:
    run("init", "-m", "models/plain", "-i", "photos")
    text = (here / "gallery.toml").read_text()
    for key in GallerySpec.model_fields:
        assert f"{key} =" in text or f"[{key}]" in text, key
    (here / "gallery.toml").write_text(taken_in(text.partition("\n# [")[0]))
    assert load_spec(Path("gallery.toml")).strict is False


def test_every_key_of_a_table_is_in_the_file(here: Path) -> None:
    run("init", "-m", "models/plain", "-i", "photos")
    tables = tomllib.loads(taken_in((here / "gallery.toml").read_text().replace("...", '"..."')))
    kinds = dict(TABLES)
    for head in ("[[sweeps]]", "[[sequences]]", "[dataset]", "[paper]", "[[figure]]"):
        found = tables[head.strip("[]")]
        keys = found if isinstance(found, dict) else found[0]
        assert set(keys) == {fact.name for fact in keys_of(kinds[head])}


def taken_in(text: str) -> str:
    """A gallery file without the # before keys and tables; a key without a default stays off."""
    lines = text.splitlines()[5:]
    return "\n".join(
        line.removeprefix("# ")
        if (" = " in line and "= ... " not in line) or line.startswith("# [")
        else line
        for line in lines
    )


def test_an_empty_folder_gets_examples_and_a_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("init")
    assert result.stdout.splitlines()[-3:] == [
        "No model was found here: change the examples in gallery.toml, or give -m.",
        "No picture was found here: change the examples in gallery.toml, or give -i.",
        "Next: edit gallery.toml, then run: attention-gallery build",
    ]
    assert written(tmp_path / "gallery.toml")["images"] == ["photos"]
    assert fails("init") == (
        "Error: gallery.toml is there already. Name another with -o, or add --force."
    )
    picture(1, tmp_path / "a.png")
    assert run("init", "--force").exit_code == 0
    assert written(tmp_path / "gallery.toml")["images"] == ["*.png"]


def test_the_schema_is_printed_and_knows_short_forms() -> None:
    schema = json.loads(run("schema").stdout)
    Draft202012Validator.check_schema(schema)
    good = {
        "models": ["a/b", {"id": "c/d", "test_time_registers": True}],
        "sequences": ["clip.mp4", {"path": "frames", "every": 2}],
        "sweeps": ["run/checkpoint-*"],
        "images": ["photos", "https://example.org/a.jpg"],
        "extras": "all",
        "compare": "none",
        "max_site_size": "1.5 GB",
        "paper": {"authors": ["Ada"], "links": {"code": "https://example.org"}},
        "dataset": {"name": "a/b", "split": "test[:20]"},
    }
    Draft202012Validator(schema).validate(good)
    for bad in (
        {"titel": "x"},
        {"device": "gpu"},
        {"images": "photos"},
        {"models": [{"id": "a", "folder": "b"}]},
        {"dataset": {"name": "a/b", "split": "test[:10%]"}},
    ):
        with pytest.raises(ValidationError):
            Draft202012Validator(schema).validate(bad)


def test_a_key_that_its_docstring_does_not_explain_is_named() -> None:
    @dataclass(frozen=True)
    class Table:
        """A table.

        Attributes:
            known: a text.
        """

        known: str = ""
        unknown: str = ""

    with pytest.raises(LookupError, match=r"^Attributes in the docstring of Table lack unknown\.$"):
        list(keys_of(Table))
