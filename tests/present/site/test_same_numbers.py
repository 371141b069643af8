"""A quantity of a model reads the same on every page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.present.gallery import Gallery
from tests.present.site.readings import Key, disagreements, pages, readings

SEVERAL = {
    *("outlier-share", "norm-ratio", "on-patches", "largest", "norm", "outlier-share"),
    *("mass inside", "hits", "IoU at 60\u00a0%", "average precision"),
}
"""Quantities that the trial gallery states on more than one page for the same model."""


def labels_of(trial: Gallery) -> dict[str, str]:
    return {model.slug: model.label for model in trial.run.models}


def test_a_quantity_of_a_model_reads_the_same_on_every_page(
    analyzed: tuple[Gallery, Path],
) -> None:
    trial, site = analyzed
    found = readings(pages(site), labels_of(trial))
    shared = {key for key, texts in found.items() if len(set().union(*texts.values())) > 1}
    assert {key.quantity for key in shared} >= SEVERAL
    assert {key.model for key in shared} == {"Plain", "Registers", "Probe", "Deep"}
    assert {key: dict(texts) for key, texts in found.items() if len(texts) > 1} == {}


@pytest.mark.parametrize(
    ("key", "path", "before", "after"),
    [
        (
            Key("outlier-share", "Registers", "peak"),
            "r/plain--registers/index.html",
            "In Registers, 2.08\u00a0% of the patches are outliers",
            "In Registers, 2.1\u00a0% of the patches are outliers",
        ),
        (
            Key("outlier-share", "Registers", "peak"),
            "m/registers/index.html",
            "; 2.08\u00a0% of the patches are above",
            "; 2.08 % of the patches are above",
        ),
        (
            Key("norm-ratio", "Registers", "peak"),
            "r/plain--registers/index.html",
            "<td>6.75 × (layer 2)</td>",
            "<td>6.8 × (layer 2)</td>",
        ),
        (
            Key("norm-ratio", "Registers", "layer (0: embedding) 2"),
            "m/registers/index.html",
            '<tr><th scope="row">2</th><td>6.75</td></tr>',
            '<tr><th scope="row">2</th><td>6.750</td></tr>',
        ),
        (
            Key("on-patches", "Plain", "image0"),
            "m/plain/index.html",
            "98\u00a0% of the CLS attention is on patches",
            "98.0\u00a0% of the CLS attention is on patches",
        ),
        (
            Key("mass inside", "Plain", "last layer"),
            "index.html",
            "48.7\u00a0%",
            "48.70\u00a0%",
        ),
    ],
    ids=["digits", "space", "key number", "chart", "alternative text", "score"],
)
def test_a_number_that_is_written_otherwise_on_one_page_is_found(
    analyzed: tuple[Gallery, Path], key: Key, path: str, before: str, after: str
) -> None:
    trial, site = analyzed
    found = pages(site)
    assert before in found[path]
    found[path] = found[path].replace(before, after)
    [(where, texts)] = disagreements(found, labels_of(trial)).items()
    assert where == key
    assert len(texts) == 2
    assert path in set().union(*texts.values())
