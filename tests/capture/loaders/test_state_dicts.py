"""Original checkpoints: the same numbers as the module that was saved, and no code run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from generator.api import measure
from generator.capture.loaders.state_dict import resolve_file
from generator.capture.models.load import LoadedModel, load
from generator.errors import ModelError
from generator.records.extras import Measuring
from generator.spec.models import StateDictSpec
from tests.capture.loaders.originals import (
    GRID,
    HEADS,
    PATCH,
    WIDTH,
    Clip,
    Dino,
    Dinov3,
    Torchvision,
    seeded,
)
from tests.capture.ready import measured, prepared

CLS = ("CLS",)
REGISTERS = ("reg1", "reg2", "reg3", "reg4")
Make = Callable[[], torch.nn.Module]
ASKED = StateDictSpec(heads=HEADS)


def opened(file: Path, asked: StateDictSpec = ASKED, attention: str = "sdpa") -> LoadedModel:
    device = torch.device("cpu")
    return load(resolve_file(file, asked), device=device, dtype=torch.float32, attention=attention)


def saved(content: object, file: Path) -> Path:
    torch.save(content, file)
    return file


CASES: list[tuple[str, Make, tuple[str, ...], StateDictSpec]] = [
    ("dino", Dino, CLS, ASKED),
    ("deit distilled", lambda: Dino(distilled=True), ("CLS", "DIST"), ASKED),
    ("dinov2", lambda: Dino(scaled=True), CLS, ASKED),
    ("dinov2 in chunks", lambda: Dino(scaled=True, chunks=True), CLS, ASKED),
    ("dinov2 giant", lambda: Dino(scaled=True, gated=True), CLS, ASKED),
    ("dinov2 with registers", lambda: Dino(scaled=True, registers=4), CLS + REGISTERS, ASKED),
    ("dinov3", Dinov3, CLS + REGISTERS, StateDictSpec(image_size=GRID * PATCH)),
    (
        "dinov3 gated",
        lambda: Dinov3(gated=True),
        CLS + REGISTERS,
        StateDictSpec(image_size=GRID * PATCH),
    ),
    ("torchvision", Torchvision, CLS, ASKED),
    ("open_clip", lambda: Clip(quick=False), CLS, StateDictSpec(heads=HEADS, activation="gelu")),
    (
        "openai clip",
        lambda: Clip(quick=True),
        CLS,
        StateDictSpec(heads=HEADS, activation="quick_gelu"),
    ),
]


@pytest.mark.parametrize(
    ("make", "prefix", "asked"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_attention_and_features_are_those_of_the_module(
    make: Make, prefix: tuple[str, ...], asked: StateDictSpec, tmp_path: Path
) -> None:
    """At the module's own size against itself; wider than tall against the eager path."""
    native = seeded(make())
    names = native.state_dict()
    if isinstance(native, Clip):
        names = {f"visual.{name}": tensor for name, tensor in names.items()}
        names |= {"token_embedding.weight": torch.zeros(9, 8), "logit_scale": torch.ones(())}
    file = saved(names, tmp_path / "weights.pth")
    model = opened(file, asked)
    assert model.resolved.vision.prefix == prefix
    item = prepared(model, whole=False)
    pixels = torch.from_numpy(item.pixels)[None]
    (record,) = measured(model, item)
    layout, first = record.layout, len(prefix)
    with torch.no_grad():
        hidden = native(pixels)
    torch.testing.assert_close(model.forward(pixels, layout), hidden, atol=2e-5, rtol=1e-4)
    own = torch.stack(native.attentions)[:, 0]
    assert float(own.max()) > 0.5, "attention is not uniform"
    check(record, own, first)

    wide = prepared(model)
    (record,) = measured(model, wide)
    assert (record.layout.rows, record.layout.cols) == (6, 9)
    eager = opened(file, asked, attention="eager")
    values = torch.from_numpy(wide.pixels)[None]
    check(record, torch.stack(eager.attentions(values, record.layout))[:, 0], first)


def check(record: Any, own: torch.Tensor, first: int) -> None:
    tokens = record.layout.tokens
    rows = np.moveaxis(record.attention, 0, 2).astype(float) / tokens
    np.testing.assert_allclose(rows, own[:, :, :first], rtol=6e-4, atol=1e-5)
    patches = record.patch_attention.astype(float) / tokens
    np.testing.assert_allclose(patches, own[:, :, first:], rtol=6e-4, atol=1e-5)


