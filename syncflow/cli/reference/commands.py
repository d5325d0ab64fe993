"""The commands, from the command line's own tree."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

import typer

from syncflow.cli.command import help_record
from syncflow.cli.reference.entry import Entry, Kind


def entries(root: Any) -> list[Entry]:
    """Return an entry for every command of a command line as Typer builds it, in the order of ``syncflow --help``."""
    return [_entry(name, command) for name, command in _commands(root, "syncflow")]


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for below in command.commands.values():
        if not below.hidden:
            yield from _commands(below, f"{name} {below.name}")


def _entry(name: str, command: Any) -> Entry:
    context = typer.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    words = [_on_one_line(part) for part in cleandoc(command.help or "").split("\n\n")]
    parts = [*words, f"```text\n{name} {usage}\n```"]
    records = [help_record(parameter, context) for parameter in command.params]
    rows = [f"| `{_cell(spelled)}` | {_cell(meaning)} |" for spelled, meaning in filter(None, records)]
    parts.append("\n".join(["| argument or option | meaning |", "|---|---|", *rows]))
    if command.epilog:
        parts.append(f"```text\n{cleandoc(command.epilog).replace(chr(8), '').strip()}\n```")
    return Entry(kind=Kind.COMMAND, name=name, summary=words[0], text="\n\n".join(parts))


def _cell(text: str) -> str:
    return _on_one_line(text).replace("|", "\\|")


def _on_one_line(text: str) -> str:
    return " ".join(text.replace("\b", "").split())
