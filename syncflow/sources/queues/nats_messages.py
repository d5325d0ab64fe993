"""Messages of a stream → messages of a queue: their id, and what came beside the body."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from nats.aio.msg import Msg

from syncflow.events import Item, Json
from syncflow.sources.queues.base import Message

_ID = "nats-msg-id"

_WORDS = 9


def is_repeated(handle: str) -> bool:
    """Whether a message was handed out before."""
    return _told(handle)[0] > 1


def _told(handle: str) -> tuple[int, int, int]:
    """Return how often a message was handed out, its number in the stream and its time."""
    # $JS.ACK.STREAM.CONSUMER.COUNT.SEQUENCE.NUMBER.TIME.PENDING, or with a domain and an account after ACK
    words = handle.split(".")
    first = 4 if len(words) == _WORDS else 6
    return int(words[first]), int(words[first + 1]), int(words[first + 3])


class Reader:
    """Reads the messages of one stream. ``made``: when the stream was made; one made again counts anew, and its messages are others."""

    def __init__(self, name: str, *, stream: str, made: str) -> None:
        self._stream = stream
        self._name = name
        self._made = hashlib.sha256(made.encode()).hexdigest()[:8]

    def handed_out(self, message: Msg) -> Message:
        """Return a message that a consumer has handed out."""
        _, sequence, nanoseconds = _told(message.reply)
        time = datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC) + timedelta(
            microseconds=nanoseconds // 1000 % 1_000_000
        )
        headers = message.headers or {}
        return self._message(
            message.data,
            message.reply,
            message.subject,
            sequence=sequence,
            time=time.isoformat(timespec="microseconds"),
            headers=headers,
        )

    def looked_up(self, stored: Mapping[str, Any]) -> Message:
        """Return a message that was read out of the stream by its number."""
        body, headers = base64.b64decode(stored.get("data", "")), _headers(base64.b64decode(stored.get("hdrs", "")))
        at = datetime.fromisoformat(stored["time"][:26].rstrip("Z") + "+00:00")
        time = at.isoformat(timespec="microseconds")
        return self._message(body, None, stored["subject"], sequence=stored["seq"], time=time, headers=headers)

    def _message(
        self, body: bytes, handle: str | None, subject: str, *, sequence: int, time: str, headers: Mapping[str, str]
    ) -> Message:
        named: dict[str, Json] = {str(name): _clean(value) for name, value in headers.items()}
        given = next((value for name, value in named.items() if name.lower() == _ID), None)
        meta: Item = {
            "subject": _clean(subject),
            "stream": self._stream,
            "sequence": sequence,
            "time": time,
            "headers": named,
        }
        id_ = f"{self._name}/{given}" if given else f"{self._name}#{self._made}:{sequence}"
        return Message(body=body, handle=handle, id=id_, meta=meta)


def _headers(block: bytes) -> dict[str, str]:
    lines = block.decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _clean(text: object) -> str:
    return str(text).encode("utf-8", "replace").decode()
