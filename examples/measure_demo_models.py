"""Measure the demo models on held-out scenes; write models/figures.json and the READMEs' tables.

    python examples/measure_demo_models.py

The scenes come from a stream of seeds that training never draws from. They are drawn at 448 px and
then resized and cropped with Pillow as preprocessor_config.json says, which is what happens to a
picture in a gallery; training drew its scenes directly at the model's input size.

Attention is read off the eager implementation, all of it, as an independent check of faster ways to
get at it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scenes
import torch
from numpy.typing import NDArray
from PIL import Image
from plant_artifacts import PLANTED
from train_demo_models import (
    COVERED,
    FINE,
    LABELS,
    PLAIN,
    REGISTERS,
    DemoModel,
    new_model,
    normalized,
    patch_cover,
    targets,
)
from transformers import AutoModelForImageClassification

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class HeldOut:
    """Scenes as a model sees them, and the truth about them.

    ``pixels[image, row, col, 3]`` uint8, ``targets[image, label]`` 0 or 1, and ``cover[image,
    patch]``, the share of the patch that objects cover.
    """

    pixels: NDArray[np.uint8]
    targets: Floats
    cover: Floats


@dataclass(frozen=True)
class Seen:
    """What a model made of images.

    ``logits[image, label]``, and the CLS row of each attention matrix, ``row[layer, image, head,
    key]``, of which the first ``prefix`` keys are CLS and the registers. ``norms[image, layer + 1,
    patch]`` of the residual stream.
    """

    logits: Floats
    row: Floats
    norms: Floats
    prefix: int


def held_out(count: int, seed: int) -> HeldOut:
    """Scenes that no training step has drawn."""
    drawn = [scenes.compose(scenes.HELD_OUT, seed, i) for i in range(count)]
    cover = [patch_cover(scenes.draw(scene, FINE.resized, FINE.field).mask) for scene in drawn]
    return HeldOut(
        pixels=np.stack([model_input(scenes.draw(scene, 448).pixels) for scene in drawn]),
        targets=np.array([targets(scene) for scene in drawn], np.float32),
        cover=np.stack(cover).reshape(count, -1),
    )


def model_input(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Short side to 144 px, bicubic, then the middle 128 px: uint8 [row, col, 3] in and out."""
    picture = Image.fromarray(pixels)
    factor = FINE.resized / min(picture.size)
    width, height = (round(side * factor) for side in picture.size)
    left, top = (width - FINE.size) // 2, (height - FINE.size) // 2
    resized = picture.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + FINE.size, top + FINE.size)))


def look(model: DemoModel, pixels: NDArray[np.uint8], batch: int = 50) -> Seen:
    """Run the model and keep the CLS row of every layer and head."""
    model.train(False)
    model.set_attn_implementation("eager")
    config = model.config
    prefix = 1 + getattr(config, "num_register_tokens", 0)
    logits, rows, norms = [], [], []
    with torch.no_grad():
        for start in range(0, len(pixels), batch):
            out = model(
                pixel_values=normalized(pixels[start : start + batch]),
                output_attentions=True,
                output_hidden_states=True,
            )
            if out.attentions is None or len(out.attentions) != config.num_hidden_layers:
                raise RuntimeError(
                    f"expected {config.num_hidden_layers} attention matrices, got {out.attentions}"
                )
            logits.append(out.logits.numpy())
            rows.append(torch.stack([a[:, :, 0, :] for a in out.attentions]).numpy())
            streams = torch.stack(out.hidden_states, dim=1)[:, :, prefix:]
            norms.append(streams.norm(dim=-1).numpy())
    row = np.concatenate(rows, axis=1)
    patches = FINE.grid**2
    if row.shape[-1] != prefix + patches:
        raise RuntimeError(f"expected {prefix} + {patches} tokens, got {row.shape[-1]}")
    return Seen(np.concatenate(logits), row, np.concatenate(norms), prefix)


# ------------------------------------------------------------------------------------------ figures


def task_figures(logits: Floats, wanted: Floats) -> dict[str, Any]:
    """How well the labels are told: all of them, shapes and materials alone, and one by one."""
    right = (logits > 0) == (wanted > 0.5)
    precision = {
        label: _average_precision(logits[:, k], wanted[:, k]) for k, label in enumerate(LABELS)
    }
    groups = {"": LABELS, "shapes_": scenes.SHAPES, "materials_": scenes.MATERIALS}
    figures: dict[str, Any] = {}
    for prefix, labels in groups.items():
        columns = [LABELS.index(label) for label in labels]
        figures |= {
            f"{prefix}label_accuracy": _round(right[:, columns].mean()),
            f"{prefix}exact_match": _round(right[:, columns].all(1).mean()),
            f"{prefix}macro_f1": _round(
                np.mean([_f1(logits[:, k], wanted[:, k]) for k in columns])
            ),
            f"{prefix}mean_average_precision": _round(np.mean([precision[x] for x in labels])),
        }
    figures["average_precision"] = {label: _round(value) for label, value in precision.items()}
    return figures


