"""What commands share in talking to a person or a program: tables, JSON, errors, and the options that mean the same everywhere."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from syncflow.errors import SyncflowError


class Output(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


RoutesArgument = Annotated[
    Path, typer.Argument(metavar="[ROUTES]", help="The project's routes file.", show_default=True)
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", "-p", help="Overlay of the routes file to use; without it MOCK_MODE picks one."),
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="For people or for programs.")]

WIDE = 140
"""Columns of a table that goes into a file or a pipe, where nobody's terminal is too narrow for it."""

DEFAULT_ROUTES = Path("routes.yaml")


def say(text: str = "") -> None:
    """Print to standard output: what the command is for."""
    typer.echo(text)


def remark(text: str) -> None:
    """Print to standard error: what a program that reads the output must not see. In a log of JSON lines it is one of them."""
    _remarking[-1](text)


def remarks_to(write: Callable[[str], None] | None) -> None:
    """Let remarks go elsewhere from now on; None: to standard error again."""
    _remarking[1:] = [] if write is None else [write]


def _to_stderr(text: str) -> None:
    # Not typer.echo: it writes past the live view, which then erases the words.
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


_remarking: list[Callable[[str], None]] = [_to_stderr]


def say_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def complain(error: SyncflowError) -> None:
    """Print an error as its reader needs it: every place in the files, or the message and what to do."""
    diagnostics = getattr(error, "diagnostics", ())
    if diagnostics:
        from syncflow.config.render import render

        remark(render(diagnostics))
        return
    remark(f"error: {error.message}")
    if error.hint:
        remark(f"hint: {error.hint}")


def complain_of_bug(error: BaseException) -> None:
    """Print where an error of our own came about, never its words: they may hold what an event held."""
    remark("error: this is a bug in syncflow; what was journaled is safe. Please report these lines:")
    for line in _places(error):
        remark(f"  {line}")


def _places(error: BaseException) -> Iterator[str]:
    yield type(error).__name__
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else filter(None, [error.__cause__])
    for each in inner:
        yield from _places(each)


def agreed(question: str, *, yes: bool) -> None:
    """Go on only if a person agrees, here or with ``--yes``; where nobody can be asked, only with ``--yes``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question} Nobody can be asked here; say so with --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def moment(seconds: float | None) -> str:
    """Return wall seconds as a person reads them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if seconds else ""


def say_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: frozenset[str] = frozenset()
) -> None:
    """Print a table; the columns in ``numbers`` are aligned to the right, and left out if all are 0 where the terminal is too narrow."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    console = Console(highlight=False, markup=False, width=width)
    headers, cells = list(headers), [[str(cell) for cell in row] for row in rows]
    if _natural_width(headers, cells) > console.width:
        headers, cells = _without_zeros(headers, cells, numbers)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, header in enumerate(headers):
        table.add_column(header, justify="right" if header in numbers else "left", overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _natural_width(headers: list[str], cells: list[list[str]]) -> int:
    columns = zip(headers, *cells, strict=True)
    return sum(max(map(len, column)) + 3 for column in columns) - 3


def _without_zeros(
    headers: list[str], cells: list[list[str]], numbers: frozenset[str]
) -> tuple[list[str], list[list[str]]]:
    kept = [
        i for i, header in enumerate(headers) if header not in numbers or any(row[i] not in {"", "0"} for row in cells)
    ]
    return [headers[i] for i in kept], [[row[i] for i in kept] for row in cells]
