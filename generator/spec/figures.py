"""Specification of a figure: a table ``[[figure]]`` of a gallery's file, or command options.

Every key but ``name`` is optional, and has the meaning of the command's option. ``colours`` is
accepted for ``colors``::

    [[figure]]
    name = "registers"            # of the files: figures/registers.pdf, .tex and .bib
    preset = "registers-1"
    venue = "icml"
    span = "text"

    [[figure]]
    name = "wall"
    format = "svg"
    models = ["with registers"]
    images = ["cat.jpg"]
    rows = "layers"
    cols = "heads"
    layers = "all"
    heads = "all"
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from generator.spec.models import respelled

FIGURES = "figures"
"""Folder of the figures in a site."""

Kind = Literal["pdf", "svg", "png"]
Span = Literal["column", "text"]
ScaleChoice = Literal["shared", "model", "layer", "map"]
Form = Literal["log2", "sqrt", "linear"]
Face = Literal["sans", "serif"]
Letters = Literal["text", "paths"]
Word = Annotated[str, Field(strict=True)]
Names = tuple[Word, ...]
NAMES = "a list of names"


class FigureSpec(BaseModel):
    """A figure for a paper. Frozen; the module shows the TOML form.

    Attributes:
        name: name of its files, without a suffix.
        format: format of the picture.
        preset: id of a paper's figure; empty for a free grid.
        rows: axes on the rows of a free grid.
        cols: axes on the columns of a free grid.
        input: whether to show the pictures in front.
        places: layer and head for single models (label, id or slug) in a free grid.
        models: labels, ids or slugs; empty for all.
        images: titles, file names or slugs; empty for all.
        layers: list such as ``1,6-12``, ``last`` or ``all``; empty for the figure's default.
        heads: list such as ``1-3``, ``mean`` or ``all``; empty for the figure's default.
        queries: list such as ``CLS,reg1``; empty for the figure's default.
        venue: venue whose template gives the width.
        span: width of a column, or of the text block.
        width: width in inches, instead of the venue's.
        overlay: opacity of maps over the gray picture, in percent; None for maps alone.
        scale: one scale for the gallery, or one per model, layer or map.
        form: form of the scale; None for log2, or linear with a scale per map.
        clip: percent of values clipped at each end; None for 0.5, or 0 with a scale per map.
        keep: percent of each map's mass that is colored, strongest patches first.
        colors: name of the color map; empty for the gallery's.
        font: font family.
        letters: letters of an SVG: text or paths.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="letters, digits and hyphens"
    )
    format: Kind = Field("pdf", description="pdf, svg or png")
    preset: Word = Field("", description="the name of a preset")
    rows: Word = Field("images", description='a text such as "images"')
    cols: Word = Field("models", description='a text such as "models,layers"')
    input: Annotated[bool, Field(strict=True)] = Field(True, description="true or false")
    places: tuple[Annotated[tuple[Word, ...], Field(min_length=3, max_length=3)], ...] = Field(
        (), description='a list of models with a layer and a head, such as [["plain", "11", "3"]]'
    )
    models: Names = Field((), description=NAMES)
    images: Names = Field((), description=NAMES)
    layers: Word = Field("", description='a text such as "1,6-12"')
    heads: Word = Field("", description='a text such as "1-3,mean"')
    queries: Word = Field("", description='a text such as "CLS,reg1"')
    venue: Word = Field("neurips", description="the name of a venue")
    span: Span = Field("column", description="column or text")
    width: float | None = Field(None, description="a number of inches")
    overlay: Annotated[int, Field(strict=True, ge=0, le=100)] | None = Field(
        None, description="a whole number from 0 to 100"
    )
    scale: ScaleChoice = Field("shared", description="shared, model, layer or map")
    form: Form | None = Field(None, description="log2, sqrt or linear")
    clip: float | None = Field(None, ge=0, lt=50, description="a percentage below 50")
    keep: Annotated[int, Field(strict=True, ge=1, le=100)] = Field(
        100, description="a whole number from 1 to 100"
    )
    colors: Word = Field("", description="the name of a color map")
    font: Face = Field("sans", description="sans or serif")
    letters: Letters = Field("text", description="text or paths")

    @model_validator(mode="before")
    @classmethod
    def _current_names(cls, table: Any) -> Any:
        return respelled(table, {"colours": "colors"})

    @property
    def files(self) -> tuple[str, ...]:
        """The names of its files: picture, LaTeX, bibliography."""
        return tuple(f"{self.name}.{end}" for end in (self.format, "tex", "bib"))
