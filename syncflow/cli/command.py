"""The class of every command: its routes file is named by position or by ``--routes``, and its help ends with examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from syncflow.cli.examples import EXAMPLES

_OPTION = "--routes"


class Command(TyperCommand):
    """A command of syncflow."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read ``--routes FILE`` as the file's position, where the command takes it by position."""
        if any(each.name == "routes" and each.param_type_name == "argument" for each in self.params):
            args = by_position(args)
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


def by_position(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the value of ``--routes`` at the end, where it stands by position."""
    rest, files = list[str](), list[str]()
    waiting = iter(arguments)
    for one in waiting:
        if one == "--":
            rest += [one, *waiting]
        elif one == _OPTION:
            value = next(waiting, None)
            if value is None:
                raise typer.BadParameter(f"{_OPTION} needs a file")
            files.append(value)
        elif one.startswith(f"{_OPTION}="):
            files.append(one.partition("=")[2])
        else:
            rest.append(one)
    return [*rest, *files]


def epilog_of(name: str) -> str | None:
    """Return the end of a command's help: its examples, as they are typed."""
    lines = EXAMPLES.get(name)
    return None if lines is None else "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
