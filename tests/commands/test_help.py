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

COMMANDS = sorted(main.commands)


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
    assert run(name, "-h").stdout == result.stdout


def test_help_names_every_command() -> None:
    assert [
        *("build", "cache", "demo", "diff", "export", "figure", "inspect", "publish", "serve"),
    ] == COMMANDS
    text = run("--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)


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
