"""The front page of a paper: what readers, link previews and indexers find, and what they don't."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.errors import SpecError
from generator.pipeline.paper import paper_of
from generator.pipeline.plan import PlannedCell, PlannedModel, WorkPlan
from generator.present.content.front import social_card
from generator.present.drawing.lettering import drawable
from generator.present.site.write import build_site
from generator.records.paper import Author, Paper, PaperLink, Patch, TeaserCell
from generator.records.record import View
from generator.records.run import ModelEntry
from generator.spec.options import load_spec
from tests.present.gallery import HOSTILE, KEPT, Gallery, gallery, picture, tree
from tests.present.site.test_site import VERSION, Page, manifest, page

SEEN = View(96, 64, left=0, top=0, right=96, bottom=64, input_width=96, input_height=64)
URL = "https://lab.example.org/registers/"
PAPER = Paper(
    authors=(
        Author("Ada Lovelace", "https://a.example", "One"),
        Author("Alan Turing", affiliation="Two"),
    ),
    venue="ICLR",
    year=2027,
    doi="10.1234/5678",
    abstract="First paragraph.\n\nSecond paragraph.",
    bibtex="@article{a,\n  title = {T}\n}",
    links=(PaperLink("code", "https://c.example"), PaperLink("arxiv", "https://arxiv.org/abs/1.2")),
    teaser=(TeaserCell("registers", "image1", 2, 1), TeaserCell("deep", "image1")),
)


Again = Callable[..., tuple[Gallery, Path]]


def metas(found: Page) -> list[tuple[str | None, str | None]]:
    return [(m.get("name") or m.get("property"), m.get("content")) for m in found.all("meta")]


def linked_data(site: Path) -> dict:
    html = (site / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_authors_venue_buttons_abstract_and_bibtex_are_there(again: Again) -> None:
    _, site = again(paper=PAPER)
    index = page(site, "index.html")
    for text in ("Ada Lovelace", "Alan Turing", "One", "Two", "ICLR 2027", "Code", "arXiv"):
        assert text in index.text
    for text in ("First paragraph.", "Second paragraph.", PAPER.bibtex, "BibTeX"):
        assert text in index.text
    assert {"https://a.example", "https://c.example", "#cite"} <= set(index.links)


def test_the_teaser_shows_the_chosen_maps_and_leads_to_them(again: Again) -> None:
    trial, site = again(paper=PAPER)
    index = page(site, "index.html")
    assert "Registers, layer 2, head 1" in index.text
    assert "Deep, layer 6, mean over heads" in index.text
    assert "i/image1/index.html#layer=2&head=1" in index.links
    (path,) = site.glob("data/registers/image1.2-1.*.png")
    record = trial.record("registers", "image1")
    chosen = record.layout.fold(record.rows("CLS"))[1, 0]
    with Image.open(path) as png:
        shown = np.asarray(png.convert("RGB"), dtype=int).sum(-1)
    assert shown.shape == chosen.shape
    assert np.unravel_index(shown.argmax(), shown.shape) == np.unravel_index(
        chosen.argmax(), chosen.shape
    )
    files = {file.path for file in manifest(site).front}
    assert path.relative_to(site).as_posix() in files
    assert len([name for name in files if "/crop." in name]) == 1


def colors(path: Path) -> np.ndarray:
    with Image.open(path) as png:
        return np.asarray(png.convert("RGB"), dtype=int).sum(-1)


def test_a_teaser_may_choose_another_query(again: Again) -> None:
    teaser = (
        TeaserCell("registers", "image1", 2, 1, query="reg2"),
        TeaserCell("probe", "image1", 1, query="received"),
        TeaserCell("registers", "image1", 2, 1, query=Patch(3, 5)),
        TeaserCell("plain", "image1", query=Patch(1, 2)),
    )
    trial, site = again(paper=Paper(teaser=teaser))
    registers, probe, plain = (trial.record(m, "image1") for m in ("registers", "probe", "plain"))
    assert registers.patch_attention is not None
    assert plain.patch_attention is not None
    index = page(site, "index.html")
    for name, caption, fields, rows in (
        (
            "registers/image1.2-1.reg2",
            "Registers, layer 2, head 1, query register 2",
            "layer=2&head=1&query=reg2",
            registers.layout.fold(registers.rows("reg2"))[1, 0],
        ),
        (
            "probe/image1.1-mean",
            "Probe, layer 1, mean over heads",
            "layer=1&head=mean",
            probe.layout.fold(probe.received_by_all()).mean(1)[0],
        ),
        (
            "registers/image1.2-1.patch-3-5",
            "Registers, layer 2, head 1, query at row 3, column 5",
            # the middle of the patch in a picture of 96 x 64 pixels, 6 x 4 patches
            "layer=2&head=1&query=patch&from=72.0,40.0",
            registers.layout.fold(registers.patch_attention)[1, 0, 2 * 6 + 4],
        ),
        (
            "plain/image1.3-mean.patch-1-2",
            "Plain, layer 3, mean over heads, query at row 1, column 2",
            "layer=3&head=mean&query=patch&from=24.0,8.0",
            plain.layout.fold(plain.patch_attention)[2, 1],
        ),
    ):
        (path,) = site.glob(f"data/{name}.*.png")
        shown = colors(path)
        assert shown.argmax() == rows.argmax(), name
        assert f"i/image1/index.html#{fields}" in index.links
        assert caption in index.text
    alts = [image["alt"] or "" for image in index.all("img") if "teaser" not in image["src"]]  # type: ignore[operator]
    for words in ("register 2 attention", "mean received attention", "attention of a patch"):
        assert any(f"Map of the {words} of" in alt for alt in alts)


def test_indexers_of_papers_find_their_tags(again: Again) -> None:
    _, site = again(paper=PAPER)
    found = metas(page(site, "index.html"))
    for tag in (
        ("citation_title", "Trial"),
        ("citation_author", "Ada Lovelace"),
        ("citation_author", "Alan Turing"),
        ("citation_publication_date", "2027"),
        ("citation_doi", "10.1234/5678"),
        ("citation_arxiv_id", "1.2"),
    ):
        assert tag in found
    data = linked_data(site)
    assert data["@type"] == "ScholarlyArticle"
    assert [author["name"] for author in data["author"]] == ["Ada Lovelace", "Alan Turing"]
    assert "url" not in data


def test_absolute_addresses_come_only_with_a_site_url(again: Again) -> None:
    _, without = again(paper=PAPER)
    assert "og:" not in (without / "index.html").read_text(encoding="utf-8")
    assert "canonical" not in (without / "index.html").read_text(encoding="utf-8")
    assert not list(without.glob("assets/social*"))
    _, site = again(paper=PAPER, site_url=URL)
    index = page(site, "index.html")
    found = dict(metas(index))
    assert found["og:url"] == URL
    image = found["og:image"] or ""
    assert image.startswith(f"{URL}assets/social.")
    with Image.open(site / image.removeprefix(URL)) as card:
        assert (card.size, card.format) == ((1200, 630), "PNG")
        colors = card.convert("RGB").getcolors(1200 * 630)
        assert colors is not None
        assert len(colors) > 200  # a picture and maps, not an empty sheet
    canonical = [link["href"] for link in index.all("link") if link.get("rel") == "canonical"]
    assert canonical == [URL]
    other = page(site, "i/image0/index.html")
    assert {"rel": "canonical", "href": f"{URL}i/image0/"} in other.all("link")
    assert linked_data(site)["image"] == image


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("Attention", "Attention"),
        ("Προσοχή και καταχωρητές", "Προσοχή και καταχωρητές"),
        ("Внимание 5 × 7", "Внимание 5 × 7"),
        ("🦕 DINO, with registers 🎉", "DINO, with registers"),
        ("注意力 of a transformer", ""),  # not half of it
        ("תשומת לב", ""),
        ("猫", ""),
    ],
)
def test_a_title_is_drawn_where_there_are_letters_for_it(
    tmp_path: Path, title: str, drawn: str
) -> None:
    assert drawable(title) == drawn
    image = picture(tmp_path / "a.png", 0)
    card, empty = (
        np.asarray(Image.open(io.BytesIO(social_card(text, image, SEEN, [], []))))
        for text in (title, "")
    )
    differs = (card != empty).any(-1)
    assert differs.any() == bool(drawn)
    assert not differs[250:].any()


@pytest.mark.slow
def test_no_two_letters_of_a_title_look_the_same(tmp_path: Path) -> None:
    image = picture(tmp_path / "a.png", 0)
    cards = {social_card(letter, image, SEEN, [], []) for letter in "aαжßğ☃"}
    assert len(cards) == 6


def test_without_a_paper_the_page_is_complete(again: Again) -> None:
    _, site = again(paper=None)
    html = (site / "index.html").read_text(encoding="utf-8")
    index = Page(html)
    assert "citation_" not in html
    assert "BibTeX" not in index.text
    assert "Credits" in index.text
    assert "weights: apache-2.0" in index.text
    assert "Image0, Image1" in index.text


def test_a_paper_with_nothing_in_it_adds_nothing_to_see(again: Again) -> None:
    _, site = again(paper=Paper())
    html = (site / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'class="(authors|buttons|teaser|abstract|venue)', html)


def test_a_hostile_paper_stays_text(again: Again) -> None:
    paper = Paper(
        authors=(Author(HOSTILE, "https://x.example/?a=1&b=<", HOSTILE),),
        venue=HOSTILE,
        abstract=HOSTILE,
        bibtex=HOSTILE,
        links=(PaperLink(HOSTILE, "https://x.example"),),
    )
    _, site = again(paper=paper, site_url=URL)
    html = (site / "index.html").read_text(encoding="utf-8")
    assert "<img src=x" not in html
    assert linked_data(site)["abstract"] == HOSTILE
    assert page(site, "index.html").text.count(HOSTILE) >= 4


@pytest.mark.slow
def test_the_front_page_is_the_same_again_and_reads_nothing(again: Again) -> None:
    trial, site = again(paper=PAPER, site_url=URL)
    before = tree(site)
    trial.reads.clear()
    report = build_site(trial.run, trial.read, site, version=VERSION)
    assert (trial.reads, report.rendered) == ([], 0)
    assert tree(site) == before


@pytest.mark.slow
def test_a_teaser_whose_model_failed_is_left_out(again: Again) -> None:
    paper = Paper(teaser=(TeaserCell("gone", "image0"), TeaserCell("plain", "image0")))
    _, site = again(paper=paper)
    assert (site / "index.html").read_text(encoding="utf-8").count("teaser-caption") == 2


def test_a_teaser_whose_query_is_not_in_the_site_is_left_out(again: Again) -> None:
    teaser = (TeaserCell("plain", "image0", query="reg1"), TeaserCell("plain", "image0"))
    _, site = again(paper=Paper(teaser=teaser), site_url=URL)
    assert (site / "index.html").read_text(encoding="utf-8").count("teaser-caption") == 2


def test_received_attention_is_a_query_where_not_all_models_have_a_class_token(
    again: Again,
) -> None:
    trial, site = again(paper=Paper(teaser=(TeaserCell("plain", "image1", query="received"),)))
    record = trial.record("plain", "image1")
    (path,) = site.glob("data/plain/image1.3-mean.received.*.png")
    rows = record.layout.fold(record.received_by_all()).mean(1)[2]
    assert colors(path).argmax() == rows.argmax()
    index = page(site, "index.html")
    assert "i/image1/index.html#layer=3&head=mean&query=received" in index.links
    assert "Plain, layer 3, mean over heads, received" in index.text


# --- from a file ----------------------------------------------------------------------------------


def plan_of(folder: Path) -> WorkPlan:
    trial = gallery(folder / "pictures")
    models = tuple(
        PlannedModel(ModelEntry(m.slug, m.label, m.id), None, None) for m in trial.run.models
    )
    images = {image.slug: image for image in trial.run.images}
    cells = tuple(
        PlannedCell(
            cell.model,
            images[cell.image],
            cell.record,
            layout=trial.records[cell.record].layout,
            patch_queries=KEPT[cell.model],
        )
        for cell in trial.run.cells
        if cell.record
    )
    return WorkPlan(models, trial.run.images, cells, "float32")


def test_a_teaser_is_named_by_label_and_file(tmp_path: Path) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(
        'models = ["a/b"]\nimages = ["p"]\n[paper]\nauthors = ["A"]\n'
        '[[paper.teaser]]\nmodel = "Deep"\nimage = "image1.jpg"\nlayer = 3\n'
    )
    paper = paper_of(load_spec(file), plan_of(tmp_path))
    assert paper is not None
    assert paper.teaser == (TeaserCell("deep", "image1", 3, "mean"),)
    assert paper.authors == (Author("A"),)


def test_a_paper_is_the_same_in_a_file_and_in_the_manifest(tmp_path: Path, again: Again) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(
        'models = ["a/b"]\nimages = ["p"]\n[paper]\nvenue = "ICLR"\nyear = 2027\n'
        'doi = "10.1234/5678"\nabstract = " First.\\n\\nSecond.\\n"\nbibtex = "\\n@article{a}\\n"\n'
        'authors = ["Ada Lovelace", {name = "Alan Turing", url = "https://a.example"}]\n'
        'links = {code = "https://c.example"}\n'
        '[[paper.teaser]]\nmodel = "Registers"\nimage = "image1.jpg"\nlayer = 2\n'
        "query = {row = 3, col = 5}\n"
    )
    paper = paper_of(load_spec(file), plan_of(tmp_path / "plan"))
    assert paper == Paper(
        authors=(Author("Ada Lovelace"), Author("Alan Turing", "https://a.example")),
        venue="ICLR",
        year=2027,
        doi="10.1234/5678",
        abstract="First.\n\nSecond.",
        bibtex="@article{a}",
        links=(PaperLink("code", "https://c.example"),),
        teaser=(TeaserCell("registers", "image1", 2, "mean", Patch(3, 5)),),
    )
    _, site = again(paper=paper)
    assert manifest(site).paper == paper


@pytest.mark.parametrize(
    ("model", "image", "message"),
    [
        ("Dep", "image1.jpg", "no model is called Dep. Did you mean Deep?"),
        ("Deep", "image2.jpg", "no picture is called image2.jpg. Did you mean image"),
        ("xyzzy", "image1.jpg", "no model is called xyzzy. There are: Plain, Registers, "),
    ],
)
def test_a_teaser_of_something_unknown_is_one_line(
    tmp_path: Path, model: str, image: str, message: str
) -> None:
    file = tmp_path / "gallery.toml"
    file.write_text(
        'models = ["a/b"]\nimages = ["p"]\n[[paper.teaser]]\n'
        f'model = "{model}"\nimage = "{image}"\n'
    )
    with pytest.raises(SpecError, match="teaser 1 of \\[paper\\]") as caught:
        paper_of(load_spec(file), plan_of(tmp_path))
    assert message in str(caught.value)


def chosen(folder: Path, model: str, more: str) -> TeaserCell:
    """A teaser of a model's maps of the first image, as a file says it."""
    file = folder / "gallery.toml"
    file.write_text(
        'models = ["a/b"]\nimages = ["p"]\n[[paper.teaser]]\n'
        f'model = "{model}"\nimage = "image0.jpg"\n{more}\n'
    )
    paper = paper_of(load_spec(file), plan_of(folder))
    assert paper is not None
    return paper.teaser[0]


