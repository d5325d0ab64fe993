"""Avro from a real broker, with a registry that is away for a while and a message that nobody can read."""

from __future__ import annotations

import asyncio
import json

from tests.patience import eventually
from tests.servers.kafka import Topics
from tests.servers.registry import running
from tests.sources.kafka.kit import Reading, source_of
from tests.sources.kafka.test_formats import ADA, PERSON, framed


def test_a_registry_that_is_away_is_waited_for_and_a_message_that_cannot_be_read_is_one_broken_event(
    topics: Topics,
) -> None:
    contacts = topics.make()
    first, poison, last = framed(7, PERSON, ADA), b"\0\0\0\0\x07\x02", framed(7, PERSON, ADA | {"id": 2})
    topics.send(contacts, [first, poison, last, None], keys=[b"1", b"2", b"3", b"1"])

    async def read() -> None:
        with running() as registry:
            source = source_of(topics, format={"avro": {"registry": registry.url}})
            reading = await Reading(source).open()
            registry.status = 503
            waiting = asyncio.create_task(reading.take(4))
            await eventually(lambda: reading.hear() or reading.told)
            registry.register(7, PERSON)
            registry.status = 200
            raws = await waiting
            assert [raw.broken for raw in raws] == ["", "the value does not fit schema 7", "", ""]
            assert [json.loads(raw.body)["id"] for raw in (raws[0], raws[2])] == [ADA["id"], 2]
            assert raws[3].body == b"null"
            words = "the schema registry answers with 503; it is tried again until it answers"
            assert reading.told == [("lost", words), ("back", "the source is connected again")]
            await reading.close()

    asyncio.run(read())