def test_dinov3_is_accounted_for_and_its_constants_are_checked(tmp_path: Path) -> None:
    names = seeded(Dinov3()).state_dict()
    unused = " ".join(opened(saved(names, tmp_path / "v3.pth")).facts.unused)
    for name in ("rope_embed.periods", "bias_mask", "local_cls_norm", "mask_token"):
        assert name in unused
    changed = {**names, "rope_embed.periods": names["rope_embed.periods"] * 2}
    with pytest.raises(ModelError, match=r"rope_embed.periods of v3 differs .*open_model"):
        opened(saved(changed, tmp_path / "v3.pth"))
    mask = "blocks.1.attn.qkv.bias_mask"
    with pytest.raises(ModelError, match=rf"{mask} of v3 differs"):
        opened(saved({**names, mask: torch.ones_like(names[mask])}, tmp_path / "v3.pth"))


# --- wrappings -----------------------------------------------------------------------------------


def under(prefix: str, network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}


def training_run() -> dict[str, Any]:
    """What DINO and DINOv2 keep: two networks with heads, an optimizer, options."""
    student, teacher = seeded(Dino(scaled=True), 1), seeded(Dino(scaled=True), 2)
    head = {"head.mlp.0.weight": torch.zeros(4, 4), "dino_head.last_layer.weight_g": torch.ones(1)}
    return {
        "student": under("module.backbone.", student) | head,
        "teacher": under("backbone.", teacher) | head,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]},
        "epoch": 7,
        "args": argparse.Namespace(arch="vit_small", patch_size=16),
    }


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (lambda: Dino().state_dict(), {}),
        (lambda: {"model": seeded(Dino()).state_dict(), "epoch": 3}, {}),
        (lambda: {"state_dict": under("module.", seeded(Dino()))}, {}),
        (
            lambda: {
                "state_dict": under("model.backbone.", seeded(Dino())),
                "pytorch-lightning_version": "2.5",
                "hyper_parameters": {"lr": 0.1},
            },
            {},
        ),
        (lambda: under("_orig_mod.", seeded(Dino())), {}),
        (
            lambda: {
                "state_dict": under("module.base_encoder.", seeded(Dino()))
                | under("module.momentum_encoder.", seeded(Dino(), 1))
                | {"module.predictor.0.weight": torch.zeros(2, 2)}
            },
            {"part": "momentum_encoder"},
        ),
        (training_run, {"part": "teacher"}),
    ],
    ids=["bare", "mae", "data parallel", "lightning", "compiled", "moco", "dinov2 run"],
)
def test_wrappings_are_seen_through(
    content: Callable[[], Any], asked: dict[str, Any], tmp_path: Path
) -> None:
    model = opened(saved(content(), tmp_path / "run.pth"), StateDictSpec(heads=HEADS, **asked))
    assert len(model.blocks) == 3
    assert model.resolved.id == "run"


def test_teacher_and_student_are_told_apart(tmp_path: Path) -> None:
    run = training_run()
    file = saved(run, tmp_path / "run.pth")
    with pytest.raises(ModelError) as caught:
        resolve_file(file, ASKED)
    assert str(caught.value) == (
        "run holds 2 networks, under student.module.backbone and teacher.backbone. Say which: "
        'part = "student" in its table state_dict, or ?part=student behind the file.'
    )
    found = {}
    for part in ("student", "teacher"):
        model = opened(file, StateDictSpec(part=part, heads=HEADS))
        found[part] = model.network.embeddings.cls_token
        (prefix,) = (p for p in run[part] if p.endswith("cls_token"))
        assert torch.equal(found[part], run[part][prefix])
        assert any("beside the network, which is under" in line for line in model.facts.unused)
    assert not torch.equal(found["student"], found["teacher"])
    one, other = (
        resolve_file(file, StateDictSpec(part=part, heads=HEADS)) for part in ("student", "teacher")
    )
    assert one.version != other.version, "records of the two are kept apart"


