"""What the command line says of itself, and how fast it is ready."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import click
import pytest

import generator
from generator.cli import main
from tests.commands.running import run

COMMANDS = [
    *("demo", "init", "inspect", "build", "serve", "export", "figure", "diff", "publish"),
    *("cache", "schema"),
]
"""As a newcomer comes to need them."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = main.commands[name]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]}"
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: main {name}")
    short = run(name, "-h")
    assert (short.exit_code, short.stderr, short.stdout) == (0, "", result.stdout)


@pytest.mark.parametrize("words", [[], ["export"]])
def test_help_says_what_every_command_is_for(words: list[str]) -> None:
    _, listed = run(*words, "--help").stdout.split("\nCommands:\n")
    assert [line.split()[0] for line in listed.splitlines()] == (
        [*main.commands["export"].commands] if words else COMMANDS  # type: ignore[attr-defined]
    )
    assert all(line.endswith(".") and not line.endswith("...") for line in listed.splitlines())


@pytest.mark.parametrize("words", [[], ["build"], ["export", "zip"]])
def test_help_is_a_word_too(words: list[str]) -> None:
    asked = run("help", *words)
    assert (asked.exit_code, asked.stdout) == (0, run(*words, "--help").stdout)


def test_help_on_a_misspelt_command_suggests_one() -> None:
    assert run("help", "bild").stderr == run("bild").stderr


@pytest.mark.parametrize("option", ["-q", "--quiet", "-v", "--verbose", "--debug"])
def test_how_much_is_said_is_chosen_after_the_command(option: str) -> None:
    for words, named in (["demo"], "demo"), ([], "build"):
        result = run(option, *words)
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == (
            f"Error: {option} comes after the command: attention-gallery {named} {option}"
        )
    assert "No such option" in run("--nowhere", "demo").stderr


def test_version() -> None:
    assert run("--version").stdout == f"attention-gallery, version {generator.__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["build", "--help"], ["--version"], ["bild"]])
def test_help_needs_none_of_the_heavy_libraries(words: Sequence[str]) -> None:
    """So that it answers at once; the same for a misspelt command."""
    code = (
        "import sys; from generator.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = 'torch transformers numpy pydantic PIL jinja2 rich huggingface_hub matplotlib'\n"
        "print('\\nloaded:', sorted(set(heavy.split()) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"
