"""Pages of the previous site are taken over where nothing in them changed, and only there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.present.files.program import hashes_in
from generator.present.files.settings import Settings
from generator.present.site.write import build_site
from generator.records.run import Run
from tests.present.gallery import Gallery, many, tree
from tests.present.site.test_kept import without_last
from tests.present.site.test_site import VERSION

PLAIN = Settings(analyses="none")


@pytest.fixture
def trial(tmp_path: Path) -> Gallery:
    return many(tmp_path / "pictures", 4, models=1)


def build(
    trial: Gallery, out: Path, kept: Path | None, run: Run | None = None, **options: object
) -> dict[str, bytes]:
    given: dict[str, Any] = {"version": VERSION, "settings": PLAIN, "kept": kept, **options}
    build_site(run or trial.run, trial.read, out, **given)
    return tree(out)


def pages(site: Path) -> dict[str, int]:
    """The pages of a site, each with its number in the file system: a new file has another."""
    return {p.relative_to(site).as_posix(): p.stat().st_ino for p in site.rglob("*.html")}


def taken_over(site: Path, before: dict[str, int]) -> set[str]:
    return {path for path, number in pages(site).items() if before.get(path) == number}


def test_one_more_picture_renders_its_page_and_what_names_it(
    trial: Gallery, tmp_path: Path
) -> None:
    site, kept = tmp_path / "site", tmp_path / "kept"
    # the new picture has the numbers of another one, so that the scale of all maps stays
    last, first = trial.run.images[-1].slug, trial.run.images[0].slug
    for model in trial.run.models:
        cells = [trial.run.cell(model.slug, image) for image in (last, first)]
        own, other = (trial.records[cell.record] for cell in cells)
        trial.records[cells[0].record] = replace(other, key=own.key, image_sha256=own.image_sha256)
    build(without_last(trial), site, kept)
    before = pages(site)
    found = build(trial, site, kept)
    images = [f"i/{image.slug}/index.html" for image in trial.run.images]
    assert taken_over(site, before) >= {*images[:-2]}
    assert not taken_over(site, before) & {*images[-2:], "index.html"}
    assert found == build(trial, tmp_path / "at-once", None)


@pytest.mark.slow
def test_a_changed_input_changes_the_pages_that_show_it(trial: Gallery, tmp_path: Path) -> None:
    site, kept, run = tmp_path / "site", tmp_path / "kept", trial.run
    mine = tmp_path / "mine"
    (mine / "static/css").mkdir(parents=True)
    images = [f"i/{image.slug}/index.html" for image in run.images]
    every = {*images, "index.html", "methods/index.html"}
    build(trial, site, kept)

    def step(changed: set[str], kept_as_it_is: set[str], **options: object) -> dict[str, bytes]:
        before = pages(site)
        found = build(trial, site, kept, run, **options)
        taken = taken_over(site, before)
        assert not taken & changed
        assert taken >= kept_as_it_is
        return found

    step(set(images), {"methods/index.html"}, settings=replace(PLAIN, walls=not PLAIN.walls))
    step(set(images), {"methods/index.html"})
    (mine / "static/css/custom.css").write_text(":root { --accent: teal; }")
    step(every, set(), templates=mine)
    (mine / "image.html.jinja2").write_text(
        '{% extends "!own/image.html.jinja2" %}{% block footer %}My lab{% endblock %}'
    )
    step(set(images), set(), templates=mine)
    run = replace(run, title="Another")
    step(every, set(), templates=mine)
    run = replace(run, models=(replace(run.models[0], label="Another model"),))
    step(every, set(), templates=mine)
    run = replace(run, images=(*run.images[:2], replace(run.images[2], title="New"), run.images[3]))
    step({*images[1:], "index.html"}, {images[0]}, templates=mine)
    run = replace(run, images=(*run.images[:2], replace(run.images[2], note="A"), run.images[3]))
    step({images[2]}, {images[0], images[3]}, templates=mine)
    (site / images[3]).write_text("damaged")
    found = step({images[3]}, {images[0], "index.html"}, templates=mine)
    assert found == build(trial, tmp_path / "afresh", None, run, templates=mine)


def test_compiled_templates_are_no_other_templates(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "index.html.jinja2").write_text("<p>{{ page.title }}</p>")
    before = [*hashes_in(mine)]
    (mine / "__pycache__").mkdir()
    (mine / "__pycache__" / "index.pyc").write_bytes(b"compiled")
    assert [*hashes_in(mine)] == before != []


@pytest.mark.parametrize("text", ["[]", '{"a": ["b"]}'])
def test_a_damaged_note_costs_only_time(trial: Gallery, tmp_path: Path, text: str) -> None:
    site, kept = tmp_path / "site", tmp_path / "kept"
    first, before = build(trial, site, kept), pages(site)
    (note,) = (kept / "pages").iterdir()
    note.write_text(text)
    assert build(trial, site, kept) == first
    assert not taken_over(site, before)


def test_a_site_below_its_size_limit_is_the_same_with_and_without_a_former_one(
    trial: Gallery, tmp_path: Path
) -> None:
    site, kept = tmp_path / "site", tmp_path / "kept"
    whole = sum(map(len, build(trial, site, kept).values()))
    settings = replace(PLAIN, max_bytes=whole - 1)
    found = build(trial, site, kept, settings=settings)
    assert found == build(trial, tmp_path / "afresh", None, settings=settings)
    assert found == build(trial, site, kept, settings=settings)
