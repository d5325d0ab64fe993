"""Which objects were read: the version of each, in a SQLite file of its own beside the journal (0600).

    waiting   versions that a listing found and that are still to be read, in order; made anew by each pass
    reading   readings that began, by number; one stays until the journal has all of its events
    seen      the version of each object that is in the journal for good

``begin`` comes before an event leaves the source. ``fold`` moves readings that are complete and journaled from ``reading`` to ``seen``.
``open`` is told how far the journal is: readings before that are done, the others are given back to be gone on with under their numbers, so
that events which the journal has already are known by their positions. A power cut may leave the file older than the journal: then
objects are read once more, none is left out.

Objects that are not listed any more are forgotten after 30 days, so that the file stays as large as the bucket.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from syncflow.errors import UnavailableError
from syncflow.events import Position
from syncflow.private_files import open_private, private_folder
from syncflow.sources.objects.store import Listed

KEPT_SECONDS = 30 * 86400.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version TEXT NOT NULL, gone_at REAL);
CREATE INDEX IF NOT EXISTS seen_gone ON seen (gone_at) WHERE gone_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS reading (number INTEGER PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, modified REAL NOT NULL,
    etag TEXT, version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (name TEXT PRIMARY KEY, size INTEGER NOT NULL, modified REAL NOT NULL, etag TEXT,
    is_again INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS waiting_order ON waiting (modified, name);
"""
_MOST_NAMES = 500


class Reading(NamedTuple):
    """One reading of one version of an object, by a number that grows."""

    number: int
    listed: Listed
    is_again: bool = False
    """Whether another version was read before."""


class Resumed(NamedTuple):
    """A reading that began in an earlier run, or before the connection was lost."""

    reading: Reading
    place: int = 0
    """Up to where the journal has it."""
    line: int = 0


