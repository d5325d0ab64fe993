"""The table of an outbox: what it must look like, how a row becomes an event, and how rows are marked that were read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import orjson
from psycopg import sql

from syncflow.clock import Clock
from syncflow.config.models.source_outbox import OutboxSource
from syncflow.errors import ProjectError
from syncflow.events import Item, Position, Raw
from syncflow.sources.base import Finding
from syncflow.sources.postgres.catalog import Table, full_name, rows
from syncflow.sources.postgres.errors import reworded
from syncflow.sources.postgres.wire import Connection

COLUMNS = ("id", "record", "operation", "item", "created_at")

TIDY_SECONDS = 60.0
"""The time between two deletions of rows that were read long enough ago."""

_LOCKS = 0x73796E63
"""The class of the locks by which one run at a time polls a table; the other half of each is the table's OID."""


class OutboxTable:
    """Questions and changes by one connection, which ``connect`` gives."""

    def __init__(
        self, settings: OutboxSource, *, clock: Clock, connection: Callable[[], Awaitable[Connection]]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._connection = connection
        self.name = full_name(settings.table)
        self._tidied_at = -float("inf")

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(*self.name.split(".", 1))

    @property
    def grant(self) -> str:
        return f"GRANT SELECT, UPDATE, DELETE ON {self.identifier.as_string()} TO the_user;"

    async def find(self) -> Table:
        """Return the table.

        Raises:
            ProjectError: it is not there, or lacks a column.
        """
        with reworded(f"{self.name} was looked up"):
            found = await rows(
                await self._connection(),
                "SELECT a.attname, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
                " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname || '.' || c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
                self.name,
            )
        columns = {name: (oid, kind) for name, oid, kind in found}
        if not columns:
            raise ProjectError(f"there is no table {self.name}", hint=self._example())
        keeps = self._settings.delete_after is not None
        if lacking := [name for name in (*COLUMNS, "taken_at")[: 6 if keeps else 5] if name not in columns]:
            raise ProjectError(f"{self.name} has no column {', '.join(lacking)}", hint=self._example())
        return Table(
            name=self.name,
            kind="",
            key=("id",),
            key_types=(columns["id"][1],),
            columns=tuple((name, columns[name][0]) for name in COLUMNS),
            row_filter="taken_at IS NULL" if keeps else "",
        )

    def _example(self) -> str:
        return (
            f"CREATE TABLE {self.identifier.as_string()} (id bigserial PRIMARY KEY, record text NOT NULL, operation text NOT NULL,"
            " item jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), taken_at timestamptz);"
        )

    async def rights(self) -> list[Finding]:
        """Return what ``syncflow check`` says of the user's rights."""
        needed = ("SELECT", "DELETE") if self._settings.delete_after is None else ("SELECT", "UPDATE", "DELETE")
        with reworded(f"{self.name} was looked up"):
            found = await rows(
                await self._connection(),
                "SELECT right_, has_table_privilege(to_regclass(%s), right_) FROM unnest(%s::text[]) right_",
                self.identifier.as_string(),
                list(needed),
            )
        lacking = [name for name, is_there in found if not is_there]
        if lacking:
            return [Finding(f"the user lacks {', '.join(lacking)} on {self.name}", self.grant, is_good=False)]
        return [Finding(f"{self.name} has all columns, and the user the rights")]

    async def lock(self) -> bool:
        """Try to be the one that polls the table, until the connection ends."""
        with reworded(f"{self.name} was locked"):
            ((is_mine,),) = await rows(
                await self._connection(),
                "SELECT pg_try_advisory_lock(%s, to_regclass(%s)::oid::int)",
                _LOCKS,
                self.identifier.as_string(),
            )
        return bool(is_mine)

    async def take(self, ids: Sequence[str]) -> None:
        """Delete rows whose events are in the journal, or mark them where they are to stay for a while."""
        action = "DELETE FROM {}" if self._settings.delete_after is None else "UPDATE {} SET taken_at = now()"
        query = sql.SQL(action + " WHERE id::text = ANY(%s)").format(self.identifier)
        connection = await self._connection()
        with reworded("rows were marked as read", grant=self.grant):
            await connection.execute(query, (list(ids),))

    async def tidy(self) -> None:
        """Delete rows that were read long enough ago, once a minute."""
        if self._settings.delete_after is None or self._clock.monotonic() < self._tidied_at + TIDY_SECONDS:
            return
        self._tidied_at = self._clock.monotonic()
        query = sql.SQL("DELETE FROM {} WHERE taken_at < now() - make_interval(secs => %s)").format(self.identifier)
        connection = await self._connection()
        with reworded("old rows were deleted", grant=self.grant):
            await connection.execute(query, (self._settings.delete_after,))


def event_of(position: Position, table: str, row: Item) -> Raw:
    """Return the event of a row, whose values are PostgreSQL's texts."""
    identity = str(row["id"])
    head = {"record": row["record"], "operation": row["operation"], "timestamp": row["created_at"]}
    # The item's text is passed on as it is: its numbers keep all their digits.
    body = orjson.dumps(head)[:-1] + b',"item":' + str(row["item"] or "null").encode() + b"}"
    return Raw(position, body, event_id=f"{table}/{identity}", meta={"table": table, "id": identity})


def time_of(text: str | None) -> str | None:
    """Return the time of a row as ISO 8601, to the microsecond, of what a session in UTC writes; none of what is no time."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="microseconds")
