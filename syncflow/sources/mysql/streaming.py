"""Packets of the log → events, in chunks: a transaction need not fit into memory, and a chunk may end inside one.

Positions count the transactions that changed tables of ours (``offset``) and the rows in them (``number``). The evidence kept with a
position says where to read on: at the beginning of its transaction, so that the same changes get the same positions again and those that
are known are left out.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from syncflow.config.models.source_mysql import MysqlSource
from syncflow.errors import ProjectError
from syncflow.events import Item, Position, Raw
from syncflow.sources.base import Report
from syncflow.sources.mysql.binlog import Begin, Commit, Decoder, Idle, Rotated, RowChange, Rows, Statement
from syncflow.sources.mysql.catalog import Table
from syncflow.sources.mysql.errors import ANEW
from syncflow.sources.mysql.places import Evidence, Gtids, MariadbGtids, MysqlGtids, Number, Place
from syncflow.sources.mysql.rest import Rest
from syncflow.sources.mysql.snapshot import raw_of
from syncflow.sources.mysql.statements import Meaning, meaning_of
from syncflow.sources.mysql.tables import KnownTables
from syncflow.sources.mysql.unsent import complete
from syncflow.sources.mysql.wire import Changes, Connection

MOST_BYTES = 8_000_000
"""A chunk of more is handed out, however few events it has."""

MOST_HELD = 500_000
"""Rows of an XA transaction that is prepared and not committed yet."""

PARTITION = "binlog"

NOTHING: Number = (-1, -1)


class _Partial(NamedTuple):
    """A change whose columns are still to be read."""

    position: Position
    timestamp: str
    change: RowChange


class Stream:
    """Of one connection; ``begin`` gives it the packets."""

    def __init__(
        self,
        settings: MysqlSource,
        *,
        tables: KnownTables,
        side: Callable[[], Awaitable[Connection]],
        report: Callable[[Report], None],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._tables = tables
        self._side = side
        self._report = report
        self._now = now
        self._metas: Mapping[str, Item] = {name: {"table": name} for name in tables.names}
        self._changes: Changes | None = None
        self._decoder: Decoder | None = None
        self._rows: Iterator[RowChange] | None = None
        self._is_last = False
        self._holding: list[RowChange] | None = None
        self._held_from = Place("", 0)
        self._prepared: dict[str, _Prepared] = {}
        self._standing: _Prepared | None = None
        self._order = 0
        self._failure: ProjectError | None = None
        self._lag_at: float | None = None

    @property
    def is_waiting_for_start(self) -> bool:
        return self._changes is None

    @property
    def lag_seconds(self) -> float | None:
        """How long ago the newest change that was read happened; 0 where all is read."""
        return None if self._lag_at is None else max(0.0, self._now() - self._lag_at) if self._lag_at else 0.0

    def begin(
        self, changes: Changes, *, start: Evidence, known: Position | None, has_checksums: bool, finished: Sequence[str]
    ) -> None:
        """Hand out the changes from a place on, behind what is acknowledged."""
        self._changes = changes
        place = start.start
        self._gtids: Gtids | None = None
        if place.has_gtids:
            self._gtids = (MariadbGtids if self._tables.is_mariadb else MysqlGtids)(place.gtids)
        self._decoder = Decoder(
            self._tables.layout_of, file=place.file, position=place.position, has_checksums=has_checksums
        )
        self._count = start.count
        self._known: Number = (known.offset, known.number) if known else NOTHING
        self._made = self._known
        self._expected = start if known and start.transaction else None
        self._finished = tuple(finished)
        self._names = tuple(sorted(self._tables.names))
        self._transaction: Begin | None = None
        self._before = place
        self._evidence = ""
        self._number = 0
        self._is_ours = False
        self._timestamp = ""

    def rest(self) -> Rest | None:
        """Return up to where in the log all of ours has been made events of; None in the middle of something."""
        if self._changes is None or self._decoder is None or self._rows or self._transaction or self._prepared:
            return None
        gtids = str(self._gtids) if self._gtids is not None else ""
        place = Place(self._decoder.file, self._decoder.position, gtids, has_gtids=self._gtids is not None)
        return Rest(None if self._made == NOTHING else self._made, place)

    async def chunk(self, most: int) -> list[Raw]:
        """Wait until something comes and return its events; none where it held none of ours.

        Raises:
            ProjectError: a table was truncated; all before it has been handed out.
            UnavailableError: the connection is lost.
        """
        assert self._changes is not None
        assert self._decoder is not None
        if self._failure is not None:
            raise self._failure
        found: list[Raw | _Partial] = []
        size, is_idle = 0, True
        while len(found) < most and size < MOST_BYTES and self._failure is None:
            if self._rows is not None:
                is_idle = False
                self._take_rows(found, most)
                continue
            if (packet := self._changes.next()) is None:
                break
            size += len(packet)
            is_idle = False
            if not self._message(packet) or self._tables.is_stale:
                break
        if is_idle:
            await self._changes.wait()
            return []
        raws = await self._completed(found)
        if self._tables.is_stale:
            await self._tables.look_again()
            self._decoder.forget()
        if not raws and self._failure is not None:
            raise self._failure
        return raws

    def _message(self, packet: bytes) -> bool:
        """Take one packet; return whether the next one may be read."""
        assert self._decoder is not None
        before = Place(self._decoder.file, self._decoder.position)
        try:
            message = self._decoder.decode(packet)
        except ProjectError as error:  # after what came before it
            self._failure = error
            return False
        if message is None or isinstance(message, Rotated):
            return True
        if isinstance(message, Rows):
            self._rows = message.read()
        elif isinstance(message, Begin):
            self._begun(message, before)
        elif isinstance(message, Commit):
            self._committed(message.prepared)
        elif isinstance(message, Statement):
            self._statement(message, before)
        elif isinstance(message, Idle):
            self._lag_at = 0.0
        return self._failure is None

    def _begun(self, begin: Begin, before: Place) -> None:
        self._ended()
        self._transaction, self._before = begin, before
        self._number, self._is_ours = 0, False
        self._holding = self._standing = None
        if begin.is_prepared:
            self._hold_back()
        self._lag_at = float(begin.at)

    def _ended(self) -> None:
        """Take note of a transaction; a statement that stands alone has no other end than the next one's beginning."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None and self._gtids is not None and transaction.gtid:
            self._gtids.add(transaction.domain, transaction.gtid)

    def _committed(self, prepared: str) -> None:
        held, self._holding = self._holding, None
        if held is not None and prepared:
            self._order += 1
            self._prepared[prepared] = _Prepared(held, self._held_from, self._count, self._order)
        elif held is not None:
            self._rows = iter(held)
            self._is_last = True
            return
        self._ended()

    def _statement(self, statement: Statement, before: Place) -> None:
        meaning = meaning_of(statement.schema, statement.text, tables=self._tables.names)
        if meaning.kind == "begin":
            if self._transaction is None:
                self._begun(Begin("", "", statement.at), before)
            if meaning.xid:
                self._hold_back()
        elif meaning.kind in {"commit", "rollback"}:
            self._committed("")
        elif meaning.kind == "xa commit":
            self._stands(meaning.xid)
        elif meaning.kind == "xa rollback":
            self._prepared.pop(meaning.xid, None)
        elif meaning.kind == "rows" and meaning.tables:
            self._failure = ProjectError(
                f"changes of {', '.join(meaning.tables)} were written to the binlog as a statement, which cannot be read",
                hint=f"SET GLOBAL binlog_format = ROW; and end the sessions that were open before. Then {ANEW}",
            )
        elif meaning.kind == "emptied":
            self._emptied(meaning)
        elif meaning.kind == "defined" and meaning.tables:
            self._tables.defined(meaning.tables)

    def _hold_back(self) -> None:
        self._holding, self._held_from = [], self._place()

    def _stands(self, xid: str) -> None:
        """Hand out what an XA transaction had changed when it was prepared."""
        prepared = self._standing = self._prepared.pop(xid, None)
        if prepared is None:
            self._failure = ProjectError(
                "an XA transaction was committed that had been prepared before its changes could be read", hint=ANEW
            )
        elif prepared.changes:
            self._rows = iter(prepared.changes)

    def _emptied(self, meaning: Meaning) -> None:
        names = ", ".join(meaning.tables)
        self._tables.defined(meaning.tables)
        if self._settings.on_truncate == "ignore":
            self._report(Report("noted", f"{names} {meaning.words}; its records are left at the targets"))
            return
        self._failure = ProjectError(
            f"{names} {meaning.words}, and its records are at the targets still",
            hint="set `on_truncate: ignore` to go on; delete the records over there yourself where they must go",
        )

    def _take_rows(self, found: list[Raw | _Partial], most: int) -> None:
        """Take changes of rows, until there are enough."""
        assert self._rows is not None
        try:
            for change in self._rows:
                if self._holding is not None:
                    self._hold(change)
                    continue
                found += self._events(change)
                if len(found) >= most:
                    return
        except ProjectError as error:
            self._failure = error
            return
        except (IndexError, struct.error):
            self._failure = ProjectError("a change in the binlog is not written as its table says", hint=ANEW)
            return
        self._rows = None
        if self._is_last:
            self._is_last = False
            self._ended()

    def _hold(self, change: RowChange) -> None:
        assert self._holding is not None
        self._holding.append(change)
        if len(self._holding) > MOST_HELD:
            raise ProjectError(
                f"an XA transaction changes more than {MOST_HELD:,} rows, which are held until it is committed",
                hint="change fewer rows in one XA transaction",
            )

    def _place(self) -> Place:
        """Return where reading must begin again for the transaction that is read just now."""
        gtids = str(self._gtids) if self._gtids is not None else ""
        return Place(self._before.file, self._before.position, gtids, has_gtids=self._gtids is not None)

    def _first_of_ours(self) -> None:
        """Count a transaction that changes a table of ours."""
        assert self._transaction is not None
        self._is_ours = True
        self._count += 1
        begin, place = self._transaction, self._place()
        name = begin.gtid if place.has_gtids else f"{place.file}:{place.position}"
        self._timestamp = datetime.fromtimestamp(begin.at, UTC).isoformat()
        if self._expected is not None and self._count == self._known[0]:
            self._meet(self._expected, name, begin.at)
        start, count = place, self._count - 1
        open_ones = [*self._prepared.values(), *([self._standing] if self._standing else [])]
        if open_ones:
            first = min(open_ones, key=lambda prepared: prepared.order)
            start, count = first.start, first.count
        self._evidence = str(
            Evidence(start, count, transaction=name, at=begin.at, tables=self._finished, names=self._names)
        )

    def _meet(self, expected: Evidence, name: str, at: int) -> None:
        """Compare the transaction at the acknowledged position with that of then."""
        self._expected = None
        if name == expected.transaction and at != expected.at:
            raise ProjectError(
                "the server has another transaction where reading stopped: it is another server, or its binlog was reset",
                hint=ANEW,
            )
        if name != expected.transaction or self._names != expected.names:
            self._count += 1  # what follows is new: rather twice than never

    def _events(self, change: RowChange) -> list[Raw | _Partial]:
        """Return one event, or two where the key changed; none of what is acknowledged already."""
        if not self._is_ours:
            self._first_of_ours()
        table = self._tables[change.table]
        number = self._number
        self._number += 2
        if (self._count, number + 1) <= self._known:
            return []
        self._made = (self._count, number + 1)
        old, new = change.old, change.new
        if new is None:
            assert old is not None
            item = {column: old[column] for column in table.key if column in old} if change.unfit else old
            return [self._raw(table, number + 1, "delete", item, "")]
        if old is None:
            return [self._whole(table, number + 1, change)]
        if change.unsent:
            new.update({column: old[column] for column in change.unsent if column in old})
            change = change._replace(unsent=tuple(column for column in change.unsent if column not in new))
        result: list[Raw | _Partial] = []
        if any(old.get(column) != new.get(column) for column in table.key):
            change = change._replace(kind="create")
            if (self._count, number) > self._known:
                before = {column: old[column] for column in old if not change.unfit or column in table.key}
                result.append(self._raw(table, number, "delete", before, ""))
        return [*result, self._whole(table, number + 1, change)]

    def _whole(self, table: Table, number: int, change: RowChange) -> Raw | _Partial:
        if change.unsent:
            position = Position(PARTITION, self._count, None, self._evidence, number)
            return _Partial(position, self._timestamp, change)
        return self._raw(table, number, change.kind, change.new, change.unfit)

    def _raw(self, table: Table, number: int, operation: str, item: Any, unfit: str) -> Raw:
        position = Position(PARTITION, self._count, None, self._evidence, number)
        event = {"record": table.kind, "operation": operation, "timestamp": self._timestamp, "item": item}
        return raw_of(position, event, unfit=unfit, meta=self._metas[table.name])

    async def _completed(self, found: list[Raw | _Partial]) -> list[Raw]:
        """Fill in what was not sent; an update whose row is gone is left out."""
        partial: dict[str, list[_Partial]] = {}
        for entry in found:
            if isinstance(entry, _Partial):
                partial.setdefault(entry.change.table, []).append(entry)
        filled: dict[Position, RowChange | None] = {}
        for name, entries in partial.items():
            changes = await complete(await self._side(), self._tables[name], [entry.change for entry in entries])
            filled.update((entry.position, change) for entry, change in zip(entries, changes, strict=True))
        raws: list[Raw] = []
        for entry in found:
            if isinstance(entry, Raw):
                raws.append(entry)
            elif (change := filled[entry.position]) is not None:
                table = self._tables[change.table]
                event = {
                    "record": table.kind,
                    "operation": change.kind,
                    "timestamp": entry.timestamp,
                    "item": change.new,
                }
                raws.append(raw_of(entry.position, event, unfit=change.unfit, meta=self._metas[table.name]))
        return raws

    async def close(self) -> None:
        if self._changes is not None:
            await self._changes.close()


@dataclass(frozen=True, slots=True)
class _Prepared:
    changes: Sequence[RowChange]
    start: Place
    count: int
    order: int
