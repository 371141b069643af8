"""Files of weights as models of a gallery."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.spec.models import ModelSpec, StateDictSpec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "teacher_checkpoint.pth"
    path.touch()
    return path


def test_file_of_weights_is_a_model(file: Path) -> None:
    model = ModelSpec.model_validate(str(file))
    assert (model.id, model.label) == ("teacher_checkpoint", "teacher_checkpoint")
    assert (model.place, model.folder, model.revision, model.state_dict) == (file, None, "", None)


def test_what_the_file_does_not_tell_stands_behind_its_name(file: Path) -> None:
    model = ModelSpec.model_validate(f"{file}?part=teacher&heads=6&mean=0.5,0.4,0.3&std=1,1,1")
    assert model.state_dict == StateDictSpec(
        part="teacher", heads=6, mean=(0.5, 0.4, 0.3), std=(1, 1, 1)
    )
    assert model.label == "teacher_checkpoint (teacher)"
    table = ModelSpec.model_validate({"id": str(file), "state_dict": {"part": "teacher"}})
    assert table.state_dict == StateDictSpec(part="teacher")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?", "says nothing behind the question mark, or has a table state_dict as well."),
        ("@main", "There is no model folder"),
    ],
)
def test_file_with_what_makes_no_sense(file: Path, text: str, expected: str) -> None:
    with pytest.raises(SpecError, match=expected.replace("?", "[?]")):
        ModelSpec.model_validate(f"{file}{text}")


def test_folder_needs_no_table(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        ModelSpec.model_validate({"id": str(tmp_path), "state_dict": {"heads": 6}})
    assert str(caught.value) == (
        f"{tmp_path} is no file with weights alone. "
        "Leave it out: a folder or a model on the hub has a config."
    )


@pytest.mark.parametrize("text", ["hf-hub:timm/vit_tiny", "hf_hub:timm/vit_tiny"])
def test_id_as_timm_writes_it(text: str) -> None:
    assert ModelSpec.model_validate(text).id == "timm/vit_tiny"
