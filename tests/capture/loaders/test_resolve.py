"""From a folder to a model that is known, or to one line that says why not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import transformers

from generator.capture.checkpoint.resolved import ResolvedModel
from generator.capture.loaders.resolve import resolve_folder
from generator.capture.loaders.state_dict import resolve_file
from generator.errors import ModelError, UnsupportedModelError
from tests.capture.families import FAMILIES


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    family = next(family for family in FAMILIES if family.name == "dinov2 with registers")
    return family.save(tmp_path_factory.mktemp("resolve") / "registers")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of a good checkpoint, to be spoilt."""
    return shutil.copytree(saved, tmp_path / "my model")


def change(folder: Path, file: str = "config.json", **keys: Any) -> Path:
    """Set keys of a JSON file of a folder; None removes one."""
    path = folder / file
    values = json.loads(path.read_text()) | keys
    path.write_text(json.dumps({key: v for key, v in values.items() if v is not None}))
    return folder


def message(folder: Path, kind: type[ModelError] = ModelError) -> str:
    with pytest.raises(kind) as caught:
        resolve_folder(folder)
    return str(caught.value)


def test_facts_of_a_folder(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# mine\n")
    found = resolve_folder(folder)
    assert (found.id, found.source, found.license) == ("my model", "folder", "cc-by-4.0")
    assert (found.revision, found.commit) == ("", "")
    assert found.version == found.weights_sha256 and len(found.version) == 64
    assert found.vision.prefix == ("CLS", "reg1", "reg2", "reg3", "reg4")
    assert (found.vision.layers, found.vision.heads, found.vision.width) == (3, 4, 32)
    assert found.processor.declared and found.processor.mean == (0.5, 0.4, 0.3)


@pytest.mark.parametrize(
    ("card", "license"),
    [
        ("---\nlicense: [mit, apache-2.0]\n---\n", "mit, apache-2.0"),
        ("---\nlicense: other\nlicense_name: dinov3-license\n---\n", "dinov3-license"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\ntags: [x]\n---\n", ""),
        ("no front matter", ""),
        ("---\n{: broken\n---\n", ""),
    ],
)
def test_license_as_the_card_states_it(folder: Path, card: str, license: str) -> None:
    (folder / "README.md").write_text(card)
    assert resolve_folder(folder).license == license


def test_copy_under_another_name_is_the_same_weights(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    assert resolve_folder(copy).version == resolve_folder(folder).version


@pytest.mark.parametrize(
    "file",
    ["model.safetensors", "config.json", "preprocessor_config.json", "processor_config.json"],
)
def test_version_changes_with_every_file_that_decides_the_record(folder: Path, file: str) -> None:
    (folder / "processor_config.json").write_text("{}")
    before = resolve_folder(folder).version
    with (folder / file).open("ab") as stream:
        stream.write(b"\n")
    assert resolve_folder(folder).version != before


def test_processor_config_is_read_first_as_transformers_does(folder: Path, tmp_path: Path) -> None:
    """A processor of transformers 5 saves all its parts into one file."""
    own = transformers.SiglipImageProcessorPil(size={"height": 48, "width": 48}, resample=2)
    parts = {"image_processor": own.to_dict(), "processor_class": "SiglipProcessor"}
    (folder / "processor_config.json").write_text(json.dumps(parts))
    found = resolve_folder(folder).processor
    theirs = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    assert found.mean == tuple(theirs.image_mean) == (0.5, 0.5, 0.5)
    assert (found.height, found.resample, found.declared) == (48, 2, True)
    (folder / "preprocessor_config.json").unlink()
    assert resolve_folder(folder).processor == found


def test_processor_config_without_an_image_processor_leaves_it_to_the_other_file(
    folder: Path,
) -> None:
    parts = {"processor_class": "LlavaProcessor", "video_processor": {"image_mean": [0, 0, 0]}}
    (folder / "processor_config.json").write_text(json.dumps(parts))
    assert resolve_folder(folder).processor.mean == (0.5, 0.4, 0.3)
    (folder / "preprocessor_config.json").unlink()
    assert resolve_folder(folder).processor.assumed == (
        "no preprocessing is declared: the values that the published DINOv2 checkpoints declare "
        "were assumed"
    )


def test_processor_config_that_makes_no_sense_is_named(folder: Path) -> None:
    file = folder / "processor_config.json"
    file.write_text(json.dumps({"image_processor": [1]}))
    assert message(folder) == (
        "image_processor in processor_config.json of my model is list, an object was expected. "
        "Download or save the model again."
    )
    file.write_text(json.dumps({"image_processor": {"size": "large"}}))
    assert message(folder) == (
        "my model asks for size 'large' in processor_config.json; a number, height and width, or "
        "shortest_edge was expected. Correct the file."
    )


@pytest.mark.parametrize("file", ["processor_config.json", "preprocessor_config.json"])
def test_link_to_preprocessing_that_is_gone_is_no_missing_file(folder: Path, file: str) -> None:
    (folder / file).unlink(missing_ok=True)
    (folder / file).symlink_to("../../blobs/0123")
    assert message(folder) == (
        f"{file} of my model cannot be read: No such file or directory. "
        "Check the file and its permissions."
    )


def test_folder_without_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert message(folder) == (
        "The folder my model has no config.json, so it is not a transformers checkpoint. "
        "Save the model with save_pretrained() and name that folder."
    )


def test_a_folder_of_models_names_them(folder: Path) -> None:
    for number in range(7):
        shutil.copytree(folder, folder.parent / "runs" / f"step-{number}")
    assert message(folder.parent / "runs") == (
        "The folder runs has no config.json, so it is not a transformers checkpoint. "
        f"The folder {folder.parent}/runs holds these models: step-0, step-1, step-2, step-3, "
        "step-4 and 2 more."
    )


def test_a_file_of_a_folder_names_the_folder(folder: Path) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_file(folder / "model.safetensors")
    assert str(caught.value).endswith(f"Name its folder, {folder}, which has a config.json.")


def test_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert message(folder) == (
        "The folder my model has no *.safetensors weights. "
        "Save the model with save_pretrained(), which writes safetensors."
    )


def test_link_to_weights_that_are_gone(folder: Path) -> None:
    """As in a snapshot of the hub library's cache that was copied without what it points to."""
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("../../blobs/0123")
    assert message(folder) == (
        "model.safetensors of my model cannot be read: No such file or directory. "
        "Check the file and its permissions."
    )


def test_weights_that_were_cloned_without_lfs(folder: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 260456\n"
    (folder / "model.safetensors").write_text(pointer)
    assert message(folder) == (
        "model.safetensors of my model is a Git LFS pointer, not the weights themselves. "
        "Run git lfs pull in the folder."
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("", "cannot be read: Expecting value: line 1 column 1 (char 0)"),
        ("3", "holds int, an object was expected."),
    ],
)
@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_file_that_is_no_json_object(folder: Path, file: str, text: str, reason: str) -> None:
    (folder / file).write_text(text)
    line = message(folder)
    assert line.startswith(f"{file} of my model {reason}")
    assert line.endswith(". Download or save the model again.")


@pytest.mark.parametrize(
    ("model_type", "why"),
    [
        ("swin", "attends within windows and pools its tokens"),
        ("swinv2", "attends within windows and pools its tokens"),
        ("hiera", "attends within windows and pools its tokens"),
        ("pvt_v2", "pools the keys of its attention"),
        ("segformer", "pools the keys of its attention"),
        ("convnextv2", "is convolutional"),
        ("dinov3_convnext", "is convolutional"),
        ("resnet", "is convolutional"),
        ("vivit", "attends over several frames"),
        ("sam2_hiera_det_model", "attends within windows and pools its tokens"),
        (
            "rf_detr_dinov2",
            "cuts the picture into windows, each a sequence of its own, in most of its layers",
        ),
        ("groupvit_vision_model", "groups its patches between its blocks"),
    ],
)
def test_refused_architectures_need_no_weights(tmp_path: Path, model_type: str, why: str) -> None:
    config = transformers.AutoConfig.for_model(model_type).to_json_string()
    (tmp_path / "config.json").write_text(config)
    assert message(tmp_path, UnsupportedModelError) == (
        f"{tmp_path.name} is a {model_type} model, which {why}: it has no attention map over the "
        "whole picture. Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, "
        "SigLIP, ...)."
    )


NAMED = {"xclip": "xclip_vision_model"}
"""By the config of their vision transformer."""


@pytest.mark.parametrize(
    ("model_type", "why"),
    [
        ("audio-spectrogram-transformer", "reads sound, not pictures"),
        (
            "vilt",
            "reads words and patches as one sequence, so that its attention depends on a text",
        ),
        ("xclip", "exchanges messages between the frames of a clip within each of its blocks"),
        ("vitmatte", "reads a picture together with a map of its foreground"),
    ],
)
def test_models_of_more_than_a_picture_are_refused(
    tmp_path: Path, model_type: str, why: str
) -> None:
    config = transformers.AutoConfig.for_model(model_type).to_json_string()
    (tmp_path / "config.json").write_text(config)
    assert message(tmp_path, UnsupportedModelError) == (
        f"{tmp_path.name} is a {NAMED.get(model_type, model_type)} model, which {why}. Use a "
        "vision transformer that reads pictures alone."
    )


def test_language_model_is_refused(tmp_path: Path) -> None:
    config = transformers.AutoConfig.for_model("bert").to_json_string()
    (tmp_path / "config.json").write_text(config)
    assert message(tmp_path, UnsupportedModelError) == (
        f"{tmp_path.name} is a bert model without a patch size in its config: it is not a vision "
        "transformer. Use a plain vision transformer (ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP, "
        "...)."
    )


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {"model_type": None},
            "my model has a config.json without model_type, so its architecture is unknown. "
            "Use a checkpoint in the transformers format.",
        ),
        (
            {"patch_size": [2, 16, 16]},
            "my model has patch_size = [2, 16, 16] in its config; one or two positive whole "
            "numbers were expected. Use a vision transformer over images.",
        ),
        (
            {"image_size": 0},
            "my model has image_size = 0 in its config; one or two positive whole numbers were "
            "expected. Use a vision transformer over images.",
        ),
        (
            {"image_size": 10_000_000},
            "my model has image_size = 10000000 in its config; a number from 0 to 8,192 was "
            "expected. Check that its config.json belongs to a vision transformer, and is whole.",
        ),
        (
            {"num_hidden_layers": 10_000_000},
            "my model has num_hidden_layers = 10000000 in its config; a number from 0 to 1,000 was "
            "expected. Check that its config.json belongs to a vision transformer, and is whole.",
        ),
        (
            {"model_type": "dinov2_with_registers", "num_register_tokens": 10**9},
            "my model has num_register_tokens = 1000000000 in its config; a number from 0 to 1,000 "
            "was expected. Check that its config.json belongs to a vision transformer, and is "
            "whole.",
        ),
        (
            {"model_type": "dinov2_with_registers", "num_register_tokens": -1},
            "my model has num_register_tokens = -1 in its config; a number from 0 to 1,000 was "
            "expected. Check that its config.json belongs to a vision transformer, and is whole.",
        ),
        (
            {"num_attention_heads": [4, 4, 8]},
            "my model has num_attention_heads = [4, 4, 8] in its config; one positive whole "
            "number was expected. A model whose blocks differ in size has no attention map over "
            "the whole picture.",
        ),
        (
            {"model_type": "homemade", "auto_map": {"AutoModel": "own.Model"}},
            "The model my model brings its own code, which is not run unless you ask for it. "
            "Read the code, then add --trust-remote-code.",
        ),
    ],
)
def test_config_that_cannot_be_used(folder: Path, keys: dict[str, Any], expected: str) -> None:
    assert message(change(folder, **keys)).endswith(expected)