def _f1(scores: Floats, wanted: Floats) -> float:
    hits = float(((scores > 0) & (wanted > 0.5)).sum())
    return 2 * hits / max(float((scores > 0).sum() + wanted.sum()), 1.0)


def _average_precision(scores: Floats, wanted: Floats) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(wanted[order])
    # Equal scores are one threshold, so that a constant answer gets the share of the label.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    gained = np.diff(hits[ends], prepend=0)
    return float((gained * hits[ends] / (ends + 1)).sum() / hits[-1])


def object_share(seen: Seen, cover: Floats) -> Floats:
    """Share of CLS attention on object patches over their share of the area, [layer, head].

    Of the CLS row only the patch part counts, renormalized to 1 for each image, layer and head.
    1 is what attention gets that does not look. Shares are averaged over images before they are
    divided, so that a scene with a tiny object does not decide the mean.
    """
    on_object = cover >= COVERED
    patch_part = seen.row[..., seen.prefix :]
    patch_part = patch_part / patch_part.sum(-1, keepdims=True)
    share = np.einsum("lihp,ip->lh", patch_part, on_object.astype(np.float32)) / len(cover)
    return np.asarray(share / on_object.mean(), np.float32)


def attention_figures(seen: Seen, cover: Floats) -> dict[str, Any]:
    """Times the area share, by layer and head, and where the mass of the CLS row goes, by layer."""
    times = object_share(seen, cover)
    # The mean over heads of a map is renormalized per head first: each head has the same say.
    by_layer = times.mean(1)
    best = int(by_layer.argmax())
    layer, head = np.unravel_index(int(times.argmax()), times.shape)
    mass = seen.row.mean(axis=(1, 2))
    names = ["CLS", *(f"reg{k}" for k in range(1, seen.prefix))]
    return {
        "object_attention_times_area": {
            "last_layer": _round(by_layer[-1]),
            "best_layer": {"layer": best + 1, "times": _round(by_layer[best])},
            "best_head": {
                "layer": int(layer) + 1,
                "head": int(head) + 1,
                "times": _round(times.max()),
            },
            "by_layer": [_round(value) for value in by_layer],
            "by_layer_and_head": [[_round(value) for value in heads] for heads in times],
        },
        "cls_row_mass_by_layer": [
            {
                **{name: _round(mass[at, token]) for token, name in enumerate(names)},
                "patches": _round(mass[at, seen.prefix :].sum()),
            }
            for at in range(len(mass))
        ],
    }


def outlier_figures(seen: Seen) -> dict[str, Any]:
    """Patches with more than three times the median norm, after the layer with the largest ratio.

    ``by_layer`` is the largest norm over the median one, mean over scenes, from the embedding on;
    ``patches`` is a mean over scenes, and ``cls_attention`` the share of CLS attention that they
    draw in each layer, mean over heads and over the scenes that have any.
    """
    ratio = seen.norms / np.median(seen.norms, axis=2, keepdims=True)
    largest = ratio.max(2).mean(0)
    layer = int(largest.argmax())
    outliers = ratio[:, layer] > 3
    some = outliers.any(1)
    drawn = np.einsum("lihp,ip->li", seen.row[..., seen.prefix :], outliers.astype(np.float32))
    drawn = drawn[:, some].mean(1) / seen.row.shape[2] if some.any() else np.zeros(len(drawn))
    return {
        "largest_norm_by_layer": [_round(value) for value in largest],
        "layer": layer,
        "patches": _round(outliers.sum(1).mean()),
        "scenes_with_any": _round(some.mean()),
        "cls_attention_by_layer": [_round(value) for value in drawn],
    }


def majority_figures(wanted: Floats) -> dict[str, Any]:
    """The figures of an answer that never looks: each label as most held-out scenes have it."""
    always = np.repeat(np.where(wanted.mean(0) > 0.5, 1.0, -1.0)[None], len(wanted), 0)
    return task_figures(np.asarray(always, np.float32), wanted)


def _round(value: Any) -> float:
    return round(float(value), 4)


