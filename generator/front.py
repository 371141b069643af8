"""From what a spec says of its paper to what a site shows: names become slugs, or an error."""

from __future__ import annotations

from generator.errors import SpecError
from generator.paper_spec import TeaserSpec
from generator.run import Author, Paper, PaperLink, TeaserCell
from generator.spec import GallerySpec
from generator.toml import did_you_mean
from generator.workplan import WorkPlan


def paper_of(spec: GallerySpec, plan: WorkPlan) -> Paper | None:
    """The paper of a gallery, its teaser found among the models and images; None without one.

    Raises:
        SpecError: the teaser names a model, an image, a layer or a head that is not there.
    """
    paper = spec.paper
    if paper is None:
        return None
    return Paper(
        authors=tuple(Author(a.name, a.url or "", a.affiliation) for a in paper.authors),
        venue=paper.venue,
        year=paper.year,
        doi=paper.doi,
        abstract=paper.abstract.strip(),
        bibtex=paper.bibtex.strip(),
        links=tuple(PaperLink(link.label, link.url) for link in paper.links),
        teaser=tuple(_cell(number, cell, plan) for number, cell in enumerate(paper.teaser, 1)),
    )


def _cell(number: int, cell: TeaserSpec, plan: WorkPlan) -> TeaserCell:
    place = f"teaser {number} of [paper]"
    model = next((m for m in plan.models if cell.model in (m.entry.label, m.entry.id)), None)
    if model is None:
        labels = [known.entry.label for known in plan.models]
        raise _unknown(f"{place}: no model is called {cell.model}.", cell.model, labels)
    image = next((i for i in plan.images if cell.image in (i.name, i.title, i.slug)), None)
    if image is None:
        names = [known.name for known in plan.images]
        raise _unknown(f"{place}: no picture is called {cell.image}.", cell.image, names)
    vision = model.resolved.vision if model.resolved else None
    for word, asked, most in (
        ("layer", cell.layer, vision.layers if vision else None),
        ("head", cell.head, vision.heads if vision else None),
    ):
        if isinstance(asked, int) and most is not None and asked > most:
            label = model.entry.label
            raise SpecError(
                f"{place}: {label} has no {word} {asked}.", f"Its {word}s are 1 to {most}."
            )
    return TeaserCell(
        model=model.entry.slug,
        image=image.slug,
        layer=0 if cell.layer == "last" else cell.layer,
        head=0 if cell.head == "mean" else cell.head,
    )


def _unknown(message: str, word: str, known: list[str]) -> SpecError:
    shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
    return SpecError(message, did_you_mean(word, known) or f"There are: {shown}.")
