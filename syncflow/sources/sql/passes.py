"""The passes of a query that are not differences.

all      every row, as an update
cursor   rows whose hash is not known, in the order of the cursor; known rows below the overlap are forgotten
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncflow.config.models.source_sql import SqlCursor
from syncflow.events import Raw
from syncflow.sources.passes.comparison import Comparison, Difference
from syncflow.sources.passes.diff import Numbered, PassCounts, PassPlan
from syncflow.sources.passes.seen import Handed
from syncflow.sources.sql.cursors import cursor_text, cursor_value, has_order, set_back
from syncflow.sources.sql.table import SqlChunk, SqlTable


class All:
    """Every row."""

    def __init__(self, plan: PassPlan, table: SqlTable, *, started: float) -> None:
        self.counts = PassCounts()
        self._plan = plan
        self._table = table
        self._started = started
        self._numbered = Numbered(plan.partition)

    def events(self) -> Iterator[list[Raw]]:
        self._numbered.offset = self._plan.seen.begin().number
        with self._table.reading(started=self._started) as reading:
            for chunk in reading.chunks():
                self.counts.rows += len(chunk)
                yield [self._whole(chunk, place) for place in range(len(chunk))]

    def _whole(self, chunk: SqlChunk, place: int) -> Raw:
        is_keyless = any(chunk.rows[place][column] is None for column in chunk.columns.key)
        body, broken = chunk.keyless(place) if is_keyless else chunk.event(place, "update")
        return self._numbered.raw(Handed(self._numbered.next(), None, None, body=body, broken=broken))


class Newer:
    """Rows behind a cursor."""

    def __init__(self, plan: PassPlan, table: SqlTable, cursor: SqlCursor, *, started: float) -> None:
        self.counts = PassCounts()
        self._plan = plan
        self._table = table
        self._cursor = cursor
        self._started = started
        self._numbered = Numbered(plan.partition)
        self._highest: Any = None
        """The value of the cursor that the passes before have reached."""

    def events(self) -> Iterator[list[Raw]]:
        plan = self._plan
        begun = plan.seen.begin()
        self._numbered.offset = begun.number
        comparison = Comparison(plan.seen, begun, key=plan.settings.key_columns, noun=plan.noun)
        known = plan.seen.cursor
        self._highest = None if known is None else cursor_value(known)
        since = None if known is None else set_back(self._highest, self._cursor.overlap)
        with self._table.reading(started=self._started, cursor=self._cursor.cursor, since=since) as reading:
            for chunk in reading.chunks():
                self.counts.rows += len(chunk)
                handed = [self._newer(chunk, found) for found in comparison.differences(chunk)]
                if handed:
                    plan.seen.hand([row._replace(body=None) for row in handed])
                comparison.handed()
                yield [self._numbered.raw(row) for row in handed]
        for gone in plan.seen.gone(comparison.met):
            plan.seen.forget([id_ for id_, _ in gone])
            yield []

    def _newer(self, chunk: SqlChunk, found: Difference) -> Handed:
        self.counts.new += found.is_new
        self.counts.changed += found.is_changed
        is_keyless = found.key.startswith("null")
        body, broken = chunk.keyless(found.place) if is_keyless else chunk.event(found.place, "update")
        return Handed(
            self._numbered.next(), found.key, found.hash, cursor=self._reached(chunk, found), body=body, broken=broken
        )

    def _reached(self, chunk: SqlChunk, found: Difference) -> str | None:
        """Return the value of the cursor as it is kept; a late row does not set the cursor back."""
        value = chunk.rows[found.place][chunk.columns.cursor]
        if not has_order(value):
            self.counts.without_cursor += 1
            return None
        return cursor_text(value) if self._highest is None or value > self._highest else None
