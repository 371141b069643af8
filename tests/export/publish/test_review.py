"""What is said of a site before it leaves."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generator.errors import StoreError
from generator.export.publish.licenses import shared_license
from generator.export.publish.review import Target, review_site
from generator.spec.size import DEFAULT_SITE_SIZE
from generator.text.amounts import size_in_words
from tests.export.publish.publishing import build, edit, manifest_of, rewrite


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(built, tmp_path / "site"))


def found(site: Path, target: Target = "branch") -> list[str]:
    """Every finding as the user reads it."""
    return [str(problem) for problem in review_site(site, target).problems]


def stretch(path: Path, size: int) -> Path:
    """A file of a size that takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size)
    return path


def of_size(site: Path, target: Target = "branch") -> list[str]:
    """The problems but that files were stretched."""
    return [text for text in found(site, target) if "changed since the build" not in text]


def test_a_good_site_is_only_counted(site: Path) -> None:
    review = review_site(site, "branch")
    paths = [path for path in site.rglob("*") if path.is_file()]
    assert not review.problems
    assert [site / file.path for file in review.files] == sorted(
        paths, key=lambda path: path.relative_to(site).as_posix()
    )
    assert review.bytes == sum(path.stat().st_size for path in paths)


def test_demo_of_the_program_has_nothing_to_hide(site: Path) -> None:
    """No address of the templates, styles and scripts is tied to a place."""
    scripts = [path for path in (site / "assets").iterdir() if path.suffix == ".js"]
    assert len(scripts) > 10 and not found(site)


# --- what is no site ------------------------------------------------------------------------------


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        review_site(tmp_path / "nowhere", "branch")
    assert str(caught.value) == (
        f"There is no folder {tmp_path}/nowhere. Build the site first, or name its folder."
    )


@pytest.mark.parametrize("manifest", [None, "{}", "no JSON", '{"generator": {"name": "other"}}'])
def test_folder_of_something_else(tmp_path: Path, manifest: str | None) -> None:
    (tmp_path / "index.html").write_text("<p>Mine</p>")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(StoreError) as caught:
        review_site(tmp_path, "branch")
    assert str(caught.value) == (
        f"{tmp_path} has no manifest.json of attention-gallery, so it is not published. "
        "Name the folder that `attention-gallery build` wrote."
    )


def test_site_of_another_version(site: Path) -> None:
    (site / "manifest.json").write_text('{"generator": {"name": "attention-gallery"}}')
    assert found(site) == [
        "error: manifest.json was written by another version of attention-gallery. "
        "Build the site again."
    ]


def test_site_that_was_not_copied_whole(site: Path) -> None:
    (site / "index.html").unlink()
    shutil.rmtree(site / "i" / "image0")
    gone = sorted(
        path
        for path in [entry.path for entry in manifest_of(site).files]
        if path.startswith("i/image0/")
    )
    listed = sorted([*gone, "i/image0/index.html", "index.html"])
    assert found(site) == [
        f"error: The site lacks {len(listed)} files of its own: {', '.join(listed[:3])} and "
        f"{len(listed) - 3} more. Build the site again."
    ]


def test_a_file_that_was_cut_short(site: Path) -> None:
    chunk = next(entry.path for entry in manifest_of(site).files if entry.kind == "chunk")
    os.truncate(site / chunk, 100)
    assert found(site) == [
        f"error: 1 file cut short or changed since the build: {chunk}. Copy the site again as a "
        "whole, or build it again."
    ]


# --- size -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["branch", "workflow", "space"])
def test_site_above_the_limit_says_what_to_reduce(site: Path, target: Target) -> None:
    patches = next(entry.path for entry in manifest_of(site).files if entry.kind == "patches")
    wall = next(entry.path for entry in manifest_of(site).files if entry.kind == "wall")
    for path, parts in ((patches, 700), (wall, 400)):
        stretch(site / path, parts * 1_000_000)
    errors = [text for text in found(site, target) if "The site takes" in text]
    assert errors == [
        "error: The site takes 1.1 GB, which is more than the limit of 1.0 GB. Most of it is patch "
        "queries (700 MB) and colored walls (400 MB). Build again with a smaller "
        "--max-site-size, or --patch-queries off, or a lower --resolution, or fewer models or "
        "images."
    ]


def test_only_a_site_larger_than_a_build_allows_is_near_the_limit(site: Path) -> None:
    picture = next(entry.path for entry in manifest_of(site).files if entry.kind == "picture")
    rest = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    rest -= (site / picture).stat().st_size
    stretch(site / picture, DEFAULT_SITE_SIZE - rest)
    assert of_size(site, "space") == []
    stretch(site / picture, 960_000_000)
    taken = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert of_size(site, "space") == [
        f"warning: The site takes {size_in_words(taken)}, which comes near the limit of 1.0 GB. "
        "Most of it is pictures (960 MB). Build again with a smaller --max-site-size, or fewer "
        "models or images."
    ]


