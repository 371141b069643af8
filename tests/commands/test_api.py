"""The Python API: the work of the commands as functions."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import ExifTags, Image
from safetensors.torch import load_file, save_file

import generator
from generator import api
from generator.errors import GalleryError, ImageError, ModelError, SpecError, StoreError
from generator.records.record import AttentionRecord
from generator.spec.gallery import GallerySpec
from generator.spec.models import ModelSpec, RegisterSpec
from tests.capture.planted import plain_picture, planted_patch_sink
from tests.commands.running import run


def test_measure_gives_named_arrays(here: Path) -> None:
    record = generator.measure("models/plain", "photos/one.png")
    assert isinstance(record, AttentionRecord)
    assert record.rows("CLS").shape == (3, 4, 17)
    np.testing.assert_allclose(record.rows("CLS").astype(float).mean(-1), 1, rtol=1e-3)
    assert record.patch_attention is not None and record.patch_attention.shape == (3, 16, 17)
    assert not list((here / "store").rglob("*.safetensors")) and not (here / "site").exists()


@pytest.mark.slow
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
        "import generator.capture.checkpoint.preprocess as preprocess, generator\n"
        "call(generator.measure)\n"
        "from generator import measure\n"
        "call(measure)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=here, check=True
    )
    assert done.stdout.split() == ["called"] * 4


MEASURING = {
    *("models", "images", "resolution", "field_of_view", "device", "dtype", "patch_queries"),
    *("extras", "objects", "target", "trust_remote_code", "store"),
}
"""Keys of a gallery that decide what is measured of one model on one image, and where it is."""


def test_measure_has_the_options_of_the_command() -> None:
    """Under the same names and with the same defaults."""
    options = inspect.signature(api.measure).parameters
    of_a_model = set(ModelSpec.model_fields) - {
        *(
            "id",
            "revision",
            "label",
            "folder",
            "file",
            "step",
            "sweep",
            "opened",
        ),  # what it is, not how it is measured
    }
    assert MEASURING - {"models", "images"} | of_a_model == set(options) - {"model", "image"}
    spec = GallerySpec.model_validate({"models": ["a/b"], "images": ["photos"]})
    for name in MEASURING - {"models", "images", "store", "objects"}:
        assert options[name].default == getattr(spec, name), name
    assert (options["objects"].default,) == spec.objects


@pytest.mark.usefixtures("here")
def test_measure_gives_what_build_gives_with_the_same_options() -> None:
    given: dict[str, Any] = {
        "resolution": 48,
        "field_of_view": "whole",
        "patch_queries": "heads",
        "extras": "features,lens",
        "objects": ["values", "queries"],
        "target": 1,
    }
    record = generator.measure("models/headed", "photos/one.png", **given)
    spec = {"models": ["models/headed"], "images": [Path("photos/one.png")], **given}
    generator.build(GallerySpec.model_validate(spec))
    (built,) = generator.load_records("site")
    assert record.key == built.key
    assert record.features is not None and record.prediction is not None
    assert [*record.features.objects] == ["queries", "values"]
    assert record.lens is not None and record.values is None and record.relevance is None
    assert record.prediction.target == 1 and record.layout.cols > record.layout.rows
    assert record.patch_attention is not None and record.patch_attention.ndim == 4


def test_measure_with_a_store_measures_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = generator.measure("models/plain", "photos/one.png", store="kept")
    assert len(list(generator.load_records("kept"))) == 1

    def no_loading(*args: Any, **options: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("generator.capture.models.load.load", no_loading)
    again = generator.measure("models/plain", "photos/one.png", store=here / "kept")
    np.testing.assert_array_equal(again.attention, first.attention)


@pytest.mark.usefixtures("here")
def test_measure_with_a_test_time_register(tmp_path: Path) -> None:
    model = planted_patch_sink(tmp_path / "sink")
    picture = plain_picture(tmp_path / "plain.png")
    one = RegisterSpec(neurons=1)
    plain = generator.measure(model.folder, picture)
    moved = generator.measure(model.folder, picture, test_time_registers=one)
    default = generator.measure(model.folder, picture, test_time_registers=True)
    assert plain.intervention is None and moved.intervention is not None
    assert len(moved.intervention.neurons) == 1
    assert default.intervention is not None and default.intervention.asked.neurons == 10
    assert moved.layout.prefix == (*plain.layout.prefix, moved.intervention.token)
    with pytest.raises(ModelError, match="has no outlier patches that an MLP makes"):
        generator.measure("models/plain", "photos/one.png", test_time_registers=True)


@pytest.mark.usefixtures("here")
def test_build_from_records_alone() -> None:
    spec = GallerySpec.model_validate(
        {"models": ["models/plain"], "images": [Path("photos/one.png")]}
    )
    with pytest.raises(StoreError, match="1 record is not in"):
        generator.build(spec, records_only=True)
    generator.build(spec)
    again = generator.build(spec, "again", records_only=True)
    assert (again.site, again.measured, again.reused) == (Path("again"), 0, 1)


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
    for given in (np.zeros((8, 8, 3), np.uint8), torch.zeros(3, 8, 8), 3):
        said = (
            f"A picture is a path, or is opened with PIL.Image; got {type(given).__name__}. "
            "Make an array a picture with PIL.Image.fromarray."
        )
        with pytest.raises(ImageError) as other:
            generator.measure("models/plain", given)  # type: ignore[arg-type]
        assert str(other.value) == said
        with pytest.raises(ImageError) as other, generator.open_model("models/plain") as model:
            list(model.measure_all(given))  # type: ignore[arg-type]
        assert str(other.value) == said
    with pytest.raises(ImageError) as missing:
        generator.measure("models/plain", "three.png")
    assert str(missing.value) == (
        "There is no file or folder three.png. Check the path of the images (-i, or images)."
    )
    with pytest.raises(SpecError) as nothing:
        generator.build(images=["photos"])
    assert str(nothing.value) == (
        "No models were given. Name one: -m facebook/dinov2-small, or models = "
        '["facebook/dinov2-small"] in a file or in Python.'
    )
    with pytest.raises(SpecError) as nothing:
        generator.build(models=["models/plain"])
    assert str(nothing.value) == (
        'No images were given. Name files or folders: -i photos, or images = ["photos"] in a file '
        "or in Python."
    )
    folder = shutil.copytree(here / "models/plain", here / "spoilt")
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.cls_token"][:] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(GalleryError, match="The weights of spoilt hold NaN or infinity"):
        generator.measure("spoilt", "photos/one.png")


def test_measure_says_which_model_cannot_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise KeyError("hidden_states")

    monkeypatch.setattr(transformers.Dinov2Model, "forward", breaks)
    with pytest.raises(ModelError) as told:
        generator.measure("models/plain", "photos/one.png")
    assert isinstance(told.value.__cause__, KeyError)
    assert str(told.value) == (
        "plain cannot be measured on one.png: KeyError: 'hidden_states'. Its dinov2 network may "
        f"need more than a picture: run it with transformers {transformers.__version__} alone."
    )


def test_build_and_load_records(here: Path) -> None:
    spec = GallerySpec.model_validate(
        {"models": ["models/plain"], "images": [Path("photos")], "out": "unused"}
    )
    built = generator.build(spec, "built")
    assert built.page == Path("built/index.html") and Path(built).is_file()
    assert not Path("unused").exists()
    of_site = list(generator.load_records("built"))
    of_store = list(generator.load_records(here / "store"))
    assert {record.key for record in of_site} == {record.key for record in of_store}
    assert len(of_site) == 2

    (here / "gallery.toml").write_text('models = ["models/plain"]\nimages = ["photos/one.png"]')
    assert generator.build("gallery.toml").page == Path("site/index.html")
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
