"""Class heads, relevance and the logit lens against plain computations on transformers' own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from generator.capture.checkpoint.preprocess import describe, locate, pixels
from generator.capture.extract import Broken, Prepared, extract
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import LoadedModel, load
from generator.capture.models.transformers_network import model_inputs
from generator.errors import ModelError
from generator.records.extras import Extra, Measuring
from generator.records.record import AttentionRecord
from tests.capture.families import SIZES, Family
from tests.capture.test_families import picture

CPU = torch.device("cpu")
CLS = ("CLS",)
LABELS = {0: "tench", 1: "fox", 2: "<b>owl</b>", 3: "x" * 300, 4: "snow\u202eleopard", 5: ""}
HEADS = [
    Family("vit", "ViTConfig", "ViTForImageClassification", CLS),
    Family("deit", "DeiTConfig", "DeiTForImageClassification", ("CLS", "DIST")),
    Family("deit-teacher", "DeiTConfig", "DeiTForImageClassificationWithTeacher", ("CLS", "DIST")),
    Family("dinov2", "Dinov2Config", "Dinov2ForImageClassification", CLS),
    Family(
        "dinov2-registers",
        "Dinov2WithRegistersConfig",
        "Dinov2WithRegistersForImageClassification",
        ("CLS", "reg1", "reg2", "reg3", "reg4"),
    ),
    Family("beit", "BeitConfig", "BeitForImageClassification", CLS, {"use_mean_pooling": True}),
    Family(
        "beit-cls",
        "BeitConfig",
        "BeitForImageClassification",
        CLS,
        {"use_mean_pooling": False, "use_relative_position_bias": True},
    ),
    Family("data2vec", "Data2VecVisionConfig", "Data2VecVisionForImageClassification", CLS),
    Family("msn", "ViTMSNConfig", "ViTMSNForImageClassification", CLS),
    Family("siglip", "SiglipConfig", "SiglipForImageClassification", (), text=True),
    Family(
        "siglip2",
        "Siglip2Config",
        "Siglip2ForImageClassification",
        (),
        {"num_patches": 16},
        processor="Siglip2ImageProcessor",
        text=True,
    ),
    Family("clip", "CLIPConfig", "CLIPForImageClassification", CLS, text=True),
    Family("metaclip2", "MetaClip2Config", "MetaClip2ForImageClassification", CLS, text=True),
    Family("ijepa", "IJepaConfig", "IJepaForImageClassification", ()),
]
AVERAGED = {"siglip", "siglip2", "clip", "metaclip2", "ijepa"}
"""Their heads read the mean of the patches as they leave the backbone."""

PATCHES_ONLY = {"beit", "data2vec", *AVERAGED}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("heads")
    return {family.name: save(family, root / family.name) for family in HEADS}


def save(family: Family, folder: Path) -> Path:
    names = {"id2label": LABELS, "label2id": {v: k for k, v in LABELS.items()}}
    options = {**SIZES, **family.options}
    given = {"whole": names} if family.text else {"options": {**options, **names}}
    return replace(family, **given).save(folder)


def loaded(folder: Path) -> LoadedModel:
    return load(resolve_folder(folder), device=CPU, dtype=torch.float32)


def prepared(model: LoadedModel, *extras: Extra, target: int | None = None) -> Prepared:
    resolved, image = model.resolved, picture()
    preprocessing = describe(
        resolved.processor,
        resolved.vision,
        field_of_view="square",
        resolution=None,
        model=resolved.id,
    )
    geometry = locate(
        *image.size,
        processor=resolved.processor,
        vision=resolved.vision,
        preprocessing=preprocessing,
        model=resolved.id,
    )
    return Prepared(
        key="k" * 64,
        name="noise.png",
        image_sha256="0" * 64,
        pixels=pixels(image, geometry, preprocessing),
        geometry=geometry,
        preprocessing=preprocessing,
        patch_queries="off",
        measuring=Measuring(extras=extras, target=target),
    )


def inputs(model: LoadedModel, item: Prepared) -> dict[str, Any]:
    """A batch of one as the network takes it."""
    layout = model.layout(*item.pixels.shape[1:])
    values = torch.from_numpy(item.pixels)[None]
    return model_inputs(model.resolved.vision, values, layout)


def record_of(model: LoadedModel, item: Prepared) -> AttentionRecord:
    (record,) = extract(model, [item])
    assert isinstance(record, AttentionRecord)
    return record


def own(family: Family, folder: Path) -> Any:
    """The checkpoint as transformers loads it, with the attention that it makes itself."""
    make = getattr(transformers, family.model)
    return make.from_pretrained(folder, attn_implementation="eager").eval()


@pytest.mark.parametrize("family", HEADS, ids=lambda family: family.name)
def test_prediction_is_the_models_own(family: Family, folders: dict[str, Path]) -> None:
    model = loaded(folders[family.name])
    item = prepared(model)
    record = record_of(model, item)
    with torch.no_grad():
        logits = own(family, folders[family.name])(**inputs(model, item)).logits[0]
    expected = torch.softmax(logits.double(), -1).numpy()
    order = np.argsort(-expected)[:5]
    said = record.prediction
    assert said is not None and expected.max() > 0.25, "one that says something"
    assert said.classes == tuple(order)
    np.testing.assert_allclose(said.probabilities, expected[order], atol=2e-6)
    assert said.target == order[0]
    assert record.relevance is None and record.lens is None
    stem = family.config.removesuffix("Config")
    assert record.model.architecture in {"BeitModel", f"{stem}Model", f"{stem}VisionModel"}
    assert record.model.headless == ""


def test_classes_that_do_not_exclude_each_other_have_probabilities_of_their_own(
    tmp_path: Path,
) -> None:
    family = Family(
        "several",
        "ViTConfig",
        "ViTForImageClassification",
        CLS,
        {"problem_type": "multi_label_classification"},
    )
    model = loaded(save(family, tmp_path / "several"))
    item = prepared(model, "lens")
    record = record_of(model, item)
    with torch.no_grad():
        logits = own(family, tmp_path / "several")(torch.from_numpy(item.pixels)[None]).logits[0]
    expected = torch.sigmoid(logits.double()).numpy()
    order = np.argsort(-expected)[:5]
    said = record.prediction
    assert said is not None and not said.exclusive
    assert said.classes == tuple(order)
    np.testing.assert_allclose(said.probabilities, expected[order], atol=2e-6)
    assert abs(sum(said.probabilities) - 1) > 0.1
    assert record.lens is not None
    assert record.lens.probability[-1, 0] == pytest.approx(expected[order[0]], abs=6e-4)


def test_labels_are_those_of_the_checkpoint_cut_to_a_line(folders: dict[str, Path]) -> None:
    head = loaded(folders["vit"]).head
    assert head is not None and head.classes == 6
    assert [head.label(index) for index in range(7)] == [
        "tench",
        "fox",
        "<b>owl</b>",
        "x" * 79 + "…",
        "snowleopard",
        "class 5",
        "class 6",
    ]


def relevance_by_hand(
    network: Any, values: dict[str, Any], target: int, start: Tensor
) -> np.ndarray:
    """Chefer's rule with whole matrices, on the attention that transformers returns."""
    output = network(**values, output_attentions=True)
    for attention in output.attentions:
        attention.retain_grad()
    output.logits[0, target].backward()
    tokens = output.attentions[0].shape[-1]
    whole = torch.eye(tokens, dtype=torch.float64)
    for attention in output.attentions:
        flow = (attention.grad[0].double() * attention[0].detach().double()).clamp(min=0).mean(0)
        whole = whole + flow @ whole
    return (start @ whole).numpy()


