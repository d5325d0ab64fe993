"""Settings → what the client library is told. Its own words go nowhere: they may quote addresses."""

from __future__ import annotations

import hashlib
import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from syncflow.config.models.source_kafka import KafkaSource

ClientSettings: TypeAlias = dict[str, Any]

SESSION_SECONDS = 6
"""How long the brokers wait for a reader that has gone without a word, before another one of its group may read."""

_SILENT = logging.getLogger("syncflow.kafka.library")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def client_settings(settings: KafkaSource, *, base: Path) -> ClientSettings:
    """Return how any client reaches the brokers."""
    found: ClientSettings = {
        "bootstrap.servers": settings.servers,
        "client.id": "syncflow",
        "log_level": 0,
        "logger": _SILENT,
        "socket.keepalive.enable": True,
        "socket.timeout.ms": 10_000,
        "reconnect.backoff.max.ms": 2_000,
        "security.protocol": _protocol(settings),
    }
    if settings.sasl is not None:
        found |= {
            "sasl.mechanism": settings.sasl.mechanism,
            "sasl.username": settings.sasl.user,
            "sasl.password": settings.sasl.password,
        }
    if settings.tls is not None:
        files = {
            "ssl.ca.location": settings.tls.ca,
            "ssl.certificate.location": settings.tls.certificate,
            "ssl.key.location": settings.tls.key,
        }
        found |= {name: str(base / path) for name, path in files.items() if path is not None}
        if settings.tls.password:
            found["ssl.key.password"] = settings.tls.password
    return found


def _protocol(settings: KafkaSource) -> str:
    if settings.sasl is not None:
        return "SASL_PLAINTEXT" if settings.tls is None else "SASL_SSL"
    return "PLAINTEXT" if settings.tls is None else "SSL"


def reader_settings(settings: KafkaSource, *, base: Path) -> ClientSettings:
    """Return how a reader of the group is set up.

    Offsets that are not there are an error here and no reason to read elsewhere; the end of a partition is told, for what is behind it
    (markers of transactions) is never handed out.
    """
    return client_settings(settings, base=base) | {
        "group.id": settings.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "allow.auto.create.topics": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": SESSION_SECONDS * 1000,
        "heartbeat.interval.ms": 2_000,
        # What the library reads ahead, regardless of the number of partitions.
        "queued.max.messages.kbytes": 16_384,
        "queued.min.messages": 10_000,
        "fetch.queue.backoff.ms": 50,
        "topic.metadata.refresh.interval.ms": 30_000,
    }


def member_of(beside: Path | None, partitions: Mapping[str, int]) -> str:
    """Return a name for the reader of a project on this machine; empty where nothing is remembered.

    A member that comes back gets the partitions that it had, also where its topics have more by now: so their numbers are in its name.
    """
    if beside is None:
        return ""
    place = f"{socket.gethostname()}\n{beside.absolute()}\n{sorted(partitions.items())}"
    return f"syncflow-{hashlib.sha256(place.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
