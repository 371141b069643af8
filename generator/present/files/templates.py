"""Folders of templates: the user's, and the program's own."""

from __future__ import annotations

from pathlib import Path

from generator.bundled import bundled
from generator.errors import SpecError, StoreError
from generator.spec.toml import did_you_mean_beside

RENAMED = {
    "report.html.jinja2": "pair.html.jinja2",
    "macros/report.html.jinja2": "macros/pair.html.jinja2",
    "static/css/report.css": "static/css/pair.css",
    "static/js/plates.js": "static/js/image-cards.js",
}
"""Former names of templates, styles and scripts -> present names."""


def template_folders(user: Path | None) -> tuple[Path, ...]:
    """Template folders in search order, the user's first.

    Raises:
        SpecError: the user's folder does not exist, or holds other things only.
        StoreError: it has a file with a former name.
    """
    if user is None:
        return (bundled("templates"),)
    if not user.is_dir():
        hint = did_you_mean_beside(user) or "Name a folder with --templates."
        raise SpecError(f"There is no template folder {user}.", hint)
    if any(user.iterdir()) and not (user / "static").is_dir() and not any(user.rglob("*.jinja2")):
        raise SpecError(
            f"The template folder {user} has no template (*.jinja2) and no folder static.",
            "Name another with --templates; templates/README.md says what it may hold.",
        )
    for old, new in RENAMED.items():
        if (user / old).is_file():
            raise StoreError(
                f"{user / old} has no effect: {old} is called {new} now.",
                f"Rename it, and compare it with the program's own {new}.",
            )
    return (user, bundled("templates"))