def test_single_files_above_what_git_takes(site: Path) -> None:
    chunks = [entry.path for entry in manifest_of(site).files if entry.kind == "chunk"]
    stretch(site / chunks[0], 100_000_001)
    stretch(site / chunks[1], 50_000_001)
    hint = "Build again with a lower --resolution or --patch-queries off."
    assert of_size(site) == [
        f"error: 1 file above 100 MB: {chunks[0]} (100 MB). GitHub refuses that. {hint}",
        f"warning: 1 file above 50 MB: {chunks[1]} (50 MB). GitHub warns of that. {hint}",
    ]
    assert of_size(site, "space") == [], "a Space has no such limit"


# --- names, links and what does not belong there --------------------------------------------------


def test_hidden_files(site: Path) -> None:
    for path in (".DS_Store", ".git/config", "i/.env"):
        stretch(site / path, 3)
    assert found(site) == [
        "error: 3 hidden files that may hold what nobody should see: .DS_Store, .git/config, "
        "i/.env. Remove from the site what is hidden."
    ]


def test_symbolic_links(site: Path) -> None:
    (site / "i" / "there").symlink_to("/etc")
    (site / "notes.txt").symlink_to("/etc/hostname")
    assert found(site) == [
        "error: 2 symbolic links in the site: i/there, notes.txt. "
        "Put there what a link leads to, or delete it."
    ]


@pytest.mark.parametrize("name", ['a"b.png', "a\nb.png", "a\\b.png", "con?.png", "end.", "a:b"])
def test_names_that_are_refused_elsewhere(site: Path, name: str) -> None:
    (site / "assets" / name).touch()
    assert found(site) == [
        f"error: 1 name that git or the web would refuse: {'assets/' + name!a}. "
        "Rename what is called so, or delete it."
    ]


def test_files_that_the_build_did_not_write(site: Path) -> None:
    (site / "passwords.xlsx").touch()
    assert found(site) == [
        "warning: 1 file that the build did not write: passwords.xlsx. "
        "Delete what should not be seen."
    ]


def test_figures_that_the_gallery_asked_for_are_its_own(site: Path) -> None:
    (site / "figures").mkdir()
    for name in ("fig1.pdf", "fig1.tex", "fig1.bib"):
        (site / "figures" / name).write_text("%")
    assert found(site) == []
    (site / "figures" / "draft.docx").touch()
    assert found(site) == [
        "warning: 1 file that the build did not write: figures/draft.docx. "
        "Delete what should not be seen."
    ]


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ('<img src="file:///home/me/cat.png">', "file:///home/me/cat.png"),
        ("<a href='C:\\Users\\me\\cat.png'>", "C:\\Users\\me\\cat.png"),
        ('<a href="D:/cats">', "D:/cats"),
        ('<a href="\\\\server\\cats">', "\\\\server\\cats"),
        ('<meta content="http://localhost:8000/social.png">', "http://localhost:8000/social.png"),
        ('<script src="http://127.0.0.1/a.js">', "http://127.0.0.1/a.js"),
        ('<style>p { background: url("file:///a.png") }</style>', "file:///a.png"),
        ('<a href="FILE:&#x2F;&#x2F;/a">', "FILE:///a"),
    ],
)
def test_links_to_this_computer(site: Path, page: str, link: str) -> None:
    index = site / "index.html"
    edit(index, index.read_text() + page)
    assert found(site) == [
        f"error: 1 link leads to this computer: {link} in index.html. "
        "Correct the templates, the texts or --site-url, and build again."
    ]


def test_links_in_styles_and_scripts(site: Path) -> None:
    style = next((site / "assets").glob("theme.*.css"))
    edit(style, "@import 'file:///a.css'; p { background: url(http://localhost/b.png) }")
    script = next((site / "assets").glob("lifetime.*.js"))
    edit(script, 'const there = "http://localhost:5000/c"; // see file:///d')
    assert found(site) == [
        f"error: 3 links lead to this computer: http://localhost:5000/c in assets/{script.name}, "
        f"file:///a.css in assets/{style.name}, http://localhost/b.png in assets/{style.name}. "
        "Correct the templates, the texts or --site-url, and build again."
    ]


