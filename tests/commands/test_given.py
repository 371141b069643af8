"""What is typed after ``build``: patterns, several pictures, standard input, and slips."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import main
from generator.commands.shared.given import with_each_named
from tests.commands.running import fails, picture, run

MODEL = ("-m", "models/plain")


def images_of(folder: Path) -> list[str]:
    import json

    manifest = json.loads((folder / "manifest.json").read_text())
    return [image["name"] for image in manifest["images"]]


def test_several_pictures_after_one_option() -> None:
    words = "-i a.jpg b.jpg -m M --strict -i c.jpg gallery.toml -o out --images=d e -if g"
    assert " ".join(with_each_named(words.split())) == (
        "-i a.jpg -i b.jpg -m M --strict -i c.jpg gallery.toml -o out --images=d -i e -if -i g"
    )
    assert with_each_named(["-i", "-", "x", "--", "y"]) == ["-i", "-", "-i", "x", "--", "y"]


@pytest.mark.parametrize("given", [["photos/one.png", "photos/two.png"], ["photos/*.png"]])
def test_a_pattern_works_quoted_and_unquoted(here: Path, given: list[str]) -> None:
    result = run("build", "-i", *given, *MODEL, "--no-analyses")
    assert result.exit_code == 0, result.output
    assert images_of(here / "site") == ["one.png", "two.png"]


def test_pictures_and_lists_come_from_standard_input(here: Path) -> None:
    words = ["build", "-i", "-", *MODEL, "--no-analyses"]
    data = (here / "photos/one.png").read_bytes()
    result = CliRunner().invoke(main, words, input=data, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert images_of(here / "site") == ["standard-input.png"]
    named = b"photos/two.png\nphotos/one.png\n"
    result = CliRunner().invoke(main, words, input=named, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert images_of(here / "site") == ["two.png", "one.png"]


def test_an_earlier_site_among_the_pictures_is_left_out(here: Path) -> None:
    for out in ("photos/site", "photos/again"):
        result = run("build", "-i", "photos", *MODEL, "-o", out, "--no-analyses")
        assert images_of(here / out) == ["one.png", "two.png"]
    assert "photos/site is a gallery that was built before, so it is left out.\n" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["photos/one.png"], "photos/one.png is not a gallery file, which ends in .toml. Did you "
         "mean -i photos/one.png?"),
        (["models/plain"], "models/plain is not a gallery file, which ends in .toml. Did you mean "
         "-m models/plain?"),
        (["photos"], "photos is not a gallery file, which ends in .toml. Did you mean -i photos, "
         "for the pictures in it?"),
        (["facebook/dinov2-small"], "facebook/dinov2-small is not a gallery file, which ends in "
         ".toml. Did you mean -m facebook/dinov2-small, for a model?"),
        (["a.toml", "b.toml"], "One gallery file is built at a time, got a.toml, b.toml. Write -i "
         "before pictures and -m before models."),
        (["nowhere"], "There is no file or folder nowhere. Write -m before a model, and -i before "
         "pictures."),
        (["phots"], "There is no file or folder phots. Did you mean photos?"),
        (["nowhere.toml"], "There is no file nowhere.toml. Check the path."),
        (["-i", "photos/*.gif", *MODEL], "No picture matches photos/*.gif. Check the pattern; ** "
         "goes through subfolders, as in 'photos/**/*.jpg'."),
        (["-i", "photos/onee.png", *MODEL], "There is no file or folder photos/onee.png. Did you "
         "mean photos/one.png?"),
        (["-i", "photos/one.jpeg", *MODEL], "There is no file or folder photos/one.jpeg. Did you "
         "mean photos/one.png?"),
        (["-i", "photos/cat.png", *MODEL], "There is no file or folder photos/cat.png. Check the "
         "path of the images (-i, or images)."),
        (["-i", "photos", "-m", "./models/plian"], "-m: There is no model folder models/plian. Did "
         "you mean models/plain?"),
        (["-i", "photos", *MODEL, "--masks", "phtos"], "There is no folder phtos. Did you mean "
         "photos?"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_slips_are_answered_with_what_was_meant(words: list[str], expected: str) -> None:
    result = run("build", *words)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {expected}\n"


def test_the_gallery_file_of_the_current_folder_is_built(here: Path) -> None:
    picture(7, here / "other" / "three.png")
    (here / "gallery.toml").write_text('models = ["./models/plain"]\nimages = ["photos"]\n')
    result = run("build", "--no-analyses")
    assert result.stderr.startswith("Building gallery.toml.\n")
    assert images_of(here / "site") == ["one.png", "two.png"]
    run("build", "-i", "other", "--no-analyses")
    assert images_of(here / "site") == ["three.png"], "options go first"
    result = run("build", "-i", "other", *MODEL, "--no-analyses", "-o", "own")
    assert "gallery.toml" not in result.stderr, "complete options need no file"


def test_no_file_and_no_options_say_what_is_missing(here: Path) -> None:
    assert fails("build").startswith("Error: No models were given. Name one: -m")
