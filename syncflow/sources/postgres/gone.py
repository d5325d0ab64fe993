"""Which records have no row any more: after changes were lost, what the journal knows to be at a target is compared with the tables.

    records at a target, by id ──┐
                                 ├─ merge ─▶ ids without a row ─▶ share of all, against the guard ─▶ deletes
    ids in the tables, by id ────┘

Both sides come in the order of their bytes and page by page: memory stays flat. It happens in the transaction of the snapshot, behind its
last row, so that a row that comes later has its change in the stream, behind the delete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from syncflow.events import Item
from syncflow.sources.base import Report
from syncflow.sources.postgres.catalog import Table
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.wire import Connection

Present = Callable[[str, str, int], Awaitable[Sequence[str]]]
"""Kind, id, number → the next ids, behind that one, of records that are at a target; in the order of their bytes."""

PAGE = 2000

_NUMBERS, _TEXTS = frozenset({20, 21, 23}), frozenset({25, 1043, 2950})
"""Types whose text is the record's id, and no other text can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is needed to compare; of each kind of record the column that its id is, "" where it is no single one."""

    present: Present
    columns: Mapping[str, str]
    most: float
    """The largest share of the known records that may be gone."""
    ignores_guard: bool = False


class Gone:
    """Of one kind of record, with all its tables."""

    def __init__(self, connection: Connection, kind: str, tables: Sequence[Table], comparison: Comparison) -> None:
        self._connection = connection
        self._kind = kind
        self._tables = tables
        self._comparison = comparison
        self._column = comparison.columns.get(kind, "")
        self._oids = {dict(table.columns).get(self._column) for table in tables}
        self.reports: list[Report] = []

    async def items(self) -> AsyncIterator[Item]:
        """Return the items of the deletes: the column of the id, and nothing else."""
        if not (self._oids <= _NUMBERS or self._oids <= _TEXTS):
            words = f"{self._kind} whose rows are gone stay at the targets: their id is not one column of text, whole numbers or uuid"
            self.reports.append(Report("guarded", words))
            return
        known = gone = 0
        async for _, is_there in self._compared():
            known += 1
            gone += not is_there
        if not gone:
            return
        if gone > self._comparison.most * known and not self._comparison.ignores_guard:
            words = (
                f"{gone:,} of {known:,} {self._kind} have no row any more, more than the guard allows: none is deleted"
            )
            self.reports.append(
                Report("guarded", f"{words}; look why, and run --resnapshot --ignore-guards to delete them")
            )
            return
        self.reports.append(
            Report("noted", f"{gone:,} of {known:,} {self._kind} have no row any more, and are deleted")
        )
        async for identity, is_there in self._compared():
            if not is_there:
                yield {self._column: int(identity) if self._oids <= _NUMBERS else identity}

    async def _compared(self) -> AsyncIterator[tuple[str, bool]]:
        """Return each known record, and whether it has a row."""
        rows = self._rows()
        row = await anext(rows, None)
        async for identity in self._known():
            while row is not None and row < identity:
                row = await anext(rows, None)
            yield identity, row == identity
        await self._connection.execute(b"CLOSE syncflow_ids")

    async def _known(self) -> AsyncIterator[str]:
        last = ""
        while page := await self._comparison.present(self._kind, last, PAGE):
            for identity in page:
                yield identity
            last = page[-1]

    async def _rows(self) -> AsyncIterator[str]:
        selects = [
            sql.SQL("SELECT {}::text AS id FROM {}{}").format(
                sql.Identifier(self._column),
                table.identifier,
                sql.SQL(f" WHERE {table.row_filter}") if table.row_filter else sql.SQL(""),
            )
            for table in self._tables
        ]
        query = sql.SQL(
            "DECLARE syncflow_ids NO SCROLL CURSOR FOR SELECT id FROM ({}) ids ORDER BY id COLLATE {}"
        ).format(sql.SQL(" UNION ALL ").join(selects), sql.Identifier("C"))
        with reworded(f"the ids of {self._kind} were read"):
            await self._connection.execute(query)
            while found := await self._page():
                for identity in found:
                    yield identity

    async def _page(self) -> list[str]:
        cursor = await self._connection.execute(f"FETCH FORWARD {PAGE} FROM syncflow_ids".encode())
        return [identity for (identity,) in await cursor.fetchall()]
