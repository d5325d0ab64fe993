"""Random statements over a table of contacts: rows at a time, long transactions, savepoints, rollbacks, keys, large values, columns."""

from __future__ import annotations

from random import Random
from typing import Any

import pymysql

TABLE = """
CREATE TABLE contacts (
    id varchar(40) COLLATE utf8mb4_bin PRIMARY KEY, name varchar(100) NOT NULL, email varchar(100), phone varchar(40),
    contact_type enum('lead', 'prospect', 'employee') NOT NULL, notes mediumtext, updated_at timestamp DEFAULT current_timestamp()
)
"""
TYPES = ("lead", "prospect", "employee")


class Workload:
    def __init__(self, connection: pymysql.Connection[Any], *, seed: int, records: int) -> None:
        self._connection = connection
        self._random = Random(seed)
        self._records = records
        self._columns = 0
        self.statements = 0

    def step(self) -> None:
        """Run one statement, or one transaction of several."""
        draw = self._random.random
        if draw() < 0.7:
            self._one()
            return
        self._run("BEGIN")
        for _ in range(self._random.choice((2, 5, 30))):
            if draw() < 0.3:
                self._run("SAVEPOINT s")
                self._one(inside=True)
                if draw() < 0.5:
                    self._run("ROLLBACK TO s")
            else:
                self._one(inside=True)
        self._run("ROLLBACK" if draw() < 0.15 else "COMMIT")

    def _run(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def _one(self, *, inside: bool = False) -> None:
        draw, number = self._random, self._random.randrange
        some = f"WHERE true ORDER BY md5(concat(id, '{number(1000)}')) LIMIT {number(1, 8)}"
        first = number(self._records)
        shares = (30, 25, 12, 12, 8, 10, 0 if inside else 1)
        kind = draw.choices(("insert", "name", "notes", "type", "key", "delete", "column"), shares)[0]
        statement = {
            "insert": "INSERT INTO contacts (id, name, contact_type, notes)"
            f" SELECT concat('A', seq), concat('Ada L', seq), '{draw.choice(TYPES)}',"
            f" CASE WHEN seq % 3 = 0 THEN repeat(md5(seq), 300) END FROM seq_{first}_to_{first + number(12)}"
            " ON DUPLICATE KEY UPDATE name = VALUES(name)",
            "name": f"UPDATE contacts SET name = 'Ada M{number(10_000)}' {some}",
            "notes": f"UPDATE contacts SET notes = repeat('{number(10_000)} ', {draw.choice((1, 2000))}) {some}",
            "type": f"UPDATE contacts SET contact_type = '{draw.choice(TYPES)}', phone = '+1555{number(10**7):07}' {some}",
            "key": f"UPDATE contacts SET id = 'B{self.statements}' ORDER BY md5(id) LIMIT 1",
            "delete": f"DELETE FROM contacts {some}",
            "column": f"ALTER TABLE contacts ADD more_{self._columns} int DEFAULT 7",
        }[kind]
        if kind == "column":
            self._columns += 1
        self.statements += 1
        self._run(statement)
