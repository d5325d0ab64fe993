"""Messages of the slot → events, in chunks: a transaction need not fit into memory, and a chunk may end inside one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from syncflow.config.models.source_postgres import PostgresSource
from syncflow.errors import ProjectError
from syncflow.events import Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.postgres import catalog
from syncflow.sources.postgres.catalog import Table
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.pgoutput import Begin, Commit, Decoder, Relation, RowChange, Truncate
from syncflow.sources.postgres.progress import START, Place, Transactions
from syncflow.sources.postgres.raws import MakeRaw, change_of_part, change_of_row
from syncflow.sources.postgres.toast import Now, filled, read_now
from syncflow.sources.postgres.values import FIRST_USER_OID, Types
from syncflow.sources.postgres.wire import Changes, Connection

MOST_BYTES = 8_000_000
"""A chunk of more is handed out, however few events it has."""


class Partial(NamedTuple):
    """A change whose large values are still to be read."""

    place: Place
    timestamp: str
    change: RowChange


class Stream:
    """Of one slot; ``begin`` gives it the connection."""

    def __init__(
        self,
        settings: PostgresSource,
        *,
        partition: str,
        tables: Mapping[str, Table],
        types: Types,
        side: Callable[[], Awaitable[Connection]],
        report: Callable[[Report], None],
        make: MakeRaw = change_of_row,
        names_unchanged: bool = False,
    ) -> None:
        self._settings = settings
        self._partition = partition
        self._tables = dict(tables)
        self._make = make
        self._names_unchanged = names_unchanged
        self._decoder = Decoder(types)
        self._side = side
        self._report = report
        self._marked: dict[str, tuple[Table, Table]] = {}
        """Of a table: as it is, and with the mark of what may be of rows that were never read."""
        self._columns = {name: dict(table.columns) for name, table in tables.items()}
        self.transactions = Transactions()
        self._changes: Changes | None = None
        self._evidence = ""
        self._until = 0
        self._compared_until = 0
        self._known: Place = START
        self._last: Place = START
        self._commit = 0
        self._number = 0
        self._timestamp = ""
        self._has_partial = False
        self._failure: ProjectError | None = None

    @property
    def is_waiting_for_start(self) -> bool:
        return self._changes is None

    def begin(
        self,
        changes: Changes,
        *,
        acknowledged: Position | None,
        evidence: str,
        until: int = 0,
        compared_until: int = 0,
    ) -> None:
        """Hand out the changes behind what is acknowledged; ``until``: deletes before it may be of rows that were never read.

        ``compared_until``: records without a row were deleted by then, those of truncated tables too."""
        self._changes = changes
        self._evidence = evidence
        self._until = until
        self._compared_until = compared_until
        if acknowledged is not None:
            self._go_on_behind(acknowledged)

    def _go_on_behind(self, acknowledged: Position) -> None:
        self._known = self._last = (acknowledged.offset, acknowledged.number)
        self.transactions.acknowledge(self._known)

    async def chunk(self, most: int) -> list[Raw]:
        """Wait until something comes and return its events; none where it held none of ours.

        Raises:
            ProjectError: a table was truncated; all before it has been handed out.
            UnavailableError: the connection is lost.
        """
        assert self._changes is not None
        if self._failure is not None:
            raise self._failure
        found: list[Raw | Partial | Commit] = []
        size = 0
        self._has_partial = False
        while len(found) < most and size < MOST_BYTES and (message := self._changes.next()) is not None:
            size += len(message)
            decoded = self._decoder.decode(message)
            if isinstance(decoded, RowChange):
                found += self._events(decoded)
            elif isinstance(decoded, Relation):
                await self._relation(decoded)
            elif isinstance(decoded, Commit) and self._has_partial:
                found.append(decoded)
            elif isinstance(decoded, Commit):
                self._note(found, decoded)
            elif decoded is not None and not self._takes(decoded):
                break
        if not size:
            await self._changes.wait()
            return []
        raws = await self._completed(found) if self._has_partial else found
        if raws:
            self._last = _place_of(raws[-1])
        elif self._failure is not None:
            raise self._failure
        return raws  # type: ignore[return-value]  # without partial ones, all are events

    def _takes(self, message: Begin | Truncate) -> bool:
        """Whether the changes behind a message may be read."""
        if isinstance(message, Truncate):
            self._truncated(message)
            return self._failure is None
        self._commit, self._number = message.commit, 0
        self._timestamp = datetime.fromtimestamp(message.committed_at, UTC).isoformat()
        return True

    def _note(self, found: Sequence[Raw | Partial | Commit], commit: Commit) -> None:
        if found:
            self._last = _place_of(found[-1])
        self.transactions.committed(self._last, commit.end)

    def _events(self, change: RowChange) -> list[Raw | Partial]:
        """Return one event, or two where the key changed; none of another table or of what is acknowledged already."""
        name = change.relation.table
        table = self._tables.get(name)
        number = self._number
        self._number += 2
        if table is None or (self._commit, number + 1) <= self._known:
            return []
        if self._commit <= self._until:
            table = self._catching_up(table)
        if change.old is None and not change.unchanged:
            return [self._raw(table, number + 1, self._timestamp, change.kind, change.new, change.unfit)]
        if change.kind == "delete":
            assert change.old is not None
            return [self._raw(table, number + 1, self._timestamp, "delete", change.old, change.unfit)]
        new, old = change.new, change.old
        assert new is not None
        result: list[Raw | Partial] = []
        if old is not None:
            if change.unchanged:
                new.update({column: old[column] for column in change.unchanged if old.get(column) is not None})
                change.unchanged = tuple(column for column in change.unchanged if column not in new)
            keys = [column for column in table.key if column in old]
            if any(old[column] != new.get(column) for column in keys):
                change.kind = "create"
                before = old if change.relation.identity == "f" else {column: old[column] for column in keys}
                if (self._commit, number) > self._known:
                    result.append(self._raw(table, number, self._timestamp, "delete", before, ""))
        if change.unchanged:
            self._has_partial = True
            return [*result, Partial((self._commit, number + 1), self._timestamp, change)]
        return [*result, self._raw(table, number + 1, self._timestamp, change.kind, new, change.unfit)]

    def _catching_up(self, table: Table) -> Table:
        if table.name not in self._marked or self._marked[table.name][0] is not table:
            self._marked[table.name] = (table, replace(table, meta=table.meta | {"catching_up": True}))
        return self._marked[table.name][1]

    def _raw(
        self, table: Table, number: int, timestamp: str, operation: str, item: Any, unfit: str, at: int = 0
    ) -> Raw:
        position = Position(self._partition, at or self._commit, None, self._evidence, number)
        return self._make(table, position, operation, timestamp, item, unfit)

    async def _completed(self, found: list[Raw | Partial | Commit]) -> list[Raw]:
        """Add what the rows hold now of what was not sent; a change may be left out, and commits count what is left."""
        partial: dict[str, list[Partial]] = {}
        for entry in found:
            if isinstance(entry, Partial):
                partial.setdefault(entry.change.relation.table, []).append(entry)
        now: dict[Place, Now | None] = {}
        for name, entries in partial.items():
            changes = [entry.change for entry in entries]
            rows = await read_now(await self._side(), self._tables[name], changes, types=self._decoder.types)
            now.update((entry.place, row) for entry, row in zip(entries, rows, strict=True))
        raws: list[Raw] = []
        for entry in found:
            if isinstance(entry, Commit):
                self._note(raws, entry)
            elif isinstance(entry, Raw):
                raws.append(entry)
            elif (raw := self._raw_of_part(entry, now[entry.place])) is not None:
                raws.append(raw)
        return raws

    def _raw_of_part(self, entry: Partial, now: Now | None) -> Raw | None:
        """Return the event of a change that did not send all; None where it says nothing that can be told."""
        change, (commit, number) = entry.change, entry.place
        table = self._tables[change.relation.table]
        is_to_be_filled = change.unfit or (now is None and change.kind == "create")
        if self._names_unchanged and not is_to_be_filled:
            assert change.new is not None
            position = Position(self._partition, commit, None, self._evidence, number)
            told = None if now is None else {} if now.unfit else now.values
            return change_of_part(
                table, position, change.kind, entry.timestamp, change.new, unchanged=change.unchanged, now=told
            )
        whole = filled(change, now)
        if whole is None:
            return None
        return self._raw(table, number, entry.timestamp, whole.kind, whole.new, whole.unfit, commit)

    async def _relation(self, relation: Relation) -> None:
        """Learn types that are new, and tell of columns that are."""
        if relation.table not in self._tables:
            return
        if any(column.oid >= FIRST_USER_OID for column in relation.columns):
            self._decoder.types = await catalog.read_types(await self._side())
            self._decoder.learn(relation)
        before = self._columns[relation.table]
        now = {column.name: column.oid for column in relation.columns}
        self._columns[relation.table] = now
        for words in changes_of(relation.table, before, now):
            self._report(words)
        await self._learn_key(relation)

    async def _learn_key(self, relation: Relation) -> None:
        """Tell rows apart by the key that the table has now; with a whole identity the columns do not say which that is."""
        table = self._tables[relation.table]
        key = [column for column in relation.columns if column.is_key]
        names = tuple(column.name for column in key)
        if relation.identity == "f" or not key or set(names) == set(table.key):
            return
        with reworded("a key was looked up"):
            types = await catalog.type_names(await self._side(), [column.oid for column in key])
        self._tables[relation.table] = replace(table, key=names, key_types=types)
        self._report(Report("changed", f"{relation.table} has another key: {', '.join(names)}"))

    def _truncated(self, truncate: Truncate) -> None:
        names = [relation.table for relation in truncate.relations if relation.table in self._tables]
        self._number += 2
        if not names or (self._commit, self._number - 1) <= self._known:
            return
        if self._commit <= self._compared_until:
            self._report(
                Report("noted", f"{', '.join(names)} was truncated before its records were compared with its rows")
            )
            return
        if self._settings.on_truncate == "ignore":
            self._report(Report("noted", f"{', '.join(names)} was truncated; its records are left at the targets"))
            return
        self._failure = ProjectError(
            f"{', '.join(names)} was truncated, and its records are at the targets still",
            hint="`syncflow run --resnapshot` reads the rows that are there now, and deletes the records that have none;"
            " `on_truncate: ignore` goes on, and leaves them",
        )

    async def close(self) -> None:
        if self._changes is not None:
            await self._changes.close()


def _place_of(entry: Raw | Partial | Commit) -> Place:
    assert isinstance(entry, Raw)  # what is partial is completed before, and a commit behind it waits for that
    return entry.position.offset, entry.position.number


def changes_of(table: str, before: Mapping[str, int], now: Mapping[str, int]) -> list[Report]:
    """Return what has become of the columns of a table."""
    new = [name for name in now if name not in before]
    gone = [name for name in before if name not in now]
    other = [name for name in now if name in before and before[name] != now[name]]
    reports = []
    if new:
        reports.append(Report("noted", f"{table} has a new column: {', '.join(new)}"))
    if gone:
        reports.append(Report("changed", f"{table} has no column {', '.join(gone)} any more"))
    if other:
        reports.append(Report("changed", f"{table} has another type of column: {', '.join(other)}"))
    return reports
