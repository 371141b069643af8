"""What is seen of a model without an image, family by family."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from generator.capture.checkpoint.families import FIXED, RELATIVE, ROTARY
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.models.load import LoadedModel, load
from generator.capture.models.weights import filter_components, reduce_weights
from tests.capture.families import FAMILIES
from tests.capture.windowed import WINDOWED

CPU = torch.device("cpu")
WITHOUT = {
    "dinov3": ROTARY,
    "mlcd": ROTARY,
    "mae": FIXED,
    "aimv2 native": FIXED,
    "beit": RELATIVE,
    "beit shared bias": RELATIVE,
    "data2vec": RELATIVE,
}
PREFIX = {"deit": 2, "deit distilled": 2, "pixio": 8, "radio": 0, "ijepa": 0, "aimv2": 0}
"""Entries in front of the patches', as the checkpoint has them; SigLIP has none, others a CLS."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[LoadedModel, Path]]:
    root = tmp_path_factory.mktemp("weights")

    @cache
    def model(name: str) -> tuple[LoadedModel, Path]:
        family = next(f for f in FAMILIES if f.name == name)
        folder = family.save(root / name.replace(" ", "-"))
        return load(resolve_folder(folder), device=CPU, dtype=torch.float32), folder

    return model


def saved(folder: Path, *endings: str, without: str = "decoder") -> np.ndarray:
    """The one tensor of a checkpoint whose name ends so."""
    found = [
        tensor
        for name, tensor in load_file(folder / "model.safetensors").items()
        if name.endswith(endings) and without not in name and "text" not in name
    ]
    assert len(found) == 1
    return found[0].double().numpy()


@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_position_embeddings_are_the_patches_alone(
    name: str, models: Callable[[str], tuple[LoadedModel, Path]]
) -> None:
    model, folder = models(name)
    weights = reduce_weights(model, "k" * 64)
    assert (weights.key, weights.model) == ("k" * 64, model.facts.id)
    if name in WITHOUT:
        assert weights.position is None
        assert (weights.position_grid, weights.position_note) == ((0, 0), WITHOUT[name])
        return
    side = 8 if name in ("dino", "radio") else 4
    assert (weights.position_grid, weights.position_note) == ((side, side), "")
    names = ("position_embeddings", "position_embedding", "position_embedding.weight")
    table = saved(folder, *names, "pos_embed")
    prefix = PREFIX.get(name, 0 if name.startswith("siglip") else 1)
    expected = table.reshape(-1, 32)[prefix:]
    assert weights.position is not None and weights.position.shape == (side * side, 32)
    np.testing.assert_allclose(weights.position, expected, rtol=1e-6)


@pytest.mark.value_of("patch-filters")
@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_filters_are_principal_components_of_the_patch_embedding(
    name: str, models: Callable[[str], tuple[LoadedModel, Path]]
) -> None:
    """They reproduce the spread of a patch's embedding, as numpy's covariance has it."""
    model, folder = models(name)
    weights = reduce_weights(model, "k" * 64)
    patch = 8 if name == "dino" else 16
    raw = saved(
        folder,
        *("patch_embeddings.projection.weight", "patch_embeddings.weight", "patch_embed.weight"),
        *("patch_embedding.weight", "patch_generator.embedder.weight", "patch_embed.proj.weight"),
    )
    if name == "siglip 2":  # its linear map takes a patch row by row, colors last
        raw = raw.reshape(32, patch, patch, 3).transpose(0, 3, 1, 2)
    raw = raw.reshape(32, 3 * patch * patch)
    flat = weights.filters.reshape(len(weights.filters), -1).astype(np.float64)
    assert weights.filters.shape == (28, 3, patch, patch)
    np.testing.assert_allclose(flat @ flat.T, np.eye(28), atol=1e-5)
    covariance = np.cov(raw, rowvar=False)
    variance = (flat @ covariance * flat).sum(1) / np.trace(covariance)
    np.testing.assert_allclose(weights.spectrum[:28], variance, rtol=1e-4)
    np.testing.assert_allclose(
        flat @ covariance, variance[:, None] * np.trace(covariance) * flat, atol=1e-4
    )
    assert weights.spectrum.shape == (32,)
    assert weights.spectrum.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(weights.spectrum) <= 1e-7).all()
    assert (flat[np.arange(28), np.abs(flat).argmax(1)] > 0).all(), "one sign by convention"


def test_a_filter_bank_of_one_pattern_has_one_component() -> None:
    pattern = torch.zeros(3, 2, 2)
    pattern[1, 0, 1] = -2.0
    bank = torch.stack([pattern * strength for strength in (-1.0, 0.0, 3.0)])
    filters, spectrum = filter_components(bank)
    np.testing.assert_allclose(filters[0], -pattern.numpy() / 2, atol=1e-7)
    np.testing.assert_allclose(spectrum, [1, 0, 0], atol=1e-7)


def test_a_network_without_a_known_patch_embedding_has_no_filters() -> None:
    filters, spectrum = filter_components(None)
    assert (len(filters), len(spectrum)) == (0, 0)


def test_the_embedding_of_a_cls_that_only_pretraining_had_is_skipped(tmp_path: Path) -> None:
    folder = next(f for f in WINDOWED if f.name == "ViTDet").save(tmp_path / "vitdet")
    model = load(resolve_folder(folder), device=CPU, dtype=torch.float32)
    weights = reduce_weights(model, "k" * 64)
    table = saved(folder, "position_embeddings").reshape(-1, 32)
    assert (weights.position_grid, weights.position_note, len(table)) == ((14, 14), "", 197)
    assert weights.position is not None
    np.testing.assert_allclose(weights.position, table[1:], rtol=1e-6)
