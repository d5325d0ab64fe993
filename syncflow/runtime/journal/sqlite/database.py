"""The journal's file: how it is opened and brought up to date, and what its errors mean to a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncflow.config.regular_files import oddity
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.sqlite.bulk import SqliteDatabase
from syncflow.runtime.journal.sqlite.schema import MIGRATIONS


def connect(path: Path, *, sync: str = "full", read_only: bool = False) -> SqliteDatabase:
    """Open a journal file: for a run, or to look at it while a run writes."""
    if odd := oddity(path):
        raise UnavailableError(
            f"the journal {path} cannot be used: it is {odd}", hint="name a file (journal: {path: …})"
        )
    if read_only:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, factory=SqliteDatabase)
    database = sqlite3.connect(path, check_same_thread=False, timeout=30, factory=SqliteDatabase)
    _refuse_foreign(database, path)
    if not database.execute("PRAGMA user_version").fetchone()[0]:
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # writes, so not to a journal that is there
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
    database.execute("PRAGMA cache_size = -8000")
    database.execute("PRAGMA wal_autocheckpoint = 4000")
    return database


def _refuse_foreign(database: sqlite3.Connection, path: Path) -> None:
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not {"runs", "events", "deliveries"} <= tables:
        database.close()
        raise UnavailableError(
            f"{path} is a database of something else, not a journal of syncflow",
            hint="name another file (journal: {path: …}); this one was not changed",
        )


def migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring a journal to this version's tables.

    Raises:
        UnavailableError: a newer syncflow wrote it; nothing was changed.
    """
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise UnavailableError(
            f"the journal {path} was written by a newer syncflow (its version is {version}, this one knows {len(MIGRATIONS)})",
            hint="upgrade syncflow, or give this run a journal of its own",
        )
    if version < len(MIGRATIONS):
        # In one transaction: each would write the pages of all tables' names anew, and a new journal began with 367 kB.
        steps = ";\n".join(MIGRATIONS[version:])
        database.executescript(f"BEGIN;\n{steps};\nPRAGMA user_version = {len(MIGRATIONS)};\nCOMMIT;")


_CHECKED_WHOLE_BYTES = 64 * 1024 * 1024
"""A journal up to this size is read whole after an unclean end, which takes a third of a second; a gigabyte would take a minute."""
_DECIDE_WHAT_IS_SENT = ("positions", "marks", "places", "standings", "limits", "reserved", "answered", "sent_key")


def check_after_unclean_end(database: sqlite3.Connection, path: Path) -> None:
    """Look for damage where the last run noted no end: a kill does none, but what ended the run may have.

    Raises:
        UnavailableError: something is damaged; nothing was changed.
    """
    last = database.execute("SELECT ended_at FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    if last is None or last[0] is not None:
        return
    small = path.stat().st_size <= _CHECKED_WHOLE_BYTES
    for pragma in ("quick_check(1)",) if small else [f"quick_check({table})" for table in _DECIDE_WHAT_IS_SENT]:
        found = database.execute(f"PRAGMA {pragma}").fetchone()[0]  # constants only
        if found != "ok":
            raise UnavailableError(f"the journal {path} is damaged: {found}", hint=_damaged(path))


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say of SQLite's errors what a person can do.

    Raises:
        UnavailableError: SQLite refused.
    """
    try:
        yield
    except sqlite3.Error as exc:
        raise UnavailableError(f"the journal {path} cannot be used: {exc}", hint=_hint(exc, path)) from exc


def _hint(exc: sqlite3.Error, path: Path) -> str:
    words = str(exc)
    if "malformed" in words or "not a database" in words:
        return _damaged(path)
    if "full" in words:
        return "there is no room on the disk; nothing was acknowledged that is not in the journal"
    return "check that the directory can be written to"


def _damaged(path: Path) -> str:
    return (
        f"the file is damaged; keep it, and either restore a copy or start a new journal by moving {path} away "
        "(what was waiting in it is then not sent)"
    )
