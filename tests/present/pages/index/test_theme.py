"""Templates and styles of one's own: a block, a whole template, a variable."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from generator.bundled import bundled
from generator.errors import StoreError
from generator.present.pages.index.finder_views import Finder
from generator.present.pages.index.front_views import PaperBlock
from generator.present.pages.index.views import IndexPage
from generator.present.pages.views import PageBase
from generator.present.site.write import build_site
from tests.present.gallery import Gallery
from tests.present.site.test_site import VERSION, page

README = (bundled("templates") / "README.md").read_text(encoding="utf-8")


def themed(trial: Gallery, folder: Path, **files: str) -> Path:
    """A site built with templates of one's own; ``__`` stands for a folder, ``_html`` the rest."""
    for name, text in files.items():
        path = folder / "mine" / name.replace("__", "/").replace("_html", ".html.jinja2")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    site = folder / "site"
    build_site(trial.run, trial.read, site, version=VERSION, templates=folder / "mine")
    return site


@pytest.mark.usefixtures("begun")
def test_a_block_of_the_index_is_replaced_and_the_others_stay(
    trial: Gallery, tmp_path: Path
) -> None:
    text = """{% extends "!own/index.html.jinja2" %}
    {% block front %}{{ super() }}<p>Shown at the fair of {{ page.title }}.</p>{% endblock %}
    {% block credits %}{% endblock %}"""
    site = themed(trial, tmp_path, index_html=text)
    index = page(site, "index.html").text
    assert "Shown at the fair of Trial." in index
    assert "A gallery for tests." in index
    assert "Credits" not in index
    assert "Image0" in index


@pytest.mark.usefixtures("begun")
def test_a_block_of_the_base_reaches_every_page(trial: Gallery, tmp_path: Path) -> None:
    text = '{% extends "!own/base.html.jinja2" %}{% block footer %}Our lab{% endblock %}'
    site = themed(trial, tmp_path, base_html=text)
    for path in ("index.html", "i/image0/index.html", "m/plain/index.html"):
        assert "Our lab" in page(site, path).text
        assert "Made with" not in page(site, path).text


@pytest.mark.usefixtures("begun")
def test_a_whole_template_is_replaced(trial: Gallery, tmp_path: Path) -> None:
    site = themed(trial, tmp_path, model_html="<!doctype html><title>{{ page.label }}</title>")
    assert (site / "m/plain/index.html").read_text() == "<!doctype html><title>Plain</title>"


@pytest.mark.usefixtures("begun")
def test_a_macro_is_replaced_for_all_pages(trial: Gallery, tmp_path: Path) -> None:
    text = (bundled("templates") / "macros/parts.html.jinja2").read_text(encoding="utf-8")
    text = text.replace('<p class="credit">', '<p class="credit">Photo: ')
    site = themed(trial, tmp_path, macros__parts_html=text)
    assert "Photo: A. Painter, CC0" in page(site, "i/image0/index.html").text


@pytest.mark.usefixtures("begun")
def test_ones_own_style_comes_last_on_every_page(trial: Gallery, tmp_path: Path) -> None:
    folder = tmp_path / "mine/static/css"
    folder.mkdir(parents=True)
    (folder / "custom.css").write_text(":root { --accent: teal; }")
    site = themed(trial, tmp_path)
    for path in ("index.html", "i/image0/index.html", "m/plain/index.html"):
        links = page(site, path).all("link")
        screen = [link for link in links if link["rel"] == "stylesheet" and "media" not in link]
        assert "custom." in (screen[-1]["href"] or "")


@pytest.mark.usefixtures("begun")
def test_a_field_that_is_not_there_is_named(trial: Gallery, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        themed(trial, tmp_path, index_html="{{ page.tilte }}")
    assert "The template of the index page fails" in caught.value.message
    assert "tilte" in caught.value.message
    assert "templates/README.md" in caught.value.hint


def test_the_readme_names_every_template_block_style_script_and_variable() -> None:
    own = bundled("templates")
    names = [path.relative_to(own).as_posix() for path in own.rglob("*.jinja2")]
    names += [path.name for path in own.glob("static/*/*.*") if path.suffix in {".css", ".js"}]
    for name in set(names) - {"notebook.html.jinja2"}:
        assert f"`{name}`" in README, name
    index = (own / "index.html.jinja2").read_text(encoding="utf-8")
    for block in re.findall(r"{% block (\w+) %}", index):
        assert f"`{block}`" in README, block
    theme = (own / "static/css/theme.css").read_text(encoding="utf-8")
    for variable in set(re.findall(r"(--[\w-]+):", theme)):
        assert f"`{variable}`" in README, variable


@pytest.mark.parametrize("kind", [IndexPage, PaperBlock, PageBase, Finder])
def test_every_field_of_the_index_is_described(kind: type) -> None:
    described = re.findall(r"^\s+(\w+): ", kind.__doc__ or "", re.MULTILINE)
    assert described == [field.name for field in fields(kind)]  # type: ignore[arg-type]


def test_styles_take_their_colors_from_the_theme() -> None:
    for path in bundled("templates").glob("static/css/*.css"):
        if path.name in {"theme.css", "print.css"}:
            continue
        text = re.sub(r"/\*.*?\*/|var\([^()]*\)", "", path.read_text(encoding="utf-8"), flags=re.S)
        assert re.findall(r"(?<!&)#[0-9a-f]{3,8}\b(?! *\{)|rgba?\([^)]*\)", text) == [], path.name
