"""Random statements over tables of contacts: long transactions, savepoints, rollbacks, keys, large values, columns, partitions."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import psycopg

COLUMNS = """(
    id text PRIMARY KEY, name text NOT NULL, email text, phone text, contact_type text NOT NULL, notes text,
    updated_at timestamptz NOT NULL DEFAULT now()
)"""
TABLE = f"CREATE TABLE contacts {COLUMNS}"
PARTITIONED = (
    f"CREATE TABLE leads {COLUMNS} PARTITION BY RANGE (id)",
    "CREATE TABLE leads_low PARTITION OF leads FOR VALUES FROM (MINVALUE) TO ('L5')",
    "CREATE TABLE leads_high PARTITION OF leads FOR VALUES FROM ('L5') TO (MAXVALUE)",
    "ALTER TABLE leads_low ALTER notes SET STORAGE EXTERNAL",
)
TYPES = ("lead", "prospect", "employee")
KINDS = {
    "insert": 30,
    "name": 25,
    "notes": 12,
    "type": 12,
    "key": 8,
    "delete": 10,
    "column": 1,
    "gone": 1,
    "retyped": 1,
}

Run = Callable[[str], object]


class Workload:
    """``tables``: each with the letter that its ids begin with; ids of different tables never meet."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        *,
        seed: int,
        records: int,
        tables: tuple[tuple[str, str], ...] = (("contacts", "A"),),
    ) -> None:
        self._connection = connection
        self._random = Random(seed)
        self._records = records
        self._tables = tables
        self._columns: dict[str, list[str]] = {table: [] for table, _ in tables}
        self.statements = 0

    def step(self) -> None:
        """Run one statement, or one transaction of several."""
        columns = {table: list(names) for table, names in self._columns.items()}
        if self._random.random() < 0.7:
            self._one()
            return
        with self._connection.transaction() as outer:
            for _ in range(self._random.choice((2, 5, 30))):
                if self._random.random() < 0.3:
                    before = {table: list(names) for table, names in self._columns.items()}
                    with self._connection.transaction() as inner:
                        self._one()
                        if self._random.random() < 0.5:
                            self._columns = before
                            raise psycopg.Rollback(inner)
                else:
                    self._one()
            if self._random.random() < 0.15:
                self._columns = columns
                raise psycopg.Rollback(outer)

    def _one(self) -> None:
        draw, number = self._random, self._random.randrange
        table, letter = draw.choice(self._tables)
        kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
        if kind in {"column", "gone", "retyped"}:
            statement = self._altered(table, kind)
        else:
            some = f"id IN (SELECT id FROM {table} ORDER BY md5(id || '{number(1000)}') LIMIT {number(1, 8)})"
            first = number(self._records)
            statement = {
                "insert": f"INSERT INTO {table} (id, name, contact_type, notes) SELECT '{letter}' || n, 'Ada L' || n,"
                f" '{draw.choice(TYPES)}', CASE WHEN n % 3 = 0 THEN repeat(md5(n::text), 300) END"
                f" FROM generate_series({first}, {first + number(12)}) n"
                " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                "name": f"UPDATE {table} SET name = 'Ada M{number(10_000)}' WHERE {some}",
                "notes": f"UPDATE {table} SET notes = repeat('{number(10_000)} ', {draw.choice((1, 2000))}) WHERE {some}",
                "type": f"UPDATE {table} SET contact_type = '{draw.choice(TYPES)}', phone = '+1555{number(10**7):07}'"
                f" WHERE {some}",
                "key": f"UPDATE {table} SET id = '{letter}{number(10)}x{self.statements}'"
                f" WHERE id = (SELECT id FROM {table} ORDER BY md5(id) LIMIT 1)",
                "delete": f"DELETE FROM {table} WHERE {some}",
            }[kind]
        self.statements += 1
        self._connection.execute(statement.encode())

    def _altered(self, table: str, kind: str) -> str:
        """Return a statement that adds a column, or drops or retypes one that was added."""
        columns = self._columns[table]
        if kind == "column" or not columns:
            columns.append(f"more_{self.statements}")
            return f"ALTER TABLE {table} ADD {columns[-1]} int DEFAULT 7"
        name = self._random.choice(columns)
        if kind == "gone":
            columns.remove(name)
            return f"ALTER TABLE {table} DROP {name}"
        return f"ALTER TABLE {table} ALTER {name} TYPE text"
