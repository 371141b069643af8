"""CITATION.cff says what a citation needs, and what the package says of itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml  # type: ignore[import-untyped] # of huggingface_hub, which transformers needs

from generator.version import __version__

ROOT = Path(__file__).parents[2]


def test_the_citation_is_of_this_version_and_complete() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # what schema 1.2.0 demands, and cffconvert --validate holds against it
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["cff-version"] == "1.2.0"
    assert all(author.get("name") or author.get("family-names") for author in cited["authors"])
    assert len(set(cited["keywords"])) == len(cited["keywords"])
    assert (cited["type"], cited["title"].partition(":")[0]) == ("software", package["name"])
    assert (str(cited["version"]), cited["license"]) == (__version__, package["license"])
