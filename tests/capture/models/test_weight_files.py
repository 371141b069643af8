"""Files of weights: in parts with an index, under other names, beside own code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generator.capture.loaders.resolve import resolve_folder
from generator.errors import ModelError
from tests.capture.models.checkpoints import WIDTH, built, configured, refusal
from tests.capture.ready import ready


def parts(folder: Path) -> Path:
    """Save the weights of a folder in two parts with an index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    places = {}
    for number, some in enumerate((names[::2], names[1::2]), 1):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file({name: weights[name] for name in some}, folder / file)
        places |= dict.fromkeys(some, file)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def reindexed(folder: Path, change: Callable[[dict[str, str]], None]) -> Path:
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    change(index["weight_map"])
    path.write_text(json.dumps(index))
    return folder


def test_parts_give_what_one_file_gives(
    saved: Callable[[str], Path], copy: Callable[[str], Path]
) -> None:
    one, two = ready(saved("dinov2")), ready(parts(copy("dinov2")))
    for mine, own in zip(one.network.parameters(), two.network.parameters(), strict=True):
        torch.testing.assert_close(mine, own)


def test_index_that_points_out_of_its_folder(copy: Callable[[str], Path]) -> None:
    folder = parts(copy("dinov2"))
    reindexed(folder, lambda places: places.update({"layernorm.bias": "../../V/model.safetensors"}))
    assert refusal(folder) == (
        "model.safetensors.index.json of mine names '../../V/model.safetensors', which is not a "
        "file of its folder. Put the weights into the folder, and correct the name."
    )


def test_part_that_is_not_there(copy: Callable[[str], Path]) -> None:
    folder = parts(copy("dinov2"))
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert refusal(folder) == (
        "model.safetensors.index.json of mine names model-00002-of-00002.safetensors, which is not "
        "there. Copy or download it, or save the model again."
    )


@pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_index_without_a_map(index: str, copy: Callable[[str], Path]) -> None:
    folder = parts(copy("dinov2"))
    (folder / "model.safetensors.index.json").write_text(index)
    assert refusal(folder) == (
        "model.safetensors.index.json of mine has no weight_map: which tensor is in which file. "
        "Download or save the model again."
    )


def test_tensor_in_two_parts(copy: Callable[[str], Path]) -> None:
    folder = parts(copy("dinov2"))
    second = folder / "model-00002-of-00002.safetensors"
    save_file(load_file(second) | {"embeddings.cls_token": torch.ones(1, 1, WIDTH)}, second)
    assert refusal(folder) == (
        "Two files of mine hold the tensor embeddings.cls_token; model-00002-of-00002.safetensors "
        "is the second. Download or save the model again, into an empty folder."
    )


def test_index_decides_the_version_and_stale_files_do_not(copy: Callable[[str], Path]) -> None:
    folder = parts(copy("dinov2"))
    before = resolve_folder(folder)
    shutil.copy(folder / "model-00001-of-00002.safetensors", folder / "model.fp16.safetensors")
    stale = resolve_folder(folder)
    assert stale.version == before.version
    assert stale.weights is not None and stale.weights.ignored == ("model.fp16.safetensors",)
    reindexed(folder, lambda places: places.update(more="model-00001-of-00002.safetensors"))
    assert resolve_folder(folder).version != before.version


def test_single_file_goes_before_a_stale_index(copy: Callable[[str], Path]) -> None:
    folder = copy("dinov2")
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"x": "gone"}}')
    assert built(folder).unused == ()


def test_file_that_the_config_names_is_read_and_counts(copy: Callable[[str], Path]) -> None:
    folder = configured(copy("dinov2"), transformers_weights="own.safetensors")
    assert refusal(folder) == (
        "transformers_weights of config.json of mine names own.safetensors, which is not there. "
        "Copy or download it, or save the model again."
    )
    shutil.copy(folder / "model.safetensors", folder / "own.safetensors")
    before = resolve_folder(folder)
    assert before.weights is not None and before.weights.ignored == ("model.safetensors",)
    edited_own = load_file(folder / "own.safetensors") | {"pooler.x": torch.ones(2)}
    save_file(edited_own, folder / "own.safetensors")
    assert resolve_folder(folder).version != before.version
    assert built(folder).unused == ("pooler.x: pooling behind the blocks, which is not run",)


@pytest.mark.parametrize("name", ["model.fp16.safetensors", "weights.safetensors"])
def test_weights_under_another_name(name: str, copy: Callable[[str], Path]) -> None:
    folder = copy("dinov2")
    (folder / "model.safetensors").rename(folder / name)
    assert refusal(folder) == (
        f"The folder mine has no model.safetensors, only {name}. Rename the weights that are meant "
        "to model.safetensors, or save them with save_pretrained()."
    )


def test_own_code_that_is_trusted_decides_the_version(copy: Callable[[str], Path]) -> None:
    folder = configured(
        copy("dinov2"), model_type="homemade", auto_map={"AutoModel": "own.OwnModel"}
    )
    (folder / "parts").mkdir()
    for file in (folder / "own.py", folder / "parts" / "inner.py"):
        file.write_text("x = 1\n")
        before = resolve_folder(folder, trust_remote_code=True).version
        file.write_text("x = 2\n")
        assert resolve_folder(folder, trust_remote_code=True).version != before


@pytest.mark.parametrize(
    "named",
    [
        {"AutoConfig": "own.Config", "AutoModel": "other/place--own.Model"},
        {"AutoModel": ["other/place--own.Model", None]},
    ],
)
def test_code_of_another_repository_is_refused(
    named: dict[str, object], copy: Callable[[str], Path]
) -> None:
    folder = configured(copy("dinov2"), auto_map=named)
    with pytest.raises(ModelError) as caught:
        resolve_folder(folder, trust_remote_code=True)
    assert str(caught.value) == (
        "auto_map in config.json of mine names code of another repository, other/place, which may "
        "change while this checkpoint stays the same. Copy that code into a copy of the "
        "checkpoint, and take other/place-- out of its auto_map."
    )
    resolve_folder(folder)  # not trusted: the family is known, so its code is not needed
