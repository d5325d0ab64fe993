"""One event at a time into a system that has nothing else to do: how long until it is at the other side.

Timed from outside: from the moment the event is handed over to the moment its request is at a sink that answers at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from statistics import quantiles

import httpx
import orjson

from bench.events import created
from bench.figures import Figure, Size
from bench.processes import PROJECT, SYNCFLOW_RUN, workspace
from bench.run import settings
from bench.sink import Connection, Seen

TITLE = "one event into an idle system: handed over → at the other side"

HandOver = Callable[[bytes], Coroutine[None, None, None]]


def measure(size: Size) -> Iterator[Figure]:
    count = size.of(tiny=3, usual=60)
    for name, measured in (("followed file", _follow), ("webhook", _webhook)):
        with workspace() as folder:
            seconds = asyncio.run(measured(folder, count))
        p50, p95 = _percentiles(seconds)
        yield Figure(f"{name}: p50", p50 * 1000, "ms")
        yield Figure(f"{name}: p95", p95 * 1000, "ms", at_most=500)


async def _follow(folder: Path, count: int) -> list[float]:
    path = folder / "events.jsonl"
    path.touch()

    async def append(line: bytes) -> None:
        with path.open("ab") as file:
            file.write(line)

    async with _sink() as (arrived, url), _running("follow", settings(folder, url)):
        return await _timed(append, arrived, count)


async def _webhook(folder: Path, count: int) -> list[float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    async with (
        _sink() as (arrived, url),
        _running("webhook", settings(folder, url) | {"BENCH_LISTEN": listen}),
        httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=10)) as client,
    ):

        async def post(line: bytes) -> None:
            (await client.post(f"http://{listen}/events", content=line)).raise_for_status()

        return await _timed(post, arrived, count)


async def _timed(hand_over: HandOver, arrived: asyncio.Queue[float], count: int) -> list[float]:
    """Hand over one event at a time, each after a pause of its own; the first one, which waits for the start, does not count."""
    random, seconds = Random(1), []
    for number, event in enumerate(created(count + 1)):
        started = time.perf_counter()
        handing = asyncio.create_task(hand_over(orjson.dumps(event) + b"\n"))
        at = await asyncio.wait_for(arrived.get(), timeout=60)
        await handing
        if number:
            seconds.append(at - started)
        await asyncio.sleep(random.uniform(0.1, 0.4))
    return seconds


class _Telling(Seen):
    """Tells when each request came."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: asyncio.Queue[float] = asyncio.Queue()

    def note(self) -> None:
        super().note()
        self.arrived.put_nowait(self.last)


@asynccontextmanager
async def _sink() -> AsyncIterator[tuple[asyncio.Queue[float], str]]:
    seen = _Telling()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seen), "127.0.0.1", 0)
    try:
        yield seen.arrived, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def _running(project: str, environment: dict[str, str]) -> AsyncIterator[None]:
    """Run a project for as long as the block lasts; it must then end as asked, with every event delivered."""
    process = await asyncio.create_subprocess_exec(
        *SYNCFLOW_RUN,
        str(PROJECT / f"{project}.yaml"),
        *("--output", "json", "--quiet"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = await process.communicate()
    assert json.loads(out)["open"] == 0


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    cuts = quantiles(seconds, n=20, method="inclusive")
    return cuts[9], cuts[18]
