"""Models that stay open: loaded once, measured many times, shown in galleries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import generator
from generator import api
from generator.capture.models import load
from generator.errors import ModelError, SpecError
from generator.pipeline.opened import KeptNetwork
from generator.present.files.manifest_file import read_manifest
from tests.capture.modules import SAID, PlainViT


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the models that are loaded, in order; nothing is kept from other tests."""
    monkeypatch.setattr(api, "_LAST", KeptNetwork())
    found: list[str] = []
    plain = load.load

    def counted(resolved: Any, **options: Any) -> Any:
        found.append(resolved.id)
        return plain(resolved, **options)

    monkeypatch.setattr(load, "load", counted)
    return found


def module(name: str = "ours") -> generator.OpenModel:
    return generator.open_model(PlainViT(), name=name, class_token=True, **SAID)


def test_a_module_whose_weights_are_no_numbers_is_refused_when_it_is_opened() -> None:
    vit = PlainViT()
    vit.prefix.data[:] = torch.nan
    with pytest.raises(ModelError) as raised:
        generator.open_model(vit, name="ours", class_token=True, **SAID)
    assert str(raised.value) == (
        "The weights of ours hold NaN or infinity, in prefix first. In a training, lower the "
        "learning rate or measure an earlier step."
    )


@pytest.mark.usefixtures("here")
def test_measuring_a_second_picture_loads_nothing_again(loads: list[str]) -> None:
    first = generator.measure("models/plain", "photos/one.png")
    generator.measure("models/plain", "photos/two.png", resolution=32)
    assert loads == ["plain"]
    generator.measure("models/vit", "photos/one.png")
    again = generator.measure("models/plain", "photos/one.png", dtype="bfloat16")
    assert loads == ["plain", "vit", "plain"] and first.key != again.key


@pytest.mark.usefixtures("here")
def test_an_open_model_measures_many_pictures_and_hands_failures_out(loads: list[str]) -> None:
    Path("photos/torn.png").write_bytes(b"no picture")
    seen = []

    def pictures() -> Iterator[str | Image.Image]:
        for name in ("one", "torn", "two", "nowhere"):
            seen.append(name)
            yield f"photos/{name}.png"
        with Image.open("photos/one.png") as opened:
            yield opened

    with generator.open_model("models/plain", extras="none") as model:
        assert repr(model) == ("<OpenModel plain: 3 layers x 4 heads, CLS, patches of 16 x 16 px>")
        found = list(model.measure_all(pictures()))
        assert list(model.measure_all([])) == []
    assert loads == ["plain"]
    names = ["one.png", "torn.png", "two.png", "nowhere.png", "one.png"]
    assert [each.image for each in found] == names
    assert [bool(isinstance(each, generator.AttentionRecord)) for each in found] == [
        *(True, False, True, False, True)
    ]
    torn = found[1]
    assert isinstance(torn, generator.NotMeasured) and not torn
    assert "torn.png" in torn.reason and torn.hint
    assert found[0].key == generator.measure("models/plain", "photos/one.png", extras="none").key  # type: ignore[union-attr]


@pytest.mark.usefixtures("here")
def test_progress_of_many_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    model = generator.open_model("models/plain")
    list(model.measure_all(["photos/one.png", "photos/two.png"]))
    assert "plain: 2/2" in capsys.readouterr().err
    (found,) = model.measure_all("photos/one.png", progress=False)  # type: ignore[arg-type]
    assert found.image == "one.png" and capsys.readouterr().err == ""


@pytest.mark.parametrize("model", [3, None, ["models/plain"]])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(SpecError) as refused:
        generator.open_model(model)
    assert str(refused.value) == (
        "A model is a torch module, or a text or path that names one; got "
        f'{type(model).__name__}. Name one, such as "facebook/dinov2-small", or give the module.'
    )


@pytest.mark.parametrize("model", ["models/plain", PlainViT()])
@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            {"extras": "foo"},
            "entry 1 of extras should be features, lens, massive, relevance, values, all or none, "
            'got the text "foo".',
        ),
        (
            {"resolution": "big"},
            'resolution should be a whole number of pixels from 8 to 8192, got the text "big".',
        ),
        ({"target": -1}, "target should be a class's number, from 0, got the number -1."),
    ],
)
def test_values_of_options_are_refused_when_it_is_opened(
    model: Any, option: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError) as refused:
        generator.open_model(model, **option)
    assert str(refused.value) == said


