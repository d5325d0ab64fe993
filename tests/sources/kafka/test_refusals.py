"""What the source ``kafka`` says of settings that cannot work, and what ``syncflow check`` finds, on a real broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from syncflow.clock import SystemClock
from syncflow.errors import SyncflowError
from syncflow.sources.kafka.build import kafka_sample
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers.kafka import Topics
from tests.sources.kafka.kit import Reading, event, ids, settings_of, source_of

READER = {"mechanism": "SCRAM-SHA-512", "user": "reader", "password": "secret-word"}
PLAIN = READER | {"mechanism": "PLAIN"}
TLS = {"ca": "ca.pem", "certificate": "client.pem", "key": "client-key.pem"}

_ACL = "kafka-acls --bootstrap-server … --add --allow-principal User:… --operation Read --operation Describe"


def said(topics: Topics, **settings: Any) -> str:
    """Return what opening, or the first read, fails with."""

    async def attempt() -> str:
        reading = Reading(source_of(topics, *settings.pop("names", ()), **settings))
        try:
            async with asyncio.timeout(PATIENCE):
                await reading.open()
                await reading.source.read(most=1)
        except SyncflowError as error:
            return f"{type(error).__name__}: {error.message} | {error.hint}"
        finally:
            await reading.close()
        return ""

    return asyncio.run(attempt())


def allow(topics: Topics, kind: ResourceType, name: str, operation: AclOperation = AclOperation.READ) -> None:
    pattern, allowed = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    acl = AclBinding(kind, name, pattern, "User:reader", "*", operation, allowed)
    topics.admin.create_acls([acl])[acl].result()


@pytest.mark.parametrize("sasl", [READER, PLAIN], ids=lambda sasl: sasl["mechanism"])
def test_a_user_with_the_rights_reads(topics: Topics, sasl: dict[str, str]) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(1)])
    allow(topics, ResourceType.TOPIC, contacts)
    allow(topics, ResourceType.GROUP, topics.group)

    async def read() -> None:
        reading = await Reading(source_of(topics, servers=topics.server.servers("sasl"), sasl=sasl)).open()
        assert ids(await reading.take(1)) == [1]
        await reading.close()

    asyncio.run(read())


def test_tls_with_a_certificate_of_ones_own_reads(topics: Topics) -> None:
    contacts = topics.make()
    topics.send(contacts, [event(1)])

    async def read() -> None:
        reading = await Reading(source_of(topics, servers=topics.server.servers("tls"), tls=TLS)).open()
        assert ids(await reading.take(1)) == [1]
        await reading.close()

    asyncio.run(read())


@pytest.mark.parametrize(
    ("listener", "settings", "words"),
    [
        (
            "sasl",
            {"sasl": READER | {"password": "wrong-word"}},
            "ProjectError: the brokers refuse the user or the password | check user, password and mechanism in `sasl`",
        ),
        (
            "sasl",
            {"sasl": READER | {"mechanism": "SCRAM-SHA-256"}},
            "ProjectError: the brokers do not know this way to sign in | check `mechanism` in `sasl`",
        ),
        (
            "sasl",
            {},
            "UnavailableError: the brokers cannot be reached | check `servers`, and whether they want `tls` or `sasl`",
        ),
        (
            "tls",
            {},
            "UnavailableError: the brokers cannot be reached | check `servers`, and whether they want `tls` or `sasl`",
        ),
        (
            "tls",
            {"tls": {}},
            "ProjectError: the certificate of the brokers is of no authority that is known here"
            " | name the authority: tls: {ca: FILE}",
        ),
        (
            "tls",
            {"tls": {"ca": "ca.pem"}},
            "ProjectError: the brokers do not accept our certificate | check `certificate` and `key` in `tls`",
        ),
        (
            "tls",
            {"tls": TLS | {"key": "ca-key.pem"}},
            "ProjectError: a file of `tls` cannot be used | the files must be PEM, the key fit the certificate, and `password` the key",
        ),
        (
            "plain",
            {"tls": {}},
            "UnavailableError: no TLS connection to the brokers came about | check `tls`, and the port in `servers`",
        ),
        (
            "plain",
            {"servers": "no-such-host.invalid:9092"},
            "UnavailableError: the host of a broker is not known | check `servers`",
        ),
        (
            "plain",
            {"names": ["no-such-topic"]},
            "ProjectError: there is no topic no-such-topic | check `topics`, or make it: `kafka-topics --create`",
        ),
    ],
    ids=[
        "password",
        "mechanism",
        "sasl-wanted",
        "tls-wanted",
        "authority",
        "no-certificate",
        "key",
        "no-tls-there",
        "host",
        "topic",
    ],
)
def test_settings_that_cannot_work_are_told_with_the_next_step(
    topics: Topics, listener: str, settings: dict[str, Any], words: str
) -> None:
    topics.make()
    found = said(topics, **({"servers": topics.server.servers(listener)} | settings))
    assert found == words
    assert "secret-word" not in found


def test_no_broker_at_the_address_is_told_within_seconds(topics: Topics) -> None:
    words = "UnavailableError: the brokers cannot be reached | check `servers`, and whether they want `tls` or `sasl`"
    assert said(topics, servers=f"127.0.0.1:{free_port()}") == words


def test_missing_rights_are_told_with_the_command_that_gives_them(topics: Topics) -> None:
    contacts = topics.make()
    user = {"servers": topics.server.servers("sasl"), "sasl": READER}
    assert (
        said(topics, **user) == f"ProjectError: the user may not read the topic {contacts} | {_ACL} --topic {contacts}"
    )
    allow(topics, ResourceType.TOPIC, contacts, AclOperation.DESCRIBE)
    allow(topics, ResourceType.GROUP, topics.group)
    assert (
        said(topics, **user) == f"ProjectError: the user may not read the topic {contacts} | {_ACL} --topic {contacts}"
    )


def test_a_missing_right_to_the_group_is_told(topics: Topics) -> None:
    contacts = topics.make()
    allow(topics, ResourceType.TOPIC, contacts)
    user = {"servers": topics.server.servers("sasl"), "sasl": READER}
    words = f"ProjectError: the user may not read as the group {topics.group} | {_ACL} --group {topics.group}"
    assert said(topics, **user) == words


def checked(topics: Topics, **settings: Any) -> list[tuple[bool, str, str]]:
    found = asyncio.run(source_of(topics, *settings.pop("names", ()), **settings).check())
    return [(each.is_good, each.words, each.hint) for each in found]


def test_check_says_what_is_there_and_what_is_missing(topics: Topics) -> None:
    contacts = topics.make(partitions=3)
    assert checked(topics) == [
        (True, "the brokers answer", ""),
        (True, f"the topic {contacts} has 3 partitions", ""),
        (True, f"the group {topics.group} has no members", ""),
    ]
    assert checked(topics, names=["nothing"])[1] == (
        False,
        "there is no topic nothing",
        "kafka-topics --bootstrap-server … --create --topic nothing",
    )
    user = {"servers": topics.server.servers("sasl"), "sasl": READER}
    allow(topics, ResourceType.TOPIC, contacts, AclOperation.DESCRIBE)
    allow(topics, ResourceType.GROUP, topics.group, AclOperation.DESCRIBE)
    assert checked(topics, **user) == [
        (True, "the brokers answer", ""),
        (False, f"the user may not read the topic {contacts}", f"{_ACL} --topic {contacts}"),
        (False, f"the user may not read as the group {topics.group}", f"{_ACL} --group {topics.group}"),
    ]


def test_a_sample_takes_the_first_messages_and_leaves_no_trace(topics: Topics) -> None:
    contacts = topics.make(partitions=2)
    for number in range(2):
        topics.send(contacts, [event(n) for n in range(number * 10, number * 10 + 5)], partition=number)

    async def sample() -> list[int]:
        source = kafka_sample(settings_of(topics), base=topics.server.folder, clock=SystemClock())
        await source.open({})
        found = []
        while raws := await source.read(most=3):
            found += ids(raws)
        await source.close()
        return found

    assert sorted(asyncio.run(sample())) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert topics.committed(contacts) == {}
    assert checked(topics)[2] == (True, f"the group {topics.group} has no members", "")
