"""Rows of a table of PostgreSQL, and then changes of them, into the journal; on a private server, which shares the machine's cores.

`syncflow run` as a process reads, decodes, checks and journals; no route takes an event, so that nothing is delivered. Two sizes of each,
whose difference leaves the start and the end out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure, LeftOutError, Size
from bench.processes import PROJECT, Job, Ran, measured, syncflow_job, workspace
from syncflow.clock import SystemClock
from syncflow.config.models.source_postgres import PostgresSource
from syncflow.runtime.intake.pipeline import CHUNK
from syncflow.sources.base import Source
from syncflow.sources.postgres.build import reopened_postgres
from syncflow.sources.postgres.pgoutput import Decoder
from syncflow.sources.postgres.values import Types
from tests.servers import postgres as server
from tests.servers.postgres import Database, Server

TITLE = "rows and changes of PostgreSQL into the journal (FULL sync), no deliveries"

MOST_MB = 150

TABLE = """
CREATE TABLE contacts (
    id text PRIMARY KEY, name text NOT NULL, email text, phone text, contact_type text NOT NULL, created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
)
"""
ROWS = """
SELECT 'A' || n, 'Ada' || n || ' Lovelace' || n, 'ada' || n || '@example.com', CASE WHEN n % 3 > 0 THEN '+1-555-0100' END, 'lead', now(),
    now() FROM generate_series({first}, {last}) n
"""
A_TRANSACTION = 100
"""Changes that are committed together."""


def measure(size: Size) -> Iterator[Figure]:
    if server.program() is None:
        raise LeftOutError("PostgreSQL is not installed")
    small, large = size.of(tiny=500, usual=20_000), size.of(tiny=1_500, usual=200_000)
    with server.running() as started:
        yield from _alone(started, large)
        yield from _figures(
            "rows of a snapshot", small, large, *(_snapshot(started, n) for n in (small, large)), at_least=30_000
        )
        yield from _figures("changes", small, large, *(_changes(started, n) for n in (small, large)), at_least=15_000)
        yield Figure(
            "decoding a change: processor time", _decoding(started, size.of(tiny=500, usual=20_000)), "µs", at_most=6
        )


def _alone(server: Server, count: int) -> Iterator[Figure]:
    """Read the rows of a table in this process, and drop them: what the source does without a run."""
    with _database(server) as database:
        database.run(f"INSERT INTO contacts {ROWS.format(first=1, last=count)}")
        settings = PostgresSource(url=database.url, tables={"contacts": "contacts"}, slot=database.slot)
        seconds, cpu_seconds = asyncio.run(_read(reopened_postgres(settings, clock=SystemClock()), count))
    yield Figure("rows read by the source alone", count / seconds, "events/s", at_least=30_000)
    yield Figure("rows read by the source alone: processor time an event", 1e6 * cpu_seconds / count, "µs")


async def _read(source: Source, count: int) -> tuple[float, float]:
    """Return the seconds from before the source is opened until this many events are read, and those of the processor."""
    started, before = time.perf_counter(), time.process_time()
    await source.open({})
    left = count
    while left > 0:
        left -= len(await source.read(most=CHUNK))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - before
    await source.close()
    return seconds, cpu_seconds


def _figures(what: str, small: int, large: int, first: Ran, second: Ran, *, at_least: float) -> Iterator[Figure]:
    count = large - small
    yield Figure(f"{large:,} {what}", large / second.seconds, "events/s")
    yield Figure(
        f"{what}, without start and end", count / (second.seconds - first.seconds), "events/s", at_least=at_least
    )
    cpu = 1e6 * (second.cpu_seconds - first.cpu_seconds) / count
    yield Figure(f"{what}, without start and end: processor time an event", cpu, "µs")
    if second.peak_mb is not None:
        yield Figure(f"{large:,} {what}: most memory", second.peak_mb, "MB", at_most=MOST_MB)


def _snapshot(server: Server, count: int) -> Ran:
    """Read the rows of a table that is there already."""
    with _database(server) as database:
        database.run(f"INSERT INTO contacts {ROWS.format(first=1, last=count)}")
        return _run(database, count, "first")


def _changes(server: Server, count: int) -> Ran:
    """Read changes that wait in the log."""
    with _database(server) as database:
        _change(database, count)
        return _run(database, count, "never")


def _change(database: Database, count: int) -> None:
    """Make a slot and then changes, inserts and updates by turns, a hundred in a transaction."""
    database.run("CREATE PUBLICATION syncflow FOR TABLE contacts")
    database.ask("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", database.slot)
    for first in range(1, count // 2 + 1, A_TRANSACTION // 2):
        last = min(first + A_TRANSACTION // 2 - 1, count // 2)
        insert = f"INSERT INTO contacts {ROWS.format(first=first, last=last)}"
        update = f"UPDATE contacts SET contact_type = 'customer' WHERE id = ANY (SELECT 'A' || n FROM generate_series({first}, {last}) n)"
        database.run("BEGIN", insert, update, "COMMIT")


@contextmanager
def _database(server: Server) -> Iterator[Database]:
    database = Database(server)
    try:
        database.run(TABLE)
        yield database
    finally:
        database.close()


def _run(database: Database, count: int, snapshot: str) -> Ran:
    with workspace() as folder:
        given = {"BENCH_DATABASE": database.url, "BENCH_SLOT": database.slot, "BENCH_SNAPSHOT": snapshot}
        job = syncflow_job(PROJECT / "postgres.yaml", given | {"BENCH_JOURNAL": str(folder / "journal.db")})
        ran = measured(Job((*job.command, "--limit", str(count)), job.environment))
    assert ran.ending["events"]["ignored"] == count, ran.ending
    return ran


def _decoding(server: Server, count: int) -> float:
    """Return processor microseconds a message, with those that begin and end transactions."""
    query = "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL, 'proto_version', '1', 'publication_names', 'syncflow')"
    with _database(server) as database:
        _change(database, count)
        messages = [bytes(data) for (data,) in database.ask(query, database.slot)]
    best = float("inf")
    for _ in range(5):
        decode = Decoder(Types()).decode
        started = time.process_time()
        for message in messages:
            decode(message)
        best = min(best, time.process_time() - started)
    return 1e6 * best / count
