"""Which rows were acknowledged: key and keyed hash of each, in a SQLite file of its own beside the journal (0600).

    seen     what is in the journal for good: one line a row; without a hash the row is due again
    handed   what this pass handed out and the journal has not taken yet; with its body where a guard must see the whole pass first

``hand`` comes before an event leaves the source, ``refuse`` before the journal has it as a dead letter. ``acknowledge`` moves it from
``handed`` to ``seen`` once the journal has it. ``open`` is told how far the journal is: up to there it is made up for, the rest is
forgotten and found again by the next pass. So a kill, or a power cut that the file comes back from older than the journal, repeats events
and loses none.

One lock: the thread that reads the database and the one that acknowledges take turns.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from syncflow.errors import UnavailableError
from syncflow.events import Position
from syncflow.private_files import open_private, private_folder

IN_FLIGHT = 2**62
"""The id of a row that was handed out in this pass and is not acknowledged yet."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, hash INTEGER);
"""
_HANDED = """
CREATE TABLE IF NOT EXISTS handed (number INTEGER PRIMARY KEY, key TEXT UNIQUE, hash INTEGER, removed INTEGER NOT NULL, cursor TEXT,
    body BLOB, broken TEXT, line INTEGER)
"""
_OLDER = "the journal does not know the rows that were handed out: all of them are handed out again"
_OTHERS_COMPARED = "other columns are read than before: all rows are handed out again, once"
_MOST_NAMES = 500
"""Keys that one statement asks for."""


class Handed(NamedTuple):
    """An event that a pass hands out. ``body`` is kept only where it is handed out later."""

    number: int
    key: str | None
    hash: int | None
    removed: bool = False
    cursor: str | None = None
    body: bytes | None = None
    broken: str = ""
    line: int | None = None


class Beginning(NamedTuple):
    """What a pass begins with."""

    number: int
    last_id: int
    rows: int
    """How many rows are known."""
    known: int
    """How many of them are not due anyway."""


class Seen:
    """Blocking; ``path`` None keeps all in memory, for a look that must leave nothing behind."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self.secret = b""
        """What the hashes are keyed with."""

    def open(self, acknowledged: Position | None, *, compared: str) -> str:
        """Make up for what the journal has; return why all rows are handed out again, empty where they are not.

        ``compared`` says which columns hashes are made of: hashes of other columns are of no use.

        Raises:
            UnavailableError: the file cannot be made or read.
        """
        with self._told():
            self._open = self._connect()
            self._open.executescript(_SCHEMA + _HANDED)
            self.secret = bytes.fromhex(str(self._meta("secret", secrets.token_hex(16))))
            if acknowledged is not None:
                self._fold(acknowledged)
            self._db.execute("DROP TABLE handed")  # an earlier version may have made it
            self._db.execute(_HANDED)
            taken = (self._count("taken_pass"), self._count("taken_number"))
            place = (acknowledged.offset, acknowledged.number) if acknowledged else (0, 0)
            again = _OLDER if place < taken else ""
            if self._compares_others(compared):
                again = again or _OTHERS_COMPARED
            if again:
                self._db.execute("UPDATE seen SET hash = NULL")
            if again == _OLDER:
                self._db.execute("DELETE FROM meta WHERE name IN ('cursor', 'taken_pass', 'taken_number')")
            self._set("pass", max(self._count("pass"), place[0]))
            self._db.commit()
            return again

    def _compares_others(self, compared: str) -> bool:
        """Note which columns are compared; return whether rows are known by others."""
        before = self._meta("compared", None)
        self._set("compared", compared)
        return before != compared and self._db.execute("SELECT 1 FROM seen LIMIT 1").fetchone() is not None

    def _connect(self) -> sqlite3.Connection:
        if self._path is not None:
            private_folder(self._path.parent)
            os.close(open_private(self._path, os.O_RDWR | os.O_CREAT))
        db = sqlite3.connect(self._path or ":memory:", check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -32000")
        return db

    @property
    def _db(self) -> sqlite3.Connection:
        assert self._open is not None, "it is opened first"
        return self._open

    @property
    def cursor(self) -> str | None:
        """The highest value of the cursor that was acknowledged, as ``hand`` was given it."""
        with self._lock:
            found = self._meta("cursor", None)
        return None if found is None else str(found)

    def noted(self, name: str) -> str | None:
        """Return what ``note`` kept under a name."""
        with self._told():
            found = self._meta(f"note {name}", None)
        return None if found is None else str(found)

    def note(self, name: str, value: str) -> None:
        """Keep a word for the next pass, or the next run."""
        with self._told():
            self._set(f"note {name}", value)
            self._db.commit()

    def begin(self) -> Beginning:
        """Begin the next pass; all of the one before is acknowledged or given up."""
        with self._told():
            number = self._count("pass") + 1
            self._set("pass", number)
            self._db.execute("DELETE FROM handed")
            found = self._db.execute("SELECT coalesce(max(id), 0), count(*), count(hash) FROM seen").fetchone()
            self._db.commit()
            return Beginning(number, *found)

    @property
    def has_due(self) -> bool:
        """Whether a row is to be handed out again although it may not have changed."""
        with self._told():
            return self._db.execute("SELECT 1 FROM seen WHERE hash IS NULL LIMIT 1").fetchone() is not None

    def following(self, after: int, *, most: int) -> dict[int | None, int]:
        """Return the ids of the rows behind an id by their hashes, in order. In turn, and as one text, they cost a tenth of look-ups."""
        rows = "SELECT hash, id FROM seen WHERE id > ? ORDER BY id LIMIT ?"
        with self._told():
            found = f"SELECT json_group_array(hash), json_group_array(id) FROM ({rows})"
            hashes, ids = self._db.execute(found, (after, most)).fetchone()
        return dict(zip(orjson.loads(hashes), orjson.loads(ids), strict=True))

    def known(self, keys: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """Return id and hash of those that are known; the id is ``IN_FLIGHT`` of what this pass handed out already."""
        known: dict[str, tuple[int, int | None]] = {}
        with self._told():
            for start in range(0, len(keys), _MOST_NAMES):
                rest = list(keys[start : start + _MOST_NAMES])
                for table, id_ in (("seen", "id"), ("handed", str(IN_FLIGHT))):
                    marks = ",".join("?" * len(rest))
                    found = self._db.execute(f"SELECT key, {id_}, hash FROM {table} WHERE key IN ({marks})", rest)
                    known.update((key, (number, hash_)) for key, number, hash_ in found)
                    rest = [key for key in rest if key not in known]
        return known

    def hand(self, rows: Sequence[Handed]) -> None:
        """Remember what is about to be handed out."""
        with self._told():
            self._db.executemany("INSERT INTO handed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.commit()

    def held(self, after: int, *, most: int) -> list[Handed]:
        """Return what was remembered with its body, in order."""
        with self._told():
            found = self._db.execute("SELECT * FROM handed WHERE number > ? ORDER BY number LIMIT ?", (after, most))
            return [Handed(*row) for row in found]

    def gone(self, met: bytearray) -> Iterator[list[tuple[int, str]]]:
        """Yield id and key of rows known at the beginning of the pass that it has not met: ids without a mark in ``met``."""
        ids: list[int] = []
        at = met.find(0, 1)
        while at != -1:
            ids.append(at)
            at = met.find(0, at + 1)
            if len(ids) == _MOST_NAMES or at == -1:
                marks = ",".join("?" * len(ids))
                with self._told():
                    found = self._db.execute(
                        f"SELECT id, key FROM seen WHERE id IN ({marks}) ORDER BY id", ids
                    ).fetchall()
                yield found
                ids = []

    def forget(self, ids: Sequence[int]) -> None:
        """Remove rows that no later pass can meet."""
        with self._told():
            self._db.executemany("DELETE FROM seen WHERE id = ?", [(id_,) for id_ in ids])
            self._db.commit()

    def refuse(self, positions: Sequence[Position]) -> None:
        """Events of this pass are refused: their rows stay due, and those that are gone stay known.

        One that is broken can be no other until it changes, and is not due.
        """
        with self._told():
            numbers = [(position.number,) for position in positions if position.offset == self._count("pass")]
            self._db.executemany("UPDATE handed SET hash = NULL WHERE number = ? AND broken = ''", numbers)
            self._db.executemany("DELETE FROM handed WHERE number = ? AND removed", numbers)
            self._db.commit()

    def acknowledge(self, position: Position) -> None:
        """What was handed out up to here is in the journal for good; idempotent."""
        with self._told():
            self._fold(position)
            self._db.commit()

    def _fold(self, position: Position) -> None:
        if position.offset != self._count("pass"):
            return
        upto = (position.number,)
        db = self._db
        db.execute(
            "INSERT INTO seen (key, hash) SELECT key, hash FROM handed WHERE number <= ? AND NOT removed AND key IS NOT NULL "
            "ORDER BY number ON CONFLICT (key) DO UPDATE SET hash = excluded.hash",
            upto,
        )
        db.execute("DELETE FROM seen WHERE key IN (SELECT key FROM handed WHERE number <= ? AND removed)", upto)
        last = db.execute(
            "SELECT cursor FROM handed WHERE number <= ? AND cursor IS NOT NULL ORDER BY number DESC LIMIT 1", upto
        ).fetchone()
        if last is not None:
            self._set("cursor", last[0])
        if (position.offset, position.number) > (self._count("taken_pass"), self._count("taken_number")):
            self._set("taken_pass", position.offset)
            self._set("taken_number", position.number)
        db.execute("DELETE FROM handed WHERE number <= ?", upto)

    def close(self) -> None:
        """Safe to repeat."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _meta(self, name: str, default: str | int | None) -> str | int | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None and default is not None:
            self._set(name, default)
        found: str | int | None = default if row is None else row[0]
        return found

    def _count(self, name: str) -> int:
        return int(self._meta(name, 0) or 0)

    def _set(self, name: str, value: str | int) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except (sqlite3.Error, OSError) as error:
                raise UnavailableError(
                    f"the file of the rows that were seen, {self._path}, cannot be used: {type(error).__name__}",
                    hint="make room on the disk; where the file is damaged, remove it: all rows are handed on once more",
                ) from error