class Seen:
    """Blocking; ``path`` None keeps all in memory, for a look that must leave nothing behind. ``place`` goes before each name."""

    def __init__(self, path: Path | None, *, place: str) -> None:
        self._path = path
        self._place = place
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._acknowledged = (0, 0)
        self._begun: deque[int] = deque()
        """Numbers of the readings that are not seen yet."""
        self._last: dict[int, int] = {}
        """The place of the last event of those that came to their end, 0 where there was none."""
        self._marks = bytearray()
        """By id of ``seen``: whether the listing has it."""
        self.waiting_bytes = 0

    # -- the journal ---------------------------------------------------------------------------------------------------------

    def open(self, acknowledged: Position | None, *, from_start: bool = False) -> bool:
        """Catch up with the journal; return whether all is read again, since the journal is a new or an older one.

        Raises:
            UnavailableError: the file cannot be made or read.
        """
        with self._told():
            self._open = self._connect()
            self._db.executescript(_SCHEMA)
            place = (acknowledged.offset, acknowledged.number) if acknowledged is not None else (0, 0)
            taken = (self._count("taken_offset"), self._count("taken_number"))
            is_other = place < taken or (self._count("number") == 0 and place > (0, 0))
            if is_other or from_start:
                for table in ("seen", "reading", "meta WHERE name LIKE 'taken%'"):
                    self._db.execute(f"DELETE FROM {table}")
            self._set("number", max(self._count("number"), place[0]))
            self._db.execute("DELETE FROM waiting")
            self._begun.extend(number for (number,) in self._db.execute("SELECT number FROM reading ORDER BY number"))
            self._acknowledged = place
            self._fold()
            self._db.commit()
            return is_other and not from_start

    def resumed(self, acknowledged: Position | None) -> list[Resumed]:
        """Return the readings to go on with, in their order."""
        with self._told():
            rows = self._db.execute("SELECT number, name, size, modified, etag FROM reading ORDER BY number").fetchall()
        found = []
        for number, name, *rest in rows:
            if not name.startswith(f"{self._place}/"):
                self.forget(number)  # the address is another one now
                continue
            reading = Reading(number, Listed(name[len(self._place) + 1 :], *rest))
            is_begun = acknowledged is not None and acknowledged.offset == number
            found.append(
                Resumed(reading, acknowledged.number, acknowledged.line or 0)
                if is_begun and acknowledged is not None
                else Resumed(reading)
            )
        return found

    def is_due(self, position: Position) -> bool:
        """Note how far the journal is, without waiting; return whether ``fold`` has something to do."""
        self._acknowledged = max(self._acknowledged, (position.offset, position.number))
        return self._is_done()

    def fold(self) -> None:
        """Move readings that are complete and journaled to ``seen``."""
        with self._told():
            self._fold()
            self._db.commit()

    def _is_done(self) -> bool:
        """Return whether the journal has all of the first reading."""
        try:
            first, (offset, number) = self._begun[0], self._acknowledged
        except IndexError:  # the other thread may just have taken the last one
            return False
        last = self._last.get(first)
        return first < offset or (last is not None and (last == 0 or (first == offset and last <= number)))

    def _fold(self) -> None:
        done = []
        while self._is_done():
            done.append((self._begun.popleft(),))
            self._last.pop(done[-1][0], None)
        if not done:
            return
        self._db.executemany(
            "INSERT INTO seen (name, version) SELECT name, version FROM reading WHERE number = ? "
            "ON CONFLICT (name) DO UPDATE SET version = excluded.version, gone_at = NULL",
            done,
        )
        self._db.executemany("DELETE FROM reading WHERE number = ?", done)
        self._set("taken_offset", self._acknowledged[0])
        self._set("taken_number", self._acknowledged[1])

    # -- one pass ------------------------------------------------------------------------------------------------------------

    def begin_listing(self) -> None:
        with self._told():
            self._db.execute("DELETE FROM waiting")
            (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM seen").fetchone()
            self._db.commit()
        self._marks, self.waiting_bytes = bytearray(last + 1), 0

    def list_page(self, listed: Sequence[Listed]) -> None:
        """Let those wait whose version was neither read nor begun."""
        with self._told():
            for at in range(0, len(listed), _MOST_NAMES):
                self._let_wait(listed[at : at + _MOST_NAMES])
            self._db.commit()

    def _let_wait(self, listed: Sequence[Listed]) -> None:
        names = [f"{self._place}/{each.name}" for each in listed]
        marks = ",".join("?" * len(names))
        known: dict[str, str] = {}
        for id_, name, version in self._db.execute(
            f"SELECT id, name, version FROM seen WHERE name IN ({marks})", names
        ):
            known[name] = version
            if id_ < len(self._marks):
                self._marks[id_] = 1
        known.update(self._db.execute("SELECT name, version FROM reading ORDER BY number").fetchall())
        new = []
        for name, each in zip(names, listed, strict=True):
            version = known.get(name)
            if version != each.version:
                new.append((name, each.size, each.modified, each.etag, version is not None))
                self.waiting_bytes += each.size
        self._db.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?)", new)

    def end_listing(self, *, now: float) -> None:
        """Note which objects are gone since when, and forget those that are gone for long."""
        marks = self._marks
        with self._told():
            back, gone = [], []
            rows = self._db.execute(
                "SELECT id, gone_at FROM seen WHERE id < ? AND substr(name, 1, ?) = ?",
                (len(marks), len(self._place) + 1, f"{self._place}/"),
            )
            for id_, gone_at in rows:
                if marks[id_] and gone_at is not None:
                    back.append((id_,))
                elif not marks[id_] and gone_at is None:
                    gone.append((now, id_))
            self._db.executemany("UPDATE seen SET gone_at = NULL WHERE id = ?", back)
            self._db.executemany("UPDATE seen SET gone_at = ? WHERE id = ?", gone)
            self._db.execute("DELETE FROM seen WHERE gone_at < ?", (now - KEPT_SECONDS,))
            self._db.commit()
        self._marks = bytearray()

    def wait_for(self, listed: Listed) -> None:
        """Let a version wait with the others that took the place of one that is read."""
        with self._told():
            row = (f"{self._place}/{listed.name}", listed.size, listed.modified, listed.etag, False)
            self._db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?)", row)
            self._db.commit()
            self.waiting_bytes += listed.size

    def begin(self, most: int, *, small_bytes: int) -> list[Reading]:
        """Begin to read the next ones that wait: some small ones, or a large one alone; none where none waits."""
        with self._told():
            rows = self._db.execute(
                "SELECT name, size, modified, etag, is_again FROM waiting ORDER BY modified, name LIMIT ?", (most,)
            ).fetchall()
            small = list(takewhile(lambda row: row[1] <= small_bytes, rows))
            number = self._count("number")
            found = []
            for name, size, modified, etag, is_again in small or rows[:1]:
                number += 1
                listed = Listed(name[len(self._place) + 1 :], size, modified, etag)
                found.append(Reading(number, listed, bool(is_again)))
                self._db.execute("DELETE FROM waiting WHERE name = ?", (name,))
                row = (number, name, size, modified, etag, listed.version)
                self._db.execute("INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?)", row)
                self.waiting_bytes -= size
            self._begun.extend(reading.number for reading in found)
            self._set("number", number)
            self._db.commit()
            return found

    def end(self, number: int, last: int) -> None:
        """A reading came to its end; ``last`` is the place of its last event, 0 where it had none. Kept in memory: a run that does not
        get to ``fold`` finds out again."""
        self._last[number] = last

    def forget(self, number: int) -> None:
        """Give a reading up: its object is as if it had not been begun."""
        with self._told():
            self._begun.remove(number)
            self._db.execute("DELETE FROM reading WHERE number = ?", (number,))
            self._db.commit()

    def is_empty(self) -> bool:
        """Return whether no object was ever read to its end."""
        with self._told():
            return self._db.execute("SELECT 1 FROM seen LIMIT 1").fetchone() is None

    # -- the file ------------------------------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        if self._path is not None:
            private_folder(self._path.parent)
            os.close(open_private(self._path, os.O_RDWR | os.O_CREAT))
        db = sqlite3.connect(self._path or ":memory:", check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    @property
    def _db(self) -> sqlite3.Connection:
        assert self._open is not None, "it is opened first"
        return self._open

    def close(self) -> None:
        """Safe to repeat."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _count(self, name: str) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def _set(self, name: str, value: int) -> None:
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
                    f"the file that remembers which objects were read, {self._path}, cannot be used: {type(error).__name__}",
                    hint="make room on the disk; where the file is damaged, remove it: all objects are read once more",
                ) from error