def measure(models: Path, count: int, seed: int) -> dict[str, Any]:
    """All figures: of both models trained and untrained, and of the one with planted artifacts."""
    scenes_held_out = held_out(count, seed)
    area = float((scenes_held_out.cover >= COVERED).mean())
    figures: dict[str, Any] = {
        "scenes": count,
        "seed": seed,
        "labels": list(LABELS),
        "object_patch": f"a patch of which objects cover at least {COVERED:.0%}",
        "object_area_share": _round(area),
        "ceiling_times_area": _round(1 / area),
        "majority": majority_figures(scenes_held_out.targets),
        "models": {},
    }
    for name, state in (
        (PLAIN, "trained"),
        (PLAIN, "untrained"),
        (REGISTERS, "trained"),
        (REGISTERS, "untrained"),
        (PLANTED, "edited"),
    ):
        model = (
            new_model(name, seed=0)
            if state == "untrained"
            else AutoModelForImageClassification.from_pretrained(models / name)
        )
        seen = look(model, scenes_held_out.pixels)
        figures["models"].setdefault(name, {})[state] = {
            "task": task_figures(seen.logits, scenes_held_out.targets),
            **attention_figures(seen, scenes_held_out.cover),
            "outliers": outlier_figures(seen),
        }
    return figures


# ------------------------------------------------------------------------------------------- tables


TASK_ROWS = (
    ("shapes: labels right", "shapes_label_accuracy", ".1%"),
    ("shapes: all 8 right", "shapes_exact_match", ".1%"),
    ("shapes: mean average precision", "shapes_mean_average_precision", ".3f"),
    ("shapes: mean F1", "shapes_macro_f1", ".3f"),
    ("materials: labels right", "materials_label_accuracy", ".1%"),
    ("materials: all 6 right", "materials_exact_match", ".1%"),
    ("materials: mean average precision", "materials_mean_average_precision", ".3f"),
    ("materials: mean F1", "materials_macro_f1", ".3f"),
)


def table(figures: dict[str, Any]) -> str:
    """The main figures as a table in Markdown, a column for each model and state."""
    columns = [(name, state) for name in figures["models"] for state in figures["models"][name]]
    cells = [figures["models"][name][state] for name, state in columns]
    attention = [cell["object_attention_times_area"] for cell in cells]
    majority = figures["majority"]
    rows = [
        ["", *(f"{name}, {state}" for name, state in columns), "majority answer"],
        ["---", *("---:" for _ in columns), "---:"],
    ]
    for label, key, form in TASK_ROWS:
        shares = [cell["task"][key] for cell in (*cells, {"task": majority})]
        rows.append([label, *(format(share, form) for share in shares)])
    for label, texts in (
        ("CLS attention on objects, last layer", [f"{a['last_layer']:.2f}x" for a in attention]),
        (
            "the same, best layer",
            [
                f"{a['best_layer']['times']:.2f}x (layer {a['best_layer']['layer']})"
                for a in attention
            ],
        ),
        (
            "the same, best head",
            [
                f"{b['times']:.2f}x (layer {b['layer']}, head {b['head']})"
                for b in (a["best_head"] for a in attention)
            ],
        ),
    ):
        rows.append([label, *texts, ""])
    outliers = [cell["outliers"] for cell in cells]
    for label, texts in (
        (
            "largest norm of a patch, times the median",
            [f"{o['largest_norm_by_layer'][o['layer']]:.1f}x" for o in outliers],
        ),
        ("outlier patches a scene", [f"{o['patches']:.1f}" for o in outliers]),
    ):
        rows.append([label, *texts, ""])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def mass_table(model: dict[str, Any]) -> str:
    """Where the mass of the CLS row goes in a model, a row for each layer, in Markdown."""
    layers = model["cls_row_mass_by_layer"]
    times = model["object_attention_times_area"]["by_layer"]
    drawn = model["outliers"]["cls_attention_by_layer"]
    rows = [
        ["layer", *layers[0], "of that, outliers", "patches on objects"],
        ["---:"] * (len(layers[0]) + 3),
    ]
    for at, layer in enumerate(layers):
        shares = (f"{share:.1%}" for share in layer.values())
        rows.append([str(at + 1), *shares, f"{drawn[at]:.1%}", f"{times[at]:.2f}x"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def renew(readme: Path, text: str) -> None:
    """Put the text between the two marks of a README."""
    before, _, rest = readme.read_text().partition("<!-- figures -->\n")
    _, mark, after = rest.partition("<!-- /figures -->\n")
    if not mark:
        raise RuntimeError(f"expected <!-- figures --> ... <!-- /figures --> in {readme.name}")
    readme.write_text(f"{before}<!-- figures -->\n{text}\n{mark}{after}")


def main() -> None:
    """Parse the command line, measure and write."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description="Measure the demo models on held-out scenes.")
    parser.add_argument("--models", type=Path, default=here / "models")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    figures = measure(args.models, args.count, args.seed)
    (args.models / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    renew(args.models / "README.md", table(figures))
    for name, states in figures["models"].items():
        only = {**figures, "models": {name: states}}
        text = f"{table(only)}\n\n{mass_table(next(iter(states.values())))}"
        renew(args.models / name / "README.md", text)
    print(table(figures))


if __name__ == "__main__":
    main()
