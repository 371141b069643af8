"""The methods page: every number is there, and every page leads to it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from generator.analysis.quantities.table import QUANTITIES
from generator.present.bibliography import program_entry, short
from generator.present.cells.image_statistics import STATISTICS
from generator.present.pages.methods.plan import GROUPS
from generator.present.papers import PAPERS
from generator.present.site.write import SiteResult
from tests.present.gallery import Gallery
from tests.present.site.test_site import VERSION, page

Built = tuple[Gallery, Path, SiteResult]
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
        axes = " × ".join(each.axes)
        for part in (each.name, axes, each.unit, each.definition, each.source, each.low, each.high):
            assert " ".join(part.split()) in text, each.id
        assert each.caveat in text, each.id
    for statistic in STATISTICS:
        text = found[f"sort-{statistic.quantity.id}"]
        assert statistic.quantity.definition in text
        assert statistic.quantity.unit in text


def test_the_groups_hold_every_quantity_once_in_order() -> None:
    grouped = [each for group in GROUPS for each in group.quantities]
    assert grouped == list(QUANTITIES)


def test_every_id_of_the_page_stands_once(built: Built) -> None:
    html = (built[1] / METHODS).read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))


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


def test_conventions_scale_quantization_and_versions_are_said(built: Built) -> None:
    text = page(built[1], METHODS).text
    for wanted in (
        "Counted from 1",
        "before the final LayerNorm",
        "Times uniform",
        "value = maximum * (code / 255)**2",
        "One scale for the whole gallery",
        VERSION,
        "2.13.0",
        "float32",
    ):
        assert wanted in text, wanted


def taken(site: Path, identifier: str) -> str:
    html = (site / METHODS).read_text(encoding="utf-8")
    found = re.search(rf'<(p|code)[^>]* id="{identifier}">(.*?)</\1>', html, re.DOTALL)
    assert found is not None
    return unescape(found[2])


def test_a_paper_can_take_a_paragraph_over(built: Built) -> None:
    gallery, site, _ = built
    text = taken(site, "methods-text")
    assert text.startswith(f"Attention was measured with attention-gallery {VERSION}, torch 2.13.0")
    for model in ("plain", "registers", "probe", "deep"):
        facts = gallery.record(model, "image0").model
        assert f"{facts.id} at commit {facts.version[:12]}" in text
    assert "tiny/gone" not in text
    assert "The models saw the whole picture of 2 images" in text
    assert "exceeds 3 times the median patch norm" in text
    assert "(Abnar and Zuidema, 2020)" in text
    assert "(Dosovitskiy et al., 2021; Raghu et al., 2021)" in text
    assert "\\" not in text


def test_every_citation_of_the_latex_paragraph_has_an_entry(built: Built) -> None:
    _, site, _ = built
    groups = re.findall(r"\\cite\{([^}]+)\}", taken(site, "methods-latex"))
    cited = [key for group in groups for key in group.split(",")]
    keys = re.findall(r"^@\w+\{([^,]+),$", taken(site, "methods-bibtex"), re.MULTILINE)
    assert {"attention-gallery", "darcet2024vision", "checkpoint-tiny-plain-ccccccc"} <= set(cited)
    assert set(cited) == set(keys)
    assert len(keys) == len(set(keys))
    assert f"version = {{{VERSION}}}" in taken(site, "methods-bibtex")


def test_texts_to_take_over_have_buttons(built: Built) -> None:
    html = (built[1] / METHODS).read_text(encoding="utf-8")
    for identifier in re.findall(r'data-copy="([^"]+)"', html):
        assert taken(built[1], identifier)
    assert html.count("data-copy=") == 3
    assert re.search(r'<script[^>]* src="\.\./assets/copy\.\w+\.js"', html)


def test_every_paper_is_cited_by_people_without_latex() -> None:
    for key in PAPERS:
        assert re.fullmatch(r"[^{}\\]+, \d{4}", short(key)), key
    assert short("checkpoint-of-mine") == ""
    assert program_entry("1.2.3").startswith("@software{attention-gallery,")
