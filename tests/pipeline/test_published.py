"""What a site consists of: the same bytes each time, and nothing private."""

from __future__ import annotations

import getpass
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ExifTags, Image

from generator.capture.models.load import LoadedModel
from generator.spec.gallery import GallerySpec
from tests.pipeline.galleries import build, files, gallery, manifest, picture, replace_models


@pytest.mark.slow
def test_two_builds_of_the_same_inputs_are_byte_identical(
    spec: GallerySpec, tmp_path: Path
) -> None:
    build(spec)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(spec.images[0], elsewhere / "photos")
    other = gallery(elsewhere, *(model.folder for model in spec.models if model.folder))
    build(other)
    one, two = files(spec.out), files(other.out)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_site_tells_nothing_of_this_machine(
    spec: GallerySpec, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of what went well, and not of what failed."""
    forward = LoadedModel.forward

    def crash(model: LoadedModel, *inputs: Any) -> torch.Tensor:
        if model.facts.id == "registers":
            raise FileNotFoundError(f"no such file: {model.resolved.location}/kernels.so")
        return forward(model, *inputs)

    monkeypatch.setattr(LoadedModel, "forward", crash)
    (spec.images[0] / "empty.jpg").touch()
    (tmp_path / "models" / "bare").mkdir(parents=True)
    cut = shutil.copytree(checkpoints / "plain", tmp_path / "models" / "cut")
    (cut / "model.safetensors").rename(cut / "other.safetensors")
    models = [*(model.folder for model in spec.models if model.folder), cut, cut.parent / "bare"]
    outcome = build(replace_models(spec, *models))
    assert len(outcome.site.failures) == 4 and outcome.measured == 2
    names = {getpass.getuser(), socket.gethostname(), socket.getfqdn()}
    names = {name for name in names if len(name) > 4} - {"localhost"}  # others are in any text
    secrets = [str(tmp_path), tmp_path.name, str(Path.home()), "/tmp/", *names]
    for name, content in files(spec.out).items():
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} in {name}"


def test_published_pictures_carry_no_metadata(spec: GallerySpec) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Somebody Secret"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 24.0)
    picture(spec.images[0] / "private.jpg", 8, (120, 60), exif=exif, comment=b"Taken at home")
    assert b"Somebody Secret" in (spec.images[0] / "private.jpg").read_bytes()
    build(spec)
    for name, content in files(spec.out).items():
        assert b"Somebody Secret" not in content and b"Taken at home" not in content, name
    (item,) = [item for item in manifest(spec).images if item.slug == "private"]
    assert (item.width, item.height) == (60, 120), "upright"
    pictures = [file for file in item.files if file.path.endswith(".webp")]
    assert {file.kind for file in pictures} == {"picture", "thumb", "crop"}
    for file in pictures:
        with Image.open(spec.out / file.path) as image:
            assert not image.getexif() and set(image.info) <= {"loop", "background"}
            # the part that the models saw is a square
            assert image.height == image.width * (1 if file.kind == "crop" else 2)


@pytest.mark.slow
def test_awkward_names_of_pictures(spec: GallerySpec) -> None:
    photos = spec.images[0]
    names = [
        "a/same.png",
        "b/same.png",
        "Case.png",
        "case.png",
        'mit Leerzeichen & "Zeichen" <b>.png',
        "雪山.png",
        "été.png",
        "index.png",
        "100%.png",
    ]
    for seed, name in enumerate(names):
        picture(photos / name, seed + 20)
    outcome = build(spec)
    assert outcome.site.failures == ()
    images = manifest(spec).images
    assert {image.name for image in images} >= {Path(name).name for name in names}
    slugs = [image.slug for image in images]
    assert len({slug.casefold() for slug in slugs}) == len(names) + 2
    for page in manifest(spec).pages:
        assert page.isascii() and " " not in page and (spec.out / page).is_file()
    text = "".join(page.read_text() for page in spec.out.rglob("*.html"))
    assert "<b>.png" not in text and "雪山" in text
