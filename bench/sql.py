"""The differences of a table: one pass of `changes: diff` when 1 % of the rows changed, from the query to the acknowledged event."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.figures import Figure, Size
from syncflow.clock import SystemClock
from syncflow.config.models.schema import SchemaNode
from syncflow.config.models.source_sql import SqlSource
from syncflow.config.models.sources import SourceSettings
from syncflow.events import Position
from syncflow.sources import Surroundings, open_source

TITLE = "a query's rows compared with those of the pass before, 1 % of them changed, 0.1 % gone"

_CHUNK = 500


def measure(size: Size) -> Iterator[Figure]:
    """One pass reads all rows; the next one, in a process of its own, reads what changed since."""
    rows = size.of(tiny=2_000, usual=1_000_000, long=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        _make_table(Path(folder), rows)
        first, _ = _pass(folder)
        _change(Path(folder))
        spent, most = _pass(folder)
    yield Figure(f"first pass of {rows:,} rows, processor time a row", first / rows * 1e6, "µs")
    yield Figure("a pass with 1 % changed, processor time a row", spent / rows * 1e6, "µs", at_most=5)
    yield Figure("a pass with 1 % changed, memory of the process", most, "MB", at_most=200)


def _make_table(folder: Path, rows: int) -> None:
    people = ((f"A{n}", f"Alice {n}", f"a{n}@example.com", "lead", n % 90) for n in range(rows))
    with closing(sqlite3.connect(folder / "crm.db")) as database, database:
        database.execute("CREATE TABLE people (id TEXT, name TEXT, email TEXT, contact_type TEXT, age INTEGER)")
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", people)


def _change(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "crm.db")) as database, database:
        database.execute("UPDATE people SET contact_type = 'customer' WHERE rowid % 100 = 0")
        database.execute("DELETE FROM people WHERE rowid % 1000 = 1")


def _pass(folder: str) -> tuple[float, float]:
    """Return processor seconds and megabytes of a pass in a process of its own."""
    ended = subprocess.run([sys.executable, "-m", "bench.sql", folder], capture_output=True, text=True, check=True)
    spent, most = map(float, ended.stdout.split())
    return spent, most


async def _read(folder: Path) -> None:
    """Read a pass and acknowledge its events, as a run does; positions are kept in a file instead of a journal."""
    kept = folder / "position"
    known = kept.read_text("utf-8").split() if kept.exists() else []
    settings = SqlSource(url="sqlite:///crm.db", query="SELECT * FROM people", key="id", changes="diff")
    source = open_source(
        SourceSettings(sql=settings),
        Surroundings(base=folder, schemas={"contacts": SchemaNode()}, clock=SystemClock(), beside=folder / "journal"),
    )
    position = Position("sql:contacts", int(known[0]), number=int(known[1])) if known else None
    await source.open({position.partition: position} if position else {})
    while chunk := await source.read(most=_CHUNK):
        position = chunk[-1].position
        await source.acknowledge(position)
    await source.close()
    assert position is not None
    kept.write_text(f"{position.offset} {position.number}", "utf-8")


if __name__ == "__main__":
    start = time.process_time()
    asyncio.run(_read(Path(sys.argv[1])))
    print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
