"""A record shows itself in a notebook."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image

from tests import tiny


@pytest.mark.parametrize("cls", [True, False])
def test_a_record_shows_its_wall_with_a_numbered_color_bar(cls: bool) -> None:
    record = tiny.record(tiny.layout(cls=cls, rows=4, cols=6), layers=3, heads=2)
    html = record._repr_html_()
    wall, bar = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    size = Image.open(io.BytesIO(base64.b64decode(wall))).size
    assert size == (3 * 6 + 2, 3 * 4 + 2), "two heads and their mean across, three layers down"
    assert Image.open(io.BytesIO(base64.b64decode(bar))).size == (256, 1)
    labels = re.findall(r"<span[^>]*>([^<]+)</span>", html)
    assert "1" in labels and len(labels) >= 3
    assert ("attention of CLS" in html) == cls
    assert ("mean received attention" in html) != cls


def test_a_hostile_model_id_stays_text() -> None:
    html = tiny.record(model="<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
