"""Modules in memory: read as they are, left as found, and refused with what was found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from torch import Tensor, nn

import generator
from generator.capture.models.timm_import import timm
from generator.errors import CaptureError, GalleryError, ModelError, SpecError
from tests.capture.families import FAMILIES
from tests.capture.modules import (
    PATCH,
    SAID,
    SIDE,
    PlainViT,
    SplitViT,
    TorchViT,
    larger,
    own_attention,
)

HALF = 5e-4
"""Largest difference that float16 makes of a share up to 1."""


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    values = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(values)


def captured(record: generator.AttentionRecord) -> np.ndarray:
    """Attention of every query as shares: float ``[layer, head, query, key]``."""
    assert record.patch_attention is not None
    rows = np.moveaxis(record.attention.astype(float), 0, 2)
    whole = np.concatenate([rows, record.patch_attention.astype(float)], axis=2)
    return whole / record.layout.tokens


@pytest.mark.parametrize("kind", ["sdpa", "softmax"])
@pytest.mark.parametrize("view", ["square", "whole"])
def test_a_plain_module_is_read_exactly(kind: str, view: Any, picture: Image.Image) -> None:
    module = PlainViT(kind, registers=2)
    model = generator.open_model(
        module, class_token=True, registers=2, patch_queries="heads", field_of_view=view, **SAID
    )
    record = model.measure(picture)
    assert record.layout.prefix == ("CLS", "reg1", "reg2")
    assert (record.layout.cols > record.layout.rows) == (view == "whole")
    own = torch.stack([each[0] for each in own_attention(module)]).numpy()
    assert np.abs(captured(record) - own).max() < HALF
    assert (record.model.source, record.model.id) == ("memory", "PlainViT")


def test_torch_s_own_encoder_is_read(picture: Image.Image) -> None:
    module = TorchViT()
    model = generator.open_model(module, patch_queries="heads", **SAID)
    record = model.measure(picture)
    seen: list[Tensor] = []
    first = module.encoder.layers[0].self_attn
    plain = first.forward

    def kept(*args: Any, **options: Any) -> Any:
        output, weights = plain(
            *args, **{**options, "need_weights": True, "average_attn_weights": False}
        )
        seen.append(weights)
        return output, None

    first.forward = kept
    with torch.no_grad():
        module.train(False)(torch.from_numpy(input_of(record, picture))[None])
    assert np.abs(captured(record)[0] - seen[0][0].numpy()).max() < HALF


def test_residual_connections_may_be_in_the_loop_of_the_network(picture: Image.Image) -> None:
    module = SplitViT()
    record = generator.open_model(module, patch_queries="heads", **SAID).measure(picture)
    own = torch.stack([each[0] for each in own_attention(module)]).numpy()
    assert np.abs(captured(record) - own).max() < HALF
    with torch.no_grad():
        streams = module.train(False).streams(torch.from_numpy(input_of(record, picture))[None])
    norms = np.stack([stream[0].norm(dim=-1).numpy() for stream in streams])
    np.testing.assert_allclose(record.norms, norms, rtol=1e-4)


def test_tokens_may_come_before_images(picture: Image.Image) -> None:
    usual, other = TorchViT(), TorchViT(batch_first=False)
    other.load_state_dict(usual.state_dict())
    one, two = (generator.open_model(each, **SAID).measure(picture) for each in (usual, other))
    np.testing.assert_allclose(one.received, two.received, rtol=2e-3)
    np.testing.assert_allclose(one.norms, two.norms, rtol=1e-5)
    np.testing.assert_allclose(one.mass, two.mass, atol=1e-6)
    assert one.features is not None and two.features is not None
    np.testing.assert_allclose(one.features.pooled, two.features.pooled, rtol=1e-4, equal_nan=True)
    assert one.values is not None and two.values is not None


def input_of(record: generator.AttentionRecord, picture: Image.Image) -> np.ndarray:
    """The pixels that the model saw, as the record describes them."""
    box = record.view.box
    side = (record.view.input_width, record.view.input_height)
    square = picture.resize(side, Image.Resampling.BICUBIC, box=box)
    values = np.asarray(square, np.float32).transpose(2, 0, 1) / 255
    mean, std = (np.asarray(v, np.float32)[:, None, None] for v in (SAID["mean"], SAID["std"]))
    found: np.ndarray = (values - mean) / std
    return found


def family(name: str) -> Any:
    found = next(each for each in FAMILIES if each.name == name)
    torch.manual_seed(0)
    network = getattr(transformers, found.model)(found._config())
    larger(network)
    return network


@pytest.mark.parametrize(
    ("name", "tower"),
    [("dinov2 with registers", ""), ("clip", "vision_model"), ("vit with a class head", "vit")],
)
def test_a_module_of_transformers_tells_everything_but_pixels(
    name: str, tower: str, picture: Image.Image
) -> None:
    network = family(name)
    options: dict[str, Any] = {"mean": SAID["mean"], "std": SAID["std"], "patch_queries": "heads"}
    record = generator.open_model(network, **options).measure(picture)
    eager = copy.deepcopy(network)
    eager.set_attn_implementation("eager")
    with torch.no_grad():
        part = getattr(eager, tower) if tower else eager
        given = torch.from_numpy(input_of(record, picture))[None]
        weights = part.eval()(given, output_attentions=True).attentions
    own = torch.stack([layer[0] for layer in weights]).numpy()
    assert np.abs(captured(record) - own).max() < HALF
    assert (record.prediction is not None) == ("head" in name)
    unsaid = generator.open_model(network).measure(picture)
    assert "were assumed" in unsaid.preprocessing.assumed


def test_the_share_of_masked_patches_is_given_back(picture: Image.Image) -> None:
    network = family("mae").train()
    record = generator.open_model(network).measure(picture)
    assert record.layout.patches == 16
    assert network.config.mask_ratio == 0.75 and network.training


def test_a_module_of_timm_tells_everything(picture: Image.Image) -> None:
    torch.manual_seed(0)
    network = timm().create_model(
        "vit_tiny_patch16_224", img_size=64, depth=2, dynamic_img_size=True, num_classes=7
    )
    record = generator.open_model(network, resolution=64).measure(picture)
    assert record.model.id == "vit_tiny_patch16_224"
    assert record.prediction is not None and record.preprocessing.mean == (0.5, 0.5, 0.5)
    assert record.layout.prefix == ("CLS",) and record.model.layers == 2


def state(module: nn.Module) -> dict[str, Any]:
    """Everything that measuring must not change."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    return {
        "modes": [each.training for each in module.modules()],
        "hooks": [len(getattr(each, name)) for each in module.modules() for name in hooks],
        "needs": [each.requires_grad for each in module.parameters()],
        "grads": [each.grad is not None for each in module.parameters()],
        "dtypes": [each.dtype for each in module.parameters()],
        "weights": {name: each.clone() for name, each in module.state_dict().items()},
        "random": torch.get_rng_state(),
    }


