"""What commands share in talking to a person or a program: tables, JSON, errors, and the options that mean the same everywhere."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli import completion
from syncflow.visible import visible, visible_block, visible_json

if TYPE_CHECKING:
    from syncflow.errors import SyncflowError


class Output(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


RoutesArgument = Annotated[
    Path,
    typer.Argument(metavar="ROUTES", help="The project's routes file, also given by --routes FILE.", show_default=True),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="Profile to use. Default: the one set by SYNCFLOW_PROFILE, MOCK_MODE or the routes file.",
        autocompletion=completion.profiles,
    ),
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Output format.")]

SCHEMA_VERSION = 1
"""Of what commands print with ``--output json``."""

_MOMENTS = frozenset(
    (
        "at",
        "read_at",
        "settled_at",
        "due_at",
        "first_at",
        "tried_at",
        "started_at",
        "ended_at",
        "next_try_at",
        "oldest_at",
        "since",
        "until",
    )
)
_BODIES = frozenset(("raw", "payload", "body"))

WIDE = 140
"""Columns of a table that goes into a file or a pipe, where nobody's terminal is too narrow for it."""

DEFAULT_ROUTES = Path("routes.yaml")


def say(text: str = "") -> None:
    """Print one line to standard output. Values from outside can neither break the line nor command the terminal."""
    typer.echo(visible(text))


def say_block(text: str) -> None:
    """Print several lines that are ours or that quote a file; their line breaks are kept."""
    typer.echo(visible_block(text))


def remark(text: str) -> None:
    """Print to standard error: what a program that reads the output must not see. In a log of JSON lines it is one of them."""
    _remarking[-1](visible_block(text))


def remarks_to(write: Callable[[str], None] | None) -> None:
    """Let remarks go elsewhere from now on; None: to standard error again."""
    _remarking[1:] = [] if write is None else [write]


def _to_stderr(text: str) -> None:
    # Not typer.echo: it writes past the live view, which then erases the words.
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


_remarking: list[Callable[[str], None]] = [_to_stderr]


def say_json(value: Any) -> None:
    """Print one JSON document; an object begins with ``schema_version``, which changes when a field changes its meaning."""
    said = {"schema_version": SCHEMA_VERSION, **value} if isinstance(value, dict) else value
    typer.echo(visible_json(json.dumps(said, ensure_ascii=False, indent=2, default=str)))


def json_line(value: Mapping[str, Any]) -> str:
    """Return a JSON object as one line."""
    return visible_json(json.dumps({"schema_version": SCHEMA_VERSION, **value}, ensure_ascii=False, default=str))


def for_programs(value: Any) -> Any:
    """Return rows of the journal as programs read them: times as ISO 8601 in UTC, bodies as JSON where they are JSON."""
    if isinstance(value, list):
        return [for_programs(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _for_programs(name, each) for name, each in value.items()}


def _for_programs(name: str, value: Any) -> Any:
    if name in _MOMENTS and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if name in _BODIES and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return for_programs(value)


def complain(error: SyncflowError) -> None:
    """Print an error as its reader needs it: every place in the files, or the message and what to do."""
    diagnostics = getattr(error, "diagnostics", ())
    if diagnostics:
        from syncflow.config.render import render

        remark(render(diagnostics))
        return
    remark(f"error: {visible(error.message)}")
    if error.hint:
        remark(f"hint: {visible(error.hint)}")


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
    """Go on only if a person agrees, here or with ``--yes``; where there is no terminal, only with ``--yes``."""
    if yes:
        return
    question = visible(question)
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"{question} This is not a terminal, so the question cannot be answered; confirm with --yes"
        )
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def moment(seconds: float | None) -> str:
    """Return wall seconds as a person reads them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if seconds else ""


def span(seconds: float) -> str:
    """Return a length of time in its largest unit; a clock that went back makes it none."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 event``, ``2,000 events``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def say_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: frozenset[str] = frozenset(),
    optional: Sequence[str] = (),
) -> None:
    """Print a table without its empty columns.

    Those in ``numbers`` are aligned to the right, and left out where they hold nothing but 0. Where space is short, those in ``optional``
    are left out, one after the other until the rest fits.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE
    console = Console(highlight=False, markup=False, width=width)
    headers, cells = list(headers), [[visible(str(cell)) for cell in row] for row in rows]
    if cells:
        headers, cells = _without(headers, cells, frozenset({""}), among=frozenset(headers))
        headers, cells = _without(headers, cells, frozenset({"", "0"}), among=numbers)
    for name in optional:
        if _natural_width(headers, cells) > console.width and name in headers:
            place = headers.index(name)
            headers = headers[:place] + headers[place + 1 :]
            cells = [row[:place] + row[place + 1 :] for row in cells]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, header in enumerate(headers):
        table.add_column(header, justify="right" if header in numbers else "left", overflow="fold", no_wrap=index == 0)
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _natural_width(headers: list[str], cells: list[list[str]]) -> int:
    columns = zip(headers, *cells, strict=True)
    return sum(max(map(len, column)) + 3 for column in columns) - 3


def _without(
    headers: list[str], cells: list[list[str]], nothing: frozenset[str], *, among: frozenset[str]
) -> tuple[list[str], list[list[str]]]:
    kept = [i for i, header in enumerate(headers) if header not in among or any(row[i] not in nothing for row in cells)]
    return [headers[i] for i in kept], [[row[i] for i in kept] for row in cells]
