"""Write docs/commands.md and docs/keys.md from the commands and the gallery file themselves.

The JSON schema beside the example gallery files is written with them.

python -m tests.docs.reference
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from generator.cli import main
from generator.spec import schema

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "commands.md"
KEYS = ROOT / "docs" / "keys.md"
SCHEMA = ROOT / "examples" / schema.FILE
UPDATE = "python -m tests.docs.reference"
PROGRAM = "attention-gallery"
MARKED = re.compile(r"([\\|*_<])")
AT_THE_END = re.compile(r"^(?P<text>.*?)\s*\[(?P<facts>[^\[\]]*)\]$", re.DOTALL)


def reference() -> str:
    """The whole document."""
    lines = [
        "# Commands",
        "",
        f"All commands and options, as `{PROGRAM} COMMAND --help` says them. This file is made by",
        f"`{UPDATE}`. How commands work together is in the [tutorial](tutorial.md) and the",
        "[cookbook](cookbook.md).",
        "",
    ]
    found = list(commands(main, PROGRAM))
    for ctx in found:
        name = ctx.command_path.removeprefix(f"{PROGRAM} ")
        lines.append(f"- [{name}](#{name.replace(' ', '-')}): {_first_sentence(ctx.command)}")
    for ctx in found:
        lines += ["", *_section(ctx)]
    return "\n".join(lines) + "\n"


def keys() -> str:
    """The document of all keys of a gallery's file."""
    lines = [
        "# Keys of a gallery file",
        "",
        "Every key of `gallery.toml` is optional but `models` and `images`, which may also come",
        f"from the command line. `{PROGRAM} init` writes a file with all of them as comments.",
        f"Paths start at the file. This page is made by `{UPDATE}`.",
        "",
        "Editors complete and check keys when the first line names the JSON schema, which",
        f"`{PROGRAM} schema -o {schema.FILE}` writes:",
        "",
        "```toml",
        f"# part\n{schema.DIRECTIVE}",
        "```",
    ]
    for title, kind in schema.TABLES:
        lines += ["", f"## {title or 'The file'}", "", "| key | value | default | |"]
        lines.append("| --- | --- | --- | --- |")
        for fact in schema.keys_of(kind):
            default = f"`{fact.default}`" if fact.default else ""
            value, meaning = (_marked_text(text) for text in (fact.value, fact.meaning))
            lines.append(f"| `{fact.name}` | {value} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _marked_text(text: str) -> str:
    """Text with code in it, in a table."""
    parts = text.split("`")
    return "`".join(
        part.replace("|", "\\|") if n % 2 else _marked(part) for n, part in enumerate(parts)
    )


def commands(
    group: click.Group, path: str, above: click.Context | None = None
) -> Iterator[click.Context]:
    """Every command that does something, those of groups included, in the order of the help."""
    ctx = click.Context(group, parent=above, info_name=path, **group.context_settings)
    for name in group.list_commands(ctx):
        command = group.commands[name]
        if isinstance(command, click.Group):
            yield from commands(command, name, ctx)
        else:
            yield click.Context(command, parent=ctx, info_name=name)


def _section(ctx: click.Context) -> Iterator[str]:
    name = ctx.command_path.removeprefix(f"{PROGRAM} ")
    yield f"## {name}"
    yield ""
    yield "```text"
    yield ctx.command.get_usage(ctx).removeprefix("Usage: ")
    yield "```"
    for paragraph in _help(ctx.command).split("\n\n"):
        yield ""
        if paragraph.startswith("\b"):
            lines = paragraph.splitlines()[1:]
            indent = min(len(line) - len(line.lstrip()) for line in lines)
            yield "```sh"
            yield from (line[indent:] for line in lines)
            yield "```"
        else:
            yield _marked(" ".join(paragraph.split()))
    options = [param for param in ctx.command.get_params(ctx) if isinstance(param, click.Option)]
    yield ""
    yield "| option | |"
    yield "| --- | --- |"
    for option in options:
        if "--help" not in option.opts and not option.hidden:
            yield _row(option, ctx)


def _row(option: click.Option, ctx: click.Context) -> str:
    record = option.get_help_record(ctx)
    assert record is not None, f"{option.name} is hidden"
    names, text = record
    facts: list[str] = []
    while found := AT_THE_END.match(text):
        text = found["text"]
        facts = [*found["facts"].split("; "), *facts]
    said = [_marked(" ".join(text.split()))]
    if isinstance(option.type, click.Choice):
        names = names.rsplit(" [", 1)[0]
        said.append(f"One of {', '.join(f'`{choice}`' for choice in option.type.choices)}.")
    if targets := getattr(option, "targets", ()):
        said.append(f"Only with `--to {'` or `'.join(targets)}`.")
    said += [_fact(fact) for fact in facts]
    return f"| {', '.join(f'`{name}`' for name in re.split(', | / ', names))} | {' '.join(said)} |"


def _fact(fact: str) -> str:
    """``default: site`` as a sentence; ranges are short enough as they are."""
    fact = _marked(fact)
    return f"{fact[0].upper()}{fact[1:]}." if fact[0].isalpha() and "=" not in fact else f"({fact})"


def _help(command: click.Command) -> str:
    assert command.help
    return inspect.cleandoc(command.help)


def _first_sentence(command: click.Command) -> str:
    return _marked(" ".join(_help(command).split("\n\n")[0].split()))


def _marked(text: str) -> str:
    """Text as Markdown that shows it unchanged, in a table too."""
    return MARKED.sub(r"\\\1", text)


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
    KEYS.write_text(keys(), encoding="utf-8")
    SCHEMA.write_text(schema.schema_text(), encoding="utf-8")
    print(f"Wrote {FILE.name}, {KEYS.name} and {SCHEMA.name}.")
