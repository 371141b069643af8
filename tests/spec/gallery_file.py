"""A gallery file that says enough, and the error of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.spec.options import load_spec

ENOUGH = 'models = ["a/b"]\nimages = ["photos"]\n'
NAME_MODELS = (
    'Name one: -m facebook/dinov2-small, or models = ["facebook/dinov2-small"] in a file or in '
    "Python."
)
NAME_IMAGES = 'Name files or folders: -i photos, or images = ["photos"] in a file or in Python.'

MODELS = """
images = ["photos"]
models = [{id = "a/plain", label = "without"}, "a/registers", "b/twin@one", "b/twin@two"]
"""


def error_of(text: str | bytes, file: Path) -> str:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError) as caught:
        load_spec(file)
    assert "\n" not in str(caught.value)
    return str(caught.value)
