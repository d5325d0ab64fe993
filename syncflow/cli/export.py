"""``syncflow export``: what the journal knows, as tables for other programs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli.choosing import SinceFilter
from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    counted,
    remark,
    say,
    say_json,
)
from syncflow.cli.status import RoutesOption, journal_of
from syncflow.runtime.export.columns import TABLES, ExportTable, Format

if TYPE_CHECKING:
    from syncflow.config.journal_place import Place
    from syncflow.runtime.export.exporting import Exported, Target
    from syncflow.runtime.export.marks import Mark
    from syncflow.runtime.export.rows import Row

TO_VARIABLE = "SYNCFLOW_EXPORT_TO"
STANDARD_OUTPUT = "-"


def export(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FOLDER|URL",
            envvar=TO_VARIABLE,
            show_envvar=False,
            help="Folder for files, or a database: postgresql://…, sqlite:///…; - prints one table. An address with a password belongs "
            f"into {TO_VARIABLE}.",
        ),
    ] = "export",
    table: Annotated[
        list[str] | None,
        typer.Option("--table", "-t", metavar="NAME", help=f"Only this table: {', '.join(TABLES)}. Can be repeated."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Format of files.")] = Format.JSONL,
    since: SinceFilter = None,
    after: Annotated[
        str,
        typer.Option("--after", metavar="MARK", help="Only what is new or changed since the export that printed this."),
    ] = "",
    mark: Annotated[
        Path | None,
        typer.Option(
            "--mark", metavar="FILE", help="Continue after the mark in this file, and keep the new one there."
        ),
    ] = None,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal-data", help="Write ids, keys, events and payloads as they are, not hashed or left out."
        ),
    ] = False,
    name: Annotated[
        str,
        typer.Option("--name", metavar="NAME", help="The journal's name in every row. Default: the project's name."),
    ] = "",
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write outcomes as tables: files, or into a database.

    These are runs, events, deliveries, dead letters and records. Reads the journal, also during a run. Files can only be read by you.
    """
    from syncflow.runtime.export.exporting import Wanted
    from syncflow.runtime.export.exporting import export as exported

    tables = _tables(table, to)
    if after and mark is not None:
        raise typer.BadParameter("--after and --mark both say where the last export ended; give one of them")
    marks = _read(mark) if mark is not None else _marks(after)
    place = journal_of(routes, profile)
    wanted = Wanted(tables, name or _name(place, routes), personal=personal, since=since, marks=marks)
    target = _target(to, form, name=wanted.name, adds=bool(marks))
    quiet = output is Output.JSON or to == STANDARD_OUTPUT
    found = exported(
        place,
        target,
        wanted,
        now=time.time,
        told=lambda each, count: None if quiet else say(f"{target.name_of(each)}: {counted(count, 'row')}"),
    )
    if mark is not None:
        _keep(mark, found)
    _tell(found, to=to, output=output, is_kept=mark is not None, personal=personal)


def _tables(names: list[str] | None, to: str) -> Sequence[ExportTable]:
    for name in names or ():
        if name not in TABLES:
            from syncflow.config.diagnostics import did_you_mean

            close = did_you_mean(name, list(TABLES))
            raise typer.BadParameter(
                f"--table is {name!r}; "
                + (f"did you mean {close!r}?" if close else f"expected one of {', '.join(TABLES)}")
            )
    if to == STANDARD_OUTPUT and len(names or ()) != 1:
        raise typer.BadParameter("--to - prints one table; say which: --table deliveries")
    return [TABLES[name] for name in dict.fromkeys(names or TABLES)]


def _name(place: Place, routes: Path) -> str:
    """Return the project's name, as a journal in PostgreSQL has it."""
    return getattr(place, "project", "") or routes.resolve().parent.name or "syncflow"


def _target(to: str, form: Format, *, name: str, adds: bool) -> Target:
    if to == STANDARD_OUTPUT:
        if form is Format.PARQUET:
            raise typer.BadParameter("--to - prints lines; Parquet needs a folder")
        return _Printed(form)
    if "://" in to:
        return _database(to, name)
    from syncflow.runtime.export.files import Folder

    return Folder(Path(to), form, stamp=datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") if adds else "")


def _database(url: str, name: str) -> Target:
    from importlib import import_module
    from importlib.util import find_spec

    from syncflow.config.databases import missing_package
    from syncflow.errors import ProjectError

    if package := missing_package(url, lambda module: find_spec(module) is not None):
        raise ProjectError("to write into this database, a package is missing", hint=f"pip install {package}")
    target: Target = import_module("syncflow.runtime.export.database").DatabaseTarget(url, journal=name)
    return target


class _Printed:
    """One table to standard output."""

    def __init__(self, form: Format) -> None:
        self._form = form

    def name_of(self, table: ExportTable) -> str:
        return table.name

    def write(self, table: ExportTable, pages: Iterable[Sequence[Row]]) -> int:
        from syncflow.runtime.export.files import write_lines

        count = write_lines(sys.stdout.buffer, table, pages, self._form)
        sys.stdout.buffer.flush()
        return count


def _marks(text: str) -> dict[str, Mark]:
    from syncflow.runtime.export.marks import read

    return read(text)


def _read(file: Path) -> dict[str, Mark]:
    """Return the marks of a file; none where it is not there yet."""
    from syncflow.errors import UnavailableError

    try:
        return _marks(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UnavailableError(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is no text'}") from error


def _keep(file: Path, found: Exported) -> None:
    """Write the marks; the file is whole or as it was."""
    from syncflow.errors import UnavailableError
    from syncflow.private_files import open_private
    from syncflow.runtime.export.marks import written

    part = file.with_name(f".{file.name}.part")
    try:
        with os.fdopen(open_private(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as out:
            out.write(written(found.marks) + "\n")
        part.replace(file)
    except OSError as error:
        raise UnavailableError(f"cannot write {file}: {error.strerror}") from error


def _tell(found: Exported, *, to: str, output: Output, is_kept: bool, personal: bool) -> None:
    from syncflow.runtime.export.marks import written

    if output is Output.JSON:
        told: dict[str, Any] = {"rows": found.rows, "mark": written(found.marks), "personal_data": personal}
        if to == STANDARD_OUTPUT:
            return
        say_json(told)
        return
    if not personal and to != STANDARD_OUTPUT:
        remark("ids and keys are hashed, events and payloads left out; --personal-data writes them as they are")
    if found.marks and not is_kept:
        remark(f"mark: {written(found.marks)}")
