"""The finished examples of the documents, built with small models in place of those they name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import moving
from tests.capture.families import CLS, REGISTERS, Family
from tests.capture.loaders.timm_models import MODELS
from tests.docs.blocks import Block, blocks
from tests.hub.fake_hub import FakeHub, folder_files
from tests.hub.user import picture
from tests.hub.worker import Worker

EXAMPLES = blocks("docs/examples.md", "toml")
SIZES = {"patch_size": 14, "image_size": 56}
PLAIN = Family("plain", "Dinov2Config", "Dinov2Model", CLS, SIZES)
WITH = "Dinov2WithRegisters"
REGISTERED = Family("registers", f"{WITH}Config", f"{WITH}Model", CLS + REGISTERS, SIZES)
HEADED = Family("head", f"{WITH}Config", f"{WITH}ForImageClassification", CLS + REGISTERS, SIZES)
HUB = {
    "facebook/dinov2-base": PLAIN,
    "facebook/dinov2-small": PLAIN,
    "facebook/dinov2-with-registers-base": REGISTERED,
    "facebook/dinov2-with-registers-small": REGISTERED,
    "facebook/dinov2-with-registers-small-imagenet1k-1-layer": HEADED,
}
TISSUE = {
    "MahmoodLab/UNI": "vit_large_patch16_224",
    "paige-ai/Virchow2": "vit_huge_patch14_224",
    "prov-gigapath/prov-gigapath": "vit_giant_patch14_dinov2",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Worker]]:
    """A folder with everything that the examples name, and a hub with their models."""
    folder = tmp_path_factory.mktemp("examples")
    made = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("cat.jpg", "dog.jpg")):
        picture(folder / "photos" / name, seed)
    (folder / "tiles").mkdir()
    for seed, name in enumerate(("tumor", "stroma")):
        picture(folder / "tiles" / name / "tile.png", seed)
    moving.video(folder / "clip.mp4", 3)
    marks = {
        "images": [{"id": 1, "file_name": "cat.jpg", "width": 100, "height": 80}],
        "annotations": [{"image_id": 1, "bbox": [10, 10, 40, 30], "category_id": 1}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (folder / "boxes.json").write_text(json.dumps(marks))
    for seed, step in enumerate((10000, 20000)):
        PLAIN.save(folder / "run" / f"checkpoint-{step}", seed)
    with FakeHub() as hub:
        for seed, (name, family) in enumerate(HUB.items()):
            hub.add(name, folder_files(family.save(made / name, seed)), license="apache-2.0")
        for name, architecture in TISSUE.items():
            model = next(model for model in MODELS if model.name == architecture)
            hub.add(name, folder_files(model.save(made / name)), license="cc-by-nc-nd-4.0")
        with Worker(folder, HF_ENDPOINT=hub.url) as worker:
            yield folder, worker


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: block.text.splitlines()[0][2:])
@pytest.mark.slow
def test_example_is_built_whole(example: Block, desk: tuple[Path, Worker]) -> None:
    folder, worker = desk
    name = example.text.splitlines()[0].removeprefix("# ")
    text = example.text.replace("resolution = 518", "resolution = 126")  # as far, in less time
    (folder / name).write_text(text, encoding="utf-8")
    (out,) = re.findall(r'^out = "(.*)"$', example.text, re.M)
    result = worker.run("build", name)
    assert result.code == 0, result.stderr
    manifest = json.loads((folder / out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["cells"]
    assert not [cell for cell in manifest["cells"] if cell["failure"]]
    wanted = re.findall(r'^name = "(.*)"$', example.text, re.M)
    assert all((folder / out / "figures" / f"{each}.pdf").is_file() for each in wanted)
    shutil.rmtree(folder / out)


def test_there_are_six_examples() -> None:
    assert len(EXAMPLES) == 6