def test_links_from_the_root_of_the_host(site: Path) -> None:
    index = site / "index.html"
    edit(index, index.read_text() + '<a href="/lab/">Lab</a><img srcset="/a.png 2x">')
    assert found(site) == [
        "warning: 2 links start with a slash, which fails where a site is not at the top of its "
        "host: /lab/ in index.html, /a.png 2x in index.html. Write them relative to the page."
    ]


def test_words_about_links_are_no_links(site: Path) -> None:
    """What a reader reads is not what a browser follows."""
    index = site / "index.html"
    edit(
        index,
        index.read_text() + "<p>src=&#34;file:///a&#34; http://localhost:8000 C:\\x /etc</p>"
        '<a href="https://example.org/localhost/">far</a><a href="#/x">here</a>',
    )
    assert not found(site)


# --- licenses -------------------------------------------------------------------------------------


def test_pictures_without_credit_or_license(site: Path) -> None:
    images = manifest_of(site).images
    rewrite(site, images=(replace(images[0], credit="", license=""), *images[1:]))
    hint = "Say it in credits.toml beside the pictures, and build again."
    assert found(site) == [
        f"warning: 1 picture without a license: image0.jpg. {hint}",
        f"warning: 1 picture without a credit: image0.jpg. {hint}",
    ]


@pytest.mark.parametrize(
    ("license", "said"),
    [
        (
            "CC BY-NC 4.0",
            "whose license forbids commercial use: image0.jpg (CC BY-NC 4.0). "
            "Make sure that this site is none.",
        ),
        (
            "CC-BY-ND-4.0",
            "whose license forbids changed copies, which maps drawn over them are: "
            "image0.jpg (CC-BY-ND-4.0). Ask for permission, or leave them out.",
        ),
        (
            "© 2026, all rights reserved",
            "whose maker reserves all rights: image0.jpg (© 2026, all rights reserved). "
            "Ask for permission, or leave them out.",
        ),
    ],
)
def test_pictures_whose_license_sets_limits(site: Path, license: str, said: str) -> None:
    images = manifest_of(site).images
    rewrite(site, images=(replace(images[0], license=license), *images[1:]))
    assert found(site) == [f"warning: 1 picture {said}"]


@pytest.mark.parametrize("license", ["CC0-1.0", "Public domain", "CC BY-SA 4.0", "MIT"])
def test_free_pictures_are_no_news(site: Path, license: str) -> None:
    images = manifest_of(site).images
    rewrite(site, images=tuple(replace(image, license=license) for image in images))
    assert not found(site)


def test_models_with_terms(site: Path) -> None:
    models = manifest_of(site).models
    licenses = ("", "dinov3-license", "cc-by-nc-4.0", "apache-2.0")
    changed = tuple(
        replace(model, facts=replace(model.facts, license=license)) if model.facts else model
        for model, license in zip(models, (*licenses, ""), strict=True)
    )
    hint = "Read the terms of use: they may say what can be shown."
    ids = [model.id for model in models]
    rewrite(site, models=changed)
    assert found(site) == [
        f"warning: 1 model whose card states no license: {ids[0]}. {hint}",
        f"warning: 2 models under a license with terms of its own: {ids[1]} (dinov3-license), "
        f"{ids[2]} (cc-by-nc-4.0). {hint}",
    ]
    rewrite(site, models=(models[0], replace(models[1], gated=True), *models[2:]))
    assert found(site) == [f"warning: 1 model behind a gate: {ids[1]} (apache-2.0). {hint}"]


@pytest.mark.parametrize(
    ("licenses", "name"),
    [
        (("CC0-1.0", "CC0"), ""),
        (("CC0-1.0", "CC0-1.0"), "cc0-1.0"),
        (("CC BY-NC-SA 4.0",) * 2, "cc-by-nc-sa-4.0"),
        (("cc-by-4.0",) * 2, "cc-by-4.0"),
        (("Public domain",) * 2, ""),
        (("CC0", ""), ""),
    ],
)
def test_license_that_all_pictures_share(site: Path, licenses: tuple[str, str], name: str) -> None:
    manifest = manifest_of(site)
    pairs = zip(manifest.images, (*licenses, "of a picture that failed"), strict=True)
    images = tuple(replace(image, license=license) for image, license in pairs)
    assert shared_license(replace(manifest, images=images)) == name


def test_pages_that_changed_since_the_build_need_a_yes(site: Path) -> None:
    index = site / "index.html"
    index.write_bytes(index.read_bytes()[:-100])
    style = next((site / "assets").glob("theme.*.css"))
    style.write_text("p {}")
    assert found(site) == [
        f"warning: 2 pages, styles and scripts changed since the build: assets/{style.name}, "
        "index.html. Build the site again, unless you changed them on purpose."
    ]
