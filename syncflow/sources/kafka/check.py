"""For ``syncflow check``: what the source finds over there. Nothing is read, and no group is joined."""

from __future__ import annotations

from collections.abc import Callable

from syncflow.config.models.source_kafka import KafkaSource
from syncflow.errors import SyncflowError
from syncflow.sources.base import Finding
from syncflow.sources.kafka.brokers import Brokers, GroupState, Topic
from syncflow.sources.kafka.errors import Trouble, not_allowed
from syncflow.sources.kafka.registry import Registry

_READING = frozenset({"READ", "ALL"})


def check_kafka_source(
    settings: KafkaSource,
    registry: Registry | None,
    make_brokers: Callable[[Trouble], Brokers],
    monotonic: Callable[[], float],
) -> list[Finding]:
    """Return what is good and what is not."""
    found = []
    try:
        brokers = make_brokers(Trouble(monotonic))
        topics = brokers.topics(settings.topics, with_rights=True)
        found.append(Finding("the brokers answer"))
        found += [_topic(name, topics.get(name)) for name in settings.topics]
        found.append(_group(settings.group, brokers.group(settings.group)))
    except SyncflowError as error:
        found.append(_bad(error))
    if registry is not None:
        try:
            registry.open()
            found.append(Finding("the schema registry answers"))
        except SyncflowError as error:
            found.append(_bad(error))
    return found


def _topic(name: str, topic: Topic | None) -> Finding:
    if topic is None:
        hint = f"kafka-topics --bootstrap-server … --create --topic {name}"
        return Finding(f"there is no topic {name}", hint, is_good=False)
    if topic.rights and not topic.rights & _READING:
        return _bad(not_allowed("topic", name))
    return Finding(f"the topic {name} has {topic.partitions} {'partition' if topic.partitions == 1 else 'partitions'}")


def _group(name: str, group: GroupState) -> Finding:
    if group.rights and not group.rights & _READING:
        return _bad(not_allowed("group", name))
    if group.members:
        members = "1 member" if group.members == 1 else f"{group.members} members"
        return Finding(f"the group {name} has {members}: another process reads for it, or a run of this project")
    return Finding(f"the group {name} has no members")


def _bad(error: SyncflowError) -> Finding:
    return Finding(error.message, error.hint, is_good=False, is_unreachable=error.code == "SF003")
