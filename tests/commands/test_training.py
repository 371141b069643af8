"""Galleries of trainings: real ones, of two steps and more, by each framework's own trainer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import generator
from generator.errors import ImageError, ModelError, SpecError
from generator.present.files.manifest_file import read_manifest
from generator.spec.toml import kind_of
from tests.capture.modules import SAID, SIDE, PlainViT

pytestmark = pytest.mark.usefixtures("here")
OPTIONS: dict[str, Any] = {"class_token": True, "store": "store", **SAID}


class Noise(Dataset[dict[str, Tensor]]):
    """Six pictures of noise with labels."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        made = torch.Generator().manual_seed(index)
        pixels = torch.randn(3, SIDE, SIDE, generator=made)
        return {"pixel_values": pixels, "labels": torch.tensor(index % 2)}


class Classifier(nn.Module):
    """A vision transformer with a linear head, as a trainer wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = PlainViT()
        self.head = nn.Linear(24, 2)

    def forward(self, pixel_values: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.head(self.encoder(pixel_values))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def steps_of(site: Path) -> list[int]:
    manifest = read_manifest(site)
    assert manifest is not None
    (sweep,) = manifest.sweeps
    assert sweep.label == "our run"
    return [each.step for each in sweep.steps]


def distinct(site: Path) -> int:
    return len({r.entropy.tobytes() for r in generator.load_records(site, store="store")})


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_the_trainer_of_transformers() -> None:
    import transformers

    callback = generator.trainer_callback(
        ["photos/one.png"], every=2, label="our run", part=lambda m: m.encoder, **OPTIONS
    )
    model = Classifier()
    arguments = transformers.TrainingArguments(
        "trained",
        max_steps=5,
        per_device_train_batch_size=2,
        learning_rate=1e-2,
        report_to="none",
        use_cpu=True,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    transformers.Trainer(model, arguments, train_dataset=Noise(), callbacks=[callback]).train()
    assert callback.result is not None and not callback.failures
    assert steps_of(callback.result.site) == [0, 2, 4, 5]
    assert distinct(callback.result.site) == 4
    assert callback.result.measured == 0, "all were measured while the weights were there"


@pytest.mark.filterwarnings("ignore")
def test_the_trainer_of_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")

    class Trained(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.model = Classifier()

        def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
            assert self.model.training
            return self.model(**batch)["loss"]  # type: ignore[no-any-return]

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=1e-1)

    callback = generator.lightning_callback(
        ["photos/one.png"], every=2, label="our run", part=lambda m: m.model.encoder, **OPTIONS
    )
    trainer = lightning.Trainer(
        max_steps=3,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(Trained(), DataLoader(Noise(), batch_size=2))
    assert callback.gallery.result is not None
    assert steps_of(callback.gallery.result.site) == [0, 2, 3]
    assert distinct(callback.gallery.result.site) == 3


NAN = (
    "The weights of our run hold NaN or infinity, in prefix first. In a training, lower the "
    "learning rate or measure an earlier step."
)
TORN = (
    "torn.png is damaged or cut short (image file is truncated). Copy the file again, or leave it "
    "out."
)


def test_a_loop_of_one_s_own_goes_on_where_measuring_fails(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Path("photos/one.png").read_bytes()
    Path("photos/torn.png").write_bytes(whole[: len(whole) // 2])
    gallery = generator.TrainingGallery(
        ["photos/one.png", "photos/torn.png"], every=2, label="our run", **OPTIONS
    )
    module = PlainViT()
    with caplog.at_level(logging.WARNING):
        for step in range(4):
            with torch.no_grad():
                module.position += 0.3
            if step == 2:
                module.prefix.data[:] = torch.nan
            gallery.at(step, module)
            module.prefix.data.nan_to_num_()
        gallery.end(4, module)
    assert caplog.messages == [
        f"Step 0, torn.png: {TORN}",
        f"Step 2 was not measured: {NAN}",
        f"Step 4, torn.png: {TORN}",
    ]
    assert [each.image for each in gallery.failures].count("torn.png") == 3
    assert gallery.result is not None and steps_of(gallery.result.site) == [0, 2, 4]
    assert [failure.text for failure in gallery.result.failures] == [
        f"our run, step 2: {NAN}",
        TORN,
    ]
    page = " ".join((gallery.result.site / "index.html").read_text("utf-8").split())
    assert f"our run, step 2: {NAN}".partition(" In a")[0] in page
    shown = capsys.readouterr().err.replace("\n", " ")
    assert shown.count("no resizing and crop") == 1, "all steps share it"
    assert shown.count("our run: a module in memory declares no resizing and crop") == 1


@pytest.mark.parametrize("every", [0, -3, 2.5, "500", True, None])
def test_an_interval_is_a_whole_number(every: Any) -> None:
    with pytest.raises(SpecError) as raised:
        generator.TrainingGallery(["photos/one.png"], every=every, **OPTIONS)
    assert str(raised.value) == (
        f"every should be a whole number from 1, got {kind_of(every)}. Give the number of steps "
        "between measurements, such as every=500."
    )


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        (
            ["photos/one.png", "photos/onne.png"],
            "There is no file or folder photos/onne.png. Did you mean photos/one.png?",
        ),
        ([], 'No pictures were given. Name a few, such as ["cat.jpg"].'),
        (["photos"], "photos is a folder. Name one picture."),
        (
            ["photos/text.png"],
            "text.png is not a picture in a format that can be read. Convert it to PNG or JPEG, or "
            "leave it out.",
        ),
    ],
)
def test_pictures_are_looked_at_before_the_training(pictures: list[str], said: str) -> None:
    Path("photos/text.png").write_bytes(b"no picture")
    with pytest.raises(ImageError) as raised:
        generator.trainer_callback(pictures, every=2, **OPTIONS)
    assert str(raised.value) == said


def test_a_training_without_a_measured_step_has_no_gallery() -> None:
    gallery = generator.TrainingGallery(["photos/one.png"], every=2, **OPTIONS)
    gallery.at(1, PlainViT())
    with pytest.raises(SpecError) as raised:
        gallery.finish()
    assert str(raised.value) == (
        "No step of the training was measured. Call at() or measure() during the training, then "
        "finish(). If you did, the log says why each step failed."
    )


def test_a_module_that_cannot_be_read_is_told_at_the_first_step() -> None:
    gallery = generator.TrainingGallery(["photos/one.png"], every=100, **SAID)
    with pytest.raises(ModelError, match="Say what they are, class_token=True"):
        gallery.at(0, PlainViT(registers=1))
