"""``serve --watch``: what changes is built again."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from generator.commands import watch
from generator.progress import Silent
from tests.commands.running import fails, picture


def wait_for(lines: list[str], count: int) -> None:
    end = time.monotonic() + 120
    while len(lines) < count and time.monotonic() < end:
        time.sleep(0.02)
    assert len(lines) >= count, lines


@pytest.mark.slow
def test_a_change_is_built_and_a_mistake_keeps_the_site(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SECONDS", 0.05)
    gallery = here / "gallery.toml"
    text = 'models = ["./models/plain"]\nimages = ["photos"]\nanalyses = false\njobs = 1\n'
    gallery.write_text(text)
    said: list[str] = []
    watch.rebuild(gallery, announce=said.append, reporter=Silent())
    assert said == ["2 measured, 0 from the store. Reload the page."]
    stop = threading.Event()
    thread = threading.Thread(
        target=watch.watch,
        args=(gallery, stop),
        kwargs={"announce": said.append, "reporter": Silent()},
    )
    thread.start()
    try:
        time.sleep(0.2)
        picture(5, here / "photos" / "three.png")
        wait_for(said, 2)
        assert said[1] == "1 measured, 2 from the store. Reload the page."
        gallery.write_text("titel = 1\n" + text)
        wait_for(said, 3)
        assert said[2].startswith("Error: ") and "Did you mean title?" in said[2]
        gallery.write_text('title = "Changed"\n' + text)
        wait_for(said, 4)
        assert "Changed" in (here / "site" / "index.html").read_text()
    finally:
        stop.set()
        thread.join(60)
    assert len(said) == 4, "the site and the store are not watched"


def test_watching_needs_a_gallery_file_of_that_site(here: Path) -> None:
    assert fails("serve", "--watch") == ("Error: There is no file gallery.toml. Check the path.")
    (here / "gallery.toml").write_text('models = ["./models/plain"]\nimages = ["photos"]\n')
    assert fails("serve", "other", "--watch") == (
        "Error: gallery.toml builds site, not other. Leave the site out."
    )
