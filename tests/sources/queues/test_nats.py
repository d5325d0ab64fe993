"""A real stream of JetStream: what comes again is known, the order is kept, and what is wrong is told in one message."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.js.client import JetStreamContext

from syncflow.clock import SystemClock
from syncflow.config.models.source_nats import NatsSource
from syncflow.errors import ProjectError
from syncflow.events import Position
from syncflow.sources.base import Finding, Lag
from syncflow.sources.queues import Preview, Queue
from syncflow.sources.queues.nats import Nats, nats_streams
from syncflow.sources.queues.nats_signing import read_credentials
from syncflow.sources.queues.queue import reopened_queue
from syncflow.sources.reopening import Reopening
from tests.journeys.length import hold
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers.nats import Server, running
from tests.servers.proxy import Proxy
from tests.sources.queues.kit import Committed, error_of, number_of

_numbers = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


class Stream:
    """A stream of its own for each test, and a client that publishes into it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"S{next(_numbers)}"
        self.subject = f"{self.name.lower()}.contacts"
        self._client: Client | None = None

    async def js(self) -> JetStreamContext:
        if self._client is None or self._client.is_closed:
            self._client = await nats.connect(self.server.url)
        return self._client.jetstream()

    async def make(self) -> None:
        await (await self.js()).add_stream(name=self.name, subjects=[f"{self.name.lower()}.>"])

    async def send(self, first: int, last: int, *, headers: dict[str, str] | None = None) -> None:
        js = await self.js()
        for number in range(first, last):
            await js.publish(self.subject, json.dumps({"n": number}).encode(), headers=headers)

    async def send_quickly(self, count: int) -> None:
        await self.js()
        assert self._client is not None
        for number in range(count):
            await self._client.publish(self.subject, b'{"n": %d}' % number)
        await self._client.flush()

    def settings(self, **more: Any) -> NatsSource:
        return NatsSource.model_validate({"servers": self.server.url, "stream": self.name, "ack_wait": "1s"} | more)

    def broker(self, **more: Any) -> Nats:
        return Nats(self.settings(**more), base=Path(), clock=SystemClock())

    def queue(self, *, once: bool = False, **more: Any) -> Queue:
        return Queue(self.broker(**more), max_event=1000, clock=SystemClock(), once=once)

    def reopened(self, **more: Any) -> Reopening:
        clock = SystemClock()
        make = nats_streams(self.settings(**more), base=Path(), clock=clock)
        return reopened_queue(make, max_event=1000, clock=clock)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


@pytest.fixture
def stream(server: Server) -> Stream:
    return Stream(server)