def test_a_teaser_names_its_query(tmp_path: Path) -> None:
    assert chosen(tmp_path, "Registers", 'query = "reg2"').query == "reg2"
    assert chosen(tmp_path, "Probe", 'query = "received"').query == "received"
    assert chosen(tmp_path, "Plain", 'query = "received"').query == "received"
    found = chosen(tmp_path, "Registers", "query = {row = 4, col = 6}\nhead = 2")
    assert (found.query, found.head) == (Patch(4, 6), 2)


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        ("Registers", 'query = "reg3"', "Registers has no query reg3. Did you mean reg2?"),
        ("Plain", 'query = "reg1"', "Plain has no query reg1. There are: received, CLS."),
        (
            "Plain",
            "query = {row = 5, col = 1}",
            "Plain has no patch in row 5, column 1. Its grid has 4 rows and 6 columns.",
        ),
        (
            "Probe",
            "query = {row = 1, col = 1}",
            'Probe keeps no attention of patches. Set patch_queries = "mean" or "heads".',
        ),
        (
            "Plain",
            "query = {row = 1, col = 1}\nhead = 1",
            "Plain keeps the attention of patches as a mean over heads only. "
            'Leave out the head, or set patch_queries = "heads".',
        ),
    ],
)
def test_a_query_that_is_not_there_is_said(
    tmp_path: Path, model: str, more: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        chosen(tmp_path, model, more)
    assert str(caught.value) == f"teaser 1 of [paper]: {message}"
