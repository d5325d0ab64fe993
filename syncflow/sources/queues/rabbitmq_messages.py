"""A delivery of AMQP → a message: its id, and as JSON what came beside the body."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aiormq.abc import DeliveredMessage

from syncflow.events import Item, Json
from syncflow.sources.queues.base import Message

_PROPERTIES = (
    "message_id",
    "correlation_id",
    "content_type",
    "content_encoding",
    "message_type",
    "app_id",
    "timestamp",
)
"""Which are handed on, where a sender gave them; ``message_type`` is called ``type``."""

_DEEPEST = 20


def message_of(delivered: DeliveredMessage, *, source: str, queue: str, id_at: str) -> Message:
    """Return a delivery as a message. ``source`` is the name that makes an id one of its own among those of other queues."""
    properties = delivered.header.properties
    headers = properties.headers or {}
    given = headers.get(id_at.removeprefix("header:")) if id_at.startswith("header:") else getattr(properties, id_at)
    meta: Item = {"queue": queue, "exchange": delivered.exchange or "", "routing_key": delivered.routing_key or ""}
    for name in _PROPERTIES:
        value = getattr(properties, name)
        if value is not None and value != "":
            meta["type" if name == "message_type" else name] = json_of(value)
    meta["headers"] = json_of(headers)
    return Message(
        body=delivered.body, handle=delivered.delivery_tag, id=_id(given, source), meta=meta, broken=_broken(properties)
    )


def _id(given: Any, source: str) -> str:
    value = json_of(given)
    if value is None or value == "" or isinstance(value, bool | dict | list):
        return ""
    return f"{source}/{value}"


def _broken(properties: Any) -> str:
    encoding = (properties.content_encoding or "").lower()
    if encoding in {"", "utf-8", "utf8", "identity"}:
        return ""
    return "its content_encoding is not utf-8: packed bodies are not read"


def json_of(value: Any, *, depth: int = 0) -> Json:
    """Return a value of AMQP as JSON: times are ISO 8601, bytes are text or base64, decimals that a number cannot hold are text."""
    if isinstance(value, Mapping | list | tuple):
        if depth == _DEEPEST:
            return None
        if isinstance(value, Mapping):
            return {str(key): json_of(entry, depth=depth + 1) for key, entry in value.items()}
        return [json_of(entry, depth=depth + 1) for entry in value]
    if value is None or isinstance(value, bool | int):
        return value
    return _number_of(value) if isinstance(value, float | Decimal) else _text_of(value)


def _number_of(value: float | Decimal) -> Json:
    if not math.isfinite(value) or (isinstance(value, Decimal) and len(value.as_tuple().digits) > 15):
        return str(value)
    return float(value)


def _text_of(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if not isinstance(value, bytes | bytearray):
        return str(value).encode("utf-8", "replace").decode()
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
