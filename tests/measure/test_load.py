"""Loading checkpoints, and the limits of what can be captured from the networks in them."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from generator.errors import CaptureError, ModelError, UnsupportedModelError
from generator.extras import Measuring
from generator.measure.device import choose_device, torch_dtype
from generator.measure.extract import Broken, Prepared, batches, extract
from generator.measure.layouts import REFUSED
from generator.measure.load import LoadedModel, load
from generator.measure.preprocess import describe, locate, pixels
from generator.measure.resolve import resolve_folder
from generator.records import AttentionRecord
from tests.measure.families import CLS, FAMILIES, Family

CPU = torch.device("cpu")
PLAIN = "Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, ...)."


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of checkpoints by family name, each made once."""
    root = tmp_path_factory.mktemp("load")
    families = {family.name: family for family in FAMILIES}

    def folder(name: str) -> Path:
        path = root / name.replace(" ", "-")
        return path if path.exists() else families[name].save(path)

    return folder


def ready(folder: Path, dtype: torch.dtype = torch.float32, attention: str = "sdpa") -> LoadedModel:
    return load(resolve_folder(folder), device=CPU, dtype=dtype, attention=attention)


def prepared(model: LoadedModel, seed: int = 0, *, whole: bool = True) -> Prepared:
    """A picture of noise at 96 px, wider than tall unless the model wants squares."""
    resolved = model.resolved
    preprocessing = describe(
        resolved.processor,
        resolved.vision,
        field_of_view="whole" if whole else "square",
        resolution=96 if whole else None,
        model=resolved.id,
    )
    values = np.random.default_rng(seed).integers(0, 256, (100, 150, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    geometry = locate(
        *image.size,
        processor=resolved.processor,
        vision=resolved.vision,
        preprocessing=preprocessing,
        model=resolved.id,
    )
    return Prepared(
        key=f"{seed:064d}",
        name=f"noise-{seed}.png",
        image_sha256=f"{seed:064d}",
        pixels=pixels(image, geometry, preprocessing),
        geometry=geometry,
        preprocessing=preprocessing,
        patch_queries="heads",
        measuring=Measuring(),
    )


def measured(model: LoadedModel, *items: Prepared) -> list[AttentionRecord]:
    found = list(extract(model, items))
    assert all(isinstance(record, AttentionRecord) for record in found)
    return [record for record in found if isinstance(record, AttentionRecord)]


# --- weights -------------------------------------------------------------------------------------


def edited(folder: Path, change: Callable[[dict[str, Tensor]], None]) -> Path:
    """Change the weights of a folder in place."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def folder(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a good checkpoint, to be spoilt."""
    return shutil.copytree(saved("dinov2"), tmp_path / "spoilt")


def refusal(folder: Path, kind: type[ModelError] = ModelError) -> str:
    with pytest.raises(kind) as caught:
        ready(folder)
    return str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_named(folder: Path, value: float) -> None:
    def spoil(weights: dict[str, Tensor]) -> None:
        weights["encoder.layer.1.mlp.fc1.weight"][3, 4] = value

    assert refusal(edited(folder, spoil)) == (
        "The weights of spoilt hold NaN or infinity, in encoder.layer.1.mlp.fc1.weight first. "
        "Use another revision of the checkpoint, or float32 if it was converted."
    )


def test_missing_weights_are_not_replaced_by_random_ones(folder: Path) -> None:
    def spoil(weights: dict[str, Tensor]) -> None:
        for name in [name for name in weights if "layer.2.mlp" in name]:
            del weights[name]

    assert refusal(edited(folder, spoil)) == (
        "The weights of spoilt lack 4 tensors of Dinov2Model, encoder.layer.2.mlp.fc1.bias first; "
        "random values would stand in for them. Check that the checkpoint belongs to its "
        "config.json."
    )


def test_checkpoint_of_another_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    line = refusal(folder)
    assert line.startswith("The weights of spoilt lack ") and "Dinov2Model" in line
    assert line.endswith("Check that the checkpoint belongs to its config.json.")


def test_weights_cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    line = refusal(folder)
    assert line.startswith("The weights of spoilt cannot be loaded: Error while deserializing ")
    assert line.endswith(
        f"Check the checkpoint with transformers {transformers.__version__} alone."
    )
    assert "\n" not in line


def test_pooling_head_without_weights_is_refused_because_it_is_measured(
    saved: Callable[[str], Path], tmp_path: Path
) -> None:
    def spoil(weights: dict[str, Tensor]) -> None:
        for name in [name for name in weights if "head.probe" in name]:
            del weights[name]

    folder = shutil.copytree(saved("siglip vision"), tmp_path / "headless")
    assert "lack 1 tensors of SiglipVisionModel" in refusal(edited(folder, spoil))


def test_pooler_without_weights_is_harmless(saved: Callable[[str], Path]) -> None:
    """Checkpoints with a class head have no pooler, and no attention depends on it."""
    model = ready(saved("vit with a class head"))
    assert measured(model, prepared(model))


def test_weights_that_do_not_fit_the_device(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")

    monkeypatch.setattr(transformers.Dinov2Model, "to", full)
    assert refusal(folder) == (
        "The weights of spoilt do not fit the memory of cpu. Use --dtype bfloat16 or --device cpu."
    )


def test_architecture_without_a_class_of_its_own(tmp_path: Path) -> None:
    family = Family(
        "pose", "VitPoseBackboneConfig", "VitPoseBackbone", (), {"image_size": [64, 64]}
    )
    folder = family.save(tmp_path / "pose")
    assert refusal(folder, UnsupportedModelError) == (
        f"pose is a vitpose_backbone model, and transformers {transformers.__version__} has no "
        f"class that runs its vision transformer alone. {PLAIN}"
    )


# --- architectures that nobody listed ------------------------------------------------------------

EXTRAS = tuple(f"extra{n + 1}" for n in range(8))
UNLISTED = [
    Family(
        "internvl",
        "InternVLVisionConfig",
        "InternVLVisionModel",
        CLS,
        {"image_size": [64, 64], "patch_size": [16, 16]},
    ),
    Family("sapiens2", "Sapiens2Config", "Sapiens2Model", CLS + EXTRAS),
    Family("tips", "Tipsv2VisionConfig", "Tipsv2VisionModel", CLS + EXTRAS[:1]),
    Family("idefics3", "Idefics3VisionConfig", "Idefics3VisionTransformer", ()),
    Family("owlvit", "OwlViTVisionConfig", "OwlViTVisionModel", CLS),
]
NO_SDPA = [
    Family("flava", "FlavaImageConfig", "FlavaImageModel", CLS),
    Family("blip", "BlipVisionConfig", "BlipVisionModel", CLS),
]


@pytest.mark.parametrize("family", [*UNLISTED, *NO_SDPA], ids=lambda family: family.name)
def test_plain_architecture_that_is_not_listed_works(family: Family, tmp_path: Path) -> None:
    folder = family.save(tmp_path / family.name)
    model = ready(folder)
    assert not model.resolved.vision.listed
    item = prepared(model)
    (record,) = measured(model, item)
    assert record.layout.prefix == family.prefix
    assert (record.layout.rows, record.layout.cols) == (6, 9)
    assert record.environment.attention == ("eager" if family in NO_SDPA else "sdpa")

    eager = ready(folder, attention="eager")
    own = torch.stack(eager.attentions(torch.from_numpy(item.pixels)[None], record.layout))[:, 0]
    first, tokens = len(family.prefix), record.layout.tokens
    assert own.shape == (3, 4, tokens, tokens)
    assert record.patch_attention is not None
    close = {"rtol": 6e-4, "atol": 1e-5}
    rows = np.moveaxis(record.attention, 0, 2).astype(float) / tokens
    np.testing.assert_allclose(rows, own[:, :, :first], **close)
    patches = record.patch_attention.astype(float) / tokens
    np.testing.assert_allclose(patches, own[:, :, first:], **close)


def test_tokens_behind_the_patches_are_refused(tmp_path: Path) -> None:
    """YOLOS: its detection tokens would otherwise pass for a prefix, and shift every map."""
    options = {"image_size": [64, 64], "num_detection_tokens": 5}
    folder = Family("yolos", "YolosConfig", "YolosModel", (), options).save(tmp_path / "yolos")
    model = ready(folder)
    with pytest.raises(CaptureError) as caught:
        measured(model, prepared(model))
    assert str(caught.value) == (
        "yolos puts 5 tokens behind its patches, where only tokens in front of them can be shown. "
        + PLAIN
    )


def test_windows_under_an_unlisted_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(REFUSED, "sam_vision_model")
    folder = Family("sam", "SamVisionConfig", "SamVisionModel", ()).save(tmp_path / "sam")
    model = ready(folder)
    with pytest.raises(CaptureError) as caught:
        measured(model, prepared(model, whole=False))
    assert str(caught.value) == (
        "Layer 1 of sam attends over 196 x 196 tokens where the token layout has 16. "
        "Windowed or pooled attention has no map over the whole picture."
    )


# --- what a block may do -------------------------------------------------------------------------


class Block(nn.Module):
    """Attention of four heads without projections: ``softmax(x x / sqrt(8))``.

    Args:
        kind: how it is computed.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.given = nn.Parameter(torch.zeros(1))
        self.multi = nn.MultiheadAttention(32, 4, batch_first=True) if kind == "multi" else None

    def forward(self, hidden_states: Tensor) -> Tensor:
        x = hidden_states
        split = x.unflatten(-1, (4, 8)).transpose(1, 2)
        sdpa = functional.scaled_dot_product_attention
        if self.kind == "softmax":
            weights = torch.softmax(split @ split.transpose(-1, -2) / 8**0.5, dim=-1)
            out = weights @ split
        elif self.kind == "method":
            out = (split @ split.transpose(-1, -2) / 8**0.5).softmax(-1) @ split
        elif self.kind == "multi":
            assert self.multi is not None
            return x + self.multi(x, x, x)[0]
        elif self.kind == "twice":
            out = sdpa(sdpa(split, split, split), split, split)
        elif self.kind == "causal":
            out = sdpa(split, split, split, is_causal=True)
        elif self.kind == "window":
            halves = split.unflatten(2, (2, -1)).transpose(1, 2).flatten(0, 1)
            out = sdpa(halves, halves, halves)
            out = out.unflatten(0, (-1, 2)).transpose(1, 2).flatten(2, 3)
        elif self.kind == "pooled":
            out = sdpa(split, split[:, :, ::2], split[:, :, ::2])
        elif self.kind == "none":
            out = split.mean(2, keepdim=True).expand_as(split)
        else:
            out = sdpa(split, split, split)
        return x + out.transpose(1, 2).flatten(2)


class Network(nn.Module):
    """Patches of 16 px, embedded by a fixed random projection; no prefix."""

    def __init__(self, *kinds: str) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(kind) for kind in kinds)
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("embed", torch.randn(32, 3, 16, 16, generator=generator) / 28)

    def embedding(self, pixel_values: Tensor) -> Tensor:
        return functional.conv2d(pixel_values, self.embed, stride=16).flatten(2).transpose(1, 2)

    def forward(self, pixel_values: Tensor, **options: Any) -> SimpleNamespace:
        x = self.embedding(pixel_values)
        for block in self.blocks:
            x = block(x)
        return SimpleNamespace(last_hidden_state=x)


@pytest.fixture
def home_made(saved: Callable[[str], Path]) -> Callable[..., LoadedModel]:
    """A loaded model whose network is made of blocks of these kinds."""
    model = ready(saved("ijepa"))

    def make(*kinds: str) -> LoadedModel:
        network = Network(*kinds)
        facts = replace(model.facts, id="home-made")
        return replace(model, facts=facts, network=network, blocks=tuple(network.blocks))

    return make


@pytest.mark.parametrize("kind", ["softmax", "method"])
def test_model_that_makes_its_own_softmax_is_read(
    home_made: Callable[..., LoadedModel], kind: str
) -> None:
    model, reference = home_made(kind, "sdpa", kind), home_made("sdpa", "sdpa", "sdpa")
    item = prepared(model)
    (record,), (expected,) = measured(model, item), measured(reference, item)
    assert (record.environment.attention, expected.environment.attention) == ("eager", "sdpa")
    assert record.patch_attention is not None and expected.patch_attention is not None
    np.testing.assert_allclose(
        record.patch_attention.astype(float), expected.patch_attention.astype(float), rtol=1e-3
    )
    np.testing.assert_allclose(record.entropy, expected.entropy, rtol=1e-5)
    # And both are what the formula of a block says.
    x = model.network.embedding(torch.from_numpy(item.pixels)[None])
    split = x.unflatten(-1, (4, 8)).transpose(1, 2)[0]
    weights = torch.softmax(split @ split.transpose(-1, -2) / 8**0.5, -1) * record.layout.tokens
    np.testing.assert_allclose(record.patch_attention[0].astype(float), weights, rtol=1e-3)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "twice",
            "Layer 2 of home-made ran attention more than once; one call for each block was "
            "expected. Report the architecture: it is not a plain vision transformer.",
        ),
        (
            "causal",
            "home-made uses causal attention; patches must see each other. "
            "Use a bidirectional vision transformer.",
        ),
        (
            "window",
            "Layer 2 of home-made attends over 27 x 27 tokens where the token layout has 54. "
            "Windowed or pooled attention has no map over the whole picture.",
        ),
        (
            "pooled",
            "Layer 2 of home-made attends over 54 x 27 tokens where the token layout has 54. "
            "Windowed or pooled attention has no map over the whole picture.",
        ),
        (
            "none",
            "Layer 2 of home-made ran no attention that can be read: neither "
            "scaled_dot_product_attention nor a square softmax was called. "
            "Report the architecture with the versions of torch and transformers.",
        ),
        (
            "multi",
            "home-made uses nn.MultiheadAttention inside its blocks. Report the architecture: "
            "only scaled dot-product and eager attention are read.",
        ),
    ],
)
def test_attention_that_cannot_be_shown_is_refused(
    home_made: Callable[..., LoadedModel], kind: str, expected: str
) -> None:
    model = home_made("sdpa", kind, "sdpa")
    with pytest.raises(CaptureError) as caught:
        measured(model, prepared(model))
    assert str(caught.value) == expected
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.network.modules())


def test_more_blocks_than_the_config_promises(saved: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(saved("vit"), tmp_path / "vit")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 2}))
    model = ready(folder)  # the weights of a third block are simply more than is needed
    assert len(model.blocks) == 2
    (record,) = measured(model, prepared(model))
    assert record.received.shape[0] == 2


def test_network_without_options_is_simply_run(home_made: Callable[..., LoadedModel]) -> None:
    """At a size that is not its own it is not told to interpolate, which it could not be."""

    class Strict(Network):
        def forward(self, pixel_values: Tensor) -> SimpleNamespace:  # type: ignore[override]
            return super().forward(pixel_values)

    model = home_made("sdpa", "sdpa", "sdpa")
    strict = Strict("sdpa", "sdpa", "sdpa")
    other = replace(model, network=strict, blocks=tuple(strict.blocks))
    item = prepared(model)
    same(measured(other, item)[0], measured(model, item)[0])


def test_activations_that_overflow_leave_the_other_pictures(
    home_made: Callable[..., LoadedModel],
) -> None:
    model = home_made("sdpa", "sdpa", "sdpa")
    good, bad = prepared(model, 0), prepared(model, 1)
    bad.pixels[:] = np.nan
    record, broken = extract(model, [good, bad])
    assert isinstance(record, AttentionRecord) and isinstance(broken, Broken)
    assert str(broken.error) == (
        "home-made gives NaN or infinity on noise-1.png, in the embedding first. "
        "Use --dtype float32, or check the model."
    )


# --- batches, memory and precision ---------------------------------------------------------------


def same(one: AttentionRecord, other: AttentionRecord, rtol: float = 1e-3) -> None:
    """Equal up to half precision's last digit."""
    assert (one.key, one.layout, one.view) == (other.key, other.layout, other.view)
    for name in ("attention", "received", "entropy", "distance", "mass", "norms", "rollout"):
        np.testing.assert_allclose(
            getattr(one, name).astype(float),
            getattr(other, name).astype(float),
            rtol=rtol,
            atol=1e-5,
            err_msg=name,
        )


@pytest.mark.parametrize("name", ["dinov2 with registers", "siglip 2", "mae", "beit"])
def test_batch_of_three_equals_three_batches_of_one(
    saved: Callable[[str], Path], name: str
) -> None:
    model = ready(saved(name))
    items = [prepared(model, seed) for seed in range(3)]
    together = measured(model, *items)
    for item, record in zip(items, together, strict=True):
        same(record, measured(model, item)[0])
    assert not np.allclose(together[0].attention, together[1].attention) or name == "siglip 2"


class Small:
    """A context in which a network has room for so many pictures only."""

    def __init__(self, network: nn.Module, room: int) -> None:
        self.room = room
        self.ran: list[int] = []
        self._hook = network.register_forward_pre_hook(self._check, with_kwargs=True)

    def _check(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        pictures = len(kwargs["pixel_values"])
        if pictures > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")
        self.ran.append(pictures)

    def __enter__(self) -> Small:
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()


def test_out_of_memory_halves_the_batch_and_goes_on(
    saved: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    model = ready(saved("dinov2"))
    items = [prepared(model, seed) for seed in range(5)]
    whole = measured(model, *items)
    with Small(model.network, 2) as memory, caplog.at_level(logging.WARNING):
        split = measured(model, *items)
    assert memory.ran == [2, 1, 2]
    for one, other in zip(split, whole, strict=True):
        same(one, other)
    assert caplog.messages == [
        "Out of memory with a batch of 5; going on with 2.",
        "Out of memory with a batch of 3; going on with 1.",
    ]


def test_out_of_memory_on_one_picture(saved: Callable[[str], Path]) -> None:
    model = ready(saved("dinov2"))
    item = prepared(model, 4)
    with Small(model.network, 0):
        (broken,) = extract(model, [item])
    assert isinstance(broken, Broken) and broken.key == item.key
    assert str(broken.error) == (
        "dinov2 runs out of memory on noise-4.png alone, at 144 x 96 px. "
        "Lower --resolution, or use --patch-queries off or --dtype bfloat16."
    )


def test_other_runtime_errors_are_not_taken_for_lack_of_memory(
    saved: Callable[[str], Path],
) -> None:
    model = ready(saved("dinov2"))
    item = prepared(model)
    with pytest.raises((RuntimeError, ValueError), match="channel"):
        measured(model, replace(item, pixels=item.pixels[:2]))


@pytest.mark.parametrize("size", [1, 2, None])
def test_batches_hold_what_can_run_together(saved: Callable[[str], Path], size: int | None) -> None:
    model = ready(saved("dinov2"))
    wide = [prepared(model, seed) for seed in range(3)]
    tall = [replace(item, pixels=item.pixels.transpose(0, 2, 1)) for item in wide[:2]]
    rows = [replace(item, patch_queries="off") for item in wide[:1]]
    found = [len(batch) for batch in batches([*wide, *tall, *rows], model, size)]
    assert found == {1: [1] * 6, 2: [2, 1, 2, 1], None: [3, 2, 1]}[size]


def test_automatic_batch_is_bounded_by_its_tokens(saved: Callable[[str], Path]) -> None:
    model = ready(saved("dinov2"))
    item = prepared(model)  # 55 tokens
    assert [len(batch) for batch in batches([item] * 50, model, None)] == [37, 13]


@pytest.mark.parametrize(
    ("name", "tolerance"), [("bfloat16", 0.06), ("float16", 0.008)], ids=["bfloat16", "float16"]
)
def test_low_precision_keeps_softmax_and_norms_in_float32(
    saved: Callable[[str], Path], name: str, tolerance: float
) -> None:
    """Compared by attention weight, a share of 1; activations are rounded, sums are not."""
    folder = saved("dinov2 with registers")
    model = ready(folder, torch_dtype(name))
    assert {p.dtype for p in model.network.parameters()} == {torch_dtype(name)}
    exact = ready(folder)
    item = prepared(exact)
    (low,), (full,) = measured(model, item), measured(exact, item)
    assert (low.environment.dtype, full.environment.dtype) == (name, "float32")
    tokens = low.layout.tokens
    off = np.abs(low.attention.astype(float) - full.attention.astype(float)).max() / tokens
    assert 0 < off < tolerance
    assert low.norms.dtype == low.entropy.dtype == np.float32
    np.testing.assert_allclose(low.norms, full.norms, rtol=0.05)
    # A softmax in low precision would miss 1 by its rounding, 4e-3 or 5e-4.
    np.testing.assert_allclose(low.mass.sum(-1), 1.0, atol=2e-6)
    np.testing.assert_allclose(low.rollout.sum(-1), 1.0, atol=2e-6)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without an accelerator."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_device_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        choose_device(name)
    assert str(caught.value) == (
        f"This machine has no device {name}, as torch {torch.__version__} sees it. "
        "Use --device auto or --device cpu."
    )


@pytest.mark.usefixtures("bare_machine")
def test_automatic_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("auto") == choose_device("cpu") == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ModelError):
        choose_device("cuda:2")