def test_a_message_has_its_number_as_its_id_and_what_came_beside_it(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send(1, 2, headers={"X-Kind": "a"})
        await stream.send(2, 3, headers={"Nats-Msg-Id": "from-the-sender"})
        source = stream.queue()
        await source.open({})
        first, second = await source.read(most=10)
        name = f"nats:{stream.name}/syncflow"
        assert first.body == b'{"n": 1}'
        assert first.event_id.startswith(f"{name}#")
        assert first.event_id.endswith(":1")
        assert first.meta is not None
        assert first.meta.pop("time")
        assert first.meta == {
            "subject": stream.subject,
            "stream": stream.name,
            "sequence": 1,
            "headers": {"X-Kind": "a"},
        }
        assert second.event_id == f"{name}/from-the-sender"
        await source.close()
        again = stream.queue()
        await again.open({})
        assert [raw.event_id for raw in await again.read(most=10)] == [first.event_id, second.event_id]
        await again.close()
        await stream.close()

    asyncio.run(main())


def test_a_restart_reads_the_rest_in_order_and_at_once(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send(0, 30)
        source = stream.queue(ack_wait="60s")
        await source.open({})
        raws = await source.read(most=20)
        await source.acknowledge(raws[9].position)
        await source.close()
        again = stream.queue(ack_wait="60s")
        await again.open({})
        committed = Committed(again)
        await committed.take_until(20)
        assert committed.numbers == list(range(10, 30))
        await again.close()
        await stream.close()

    asyncio.run(main())


def test_what_a_killed_reader_had_comes_before_what_is_newer(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send(0, 10)
        proxy = Proxy(stream.server.port)
        killed = stream.broker(servers=f"nats://127.0.0.1:{await proxy.start()}")
        await killed.open()
        await killed.start()
        assert len(await killed.receive(most=10)) == 10
        await proxy.close()
        await stream.send(10, 20)
        source = stream.queue()
        await source.open({})
        committed = Committed(source)
        await committed.take_until(20)
        assert committed.numbers == list(range(20))
        await source.close()
        await killed.close(())
        await stream.close()

    asyncio.run(main())


def test_a_connection_that_is_cut_again_and_again_loses_nothing_and_keeps_the_order(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send_quickly(3000)
        proxy = Proxy(stream.server.port)
        source = stream.reopened(servers=f"nats://127.0.0.1:{await proxy.start()}", ack_wait="60s")
        await source.open({})
        committed = Committed(source)
        for step in count():
            if len(committed.numbers) >= 3000:
                break
            if step % 5 == 4 and proxy.connections < 6:
                proxy.cut()
            await committed.take(most=50)
        assert committed.numbers == list(range(3000))
        assert proxy.connections >= 6
        await source.close()
        await proxy.close()
        await stream.close()

    asyncio.run(main())


def test_a_server_that_is_killed_and_started_again_is_read_on() -> None:
    async def main(server: Server) -> None:
        stream = Stream(server)
        await stream.make()
        await stream.send(0, 5)
        source = stream.reopened()
        await source.open({})
        committed = Committed(source)
        await committed.take_until(5)
        await asyncio.to_thread(server.stop)
        reading = asyncio.ensure_future(committed.take_until(10))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(server.start)
        await stream.close()
        await stream.send(5, 10)
        await reading
        assert committed.numbers == list(range(10))
        reports = [(report.kind, report.words) for report in source.reports()]
        assert reports == [
            ("lost", "the connection to NATS was lost; it is tried again until it answers"),
            ("back", "the source is connected again"),
        ]
        await source.close()
        await stream.close()

    with running() as server:
        asyncio.run(main(server))


def test_messages_that_wait_longer_than_ack_wait_are_handed_out_once(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send(0, 20)
        source = stream.queue(ack_wait="6s")
        await source.open({})
        held = await source.read(most=10)  # the other ten wait inside
        await asyncio.sleep(hold(7))
        assert (await (await stream.js()).consumer_info(stream.name, "syncflow")).num_redelivered == 0
        rest = await source.read(most=10)
        await source.acknowledge(rest[-1].position)
        assert [number_of(raw) for raw in [*held, *rest]] == list(range(20))
        await stream.send(20, 21)
        assert [number_of(raw) for raw in await source.read(most=10)] == [20]
        await source.close()
        await stream.close()

    asyncio.run(main())


def test_twenty_thousand_messages_are_read_once_each_in_order(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send_quickly(20_000)
        source = stream.queue(ack_wait="60s")
        await source.open({})
        committed = Committed(source)
        await committed.take_until(20_000)
        assert committed.numbers == list(range(20_000))
        assert committed.repeated == 0
        await source.close()
        await stream.close()

    asyncio.run(main())


def test_a_run_of_what_there_is_ends_at_an_empty_stream(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        source = stream.queue(once=True)
        await source.open({})
        assert list(await source.read(most=10)) == []
        assert source.lag() == {f"nats:{stream.name}/syncflow": Lag(events=0)}
        await source.close()
        await stream.close()

    asyncio.run(main())


def test_a_stream_that_is_purged_is_read_on_and_one_made_again_has_other_messages(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        js = await stream.js()
        await stream.send(0, 10)
        source = stream.queue()
        await source.open({})
        raws = await source.read(most=10)
        await js.purge_stream(stream.name)
        await stream.send(10, 11)
        await source.acknowledge(raws[-1].position)
        assert [number_of(raw) for raw in await source.read(most=10)] == [10]
        await js.delete_stream(stream.name)
        with pytest.raises(ProjectError) as caught:
            await asyncio.wait_for(source.read(most=10), timeout=PATIENCE)
        assert caught.value.message == (
            f"the consumer syncflow of the stream {stream.name} is gone: it or its stream was deleted"
        )
        await source.close()
        await stream.make()
        await stream.send(0, 1)
        again = stream.queue()
        await again.open({})
        (first,) = await again.read(most=10)
        assert first.event_id != raws[0].event_id
        await again.close()
        await stream.close()

    asyncio.run(main())


def test_a_look_at_the_first_messages_moves_nothing(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send(0, 5, headers={"X-Kind": "a"})
        source = stream.queue()
        await source.open({})
        raws = await source.read(most=2)
        await source.acknowledge(raws[0].position)
        await source.close()
        before = await (await stream.js()).consumer_info(stream.name, "syncflow")
        preview = Preview(stream.broker(), max_event=1000)
        await preview.open({})
        seen = await preview.read(most=3)
        assert [number_of(raw) for raw in seen] == [1, 2, 3]
        assert (seen[0].event_id, seen[0].meta) == (raws[1].event_id, raws[1].meta)
        assert list(await preview.read(most=3)) == []
        await preview.close()
        after = await (await stream.js()).consumer_info(stream.name, "syncflow")
        assert (after.ack_floor, after.num_ack_pending) == (before.ack_floor, before.num_ack_pending)
        other = Preview(stream.broker(consumer="unmade", subjects=[f"{stream.name.lower()}.other"]), max_event=1000)
        await other.open({})
        assert list(await other.read(most=3)) == []
        await other.close()
        assert [each.name for each in await (await stream.js()).consumers_info(stream.name)] == ["syncflow"]
        await stream.close()

    asyncio.run(main())


def test_only_the_subjects_and_the_start_that_are_named_are_read(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        js = await stream.js()
        await stream.send(0, 3)
        await js.publish(f"{stream.name.lower()}.other", b'{"n": 7}')
        source = stream.queue(consumer="other", subjects=[f"{stream.name.lower()}.other"])
        await source.open({})
        assert [number_of(raw) for raw in await source.read(most=10)] == [7]
        await source.close()
        new = stream.queue(consumer="new", start="new")
        await new.open({})
        await stream.send(8, 9)
        assert [number_of(raw) for raw in await new.read(most=10)] == [8]
        await new.close()
        late = stream.queue(consumer="late", start="2100-01-01")
        await late.open({})
        info = await js.consumer_info(stream.name, "late")
        assert str(info.config.opt_start_time) == "2100-01-01 00:00:00+00:00"
        await late.close()
        await stream.close()

    asyncio.run(main())


def test_a_consumer_that_acknowledges_up_to_the_last_one_is_told_of_the_last_one(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        js = await stream.js()
        await js.add_consumer(stream.name, durable_name="syncflow", ack_policy="all", ack_wait=1)
        await stream.send(0, 10)
        source = stream.queue()
        await source.open({})
        raws = await source.read(most=10)
        await source.acknowledge(raws[7].position)
        await source.close()
        again = stream.queue()
        await again.open({})
        assert [number_of(raw) for raw in await again.read(most=10)] == [8, 9]
        await again.close()
        await stream.close()

    asyncio.run(main())


def test_check_says_what_there_is_and_makes_nothing(stream: Stream) -> None:
    async def main() -> None:
        name = stream.name
        words, hint = f"there is no stream {name}", "make it over there, or correct `stream`"
        assert await stream.broker().check() == [Finding(words, hint, is_good=False)]
        await stream.make()
        await stream.send(0, 3)
        assert await stream.broker().check() == [
            Finding(f"the stream {name} holds 3 messages"),
            Finding("there is no consumer syncflow yet; a run makes it, and starts with `all`"),
        ]
        js = await stream.js()
        await js.add_consumer(name, durable_name="syncflow", ack_policy="explicit", max_deliver=5)
        assert await stream.broker().check() == [
            Finding(f"the stream {name} holds 3 messages"),
            Finding("the consumer syncflow has 3 messages to come, and 0 handed out"),
            Finding(
                "the consumer syncflow drops a message that it has handed out 5 times",
                f"nats consumer edit {name} syncflow --max-deliver=-1",
            ),
        ]
        port = free_port()
        words = "NATS cannot be reached at its address: is it running?"
        found = await stream.broker(servers=f"nats://127.0.0.1:{port}").check()
        assert found == [Finding(words, is_good=False, is_unreachable=True)]
        await stream.close()

    asyncio.run(main())


def test_the_next_server_of_a_list_is_tried(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        await stream.send(0, 1)
        source = stream.queue(servers=[f"nats://127.0.0.1:{free_port()}", stream.server.url])
        await source.open({})
        assert len(await source.read(most=10)) == 1
        await source.close()
        await stream.close()

    asyncio.run(main())


ANOTHER = "name another one (`consumer:`), which is then made"
MISTAKES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (
        {},
        {"subjects": ["elsewhere.>"]},
        "the stream {name} holds no subject elsewhere.>",
        "it holds {low}.>: correct `subjects`",
    ),
    (
        {},
        {"subjects": ["{low}.a", "{low}.b"]},
        "the server of NATS (2.9) knows one subject for a consumer",
        "name one in `subjects`, with wildcards, or use a server of version 2.10",
    ),
    (
        {"filter_subject": "{low}.a"},
        {},
        "the consumer syncflow reads {low}.a, and `subjects` says all of them",
        "write `subjects: [{low}.a]`, or " + ANOTHER,
    ),
    (
        {},
        {"consumer": "made", "subjects": ["{low}.a"]},
        "the consumer made reads all subjects, and `subjects` says {low}.a",
        "leave `subjects` out, or " + ANOTHER,
    ),
    ({"deliver_subject": "there"}, {}, "the consumer syncflow is one that messages are pushed to", ANOTHER),
    ({"ack_policy": "none"}, {}, "the consumer syncflow takes no acknowledgements: messages would be lost", ANOTHER),
    ({"headers_only": True}, {}, "the consumer syncflow hands out headers without bodies", ANOTHER),
    (
        {},
        {"servers": "tls://user:secret-word@127.0.0.1:{port}"},
        "the server of NATS speaks no TLS",
        "write nats:// in `servers` and remove `tls:`, or let it speak TLS",
    ),
]


@pytest.mark.parametrize(("there", "here", "message", "hint"), MISTAKES, ids=[each[2][:40] for each in MISTAKES])
def test_what_cannot_be_read_is_told_with_the_next_step(
    there: dict[str, Any], here: dict[str, Any], message: str, hint: str, stream: Stream
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        words = {"name": stream.name, "low": stream.name.lower(), "port": stream.server.port}
        return value.format(**words) if isinstance(value, str) else value

    async def main() -> tuple[str, str, str]:
        await stream.make()
        js = await stream.js()
        given = {name: filled(value) for name, value in there.items()}
        if given:
            await js.add_consumer(stream.name, **{"durable_name": "syncflow", "ack_policy": "explicit"} | given)
        if here.get("consumer") == "made":
            await js.add_consumer(stream.name, durable_name="made", ack_policy="explicit")
        found = await error_of(stream.broker(**{name: filled(value) for name, value in here.items()}))
        await stream.close()
        return found

    assert asyncio.run(main()) == ("ProjectError", filled(message), filled(hint))


def test_a_message_that_is_too_long_is_one_dead_letter_and_the_next_one_is_read(stream: Stream) -> None:
    async def main() -> None:
        await stream.make()
        js = await stream.js()
        await js.publish(stream.subject, b"x" * 2000)
        await stream.send(1, 2)
        source = stream.queue()
        await source.open({})
        long, good = await source.read(most=10)
        assert long.broken == "longer than max_event, which is 1000 bytes"
        assert number_of(good) == 1
        await source.acknowledge(good.position)
        while (await js.consumer_info(stream.name, "syncflow")).num_ack_pending:
            await asyncio.sleep(0.02)
        await source.close()
        await stream.close()

    asyncio.run(main())


def seed_of(private: bytes) -> str:
    """Write a user's seed as nsc does: two bytes that say so, the key, a checksum that is not read."""
    return base64.b32encode(bytes([0x95, 0x00]) + private + b"\0\0").decode().rstrip("=")


def test_users_keys_and_missing_rights_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "sync.nk").write_text(seed_of(bytes(range(32))) + "\n", "utf-8")
    key = read_credentials(tmp_path / "sync.nk").public_key
    rights = '{{publish: {{deny: "$JS.ACK.>"}}}}'
    users = (
        "{{user: sync, password: secret-word}}, {{user: poor, password: secret-word, permissions: "
        + rights
        + "}}, {{nkey: "
        + key
        + "}}"
    )
    config = "jetstream {{store_dir: '{folder}/data'}}\nauthorization {{users: [" + users + "]}}"

    async def main(server: Server) -> None:
        client = await nats.connect(server.url, user="sync", password="secret-word")
        await client.jetstream().add_stream(name="CRM", subjects=["crm.>"])
        await client.jetstream().publish("crm.a", b'{"n": 1}')

        def broker(**more: Any) -> Nats:
            given = {"servers": server.url, "stream": "CRM", "ack_wait": "60s"} | more
            return Nats(NatsSource.model_validate(given), base=tmp_path, clock=SystemClock())

        refused = ("ProjectError", "the server of NATS refuses the user")
        hint = "check the user and password, the token or the credentials of the source"
        assert await error_of(broker(user="sync", password="wrong-word")) == (*refused, hint)
        assert await error_of(broker()) == (*refused, hint)
        source = Queue(broker(credentials="sync.nk"), max_event=1000, clock=SystemClock())
        await source.open({})
        (raw,) = await source.read(most=10)
        await source.close()
        poor = Queue(broker(user="poor", password="secret-word"), max_event=1000, clock=SystemClock())
        await poor.open({})
        assert [each.event_id for each in await poor.read(most=10)] == [raw.event_id]
        with pytest.raises(ProjectError) as caught:  # noqa: PT012  # by the one or the other
            await poor.acknowledge(Position(raw.position.partition, 1))
            await asyncio.wait_for(poor.read(most=10), timeout=PATIENCE)
        assert caught.value.message == "the user of NATS may not publish to $JS.ACK.CRM.syncflow.>"
        await poor.close()
        await client.close()

    with running(config) as server:
        asyncio.run(main(server))
