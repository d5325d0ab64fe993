"""Random statements over a table of contacts: rows at a time, long transactions, savepoints, rollbacks, keys, large values, columns."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import psycopg

TABLE = """
CREATE TABLE contacts (
    id text PRIMARY KEY, name text NOT NULL, email text, phone text, contact_type text NOT NULL, notes text,
    updated_at timestamptz NOT NULL DEFAULT now()
)
"""
TYPES = ("lead", "prospect", "employee")

Run = Callable[[str], object]


class Workload:
    def __init__(self, connection: psycopg.Connection[Any], *, seed: int, records: int) -> None:
        self._connection = connection
        self._random = Random(seed)
        self._records = records
        self._columns = 0
        self.statements = 0

    def step(self) -> None:
        """Run one statement, or one transaction of several."""
        if self._random.random() < 0.7:
            self._one()
            return
        with self._connection.transaction() as outer:
            for _ in range(self._random.choice((2, 5, 30))):
                if self._random.random() < 0.3:
                    with self._connection.transaction() as inner:
                        self._one()
                        if self._random.random() < 0.5:
                            raise psycopg.Rollback(inner)
                else:
                    self._one()
            if self._random.random() < 0.15:
                raise psycopg.Rollback(outer)

    def _one(self) -> None:
        draw, number = self._random, self._random.randrange
        some = f"id IN (SELECT id FROM contacts ORDER BY md5(id || '{number(1000)}') LIMIT {number(1, 8)})"
        first = number(self._records)
        kind = draw.choices(("insert", "name", "notes", "type", "key", "delete", "column"), (30, 25, 12, 12, 8, 10, 1))[
            0
        ]
        statement = {
            "insert": f"INSERT INTO contacts (id, name, contact_type, notes) SELECT 'A' || n, 'Ada L' || n, '{draw.choice(TYPES)}',"
            f" CASE WHEN n % 3 = 0 THEN repeat(md5(n::text), 300) END FROM generate_series({first}, {first + number(12)}) n"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            "name": f"UPDATE contacts SET name = 'Ada M{number(10_000)}' WHERE {some}",
            "notes": f"UPDATE contacts SET notes = repeat('{number(10_000)} ', {draw.choice((1, 2000))}) WHERE {some}",
            "type": f"UPDATE contacts SET contact_type = '{draw.choice(TYPES)}', phone = '+1555{number(10**7):07}' WHERE {some}",
            "key": f"UPDATE contacts SET id = 'B{self.statements}' WHERE id = (SELECT id FROM contacts ORDER BY md5(id) LIMIT 1)",
            "delete": f"DELETE FROM contacts WHERE {some}",
            "column": f"ALTER TABLE contacts ADD more_{self._columns} int DEFAULT 7",
        }[kind]
        if kind == "column":
            self._columns += 1
        self.statements += 1
        self._connection.execute(statement.encode())