@pytest.mark.usefixtures("here")
def test_weights_in_memory_that_are_no_numbers_get_a_next_step_of_their_own() -> None:
    broken = PlainViT()
    model = generator.open_model(broken, class_token=True, **SAID)
    broken.prefix.data[:] = torch.nan
    with pytest.raises(ModelError) as refused:
        model.measure("photos/one.png")
    assert str(refused.value) == (
        "The weights of PlainViT hold NaN or infinity, in prefix first. In a training, lower the "
        "learning rate or measure an earlier step."
    )


def test_a_store_may_be_within_the_folder_of_a_site() -> None:
    generator.open_model(PlainViT(), class_token=True, store="site/records", **SAID)


@pytest.mark.usefixtures("here")
def test_options_of_modules_are_refused_for_named_models() -> None:
    with pytest.raises(SpecError) as refused:
        generator.open_model("models/plain", patch_size=8)
    assert str(refused.value) == (
        "patch_size is for modules in memory; models/plain tells it. Leave it out."
    )


@pytest.mark.usefixtures("here")
def test_a_gallery_of_named_and_open_models(loads: list[str]) -> None:
    model, named = module(), generator.open_model("models/plain")
    named.measure("photos/one.png")
    with Image.open("photos/two.png") as opened:
        built = generator.build(
            models=[model, named, "models/vit"],
            images=["photos/one.png", opened],
            out="site",
            title="Ours and theirs",
        )
    assert (built.models, built.images, built.measured) == (3, 2, 6)
    assert loads.count("plain") == 1 and not built.failures
    manifest = read_manifest(Path("site"))
    assert manifest is not None and manifest.title == "Ours and theirs"
    assert [m.facts.source for m in manifest.models if m.facts] == ["memory", "folder", "folder"]
    assert [image.name for image in manifest.images] == ["one.png", "two.png"]
    methods = Path("site/methods/index.html").read_text(encoding="utf-8")
    assert "was in memory" in methods
    again = generator.build(models=model, images="photos/one.png", out="site")  # type: ignore[arg-type]
    assert (again.measured, again.reused) == (0, 1)


@pytest.mark.usefixtures("here")
def test_a_training_in_memory_becomes_a_sweep() -> None:
    network = PlainViT()
    model = generator.open_model(network, name="run", class_token=True, store="store", **SAID)
    then = {}
    for step in (10, 20):
        with torch.no_grad():
            network.position += 0.5
        then[step] = model.as_it_is()
        list(model.measure_all(["photos/one.png"], progress=False))
    with torch.no_grad():
        network.position += 0.5
    built = generator.build(
        sweeps={"our run": {**then, 30: model}}, images=["photos/one.png"], store="store"
    )
    assert (built.models, built.measured, built.reused) == (3, 1, 2)
    manifest = read_manifest(built.site)
    assert manifest is not None
    (sweep,) = manifest.sweeps
    assert [step.step for step in sweep.steps] == [10, 20, 30]
    norms = [r.norms[0].mean() for r in generator.load_records("site", store="store")]
    assert len({round(float(norm), 4) for norm in norms}) == 3
    with pytest.raises(ModelError, match="are no longer in memory"):
        generator.build(models=[then[10]], images=["photos/two.png"], strict=True)


@pytest.mark.usefixtures("here")
def test_a_model_in_memory_is_local_to_an_anonymous_gallery() -> None:
    generator.build(models=[module("ada-vit")], images=["photos/one.png"], anonymous=True)
    for page in Path("site").rglob("*.html"):
        assert "ada-vit" not in page.read_text(encoding="utf-8")


def test_what_is_measured_of_a_module_does_not_depend_on_the_order(here: Path) -> None:
    one, two = here / "photos/one.png", here / "photos/two.png"
    model = module()
    alone = model.measure(two)
    _, second = model.measure_all([one, two], progress=False)
    assert isinstance(second, generator.AttentionRecord)
    np.testing.assert_allclose(second.entropy, alone.entropy, atol=1e-5)
