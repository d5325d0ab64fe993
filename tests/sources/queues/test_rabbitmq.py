"""A real RabbitMQ: what is not acknowledged comes again, in its order, and what is wrong is told in one message.

One module, so that one server is started: that takes some seconds, and the kills of whole runs need it too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from syncflow.clock import SystemClock
from syncflow.config.models.source_rabbitmq import RabbitmqSource
from syncflow.errors import ProjectError
from syncflow.sources.base import Finding, Lag
from syncflow.sources.queues import Preview, Queue, reopened_queue
from syncflow.sources.queues.rabbitmq import Rabbitmq, rabbitmq_queues
from syncflow.sources.queues.rabbitmq_messages import json_of
from syncflow.sources.reopening import Reopening
from tests.journeys.length import hold
from tests.journeys.queue_kills import live_and_die, project_of
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import Server, running
from tests.sources.queues.kit import Committed, error_of, number_of

_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


class Place:
    """A queue of its own for each test, and a channel that publishes into it."""

    def __init__(self, server: Server, channel: AbstractChannel) -> None:
        self.server, self.channel = server, channel
        self.name = f"q{next(_numbers)}"

    async def make(self, **arguments: Any) -> None:
        given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
        await self.channel.declare_queue(self.name, durable=True, arguments=given)

    async def send(self, first: int, last: int, **properties: Any) -> None:
        for number in range(first, last):
            body = json.dumps({"n": number}).encode()
            given = {"message_id": f"m{number}"} | properties
            await self.publish(aio_pika.Message(body, delivery_mode=2, **given))

    async def publish(self, message: aio_pika.Message) -> None:
        await self.channel.default_exchange.publish(message, self.name)

    def settings(self, **more: Any) -> RabbitmqSource:
        return RabbitmqSource.model_validate({"url": self.server.url(), "queue": self.name} | more)

    def broker(self, **more: Any) -> Rabbitmq:
        return Rabbitmq(self.settings(**more), base=Path())

    def queue(self, *, once: bool = False, **more: Any) -> Queue:
        return Queue(self.broker(**more), max_event=1000, clock=SystemClock(), once=once)

    def reopened(self, **more: Any) -> Reopening:
        make = rabbitmq_queues(self.settings(**more), base=Path())
        return reopened_queue(make, max_event=1000, clock=SystemClock())

    async def waiting(self) -> int:
        queue = await self.channel.declare_queue(self.name, passive=True)
        return int(queue.declaration_result.message_count or 0)


def live(server: Server, main: Callable[[Place], Awaitable[None]]) -> None:
    async def connected() -> None:
        connection = await aio_pika.connect(server.url())
        try:
            await main(Place(server, await connection.channel()))
        finally:
            await connection.close()

    asyncio.run(connected())


def test_a_message_has_the_id_that_its_sender_gave_it_and_what_came_beside_it(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        at = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
        headers: dict[str, Any] = {
            "x-id": 7,
            "when": at,
            "raw": bytearray(b"\xff"),
            "deep": {"list": [1, 2.5, None, True]},
        }
        given = {"headers": headers, "timestamp": at, "type": "contact.created", "content_type": "application/json"}
        await place.send(1, 2, **given, correlation_id="c1")
        source = place.queue()
        await source.open({})
        (raw,) = await source.read(most=10)
        assert raw.body == b'{"n": 1}'
        assert raw.event_id == f"rabbitmq:{place.name}/m1"
        assert raw.meta == {
            "queue": place.name,
            "exchange": "",
            "routing_key": place.name,
            "message_id": "m1",
            "correlation_id": "c1",
            "content_type": "application/json",
            "type": "contact.created",
            "timestamp": "2026-03-01T10:30:00+00:00",
            "headers": {
                "x-id": 7,
                "when": "2026-03-01T10:30:00+00:00",
                "raw": "/w==",
                "deep": {"list": [1, 2.5, None, True]},
            },
        }
        await source.close()
        for where, id_ in {"header:x-id": "7", "correlation_id": "c1", "header:none": ""}.items():
            named = place.queue(id=where)
            await named.open({})
            assert (await named.read(most=10))[0].event_id == (f"rabbitmq:{place.name}/{id_}" if id_ else "")
            await named.close()

    live(server, main)


def test_values_of_headers_are_json() -> None:
    values = [Decimal("1.5"), Decimal("1.2345678901234567"), float("inf"), b"text", "\ud800"]
    assert [json_of(value) for value in values] == [1.5, "1.2345678901234567", "inf", "text", "?"]


def test_a_restart_reads_the_rest_in_order(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        await place.send(0, 30)
        source = place.queue(prefetch=20)
        await source.open({})
        raws = list(await source.read(most=10))
        while len(raws) < 10:
            raws += await source.read(most=10 - len(raws))
        await source.acknowledge(raws[-1].position)
        await source.close()
        again = place.queue()
        await again.open({})
        committed = Committed(again)
        await committed.take_until(20)
        assert committed.numbers == list(range(10, 30))
        await again.close()
        assert await place.waiting() == 0

    live(server, main)


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_connection_that_is_cut_again_and_again_loses_nothing_and_keeps_the_order(kind: str, server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make(queue_type=kind)
        await place.send(0, 300)
        proxy = Proxy(server.port)
        source = place.reopened(url=server.url(port=await proxy.start()))
        await source.open({})
        committed = Committed(source)
        for step in count():
            if len(committed.numbers) >= 300:
                break
            if step % 3 == 2 and proxy.connections < 5:
                proxy.cut()
            await committed.take(most=20)
        assert committed.numbers == list(range(300))
        assert proxy.connections >= 5
        assert [report.kind for report in source.reports()] == ["lost", "back"] * (proxy.connections - 1)
        await source.close()
        await proxy.close()

    live(server, main)


def test_a_run_that_holds_back_keeps_its_connection_and_gets_nothing_twice(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        await place.send(0, 30)
        source = place.queue(url=f"{server.url()}?heartbeat=2", prefetch=10)
        await source.open({})
        held = [*await source.read(most=1)]
        await asyncio.sleep(hold(6))  # three heartbeats
        while len(held) < 30:
            await source.acknowledge(held[-1].position)
            held += await source.read(most=10)
        assert [number_of(raw) for raw in held] == list(range(30))
        await source.acknowledge(held[-1].position)
        await source.close()
        assert await place.waiting() == 0

    live(server, main)


def test_more_is_handed_out_than_prefetch_only_as_messages_are_acknowledged(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        await place.send(0, 30)
        source = place.queue(prefetch=10, once=True)
        await source.open({})
        held = await source.read(most=500)
        while len(held) < 10:
            held = [*held, *await source.read(most=500)]
        reading = asyncio.ensure_future(source.read(most=500))
        await asyncio.sleep(0.3)
        assert not reading.done()
        assert await place.waiting() == 20
        await source.acknowledge(held[-1].position)
        rest = list(await reading)
        while len(rest) < 20:
            await source.acknowledge(rest[-1].position)
            rest += await source.read(most=500)
        assert [number_of(raw) for raw in [*held, *rest]] == list(range(30))
        await source.acknowledge(rest[-1].position)
        assert list(await source.read(most=10)) == []
        await source.close()

    live(server, main)


def test_twenty_thousand_messages_are_read_once_each_in_order(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        connection = await aio_pika.connect(server.url())
        channel = await connection.channel(publisher_confirms=False)
        for number in range(20_000):
            message = aio_pika.Message(b'{"n": %d}' % number, message_id=str(number))
            await channel.default_exchange.publish(message, place.name)
        source = place.queue()
        await source.open({})
        committed = Committed(source)
        await committed.take_until(20_000)
        assert committed.numbers == list(range(20_000))
        assert committed.repeated == 0
        await source.close()
        await connection.close()

    live(server, main)


def test_a_run_of_what_there_is_ends_at_an_empty_queue(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        source = place.queue(once=True)
        await source.open({})
        assert list(await source.read(most=10)) == []
        assert source.lag() == {f"rabbitmq:{place.name}": Lag(events=0)}
        await source.close()

    live(server, main)


def test_a_poisonous_message_is_one_dead_letter_and_the_next_one_is_read(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        await place.publish(aio_pika.Message(b"x" * 2000))
        await place.publish(aio_pika.Message(b"\x1f\x8b", content_encoding="gzip"))
        await place.publish(aio_pika.Message(b""))
        await place.send(1, 2)
        source = place.queue()
        await source.open({})
        raws = list(await source.read(most=10))
        while len(raws) < 4:
            raws += await source.read(most=10)
        assert [raw.broken for raw in raws] == [
            "longer than max_event, which is 1000 bytes",
            "its content_encoding is not utf-8: packed bodies are not read",
            "",
            "",
        ]
        await source.acknowledge(raws[-1].position)
        await source.close()
        assert await place.waiting() == 0

    live(server, main)


def test_a_look_at_the_first_messages_takes_none_away(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        await place.send(0, 5)
        preview = Preview(place.broker(), max_event=1000)
        await preview.open({})
        assert [number_of(raw) for raw in await preview.read(most=3)] == [0, 1, 2]
        assert list(await preview.read(most=3)) == []
        await preview.close()
        source = place.queue()
        await source.open({})
        committed = Committed(source)
        await committed.take_until(5)
        assert committed.numbers == list(range(5))
        await source.close()
        empty = Preview(place.broker(), max_event=1000)
        await empty.open({})
        assert list(await empty.read(most=3)) == []
        await empty.close()

    live(server, main)


def test_check_says_what_there_is_and_reads_nothing(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        await place.send(0, 3)
        known = (
            "a message that RabbitMQ hands out again is known by its {}; "
            "one that has none is applied again, unless the envelope names an `id`"
        )
        assert await place.broker().check() == [
            Finding(f"the queue {place.name} holds 3 messages"),
            Finding(known.format("message_id")),
        ]
        reader = place.queue()
        await reader.open({})
        found = await place.broker(id="header:x-id").check()
        assert found[1:] == [
            Finding(
                f"1 consumers read the queue {place.name}, and share its messages with a run",
                "one reader alone keeps the order of a record's changes",
            ),
            Finding(known.format("header x-id")),
        ]
        await reader.close()
        words = "RabbitMQ cannot be reached at its address: is it running?"
        found = await place.broker(url=f"amqp://sync:secret-word@127.0.0.1:{free_port()}/").check()
        assert found == [Finding(words, is_good=False, is_unreachable=True)]

    live(server, main)


RIGHT = "rabbitmqctl set_permissions -p VHOST USER '' '' '^{name}$'"
MISTAKES: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "password",
        {"url": "amqp://sync:wrong-word@127.0.0.1:{port}/"},
        "ProjectError",
        "RabbitMQ refuses the user or the password",
        "check `url`; the user guest may only connect from the same machine",
    ),
    (
        "vhost",
        {"url": "amqp://sync:secret-word@127.0.0.1:{port}/nowhere"},
        "UnavailableError",
        "RabbitMQ refuses the virtual host: there is none of this name, the user has no right to it, or it is down",
        "check the name at the end of `url` (left out: /); " + RIGHT,
    ),
    (
        "no right to the vhost",
        {"url": "amqp://reader:secret-word@127.0.0.1:{port}/crm"},
        "UnavailableError",
        "RabbitMQ refuses the virtual host: there is none of this name, the user has no right to it, or it is down",
        "check the name at the end of `url` (left out: /); " + RIGHT,
    ),
    (
        "queue",
        {"queue": "nowhere"},
        "ProjectError",
        "there is no queue nowhere",
        "declare it over there, or correct `queue` or the virtual host in `url`",
    ),
    (
        "right",
        {"url": "amqp://stranger:secret-word@127.0.0.1:{port}/"},
        "ProjectError",
        "the user has no right to read the queue {name}",
        RIGHT,
    ),
    (
        "tls",
        {"url": "amqps://sync:secret-word@127.0.0.1:{port}/"},
        "UnavailableError",
        "there is no TLS connection to RabbitMQ (WRONG_VERSION_NUMBER)",
        "amqps:// is for a port with TLS; a server that asks for a certificate needs `tls: {{certificate, key}}`",
    ),
]


@pytest.mark.parametrize(
    ("given", "kind", "message", "hint"), [each[1:] for each in MISTAKES], ids=[each[0] for each in MISTAKES]
)
def test_what_cannot_be_read_is_told_with_the_next_step(
    given: dict[str, Any], kind: str, message: str, hint: str, server: Server
) -> None:
    async def main(place: Place) -> None:
        await place.make()
        words = {"name": place.name, "port": server.port}
        filled = {name: value.format(**words) for name, value in given.items()}
        found = await error_of(place.broker(**filled))
        assert found == (kind, message.format(**words), hint.format(**words))

    live(server, main)


def test_the_right_to_read_is_enough(server: Server) -> None:
    async def main(place: Place) -> None:
        place.name = "contacts"
        await place.send(0, 1)
        source = place.queue(url=server.url("reader"))
        await source.open({})
        (raw,) = await source.read(most=10)
        await source.acknowledge(raw.position)
        await source.close()
        assert await place.waiting() == 0

    live(server, main)


def test_an_exclusive_queue_and_an_exclusive_reader_are_told_and_a_stream_is_refused(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.channel.declare_queue(place.name, exclusive=True)
        in_use = f"the queue {place.name} is in exclusive use by another connection"
        assert await error_of(place.broker()) == ("UnavailableError", in_use, "end the other reader")
        other = Place(server, place.channel)
        await other.make()
        in_use = f"the queue {other.name} is in exclusive use by another connection"

        async def ignore(_message: object) -> None:
            """Reads, and no one else may."""

        await (await place.channel.get_queue(other.name)).consume(ignore, exclusive=True)
        assert await error_of(other.broker()) == ("UnavailableError", in_use, "end the other reader")
        stream = Place(server, place.channel)
        await stream.make(queue_type="stream")
        failing = asyncio.ensure_future(error_of(stream.broker()))
        words = f"the queue {stream.name} is a stream, whose messages are not acknowledged one by one"
        while not failing.done():
            await stream.send(0, 1)
            await asyncio.wait({failing}, timeout=0.2)  # on purpose
        assert failing.result() == ("ProjectError", words, "read a classic queue or a quorum queue")

    live(server, main)


def test_a_queue_that_is_deleted_while_it_is_read_ends_the_run(server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        source = place.reopened()
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=10))
        await asyncio.sleep(0.2)
        await place.channel.queue_delete(place.name)
        with pytest.raises(ProjectError) as caught:
            await asyncio.wait_for(reading, timeout=PATIENCE)
        assert caught.value.message == f"there is no queue {place.name}"
        await source.close()

    live(server, main)


@pytest.mark.timeout(600 + PATIENCE)  # forty seconds by itself
def test_kills_lose_nothing_and_journal_no_message_of_a_queue_twice(tmp_path: Path, server: Server) -> None:
    async def main(place: Place) -> None:
        await place.make()
        numbers = count()

        def publish(events: list[dict[str, Any]]) -> None:
            async def sent() -> None:
                connection = await aio_pika.connect(server.url())
                channel = await connection.channel()
                for event in events:
                    body = json.dumps(event).encode()
                    message = aio_pika.Message(body, delivery_mode=2, message_id=str(next(numbers)))
                    await channel.default_exchange.publish(message, place.name)
                await connection.close()

            asyncio.run(sent())

        source = f'{{rabbitmq: {{url: "{server.url()}", queue: {place.name}}}}}'
        with project_of(tmp_path, source) as project:
            await asyncio.to_thread(live_and_die, project, publish)

    live(server, main)


def test_a_server_that_is_killed_and_started_again_is_read_on(server: Server) -> None:
    """The last one: the channels of others are lost with it."""

    async def main(place: Place) -> None:
        await place.make()
        await place.send(0, 20)
        source = place.reopened()
        await source.open({})
        committed = Committed(source)
        await committed.take(most=5)
        await asyncio.to_thread(server.stop)
        reading = asyncio.ensure_future(committed.take_until(30))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
        connection = await aio_pika.connect(server.url())
        place.channel = await connection.channel()
        await place.send(20, 30)
        await asyncio.wait_for(reading, timeout=PATIENCE)
        assert committed.numbers == list(range(30))
        kinds = [report.kind for report in source.reports()]
        assert (kinds[0], kinds[-1]) == ("lost", "back")  # a server that starts may be lost again
        await source.close()
        await connection.close()

    live(server, main)
