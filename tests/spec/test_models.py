"""Models as users name them: folders, hub ids, tables, and what is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.spec.gallery import ModelSpec
from generator.spec.models import RegisterSpec
from generator.spec.options import load_spec, spec_from_options
from tests.spec.gallery_file import error_of


def test_an_existing_folder_wins_over_an_id_of_the_same_form(file: Path) -> None:
    Path("work/facebook/vit").mkdir(parents=True)
    Path("work/mine").mkdir()
    file.write_text('images = ["p"]\nmodels = ["facebook/vit", "./mine", "facebook/vit@main"]\n')
    local, mine, hub = load_spec(file).models
    assert (local.id, local.revision, local.folder) == ("vit", "", Path("work/facebook/vit"))
    assert (mine.id, mine.label, mine.folder) == ("mine", "mine", Path("work/mine"))
    # A folder has no revisions, so naming one asks for the hub.
    assert (hub.id, hub.revision, hub.folder) == ("facebook/vit", "main", None)


def test_the_current_folder_is_named_after_itself(file: Path) -> None:
    spec = spec_from_options(models=("work/.",), images=(Path("photos"),))
    assert spec.models[0].id == "work"
    assert str(Path.cwd()) not in spec.models[0].id + spec.models[0].label


@pytest.mark.parametrize(
    "text", ["a/b", "gpt2", "timm/vit_base.augreg", "A-b/c_d.e", "_/x", "0/1", "a/b@feature/x"]
)
def test_hub_ids_of_good_form(text: str, file: Path) -> None:
    model = ModelSpec.model_validate(text)
    assert (model.folder, model.id) == (None, text.partition("@")[0])


FORM = "Write owner/name as on the Hugging Face hub, owner/name@revision, or ./folder."
NO_WEIGHTS = (
    "gallery.toml is a file. Name a folder, or a file of weights: .pth, .pt, .ckpt, .bin, "
    ".safetensors."
)
NO_FOLDER = "Check the path; a model on the hub is written owner/name."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f'"" is neither a folder nor the id of a model. {FORM}'),
        ("a b/c", f'"a b/c" is neither a folder nor the id of a model. {FORM}'),
        ("a/b/c", f'"a/b/c" is neither a folder nor the id of a model. {FORM}'),
        ("a/b@", f'"a/b@" is neither a folder nor the id of a model. {FORM}'),
        ("a--b/c", f'"a--b/c" is neither a folder nor the id of a model. {FORM}'),
        ("a/b.", f'"a/b." is neither a folder nor the id of a model. {FORM}'),
        ("é/b", f'"é/b" is neither a folder nor the id of a model. {FORM}'),
        ("b" * 400, f'"{"b" * 59}…" is neither a folder nor the id of a model. '
         + FORM),
        ("./gone", f"There is no model folder work/gone. {NO_FOLDER}"),
        ("/gone/x", f"There is no model folder /gone/x. {NO_FOLDER}"),
        ("~nobody-here/x", f"There is no model folder work/~nobody-here/x. {NO_FOLDER}"),
        ("gallery.toml", NO_WEIGHTS),
        ("run/gone.pth", "There is no file work/run/gone.pth. Check the path."),
        (
            "https://huggingface.co/facebook/dinov2-small/tree/main",
            "https://huggingface.co/facebook/dinov2-small/tree/main is an address. "
            "Write facebook/dinov2-small.",
        ),
    ],
)  # fmt: skip
def test_models_that_are_neither(text: str, message: str, file: Path) -> None:
    found = error_of(f'images = ["p"]\nmodels = ["{text}"]\n', file)
    assert found == f"work/gallery.toml: models: {message}"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            '{id = "a/b@v1", revision = "v2"}',
            "models: a/b@v1 also has revision v2. Keep one of them.",
        ),
        (
            '{id = "mine", revision = "v2"}',
            "models: mine is a folder, which has no revision v2. Leave the revision out.",
        ),
        ('{id = "a/b", folder = "x"}', "models: Unknown key folder. Give the folder as the id."),
        (
            '{id = "a/b", lable = "x"}',
            "unknown key lable of model 1. Did you mean label?",
        ),
        (
            '{label = "x"}',
            'id of model 1 is missing. Add one, such as id = "facebook/dinov2-small".',
        ),
        (
            '{id = "a/b", resolution = "518"}',
            "resolution of model 1 should be a whole number of pixels from 8 to 8192, "
            'got the text "518".',
        ),
        (
            '{id = "a/b", revision = 2}',
            "revision of model 1 should be a branch, tag or commit, as a text, got the number 2.",
        ),
        ("7", "model 1 should be a model's id, or a table with an id, got the number 7."),
    ],
)
def test_wrong_tables_of_models(table: str, message: str, file: Path) -> None:
    Path("work/mine").mkdir()
    found = error_of(f'images = ["p"]\nmodels = [{table}]\n', file)
    assert found == f"work/gallery.toml: {message}"


def test_the_same_model_twice_is_an_error_unless_something_differs(file: Path) -> None:
    head = 'images = ["p"]\nresolution = 518\n'
    twice = head + 'models = ["a/b", {id = "a/b@main", resolution = 518}]\n'
    assert error_of(twice, file) == (
        "work/gallery.toml: models: a/b@main is given twice at 518 px. "
        "Leave one out, or change its resolution."
    )
    Path("work/mine").mkdir()
    same_folder = 'images = ["p"]\nmodels = ["mine", "./mine/"]\n'
    assert error_of(same_folder, file) == (
        "work/gallery.toml: models: mine is given twice. Leave one out, or change its resolution."
    )


def test_labels_that_would_be_equal_say_what_differs(file: Path) -> None:
    for folder in ("x/m", "y/m"):
        Path("work", folder).mkdir(parents=True)
    file.write_text(
        'images = ["p"]\n'
        'models = ["a/b", "a/b@v2", {id = "a/b", resolution = 448}, "c/d", "x/m", "y/m", '
        '{id = "c/e", label = "E"}, {id = "c/f", label = "E"}]\n'
    )
    assert load_spec(file).labels == (
        "a/b (main, own size)",
        "a/b (v2, own size)",
        "a/b (main, 448 px)",
        "c/d",
        "m (x)",
        "m (y)",
        "E (c/e)",
        "E (c/f)",
    )
    assert load_spec(file, resolution=224).labels[0] == "a/b (main, 224 px)"


def test_one_model_on_its_own_needs_no_place_in_its_message(file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        ModelSpec.model_validate("./gone")
    assert str(caught.value) == f"There is no model folder gone. {NO_FOLDER}"


def test_a_test_time_register_is_asked_for_by_flag_or_table(file: Path) -> None:
    file.write_text(
        'images = ["p"]\n'
        'models = ["a/b", {id = "a/b", test_time_registers = true}, '
        '{id = "c/d", test_time_registers = {up_to_layer = 17}, label = "moved"}, '
        '{id = "e/f", test_time_registers = false}, '
        '{id = "g/h", test_time_registers = {calibration = "others"}}]\n'
    )
    spec = load_spec(file)
    assert [model.test_time_registers for model in spec.models] == [
        None,
        RegisterSpec(neurons=10, up_to_layer=None),
        RegisterSpec(neurons=10, up_to_layer=17),
        None,
        RegisterSpec(neurons=10, calibration=file.parent / "others"),
    ]
    assert spec.labels[:4] == ("a/b", "a/b + test-time register", "moved", "e/f")
    assert spec.calibrations == (file.parent / "others",)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            '"yes"',
            "test_time_registers of model 1 should be true, false or a table such as "
            '{ neurons = 10, up_to_layer = 17 }, got the text "yes".',
        ),
        (
            "{neurons = 0}",
            "neurons in test_time_registers of model 1 should be a whole number from 1, "
            "got the number 0.",
        ),
        (
            "{up_to_layer = true}",
            "up_to_layer in test_time_registers of model 1 should be a whole number from 1, "
            "got true.",
        ),
        (
            "{calibration = 3}",
            "calibration in test_time_registers of model 1 should be a folder of pictures, "
            "got the number 3.",
        ),
        (
            "{neuron = 3}",
            "unknown key neuron in test_time_registers of model 1. Did you mean neurons?",
        ),
    ],
)
def test_a_test_time_register_that_makes_no_sense(value: str, expected: str, file: Path) -> None:
    text = f'images = ["p"]\nmodels = [{{id = "a/b", test_time_registers = {value}}}]\n'
    assert error_of(text, file) == f"work/gallery.toml: {expected}"


def test_one_model_twice_with_the_same_test_time_register(file: Path) -> None:
    twice = 'images = ["p"]\nmodels = [{id = "a/b", test_time_registers = true}, ' + (
        '{id = "a/b", test_time_registers = {neurons = 10}}]\n'
    )
    assert error_of(twice, file) == (
        "work/gallery.toml: models: a/b@main is given twice. "
        "Leave one out, or change its resolution."
    )
