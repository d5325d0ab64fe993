"""The source ``kafka`` on a real broker: what is handed out, where it goes on, what it says."""

from __future__ import annotations

import asyncio

from tests.servers.kafka import Topics
from tests.sources.kafka.kit import Reading, event, ids, source_of


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
