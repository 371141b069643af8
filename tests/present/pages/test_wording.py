"""Numbers in words and digits, as pages print them."""

from __future__ import annotations

import pytest

from generator.present.pages.wording import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (3e-21, "<0.001 %"),
        (1.4e-5, "0.0014 %"),
        (0.0049, "0.49 %"),
        (0.0994, "9.9 %"),
        (0.654, "65 %"),
        (0.994, "99 %"),
        (0.9951, "99.5 %"),
        (0.9996, ">99.9 %"),
        (0.99998, ">99.9 %"),
        (1 - 3e-7, "100 %"),  # a sum of float32 shares
        (1, "100 %"),
        (1.0000002, "100 %"),
    ],
)
def test_neither_nothing_nor_all_is_said_of_a_share_that_is_not(share: float, text: str) -> None:
    assert percent(share) == text.replace(" ", "\u00a0")
