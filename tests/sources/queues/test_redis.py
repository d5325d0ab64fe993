"""A stream of Redis: acknowledged entry by entry, read on where it was, known by its ids; on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.base import Finding, Lag, Report
from tests.journeys.length import hold
from tests.servers.redis import Server, running
from tests.sources.queues.redis_kit import SetClock, Stream, read, texts


@pytest.fixture(scope="module")
def redis_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def stream(redis_server: Server) -> Stream:
    return Stream(redis_server)


def test_entries_are_acknowledged_and_the_rest_comes_first_in_the_next_run(stream: Stream) -> None:
    async def main() -> None:
        ids = stream.add("a", "b", "c", "d")
        source = stream.source()
        await source.open({})
        raws = await read(source, 3, most=3)
        assert texts(raws) == ["a", "b", "c"]
        assert [raw.event_id for raw in raws] == [f"{stream.key}/{entry}" for entry in ids[:3]]
        assert source.kept_by(f"redis:{stream.key}") == "broker"
        await source.acknowledge(raws[1].position)
        await source.close()
        assert stream.pending() == ids[2:]
        stream.add("e")
        again = stream.source()
        await again.open({})
        rest = await read(again, 3)
        assert texts(rest) == ["c", "d", "e"]
        assert rest[0].event_id == raws[2].event_id
        await again.acknowledge(rest[-1].position)
        assert stream.pending() == []
        await again.close()

    asyncio.run(main())


@pytest.mark.parametrize("most", [1, 3, 7, 1000])
def test_the_size_of_chunks_changes_nothing(stream: Stream, most: int) -> None:
    async def main() -> None:
        stream.add(*map(str, range(50)))
        source = stream.source()
        await source.open({})
        assert texts(await read(source, 50, most=most)) == list(map(str, range(50)))
        await source.close()

    asyncio.run(main())


def test_the_body_is_one_field_with_the_others_beside_it(stream: Stream) -> None:
    async def main() -> None:
        stream.client.xadd(
            stream.key, {"body": '{"id": 1}', "kind": "contact", b"\xff": "no text"}, id="1700000000123-4"
        )
        source = stream.source()
        await source.open({})
        (raw,) = await read(source, 1)
        assert (raw.body, raw.broken) == (b'{"id": 1}', "")
        assert raw.meta == {
            "stream": stream.key,
            "id": "1700000000123-4",
            "time": "2023-11-14T22:13:20.123+00:00",
            "fields": {"kind": "contact"},
        }
        await source.close()

    asyncio.run(main())


def test_without_a_field_all_fields_are_an_object_of_texts(stream: Stream) -> None:
    async def main() -> None:
        stream.client.xadd(stream.key, {"id": 7, "name": "Ada \u201cL\u201d", "note": ""}, id=f"{2**63}-1")
        source = stream.source(field=None)
        await source.open({})
        (raw,) = await read(source, 1)
        assert raw.body.decode() == '{"id":"7","name":"Ada \u201cL\u201d","note":""}'
        assert raw.meta == {"stream": stream.key, "id": f"{2**63}-1", "time": None}
        await source.close()

    asyncio.run(main())


def test_entries_that_cannot_be_read_are_broken_and_the_rest_goes_on(stream: Stream) -> None:
    async def main() -> None:
        stream.client.xadd(stream.key, {"other": "secret value"})
        stream.client.xadd(stream.key, {"body": b"\xff\xfe"})
        stream.add("x" * 31, "good")
        source = stream.source(max_event=30)
        await source.open({})
        raws = await read(source, 4)
        assert [raw.broken for raw in raws] == [
            "the entry has no field `body`",
            "the field `body` is not UTF-8",
            "longer than max_event, which is 30 bytes",
            "",
        ]
        await source.acknowledge(raws[-1].position)
        assert stream.pending() == []
        await source.close()
        stream.client.xadd(stream.key, {"ok": "1", "name": b"\xff"})
        whole = stream.source(field=None)
        await whole.open({})
        assert [raw.broken for raw in await read(whole, 1)] == ["field 2 of the entry is not UTF-8"]
        await whole.close()

    asyncio.run(main())


@pytest.mark.parametrize(("start", "expected"), [("all", ["old", "new"]), ("new", ["new"])])
def test_a_new_group_begins_where_the_settings_say(stream: Stream, start: str, expected: list[str]) -> None:
    async def main() -> None:
        stream.add("old")
        source = stream.source(start=start)
        await source.open({})
        stream.add("new")
        assert texts(await read(source, len(expected))) == expected
        await source.close()

    asyncio.run(main())


@pytest.mark.parametrize("start", ["all", "new"])
def test_a_stream_that_is_missing_is_waited_for_and_read_from_its_beginning(stream: Stream, start: str) -> None:
    async def main() -> None:
        source = stream.source(start=start)
        await source.open({})
        words = f"there is no stream {stream.key}: it is waited for"
        assert list(source.reports()) == [Report("noted", words)]
        reading = asyncio.ensure_future(source.read(most=10))
        await asyncio.sleep(0.05)
        assert stream.client.exists(stream.key) == 0
        stream.add("first")
        assert texts(await reading) == ["first"]
        assert list(source.reports()) == []
        await source.close()

    asyncio.run(main())


def test_entries_of_a_consumer_that_has_gone_are_taken_over_in_their_order(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b", "c", "d")
        stream.client.xgroup_create(stream.key, "syncflow", "0")
        held = stream.client.xreadgroup("syncflow", "dead", {stream.key: ">"}, count=2)[0][1]
        stream.client.xclaim(stream.key, "syncflow", "dead", 0, [entry for entry, _ in held], idle=2000, justid=True)
        source = stream.source(claim="1s")
        await source.open({})
        raws = await read(source, 4)
        assert texts(raws) == ["a", "b", "c", "d"]
        await source.acknowledge(raws[-1].position)
        assert stream.pending() == []
        await source.close()

    asyncio.run(main())


def test_entries_are_taken_over_while_it_reads_and_its_own_are_not_read_twice(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b")
        clock = SetClock()
        broker = stream.broker(clock, claim="1s")
        await broker.open()
        own = [*await broker.receive(most=1), *await broker.receive(most=1)]
        assert [message.body for message in own] == [b"a", b"b"]
        stream.add("c")
        (other, _), *_ = stream.client.xreadgroup("syncflow", "dead", {stream.key: ">"}, count=1)[0][1]
        ids = [other, *(message.handle for message in own)]
        stream.client.xclaim(stream.key, "syncflow", "dead", 0, [other], idle=5000, justid=True)
        stream.client.xclaim(stream.key, "syncflow", "syncflow", 0, ids[1:], idle=5000, justid=True)
        stream.add("d")
        assert [message.body for message in await broker.receive(most=10)] == [b"d"]
        clock.seconds += 0.6
        assert [message.body for message in await broker.receive(most=10)] == [b"c"]
        await broker.close(())

    asyncio.run(main())


def test_entries_that_it_holds_are_taken_over_by_no_one(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a")
        broker = stream.broker(claim="60s")
        await broker.open()
        (message,) = await broker.receive(most=10)
        stream.client.xclaim(stream.key, "syncflow", "syncflow", 0, [message.handle], idle=90_000, justid=True)
        assert broker.hold_seconds == 20
        await broker.hold([message.handle])
        (entry,) = stream.client.xpending_range(stream.key, "syncflow", "-", "+", 10)
        assert entry["time_since_delivered"] < 60_000
        assert (entry["consumer"], entry["times_delivered"]) == (b"syncflow", 1)
        await broker.close(())

    asyncio.run(main())


def test_entries_that_wait_for_longer_than_others_leave_them_are_acknowledged_by_it(stream: Stream) -> None:
    async def main() -> None:
        (entry,) = stream.add("a")
        source = stream.source(claim="6s")
        await source.open({})
        (raw,) = await read(source, 1)
        await asyncio.sleep(hold(7))  # the run holds back
        claimed = stream.client.xautoclaim(stream.key, "syncflow", "other", 6000, count=10)
        assert claimed[1] == []
        assert stream.pending() == [entry]
        await source.acknowledge(raw.position)
        assert stream.pending() == []
        await source.close()

    asyncio.run(main())


def test_entries_that_were_deleted_before_they_were_acknowledged_are_told_and_settled(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b", "c")
        first = stream.source()
        await first.open({})
        await read(first, 2, most=2)
        await first.close()
        stream.client.xtrim(stream.key, maxlen=1, approximate=False)
        source = stream.source()
        await source.open({})
        assert texts(await read(source, 1)) == ["c"]
        words = "2 entries were deleted over there after being handed out, and before being acknowledged"
        assert list(source.reports()) == [Report("missed", words)]
        assert len(stream.pending()) == 1
        await source.close()

    asyncio.run(main())


def test_entries_of_a_dead_consumer_that_were_deleted_are_told(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b")
        stream.client.xgroup_create(stream.key, "syncflow", "0")
        (entry, _), *_ = stream.client.xreadgroup("syncflow", "dead", {stream.key: ">"}, count=1)[0][1]
        stream.client.xclaim(stream.key, "syncflow", "dead", 0, [entry], idle=5000, justid=True)
        stream.client.xdel(stream.key, entry)
        source = stream.source(claim="1s")
        await source.open({})
        assert texts(await read(source, 1)) == ["b"]
        words = "1 entry was deleted over there after being handed out, and before being acknowledged"
        assert list(source.reports()) == [Report("missed", words)]
        await source.close()

    asyncio.run(main())


@pytest.mark.parametrize("how", ["trimmed", "deleted"])
def test_entries_that_were_deleted_before_they_were_read_are_told_once(stream: Stream, how: str) -> None:
    async def main() -> None:
        stream.add("a")
        broker = stream.broker()
        await broker.open()
        (message,) = await broker.receive(most=10)
        await broker.settle([message.handle])
        _, second, _ = stream.add("b", "c", "d")
        assert await broker.backlog() == Lag(events=3)
        assert list(broker.reports()) == []
        if how == "trimmed":
            stream.client.xtrim(stream.key, maxlen=1, approximate=False)
        else:
            stream.client.xdel(stream.key, second)
        left = 1 if how == "trimmed" else 2
        await broker.backlog()
        words = f"entries of {stream.key} were deleted over there (MAXLEN, XTRIM or XDEL) before they were read"
        assert list(broker.reports()) == [Report("missed", words)]
        assert [message.body for message in await broker.receive(most=10)][-1] == b"d"
        await broker.backlog()
        assert len(stream.pending()) == left
        assert list(broker.reports()) == []
        await broker.close(())

    asyncio.run(main())


def test_entries_that_were_trimmed_after_being_read_are_no_loss(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b")
        broker = stream.broker()
        await broker.open()
        await broker.settle([message.handle for message in await broker.receive(most=10)])
        stream.client.xtrim(stream.key, maxlen=0, approximate=False)
        assert await broker.backlog() == Lag(events=0)
        stream.add("c")
        assert await broker.backlog() == Lag(events=1)
        assert list(broker.reports()) == []
        await broker.close(())

    asyncio.run(main())


def test_a_group_that_has_gone_is_made_again_where_it_was(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b", "c")
        source = stream.source()
        await source.open({})
        raws = await read(source, 3)
        await source.acknowledge(raws[0].position)
        reading = asyncio.ensure_future(source.read(most=10))
        await asyncio.sleep(0.05)
        stream.client.xgroup_destroy(stream.key, "syncflow")
        stream.add("d")
        again = [*await reading]
        again += await read(source, 3 - len(again))
        assert texts(again) == ["b", "c", "d"]
        assert [raw.event_id for raw in again[:2]] == [raw.event_id for raw in raws[1:]]
        assert list(source.reports()) == [
            Report("noted", "the group syncflow had gone: it was made again where it was")
        ]
        await source.acknowledge(again[-1].position)
        assert stream.pending() == []
        await source.close()

    asyncio.run(main())


def test_a_stream_that_was_made_again_is_read_from_its_beginning(stream: Stream) -> None:
    async def main() -> None:
        stream.client.xadd(stream.key, {"body": "a"}, id="99999-1")
        broker = stream.broker(start="new")
        await broker.open()
        stream.client.xadd(stream.key, {"body": "b"}, id="99999-2")
        (message,) = await broker.receive(most=10)
        await broker.settle([message.handle])
        stream.client.delete(stream.key)
        stream.client.xadd(stream.key, {"body": "c"}, id="5-1")
        assert [message.body for message in await broker.receive(most=10)] == [b"c"]
        words = f"the stream {stream.key} was made again: it is read from its beginning"
        assert list(broker.reports()) == [Report("again", words)]
        await broker.close(())

    asyncio.run(main())


@pytest.mark.parametrize("what", ["the group", "the stream"])
def test_what_has_gone_while_the_connection_was_lost_is_read_on_where_it_was(stream: Stream, what: str) -> None:
    async def main() -> None:
        stream.client.xadd(stream.key, {"body": "old"}, id="100-1")
        make = stream.brokers(start="new")
        first = make()
        await first.open()
        stream.client.xadd(stream.key, {"body": "a"}, id="100-2")
        stream.client.xadd(stream.key, {"body": "b"}, id="100-3")
        messages = await first.receive(most=10)
        await first.settle([messages[0].handle])
        await first.close(())
        if what == "the group":
            stream.client.xgroup_destroy(stream.key, "syncflow")
            stream.client.xadd(stream.key, {"body": "c"}, id="100-4")
            expected, report = (
                [b"b", b"c"],
                Report("noted", "the group syncflow had gone: it was made again where it was"),
            )
        else:
            stream.client.delete(stream.key)
            stream.client.xadd(stream.key, {"body": "c"}, id="1-1")
            words = f"the stream {stream.key} was made again: it is read from its beginning"
            expected, report = [b"c"], Report("again", words)
        second = make()
        await second.open()
        assert [message.body for message in await second.receive(most=10)] == expected
        assert list(second.reports()) == [report]
        await second.close(())

    asyncio.run(main())


def test_a_stream_that_comes_while_the_connection_is_lost_is_read_from_its_beginning(stream: Stream) -> None:
    async def main() -> None:
        make = stream.brokers(start="new")
        first = make()
        await first.open()
        await first.close(())
        stream.add("a")
        second = make()
        await second.open()
        assert [message.body for message in await second.receive(most=10)] == [b"a"]
        await second.close(())

    asyncio.run(main())


def test_a_connection_that_was_lost_says_nothing_of_a_group_that_is_there(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b")
        make = stream.brokers()
        first = make()
        await first.open()
        messages = await first.receive(most=10)
        await first.settle([messages[0].handle])
        await first.close(())
        second = make()
        await second.open()
        assert [message.id for message in await second.receive(most=10)] == [messages[1].id]
        assert list(second.reports()) == []
        await second.close(())

    asyncio.run(main())


def test_a_stream_that_goes_while_it_is_read_is_waited_for(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a")
        source = stream.source(start="new")
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=10))
        await asyncio.sleep(0.05)
        stream.client.delete(stream.key)
        while not (reports := list(source.reports())):
            await asyncio.sleep(0.02)
        assert reports == [Report("noted", f"there is no stream {stream.key}: it is waited for")]
        stream.add("b")
        assert texts(await reading) == ["b"]
        await source.close()

    asyncio.run(main())


def test_how_much_waits_is_what_was_not_read_and_what_was_not_acknowledged(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b", "c")
        broker = stream.broker()
        await broker.open()
        assert await broker.backlog() == Lag(events=3)
        messages = await broker.receive(most=2)
        assert await broker.backlog() == Lag(events=3)
        await broker.settle([message.handle for message in messages])
        assert await broker.backlog() == Lag(events=1)
        stream.client.delete(stream.key)
        assert await broker.backlog() == Lag(events=0)
        await broker.close(())

    asyncio.run(main())


def test_a_preview_reads_the_first_entries_and_makes_nothing(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a", "b", "c")
        source = stream.source(is_preview=True)
        await source.open({})
        assert texts(await source.read(most=2)) == ["a", "b"]
        assert list(await source.read(most=2)) == []
        await source.close()
        assert stream.client.xinfo_groups(stream.key) == []
        empty = Stream(stream.server).source(is_preview=True)
        await empty.open({})
        assert list(await empty.read(most=2)) == []
        await empty.close()
        assert stream.client.exists(empty_key(stream)) == 0

    asyncio.run(main())


def empty_key(stream: Stream) -> str:
    return f"contacts-{int(stream.key.rpartition('-')[2]) + 1}"


def test_a_check_says_what_is_there_and_makes_nothing(stream: Stream) -> None:
    async def main() -> None:
        key = stream.key
        assert await stream.source().check() == [Finding(f"there is no stream {key} yet; a run waits for it")]
        stream.add("a", "b", "c")
        found = await stream.source().check()
        there = Finding(f"the stream {key} has 3 entries")
        assert found == [there, Finding("there is no group syncflow yet; a run makes it")]
        stream.client.xgroup_create(key, "syncflow", "0")
        stream.client.xreadgroup("syncflow", "dead", {key: ">"}, count=1)
        assert await stream.source().check() == [
            there,
            Finding("the group syncflow is there, 2 entries wait, 1 are not acknowledged"),
            Finding("another consumer, dead, holds 1 entries"),
        ]

    asyncio.run(main())


def test_a_key_of_another_kind_is_an_error(stream: Stream) -> None:
    async def main() -> None:
        stream.client.set(stream.key, "text")
        hint = f"`TYPE {stream.key}` says what it is"
        with pytest.raises(ProjectError, match=f"the key {stream.key} is no stream") as told:
            await stream.source().open({})
        assert told.value.hint == hint
        assert await stream.source().check() == [Finding(f"the key {stream.key} is no stream", hint, is_good=False)]
        preview = stream.source(is_preview=True)
        await preview.open({})
        with pytest.raises(ProjectError, match=f"the key {stream.key} is no stream"):
            await preview.read(most=1)

    asyncio.run(main())


def test_users_without_a_password_or_a_right_are_told_the_next_step(stream: Stream) -> None:
    async def failure(user: str) -> tuple[str, str]:
        url = f"redis://{user}@127.0.0.1:{stream.server.port}/0"
        source = stream.source(url=url)
        with pytest.raises(ProjectError) as told:
            await source.open({})
        await source.close()
        return told.value.message, told.value.hint

    async def main() -> None:
        stream.add("a")
        stream.client.execute_command("ACL", "SETUSER", "weak", "on", ">right-word", f"~{stream.key}", "+xread")
        hint = "check them in `url` (redis://user:password@host; signs such as @ or / are written %40, %2F)"
        assert await failure("weak:wrong-word") == ("Redis refuses the user or the password", hint)
        assert await failure("nobody:wrong-word") == ("Redis refuses the user or the password", hint)
        message, hint = await failure("weak:right-word")
        assert message == "the user of Redis lacks a right"
        assert hint.startswith(f"ACL SETUSER weak ~{stream.key} +")
        stream.client.execute_command(*hint.split())
        source = stream.source(url=f"redis://weak:right-word@127.0.0.1:{stream.server.port}/0")
        await source.open({})
        (raw,) = await read(source, 1)
        await source.acknowledge(raw.position)
        assert stream.pending() == []
        assert await source.check() != []
        await source.close()

    asyncio.run(main())


def test_a_user_who_may_only_read_a_group_that_is_there_reads_it(stream: Stream) -> None:
    async def main() -> None:
        stream.add("a")
        stream.client.xgroup_create(stream.key, "syncflow", "0")
        rights = ["+xreadgroup", "+xack", "+xautoclaim", "+xclaim"]
        stream.client.execute_command("ACL", "SETUSER", "reader", "on", ">word", f"~{stream.key}", *rights)
        broker = stream.broker(url=f"redis://reader:word@127.0.0.1:{stream.server.port}/0")
        await broker.open()
        (message,) = await broker.receive(most=10)
        assert message.body == b"a"
        assert await broker.backlog() is None
        await broker.close(())

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://127.0.0.1:1/0", "Redis refuses connections at its address: is it running?"),
        ("redis://no-such-host.invalid:6379/0", "the host of Redis is not known"),
    ],
)
def test_a_server_that_is_not_there_is_unavailable_without_its_address(stream: Stream, url: str, message: str) -> None:
    async def main() -> None:
        with pytest.raises(UnavailableError) as told:
            await stream.source(url=url).open({})
        assert (told.value.message, told.value.hint) == (message, "check host and port in `url`, and the server")
        (finding,) = await stream.source(url=url).check()
        assert (finding.words, finding.is_unreachable) == (message, True)

    asyncio.run(main())


def test_a_database_that_there_is_not_is_an_error(stream: Stream) -> None:
    async def main() -> None:
        with pytest.raises(ProjectError, match="Redis has no database of this number"):
            await stream.source(url=f"redis://127.0.0.1:{stream.server.port}/99").open({})

    asyncio.run(main())
