"""The same contacts by syncflow, drt-core and dlt, each as a process of its own, to the same sink.

What they promise differs: README.md says how.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.environments import environment
from bench.events import contact, created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, Job, killed, measured, sink, syncflow_job, workspace
from bench.run import settings
from bench.single import IN_FLIGHT

TITLE = "the same contacts by syncflow, drt-core and dlt, from start to end of the process"

BESIDE = Path(__file__).parent / "beside"
LOCK = Path(__file__).parent / "requirements-others.lock"


@dataclass(frozen=True, slots=True)
class Race:
    """What all are asked to do."""

    what: str
    rows: int
    batch: int = 1
    latency_ms: float = 0

    @property
    def kind(self) -> str:
        return "batches" if self.batch > 1 else "single"

    @property
    def path(self) -> str:
        return "/batch" if self.batch > 1 else "/one"


Jobs = Mapping[str, Callable[[Race, Path, str], Job]]


def measure(size: Size) -> Iterator[Figure]:
    slow, fast = size.of(tiny=20, usual=1_000, long=10_000), size.of(tiny=200, usual=10_000)
    jobs = _jobs(environment(LOCK))
    for race in (
        Race("one a request, 50 ms latency", slow, latency_ms=50),
        Race("one a request, no latency", fast),
        Race("200 a request, no latency", fast, batch=200),
    ):
        yield from _race(race, jobs)
    yield from _killed_half_way(Race("one a request, 50 ms latency", size.of(tiny=20, usual=500), latency_ms=50), jobs)


def _jobs(commands: Path) -> Jobs:
    return {"syncflow": _syncflow, "drt-core": partial(_drt, commands), "dlt": partial(_dlt, commands)}


def _race(race: Race, jobs: Jobs) -> Iterator[Figure]:
    took = {}
    for name, job in jobs.items():
        with workspace() as folder, sink(latency_ms=race.latency_ms) as other_side:
            write_events(folder / "events.jsonl", created(race.rows))
            ran = measured(job(race, folder, other_side.url))
            requests, _ = other_side.seen()
        assert requests >= race.rows / race.batch, f"{name} made {requests} requests of {race.rows} rows"
        took[name] = ran.seconds
        yield Figure(f"{race.rows:,} contacts, {race.what}: {name}", race.rows / ran.seconds, "rows/s")
        if ran.peak_mb is not None:
            yield Figure(f"{race.rows:,} contacts, {race.what}: {name}, most memory", ran.peak_mb, "MB")
    for name in jobs:
        if name != "syncflow":
            yield Figure(f"{race.what}: syncflow to {name}", took[name] / took["syncflow"], "×")


def _killed_half_way(race: Race, jobs: Jobs) -> Iterator[Figure]:
    """Kill each once half of the rows have come, start it again, and count the requests that were not needed."""
    for name, job in jobs.items():
        with workspace() as folder, sink(latency_ms=race.latency_ms) as other_side:
            write_events(folder / "events.jsonl", created(race.rows))
            started = job(race, folder, other_side.url)
            killed(started, when=lambda: other_side.seen()[0] >= race.rows / 2)
            measured(started)
            requests, _ = other_side.seen()
        again = f"killed (SIGKILL) half-way through {race.rows:,}, started again: {name} sends again"
        yield Figure(again, requests - race.rows, "rows")


def _syncflow(race: Race, folder: Path, url: str) -> Job:
    return syncflow_job(PROJECT / {"batches": "routes.yaml", "single": "single.yaml"}[race.kind], settings(folder, url))


def _dlt(commands: Path, race: Race, folder: Path, url: str) -> Job:
    """It runs load jobs in parallel, one a file: as many files as may be in flight."""
    a_file = str(max(race.batch, -(-race.rows // IN_FLIGHT)))
    rows = (str(folder / "events.jsonl"), f"{url}{race.path}", str(race.batch), str(IN_FLIGHT))
    environment = {
        "HOME": str(folder),
        "DLT_DATA_DIR": str(folder),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "LOAD__WORKERS": str(IN_FLIGHT),
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": a_file,
        "NORMALIZE__DATA_WRITER__BUFFER_MAX_ITEMS": a_file,
    }
    return Job((str(commands / "python"), str(BESIDE / "dlt_rows.py"), *rows), environment, folder)


def _drt(commands: Path, race: Race, folder: Path, url: str) -> Job:
    """It reads tables, and looks for its profile in the home folder."""
    shutil.copytree(BESIDE / "drt", folder, dirs_exist_ok=True)
    _write_table(folder / "rows.sqlite", race.rows)
    (folder / ".drt").mkdir()
    (folder / ".drt" / "profiles.yml").write_text("bench: {type: sqlite, database: rows.sqlite}\n", "utf-8")
    environment = {"HOME": str(folder), "DO_NOT_TRACK": "1", "BENCH_SINK": url}
    return Job((str(commands / "drt"), "run", "--select", race.kind), environment, folder)


def _write_table(path: Path, rows: int) -> None:
    names = list(contact(0))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE contacts ({', '.join(names)})")
        insert = f"INSERT INTO contacts VALUES ({', '.join('?' for _ in names)})"
        database.executemany(insert, (tuple(contact(number).values()) for number in range(rows)))
