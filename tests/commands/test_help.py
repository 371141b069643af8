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