def same(one: Any, two: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    return bool(torch.equal(one, two)) if isinstance(one, Tensor) else bool(one == two)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_module_is_left_as_it_was_found(dtype: torch.dtype, picture: Image.Image) -> None:
    module = PlainViT().to(dtype).train()
    module.blocks[1].eval()
    next(module.blocks[0].parameters()).requires_grad_(False)
    module(torch.zeros(1, 3, SIDE, SIDE, dtype=dtype)).sum().backward()
    before = state(module)
    record = generator.open_model(module, class_token=True, **SAID).measure(picture)
    assert same(before, state(module))
    assert record.environment.dtype == str(dtype).removeprefix("torch.")


def test_it_is_left_so_too_when_its_pass_fails(picture: Image.Image) -> None:
    module = PlainViT().train()
    model = generator.open_model(module, class_token=True, **SAID)
    module.norm = nn.LayerNorm(3)  # fits nothing
    before = state(module)
    with pytest.raises(ModelError) as told:
        model.measure(picture)
    assert same(before, state(module))
    assert isinstance(told.value.__cause__, RuntimeError)
    assert str(told.value) == (
        "PlainViT cannot be measured on a picture in memory: RuntimeError: Given "
        "normalized_shape=[3], expected input with shape [*, 3], but got input of size[1, 17, 24]. "
        "Its PlainViT network may need more than a picture: run it with torch "
        f"{metadata.version('torch')} alone."
    )
    (missing,) = model.measure_all([picture])
    assert isinstance(missing, generator.NotMeasured)
    assert missing.reason.startswith("PlainViT cannot be measured: RuntimeError")
    assert missing.hint == (
        "Call measure() with it alone: the error that it raises has the network's own as its cause."
    )


def test_each_state_of_a_module_is_a_model_of_its_own(picture: Image.Image) -> None:
    module = PlainViT()
    model = generator.open_model(module, class_token=True, **SAID)
    first, again = model.measure(picture), model.measure(picture)
    assert first.key == again.key
    with torch.no_grad():
        module.blocks[0].attn.qkv.weight[0, 0] += 1e-3
    trained = model.measure(picture)
    assert trained.key != first.key
    assert len(trained.model.weights_sha256) == 64 and not trained.model.commit
    with torch.no_grad():
        module.blocks[0].attn.qkv.weight[0, 0] -= 1e-3
    module.scale = 0.5
    assert model.measure(picture).key not in (first.key, trained.key), "numbers beside the weights"


def test_wrapped_modules_are_unwrapped(picture: Image.Image) -> None:
    module = PlainViT()
    parallel = generator.open_model(nn.DataParallel(module), class_token=True, **SAID)
    inside = torch.compile(module, backend="eager")
    compiled = generator.open_model(inside, class_token=True, **SAID)
    plain = generator.open_model(module, class_token=True, **SAID).measure(picture)
    assert parallel.measure(picture).key == compiled.measure(picture).key == plain.key


READ = (
    "Attention is read from F.scaled_dot_product_attention, from nn.MultiheadAttention, and from a "
    "softmax over [image, head, token, token]."
)
CLS_SAID = {**SAID, "class_token": True}


@pytest.mark.parametrize(
    ("make", "options", "error", "text"),
    [
        (
            PlainViT,
            {"image_size": SIDE},
            ModelError,
            "PlainViT is a module in memory, which does not tell mean and std. Say "
            "mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), with your own values.",
        ),
        (
            lambda: PlainViT(registers=4),
            SAID,
            ModelError,
            "PlainViT runs 21 tokens where 32 pixels make 4 x 4 = 16 patches and 5 tokens more. "
            "Say what they are, class_token=True, registers=4, or correct patch_size.",
        ),
        (
            TorchViT,
            CLS_SAID,
            ModelError,
            "TorchViT runs 16 tokens where 32 pixels make 4 x 4 = 16 patches and 0 tokens more, "
            "and 1 token beside them were said. There are none beside the patches: leave "
            "class_token and registers out.",
        ),
        (
            PlainViT,
            {**CLS_SAID, "patch_size": 4},
            ModelError,
            "PlainViT runs 17 tokens where 32 pixels make 8 x 8 = 64 patches. Correct patch_size "
            "or image_size. A model that merges or drops patches has no map over the whole "
            "picture.",
        ),
        (
            lambda: PlainViT("hidden"),
            CLS_SAID,
            CaptureError,
            f"PlainViT ran no attention that can be read: 25 modules ran without any. {READ}",
        ),
        (
            PlainViT,
            {**CLS_SAID, "call": lambda pixels: pixels.sum()},
            CaptureError,
            "PlainViT ran no attention that can be read: the call ran none of the 25 modules "
            f"inside it. {READ}",
        ),
        (
            PlainViT,
            {**CLS_SAID, "call": lambda pixels: pixels.nothing},
            ModelError,
            "PlainViT fails on pixels of the shape 2x3x32x32: AttributeError: 'Tensor' object has "
            "no attribute 'nothing'. Say how it is called, call=lambda pixels: ..., and its own "
            "image_size.",
        ),
        (
            lambda: SplitViT(scale=0.5),
            SAID,
            CaptureError,
            "SplitViT: what blocks.0.attn returns is not what blocks.1.attn receives, nor is the "
            "sum of what the modules up to there return. Put attention, MLP and their residual "
            "connections of a layer into one module.",
        ),
        (
            lambda: nn.Sequential(nn.Conv2d(3, 4, PATCH, 2), nn.Conv2d(4, 4, 3)),
            SAID,
            ModelError,
            "The patch size of Sequential is not clear: no convolution cuts color pictures into "
            "patches. Say patch_size=16, with your own value.",
        ),
        (
            lambda: PlainViT().to("meta"),
            CLS_SAID,
            ModelError,
            "PlainViT is on meta; one device with all weights was expected. Move it with "
            ".to(device).",
        ),
        (PlainViT, {"patches": 4}, SpecError, "open_model has no option patches. "),
    ],
)
def test_errors_say_what_was_found(
    make: Callable[[], nn.Module], options: dict[str, Any], error: type[GalleryError], text: str
) -> None:
    with pytest.raises(error) as refused:
        generator.open_model(make(), **options)
    assert str(refused.value).startswith(text)


def test_a_fixed_size_is_found_out(picture: Image.Image) -> None:
    model = generator.open_model(PlainViT(any_size=False), resolution=64, **CLS_SAID)
    with pytest.raises(ModelError, match="runs only on 32 x 32 px"):
        model.measure(picture)
