"""The page of a model as tests read it."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from generator.records.record import AttentionRecord
from tests.present.gallery import Gallery


@dataclass
class Link:
    """A mark of a chart that leads somewhere, with what it says."""

    url: str
    text: str
    fill: str


class ModelPage(HTMLParser):
    """Tables by their label, linked marks and texts of every figure, and the text of the page."""

    def __init__(self, site: Path, model: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.links: dict[str, list[Link]] = {}
        self.said: dict[str, str] = {}
        self.ids: list[str] = []
        self.text = ""
        self._figure = self._table = ""
        self._url = self._fill = ""
        self._cell = self._title = False
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
        if tag == "a":
            self._url = found.get("href", "")
        if tag == "path":
            self._fill = found.get("fill", "")
        self._title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._url = ""
        self._cell = self._cell and tag not in {"td", "th"}
        self._title = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[self._table][-1][-1] += data
        if self._title and self._url:
            mark = Link(self._url, data, self._fill)
            self.links.setdefault(self._figure, []).append(mark)
        if not self._title:
            self.text += data

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
