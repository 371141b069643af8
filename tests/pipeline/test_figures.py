"""Figures that a gallery's file asks for, drawn with the site."""

from __future__ import annotations

import hashlib

import pytest

from generator.errors import GalleryError
from generator.present.files.manifest_file import read_manifest
from generator.spec.figures import FigureSpec
from generator.spec.gallery import GallerySpec
from tests.pipeline.galleries import build


@pytest.mark.slow
def test_figures_are_drawn_with_the_site_and_linked_from_its_index(spec: GallerySpec) -> None:
    figures = (
        FigureSpec(name="fig1", preset="registers-1", venue="icml"),
        FigureSpec(name="wall", rows="layers", layers="all", images=("first",), format="svg"),
    )
    spec = spec.model_copy(update={"figure": figures})
    build(spec)
    folder = spec.out / "figures"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {
        *("fig1.pdf", "fig1.tex", "fig1.bib"),
        *("wall.svg", "wall.tex", "wall.bib"),
    }
    index = (spec.out / "index.html").read_text()
    assert all(f'href="figures/{name}" download' in index for name in first)
    manifest = read_manifest(spec.out)
    assert manifest is not None
    listed = {file.path: file for figure in manifest.figures for file in figure.files}
    assert set(listed) == {f"figures/{name}" for name in first}
    for name, data in first.items():
        assert listed[f"figures/{name}"].sha256 == hashlib.sha256(data).hexdigest()
    build(spec)
    assert first == {path.name: path.read_bytes() for path in folder.iterdir()}
    build(spec.model_copy(update={"figure": ()}))
    assert not folder.exists()


@pytest.mark.slow
def test_a_figure_that_cannot_be_drawn_is_a_failure_beside_the_others(spec: GallerySpec) -> None:
    figures = (
        FigureSpec(name="many", preset="registers-16"),
        FigureSpec(name="wall", rows="layers", layers="all", images=("first",)),
    )
    outcome = build(spec.model_copy(update={"figure": figures}))
    (failure,) = (one for one in outcome.failures if "Figure" in one.message)
    assert failure.message == (
        "Figure many: The figure registers-16 needs at least 100 images of one grid."
    )
    assert {path.name for path in (spec.out / "figures").iterdir()} == {
        f"wall.{end}" for end in ("pdf", "tex", "bib")
    }
    index = (spec.out / "index.html").read_text()
    assert "Not drawn. The figure registers-16 needs at least 100 images of one grid." in index
    manifest = read_manifest(spec.out)
    assert manifest is not None
    assert [bool(figure.failure) for figure in manifest.figures] == [True, False]


def test_a_strict_build_stops_at_a_figure_and_the_old_site_stays(spec: GallerySpec) -> None:
    build(spec)
    before = (spec.out / "index.html").read_bytes()
    bad = FigureSpec(name="many", preset="registers-16")
    with pytest.raises(GalleryError, match=r"Figure many: .* at least 100 images"):
        build(spec.model_copy(update={"figure": (bad,), "strict": True}))
    assert (spec.out / "index.html").read_bytes() == before


def test_a_figure_of_no_known_name_is_found_before_the_work(spec: GallerySpec) -> None:
    bad = FigureSpec(name="one", preset="registers-0")
    with pytest.raises(GalleryError, match="Figure one: No figure is called registers-0"):
        build(spec.model_copy(update={"figure": (bad,)}))
    assert not spec.store.exists()
