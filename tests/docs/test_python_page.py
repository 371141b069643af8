"""The Python page, run from top to bottom with small models in place of the ones it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import generator
from tests.capture.families import FAMILIES
from tests.capture.modules import PlainViT
from tests.commands.running import picture
from tests.docs.blocks import blocks


class Trainer:
    """Takes a callback, as that of transformers does."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []

    def add_callback(self, callback: Any) -> None:
        self.callbacks.append(callback)


@pytest.mark.slow
def test_the_python_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENTION_GALLERY_CACHE", str(tmp_path / "cache"))
    next(f for f in FAMILIES if f.name == "dinov2").save(tmp_path / "small")
    picture(1, tmp_path / "photos/two.png")
    picture(2, tmp_path / "cat.jpg")
    (tmp_path / "torn.jpg").write_bytes(b"no picture")
    toml = 'models = ["small"]\nimages = ["photos"]\nout = "other"\n'
    (tmp_path / "gallery.toml").write_text(toml, encoding="utf-8")
    pytest.importorskip("pandas")
    names: dict[str, Any] = {"my_module": PlainViT(registers=4), "trainer": Trainer()}
    page = blocks("docs/python.md", "python")
    assert len(page) == 7
    for block in page:
        text = block.text.replace("facebook/dinov2-small", "./small")
        text = text.replace("image_size=224", "image_size=32").replace("range(1000)", "range(501)")
        exec(compile(text, str(block), "exec"), names)
    said = capsys.readouterr().out
    assert "torn.jpg" in said and re.search(r"cat\.jpg 0\.\d", said)
    assert names["built"].models == 2 and not names["built"].failures
    assert names["gallery"].result.models == 2, "steps 0 and 500"
    (callback,) = names["trainer"].callbacks
    assert isinstance(callback, generator.TrainingGallery)
