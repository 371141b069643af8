"""The command ``figure``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from generator.commands.shared import completion
from generator.commands.shared.options import (
    IMAGES,
    MODELS,
    SITE,
    STORE,
    Number,
    Word,
    one_line_errors,
    opened,
    outside,
    say,
)
from generator.text.numbers import given


@click.command()
@SITE
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("figure.pdf"),
    show_default=True,
    metavar="FILE",
    help="Name that ends in .pdf, .svg or .png; .tex and .bib are written beside it.",
)
@click.option(
    "--preset",
    shell_complete=completion.PRESETS,
    default="",
    metavar="NAME",
    help="A figure of a paper; --list names them, and the options that each of them takes.",
)
@click.option(
    "--list", "listing", is_flag=True, help="List the presets and whether this site can give them."
)
@MODELS
@IMAGES
@click.option(
    "--layers",
    default="",
    metavar="LIST",
    help="Such as 1,6-12, last or all; 0 is the embedding, of which there are norms.  "
    "[default: last, or as the preset has it]",
)
@click.option(
    "--heads",
    default="",
    metavar="LIST",
    help="Such as 1-3, mean, max, min or all.  [default: mean, or as the preset has it]",
)
@click.option(
    "--queries",
    default="",
    shell_complete=completion.QUERIES,
    metavar="LIST",
    help="Such as CLS,reg1, values (CLS, weighted by value norms), patch-3-5 (row 3, column 5), "
    "at-120-80 (the patch at these pixels) or all.  [default: CLS]",
)
@click.option(
    "--rows",
    default="images",
    show_default=True,
    shell_complete=completion.AXES,
    metavar="AXES",
    help="Axes of the rows: images, models, layers, heads, queries, or several with commas.",
)
@click.option(
    "--cols",
    default="models",
    show_default=True,
    shell_complete=completion.AXES,
    metavar="AXES",
    help="Axes of the columns.",
)
@click.option(
    "--place",
    "places",
    nargs=3,
    multiple=True,
    metavar="MODEL LAYER HEAD",
    help="A layer and a head of its own for a model. Repeat for more.",
)
@click.option("--input/--no-input", default=True, help="Show the pictures in front.")
@click.option(
    "--venue",
    shell_complete=completion.VENUES,
    default="neurips",
    show_default=True,
    metavar="NAME",
    help="Venue: icml, neurips, iclr, tmlr, cvpr, iccv, wacv, eccv, acl, aaai, ieee.",
)
@click.option(
    "--span",
    type=Word(["column", "text"]),
    default="column",
    show_default=True,
    help="As wide as a column, or as the whole text.",
)
@click.option(
    "--width",
    type=Number(min=0, min_open=True),
    metavar="INCHES",
    help="Width instead of the venue's.",
)
@click.option(
    "--overlay",
    type=click.IntRange(0, 100),
    metavar="PERCENT",
    help="Draw maps over the picture in gray, at this strength.  [default: maps alone, or as the "
    "preset has it]",
)
@click.option(
    "--scale",
    type=Word(["shared", "model", "layer", "map"]),
    default="shared",
    show_default=True,
    help="One scale for the gallery, or one for each model, layer or map, which the caption says.",
)
@click.option(
    "--form",
    type=Word(["log2", "sqrt", "linear"]),
    help="Form of the scale.  [default: log2; linear where each map has its own]",
)
@click.option(
    "--clip",
    type=Number(0, 50, max_open=True),
    metavar="PERCENT",
    help="Share clipped at each end of the scale.  [default: 0.5; 0 where each map has its own]",
)
@click.option(
    "--keep",
    type=click.IntRange(1, 100),
    default=100,
    show_default=True,
    metavar="PERCENT",
    help="Color only the strongest patches that hold this share of a map's mass.",
)
@click.option(
    "--colors",
    "--colours",
    "colors",
    shell_complete=completion.COLORS,
    default="",
    metavar="NAME",
    help="cividis, inferno, magma or viridis.  [default: the site's]",
)
@click.option(
    "--font",
    type=Word(["sans", "serif"]),
    default="sans",
    show_default=True,
    help="DejaVu Sans, or STIX, which goes with Times.",
)
@click.option(
    "--letters",
    type=Word(["text", "paths"]),
    default="text",
    show_default=True,
    help="In an SVG: text that can be searched and edited, or outlines, which look the same "
    "without the font.",
)
@click.option(
    "--bib",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Add the entries to this bibliography, which figures of one paper share, in place of a "
    ".bib of the figure's own.",
)
@STORE
def figure(
    site: Path,
    *,
    out: Path,
    listing: bool,
    bib: Path | None,
    store: Path | None,
    **asked: Any,
) -> None:
    """Draw a figure for a paper, with a .tex and a .bib beside it.

    \b
      attention-gallery figure site --preset registers-1 --venue icml -o fig1.pdf
      attention-gallery figure site -m DINOv2 --rows layers --cols heads \\
        --layers 1-12 --heads all -i cat.jpg --venue cvpr --span text -o wall.pdf
    """  # noqa: D301 - click's mark for lines that stay as they are
    from generator.export.figures.make import (
        kind_of_file,
        listed_presets,
        make_figure,
        planned_figure,
        write_figure,
    )
    from generator.spec.figures import FigureSpec

    with one_line_errors():
        request = FigureSpec(name=out.stem, format=kind_of_file(out), **asked)
        if listing:
            for line in listed_presets(opened(site, store=store), request):
                say(line)
            return
        planned = planned_figure(request, command=True)
        for path in filter(None, (out, bib)):
            outside(site, path)
        source = opened(site, store=store)
        written = write_figure(out, make_figure(source, planned, out.name), bib)
        inches = given(planned.extent.inches)
        say(f"Wrote {', '.join(str(path) for path in written)}: {inches} in wide.")
