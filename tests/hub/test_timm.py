"""Models of timm from the hub, by the real command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.capture.loaders.timm_models import MODELS
from tests.hub.fake_hub import FakeHub, folder_files
from tests.hub.user import build, outage, records
from tests.hub.worker import Worker

NAME = "timm/vit_small_patch14_reg4_dinov2"


@pytest.fixture
def timm_model(hub: FakeHub, tmp_path: Path) -> str:
    model = next(model for model in MODELS if model.name == NAME.partition("/")[2])
    if NAME not in hub.repos:
        hub.add(NAME, folder_files(model.save(tmp_path / "model")), license="apache-2.0")
    return NAME


@pytest.mark.parametrize("name", [NAME, f"hf-hub:{NAME}"])
@pytest.mark.slow
def test_model_of_timm_is_measured_at_its_commit(
    name: str, worker: Worker, hub: FakeHub, folder: Path, timm_model: str
) -> None:
    result = build(worker, name, "one.png")
    assert result.code == 0, result.stderr
    (record,) = records(folder, timm_model)
    assert record.layout.prefix == ("CLS", "reg1", "reg2", "reg3", "reg4")
    assert record.model.commit == hub.repos[timm_model].refs["main"]
    assert record.model.license == "apache-2.0"


@pytest.mark.slow
def test_model_of_timm_works_offline_once_it_was_there(
    worker: Worker, hub: FakeHub, folder: Path, timm_model: str
) -> None:
    assert build(worker, timm_model, "one.png").code == 0
    with outage(hub):
        result = build(worker, timm_model, "two.png")
    assert result.code == 0, result.stderr
    assert "1 measured" in result.stdout