def test_own_code_is_allowed_on_request(folder: Path) -> None:
    change(folder, model_type="homemade", auto_map={"AutoModel": "own.Model"})
    found = resolve_folder(folder, trust_remote_code=True)
    assert found.trust_remote_code and not found.vision.listed


def test_own_code_of_a_known_family_is_simply_not_used(folder: Path) -> None:
    change(folder, auto_map={"AutoModel": "own.Model"})
    assert isinstance(resolve_folder(folder), ResolvedModel)


@pytest.mark.parametrize(
    ("file", "keys", "reason"),
    [
        ("config.json", {"num_register_tokens": "four"}, "invalid literal for int() with base 10"),
        ("preprocessor_config.json", {"resample": "bicubic"}, "invalid literal for int() with bas"),
        ("preprocessor_config.json", {"resample": float("inf")}, "cannot convert float infinity"),
        ("preprocessor_config.json", {"rescale_factor": [1]}, "float() argument must be a string"),
        ("preprocessor_config.json", {"image_mean": ["a", 0, 0]}, "could not convert string to fl"),
    ],
)
def test_values_of_a_kind_that_nobody_foresaw(
    folder: Path, file: str, keys: dict[str, Any], reason: str
) -> None:
    line = message(change(folder, file, **keys))
    assert line.startswith(f"{file} of my model holds a value that is not understood: {reason}")
    assert line.endswith(". Correct the file.")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"size": "large"}, "my model asks for size 'large' in preprocessor_config.json; "),
        ({"resample": 9}, "my model asks for resampling filter 9 in preprocessor_config.json; "),
        ({"image_mean": [0.5, 0.5]}, "my model has [0.5, 0.5] as a mean or standard deviation "),
        ({"crop_size": "x", "do_center_crop": True}, "my model asks for crop_size 'x' in "),
    ],
)
def test_preprocessing_that_is_not_understood(
    folder: Path, keys: dict[str, Any], expected: str
) -> None:
    assert message(change(folder, "preprocessor_config.json", **keys)).startswith(expected)


def test_resolving_imports_neither_torch_nor_transformers(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from generator.capture.loaders.resolve import resolve_folder; "
        "resolve_folder(Path(sys.argv[1])); print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
