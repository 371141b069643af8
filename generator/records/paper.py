"""The paper of a gallery: the table ``[paper]`` of its file.

Every key is optional::

    site_url = "https://lab.example.org/registers/"

    [paper]
    authors = ["Ada Lovelace", {name = "Alan Turing", url = "https://...", affiliation = "Lab"}]
    venue = "ICLR"
    year = 2027
    abstract = "..."
    bibtex = "@inproceedings{...}"
    links = {paper = "https://...", code = "https://...", data = "https://..."}

    [[paper.teaser]]
    model = "with registers"    # its label or id
    image = "chelsea.jpg"       # its file
    layer = 12                  # the last one when left out
    head = 3                    # their mean when left out
    query = "reg1"              # a token, "received", or a patch: {row = 3, col = 5}

The spec, the run and the manifest share these classes. Wrong values raise pydantic's
``ValidationError``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

HTTPS = "an address that starts with https://"
Https = Annotated[str, Field(pattern=r"^https://[^\s/]+(/\S*)?$", description=HTTPS)]
Number = Annotated[int, Field(strict=True, ge=1)]
Line = Annotated[str, Field(description="a text")]
Prose = Annotated[str, StringConstraints(strip_whitespace=True), Field(description="a text")]

_TABLE = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_TABLE)
class Author:
    """An author of the paper.

    Attributes:
        name: full name.
        url: page about the author; None without one.
        affiliation: may be empty.
    """

    name: Annotated[str, Field(min_length=1, description="a name")]
    url: Annotated[Https | None, Field(description=HTTPS)] = None
    affiliation: Line = ""


@dataclass(frozen=True, slots=True, config=_TABLE)
class PaperLink:
    """A link button of the front page.

    Attributes:
        label: text of the button.
        url: target of the link.
    """

    label: Annotated[str, Field(min_length=1, description="a text")]
    url: Https


@dataclass(frozen=True, slots=True, config=_TABLE)
class Patch:
    """A patch by row and column in the model's grid.

    Attributes:
        row: from 1.
        col: from 1.
    """

    row: Number
    col: Number


@dataclass(frozen=True, slots=True, config=_TABLE)
class TeaserCell:
    """A teaser map, shown at the top of the front page.

    Attributes:
        model: label or id of the model in a spec, its slug in a run.
        image: file name of the image in a spec, its slug in a run.
        layer: from 1, or ``last``.
        head: from 1, or ``mean``.
        query: name of a token, ``received``, or a patch; every model has ``CLS``.
    """

    model: Annotated[str, Field(min_length=1, description="a model's label or id")]
    image: Annotated[str, Field(min_length=1, description="the name of a picture's file")]
    layer: Annotated[Number | Literal["last"], Field(description='a number from 1, or "last"')] = (
        "last"
    )
    head: Annotated[Number | Literal["mean"], Field(description='a number from 1, or "mean"')] = (
        "mean"
    )
    query: Annotated[
        Annotated[str, Field(strict=True)] | Patch,
        Field(description='a token such as "reg1", or "received", or a patch {row = 3, col = 5}'),
    ] = "CLS"


def _author(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _links(value: Any) -> Any:
    """Accept the short form, a table of URLs."""
    if isinstance(value, dict):
        return tuple({"label": label, "url": url} for label, url in value.items())
    return value


@dataclass(frozen=True, slots=True, config=_TABLE)
class Paper:
    """The paper of a gallery; the module shows the TOML form.

    Attributes:
        authors: in order.
        venue: conference or journal; may be empty.
        year: year of publication; None if unknown.
        doi: the DOI without a URL prefix; may be empty.
        abstract: paragraphs with empty lines between them; may be empty.
        bibtex: BibTeX entry to cite it; may be empty.
        links: link buttons, in order.
        teaser: teaser maps, in order.
    """

    authors: Annotated[
        tuple[Annotated[Author, BeforeValidator(_author)], ...],
        Field(description='a list of names such as ["Ada Lovelace"], or of tables with a name'),
    ] = ()
    venue: Line = ""
    year: Annotated[
        Annotated[int, Field(strict=True, ge=1900, le=2999)] | None, Field(description="a year")
    ] = None
    doi: Annotated[
        str, Field(pattern=r"^(10\.\d{4,9}/\S+)?$", description="a DOI such as 10.1000/182")
    ] = ""
    abstract: Prose = ""
    bibtex: Prose = ""
    links: Annotated[
        tuple[PaperLink, ...],
        BeforeValidator(_links),
        Field(description='a table of addresses such as {code = "https://..."}'),
    ] = ()
    teaser: Annotated[
        tuple[TeaserCell, ...], Field(description="a list of tables with a model and an image")
    ] = ()
