"""A stream of Redis whose server or connection goes: nothing is lost, and what comes again has the id that it had."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    InvalidResponse,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as LateError

from syncflow.clock import SystemClock
from syncflow.config.models.source_redis import RedisSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.sources.base import Finding
from syncflow.sources.queues.redis import RedisStream
from syncflow.sources.queues.redis_client import Refusal, reworded
from tests.servers.proxy import Proxy
from tests.servers.redis import Server, running
from tests.sources.queues.redis_kit import Answers, Stream, read, texts


@pytest.fixture(scope="module")
def redis_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def stream(redis_server: Server) -> Stream:
    return Stream(redis_server)


def test_a_server_that_is_killed_and_started_again_loses_nothing(stream: Stream) -> None:
    async def main() -> None:
        stream.add(*map(str, range(100)))
        source = stream.source()
        await source.open({})
        raws = await read(source, 100, most=20)
        await source.acknowledge(raws[39].position)
        stream.server.kill()
        reading = asyncio.ensure_future(source.read(most=1000))
        while not (reports := list(source.reports())):
            await asyncio.sleep(0.02)
        assert [report.kind for report in reports] == ["lost"]
        await asyncio.to_thread(stream.server.start)
        stream.client = stream.server.client()
        again = [*await reading]
        again += await read(source, 60 - len(again))
        assert texts(again) == list(map(str, range(40, 100)))
        assert [raw.event_id for raw in again] == [raw.event_id for raw in raws[40:]]
        await source.acknowledge(raws[-1].position)  # late, of the connection before
        await source.acknowledge(again[-1].position)
        assert stream.pending() == []
        await source.close()

    asyncio.run(main())


def test_a_connection_that_is_cut_in_the_middle_of_an_answer_loses_nothing(stream: Stream) -> None:
    async def main() -> None:
        wanted = 120
        bodies = [f'{{"n": {number}, "text": "{"x" * 20_000}"}}' for number in range(wanted)]
        stream.add(*bodies)
        proxy = Proxy(stream.server.port)
        port = await proxy.start()
        source = stream.source(url=f"redis://127.0.0.1:{port}/0")
        await source.open({})
        seen: dict[str, str] = {}
        cuts = 0
        while len(seen) < wanted:
            reading = asyncio.ensure_future(source.read(most=10))
            if cuts < 4:
                start = proxy.bytes
                while proxy.bytes < start + 100_000 and not reading.done():
                    await asyncio.sleep(0.001)
                proxy.cut()
                cuts += 1
            raws = await reading
            seen |= {raw.event_id: raw.body.decode() for raw in raws}
            await source.acknowledge(raws[-1].position)
        assert list(seen.values()) == bodies
        while stream.pending():  # an acknowledgement that met the cut is made good when the entry comes again
            raws = await source.read(most=100)
            assert {raw.event_id for raw in raws} <= seen.keys()
            await source.acknowledge(raws[-1].position)
        await source.close()
        await proxy.close()

    asyncio.run(main())


def test_a_read_that_is_cancelled_loses_nothing(stream: Stream) -> None:
    async def main() -> None:
        source = stream.source()
        await source.open({})
        seen: list[str] = []
        for number in range(20):
            reading = asyncio.ensure_future(source.read(most=10))
            await asyncio.sleep(0.002 * (number % 4))
            stream.add(str(number))
            await asyncio.sleep(0.001 * (number % 3))
            reading.cancel()
            ended = await asyncio.gather(reading, return_exceptions=True)
            seen += [] if isinstance(ended[0], BaseException) else texts(ended[0])
        seen += texts(await read(source, 20 - len(seen))) if len(seen) < 20 else []
        assert seen == list(map(str, range(20)))
        await source.close()

    asyncio.run(main())


def test_fifty_thousand_entries_are_read_once_in_their_order(stream: Stream) -> None:
    async def main() -> None:
        total = 50_000
        for start in range(0, total, 5000):
            many = stream.client.pipeline(transaction=False)
            for number in range(start, start + 5000):
                many.xadd(stream.key, {"body": str(number)})
            many.execute()
        source = stream.source()
        await source.open({})
        seen: list[int] = []
        while len(seen) < total:
            raws = await source.read(most=500)
            seen += map(int, texts(raws))
            await source.acknowledge(raws[-1].position)
        assert seen == list(range(total))
        assert stream.pending() == []
        await source.close()

    asyncio.run(main())


def test_a_replica_is_tried_again_until_it_is_the_primary(stream: Stream) -> None:
    async def main() -> None:
        with running("--replicaof", "127.0.0.1", str(stream.server.port)) as replica:
            stream.add("a")
            url = replica.url
            client = replica.client()
            for _ in range(400):
                if client.exists(stream.key):
                    break
                await asyncio.sleep(0.05)
            source = stream.source(url=url)
            with pytest.raises(UnavailableError) as told:
                await source.open({})
            words = "Redis is a replica here, which takes no acknowledgement"
            assert (told.value.message, told.value.hint) == (words, "name the primary in `url`")
            await source.close()
            bad = [finding for finding in await source.check() if not finding.is_good]
            assert bad == [Finding(words, "name the primary in `url`", is_good=False)]
            client.execute_command("REPLICAOF", "NO", "ONE")
            promoted = stream.source(url=url)
            await promoted.open({})
            assert texts(await read(promoted, 1)) == ["a"]
            await promoted.close()

    asyncio.run(main())


def test_a_server_that_keeps_no_log_or_may_remove_the_stream_is_told_by_a_check(stream: Stream) -> None:
    async def main() -> None:
        client = stream.server.client()
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        try:
            found = await stream.source().check()
        finally:
            client.config_set("maxmemory", "0")
            client.config_set("appendonly", "yes")
        assert found[1:] == [
            Finding(
                "Redis writes no append-only file: entries that were added last are lost when it is killed",
                "CONFIG SET appendonly yes",
            ),
            Finding(
                "Redis may remove the whole stream when its memory is full",
                "CONFIG SET maxmemory-policy noeviction (or volatile-lru)",
            ),
        ]

    asyncio.run(main())


def test_something_else_at_the_address_is_told(stream: Stream) -> None:
    async def main() -> None:
        async def http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()

        server = await asyncio.start_server(http, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ProjectError, match="no Redis answers at this address"):
            await stream.source(url=f"redis://127.0.0.1:{port}/0").open({})
        server.close()

    asyncio.run(main())


def test_certificates_that_are_missing_are_told(stream: Stream) -> None:
    async def main() -> None:
        url = f"rediss://127.0.0.1:{stream.server.port}/0"
        with pytest.raises(ProjectError, match=r"there is no file missing\.pem for TLS"):
            await stream.source(url=url, tls={"ca": "missing.pem"}).open({})

    asyncio.run(main())


REFUSALS = [
    (AuthenticationError("WRONGPASS for sync"), ProjectError, "Redis refuses the user or the password"),
    (NoPermissionError("this user has no permissions"), ProjectError, "the user of Redis lacks a right"),
    (ReadOnlyError("You can't write"), UnavailableError, "Redis is a replica here, which takes no acknowledgement"),
    (BusyLoadingError("loading 10.0.0.1"), UnavailableError, "Redis is starting"),
    (MovedError("3999 10.0.0.1:6381"), ProjectError, "another node of the Redis cluster keeps the stream"),
    (AskError("3999 10.0.0.1:6381"), ProjectError, "another node of the Redis cluster keeps the stream"),
    (ClusterDownError("Hash slot not served"), UnavailableError, "the Redis cluster is not complete"),
    (LateError("Timeout reading from 10.0.0.1:6379"), UnavailableError, "Redis did not answer in time"),
    (InvalidResponse("Protocol Error: secret"), ProjectError, "no Redis answers at this address"),
    (LostError("Connection closed by 10.0.0.1"), UnavailableError, "the connection to Redis was lost"),
    (
        ResponseError("DENIED Redis is running in protected mode"),
        ProjectError,
        "Redis runs in protected mode and hears only clients of its own machine",
    ),
    (ResponseError("unknown command 'XAUTOCLAIM'"), ProjectError, "Redis does not know a command that is needed"),
    (ResponseError("DB index is out of range"), ProjectError, "Redis has no database of this number"),
]


@pytest.mark.parametrize(("error", "kind", "message"), REFUSALS, ids=[type(error).__name__ for error, *_ in REFUSALS])
def test_each_refusal_has_words_without_an_address(error: RedisError, kind: type[SyncflowError], message: str) -> None:
    told = reworded(error, rights="ACL SETUSER sync")
    assert not isinstance(told, Refusal)
    assert (type(told), told.message) == (kind, message)
    assert "10.0.0.1" not in told.message + told.hint


def test_a_command_that_is_refused_for_another_reason_is_told_by_its_code_alone() -> None:
    async def main() -> None:
        settings = RedisSource(url="redis://127.0.0.1:1/0", stream="contacts")
        answers = Answers(lambda _words: ResponseError("STRANGE value of A123"))
        broker = RedisStream(settings, connect=lambda: answers, clock=SystemClock())
        with pytest.raises(ProjectError) as told:
            await broker.open()
        assert told.value.message == "Redis refused a command on the stream contacts (STRANGE)"
        assert told.value.hint == "see the log of Redis"

    asyncio.run(main())