@pytest.mark.value_of("relevance")
@pytest.mark.parametrize("family", HEADS, ids=lambda family: family.name)
@pytest.mark.parametrize("target", [None, 4])
def test_relevance_follows_its_rule(
    family: Family, target: int | None, folders: dict[str, Path]
) -> None:
    model = loaded(folders[family.name])
    item = prepared(model, "relevance", target=target)
    record = record_of(model, item)
    assert record.prediction is not None and record.relevance is not None
    start = torch.zeros(record.layout.tokens, dtype=torch.float64)
    if family.name in PATCHES_ONLY:
        start[record.layout.patch_slice] = 1 / record.layout.patches
    else:
        start[0] = 1.0
    values = inputs(model, item)
    network = own(family, folders[family.name])
    expected = relevance_by_hand(network, values, record.prediction.target, start)
    moved = np.abs(expected - start.numpy())
    assert moved.max() > 1e-4, "something flows"
    np.testing.assert_allclose(record.relevance.keys, expected, rtol=1e-3, atol=1e-3 * moved.max())
    if target is not None:
        assert (record.prediction.target, record.prediction.target_label) == (4, "snowleopard")


def test_relevance_is_measured_after_a_pass_in_inference_mode(folders: dict[str, Path]) -> None:
    model = loaded(folders["beit-cls"])
    item = prepared(model, "relevance")
    with torch.inference_mode():
        values = torch.from_numpy(item.pixels)[None]
        model.forward(values, model.resolved.vision.layout(*values.shape[-2:]))
    assert record_of(model, item).relevance is not None


