"""The command line and the Python API, as their users meet them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import ExifTags, Image
from safetensors.torch import load_file, save_file

import generator
from generator.cli import main
from generator.commands.build import command_line
from generator.errors import GalleryError, ImageError, SpecError, StoreError
from generator.measure.calls import AttentionCall
from generator.measure.tap import AttentionTap
from generator.records import AttentionRecord
from generator.server import make_server
from generator.spec import GallerySpec
from tests.measure.families import FAMILIES

COMMANDS = sorted(main.commands)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small seeded models called ``plain``, ``vit`` and ``headed``."""
    folder = tmp_path_factory.mktemp("checkpoints")
    families = {family.name: family for family in FAMILIES}
    families["dinov2"].save(folder / "plain")
    families["vit"].save(folder / "vit")
    families["vit with a class head"].save(folder / "headed")
    return folder


@pytest.fixture
def here(checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: pictures in ``photos``, models in ``models``, and a store of its own."""
    for seed, name in enumerate(("one.png", "two.png")):
        picture(seed, tmp_path / "photos" / name)
    (tmp_path / "models").symlink_to(checkpoints)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", str(tmp_path / "store"))
    return tmp_path


def picture(seed: int, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def run(*words: str, monkeypatch: pytest.MonkeyPatch | None = None) -> Result:
    """Run a command; a bug keeps its traceback."""
    if monkeypatch is not None:
        monkeypatch.setattr(sys, "argv", ["/root/bin/attention-gallery", *words])
    return CliRunner().invoke(main, words, catch_exceptions=False)


def fails(*words: str, code: int = 1) -> str:
    """The one line that a command says when it fails."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    return line


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = main.commands[name]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]}"
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: main {name}")
    assert run(name, "-h").stdout == result.stdout


