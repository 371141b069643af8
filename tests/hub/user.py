"""What a user of the hub does, and what the world does to a user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from generator.records.record import AttentionRecord
from generator.records.store import load_records
from tests.hub.fake_hub import FakeHub, Fault
from tests.hub.worker import Result, Worker

DINO = "tiny/dinov2"


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def build(worker: Worker, model: str, image: str, out: str = "site") -> Result:
    return worker.run("build", "-m", model, "-i", f"photos/{image}", "-o", out)


def records(folder: Path, model: str) -> list[AttentionRecord]:
    return [record for record in load_records(folder / "store") if record.model.id == model]


def refused(worker: Worker, model: str, *options: str, code: int = 1) -> str:
    """The one line that ``inspect`` says of a model it cannot take."""
    result = worker.run("inspect", model, *options)
    assert (result.code, result.stdout) == (code, "")
    return result.last_line


class login:  # noqa: N801 - reads as a statement
    """A context in which ``hf auth login`` has been done."""

    def __init__(self, folder: Path, hub: FakeHub, token: str, *, known: bool = True) -> None:
        self._file = folder / "hf" / "token"
        self._token = token
        if known:
            hub.tokens.add(token)

    def __enter__(self) -> None:
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_text(self._token)

    def __exit__(self, *error: object) -> None:
        self._file.unlink()


class outage:  # noqa: N801 - reads as a statement
    """A context in which the hub answers nothing but 503."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    def __enter__(self) -> None:
        self._hub.faults.append(Fault("", status=503))

    def __exit__(self, *error: object) -> None:
        self._hub.faults.clear()
