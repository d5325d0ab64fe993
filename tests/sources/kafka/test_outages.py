"""The source ``kafka`` when connections are cut, the broker is killed, or another member of the group comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.kafka.group import Owned
from syncflow.sources.kafka.source import Kafka
from syncflow.sources.reopening import Reopening
from tests.patience import PATIENCE, eventually
from tests.servers.kafka import Server, Topics
from tests.servers.proxy import Proxy
from tests.sources.kafka.kit import Reading, event, ids, source_of

LOST = "the brokers cannot be reached; it is tried again until it answers"


def test_a_connection_that_is_cut_again_and_again_loses_and_repeats_nothing(topics: Topics) -> None:
    contacts = topics.make(partitions=2)

    async def cutting() -> None:
        proxy = Proxy(topics.server.ports["proxied"])
        await proxy.start(topics.server.ports["proxy"])
        reading = await Reading(source_of(topics, servers=topics.server.servers("proxy"))).open()
        for step in range(12):
            first = step * 100
            sent = [event(number) for number in range(first, first + 100)]
            await asyncio.to_thread(topics.send, contacts, sent, keys=[str(n).encode() for n in range(100)])
            if step % 2:
                proxy.cut()
            await reading.take(40, most=9)
        await reading.take(1_200 - len(reading.raws))
        assert sorted(ids(reading.raws)) == list(range(1_200))
        await reading.close()
        await proxy.close()

    asyncio.run(cutting())


def test_a_broker_that_is_killed_and_started_again_is_waited_for(topics: Topics, broker: Server) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])

    async def killed() -> None:
        reading = await Reading(source_of(topics)).open()
        await reading.take(10)
        waiting = asyncio.create_task(reading.take(1))
        broker.kill()
        try:
            await eventually(lambda: "lost" in [kind for kind, _ in reading.hear() or reading.told])
        finally:
            await asyncio.to_thread(broker.start)
        await asyncio.to_thread(topics.send, contacts, [event(10)])
        assert ids(await waiting) == [10]
        assert [kind for kind, _ in reading.told] == ["lost", "back"]
        assert reading.told[0] == ("lost", LOST)
        await reading.close()

    asyncio.run(killed())


def test_a_run_that_ends_while_no_broker_answers_ends(topics: Topics, broker: Server) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(n) for n in range(10)])

    async def ended() -> str:
        reading = await Reading(source_of(topics)).open()
        await reading.take(5, most=5)
        broker.kill()
        await reading.close()
        try:
            await Reading(source_of(topics)).open()
        except UnavailableError as error:
            return f"{error.message} | {error.hint}"
        return ""

    try:
        said = asyncio.run(ended())
    finally:
        broker.start()
    assert said == "the brokers cannot be reached | check `servers`, and whether they want `tls` or `sasl`"


def test_partitions_pass_to_another_member_and_back(topics: Topics) -> None:
    contacts = topics.make(partitions=4)

    def send(first: int) -> None:
        numbers = range(first, first + 400)
        topics.send(contacts, [event(n) for n in numbers], keys=[str(n).encode() for n in numbers])

    async def shared() -> None:
        one = await Reading(source_of(topics, project="one")).open()
        send(0)
        await one.take(400)
        await eventually(lambda: sum(topics.committed(contacts).values()) == 400)
        two = await Reading(source_of(topics, project=None)).open()
        mine, theirs = owned(one.source), owned(two.source)
        async with asyncio.timeout(PATIENCE):
            while not (len(mine()) == len(theirs()) == 2):
                await one.reads_nothing(seconds=0.1)
        send(1_000)
        both = [asyncio.create_task(drained(reading)) for reading in (one, two)]
        await eventually(lambda: len(one.raws) + len(two.raws) >= 800)
        assert sorted(ids(one.raws + two.raws)) == [*range(400), *range(1_000, 1_400)]
        await eventually(lambda: sum(topics.committed(contacts).values()) == 800)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        await two.close()
        send(2_000)
        last = await one.take(400)
        assert sorted(ids(last)) == list(range(2_000, 2_400))
        assert sorted(ids(one.raws + two.raws)) == [*range(400), *range(1_000, 1_400), *range(2_000, 2_400)]
        await one.close()

    asyncio.run(shared())


def owned(source: Reopening) -> Callable[[], Mapping[tuple[str, int], Owned]]:
    kafka = source._source
    assert isinstance(kafka, Kafka)
    group = kafka._group
    assert group is not None
    return lambda: group._owned


async def drained(reading: Reading) -> None:
    while True:
        await reading.take(1)


def test_two_runs_under_one_name_are_one_too_many(topics: Topics) -> None:
    topics.make()

    async def both() -> str:
        one = await Reading(source_of(topics)).open()
        await one.reads_nothing(seconds=1)
        two = await Reading(source_of(topics)).open()
        try:
            async with asyncio.timeout(PATIENCE):
                await one.source.read(most=1)
        except ProjectError as error:
            return f"{error.message} | {error.hint}"
        finally:
            await one.close()
            await two.close()
        return ""

    words = "another process reads under the name of this one | run a project once, or give each its own journal"
    assert asyncio.run(both()) == words
