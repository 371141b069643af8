"""A site built again: the same bytes, nothing made twice, and the old one whole until then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generator.errors import StoreError
from generator.present.files.settings import Settings
from generator.present.site.result import SiteResult
from generator.present.site.write import build_site
from tests.present.gallery import Gallery, gallery, tree
from tests.present.site.test_site import VERSION, page, page_data

Built = tuple[Gallery, Path, SiteResult]
Again = Callable[..., tuple[Gallery, Path]]


# --- again and again ----------------------------------------------------------------------------


def test_the_same_input_gives_the_same_bytes(built: Built, trial: Gallery, tmp_path: Path) -> None:
    build_site(trial.run, trial.read, tmp_path / "two", version=VERSION)
    one, two = tree(built[1]), tree(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [path for path in one if one[path] != two[path]] == []


def test_a_rebuild_reads_no_record_and_renders_nothing(again: Again) -> None:
    trial, site = again()
    before = tree(site)
    report = build_site(trial.run, trial.read, site, version=VERSION)
    assert (trial.reads, report.rendered) == ([], 0)
    assert tree(site) == before


def test_a_new_title_rewrites_pages_only(again: Again) -> None:
    trial, site = again()
    before = tree(site)
    build_site(replace(trial.run, title="Another"), trial.read, site, version=VERSION)
    after = tree(site)
    changed = {path for path in after if before.get(path) != after[path]}
    assert trial.reads == []
    assert changed == {p for p in after if p.endswith(".html")} | {"manifest.json"}


def test_a_new_image_measures_only_itself(again: Again, tmp_path: Path) -> None:
    _, site = again()
    more = gallery(tmp_path / "pictures", images=3)
    build_site(more.run, more.read, site, version=VERSION)
    assert {more.records[key].image_sha256 for key in more.reads} == {more.run.images[2].sha256}


def test_a_damaged_file_is_rendered_again(again: Again) -> None:
    trial, site = again()
    before = tree(site)
    chunk = next((site / "data/plain").glob("image0.CLS.*.js"))
    chunk.write_bytes(chunk.read_bytes()[:-9])
    build_site(trial.run, trial.read, site, version=VERSION)
    assert trial.reads == [trial.run.cell("plain", "image0").record]
    assert tree(site) == before


def test_other_colors_need_no_record(again: Again) -> None:
    trial, site = again()
    settings = Settings(colors="viridis", walls=False)
    build_site(trial.run, trial.read, site, version=VERSION, settings=settings)
    assert trial.reads == []
    assert page_data(site, "i/image0/index.html")["colors"] == "viridis"
    assert not list(site.glob("data/*/*.wall.*"))


def test_a_users_template_and_style_come_first(again: Again, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "static/css").mkdir(parents=True)
    (mine / "static/css/custom.css").write_text(":root { --accent: teal; }")
    (mine / "index.html.jinja2").write_text(
        '{% extends "!own/index.html.jinja2" %}{% block footer %}My lab{% endblock %}'
    )
    trial, site = again()
    build_site(trial.run, trial.read, site, version=VERSION, templates=mine)
    index = page(site, "index.html")
    assert "My lab" in index.text
    assert "Made with" not in index.text
    assert any("custom." in link for link in index.links)


# --- staging ------------------------------------------------------------------------------------


def test_a_build_that_fails_leaves_the_site_as_it_was(again: Again, tmp_path: Path) -> None:
    _, site = again()
    before = tree(site)

    def interrupted(key: str) -> None:
        raise KeyboardInterrupt

    other = gallery(tmp_path / "others", images=3)
    with pytest.raises(KeyboardInterrupt):
        build_site(other.run, interrupted, site, version=VERSION)  # type: ignore[arg-type]
    assert tree(site) == before
    assert [path.name for path in site.parent.iterdir()] == ["site"]


def test_what_a_killed_build_left_behind_is_removed(again: Again) -> None:
    trial, site = again()
    stale = site.parent / ".site.staging/data"
    stale.mkdir(parents=True)
    (stale / "half.js").write_text("galleryChunk(")
    build_site(trial.run, trial.read, site, version=VERSION)
    assert not (site.parent / ".site.staging").exists()
    assert not list(site.rglob("half.js"))


def test_a_build_killed_inside_the_swap_is_put_right(again: Again) -> None:
    trial, site = again()
    (site / "CNAME").write_text("gallery.example.org")
    site.rename(site.parent / ".site.former")
    build_site(trial.run, trial.read, site, version=VERSION)
    assert trial.reads == []
    assert (site / "CNAME").read_text() == "gallery.example.org"
    assert not (site.parent / ".site.former").exists()


def test_what_the_user_put_into_the_site_stays(again: Again) -> None:
    trial, site = again()
    (site / ".git").mkdir()
    (site / ".git/HEAD").write_text("ref: refs/heads/gh-pages")
    build_site(replace(trial.run, title="Another"), trial.read, site, version=VERSION)
    assert (site / ".git/HEAD").read_text() == "ref: refs/heads/gh-pages"


def test_a_strange_folder_is_refused_by_name(trial: Gallery, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.tex").write_text("\\section{One}")
    with pytest.raises(StoreError) as caught:
        build_site(trial.run, trial.read, thesis, version=VERSION)
    assert caught.value.message == (
        f"The folder {thesis} is not empty and was not written by attention-gallery, "
        "so it is left alone."
    )
    assert caught.value.hint == "Choose another folder (-o, or out), or empty this one."
    assert [path.name for path in thesis.iterdir()] == ["chapter1.tex"]
    assert trial.reads == []
