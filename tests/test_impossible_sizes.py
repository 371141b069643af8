"""Small files that ask for huge things: each is answered within seconds, without the memory.

All of them run in one process of their own, whose processor time and largest memory are measured
around each.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.capture.families import FAMILIES

pytestmark = pytest.mark.slow  # together they take twenty seconds

SECONDS = 15.0
"""Processor time of each; the slowest takes 3 on a machine of 2026."""

MEGABYTES = 700
"""More memory than before, for each."""

RUNNING = """
import json, resource, sys, time
from click.testing import CliRunner
from generator.cli import main

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

found = {}
for name, words in json.loads(sys.argv[1]).items():
    before, start = peak(), time.process_time()
    result = CliRunner().invoke(main, words)
    raw = repr(result.exception) if not isinstance(result.exception, SystemExit | None) else ""
    spent = time.process_time() - start
    found[name] = result.exit_code, result.output + raw, spent, peak() - before
print(json.dumps(found))
"""

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)

CONFIGS: dict[str, dict[str, Any]] = {
    "labels": {"num_labels": 10**7},
    "deep and wide": {"num_hidden_layers": 1000, "hidden_size": 20_000},
    "wide inside": {"intermediate_size": 10**9},
    "many positions": {"image_size": 8192, "patch_size": 1},
    "text": {"text_config": {"num_hidden_layers": 10**9}},
}
TIMM: dict[str, dict[str, int]] = {
    "timm wide": {"embed_dim": 20_000, "num_heads": 4, "depth": 100},
    "timm deep": {"depth": 10**7},
}
REFUSALS = {
    "timm wide": "config.json of timm wide describes a network of 480,",
    "timm deep": "timm deep has depth = 10000000 in its config; a number from 0 to 1,000 was "
    "expected.",
    "labels": "labels has num_labels = 10000000 in its config; a number from 0 to 100,000 was "
    "expected.",
    "deep and wide": "config.json of deep and wide describes a network of 1,602,756,484,032 "
    "numbers, and its weights hold 51,936.",
    "wide inside": "config.json of wide inside describes a network of 195,000,039,456 numbers, and "
    "its weights hold 51,936.",
    "many positions": "config.json of many positions describes a network of 2,147,510,592 "
    "numbers, and its weights hold 51,936.",
    "text": "text has num_hidden_layers = 1000000000 in its config; a number from 0 to 1,000 was "
    "expected.",
    "long": "config.json of long cannot be read: it is larger than 64 MB.",
}


@dataclass(frozen=True)
class Answered:
    """What a command said, and what it took."""

    code: int
    said: str
    seconds: float
    megabytes: float


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answered]:
    folder = tmp_path_factory.mktemp("sizes")
    family = next(family for family in FAMILIES if family.name == "vit")
    for name, keys in {**CONFIGS, "long": {}, "bomb": {}, "nested": {}, "sound": {}}.items():
        config = family.save(folder / name) / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | keys))
    for name, options in TIMM.items():
        family.save(folder / name)
        declared = {"architecture": "vit_tiny_patch16_224", "num_classes": 0, "model_args": options}
        (folder / name / "config.json").write_text(json.dumps(declared))
    with (folder / "long" / "config.json").open("r+b") as file:
        file.truncate(10**9)  # a file of holes
    (folder / "bomb" / "README.md").write_text(f"---\n{BOMB}license: *a11\n---\n")
    (folder / "nested" / "README.md").write_text(f"---\nlicense: {'[' * 200_000}\n---\n")
    many_frames(folder / "many.gif", 20_000)
    many_frames(folder / "endless.gif", 200_000)
    photo = str(folder / "photo.png")
    Image.new("RGB", (64, 64)).save(photo)
    common = [
        "-m",
        str(folder / "sound"),
        "-o",
        str(folder / "site"),
        "--store",
        str(folder / "store"),
        "--no-analyses",
    ]
    commands = {
        # the first one loads torch and transformers
        "sound": ["inspect", str(folder / "sound"), "--check", photo],
        **{
            name: ["inspect", str(folder / name), "--check", photo]
            for name in (*REFUSALS, "bomb", "nested")
        },
        "frames": ["build", "--sequence", str(folder / "many.gif"), *common],
        "endless": ["build", "--sequence", str(folder / "endless.gif"), *common],
    }
    done = subprocess.run(
        [sys.executable, "-c", RUNNING, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: Answered(*found) for name, found in json.loads(done.stdout).items()}


def many_frames(path: Path, count: int) -> None:
    """A GIF of one small frame, over and over."""
    buffer = io.BytesIO()
    picture = Image.new("P", (32, 32))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.save(buffer, "GIF")
    whole = buffer.getvalue()
    at = whole.index(b",\0\0\0\0")
    shown = b"\x21\xf9\x04\x04\x05\0\0\0"  # for 50 ms
    path.write_bytes(whole[:at] + (shown + whole[at:-1]) * count + b";")


@pytest.mark.parametrize("name", REFUSALS)
def test_a_config_of_impossible_size_is_refused(answers: dict[str, Answered], name: str) -> None:
    found = answers[name]
    assert REFUSALS[name] in " ".join(found.said.split())
    assert "Traceback" not in found.said
    assert found.code == 1


@pytest.mark.parametrize("name", ["bomb", "nested"])
def test_a_model_card_of_aliases_says_nothing(answers: dict[str, Answered], name: str) -> None:
    assert answers[name].code == 0, answers[name].said
    assert "xxx" not in answers[name].said


def test_an_animation_of_20_000_frames_is_sampled(answers: dict[str, Answered]) -> None:
    assert answers["frames"].code == 0, answers["frames"].said


def test_an_animation_without_end_is_refused(answers: dict[str, Answered]) -> None:
    said = " ".join(answers["endless"].said.split())
    assert "endless.gif has 200,000 frames; at most 50,000 are read." in said
    assert answers["endless"].code == 1


def test_all_of_it_is_quick_and_small(answers: dict[str, Answered]) -> None:
    others = {name: found for name, found in answers.items() if name != "sound"}
    slow = {name: found.seconds for name, found in others.items() if found.seconds > SECONDS}
    large = {name: found.megabytes for name, found in others.items() if found.megabytes > MEGABYTES}
    assert (slow, large) == ({}, {})