def test_decoder_of_mae_is_left_out_with_its_reason(tmp_path: Path) -> None:
    names = seeded(Dino()).state_dict() | {
        "mask_token": torch.zeros(1, 1, 16),
        "decoder_embed.weight": torch.zeros(16, 32),
        "decoder_blocks.0.mlp.fc1.weight": torch.zeros(7, 16),
    }
    model = opened(saved({"model": names}, tmp_path / "mae.pth"))
    assert model.facts.unused == (
        "decoder_blocks.0.mlp.fc1.weight and 1 more: part of a decoder",
        "mask_token: only used to mask patches in training",
    )
    assert model.facts.renamed == (
        "the names of DINO, iBOT, MAE, MoCo v3 and DeiT were read as those of ViTModel"
    )


def test_safetensors_without_a_config(tmp_path: Path) -> None:
    file = tmp_path / "dino.safetensors"
    save_file(seeded(Dino()).state_dict(), file)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 70, 3), np.uint8))
    record = measure(f"{file}?heads={HEADS}&mean=0.5,0.5,0.5&std=0.5,0.5,0.5", picture)
    assert record.preprocessing.mean == (0.5, 0.5, 0.5)
    assert record.preprocessing.assumed == (
        "no preprocessing is declared: the resizing and crop of the code of DINO, iBOT, MAE, "
        "MoCo v3 and DeiT were assumed"
    )
    assert (record.model.id, record.model.heads) == ("dino", HEADS)
    asked = {"heads": HEADS, "mean": [0.5] * 3, "std": [0.5] * 3}
    assert measure(file, picture, state_dict=asked).key == record.key


# --- what is left open, and what is refused -----------------------------------------------------


def test_heads_that_no_published_model_has_are_asked_for(tmp_path: Path) -> None:
    file = saved(seeded(Dino()).state_dict(), tmp_path / "small.pth")
    with pytest.raises(ModelError) as caught:
        resolve_file(file)
    assert str(caught.value) == (
        "The names of small are those of DINO, iBOT, MAE, MoCo v3 and DeiT, and it is 32 wide, "
        "which none of their published models has: its number of heads cannot be told from the "
        "weights. Say it: heads = 6, for example, in its table state_dict, or ?heads=6 behind the "
        "file."
    )
    with pytest.raises(ModelError, match="small is 32 wide, which 5 heads do not divide"):
        resolve_file(file, StateDictSpec(heads=5))


@pytest.mark.parametrize(
    ("width", "more", "prefix", "heads"),
    [
        (768, {}, "", 12),
        (384, {}, "", None),
        (384, {"dist_token": (1, 1, 384)}, "", 6),
        (384, {}, "module.momentum_encoder.", 12),
        (384, {"blocks.0.ls1.gamma": (384,)}, "", 6),
        (1536, {"blocks.0.ls1.gamma": (1536,)}, "teacher.backbone.", 24),
    ],
)
def test_heads_are_those_of_the_published_code(
    width: int, more: dict[str, tuple[int, ...]], prefix: str, heads: int | None
) -> None:
    """384 is wide for 6 heads in DINO and DeiT, and for 12 in MoCo v3."""
    from generator.capture.checkpoint.originals.network import understand

    distilled = "dist_token" in more
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 197 + distilled, width),
        "patch_embed.proj.weight": (width, 3, 16, 16),
        "blocks.0.attn.qkv.bias": (3 * width,),
        "blocks.0.mlp.fc1.weight": (4 * width, width),
        **more,
    }
    named = {f"{prefix}{name}": shape for name, shape in shapes.items()}
    if heads is None:
        with pytest.raises(ModelError, match="at which DINO, iBOT and DeiT have 6 heads, and MoCo"):
            understand(named, StateDictSpec(), "m")
    else:
        found = understand(named, StateDictSpec(), "m").config
        assert found["num_attention_heads"] == heads
        assert (found["image_size"], found["hidden_size"]) == (224, width)


def test_activation_of_clip_is_asked_for(tmp_path: Path) -> None:
    file = saved(under("visual.", seeded(Clip(quick=True))), tmp_path / "clip.pt")
    with pytest.raises(ModelError, match="differ in the activation between the layers of an MLP"):
        resolve_file(file, ASKED)


class Runs:
    """A pickle that would run code when it is read."""

    def __reduce__(self) -> Any:
        return print, ("run",)


