"""What a shell completes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from generator.cli import main
from tests.commands.running import run


def completed(*words: str, begun: str = "") -> list[str]:
    shell = ShellComplete(main, {}, "attention-gallery", "_ATTENTION_GALLERY_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), begun)]


def test_presets_venues_colors_and_devices() -> None:
    assert "registers-1" in completed("figure", "site", "--preset", begun="registers")
    assert completed("figure", "site", "--venue", begun="ic") == ["icml", "iclr", "iccv"]
    assert completed("figure", "site", "--colors", begun="c") == ["cividis"]
    assert completed("build", "--device", begun="cu") == ["cuda", "cuda:0"]
    assert completed("build", "--dtype", begun="b") == ["bfloat16"]


def test_words_of_a_list_after_each_comma() -> None:
    assert completed("build", "--extras", begun="f") == ["features"]
    assert completed("build", "--extras", begun="lens,re") == ["lens,relevance"]
    assert completed("build", "--extras", begun="values,v") == []
    assert completed("build", "--objects", begun="keys,") == ["keys,queries", "keys,values"]
    assert completed("build", "--device", begun="cuda:0,c") == ["cuda:0,cpu", "cuda:0,cuda"]
    assert completed("figure", "site", "--rows", begun="images,l") == ["images,layers"]
    assert completed("figure", "site", "--cols", begun="h") == ["heads"]
    models = ("-m", "one", "-m", "two")
    assert completed("build", *models, "--compare", begun="one,") == ["one,two", "one,none"]


def test_models_of_folders_and_of_the_cache(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "hub" / "models--facebook--dinov2-small").mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(here / "hub"))
    assert completed("build", "-m", begun="models/") == [
        *("models/headed", "models/plain", "models/vit"),
    ]
    assert completed("init", "-m", begun="face") == ["facebook/dinov2-small"]


def test_models_and_pictures_of_a_site(here: Path) -> None:
    run("build", "-m", "models/plain", "-i", "photos", "--no-analyses")
    assert completed("figure", "site", "-m") == ["plain"]
    assert completed("figure", "site", "-i", begun="t") == ["two.png"]
    assert completed("figure", "site", "--queries") == ["CLS", "values", "all"]
    assert completed("figure", "site", "--queries", begun="CLS,v") == ["CLS,values"]
    assert completed("figure", str(here / "nowhere"), "-m") == []
