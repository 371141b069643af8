"""The methods page: every number is there, and every page leads to it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from generator.analysis.quantities import QUANTITIES
from generator.present import SiteReport
from generator.present.image_statistics import STATISTICS
from generator.present.plan_methods import GROUPS
from tests.present.gallery import Gallery
from tests.present.test_site import VERSION, page

Built = tuple[Gallery, Path, SiteReport]
METHODS = "methods/index.html"


def articles(site: Path) -> dict[str, str]:
    """The text of every quantity by the id of its heading."""
    html = (site / METHODS).read_text(encoding="utf-8")
    found = re.findall(r'<article class="quantity">.*?</article>', html, re.DOTALL)
    texts = {}
    for article in found:
        identifier = re.search(r'<h3 id="([^"]+)"', article)
        assert identifier is not None
        texts[identifier[1]] = " ".join(unescape(re.sub(r"<[^>]+>", " ", article)).split())
    return texts


def test_every_quantity_is_on_the_methods_page_in_full(built: Built) -> None:
    found = articles(built[1])
    for each in QUANTITIES:
        text = found[each.id]
        for part in (each.name, each.unit, each.definition, each.source, each.low, each.high):
            assert " ".join(part.split()) in text, each.id
        assert each.caveat in text, each.id
    for statistic in STATISTICS:
        text = found[f"sort-{statistic.id}"]
        assert statistic.definition in text
        assert statistic.unit in text


def test_the_groups_hold_every_quantity_once_in_order() -> None:
    grouped = [each for _, _, _, quantities in GROUPS for each in quantities]
    assert grouped == list(QUANTITIES)


def test_every_page_leads_to_the_methods(built: Built) -> None:
    _, site, _ = built
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 8
    for path in pages:
        footer = path.read_text(encoding="utf-8").partition('<footer class="colophon">')[2]
        link = re.search(r'<a href="([^"]*)">methods</a>', footer)
        assert link is not None, path
        assert (path.parent / link[1]).resolve() == (site / METHODS).resolve()


def test_every_chart_leads_to_what_its_numbers_are(built: Built) -> None:
    _, site, _ = built
    known = set(re.findall(r'id="([^"]+)"', (site / METHODS).read_text(encoding="utf-8")))
    for model in ("plain", "registers", "probe", "deep"):
        html = (site / f"m/{model}/index.html").read_text(encoding="utf-8")
        figures = re.findall(r'<figure class="chart.*?</figure>', html, re.DOTALL)
        assert len(figures) > 10
        for figure in figures:
            links = re.findall(r'href="\.\./\.\./methods/index\.html#([^"]+)"', figure)
            assert links, figure[:200]
            assert set(links) <= known


def test_conventions_scale_quantisation_and_versions_are_said(built: Built) -> None:
    text = page(built[1], METHODS).text
    for wanted in (
        "Counted from 1",
        "before the final LayerNorm",
        "Times uniform",
        "value = maximum * (code / 255)**2",
        "One scale for all models",
        VERSION,
        "2.13.0",
        "float32",
    ):
        assert wanted in text, wanted
