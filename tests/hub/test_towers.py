"""Larger models from the hub: only the files that hold their vision transformer are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.towers import TOWERS
from tests.hub.fake_hub import FakeHub, folder_files
from tests.hub.user import outage
from tests.hub.worker import Worker

NAMES = {
    "LLaVA 1.5": "vision_tower.",
    "TrOCR": "encoder.",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_files_of_the_language_model_are_never_asked_for(
    name: str, worker: Worker, hub: FakeHub, tmp_path: Path
) -> None:
    tower = next(tower for tower in TOWERS if tower.name == name)
    tower.save(tmp_path / "model", max_shard_size="15KB")
    files = folder_files(tmp_path / "model")
    places = json.loads(files["model.safetensors.index.json"])["weight_map"]
    within = {file for tensor, file in places.items() if tensor.startswith(NAMES[name])}
    others = set(places.values()) - within
    assert len(within) > 1 and others

    model = f"tiny/{name.split(maxsplit=1)[0].lower()}"
    hub.add(model, files)
    check = ("inspect", model, "--check", "photos/one.png")
    result = worker.run(*check)
    assert result.code == 0, result.stderr
    asked = {Path(request.path).name for request in hub.weight_requests(model)}
    assert asked & set(places.values()) == within
    (spared,) = (line for line in result.stdout.splitlines() if "of a larger model" in line)
    assert f"left unused: {min(others)}" in spared
    with outage(hub):
        assert worker.run(*check).stdout == result.stdout, "the cache has enough"
