"""Front page: paper block, link previews, metadata for indexers, and credits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.present.cells.files import CellContent
from generator.present.content.crop import crop_size
from generator.present.content.front import Tile
from generator.present.content.teaser import caption, fragment, subject
from generator.present.pages.environment import script_json
from generator.present.pages.index.front_views import (
    Affiliation,
    AuthorName,
    CreditGroup,
    MetaTag,
    PaperBlock,
    Social,
    TeaserTile,
)
from generator.present.pages.paths import INDEX
from generator.present.pages.planner import Planner
from generator.present.pages.views import CreditLine, Link, Picture
from generator.present.pages.wording import credit, model_names
from generator.records.paper import Paper
from generator.records.run import ModelEntry
from generator.text.numbers import number
from generator.text.phrases import some

NAMED = 3
"""Most pictures that are named under one credit; the rest is counted."""

BUTTONS = {"arxiv": "arXiv", "pdf": "PDF", "doi": "DOI", "openreview": "OpenReview"}
"""Button labels that differ from the capitalized name."""


def paper_block(planner: Planner) -> PaperBlock | None:
    """Paper block of the front page; None for a gallery without a paper."""
    paper = planner.run.paper
    if paper is None:
        return None
    marks = _marks(paper)
    return PaperBlock(
        authors=tuple(
            AuthorName(a.name, a.url or "", marks.get(a.affiliation, "")) for a in paper.authors
        ),
        affiliations=tuple(Affiliation(mark, text) for text, mark in marks.items()),
        venue=" ".join(str(part) for part in (paper.venue, paper.year) if part),
        links=tuple(Link(link.url, _button(link.label)) for link in paper.links),
        teaser=tuple(_tiles(planner)),
        abstract=tuple(p.strip() for p in re.split(r"\n\s*\n", paper.abstract) if p.strip()),
        bibtex=paper.bibtex,
        meta=tuple(_meta(planner, paper)),
        linked_data=script_json(_linked_data(planner, paper)),
    )


def _marks(paper: Paper) -> dict[str, str]:
    """Affiliation -> its number; empty if all authors share it."""
    found = list(dict.fromkeys(a.affiliation for a in paper.authors if a.affiliation))
    if len(found) == 1 and all(author.affiliation for author in paper.authors):
        return {found[0]: ""}
    return {text: str(number) for number, text in enumerate(found, 1)}


def _button(label: str) -> str:
    return BUTTONS.get(label.lower(), label[:1].upper() + label[1:])


def _tiles(planner: Planner) -> Iterator[TeaserTile]:
    """Tiles of the teaser: maps, with the model's view before the maps that share it."""
    shown = None
    images = {image.slug: image for image in planner.run.images}
    for tile in planner.contents.front.tiles:
        content = planner.cell(tile.cell.model, tile.cell.image)
        assert isinstance(content, CellContent)
        size = crop_size(content.facts.view)
        image = images[tile.cell.image]
        if tile.crop is not None and tile.crop.path != shown:
            shown = tile.crop.path
            picture = Picture(planner.url(shown), size.width, size.height, image.alt or image.title)
            yield TeaserTile(picture, image.title, planner.image_link(image), is_map=False)
        yield TeaserTile(
            Picture(
                planner.url(tile.map.path), size.width, size.height, _alt(planner, tile, content)
            ),
            _caption(planner, tile, content),
            planner.image_link(image) + fragment(tile.cell, content),
            is_map=True,
        )


def _caption(planner: Planner, tile: Tile, content: CellContent) -> str:
    label = next(m.label for m in planner.run.models if m.slug == tile.cell.model)
    return caption(tile.cell, content, label)


def _alt(planner: Planner, tile: Tile, content: CellContent) -> str:
    low, high = (2.0**end for end in (planner.contents.scale.low, planner.contents.scale.high))
    return (
        f"Map of the {subject(tile.cell, content)} of {_caption(planner, tile, content)}, "
        f"on a scale from {number(low)} to {number(high)} times uniform."
    )


def _meta(planner: Planner, paper: Paper) -> Iterator[MetaTag]:
    """Tags that indexers of scholarly pages read."""
    yield MetaTag("citation_title", planner.run.title)
    for author in paper.authors:
        yield MetaTag("citation_author", author.name)
        if author.affiliation:
            yield MetaTag("citation_author_institution", author.affiliation)
    if paper.year:
        yield MetaTag("citation_publication_date", str(paper.year))
    if paper.venue:
        yield MetaTag("citation_conference_title", paper.venue)
    if paper.doi:
        yield MetaTag("citation_doi", paper.doi)
    for link in paper.links:
        if found := re.match(r"https://arxiv\.org/(?:abs|pdf)/([\w.-]+?)(?:\.pdf)?$", link.url):
            yield MetaTag("citation_arxiv_id", found[1])
        if link.url.endswith(".pdf") or "arxiv.org/pdf/" in link.url:
            yield MetaTag("citation_pdf_url", link.url)


def _linked_data(planner: Planner, paper: Paper) -> dict[str, object]:
    authors = []
    for author in paper.authors:
        person = {"@type": "Person", "name": author.name, "url": author.url}
        if author.affiliation:
            person["affiliation"] = author.affiliation
        authors.append({key: value for key, value in person.items() if value})
    found: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "headline": planner.run.title,
        "author": authors,
        "abstract": paper.abstract,
        "datePublished": str(paper.year or ""),
        "publication": paper.venue,
        "identifier": f"https://doi.org/{paper.doi}" if paper.doi else "",
        "sameAs": [link.url for link in paper.links],
        "url": planner.run.site_url,
        "image": _card_url(planner),
    }
    return {key: value for key, value in found.items() if value}


def _card_url(planner: Planner) -> str:
    card = planner.contents.front.social
    return planner.absolute(card.path) if card else ""


def social(planner: Planner) -> Social | None:
    """Data of link previews; None without a site URL."""
    if not planner.run.site_url:
        return None
    labels = {model.slug: model.label for model in planner.run.models}
    shown = ", ".join(labels[slug] for slug in planner.contents.front.carded)
    alt = f"{planner.run.title}: a picture and the attention of {shown} on it, side by side."
    return Social(planner.absolute(INDEX).removesuffix(INDEX), _card_url(planner), alt)


def credit_groups(planner: Planner) -> tuple[CreditGroup, ...]:
    """Makers and licenses of pictures and models; each credit once."""
    pictures: dict[CreditLine, list[str]] = {}
    for image in planner.run.images:
        if image.failure is None:
            pictures.setdefault(credit(image), []).append(image.title)
    models: dict[CreditLine, list[ModelEntry]] = {}
    for model in planner.run.models:
        cell = next(iter(planner.measured(model.slug)), None)
        license = cell.facts.model.license if cell else ""
        if license:
            models.setdefault(CreditLine(f"weights: {license}", ""), []).append(model)
    named = {of: list(model_names(planner.run, found)) for of, found in models.items()}
    return tuple(
        CreditGroup(_named(names), of)
        for table in (named, pictures)
        for of, names in table.items()
        if of.text or of.source
    )


def _named(names: list[str]) -> str:
    if len(names) <= NAMED + 1:
        return ", ".join(names)
    return some(names, NAMED)
