"""A journal in a file is moved into PostgreSQL: every row of every table, in one transaction, and counted on both sides at the end.

The file is not changed: it stays as a copy of the moment. No run may be in progress with either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import RunLock, lock_of
from syncflow.runtime.journal.postgres import lock
from syncflow.runtime.journal.postgres.connecting import connect, name_of, user_of
from syncflow.runtime.journal.postgres.database import PostgresDatabase
from syncflow.runtime.journal.postgres.errors import refused
from syncflow.runtime.journal.postgres.opening import bring_up_to_date
from syncflow.runtime.journal.sqlite.looking import writing
from syncflow.runtime.journal.tables.database import Columns, Database

_MOST_ROWS = 1000
_NUMBERED = {"runs": "id", "dead_letters": "id", "marks": "id", "actions": "id"}
"""JournalStore whose rows the database numbers: it goes on behind the highest number."""
_TYPES = {"double precision": "float8"}


def move(file: Path, place: PostgresPlace) -> dict[str, int]:
    """Copy a journal; return how many rows each table has.

    Raises:
        UnavailableError: there is none, a run is in progress, the schema holds a journal with events, or a count differs.
    """
    with _alone(file), writing(file) as old, _opened(place) as new:
        if new.execute("SELECT EXISTS (SELECT 1 FROM runs)").fetchone()[0]:
            hint = "name a schema without a journal (journal: {schema: …}); this one was not changed"
            raise UnavailableError(f"{name_of(place)} is in use already", hint=hint)
        with new:
            tables = {name: columns for name, columns in _tables(new, place).items() if old.has(name)}
            for table, columns in tables.items():
                _copy(old, new, table, columns)
            for table, column in _NUMBERED.items():
                new.execute(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}")
            return {table: _compared(old, new, table, place) for table in tables}


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    if not file.exists():
        raise UnavailableError(
            f"there is no journal at {file}", hint="name the file of the journal that is to be moved"
        )
    held = RunLock(lock_of(file))
    held.acquire()
    try:
        yield
    finally:
        held.release()


@contextmanager
def _opened(place: PostgresPlace) -> Iterator[PostgresDatabase]:
    wire = connect(place, purpose="run")
    try:
        lock.acquire(wire, place)
        bring_up_to_date(wire, place)
        database = PostgresDatabase(wire)
        database.writes_zeros = True
        yield database
    except psycopg.Error as error:
        raise refused(name_of(place), error, user=user_of(place), schema=place.schema) from None
    finally:
        wire.close()


_OF_THE_DATABASE = frozenset({"journal", "commits", "wishes", "workers", "claims", "programs"})
"""The tables that a file has not."""


def _tables(new: Database, place: PostgresPlace) -> dict[str, Columns]:
    """Return the tables that both have, with their columns."""
    found: dict[str, dict[str, str]] = {}
    sql = (
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN information_schema.tables t "
        "USING (table_schema, table_name) WHERE c.table_schema = ? AND t.table_type = 'BASE TABLE' ORDER BY 1, c.ordinal_position"
    )
    for table, column, kind in new.execute(sql, (place.schema,)):
        found.setdefault(table, {})[column] = _TYPES.get(kind, kind)
    return {table: columns for table, columns in found.items() if table not in _OF_THE_DATABASE}


def _copy(old: Database, new: Database, table: str, columns: Columns) -> None:
    new.execute(f"DELETE FROM {table}")  # the key of hashes was made anew with the schema
    names = ", ".join(f'"{name}"' for name in columns)
    flags = [kind == "boolean" for kind in columns.values()]
    found = old.execute(f"SELECT {names} FROM {table}")
    rows: list[Sequence[Any]] = []
    for row in found:
        rows.append([bool(value) if is_flag else value for value, is_flag in zip(row, flags, strict=True)])
        if len(rows) == _MOST_ROWS:
            new.insert(table, columns, rows)
            rows = []
    new.insert(table, columns, rows)


def _compared(old: Database, new: Database, table: str, place: PostgresPlace) -> int:
    before, after = (int(each.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for each in (old, new))
    if before != after:
        raise UnavailableError(
            f"{table}: the file has {before:,} rows, and {name_of(place)} has {after:,}",
            hint="nothing was moved; `syncflow journal check` looks through the file",
        )
    return after
