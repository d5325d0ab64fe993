"""The rows that are there already: pages in the order of the key, in one transaction, so that a later one can go on behind the last key.

The first transaction begins exactly where the changes begin. One that goes on after an interruption is newer; the changes that follow
then repeat what its rows hold already, and end each record in its newest state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import pymysql

from syncflow.errors import UnavailableError
from syncflow.events import Item, Position, Raw
from syncflow.sources.mysql.catalog import Table, quoted_column
from syncflow.sources.mysql.errors import number_of, reworded
from syncflow.sources.mysql.progress import Handed
from syncflow.sources.mysql.values import text_converter, unfit_value
from syncflow.sources.mysql.wire import Connection

PAGE = 2000
"""Rows that are asked for at once."""


def partition_of(table: str) -> str:
    return f"snapshot:{table}"


def selected(table: Table, columns: Sequence[str]) -> str:
    """Return columns of a query, in forms in which no digit is lost."""
    written = []
    for name in columns:
        data_type, column = table.facts(name).data_type, quoted_column(name)
        written.append(f"{column} + 0e0" if data_type == "float" else f"{column} + 0" if data_type == "bit" else column)
    return ", ".join(written)


def _ordered(table: Table, name: str) -> str:
    """Enums are sorted by number, and compared as text unless they are made one."""
    is_number = table.facts(name).data_type in {"enum", "set", "bit"}
    return f"{quoted_column(name)} + 0" if is_number else quoted_column(name)


class Snapshot:
    """Of one table; ``connection`` is inside its transaction."""

    def __init__(
        self, connection: Connection, table: Table, *, start: str, at: str, offset: int, after: Sequence[str] | None
    ) -> None:
        self._connection = connection
        self._table = table
        self._at = at
        self._start = start
        self._offset = offset
        self._after = after
        names = [facts.name for facts in table.columns]
        self._converts = [
            (facts.name, text_converter(facts.data_type, is_json=facts.is_json)) for facts in table.columns
        ]
        columns = selected(table, names)
        keys = [_ordered(table, name) for name in table.key]
        self._select = f"SELECT {columns}, {', '.join(keys)} FROM {table.identifier}".replace("%", "%%")
        self._order = f" ORDER BY {', '.join(keys)} LIMIT {PAGE}".replace("%", "%%")
        self._keys = keys
        self._meta: Item = {"table": table.name}

    async def page(self) -> list[Raw]:
        """Return the next rows; empty at the end.

        Raises:
            ProjectError: the table cannot be read.
            UnavailableError: the connection is lost, or the columns have changed.
        """
        values: list[object] = []
        where = ""
        if self._after is not None:
            where, values = self._behind(self._after)
        grant = f"GRANT SELECT ON {self._table.identifier} TO the_user;"
        with reworded(f"{self._table.name} was read", grant=grant):
            try:
                found = await self._connection.rows(self._select + where + self._order, *values)
            except pymysql.MySQLError as error:
                if number_of(error) in {1054, 1412}:
                    raise UnavailableError(f"the columns of {self._table.name} changed before it was read") from None
                raise
        return [self._raw(row) for row in found]

    def _behind(self, after: Sequence[str]) -> tuple[str, list[object]]:
        """Return the condition for rows behind a key, in a form that an index serves."""
        choices, values = [], []
        for place, key in enumerate(self._keys):
            same = [f"{self._keys[before]} = {{}}" for before in range(place)]
            parts = [*same, f"{key} > {{}}"]
            filled = []
            for part, (name, text) in zip(parts, zip(self._table.key, after, strict=True), strict=False):
                literal, value = self._literal(name, text)
                filled.append(part.replace("%", "%%").replace("{}", literal))
                values += value
            choices.append(f"({' AND '.join(filled)})")
        return f" WHERE {' OR '.join(choices)}", values

    def _literal(self, name: str, text: str) -> tuple[str, list[object]]:
        data_type = self._table.facts(name).data_type
        if data_type in _NUMBERS:
            return f"{_number(text)}", []
        if data_type in _BINARY:
            return f"x'{bytes.fromhex(text).hex()}'", []
        return "%s", [text]

    def _raw(self, values: Sequence[Any]) -> Raw:
        row: dict[str, Any] = {}
        unfit = ""
        for value, (name, convert) in zip(values, self._converts, strict=False):
            if value is None:
                row[name] = None
                continue
            try:
                row[name] = convert(value)
            except ValueError as error:
                unfit, row[name] = unfit_value(name, value, error)
        key = [value.hex() if isinstance(value, bytes) else str(value) for value in values[len(self._converts) :]]
        self._after = key
        self._offset += 1
        evidence = orjson.dumps({"key": key, "at": self._at, "start": self._start}).decode()
        position = Position(partition_of(self._table.name), self._offset, None, evidence)
        event = {"record": self._table.kind, "operation": "create", "timestamp": self._at, "item": row}
        return raw_of(position, event, unfit=unfit, meta=self._meta)


_NUMBERS = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit", "decimal", "float", "double", "enum", "set"}
)
_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})


def _number(text: str) -> str:
    """Return a number as it is; anything else would be SQL out of a file."""
    float(text)
    return text


def raw_of(position: Position, event: dict[str, Any], *, unfit: str, meta: Item) -> Raw:
    try:
        body = orjson.dumps(event)
    except TypeError:  # an integer of more than 64 bits, or text that is none
        body, unfit = orjson.dumps(event | {"item": {}}), unfit or "a value cannot be written in JSON"
    if unfit:
        return Raw(position, body[:4096], broken=unfit, length=len(body), meta=meta)
    return Raw(position, body, meta=meta)


class Snapshots:
    """Of those tables whose rows are still to be read, one after another, in one transaction."""

    def __init__(
        self,
        tables: Sequence[Table],
        *,
        connection: Connection | None,
        start: str,
        at: str,
        acknowledged: Mapping[str, Position],
        handed: Handed,
    ) -> None:
        self._tables = list(tables)
        self._connection = connection
        self._start = start
        self._at = at
        self._acknowledged = acknowledged
        self._handed = handed
        self._current: Snapshot | None = None

    async def page(self) -> list[Raw]:
        """Return the next rows of the next table; empty when all is read, and then the transaction has ended."""
        while self._tables:
            table = self._tables[0]
            if self._current is None:
                assert self._connection is not None
                offset, after, at = self._begun(table)
                self._current = Snapshot(
                    self._connection, table, start=self._start, at=at or self._at, offset=offset, after=after
                )
            if found := await self._current.page():
                return found
            self._current = None
            self._handed.finished.add(table.name)
            del self._tables[0]
        await self.close()
        return []

    def _begun(self, table: Table) -> tuple[int, Sequence[str] | None, str]:
        if table.name in self._handed.keys:
            return self._handed.keys[table.name]
        position = self._acknowledged.get(partition_of(table.name))
        if position is None or not position.evidence:
            return position.offset if position else 0, None, ""
        evidence = orjson.loads(position.evidence)
        return position.offset, evidence["key"], evidence["at"]

    def handed_out(self, taken: Sequence[Raw]) -> None:
        """Remember the last row that the run has, so that it is not read again when the connection is lost."""
        if taken and taken[-1].position.partition.startswith("snapshot:"):
            position = taken[-1].position
            evidence = orjson.loads(position.evidence)
            table = position.partition.removeprefix("snapshot:")
            self._handed.keys[table] = (position.offset, evidence["key"], evidence["at"])

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


def start_of(acknowledged: Mapping[str, Position], tables: Iterable[str]) -> str:
    """Return where the changes begin behind snapshots that were begun by an earlier run; empty where there are none."""
    starts = []
    for table in tables:
        position = acknowledged.get(partition_of(table))
        if position is not None and position.evidence:
            starts.append(str(orjson.loads(position.evidence)["start"]))
    return starts[0] if starts else ""
