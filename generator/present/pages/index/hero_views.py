"""Views of the hero, which opens the front page."""

from __future__ import annotations

from dataclasses import dataclass

from generator.present.pages.views import Picture


@dataclass(frozen=True, slots=True)
class FindingPart:
    """A part of a sentence.

    Attributes:
        strong: whether it is a number or a name that counts.
        term: id of the term that it explains, in ``macros/glossary.html.jinja2``; empty for none.
    """

    text: str
    strong: bool = False
    term: str = ""


@dataclass(frozen=True, slots=True)
class HeroTile:
    """One model's map of the hero.

    Attributes:
        url: the page of the image.
        photo: the part of the picture that the model saw; None when it cannot be opened.
        map: the map over it, on its own scale.
        layers: number of layers of the model.
        layer: layer of the map, from 1.
        chunk: URL of the numbers of all layers.
        record: key of the record, and ``query`` the id of the query, which name that chunk.
    """

    label: str
    url: str
    photo: Picture | None
    map: Picture
    layers: int
    layer: int
    chunk: str
    record: str
    query: str


@dataclass(frozen=True, slots=True)
class HeroView:
    """The hero: a picture with each model's map beside it.

    Attributes:
        photo: the part of the picture that the first model saw; None when it cannot be opened.
        title: title of the picture.
        finding: one sentence or two on what the maps show, made of their numbers.
        what: what the maps show, and on which scale.
        rule: how picture and layer were chosen.
        tiles: one for each model.
        columns: columns in a wide window, so that maps are as large as they can be.
        rows: rows that these columns make.
        aspect: width of a map by its height, to the nearest quarter from 0.5 to 2.
        depth: the depth that is shown, in layers of the deepest model, from 1.
        depths: number of these layers.
        apart: for each depth how far the maps are apart, with the unit; empty for one model.
        colors: name of the color map.
    """

    photo: Picture | None
    title: str
    finding: tuple[FindingPart, ...]
    what: str
    rule: str
    tiles: tuple[HeroTile, ...]
    columns: int
    rows: int
    aspect: str
    depth: int
    depths: int
    apart: tuple[str, ...]
    colors: str
