"""Options: a gallery without a file, and what goes before one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator.commands.build import build
from generator.errors import SpecError
from generator.spec.gallery import GallerySpec
from generator.spec.options import load_spec, merge, spec_from_options
from tests.spec.gallery_file import ENOUGH, NAME_IMAGES, NAME_MODELS

FORM = "Write owner/name as on the Hugging Face hub, owner/name@revision, or ./folder."


def test_a_gallery_from_options_alone(file: Path) -> None:
    options = {"models": ("a/b", "c/d@v"), "images": (Path("p"), Path("q")), "out": Path("o")}
    spec = spec_from_options(**options)
    assert [m.id for m in spec.models] == ["a/b", "c/d"]
    assert (spec.images, spec.out) == ((Path("p"), Path("q")), Path("o"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, f"No models were given. {NAME_MODELS}"),
        ({"models": ("a/b",)}, f"No images were given. {NAME_IMAGES}"),
        (
            {"models": ("a/b",), "images": (Path("p"),), "batch_size": 0},
            "--batch-size should be a whole number from 1, got the number 0.",
        ),
        (
            {"models": ("a b",), "images": (Path("p"),)},
            f'-m: "a b" is neither a folder nor the id of a model. {FORM}',
        ),
        (
            {"models": ("a/b", "a/b"), "images": (Path("p"),)},
            "-m: a/b@main is given twice. Leave one out, or change its resolution.",
        ),
        (
            {"models": ("a/b",), "images": (Path("p"),), "out": Path()},
            "-o: a site in . would replace the current folder. "
            "Name a folder of its own, such as site.",
        ),
    ],
)
def test_wrong_options_are_named_as_they_are_typed(
    options: dict[str, Any], message: str, file: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        spec_from_options(**options)
    assert str(caught.value) == message


def test_options_go_before_the_file_only_when_given(file: Path) -> None:
    file.write_text('title = "File"\nout = "site"\nstrict = true\n' + ENOUGH)
    Path("here").mkdir()
    unchanged, spec = load_spec(file), load_spec(file, title="Option", strict=False)
    assert (spec.title, spec.strict, spec.out) == ("Option", False, unchanged.out)
    assert spec.models == unchanged.models
    # Paths on the command line start in the current folder, also models.
    options = {"models": ("here",), "images": (Path("p"),), "out": Path("o"), "store": Path("s")}
    spec = load_spec(file, **options)
    assert (spec.images, spec.out, spec.store) == ((Path("p"),), Path("o"), Path("s"))
    assert [m.folder for m in spec.models] == [Path("here")]
    assert merge(unchanged, **options) == spec
    assert merge(unchanged) == unchanged


def test_options_complete_a_file(file: Path) -> None:
    file.write_text('title = "Only a title"\n')
    spec = load_spec(file, models=("a/b",), images=(Path("p"),))
    assert spec.title == "Only a title"


def test_a_wrong_option_does_not_blame_the_file(file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(file, device="gpu")
    assert str(caught.value) == (
        "--device should be auto, cpu, cuda, cuda:0, mps, or several such as cuda:0,cuda:1, "
        'got the text "gpu". Did you mean cuda?'
    )


def test_the_command_has_an_option_for_each_key_that_is_no_table() -> None:
    others = {
        "split",
        "column",
        "subset",
        "words",
        "dry_run",
        "as_json",
        "records_only",
        "quiet",
        "verbose",
        "debug",
        "figures",
    }
    named = {parameter.name for parameter in build.params} - others
    assert named == set(GallerySpec.model_fields) - {"paper", "figure"}


@pytest.mark.parametrize("key", ["analyses", "figures"])
def test_the_former_name_of_a_key_is_accepted(key: str, file: Path) -> None:
    file.write_text(f"{key} = true\n{ENOUGH}")
    assert load_spec(file).analyses is True
    assert load_spec(file, figures=False).analyses is False
    assert load_spec(file, analyses=False).analyses is False


def test_a_key_is_not_given_under_both_names(file: Path) -> None:
    file.write_text(f"analyses = true\nfigures = false\n{ENOUGH}")
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    assert str(caught.value) == f"{file}: unknown key figures. Did you mean figure?"


def test_home_is_found_in_options(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(Path("home").absolute()))
    spec = load_spec(file, images=(Path("~/p"),), store=Path("~/s"), sequences=(Path("~/q"),))
    home = Path("home").absolute()
    assert (spec.images, spec.store) == ((home / "p",), home / "s")
    assert spec.sequences[0].path == home / "q"


def test_the_spec_is_read_without_torch() -> None:
    modules = "generator.spec.options, generator.images.find, generator.records.store"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    command, here = [sys.executable, "-c", code], Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout == "False\n"
