"""Specification of a gallery's paper: the table ``[paper]`` of its file.

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
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

HTTPS = "an address that starts with https://"
Https = Annotated[str, Field(pattern=r"^https://[^\s/]+(/\S*)?$", description=HTTPS)]
Number = Annotated[int, Field(strict=True, ge=1)]
Line = Annotated[str, Field(description="a text")]
Named = Annotated[str, Field(min_length=1)]


class _PaperTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthorSpec(_PaperTable):
    """An author of the paper; ``url`` and ``affiliation`` may be empty."""

    name: Named = Field(description="a name")
    url: Https | None = Field(None, description=HTTPS)
    affiliation: Line = ""


class LinkSpec(_PaperTable):
    """A link button: label and URL."""

    label: Named = Field(description="a text")
    url: Https = Field(description=HTTPS)


class PatchSpec(_PaperTable):
    """A patch by row and column in the model's grid, from 1."""

    row: Number
    col: Number


class TeaserSpec(_PaperTable):
    """A teaser map: model by label or id, image by file, layer, head and query."""

    model: Named = Field(description="a model's label or id")
    image: Named = Field(description="the name of a picture's file")
    layer: Number | Literal["last"] = Field("last", description='a number from 1, or "last"')
    head: Number | Literal["mean"] = Field("mean", description='a number from 1, or "mean"')
    query: Annotated[str, Field(strict=True)] | PatchSpec = Field(
        "CLS", description='a token such as "reg1", or "received", or a patch {row = 3, col = 5}'
    )


def _author(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _links(value: Any) -> Any:
    """Accept the short form, a table of URLs."""
    if isinstance(value, dict):
        return tuple({"label": label, "url": url} for label, url in value.items())
    return value


class PaperSpec(_PaperTable):
    """The paper of a gallery. Frozen; see the module for how it is written.

    Attributes:
        doi: the DOI without a URL prefix.
        abstract: paragraphs with empty lines between them.
        bibtex: how to cite it.
        teaser: maps to show at the top.
    """

    authors: tuple[Annotated[AuthorSpec, BeforeValidator(_author)], ...] = Field(
        (), description='a list of names such as ["Ada Lovelace"], or of tables with a name'
    )
    venue: Line = ""
    year: Annotated[int, Field(strict=True, ge=1900, le=2999)] | None = Field(
        None, description="a year"
    )
    doi: str = Field("", pattern=r"^(10\.\d{4,9}/\S+)?$", description="a DOI such as 10.1000/182")
    abstract: Line = ""
    bibtex: Line = ""
    links: Annotated[tuple[LinkSpec, ...], BeforeValidator(_links)] = Field(
        (), description='a table of addresses such as {code = "https://..."}'
    )
    teaser: tuple[TeaserSpec, ...] = Field(
        (), description="a list of tables with a model and an image"
    )


_ITEMS: dict[str, tuple[str, type[BaseModel]]] = {
    "authors": ("author", AuthorSpec),
    "links": ("link", LinkSpec),
    "teaser": ("teaser", TeaserSpec),
}


def paper_place(loc: tuple[int | str, ...]) -> tuple[type[BaseModel], str, str]:
    """The place of a pydantic error below ``paper``.

    Args:
        loc: pydantic's location, without ``paper`` itself; not empty.

    Returns:
        The table's class, the key in it, and both in a user's words.
    """
    key = str(loc[0])
    if len(loc) == 1 or key not in _ITEMS:
        return PaperSpec, key, f"{key} of [paper]"
    word, owner = _ITEMS[key]
    at = f"{word} {int(loc[1]) + 1} of [paper]"
    if len(loc) == 2:
        return PaperSpec, key, at
    if len(loc) > 4:  # a query that is a table, after the name of its class
        return PatchSpec, str(loc[4]), f"{loc[4]} of {loc[2]} of {at}"
    return owner, str(loc[2]), f"{loc[2]} of {at}"
