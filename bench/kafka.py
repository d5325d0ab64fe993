"""Messages of a topic: the source alone, and a whole run of them, from a broker on the same machine to the cheapest sink."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from bench.events import created
from bench.figures import Figure, LeftOutError, Size
from bench.processes import PROJECT, Job, Ran, measured, sink, syncflow_job, workspace
from bench.run import settings
from syncflow.clock import SystemClock
from syncflow.config.models.source_kafka import KafkaSource
from tests.servers.kafka import Server, Topics, is_installed, running

TITLE = "messages of a topic of Kafka: read, and in a whole run (journal with FULL sync, batches of 200)"

_READ = 500


def measure(size: Size) -> Iterator[Figure]:
    if not is_installed():
        raise LeftOutError("there is no broker: Kafka is not installed")
    small, large = size.of(tiny=200, usual=10_000), size.of(tiny=400, usual=100_000)
    with running() as server, workspace() as folder:
        for count in (small, large):
            _fill(Topics(server), f"contacts{count}", count)
        alone = measured(
            Job((sys.executable, "-m", "bench.kafka", server.servers(), f"contacts{large}", str(large)), {})
        )
        seconds, spent = map(float, alone.out.split())
        yield Figure(f"the source alone, {large:,} messages", large / seconds, "messages/s", at_least=20_000)
        yield Figure("the source alone: processor time a message", 1e6 * spent / large, "µs")
        first, second = (_run(server, folder, f"contacts{count}", count) for count in (small, large))
    yield Figure(f"a whole run of {large:,} messages", large / second.seconds, "messages/s")
    yield Figure("a whole run: most memory", second.peak_mb or 0.0, "MB")
    more = large - small
    yield Figure("without start and end", more / (second.seconds - first.seconds), "messages/s")
    yield Figure(
        "without start and end: processor time a message", 1e6 * (second.cpu_seconds - first.cpu_seconds) / more, "µs"
    )


def _fill(topics: Topics, name: str, count: int) -> None:
    topics.mark = ""
    topic, events = topics.make(name, 4), list(created(count))
    for first in range(0, count, 10_000):
        some = events[first : first + 10_000]
        topics.send(
            topic, [orjson.dumps(event) for event in some], keys=[event["item"]["id"].encode() for event in some]
        )


def _run(server: Server, folder: Path, topic: str, count: int) -> Ran:
    """Run until every message is journaled and delivered."""
    own = folder / topic
    own.mkdir()
    written = (
        (PROJECT / "routes.yaml")
        .read_text("utf-8")
        .replace(
            'source: {file: {path: "${BENCH_EVENTS}"}}',
            f'source: {{kafka: {{servers: "{server.servers()}", topics: [{topic}], group: {topic}}}}}',
        )
    )
    for name in ("schemas", "mappings", "adapters"):
        (own / name).symlink_to(PROJECT / name)
    (own / "routes.yaml").write_text(written, "utf-8")
    with sink() as other_side:
        job = syncflow_job(own / "routes.yaml", settings(own, other_side.url))
        ran = measured(Job((*job.command, "--limit", str(count)), job.environment))
    assert ran.ending["events"]["routed"] == count, ran.ending
    return ran


async def _read(servers: str, topic: str, count: int) -> None:
    from syncflow.sources.kafka.build import reopened_kafka  # noqa: PLC0415  # of an extra

    source = reopened_kafka(
        KafkaSource(servers=servers, topics=(topic,), group=f"alone-{topic}"),
        base=Path(),
        clock=SystemClock(),
        beside=None,
    )
    await source.open({})
    raws = list(await source.read(most=_READ))
    started, spent, read = time.perf_counter(), time.process_time(), len(raws)
    while read < count:
        raws = list(await source.read(most=_READ))
        read += len(raws)
        await source.acknowledge(raws[-1].position)
    print(time.perf_counter() - started, time.process_time() - spent)
    await source.close()


if __name__ == "__main__":
    asyncio.run(_read(sys.argv[1], sys.argv[2], int(sys.argv[3])))
