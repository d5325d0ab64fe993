"""Open a journal for what a person asks of it, also while a run writes it; one of an earlier version is brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import RunLock
from syncflow.runtime.journal.sqlite.database import connect, explained, migrate
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal that is there.

    Raises:
        UnavailableError: there is none, it cannot be read, or a run of another version holds it.
    """
    if not path.exists():
        raise UnavailableError(f"there is no journal at {path}", hint="`syncflow run` makes one")
    with explained(path), closing(connect(path)) as journal:
        _bring_up_to_date(journal, path)
        yield journal


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
