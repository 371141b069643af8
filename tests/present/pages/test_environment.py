"""A user's templates: what lies under a former name is never passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.bundled import bundled
from generator.errors import StoreError
from generator.present.pages.environment import RENAMED, make_environment


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_file_under_a_former_name_is_refused_with_the_new_one(
    old: str, new: str, tmp_path: Path
) -> None:
    assert (bundled("templates") / new).is_file()
    path = tmp_path / old
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{# mine #}")
    with pytest.raises(StoreError) as found:
        make_environment(tmp_path)
    assert str(found.value) == (
        f"{path} has no effect: {old} is called {new} now. "
        f"Rename it, and compare it with the program's own {new}."
    )
    path.rename(tmp_path / "renamed")
    make_environment(tmp_path)
