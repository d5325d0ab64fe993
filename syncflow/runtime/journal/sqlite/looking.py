"""A journal's file for those who ask, also while a run writes it; one of an earlier version is brought up to date before it is changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import RunLock
from syncflow.runtime.journal.sqlite.bulk import SqliteDatabase
from syncflow.runtime.journal.sqlite.database import connect, explained, migrate
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS


@contextmanager
def reading(path: Path) -> Iterator[SqliteDatabase]:
    """Open a journal that is there, to change nothing.

    Raises:
        UnavailableError: there is none, or it cannot be read.
    """
    _need(path)
    with explained(path), closing(connect(path, read_only=True)) as journal:
        version = journal.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise UnavailableError(f"the journal {path} was written by a newer syncflow", hint="upgrade syncflow")
        if not version:
            raise UnavailableError(f"the journal {path} is empty", hint="`syncflow run` makes its tables")
        yield journal


@contextmanager
def writing(path: Path) -> Iterator[SqliteDatabase]:
    """Open a journal that is there.

    Raises:
        UnavailableError: there is none, it cannot be read, or a run of another version holds it.
    """
    _need(path)
    with explained(path), closing(connect(path)) as journal:
        _bring_up_to_date(journal, path)
        yield journal


def settle_down(path: Path) -> None:
    """Write what was changed into the file itself, and empty the log beside it."""
    with writing(path) as journal:
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def pulse(path: Path) -> str:
    """Return a text that changes when something is written, by a run or by a person."""
    return "_".join(_stamp(path.with_name(path.name + suffix)) for suffix in ("", "-wal", ".lock"))


def _stamp(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return "-"
    return f"{stat.st_mtime_ns:x}.{stat.st_size:x}"


def _need(path: Path) -> None:
    if not path.exists():
        raise UnavailableError(f"there is no journal at {path}", hint="`syncflow run` makes one")


def _bring_up_to_date(journal: sqlite3.Connection, path: Path) -> None:
    """Migrate a journal of an earlier version, unless a run of that version holds it: it would not know its own tables any more."""
    if journal.execute("PRAGMA user_version").fetchone()[0] >= len(MIGRATIONS):
        migrate(journal, path)  # refuses one of a newer version
        return
    lock = RunLock(path.with_name(path.name + ".lock"))
    try:
        lock.acquire()
    except UnavailableError as error:
        raise UnavailableError(
            f"the journal {path} is of an earlier version, and a run of that version is going on",
            hint="use the syncflow that the run uses, or stop the run first",
        ) from error
    try:
        migrate(journal, path)
    finally:
        lock.release()
