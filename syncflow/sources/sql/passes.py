"""One pass: the rows of a result, compared with what was seen, as events. Blocking; driven step by step from a thread.

    all      every row, as an update
    cursor   rows whose hash is not known, in the order of the cursor; known rows below the overlap are forgotten
    diff     new rows as creates, changed ones as updates, and at the end the rows that are gone as deletes, unless a guard stops it

With ``guard.changed`` nothing is handed out before the whole result was compared: the events wait in the file of the rows that were seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from syncflow.config.models.source_sql import SqlCursor, SqlSource
from syncflow.errors import DataError, ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.sql.cursors import cursor_text, cursor_value, has_order, set_back
from syncflow.sources.sql.database import CHUNK_ROWS, Database, Row
from syncflow.sources.sql.seen import Beginning, Handed, Seen
from syncflow.sources.sql.values import UnwritableError, head, key_texts, row_texts, to_json, unwritable

_HEAD_BYTES = 4_000


class GuardError(Exception):
    """More is different than a guard allows; nothing was handed out that it guards."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(slots=True)
class PassCounts:
    """What a pass found."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    without_cursor: int = 0


class Columns(NamedTuple):
    """Where in a row is what; -1 for what is not asked for."""

    names: Sequence[str]
    key: tuple[int, ...]
    cursor: int
    timestamp: int


def columns_of(names: Sequence[str], settings: SqlSource) -> Columns:
    """Find the columns that the settings name in those of a result.

    Raises:
        ProjectError: one is missing, or two have one name.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProjectError(
            f"the query returns two columns named {twice[0]}", hint="give one another name: SELECT … AS …"
        )

    def place(name: str, setting: str) -> int:
        if name not in names:
            raise ProjectError(
                f"the query returns no column {name}, which `source.sql.{setting}` names; it returns {', '.join(names)}",
                hint="add it to the SELECT, or name one that is there",
            )
        return names.index(name)

    cursor = settings.changes.cursor if isinstance(settings.changes, SqlCursor) else None
    return Columns(
        names,
        tuple(place(name, "key") for name in settings.key_columns),
        -1 if cursor is None else place(cursor, "changes.cursor"),
        -1 if settings.timestamp is None else place(settings.timestamp, "timestamp"),
    )


