"""A record shows itself in a notebook."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from generator.present.pages.notebook import record_html
from generator.records.record import RecordPicture
from generator.records.store import Store
from tests import tiny


@pytest.mark.parametrize("cls", [True, False])
def test_a_record_shows_its_wall_with_a_numbered_color_bar(cls: bool) -> None:
    record = tiny.record(tiny.layout(cls=cls, rows=4, cols=6), layers=3, heads=2)
    html = record_html(record)
    wall, bar = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    size = Image.open(io.BytesIO(base64.b64decode(wall))).size
    assert size == (3 * 6 + 2, 3 * 4 + 2), "two heads and their mean across, three layers down"
    assert Image.open(io.BytesIO(base64.b64decode(bar))).size == (256, 1)
    labels = re.findall(r"<span[^>]*>([^<]+)</span>", html)
    assert "1" in labels and len(labels) >= 3
    assert ("attention of CLS" in html) == cls
    assert ("mean received attention" in html) != cls


def test_a_record_shows_its_picture_and_fits_a_cell() -> None:
    record = tiny.record(tiny.layout(rows=4, cols=4), layers=24, heads=3)
    assert record.image in record_html(record)
    named = replace(record, picture=RecordPicture("cat <1>.png", b"webp"))
    html = record_html(named)
    assert "cat &lt;1&gt;.png" in html and "data:image/webp;base64,d2VicA==" in html
    (width,) = re.findall(r"width: (\d+)px; max-width: 100%", html)
    assert int(width) * 24 / 4 <= 525, "24 layers are not higher than a screen"


def test_a_hostile_model_id_stays_text() -> None:
    html = record_html(tiny.record(model="<script>alert(1)</script>"))
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def shown(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_a_record_that_the_api_hands_out_shows_itself(tmp_path: Path) -> None:
    Store(tmp_path).put(tiny.record())
    load = f"(record,) = generator.load_records({str(tmp_path)!r}); print(record._repr_html_())"
    assert "data:image/png;base64," in shown(f"import generator; {load}")


def test_a_record_alone_shows_its_plain_text() -> None:
    code = "from tests import tiny; print(tiny.record()._repr_html_())"
    assert shown(code) == "None"
