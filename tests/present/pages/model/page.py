"""The page of a model as tests read it."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from generator.present.drawing.colors import color_table
from generator.records.record import AttentionRecord
from tests.present.gallery import Gallery


class ModelPage(HTMLParser):
    """Tables by their label, what every figure draws and says, and the text of the page.

    Attributes:
        cells: figure -> colors of its heat map, ``[layer, head, channel]``.
        marks: figure -> path of all marks of each series.
        heads: addresses of the links to heads, in their order.
    """

    def __init__(self, site: Path, model: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.cells: dict[str, np.ndarray] = {}
        self.marks: dict[str, list[str]] = {}
        self.heads: list[str] = []
        self.said: dict[str, str] = {}
        self.ids: list[str] = []
        self.text = ""
        self._figure = self._table = ""
        self._cell = self._text = False
        self.html = (site / f"m/{model}/index.html").read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "figure":
            self._figure = found.get("id", "")
        if tag == "svg" and "aria-label" in found:
            self.said[self._figure] = found["aria-label"]
        if tag == "div" and found.get("role") == "region":
            self._table = found["aria-label"]
        if tag == "tr":
            self.tables.setdefault(self._table, []).append([])
        if tag in {"td", "th"}:
            self.tables[self._table][-1].append("")
            self._cell = True
        if tag == "pre" and found.get("role") == "region":
            self._table, self._text = found["aria-label"], True
        if tag == "a" and "#layer=" in found.get("href", ""):
            self.heads.append(found["href"])
        if tag == "image" and found["class"] == "chart-cells":
            data = base64.b64decode(found["href"].removeprefix("data:image/png;base64,"))
            self.cells[self._figure] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        if tag == "path" and found.get("class", "").startswith("chart-marks-"):
            self.marks.setdefault(self._figure, []).append(found["d"])

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in {"td", "th"}
        self._text = self._text and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[self._table][-1][-1] += data
        if self._text:
            self.tables[self._table] = [line.split("\t") for line in data.split("\n")]
        self.text += data

    def levels(self, figure: str) -> np.ndarray:
        """Places of a heat map's colors on the color map, from 0 to 1: ``[layer, head]``."""
        places = {bytes(color): n for n, color in enumerate(color_table())}
        found = [[places[bytes(color)] for color in row] for row in self.cells[figure]]
        return np.array(found) / 255

    def column(self, label: str, name: str) -> list[float]:
        """The numbers of one column of a table."""
        head, *rows = self.tables[label]
        at = head.index(name)
        return [value(row[at]) for row in rows if row[0] != "uniform"]

    def numbers(self, title: str) -> list[list[str]]:
        """The table of a chart."""
        return self.tables[f"Numbers: {title}"]


def value(cell: str) -> float:
    """The number of a cell; a share of 1 where it is written in percent."""
    written = cell.replace(",", "")
    if written.endswith("\u00a0%"):
        return float(written.removesuffix("\u00a0%")) / 100
    return float(written)


def records(trial: Gallery, model: str) -> list[AttentionRecord]:
    """Of the images that could be read, in order."""
    keys = [cell.record for cell in trial.run.cells if cell.model == model and cell.record]
    return [trial.records[key] for key in keys]