class Pass:
    """``events`` is taken once; ``counts`` grow while it is."""

    def __init__(
        self,
        settings: SqlSource,
        *,
        kind: str,
        partition: str,
        database: Database,
        seen: Seen,
        started: float,
        has_guards: bool = True,
    ) -> None:
        self.counts = PassCounts()
        self._settings = settings
        self._kind = kind
        self._partition = partition
        self._database = database
        self._seen = seen
        self._started = datetime.fromtimestamp(started, UTC).isoformat()
        self._has_guards = has_guards
        self._number = 0
        self._begun = Beginning(0, 0, 0)
        self._met = bytearray()
        self._highest: Any = None
        """The value of the cursor that the passes before have reached."""

    def events(self) -> Iterator[list[Raw]]:
        """Yield the events of the pass in lists, also empty ones.

        Raises:
            GuardError: more is different than a guard allows.
            SyncflowError: the database or the file of seen rows failed.
        """
        self._begun = self._seen.begin()
        self._met = bytearray(self._begun.last_id + 1)
        changes = self._settings.changes
        if changes == "all":
            yield from self._all()
        elif changes == "diff":
            yield from self._diff()
        else:
            yield from self._newer(changes)

    # -- the three ways ------------------------------------------------------------------------------------------------------

    def _all(self) -> Iterator[list[Raw]]:
        for columns, rows in self._rows():
            yield [self._whole(columns, row) for row in rows]

    def _whole(self, columns: Columns, row: Row) -> Raw:
        self._number += 1
        if any(row[place] is None for place in columns.key):
            return self._raw(*self._keyless(columns, row))
        return self._raw(*self._event(columns, row, "update"))

    def _newer(self, cursor: SqlCursor) -> Iterator[list[Raw]]:
        known = self._seen.cursor
        self._highest = None if known is None else cursor_value(known)
        since = None if known is None else set_back(self._highest, cursor.overlap)
        for columns, rows in self._rows(cursor=cursor.cursor, since=since):
            yield self._hand_out(self._compared(columns, rows))
        for gone in self._seen.gone(self._met):
            self._seen.forget([id_ for id_, _ in gone])
            yield []

    def _diff(self) -> Iterator[list[Raw]]:
        waits = self._has_guards and self._settings.guard.changed is not None and self._begun.known > 0
        for columns, rows in self._rows():
            handed = self._compared(columns, rows)
            if waits:
                self._seen.hand(handed)
                yield []
            else:
                yield self._hand_out(handed)
        self.counts.removed = self._count_removed()
        self._check_guards()
        if waits:
            yield from self._held()
        if self._settings.removed == "delete":
            yield from self._deletes()

    def _held(self) -> Iterator[list[Raw]]:
        last = 0
        while rows := self._seen.held(last, most=CHUNK_ROWS):
            last = rows[-1].number
            yield [self._raw_of(row) for row in rows]

    def _count_removed(self) -> int:
        return sum(len(gone) for gone in self._seen.gone(self._met))

    def _deletes(self) -> Iterator[list[Raw]]:
        names = self._settings.key_columns
        for gone in self._seen.gone(self._met):
            handed = []
            for id_, key in gone:
                if not key.startswith("["):  # it was never an event that could be delivered
                    self._seen.forget([id_])
                    continue
                item = dict(zip(names, orjson.loads(key), strict=True))
                self._number += 1
                body = self._body("delete", self._started, item)
                handed.append(Handed(self._number, key, None, removed=True, body=body))
            yield self._hand_out(handed)

    def _check_guards(self) -> None:
        counts, guard, known = self.counts, self._settings.guard, self._begun.known
        if not known or not self._has_guards:
            return
        if self._settings.removed == "delete" and counts.removed > guard.removed * known:
            raise GuardError(_stopped(counts.removed, known, "gone", "removed", guard.removed))
        if guard.changed is not None and counts.changed > guard.changed * known:
            raise GuardError(_stopped(counts.changed, known, "changed", "changed", guard.changed))

    # -- rows ----------------------------------------------------------------------------------------------------------------

    def _rows(self, *, cursor: str | None = None, since: object = None) -> Iterator[tuple[Columns, list[Row]]]:
        with self._database.rows(self._settings.query, cursor=cursor, since=since) as (names, chunks):
            columns = columns_of(names, self._settings)
            for rows in chunks:
                self.counts.rows += len(rows)
                yield columns, rows

    def _compared(self, columns: Columns, rows: list[Row]) -> list[Handed]:
        """Return what of these rows is new or changed, and mark those that are known as met."""
        hashes = self._hashes(rows)
        keys = self._keys(columns, rows, hashes)
        known = self._seen.known(keys)
        handed: list[Handed] = []
        here: set[str] = set()
        begun, met = self._begun, self._met
        for row, key, hash_ in zip(rows, keys, hashes, strict=True):
            id_, before = known.get(key, (0, None))
            if key in here or id_ > begun.last_id or met[id_]:
                self._meet_twice(key)
                continue
            if id_:
                met[id_] = 1
                if before == hash_:
                    continue
                self.counts.changed += before is not None
            else:
                here.add(key)
                self.counts.new += 1
            handed.append(self._found(columns, row, key, hash_, is_new=not id_))
        return handed

    def _found(self, columns: Columns, row: Row, key: str, hash_: int, *, is_new: bool) -> Handed:
        self._number += 1
        cursor = None
        if columns.cursor >= 0:
            if not has_order(row[columns.cursor]):
                self.counts.without_cursor += 1
            elif (
                self._highest is None or row[columns.cursor] > self._highest
            ):  # a late row does not set the cursor back
                cursor = cursor_text(row[columns.cursor])
        if key.startswith("null"):
            body, broken = self._keyless(columns, row)
        else:
            change = "create" if is_new and columns.cursor < 0 else "update"
            body, broken = self._event(columns, row, change)
        return Handed(self._number, key, hash_, cursor=cursor, body=body, broken=broken)

    def _keys(self, columns: Columns, rows: list[Row], hashes: list[int]) -> list[str]:
        """Return a text for each row that tells it from all others: its key, or its hash where it has none."""
        places = columns.key
        if not places:
            return [f"row {hash_}" for hash_ in hashes]
        values = [tuple(row[place] for place in places) for row in rows] if len(places) > 1 else None
        keys = key_texts(values if values is not None else [(row[places[0]],) for row in rows])
        return [f"null {hash_}" if key is None else key for key, hash_ in zip(keys, hashes, strict=True)]

    def _meet_twice(self, key: str) -> None:
        """Rows without a key that are alike are one; two rows of one key are a mistake of the query."""
        if not key.startswith("["):
            return
        names = ", ".join(self._settings.key_columns)
        raise DataError(
            f"several rows of the query have one key ({names}): which of them is meant cannot be known",
            hint="name all columns that identify a row in `key`, or mend the join that repeats rows",
        )

    def _hashes(self, rows: list[Row]) -> list[int]:
        """Return a keyed hash of each row. A copy of the keyed beginning costs half of a new one."""
        beginning = hashlib.blake2b(digest_size=8, key=self._seen.secret)
        found: list[int] = []
        for text in row_texts(rows):
            hash_ = beginning.copy()
            hash_.update(text)
            found.append(int.from_bytes(hash_.digest(), signed=True))
        return found

    # -- events --------------------------------------------------------------------------------------------------------------

    def _event(self, columns: Columns, row: Row, change: str) -> tuple[bytes, str]:
        """Return the body of a row's event, or what of it can be shown with the reason why it is broken."""
        try:
            return self._body(change, self._timestamp(columns, row), dict(zip(columns.names, row, strict=True))), ""
        except UnwritableError:
            name = unwritable(columns.names, row)
            return head(
                columns.names, row
            ), f"the value of the column {name} cannot be written as JSON: it is infinite or no number"

    def _keyless(self, columns: Columns, row: Row) -> tuple[bytes, str]:
        name = next(columns.names[place] for place in columns.key if key_texts([(row[place],)]) == [None])
        return head(columns.names, row), f"the key column {name} holds no value: no record can be told from the row"

    def _timestamp(self, columns: Columns, row: Row) -> object:
        if columns.timestamp >= 0:
            return row[columns.timestamp]
        if columns.cursor >= 0 and isinstance(row[columns.cursor], datetime):
            return row[columns.cursor]
        return self._started

    def _body(self, change: str, timestamp: object, item: dict[str, object]) -> bytes:
        return to_json({"record": self._kind, "operation": change, "timestamp": timestamp, "item": item})

    def _hand_out(self, handed: list[Handed]) -> list[Raw]:
        if handed:
            self._seen.hand([row._replace(body=None) for row in handed])
        return [self._raw_of(row) for row in handed]

    def _raw_of(self, row: Handed) -> Raw:
        assert row.body is not None, "it is kept where it is handed out later"
        return self._raw(row.body, row.broken, number=row.number)

    def _raw(self, body: bytes, broken: str, *, number: int | None = None) -> Raw:
        position = Position(self._partition, self._begun.number, number=self._number if number is None else number)
        if not broken:
            return Raw(position, body)
        sha256 = hashlib.sha256(body).hexdigest()
        return Raw(position, body[:_HEAD_BYTES], broken=broken, length=len(body), sha256=sha256)


def _stopped(count: int, known: int, what: str, name: str, share: float) -> str:
    return (
        f"{count:,} of {known:,} known rows are {what}, more than guard.{name} allows ({share:.3g} of all): "
        "the pass was stopped before it; check the query, or run once with --ignore-guards"
    )