def test_pickles_that_run_code_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved({"model": seeded(Dino()).state_dict(), "x": Runs()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError) as caught:
        resolve_file(file, ASKED)
    assert caught.value.message == (
        "evil.pth cannot be read without running code: it asks for print."
    )
    assert 'torch.load("evil.pth", weights_only=False)' in caught.value.hint
    assert capsys.readouterr().out == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.jit itself
def test_torchscript_is_refused(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "clip.pt")
    with pytest.raises(ModelError) as caught:
        resolve_file(tmp_path / "clip.pt", ASKED)
    assert caught.value.message == "clip.pt is a TorchScript archive, which holds code."


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_damaged_file(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"weights{ending}"
    file.write_bytes(b"\x00" * 100)
    with pytest.raises(ModelError, match=f"weights{ending} is damaged or no file of weights: "):
        resolve_file(file, ASKED)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"a": 1}, "weights.pth holds no tensors."),
        (
            {"layer4.0.conv1.weight": torch.zeros(1)},
            "weights holds 1 tensors, layer4.0.conv1.weight first, which are not named like a "
            "vision transformer of any of these projects: DINOv2, DINOv3, DINO, iBOT, MAE, MoCo v3 "
            "and DeiT, torchvision, OpenAI's CLIP and open_clip.",
        ),
    ],
)
def test_file_without_a_vision_transformer(
    content: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_file(saved(content, tmp_path / "weights.pth"), ASKED)
    assert caught.value.message == expected


def test_tensor_within_a_block_that_is_not_known(tmp_path: Path) -> None:
    names = seeded(Dino()).state_dict() | {"blocks.1.attn.temperature": torch.ones(4)}
    with pytest.raises(ModelError, match="hold 1 tensor that ViTModel does not use: "):
        opened(saved(names, tmp_path / "odd.pth"))


CLASSES = 5


def headed(kind: str) -> tuple[torch.nn.Module, dict[str, torch.Tensor], Callable[..., Any]]:
    """A module, its state dict with a class head, and logits of what its blocks give."""
    torch.manual_seed(1)
    module: Any = seeded(Torchvision() if kind == "torchvision" else Dino(distilled=kind == "DeiT"))
    state = dict(module.state_dict())
    name = "heads.head" if kind == "torchvision" else "head"
    weight, bias = torch.randn(CLASSES, WIDTH), torch.randn(CLASSES)
    state |= {f"{name}.weight": weight, f"{name}.bias": bias}
    if kind == "DeiT":
        second = torch.randn(CLASSES, WIDTH)
        state |= {"head_dist.weight": second, "head_dist.bias": bias}
        return module, state, lambda out: (out[0] @ weight.T + out[1] @ second.T) / 2 + bias
    if kind == "MAE":
        norm = torch.nn.LayerNorm(WIDTH, eps=1e-6)
        torch.nn.init.normal_(norm.weight)
        state = {key: value for key, value in state.items() if not key.startswith("norm.")}
        state |= {f"fc_norm.{key}": value for key, value in norm.state_dict().items()}
        module.norm = torch.nn.Identity()
        return module, state, lambda out: norm(out[1:].mean(0)) @ weight.T + bias
    return module, state, lambda out: out[0] @ weight.T + bias


@pytest.mark.parametrize("kind", ["DINO", "DeiT", "MAE", "torchvision"])
def test_class_head_is_that_of_the_code(kind: str, tmp_path: Path) -> None:
    module, state, logits = headed(kind)
    model = opened(saved(state, tmp_path / "model.pth"))
    assert model.resolved.classes == CLASSES
    assert not any("head" in line for line in model.facts.unused)
    extras = replace(prepared(model, whole=False), measuring=Measuring(("relevance", "lens")))
    (record,) = measured(model, extras)
    with torch.no_grad():
        own = torch.softmax(logits(module(torch.from_numpy(extras.pixels)[None])[0]), dim=-1)
    found = record.prediction
    assert found is not None and found.classes == tuple(own.argsort(descending=True).tolist())
    np.testing.assert_allclose(found.probabilities, own.sort(descending=True)[0], atol=1e-5)
    assert record.relevance is not None and record.lens is not None
    assert record.model.headless == ""


def test_head_that_is_not_a_linear_layer_is_said(tmp_path: Path) -> None:
    state = dict(seeded(Dino()).state_dict())
    file = saved(state | {"head.1.weight": torch.zeros(5, WIDTH)}, tmp_path / "probe.pth")
    model = opened(file)
    assert (model.head, model.resolved.classes) == (None, 0)
    assert model.facts.headless == "its head is not read (head.1.weight first)"
    assert opened(saved(state, tmp_path / "plain.pth")).facts.headless == "it has no class head"
