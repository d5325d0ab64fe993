"""The durable consumer of a JetStream stream: how one is made, and whether one that is there is right for us.

Knows no connection: the settings and what JetStream answers go in, and settings of a consumer or words come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncflow.config.models.source_nats import NatsSource
from syncflow.errors import ProjectError

MOST_PENDING = 10_000
"""How many messages a consumer that we make may have handed out; a run holds fewer."""

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Consumer:
    """What is to be known of one that is there."""

    acknowledges_all: bool
    """One acknowledgement counts for all messages before it."""
    wait_seconds: float
    """When it hands out again what nothing was heard of."""
    most: int | None
    """How many messages may be asked for at once."""
    pending: int
    unacknowledged: int
    delivered: int
    """The highest sequence that was handed out."""
    floor: int
    """The sequence up to which all is acknowledged."""
    gives_up_after: int | None
    """How often it hands a message out before it drops it."""


def wanted(settings: NatsSource) -> dict[str, Any]:
    """Return the configuration of a consumer to be made."""
    found: dict[str, Any] = {
        "durable_name": settings.consumer,
        "ack_policy": "explicit",
        "ack_wait": int(settings.ack_wait * _NANOSECONDS),
        "max_ack_pending": MOST_PENDING,
        "max_deliver": -1,
        "replay_policy": "instant",
        **_start(settings.start),
    }
    if len(settings.subjects) == 1:
        found["filter_subject"] = settings.subjects[0]
    elif settings.subjects:
        found["filter_subjects"] = list(settings.subjects)
    return found


def _start(start: str) -> dict[str, Any]:
    if start in {"all", "new"}:
        return {"deliver_policy": start}
    time = datetime.fromisoformat(start)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return {"deliver_policy": "by_start_time", "opt_start_time": time.isoformat().replace("+00:00", "Z")}


def consumer_of(info: Mapping[str, Any], settings: NatsSource) -> Consumer:
    """Return what is to be known of a consumer, of JetStream's answer.

    Raises:
        ProjectError: it cannot be read, or reads something else than the settings say.
    """
    config, name = info["config"], settings.consumer
    another = "name another one (`consumer:`), which is then made"
    if config.get("deliver_subject"):
        raise ProjectError(f"the consumer {name} is one that messages are pushed to", hint=another)
    if config.get("ack_policy", "none") == "none":
        raise ProjectError(f"the consumer {name} takes no acknowledgements: messages would be lost", hint=another)
    if config.get("headers_only"):
        raise ProjectError(f"the consumer {name} hands out headers without bodies", hint=another)
    theirs = subjects_of(config)
    if set(theirs) != set(settings.subjects) - {">"}:
        reads = ", ".join(theirs) or "all subjects"
        raise ProjectError(
            f"the consumer {name} reads {reads}, and `subjects` says {', '.join(settings.subjects) or 'all of them'}",
            hint=f"write `subjects: [{', '.join(theirs)}]`, or {another}"
            if theirs
            else f"leave `subjects` out, or {another}",
        )
    waits = config.get("backoff") or [config.get("ack_wait", 30 * _NANOSECONDS)]
    given_up = config.get("max_deliver", -1)
    return Consumer(
        acknowledges_all=config["ack_policy"] == "all",
        wait_seconds=min(waits) / _NANOSECONDS,
        most=config.get("max_batch") or None,
        pending=info.get("num_pending", 0),
        unacknowledged=info.get("num_ack_pending", 0),
        delivered=info.get("delivered", {}).get("stream_seq", 0),
        floor=info.get("ack_floor", {}).get("stream_seq", 0),
        gives_up_after=given_up if given_up > 0 else None,
    )


def subjects_of(config: Mapping[str, Any]) -> list[str]:
    """Return the subjects that a consumer reads; none: all."""
    one = config.get("filter_subject")
    found = list(config.get("filter_subjects") or ([one] if one else []))
    return [] if found == [">"] else found


def lacking(subjects: Sequence[str], held: Sequence[str]) -> list[str]:
    """Return those of ``subjects`` of which a stream that holds ``held`` has none."""
    return [subject for subject in subjects if not any(overlap(subject, each) for each in held)]


def overlap(one: str, other: str) -> bool:
    """Whether there can be a subject that both name."""
    ours, theirs = one.split("."), other.split(".")
    for mine, yours in zip(ours, theirs, strict=False):
        if ">" in {mine, yours}:
            return True
        if mine != yours and "*" not in {mine, yours}:
            return False
    return len(ours) == len(theirs)


def matches(subject: str, pattern: str) -> bool:
    """Whether a subject is one of those that a pattern names."""
    words, wanted_words = subject.split("."), pattern.split(".")
    for index, word in enumerate(wanted_words):
        if word == ">":
            return len(words) > index
        if index >= len(words) or word not in {"*", words[index]}:
            return False
    return len(words) == len(wanted_words)
