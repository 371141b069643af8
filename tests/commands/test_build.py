"""``build``: from options and files to a site, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.commands.build import command_line
from tests.commands.running import fails, run

WORDS = ("-m", "models/plain", "-i", "photos")


def test_build_from_options(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["build", "-m", "models/plain", "-i", "photos", "-o", "out/site", "--title", "Mine"]
    result = run(*words, monkeypatch=monkeypatch)
    assert result.exit_code == 0
    assert result.stdout == (
        "1 model x 2 images: 2 measured, 0 from the store.\nOpen out/site/index.html, "
        "or run: attention-gallery serve out/site --open\n"
    )
    assert "Mine" in (here / "out/site/index.html").read_text()
    manifest = json.loads((here / "out/site/manifest.json").read_text())
    assert manifest["command"] == (
        "attention-gallery build -m models/plain -i photos -o out/site --title Mine"
    )


def test_build_from_a_file_with_options_before_it(here: Path) -> None:
    folder = here / "galleries"
    folder.mkdir()
    (folder / "gallery.toml").write_text(
        'title = "From the file"\ndescription = "kept"\nimages = ["../photos/one.png"]\n'
        'out = "from-file"\nmodels = ["../models/plain"]\n'
    )
    assert run("build", "galleries/gallery.toml").exit_code == 0
    assert (folder / "from-file/index.html").is_file(), "paths of a file start at the file"

    words = ["--title", "From the option", "-o", "from-option", "-i", "photos"]
    result = run("build", "galleries/gallery.toml", *words)
    assert result.exit_code == 0
    assert result.stdout.startswith("1 model x 2 images: 1 measured, 1 from the store.\n")
    manifest = json.loads((here / "from-option/manifest.json").read_text())
    assert (manifest["title"], manifest["description"]) == ("From the option", "kept")


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_is_named_and_the_exit_code_says_so(here: Path) -> None:
    gallery = 'models = ["./models/plain"]\nimages = ["photos"]\n[[figure]]\nname = "many"\n'
    file = here / "gallery.toml"
    file.write_text(f'{gallery}preset = "registers-16"\n', encoding="utf-8")
    result = run("build", "gallery.toml")
    assert result.exit_code == 1
    assert "Open site/index.html" in result.stdout
    (line,) = (one for one in result.stderr.splitlines() if one.startswith("failed: "))
    assert line.startswith(
        "failed: Figure many: The figure registers-16 needs at least 100 images of one grid."
    )


def test_a_figure_of_a_gallery_file_refuses_what_it_has_no_use_for(here: Path) -> None:
    gallery = 'models = ["./models/plain"]\nimages = ["photos"]\n[[figure]]\nname = "norms"\n'
    file = here / "gallery.toml"
    file.write_text(f'{gallery}preset = "registers-21"\nkeep = 60\n', encoding="utf-8")
    result = run("build", "gallery.toml")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: Figure norms: The figure registers-21 has no use for keep. Leave it out; the "
        "figure takes models and images, layers, overlay and colors.\n"
    )
    assert not (here / "site").exists(), "it is said before anything is measured"


def test_failed_cells_are_named_and_the_exit_code_says_so(here: Path) -> None:
    (here / "photos" / "zero.jpg").touch()
    result = run("build", "-m", "models/plain", "-i", "photos")
    assert result.exit_code == 1
    assert result.stdout == (
        "1 model x 3 images: 2 measured, 0 from the store, 1 failed.\nOpen site/index.html, or "
        "run: attention-gallery serve site --open\n"
    )
    said = "failed: zero.jpg is empty (0 bytes). Copy the file again."
    assert result.stderr.splitlines().count(said) == 1
    strict = run("build", "-m", "models/plain", "-i", "photos", "--strict")
    assert strict.exit_code == 1
    assert strict.stderr == "Error: zero.jpg is empty (0 bytes). Copy the file again.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["build", "-i", "photos"],
            "Error: No models were given. Name one: -m facebook/dinov2-small, or models = "
            '["facebook/dinov2-small"] in a file or in Python.',
        ),
        (
            ["build", "-m", "models/plain"],
            "Error: No images were given. Name files or folders: -i photos, or images = "
            '["photos"] in a file or in Python.',
        ),
        (
            ["build", "-m", "./nowhere", "-i", "photos"],
            "Error: -m: There is no model folder nowhere. Check the path; a model on the hub is "
            "written owner/name.",
        ),
        (
            ["build", "-m", "models/plain", "-i", "nowhere"],
            "Error: There is no file or folder nowhere. Check the path of the images (-i, or "
            "images).",
        ),
        (
            ["build", "-m", "models/plain", "-i", "photos", "--batch-size", "0"],
            "Error: --batch-size should be a whole number from 1, got the number 0.",
        ),
        (
            ["build", "-m", "models/plain", "-i", "photos", "--jobs", "0"],
            "Error: --jobs should be a whole number from 1, or auto, got the number 0.",
        ),
        (
            ["build", "-m", "models/plain", "-i", "photos", "--device", "gpu"],
            "Error: --device should be auto, cpu, cuda, cuda:0, mps, or several such as "
            'cuda:0,cuda:1, got the text "gpu". Did you mean cuda?',
        ),
        (
            ["build", "-m", "models/plain", "-i", "photos", "-o", "photos"],
            "Error: -o: a site in photos would replace the images photos. Name a folder of its "
            "own, such as site.",
        ),
        (["inspect", "models/vit/config.json"], None),
        (
            ["serve", "photos"],
            "Error: photos has no index.html. Name the folder of a built site, or build one first.",
        ),
        (["serve"], "Error: There is no folder site. Build the site first, or name its folder."),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_errors_are_one_line(words: list[str], expected: str | None) -> None:
    line = fails(*words)
    assert line == expected or (expected is None and line.startswith("Error: "))


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--templates", "mine"],
            "Error: There is no template folder mine. Name a folder with --templates.",
        ),
        (
            ["--templates", "photos"],
            "Error: The template folder photos has no template (*.jinja2) and no folder static. "
            "Name another with --templates; templates/README.md says what it may hold.",
        ),
        (
            ["-o", "photos/one.png/site"],
            "Error: {here}/photos/one.png, on the way to photos/one.png/site, "
            "is a file. Choose a folder (-o, or out).",
        ),
        (
            ["-o", "x" * 300],
            f"Error: The site cannot be written to {'x' * 300}: File name too long. "
            "Choose another folder (-o, or out).",
        ),
    ],
)
def test_what_cannot_become_a_site_is_found_out_before_the_work(
    here: Path, words: list[str], expected: str, dry: list[str]
) -> None:
    line = fails("build", "-m", "models/plain", "-i", "photos", *words, *dry)
    assert line == expected.format(here=here)
    assert not (here / "store").exists()


def test_a_folder_that_may_not_be_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != here)
    assert fails("build", "-m", "models/plain", "-i", "photos", code=1) == (
        f"Error: No folder may be made in {here}, where the site site would be. "
        "Choose another folder (-o, or out)."
    )


def test_a_dry_run_understands_figures(here: Path) -> None:
    gallery = here / "gallery.toml"
    gallery.write_text(
        'models = ["models/plain"]\nimages = ["photos"]\n'
        '[[figure]]\nname = "x"\npreset = "regsters-1"\n'
    )
    assert fails("build", "gallery.toml", "--dry-run") == (
        "Error: Figure x: No figure is called regsters-1. Did you mean registers-1?"
    )


def test_bugs_keep_their_traceback(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("generator.pipeline.build.build_gallery", bug)
    with pytest.raises(ZeroDivisionError):
        run("build", "-m", "models/plain", "-i", "photos")


def test_dry_run_of_the_command(here: Path) -> None:
    result = run("build", *WORDS, "--dry-run")
    assert result.exit_code == 0
    assert "plain" in result.stdout and "2 of 2 images usable." in result.stdout
    assert not (here / "site").exists()
    assert not list((here / "store").rglob("*.safetensors"))
    facts = json.loads(run("build", *WORDS, "--dry-run", "--json").stdout)
    assert facts["would_be_built"]
    assert fails("build", *WORDS, "--json") == (
        "Error: --json belongs to --dry-run. Leave it out, or add --dry-run."
    )


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["-m", "facebook/dinov2-small"], "-m facebook/dinov2-small"),
        (["-m", "facebook/dinov2-small@main"], "-m facebook/dinov2-small@main"),
        (["-m", "./models/mine", "-i", "photos/"], "-m ./models/mine -i photos/"),
        (["-i", "/home/me/secret/photos"], "-i photos"),
        (["-i", "../secret/photos"], "-i photos"),
        (["-i", "photos/../../secret/photos"], "-i photos"),
        (["-i", "~/secret/photos"], "-i photos"),
        (["--images=/home/me/secret/photos"], "--images=photos"),
        (["--images=photos"], "--images=photos"),
        (["-i/home/me/secret/photos"], "-iphotos"),
        (["-o", "/home/me/my site"], "-o 'my site'"),
        (["--title", "a b", "--strict"], "--title 'a b' --strict"),
        (["/home/me/secret/gallery.toml"], "gallery.toml"),
        (["-i", "caf\udce9.jpg"], "-i 'caf\N{REPLACEMENT CHARACTER}.jpg'"),
    ],
)
def test_command_line_shows_no_folders_of_this_machine(words: list[str], shown: str) -> None:
    found = command_line(["/home/me/.venv/bin/attention-gallery", "build", *words])
    assert found == f"attention-gallery build {shown}"
    assert "secret" not in found and "/home" not in found
