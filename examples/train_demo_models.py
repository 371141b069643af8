"""Train the two demo models: small vision transformers, with and without registers.

The two are alike in all else. Both see the same scenes (``scenes.py``) in the same order and learn
to name the shapes and the materials in them. The checkpoints are ordinary transformers folders:
``AutoModel.from_pretrained("examples/models/demo-dinov2")``.

**The class head reads CLS only.** ``Dinov2ForImageClassification`` classifies [CLS, mean of
patches]. The half of its weight that reads the patch mean starts at zero and stays there, so that
whatever the model says about the picture has passed through the attention of CLS. That is what
makes maps of that attention worth looking at.

**Patches are taught as well, by a head that is thrown away.** From the class labels alone hardly
anything was learned in 450 steps. So in training a linear head reads the patches after block 4 and
says whether an object lies there and which shape and material it has. It isn't part of the
checkpoints; no loss acts on attention.

**A second part makes attention softer.** After 2000 steps on 14 x 14 patches attention was sharp:
most of a map was nearly zero. 250 more steps follow on 16 x 16 patches. The queries are halved
first, queries and keys then stay as they are, and a tenth of the attention is dropped at random.

From a clean clone, about 40 minutes a model on one core::

    python examples/train_demo_models.py            # both, one after the other
    python examples/train_demo_models.py --plain    # or one at a time, in two terminals
    python examples/train_demo_models.py --registers

A run is a function of its options: scene ``i`` of step ``s`` is drawn from the seed (TRAIN, seed,
first_scene + s * batch + i), and the weights start from ``seed``. Two runs on one machine agree bit
for bit; on another, float arithmetic may differ in the last place, and training amplifies that. A
stopped run continues from its last checkpoint with ``--resume``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import scenes
import torch
from torch import Tensor
from transformers import (
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
)

DemoModel = Dinov2ForImageClassification | Dinov2WithRegistersForImageClassification

PLAIN, REGISTERS = "demo-dinov2", "demo-dinov2-registers"
LABELS = scenes.SHAPES + scenes.MATERIALS

PATCH = 8
# A patch belongs to an object when objects cover at least this much of it.
COVERED = 0.25
# The block whose output the patch head reads; two more are left for CLS to gather what the patches
# know.
PATCH_HEAD_AFTER = 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Crop:
    """How a picture becomes input: short side to ``resized`` px, the middle ``size`` px cut out."""

    resized: int
    size: int

    @property
    def field(self) -> scenes.Box:
        """What is left of the canvas of a square scene."""
        kept = self.size / self.resized
        return scenes.Box(top=(1 - kept) / 2, left=(1 - kept) / 2, height=kept, width=kept)

    @property
    def grid(self) -> int:
        """Patches in a row."""
        return self.size // PATCH


COARSE, FINE = Crop(resized=128, size=112), Crop(resized=144, size=128)

# The keys of DINOv2's own file. Written by hand: transformers' class wants torchvision just to be
# constructed.
PREPROCESSOR = {
    "crop_size": {"height": FINE.size, "width": FINE.size},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": MEAN,
    "image_processor_type": "BitImageProcessor",
    "image_std": STD,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"shortest_edge": FINE.resized},
}


@dataclass(frozen=True)
class Recipe:
    """Everything that one part of a run depends on, besides the kind of model and its weights."""

    crop: Crop
    steps: int
    batch: int
    # Of AdamW. Muon, which steps in units of the spectral norm, gets ten times that.
    learning_rate: float
    # Share of the steps before the rate begins to fall.
    hold: float
    # Share of the steps for a second fall of the rate, from 0.3 of it.
    again: float
    # Index of the first scene; the parts share none.
    first_scene: int = 0
    attention_dropout: float = 0.0
    # What the queries are multiplied by first; they and the keys then stay as they are. None trains
    # them.
    query_scale: float | None = None
    seed: int = 0
    weight_decay: float = 0.05
    warm_up: int = 60
    bfloat16: bool = True

    def rate(self, step: int) -> float:
        """Learning rate of AdamW at a step, counted from 0.

        Warm-up, constant, down to zero along a cosine; then perhaps once more from 0.3 of it.
        """
        hold, second = round(self.steps * self.hold), round(self.steps * (1 - self.again))
        if step < second:
            peak, start, end = self.learning_rate, hold, second
        else:
            peak, start, end = 0.3 * self.learning_rate, second, self.steps
        past = min(max((step - start) / (end - start), 0.0), 1.0)
        warm = min((step + 1) / self.warm_up, 1.0)
        return peak * warm * 0.5 * (1 + float(np.cos(np.pi * past)))


# From nothing, on 14 x 14 patches.
FIRST = Recipe(COARSE, steps=2000, batch=32, learning_rate=2e-3, hold=0.25, again=0.2)
# On to 16 x 16 patches, with attention made softer.
SECOND = Recipe(
    FINE,
    steps=250,
    batch=16,
    learning_rate=6e-4,
    hold=0.4,
    again=0.0,
    first_scene=FIRST.steps * FIRST.batch,
    attention_dropout=0.1,
    query_scale=0.5,
)


def new_model(name: str, seed: int, crop: Crop = FINE) -> DemoModel:
    """An untrained model of either kind; the patch-mean half of its class head is zero."""
    torch.manual_seed(seed)
    shape: dict[str, Any] = {
        "hidden_size": 128,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "mlp_ratio": 4,
        "image_size": crop.size,
        "patch_size": PATCH,
        "layerscale_value": 1.0,
        "drop_path_rate": 0.0,
        "problem_type": "multi_label_classification",
        "id2label": dict(enumerate(LABELS)),
        "label2id": {label: i for i, label in enumerate(LABELS)},
    }
    model: DemoModel
    if name == REGISTERS:
        model = Dinov2WithRegistersForImageClassification(
            Dinov2WithRegistersConfig(num_register_tokens=4, **shape)
        )
    else:
        model = Dinov2ForImageClassification(Dinov2Config(**shape))
    head = cast(torch.nn.Linear, model.classifier)
    backbone = cast(Any, model.base_model)
    with torch.no_grad():
        head.weight[:, model.config.hidden_size :] = 0
        # Start from about the share of scenes that have a given label.
        head.bias.fill_(-1.2)
        backbone.embeddings.position_embeddings[0, 1:] = grid_waves(
            model.config.hidden_size, crop.grid
        )
        if name == REGISTERS:
            # transformers starts them all at zero, and without positions equal registers get
            # equal gradients: they would stay copies of each other for good.
            backbone.embeddings.register_tokens.normal_(std=0.02)
    return model


def grid_waves(width: int, side: int) -> Tensor:
    """Sines and cosines of row and col, [patch, width]: where position embeddings start.

    They are learned from there. Started at random as usual, they were a thirtieth of the size of
    what they are added to after 400 steps, and patches could hardly tell where they were.
    """
    # From two patches a half wave to four times the grid a full one.
    waves = 2 * np.pi / np.geomspace(4, 4 * side, width // 4)
    row, col = np.divmod(np.arange(side * side), side)
    phases = np.concatenate([row[:, None] * waves, col[:, None] * waves], axis=1)
    return torch.from_numpy(0.5 * np.concatenate([np.sin(phases), np.cos(phases)], axis=1)).float()


def targets(scene: scenes.Scene) -> list[float]:
    """1.0 for each of LABELS that is in the scene, else 0.0."""
    present = {*scene.shapes, *scene.materials}
    return [float(label in present) for label in LABELS]


def normalized(pixels: np.ndarray) -> Tensor:
    """Turn uint8 [image, row, col, 3] into the model's float32 [image, 3, row, col]."""
    rgb = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (rgb - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def patch_cover(mask: scenes.Floats) -> scenes.Floats:
    """Share of each patch that objects cover, [row, col] of patches, from a mask in pixels."""
    grid = mask.shape[0] // PATCH, mask.shape[1] // PATCH
    return np.asarray(mask.reshape(grid[0], PATCH, grid[1], PATCH).mean((1, 3)), np.float32)


def patch_targets(scene: scenes.Scene, mask: scenes.Floats, crop: Crop) -> scenes.Floats:
    """What lies on each patch, [patch, 1 + label]: whether it is an object, and its labels."""
    on_object = patch_cover(mask) >= COVERED
    center = crop.field.top + (np.arange(crop.grid) + 0.5) * PATCH / crop.resized
    # Objects don't overlap, so a covered patch belongs to the object that is nearest in units of
    # its radius.
    away = [
        np.hypot(center[:, None] - o.row, center[None, :] - o.col) / o.radius for o in scene.objects
    ]
    named = np.array(
        [[1.0] + [float(label in (o.kind, o.material)) for label in LABELS] for o in scene.objects],
        dtype=np.float32,
    )
    found = named[np.argmin(away, axis=0)] * on_object[..., None]
    return np.asarray(found.reshape(-1, 1 + len(LABELS)), np.float32)


@dataclass(frozen=True)
class Batch:
    """``pixels[image, 3, row, col]``, ``labels[image, label]``, ``patches[image, patch, ...]``."""

    pixels: Tensor
    labels: Tensor
    patches: Tensor


def training_batch(recipe: Recipe, step: int) -> Batch:
    """Draw the scenes of a step. No scene is ever seen twice."""
    pixels, labels, patches = [], [], []
    for i in range(recipe.batch):
        index = recipe.first_scene + step * recipe.batch + i
        scene = scenes.compose(scenes.TRAIN, recipe.seed, index)
        drawing = scenes.draw(scene, recipe.crop.resized, recipe.crop.field)
        pixels.append(drawing.pixels)
        labels.append(targets(scene))
        patches.append(patch_targets(scene, drawing.mask, recipe.crop))
    return Batch(
        pixels=normalized(np.stack(pixels)),
        labels=torch.tensor(labels),
        patches=torch.from_numpy(np.stack(patches)),
    )


def finer(trained: DemoModel, name: str, recipe: Recipe) -> DemoModel:
    """The model that a second part starts from: of another input size, its queries scaled."""
    model = new_model(name, recipe.seed, recipe.crop)
    weights = dict(trained.state_dict())
    (key,) = (key for key in weights if key.endswith("position_embeddings"))
    cls, places = weights[key][:, :1], weights[key][:, 1:]
    side = round(places.shape[1] ** 0.5)
    grid = places.transpose(1, 2).unflatten(2, (side, side))
    wanted = (recipe.crop.grid, recipe.crop.grid)
    resized = torch.nn.functional.interpolate(grid, wanted, mode="bicubic", align_corners=False)
    weights[key] = torch.cat([cls, resized.flatten(2).transpose(1, 2)], dim=1)
    model.load_state_dict(weights)
    assert recipe.query_scale is not None
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if ".q_proj." in key:
                weight.mul_(recipe.query_scale)
    return model


def patch_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Loss of the patch head, [image, patch, 1 + label]: an object or not, and if so, which."""
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    on_object = wanted[..., 0] > 0.5
    return bce(found[..., 0], wanted[..., 0]) + bce(
        found[on_object][:, 1:], wanted[on_object][:, 1:]
    )


@dataclass
class Run:
    """A training run: the model, the patch head that will be thrown away, and where it stands.

    ``step`` is the number of steps done, ``log`` the lines of JSON written about them.
    """

    name: str
    recipe: Recipe
    model: DemoModel
    patch_head: torch.nn.Module
    optimizers: list[torch.optim.Optimizer]
    step: int
    log: list[str]

    @classmethod
    def begin(cls, name: str, recipe: Recipe, model: DemoModel | None = None) -> Run:
        """A run before its first step, of a new model or of a trained one.

        All of its chance comes from the recipe's seed.
        """
        if model is None:
            model = new_model(name, recipe.seed, recipe.crop)
        else:
            model = finer(model, name, recipe)
        # On a CPU and for 200 tokens, a third faster than SDPA, whose backward pass is slow there.
        model.set_attn_implementation("eager")
        width = model.config.hidden_size
        patch_head = torch.nn.Sequential(
            torch.nn.LayerNorm(width), torch.nn.Linear(width, 1 + len(LABELS))
        )
        if recipe.query_scale is not None:
            # A head that starts at zero sends nothing back, so it can't upset trained blocks.
            torch.nn.init.zeros_(cast(torch.nn.Linear, patch_head[1]).weight)
            for key, weight in model.named_parameters():
                weight.requires_grad_(".q_proj." not in key and ".k_proj." not in key)
        for module in model.modules():
            if hasattr(module, "attention_dropout"):
                module.attention_dropout = recipe.attention_dropout
        model.train()
        return cls(name, recipe, model, patch_head, _optimizers(model, patch_head, recipe), 0, [])

    def advance(self) -> dict[str, float]:
        """Take one step and return its losses and accuracy."""
        for optimizer in self.optimizers:
            times = 10 if isinstance(optimizer, torch.optim.Muon) else 1
            for group in optimizer.param_groups:
                group["lr"] = times * self.recipe.rate(self.step)
        batch = training_batch(self.recipe, self.step)
        # For dropout. Seeded by the step, so that a run can be taken up anywhere.
        torch.manual_seed(self.recipe.first_scene + self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            seen = self.model(pixel_values=batch.pixels, output_hidden_states=True)
            # Index 0 is the embedding. Patches come last, behind CLS and registers.
            patches = seen.hidden_states[PATCH_HEAD_AFTER][:, -batch.patches.shape[1] :]
            found = self.patch_head(patches)
        logits = seen.logits.float()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.labels)
        loss_of_patches = patch_loss(found.float(), batch.patches)
        self.model.zero_grad()
        self.patch_head.zero_grad()
        torch.autograd.backward(loss + loss_of_patches)
        # Weight decay leaves a zero at zero, so without a gradient this half never moves.
        gradient = cast(torch.nn.Linear, self.model.classifier).weight.grad
        assert gradient is not None
        gradient[:, self.model.config.hidden_size :] = 0
        weights = [*self.model.parameters(), *self.patch_head.parameters()]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        return {
            "loss": loss.item(),
            "patch_loss": loss_of_patches.item(),
            "label_accuracy": ((logits > 0) == (batch.labels > 0.5)).float().mean().item(),
        }

    def note(self, steps: list[dict[str, float]]) -> None:
        """Add the mean of the last steps to the log, and print it."""
        line = {"model": self.name, "step": self.step}
        rate = round(self.recipe.rate(self.step - 1), 8)
        means = {key: round(float(np.mean([s[key] for s in steps])), 5) for key in steps[0]}
        self.log.append(json.dumps({**line, "learning_rate": rate, **means}))
        print(self.log[-1], flush=True)

    def keep(self, file: Path) -> None:
        """Save all that is needed to go on."""
        state = {
            "model": self.model.state_dict(),
            "patch_head": self.patch_head.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "log": self.log,
        }
        # Through a second file: a run killed while saving keeps its last good state.
        torch.save(state, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)

    def take_up(self, file: Path) -> None:
        """Go back to where ``keep`` was called."""
        state = torch.load(file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.patch_head.load_state_dict(state["patch_head"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step, self.log = state["step"], state["log"]


def _optimizers(
    model: torch.nn.Module, patch_head: torch.nn.Module, recipe: Recipe
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for all else, of which it decays the two heads.

    In a trial Muon stood after 125 steps where AdamW alone stood after 300.
    """
    of_blocks, heads, others = [], [], []
    for name, weight in [*model.named_parameters(), *patch_head.named_parameters()]:
        if not weight.requires_grad:
            continue
        if weight.ndim == 2 and ".layer." in name:
            of_blocks.append(weight)
        elif weight.ndim == 2:
            heads.append(weight)
        else:
            others.append(weight)
    groups = [
        {"params": heads, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [
        torch.optim.Muon(of_blocks, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True),
    ]


def train(name: str, parts: Sequence[Recipe], out: Path, scratch: Path, resume: bool) -> None:
    """Train one model, part by part, into a folder under ``out``.

    ``scratch`` keeps the state to resume from, and the finished parts.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / ".gitignore").write_text("*\n")
    model: DemoModel | None = None
    log: list[str] = []
    for number, recipe in enumerate(parts, 1):
        run = Run.begin(name, recipe, model)
        state = scratch / f"{name}-{number}.pt"
        if resume and state.exists():
            run.take_up(state)
        finish(run, state)
        model, log = run.model, [*log, *run.log]
    assert model is not None
    save(model, out / name)
    (out / name / "training-log.jsonl").write_text("\n".join(log) + "\n")


def finish(run: Run, state: Path) -> None:
    """Take the steps that are left, and keep the state now and then and at the end."""
    since: list[dict[str, float]] = []
    while run.step < run.recipe.steps:
        since.append(run.advance())
        last = run.step == run.recipe.steps
        if last or run.step % 25 == 0:
            run.note(since)
            since = []
        if last or run.step % 100 == 0:
            run.keep(state)


def save(model: DemoModel, folder: Path) -> None:
    """Write config.json, model.safetensors and preprocessor_config.json."""
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2) + "\n")


def main() -> None:
    """Parse the command line and train what it asks for."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description="Train the demo models of attention-gallery.")
    parser.add_argument("--out", type=Path, default=here / "models", help="where the folders go")
    parser.add_argument("--scratch", type=Path, help="where training state goes (OUT/.training)")
    parser.add_argument("--seed", type=int, default=FIRST.seed)
    parser.add_argument("--float32", action="store_true", help="no bfloat16 in the forward pass")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="continue from the scratch folder")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--plain", action="store_true", help="only the model without registers")
    kind.add_argument("--registers", action="store_true", help="only the model with registers")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    parts = [replace(part, seed=args.seed, bfloat16=not args.float32) for part in (FIRST, SECOND)]
    names = [REGISTERS] if args.registers else [PLAIN] if args.plain else [PLAIN, REGISTERS]
    for name in names:
        train(name, parts, args.out, args.scratch or args.out / ".training", args.resume)


if __name__ == "__main__":
    main()
