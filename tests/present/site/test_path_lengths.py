"""Paths below a site are short: Windows takes 260 characters, with the folders above the site."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from generator.present.site.write import build_site
from generator.text.slugs import LONGEST, unique_slugs
from tests.present.analyzed import complete
from tests.present.gallery import gallery

MOST = 150


def test_paths_are_short_whatever_things_are_called(tmp_path: Path) -> None:
    trial = complete(gallery(tmp_path / "pictures"))
    run = trial.run
    name = "a very long name that somebody gave it " * 5
    slugs = dict(
        zip(
            [item.slug for item in (*run.models, *run.images)],
            unique_slugs([f"{name}{n}" for n in range(len(run.models) + len(run.images))]),
            strict=True,
        )
    )
    assert {len(slug) for slug in slugs.values()} == {LONGEST}
    named = replace(
        run,
        models=tuple(replace(model, slug=slugs[model.slug]) for model in run.models),
        images=tuple(replace(image, slug=slugs[image.slug]) for image in run.images),
        cells=tuple(
            replace(cell, model=slugs[cell.model], image=slugs[cell.image]) for cell in run.cells
        ),
    )
    build_site(named, trial.read, tmp_path / "site", version="1.2.3")
    found = [
        path.relative_to(tmp_path / "site").as_posix()
        for path in (tmp_path / "site").rglob("*")
        if path.is_file()
    ]
    longest = max(found, key=len)
    assert longest.startswith("r/"), "a file of a pair names two models and an image"
    assert len(longest) < MOST
