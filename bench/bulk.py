"""Records into a mocked system by jobs: how many a second, what they cost, and what memory a run takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.events import created, write_events
from bench.figures import Figure, Size
from bench.processes import PROJECT, ROOT, Ran, syncflow_run, workspace
from bench.run import settings

TITLE = "records into a mocked system by jobs of 10,000"

_SERVED = """
import sys
from syncflow.mock.server import running_mock
from syncflow.mock.settings import Settings
free = {name: {"rate": "off", "daily": 10_000_000} for name, value in Settings() if hasattr(value, "daily")}
with running_mock(Settings.model_validate(free)) as running:
    print(running.url, flush=True)
    sys.stdin.read()
"""


def measure(size: Size) -> Iterator[Figure]:
    small, large = size.of(tiny=300, usual=20_000), size.of(tiny=1_000, usual=200_000)
    few, many = _run(small), _run(large)
    yield Figure(f"{large:,} records, start and end included", large / many.seconds, "records/s")
    if large - small < 10_000:
        return
    yield Figure("without start and end", (large - small) / (many.seconds - few.seconds), "records/s", at_least=10_000)
    microseconds = 1e6 * (many.cpu_seconds - few.cpu_seconds) / (large - small)
    yield Figure("processor time a record, the mock's aside", microseconds, "µs")
    for count, ran in ((small, few), (large, many)):
        if ran.peak_mb is not None:
            yield Figure(f"peak of memory, {count:,} records", ran.peak_mb, "MB")


def _run(count: int) -> Ran:
    with workspace() as folder, _mock() as url:
        write_events(folder / "events.jsonl", created(count))
        ran = syncflow_run(PROJECT / "bulk.yaml", settings(folder, url))
    assert ran.ending["events"]["routed"] == count, ran.ending
    return ran


@contextmanager
def _mock() -> Iterator[str]:
    command = [sys.executable, "-c", _SERVED]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
