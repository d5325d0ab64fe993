"""The source ``kafka`` on a real broker: what is handed out, where it goes on, what it says."""

from __future__ import annotations

import asyncio

from syncflow.sources.base import Lag
from tests.journeys.length import hold
from tests.patience import eventually
from tests.servers.kafka import Topics
from tests.sources.kafka.kit import Reading, event, ids, source_of
from tests.sources.kit import cancelled_after


def test_a_message_is_an_event_with_what_stands_beside_it(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(
        contacts,
        [event(1)],
        keys=[b"0042"],
        headers={"trace": b"a-1", "bytes": b"\xff\xfe", "none": None},
        timestamp=1_700_000_000_123,
    )
    topics.send(contacts, [None], keys=[b'{"id": 7}'], timestamp=1_700_000_000_456)

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        first, second = await reading.take(2)
        assert first.position[:2] == (f"kafka:{contacts}/0", 0)
        assert first.body == event(1)
        assert first.meta == {
            "topic": contacts,
            "partition": 0,
            "offset": 0,
            "key": "0042",
            "time": "2023-11-14T22:13:20.123+00:00",
            "headers": {"trace": "a-1", "bytes": "//4=", "none": None},
        }
        assert second.body == b"null"
        assert second.meta is not None
        assert second.meta["key"] == {"id": 7}
        await reading.close()

    asyncio.run(read())


def test_a_restart_goes_on_behind_what_is_acknowledged(topics: Topics) -> None:
    contacts = topics.make(partitions=3)
    topics.send(contacts, [event(n) for n in range(300)], keys=[str(n).encode() for n in range(300)])

    async def twice() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(120, most=7)
        await reading.close()
        again = await reading.again(source_of(topics)).open()
        rest = await again.take(300 - len(reading.raws))
        assert sorted(ids(reading.raws + rest)) == list(range(300))
        for raws in (reading.raws, rest):
            by_partition: dict[str, list[int]] = {}
            for raw in raws:
                by_partition.setdefault(raw.position.partition, []).append(raw.position.offset)
            assert all(offsets == sorted(set(offsets)) for offsets in by_partition.values())
        await again.reads_nothing(seconds=0.7)
        await again.close()

    asyncio.run(twice())


def test_only_committed_messages_are_read_and_markers_are_no_lag(topics: Topics) -> None:
    contacts = topics.make()
    topics.transaction(contacts, [event(1), event(2)], commits=True)
    topics.transaction(contacts, [event(3)], commits=False)
    topics.send(contacts, [event(4)])
    topics.transaction(contacts, [event(5)], commits=True)

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        assert ids(await reading.take(4)) == [1, 2, 4, 5]
        assert [raw.position.offset for raw in reading.raws] == [0, 1, 5, 6]
        await eventually(lambda: reading.source.lag() == {contacts: Lag(events=0)})
        await reading.close()
        again = await reading.again(source_of(topics)).open()
        await again.reads_nothing(seconds=1)
        assert again.hear() == []
        await again.close()

    asyncio.run(read())


def test_the_lag_is_what_is_not_acknowledged(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])

    async def read() -> None:
        source = source_of(topics)
        await source.open({})
        raws = list(await source.read(most=4))
        await eventually(lambda: source.lag() == {contacts: Lag(events=10)})
        await source.acknowledge(raws[-1].position)
        await eventually(lambda: source.lag() == {contacts: Lag(events=6)})
        await source.close()

    asyncio.run(read())


def test_a_cancelled_read_loses_nothing(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(200)])

    async def interrupted() -> None:
        source = source_of(topics)
        await source.open({})
        found = list(await source.read(most=1))
        for turns in (0, 1, 2, 0, 3, 1, 0, 5):
            found += await cancelled_after(source, turns)
        while len(found) < 200:
            found += await source.read(most=50)
        assert ids(found) == list(range(200))
        await source.close()

    asyncio.run(interrupted())


def test_an_empty_topic_is_waited_at(topics: Topics) -> None:
    contacts = topics.make(partitions=2)

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.reads_nothing()
        topics.send(contacts, [event(1)])
        assert ids(await reading.take(1)) == [1]
        await reading.close()

    asyncio.run(read())


def test_a_run_that_holds_back_keeps_its_partitions_and_reads_no_more_than_it_may(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(6_000)])

    async def held() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(1, most=1)
        await asyncio.sleep(hold(2.5))  # long enough for the partitions to be paused
        rest = await reading.take(5_999)
        assert ids(reading.raws) == list(range(6_000))
        assert len(rest) == 5_999
        assert reading.told == []
        await reading.close()

    asyncio.run(held())


def test_what_is_acknowledged_is_told_to_the_group(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(10)
        await eventually(lambda: topics.committed(contacts) == {0: 10})
        topics.send(contacts, [event(10)])
        await reading.take(1)
        await reading.close()
        assert topics.committed(contacts) == {0: 11}

    asyncio.run(read())