def test_help_names_every_command() -> None:
    assert COMMANDS == ["build", "cache", "demo", "export", "figure", "inspect", "publish", "serve"]
    text = run("--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)


def test_version() -> None:
    assert run("--version").stdout == f"attention-gallery, version {generator.__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["--version"], ["bild"]])
def test_help_needs_none_of_the_heavy_libraries(words: Sequence[str]) -> None:
    """So that it answers at once; the same for a misspelt command."""
    code = (
        "import sys; from generator.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = 'torch transformers numpy pydantic PIL jinja2 rich huggingface_hub matplotlib'\n"
        "print('\\nloaded:', sorted(set(heavy.split()) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"


# --- build ---------------------------------------------------------------------------------------


def test_build_from_options(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["build", "-m", "models/plain", "-i", "photos", "-o", "out/site", "--title", "Mine"]
    result = run(*words, monkeypatch=monkeypatch)
    assert result.exit_code == 0
    assert result.stdout == (
        "1 models x 2 images: 2 measured, 0 from the store.\nOpen out/site/index.html\n"
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
    assert result.stdout.startswith("1 models x 2 images: 1 measured, 1 from the store.\n")
    manifest = json.loads((here / "from-option/manifest.json").read_text())
    assert (manifest["title"], manifest["description"]) == ("From the option", "kept")


def test_failed_cells_are_named_and_the_exit_code_says_so(here: Path) -> None:
    (here / "photos" / "zero.jpg").touch()
    result = run("build", "-m", "models/plain", "-i", "photos")
    assert result.exit_code == 1
    assert result.stdout == (
        "1 models x 3 images: 2 measured, 0 from the store.\nOpen site/index.html\n"
    )
    assert result.stderr.splitlines()[-1] == (
        "failed: zero.jpg is empty (0 bytes). Copy the file again."
    )
    strict = run("build", "-m", "models/plain", "-i", "photos", "--strict")
    assert strict.exit_code == 1
    assert strict.stderr == "Error: zero.jpg is empty (0 bytes). Copy the file again.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["build", "-i", "photos"],
            "Error: No models were given. Name one with -m, such as -m facebook/dinov2-small, or "
            'in a file: models = ["..."].',
        ),
        (
            ["build", "-m", "models/plain"],
            "Error: No images were given. Name files or folders with -i, such as -i photos, or in "
            'a file: images = ["..."].',
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
            ["build", "-m", "models/plain", "-i", "photos", "--device", "gpu"],
            'Error: --device should be auto, cpu, cuda, cuda:0 or mps, got the text "gpu".',
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
        (["serve"], "Error: site has no index.html. Name the folder of a built site, or build one "
         "first."),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_errors_are_one_line(words: list[str], expected: str | None) -> None:
    line = fails(*words)
    assert line == expected or (expected is None and line.startswith("Error: "))


def test_missing_template_folder_is_found_out(here: Path) -> None:
    words = ["build", "-m", "models/plain", "-i", "photos", "--templates", "mine"]
    result = run(*words)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: There is no template folder mine. Name a folder with --templates."
    )


def test_bugs_keep_their_traceback(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("generator.pipeline.build_gallery", bug)
    with pytest.raises(ZeroDivisionError):
        run("build", "-m", "models/plain", "-i", "photos")


def test_dry_run_of_the_command(here: Path) -> None:
    result = run("build", "-m", "models/plain", "-i", "photos", "--dry-run")
    assert result.exit_code == 0
    assert "plain" in result.stdout and "2 of 2 images usable." in result.stdout
    assert not (here / "site").exists() and not (here / "store").exists()


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
    ],
)
def test_command_line_shows_no_folders_of_this_machine(words: list[str], shown: str) -> None:
    found = command_line(["/home/me/.venv/bin/attention-gallery", "build", *words])
    assert found == f"attention-gallery build {shown}"
    assert "secret" not in found and "/home" not in found


# --- inspect -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_inspect_says_what_is_known_without_weights() -> None:
    result = run("inspect", "models/plain")
    assert result.exit_code == 0
    facts = dict(line.split("  ", 1) for line in result.stdout.splitlines() if line[0] != " ")
    facts = {name: fact.strip() for name, fact in facts.items()}
    assert len(facts.pop("weights sha256")) == 64
    assert facts == {
        "model": "plain",
        "licence": "not stated",
        "architecture": "dinov2",
        "layers x heads": "3 x 4, 32 wide",
        "patch": "16 x 16 px",
        "input": "64 x 64 px: 4 x 4 patches",
        "tokens": "17: CLS, 16 patches",
        "class head": "none",
        "positions": "learned embeddings of 4 x 4 patches",
        "preprocessing": "turn upright by the EXIF orientation, convert to RGB",
    }
    headed = run("inspect", "models/headed").stdout
    assert "2 classes" in next(line for line in headed.splitlines() if "class head" in line)
    larger = run("inspect", "models/plain", "--resolution", "96")
    assert "96 x 96 px: 6 x 6 patches" in larger.stdout


@pytest.mark.parametrize("model", ["plain", "vit"])
@pytest.mark.usefixtures("here")
def test_inspect_check_passes_on_a_good_model(model: str) -> None:
    result = run("inspect", f"models/{model}", "--check", "photos/one.png")
    assert result.exit_code == 0, result.stdout
    checks = [line.partition(":")[0] for line in result.stdout.splitlines()[-4:]]
    assert checks == [
        "ok      token layout against the config",
        "ok      rows sum to 1",
        "ok      captured against eager attention",
        "ok      preprocessing against the checkpoint's own processor",
    ]


@pytest.mark.usefixtures("here")
def test_inspect_check_fails_when_what_is_captured_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    see = AttentionTap._see_sdpa

    def tampered(tap: AttentionTap[Any], call: AttentionCall) -> None:
        see(tap, replace(call, query=call.query * 1.01))

    monkeypatch.setattr(AttentionTap, "_see_sdpa", tampered)
    result = run("inspect", "models/plain", "--check", "photos/one.png")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()[-4:]
    assert [line.split()[0] for line in lines] == ["ok", "ok", "FAILED", "ok"]
    assert lines[2].startswith("FAILED  captured against eager attention: off by ")


@pytest.mark.usefixtures("here")
def test_inspect_check_in_low_precision_and_on_no_such_device() -> None:
    words = ["inspect", "models/plain", "--check", "photos/one.png"]
    result = run(*words, "--dtype", "bfloat16")
    assert result.exit_code == 0, result.stdout
    for device in ("gpu", "cuda:99", "cuda:x"):
        result = run(*words, "--device", device)
        assert result.exit_code == 1
        assert result.stderr == (
            f"Error: This machine has no device {device}, as torch {torch.__version__} sees it. "
            "Use --device auto or --device cpu.\n"
        )


@pytest.mark.usefixtures("here")
def test_inspect_check_on_a_picture_that_is_none() -> None:
    result = run("inspect", "models/plain", "--check", "photos/three.png")
    assert result.exit_code == 1
    assert result.stderr == "Error: There is no file three.png. Check the path.\n"


# --- serve and cache -----------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "i").mkdir(parents=True)
    (site / "index.html").write_text("<title>A gallery</title>")
    (site / "i/picture.webp").write_bytes(b"RIFF")
    return site


def test_serve_on_a_free_port_until_ctrl_c(site: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "serve", str(site), "-p", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    address = line.split()[3]
    assert line == f"{site} is at {address} (Ctrl-C stops)\n"
    with urllib.request.urlopen(address) as answer:
        assert b"A gallery" in answer.read()
    with urllib.request.urlopen(f"{address}i/picture.webp") as answer:
        assert answer.headers["Content-Type"] == "image/webp"
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (0, "Stopped.\n", "")


def test_port_that_is_taken(site: Path) -> None:
    with make_server(site, 0) as first:
        line = fails("serve", str(site), "--port", str(first.server_port))
    assert line == (
        f"Error: Port {first.server_port} cannot be used: [Errno 98] Address already in use. "
        "Choose another, such as --port 0."
    )


def test_port_that_is_none(site: Path) -> None:
    line = fails("serve", str(site), "--port", "70000")
    assert line.startswith("Error: Port 70000 cannot be used: ")


def test_cache_counts_and_clears(here: Path) -> None:
    assert run("cache").stdout == f"0 records, 0 B, in {here / 'store'}\n"
    assert run("build", "-m", "models/plain", "-i", "photos").exit_code == 0
    count, size, _ = run("cache").stdout.split(", ")
    assert count == "2 records" and size.endswith(" kB")
    assert run("cache", "--store", "elsewhere").stdout == "0 records, 0 B, in elsewhere\n"
    assert run("cache", "--clear").stdout == f"2 records, {size}, removed from {here / 'store'}\n"
    assert run("cache").stdout == f"0 records, 0 B, in {here / 'store'}\n"


# --- the Python API ------------------------------------------------------------------------------


def test_measure_gives_named_arrays(here: Path) -> None:
    record = generator.measure("models/plain", "photos/one.png")
    assert isinstance(record, AttentionRecord)
    assert record.rows("CLS").shape == (3, 4, 17)
    np.testing.assert_allclose(record.rows("CLS").astype(float).mean(-1), 1, rtol=1e-3)
    assert record.patch_attention is not None and record.patch_attention.shape == (3, 16, 17)
    assert not (here / "store").exists() and not (here / "site").exists()


def test_measure_can_be_called_whatever_was_imported_before(here: Path) -> None:
    """The function and the package of the modules behind it have one name."""
    code = (
        "import generator\n"
        "from generator.errors import SpecError\n"
        "def call(measure):\n"
        "    try: measure('./nowhere', image='photos/one.png')\n"
        "    except SpecError: print('called')\n"
        "call(generator.measure)\n"
        "call(generator.measure)\n"
        "import generator.measure.preprocess as preprocess, generator\n"
        "call(generator.measure)\n"
        "from generator import measure\n"
        "call(measure)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=here, check=True
    )
    assert done.stdout.split() == ["called"] * 4


def test_measure_takes_an_open_picture(here: Path) -> None:
    from_file = generator.measure(Path("models/plain"), Path("photos/one.png"))
    with Image.open(here / "photos/one.png") as image:
        opened = generator.measure("models/plain", image)
    np.testing.assert_array_equal(opened.attention, from_file.attention)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "YCbCr", "P", "1"])
@pytest.mark.usefixtures("here")
def test_measure_takes_pictures_of_every_mode(mode: str) -> None:
    with Image.open("photos/one.png") as image:
        record = generator.measure("models/plain", image.convert(mode), resolution=32)
    assert record.layout.rows == 2


@pytest.mark.usefixtures("here")
def test_measure_turns_an_open_picture_upright() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    with Image.open("photos/one.png") as image:
        image.save("turned.png", exif=exif)
    with Image.open("turned.png") as image:
        opened = generator.measure("models/plain", image, field_of_view="whole")
    from_file = generator.measure("models/plain", "turned.png", field_of_view="whole")
    assert (opened.view.image_width, opened.view.image_height) == (60, 90)
    np.testing.assert_array_equal(opened.attention, from_file.attention)


@pytest.mark.usefixtures("here")
def test_api_knows_the_home_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    assert generator.measure("~/models/plain", "~/photos/one.png").layout.tokens == 17


def test_measure_raises_what_is_wrong(here: Path) -> None:
    with pytest.raises(SpecError, match="There is no model folder nowhere"):
        generator.measure("./nowhere", "photos/one.png")
    with pytest.raises(ImageError) as folder:
        generator.measure("models/plain", "photos")
    assert str(folder.value) == "photos is a folder. Name one picture."
    with pytest.raises(ImageError) as missing:
        generator.measure("models/plain", "three.png")
    assert str(missing.value) == (
        "There is no file or folder three.png. Check the path of the images (-i, or images)."
    )
    folder = shutil.copytree(here / "models/plain", here / "spoilt")
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.cls_token"][:] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(GalleryError, match="The weights of spoilt hold NaN or infinity"):
        generator.measure("spoilt", "photos/one.png")


def test_build_and_load_records(here: Path) -> None:
    spec = GallerySpec.model_validate(
        {"models": ["models/plain"], "images": [Path("photos")], "out": "unused"}
    )
    page = generator.build(spec, "built")
    assert page == Path("built/index.html") and page.is_file()
    assert not Path("unused").exists()
    of_site = list(generator.load_records("built"))
    of_store = list(generator.load_records(here / "store"))
    assert {record.key for record in of_site} == {record.key for record in of_store}
    assert len(of_site) == 2

    (here / "gallery.toml").write_text('models = ["models/plain"]\nimages = ["photos/one.png"]')
    assert generator.build("gallery.toml") == Path("site/index.html")
    assert [r.key for r in generator.load_records("site")] == [of_site[0].key]
    run("cache", "--clear")
    with pytest.raises(StoreError) as gone:
        list(generator.load_records("site"))
    assert str(gone.value) == (
        f"The record {of_site[0].key[:12]} is not in {here / 'store'}. "
        "Build the gallery again to measure it."
    )
    with pytest.raises(StoreError) as nothing:
        generator.load_records(here / "photos")
    assert str(nothing.value).startswith(f"{here / 'photos'} holds no records.")


def test_unknown_attribute_of_the_package() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'measur'"):
        generator.measur  # noqa: B018
