"""Where the source ``kafka`` begins, on a real broker: journal, group, ``start``, and logs that are not what they were."""

from __future__ import annotations

import asyncio

from confluent_kafka import TopicPartition

from tests.patience import eventually
from tests.servers.kafka import Topics
from tests.sources.kafka.kit import Reading, event, ids, source_of


def test_a_topic_that_nobody_has_read_begins_where_start_says(topics: Topics) -> None:
    contacts = topics.make()
    for second in range(3):
        topics.send(contacts, [event(second)], timestamp=1_700_000_000_000 + second * 1000)

    async def begun(start: str, group: str, mark: int) -> list[int]:
        reading = await Reading(source_of(topics, start=start, group=group)).open()
        await eventually(lambda: topics.committed(contacts, group=group))
        topics.send(contacts, [event(mark)])
        while not reading.raws or ids(reading.raws)[-1] != mark:
            await reading.take(1)
        await reading.close()
        return ids(reading.raws)

    async def each() -> None:
        assert await begun("earliest", f"{topics.mark}-1", 10) == [0, 1, 2, 10]
        assert await begun("2023-11-14T22:13:21Z", f"{topics.mark}-2", 11) == [1, 2, 10, 11]
        assert await begun("latest", f"{topics.mark}-3", 12) == [12]

    asyncio.run(each())


def test_a_partition_that_comes_later_is_read_from_its_first_message(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(0)])

    async def grown() -> None:
        reading = await Reading(source_of(topics, start="latest")).open()
        await eventually(lambda: topics.committed(contacts))
        await reading.close()
        topics.grow(contacts, 2)
        topics.send(contacts, [event(1)], partition=1)
        again = await reading.again(source_of(topics, start="latest")).open()
        assert ids(await again.take(1)) == [1]
        await again.close()

    asyncio.run(grown())


def test_a_group_that_has_read_before_is_taken_over_where_it_stands(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])
    topics.commit(contacts, 6)

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        assert ids(await reading.take(4)) == [6, 7, 8, 9]
        assert reading.told == []
        await reading.close()

    asyncio.run(read())


def test_the_journal_is_the_truth_where_the_group_stands_elsewhere(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])

    async def read() -> None:
        reading = await Reading(source_of(topics, project=None)).open()
        await reading.take(3, most=3)
        await reading.close()
        topics.commit(contacts, 8)
        again = await reading.again(source_of(topics)).open()
        assert ids(await again.take(7)) == [3, 4, 5, 6, 7, 8, 9]
        words = f"the group stands at 8 of {contacts}/0, the journal at 3: it goes on where the journal stands"
        assert again.told == [("noted", words)]
        await again.close()

    asyncio.run(read())


def test_messages_that_were_removed_unread_are_counted_and_told(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(3, most=3)
        await reading.close()
        topics.admin.delete_records([TopicPartition(contacts, 0, 7)])[TopicPartition(contacts, 0)].result()
        again = await reading.again(source_of(topics)).open()
        assert ids(await again.take(3)) == [7, 8, 9]
        words = f"4 messages of {contacts}/0 (offsets 3 to 6) were removed by the brokers before they were read; it goes on at 7"
        assert again.told == [("missed", words)]
        await again.close()

    asyncio.run(read())


def test_a_topic_that_was_made_again_between_runs_is_read_from_its_start(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(5)])

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(5)
        await reading.close()
        topics.remove(contacts)
        topics.make()
        topics.send(contacts, [event(n) for n in range(100, 110)])
        again = await reading.again(source_of(topics)).open()
        assert ids(await again.take(10)) == list(range(100, 110))
        assert {raw.position.partition for raw in again.raws} == {f"kafka:{contacts}/0#2"}
        words = f"{contacts}/0 was deleted and made again: all of it is read as new"
        assert again.told == [("again", words)]
        await again.close()
        third = await again.again(source_of(topics)).open()
        await third.reads_nothing(seconds=1)
        assert third.hear() == []
        await third.close()

    asyncio.run(read())


def test_a_topic_that_is_made_again_in_a_run_is_read_from_its_start(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(5)])

    async def read() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(5)
        topics.remove(contacts)
        topics.make()
        topics.send(contacts, [event(n) for n in range(100, 103)])
        assert ids(await reading.take(3)) == [100, 101, 102]
        assert ("again", f"{contacts}/0 was deleted and made again: all of it is read as new") in reading.told
        await reading.close()

    asyncio.run(read())
