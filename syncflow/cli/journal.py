"""``syncflow journal``: look through a journal for damage, copy it, shrink it, and move it into a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, ProfileOption, say, say_json
from syncflow.cli.status import RoutesOption, journal_of

_DUMP = "`pg_dump --schema NAME` copies the tables of a journal in PostgreSQL, also during a run"
_VACUUM = (
    "PostgreSQL reuses the room of removed rows by itself; `VACUUM FULL` gives it back while no run is in progress"
)

app = typer.Typer(help="The journal: check it, copy it, shrink it, move it.", no_args_is_help=True)


@app.command("check")
def check(
    routes: RoutesOption = DEFAULT_ROUTES, profile: ProfileOption = None, output: OutputOption = Output.TEXT
) -> None:
    """Check the journal for damage. Changes nothing.

    Reads the whole file. Exits with 1 if it finds damage.
    """
    from syncflow.runtime.desk.checkup import problems
    from syncflow.runtime.journal.homes import name_of

    path = journal_of(routes, profile)
    found, name = problems(path), name_of(path)
    if output is Output.JSON:
        say_json({"journal": name, "good": not found, "problems": found})
    elif not found:
        say(f"{name}: no damage found")
    else:
        for problem in found:
            say(f"{name}: {problem}")
        say(
            "keep the file; restore a copy, or start a new journal by moving it away (what waits in it is then not sent)"
        )
    if found:
        raise typer.Exit(1)


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write the copy to; must not exist yet.")],
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Copy the journal to a file, also during a run.

    The copy is consistent, and only its owner can read it.
    """
    from syncflow.runtime.desk import checkup
    from syncflow.runtime.journal.homes import file_of

    written = checkup.backup(file_of(journal_of(routes, profile), instead=_DUMP), file)
    say(f"{file}: {written:,} bytes written")


@app.command("compact")
def compact(routes: RoutesOption = DEFAULT_ROUTES, profile: ProfileOption = None) -> None:
    """Shrink the journal file to the size of its contents.

    No run may be in progress. Needs free disk space of the same size.
    """
    from syncflow.runtime.desk import checkup
    from syncflow.runtime.journal.homes import file_of

    path = file_of(journal_of(routes, profile), instead=_VACUUM)
    before, after = checkup.compact(path)
    say(f"{path}: {before:,} bytes before, {after:,} now")


@app.command("move")
def move(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File of the journal to move, such as .syncflow/journal.db.")
    ],
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
) -> None:
    """Move a journal from a file into PostgreSQL.

    It goes to the database of the routes file. No run may be in progress, and the schema must not hold a used journal. Compares the
    number of rows in each table; if one differs, nothing is moved. The file is not changed.
    """
    from importlib import import_module

    from syncflow.errors import UnavailableError
    from syncflow.runtime.journal.homes import name_of

    place = journal_of(routes, profile)
    if isinstance(place, Path):
        raise UnavailableError(
            f"the journal of {routes} is the file {place}",
            hint="say where it is to go: journal: {url: postgresql://…, schema: …}",
        )
    moved = import_module("syncflow.runtime.journal.moving").move(file, place)
    say(
        f"{file}: {moved['events']:,} events, {moved['deliveries']:,} deliveries, {moved['dead_letters']:,} dead letters and "
        f"{sum(moved.values()):,} rows in all moved to {name_of(place)}"
    )
