"""What people ask of a journal, at any time: send dead letters again, let them be, replay records, delete and forget one.

The commands write into the journal's file from a process of their own; here they do so between two steps of the run's loop.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.replayable import replayable
from syncflow.runtime.journal.base import How
from syncflow.runtime.journal.sqlite.database import connect


class People:
    """``wishes_left`` is how many times they will ask for something."""

    def __init__(self, path: Path, random: Random) -> None:
        self._path = path
        self._random = random
        self.wishes_left = random.choice((0, 0, 0, 2, 6))
        self.asked = self.wishes_left > 0
        """Whether they ask for anything at all."""

    def act(self) -> None:
        """Ask for something, if there is a journal yet and anything is left to ask for."""
        if not self.wishes_left or not self._path.exists():
            return
        self.wishes_left -= 1
        replayable(self._path, record="-")  # brings a journal up to date that a run has only begun to make
        wish = self._random.choice((self._redrive, self._redrive, self._drop, self._replay, self._replay))
        wish()

    def _redrive(self) -> None:
        how: How = self._random.choice(("remap", "as_sent"))
        operator_actions.redrive(self._path, self._some(), how=how)

    def _drop(self) -> None:
        if records := self._records("dead_letters l JOIN events e ON e.seq = l.event"):
            operator_actions.drop(self._path, Letters(record=self._random.choice(records)))

    def _replay(self) -> None:
        records = self._records("events e")
        for record in self._random.sample(records, min(len(records), self._random.choice((1, 3)))):
            events = [each.event for each in replayable(self._path, record=record)]
            operator_actions.replay(self._path, events)

    def _some(self) -> Letters:
        records = self._records("dead_letters l JOIN events e ON e.seq = l.event")
        return Letters(record=self._random.choice(records)) if records and self._random.random() < 0.5 else Letters()

    def _records(self, tables: str) -> list[str]:
        database = connect(self._path)
        try:
            sql = (
                f"SELECT DISTINCT record FROM (SELECT e.record FROM {tables}) WHERE record IS NOT NULL ORDER BY record"
            )
            return [record for (record,) in database.execute(sql)]
        finally:
            database.close()

    # -- the end ------------------------------------------------------------------------------------------------------------

    def chosen(self) -> str | None:
        """One record of which nothing was given up, to be deleted and forgotten; now and then only."""
        if self._random.random() > 0.2 or not self._path.exists():
            return None
        given_up = set(self._records("dead_letters l JOIN events e ON e.seq = l.event"))
        records = [
            record
            for record in self._records("events e WHERE e.kind IN ('contacts', 'profiles')")  # no other names these
            if record not in given_up
        ]
        return self._random.choice(records) if records else None

    def delete(self, record: str) -> None:
        """Ask for it to be deleted wherever it is."""
        operator_actions.delete(self._path, record)

    def forget(self, record: str) -> list[str]:
        """Erase it from the journal; return the tables in which it still stands."""
        operator_actions.forget(self._path, record)
        database = connect(self._path)
        try:
            return [table for table in _tables(database) if _stands_in(database, table, record)]
        finally:
            database.close()


def _tables(database: sqlite3.Connection) -> list[str]:
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in rows]


def _stands_in(database: sqlite3.Connection, table: str, record: str) -> bool:
    """Whether any value of a table names the record: as a column of its own, or in the JSON of an event or a payload."""
    needle = f'"{record}"'
    rows = database.execute(f"SELECT * FROM {table}")  # a name from the schema
    return any(
        value == record or needle in (value.decode(errors="replace") if isinstance(value, bytes) else str(value))
        for row in rows
        for value in row
    )
