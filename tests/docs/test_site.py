"""The documents as a site with search."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.blocks import DOCUMENTS, ROOT

INDEXES = {"docs/README.md"}
"""Lists of documents for readers on GitHub; the site has its sidebar."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made without a warning."""
    out = tmp_path_factory.mktemp("documents") / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", "."]
    done = subprocess.run(
        [*command, str(out), "-d", str(out.parent / "trees")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_every_document_is_a_page_of_the_site(site: Path) -> None:
    for document in set(DOCUMENTS) - INDEXES:
        assert (site / document).with_suffix(".html").is_file(), document
    first = (site / "index.html").read_text(encoding="utf-8")
    assert "Compare the attention of vision transformers" in first


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere_and_link_to_what_exists(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img)[^>]* src="([^"]*)"', text)
        loaded += re.findall(r'<link[^>]* rel="stylesheet"[^>]* href="([^"]*)"', text)
        assert not [url for url in loaded if url.startswith(("http", "//"))], page
        linked = re.findall(r'<a [^>]*href="([^"#?]+)', text)
        for url in {*loaded, *linked}:
            path = unquote(url.partition("?")[0])
            if not path.startswith(("http", "mailto:", "demo-gallery/")):
                assert (page.parent / path).exists(), f"{page.relative_to(site)}: {url}"


@pytest.mark.slow
def test_search_finds_a_word_of_every_document(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    for word in ("rollout", "--max-site-size", "pathology", "supplement"):
        assert word.strip("-").partition("-")[0] in index, word