def test_relevance_of_an_attention_that_makes_its_own_matrix(folders: dict[str, Path]) -> None:
    fast = loaded(folders["vit"])
    eager = load(resolve_folder(folders["vit"]), device=CPU, dtype=torch.float32, attention="eager")
    item = prepared(fast, "relevance")
    a, b = record_of(fast, item).relevance, record_of(eager, item).relevance
    assert a is not None and b is not None
    np.testing.assert_allclose(a.keys, b.keys, rtol=1e-4, atol=1e-5)


@pytest.mark.value_of("lens-probability", "lens-rank")
@pytest.mark.parametrize("family", HEADS, ids=lambda family: family.name)
def test_lens_at_the_last_layer_is_what_the_model_says(
    family: Family, folders: dict[str, Path]
) -> None:
    """And at every other, what the head says of the hidden states by hand."""
    model = loaded(folders[family.name])
    item = prepared(model, "lens", target=2)
    record = record_of(model, item)
    assert record.lens is not None and record.prediction is not None and model.head is not None
    assert record.lens.probability.shape == record.lens.rank.shape == record.norms.shape
    network = own(family, folders[family.name])
    with torch.no_grad():
        output = network(**inputs(model, item), output_hidden_states=True)
    logits = output.logits[0].double()
    said = dict(zip(record.prediction.classes, record.prediction.probabilities, strict=True))
    if family.name in AVERAGED:
        # Each patch alone; a mean of logits is the logits of a mean.
        kept: list[Tensor] = []
        hook = model.blocks[-1].register_forward_hook(lambda _m, _i, out: kept.append(out))
        with torch.no_grad():
            model.forward(torch.from_numpy(item.pixels)[None], record.layout)
        hook.remove()
        last = kept[0][0] if isinstance(kept[0], tuple) else kept[0]
        every = model.head.lens(last.reshape(record.layout.tokens, -1), record.layout)
        mean = every[record.layout.patch_slice].mean(0)
        torch.testing.assert_close(mean.double(), logits, rtol=1e-4, atol=1e-4)
        chance = torch.softmax(every, -1)[:, 2].detach()
        np.testing.assert_allclose(record.lens.probability[-1], chance, rtol=1e-3, atol=1e-4)
        return
    at = record.layout.token("CLS")
    if family.name in {"vit", "deit", "msn", "beit-cls", "dinov2", "dinov2-registers"}:
        assert record.lens.probability[-1, at] == pytest.approx(
            float(torch.softmax(logits, -1)[2]), abs=1e-3
        )
        assert record.lens.rank[-1, at] == 1 + int((logits > logits[2]).sum())
        if 2 in said:
            assert record.lens.probability[-1, at] == pytest.approx(said[2], abs=1e-3)
    if family.name in {"vit", "msn"}:
        norm, classify = network.base_model.layernorm, network.classifier
        for layer in range(3):  # the last hidden state may be normalized
            every = torch.softmax(classify(norm(output.hidden_states[layer][0])), -1)
            np.testing.assert_allclose(
                record.lens.probability[layer], every[:, 2].detach(), rtol=1e-3, atol=1e-4
            )
            ranks = 1 + (every > every[:, 2:3]).sum(-1)
            np.testing.assert_array_equal(record.lens.rank[layer], ranks)


