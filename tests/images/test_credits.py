"""Credits beside the pictures, and the line a user reads when they are malformed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from generator.errors import SpecError
from generator.images.find import load_images
from tests.images.test_find import picture


def test_credits_beside_the_pictures_are_taken_up(tmp_path: Path) -> None:
    picture(tmp_path / "birds" / "owl.png")
    picture(tmp_path / "birds" / "tit.png")
    (tmp_path / "birds" / "credits.toml").write_text(
        '["owl.png"]\ntitle = "An owl"\ncredit = "Ann"\nlicense = "CC0 1.0"\n'
        'source = "https://example.org"\nalt = "An owl on a branch"\ngroup = "Night"\n'
    )
    owl, tit = load_images([tmp_path])
    assert (owl.title, owl.credit, owl.license) == ("An owl", "Ann", "CC0 1.0")
    assert (owl.source, owl.alt, owl.group) == (
        "https://example.org",
        "An owl on a branch",
        "Night",
    )
    assert (tit.title, tit.credit, tit.group) == ("tit", "", "birds")


def test_british_spelling_is_accepted(tmp_path: Path) -> None:
    picture(tmp_path / "owl.png")
    (tmp_path / "credits.toml").write_text('["owl.png"]\nlicence = "CC0 1.0"\n')
    (owl,) = load_images([tmp_path])
    assert owl.license == "CC0 1.0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '["a.png"]\ntitle = An owl\n',
            "{}, line 2: not valid TOML: Invalid value. Correct that line.",
        ),
        (
            '["a.png"]\ntitle = "An owl',
            "{}, at its end: not valid TOML: Unterminated string. Correct that line.",
        ),
        (
            "[a.png]\ntitle = 'x'\n",
            '{}: [a.png] is a table in a table. Put the file name in quotes: ["a.png"].',
        ),
        (
            '["a.png"]\nlicens = "CC0"\n',
            "{}: a.png has an unknown key licens. Did you mean license?",
        ),
        (
            '["a.png"]\nlicense = "CC0"\nlicence = "MIT"\n',
            "{}: a.png has an unknown key licence. Did you mean license?",
        ),
        (
            '["a.png"]\nyear = "2001"\n',
            "{}: a.png has an unknown key year. "
            "The keys are title, credit, license, source, alt, group.",
        ),
        (
            '["a.png"]\ntitle = 7\n',
            "{}: title of a.png should be a text, got the number 7. Put it in quotes.",
        ),
        (
            '"a.png" = "Ann"\n',
            '{}: expected a table for each picture, got a.png = the text "Ann". '
            'Write ["a.png"] with the keys title, credit, license, source, alt and group below.',
        ),
    ],
)
def test_malformed_credits_name_the_file_and_the_place(
    tmp_path: Path, text: str, message: str
) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "credits.toml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_images([tmp_path])
    assert str(caught.value) == message.format(tmp_path / "credits.toml")


def test_credits_for_a_file_that_is_not_there_are_worth_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture(tmp_path / "chelsea.png")
    (tmp_path / "credits.toml").write_text('["chelsae.png"]\ntitle = "x"\n')
    with caplog.at_level(logging.WARNING):
        load_images([tmp_path])
    assert caplog.messages == [
        f"{tmp_path / 'credits.toml'} gives credit for chelsae.png, which is not there. "
        "Did you mean chelsea.png?"
    ]
