"""Vision transformers trained on pictures that are not square."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from tests.capture.families import CLS, REGISTERS, Family
from tests.capture.loaders.test_towers import captured, pixels
from tests.capture.ready import ready

OBLONG = {"image_size": [64, 96]}
OWN = (4, 6)
FAMILIES = [
    Family("vit", "ViTConfig", "ViTModel", CLS, OBLONG),
    Family("deit", "DeiTConfig", "DeiTModel", ("CLS", "DIST"), OBLONG),
    Family("dinov2", "Dinov2Config", "Dinov2Model", CLS, OBLONG),
    Family(
        *("registers", "Dinov2WithRegistersConfig", "Dinov2WithRegistersModel", CLS + REGISTERS),
        OBLONG,
    ),
    Family("ijepa", "IJepaConfig", "IJepaModel", (), OBLONG),
]


def of_another_size(folder: Path, target: Path, grid: tuple[int, int]) -> Path:
    """The same checkpoint for another picture: its table of positions is resized by hand."""
    config = json.loads((folder / "config.json").read_text())
    config["image_size"] = [16 * grid[0], 16 * grid[1]]
    weights = load_file(folder / "model.safetensors")
    (name,) = (name for name in weights if name.endswith("position_embeddings"))
    table = weights[name]
    first = table.shape[1] - OWN[0] * OWN[1]
    patches = table[:, first:].reshape(1, *OWN, -1).permute(0, 3, 1, 2)
    resized = functional.interpolate(patches, grid, mode="bicubic", align_corners=False)
    resized = resized.permute(0, 2, 3, 1).reshape(1, grid[0] * grid[1], -1)
    target.mkdir()
    save_file(
        {**weights, name: torch.cat([table[:, :first], resized], dim=1)},
        target / "model.safetensors",
        {"format": "pt"},
    )
    (target / "config.json").write_text(json.dumps(config))
    return target


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_grid_equals_a_model_made_for_it(family: Family, tmp_path: Path) -> None:
    folder = family.save(tmp_path / "own")
    model = ready(folder)
    for grid in (OWN, (4, 4), (7, 5)):
        layout, seen = captured(model, pixels(grid))
        assert (layout.prefix, layout.rows, layout.cols) == (family.prefix, *grid)
        made = folder
        if grid != OWN:
            made = of_another_size(folder, tmp_path / f"{grid[0]}x{grid[1]}", grid)
        with torch.no_grad():
            output: Any = ready(made, attention="eager").network(
                pixels(grid), output_attentions=True
            )
        own = torch.stack(output.attentions)[:, 0]
        torch.testing.assert_close(seen, own, atol=1e-5, rtol=0)