@pytest.mark.parametrize("name", ["dinov2", "dinov2-registers"])
def test_lens_of_the_patches_averages_to_the_models_logits(
    name: str, folders: dict[str, Path]
) -> None:
    """A patch stands where the mean patch stands, so the mean over patches is the model's own."""
    family = next(family for family in HEADS if family.name == name)
    model = loaded(folders[name])
    item = prepared(model)
    values = torch.from_numpy(item.pixels)[None]
    layout = model.resolved.vision.layout(*values.shape[-2:])
    kept: list[Tensor] = []
    hook = model.blocks[-1].register_forward_hook(lambda _m, _i, output: kept.append(output))
    with torch.no_grad():
        model.forward(values, layout)
        hook.remove()
        assert model.head is not None
        every = model.head.lens(kept[0][0], layout)
        logits = own(family, folders[name])(values).logits[0]
    torch.testing.assert_close(every[layout.patch_slice].mean(0), logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(every[layout.token("CLS")], logits, rtol=1e-4, atol=1e-4)
    assert float(every[layout.patch_slice].std(0).max()) > 0.1, "patches differ"


def test_a_backbone_says_nothing(tmp_path: Path) -> None:
    folder = Family("backbone", "ViTConfig", "ViTModel", CLS).save(tmp_path / "backbone")
    model = loaded(folder)
    record = record_of(model, prepared(model, "lens", "relevance"))
    assert record.prediction is None and record.relevance is None and record.lens is None
    assert record.model.headless == "it has no class head"


def test_a_head_that_is_not_known_is_named(tmp_path: Path) -> None:
    folder = Family("backbone", "ViTConfig", "ViTModel", CLS).save(tmp_path / "unknown")
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["FancyForImageClassification"]
    (folder / "config.json").write_text(json.dumps(config))
    record = record_of(loaded(folder), prepared(loaded(folder), "relevance"))
    assert record.prediction is None and record.relevance is None
    assert record.model.headless == (
        "its class head is not supported (FancyForImageClassification)"
    )


def test_a_head_that_is_not_whole_is_left_out(
    tmp_path: Path, folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = save(HEADS[0], tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model = loaded(folder)
    assert model.head is None
    assert model.facts.headless == (
        "its class head is incomplete in the checkpoint (ViTForImageClassification)"
    )
    assert caplog.messages == ["half has a class head that is not whole; it is left out."]
    item = prepared(model)
    whole = record_of(loaded(folders["vit"]), item)
    np.testing.assert_array_equal(record_of(model, item).attention, whole.attention)


def test_a_head_of_another_size_is_left_out(tmp_path: Path) -> None:
    folder = save(HEADS[0], tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"], config["label2id"] = {"0": "a", "1": "b"}, {"a": 0, "b": 1}
    (folder / "config.json").write_text(json.dumps(config))
    assert loaded(folder).head is None


def test_a_class_that_is_not_there(folders: dict[str, Path]) -> None:
    model = loaded(folders["vit"])
    (result,) = extract(model, [prepared(model, "lens", target=6)])
    assert isinstance(result, Broken)
    assert str(result.error) == (
        "vit has no class 6; its classes are 0 to 5. "
        "Correct the target, or leave it out for each model's own first guess."
    )


def test_relevance_that_needs_too_much_memory_is_refused(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.capture.relevance.MOST_BYTES", 30_000)
    model = loaded(folders["vit"])
    (result,) = extract(model, [prepared(model, "relevance")])
    assert isinstance(result, Broken) and isinstance(result.error, ModelError)
    assert str(result.error) == (
        "The relevance of vit on noise.png needs the attention of all 3 layers at once, "
        "17 x 17 tokens each: about 32 kB, above the bound of 30 kB. "
        "Lower --resolution, or leave relevance out of the extras."
    )
