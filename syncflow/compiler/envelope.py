"""The envelope: bytes of one event → what expressions see of it: ``record``, ``operation``, ``timestamp``, ``item``.

In: JSON text, and the ``envelope:`` of a project. Out: a ``Letter``. Knows nothing of schemas, routes or kinds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from syncflow.compiler.expressions import Expression, compile_expression
from syncflow.compiler.types import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.compiler.values import Fault, text_of_id
from syncflow.config.models.routes import Envelope
from syncflow.errors import DataError
from syncflow.events import Change, Item, Json

MAX_DEPTH = 100
"""Deepest nesting of an event."""

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_SHOWABLE = re.compile(r"[A-Za-z_-]{1,20}\Z")
_CHANGES: dict[str, Change] = {"create": "create", "update": "update", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Letter:
    """An event out of its envelope. ``root`` is what expressions see."""

    kind: str
    change: Change
    item: Item
    root: dict[str, Json]
    event_id: str | None


def decode(body: bytes) -> Item:
    """Read one JSON object. Raises Fault for anything else, and for what would lose digits or is nested too deep."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Fault("source", "not_json", f"not JSON: {_plain(error)}") from None
    if not isinstance(value, dict):
        raise Fault("source", "not_an_object", "the event is not a JSON object")
    if _LONG_NUMBER.search(body):
        _check_integers(body)
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_depth(value)
    return value


def _plain(error: orjson.JSONDecodeError) -> str:
    if "memory" in error.msg:  # the decoder's words for more than 1,024 levels
        return f"nested more than {MAX_DEPTH} deep"
    message = error.msg.partition(":")[0]
    byte = len(error.doc[: error.pos].encode(errors="replace")) + 1 if isinstance(error.doc, str) else error.pos + 1
    return f"{message} (byte {byte})"


def _check_integers(body: bytes) -> None:
    """Refuse integers of more than 64 bits; the fast decoder would round them to a decimal."""

    def read(digits: str) -> int:
        if len(digits) > 20 or not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
            raise Fault("source", "number_too_large", "an integer has more than 64 bits, and would lose digits")
        return 0

    json.loads(body, parse_int=read)


def _check_depth(value: Json) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise Fault("source", "too_deep", f"the event is nested more than {MAX_DEPTH} deep")
        level = [inner for outer in level for inner in _inside(outer)]


def _inside(value: Json) -> list[Json]:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [part for part in parts if isinstance(part, dict | list)]


def compile_envelope(settings: Envelope) -> Callable[[Item], Letter]:
    """Return the reader of decoded events. The reader raises Fault; this raises ExpressionError."""
    changes = {**_CHANGES, **settings.operations}
    if not settings.model_fields_set - {"operations"}:
        return lambda body: _letter(
            body.get("record"), body.get("operation"), body.get("timestamp"), body.get("item"), None, changes
        )
    record, operation, item = (
        compile_expression(settings.record),
        compile_expression(settings.operation),
        compile_expression(settings.item),
    )
    timestamp = None if settings.timestamp is None else compile_expression(settings.timestamp)
    event_id = None if settings.id is None else compile_expression(settings.id)

    def read(body: Item) -> Letter:
        return _letter(
            _part("record", record, body),
            _part("operation", operation, body),
            _part("timestamp", timestamp, body),
            _part("item", item, body),
            _part("id", event_id, body),
            changes,
        )

    return read


def _part(name: str, expression: Expression | None, body: Item) -> Json:
    if expression is None:
        return None
    try:
        return expression.evaluate(body)
    except DataError as error:
        raise Fault("source", "envelope", f"envelope.{name}: {error.message}") from None


def _letter(
    record: Json, operation: Json, timestamp: Json, item: Json, event_id: Json, changes: dict[str, Change]
) -> Letter:
    if not isinstance(record, str) or not record:
        raise Fault("source", "no_record", "the event does not say which kind of record changed")
    change = changes.get(operation) if isinstance(operation, str) else None
    if change is None:
        _refuse_operation(operation, changes)
    if item is None and change == "delete":
        item = {}
    if not isinstance(item, dict):
        raise Fault("source", "no_item", "the event has no item, or one that is not an object")
    root: dict[str, Any] = {"record": record, "operation": change, "timestamp": timestamp, "item": item}
    return Letter(record, change, item, root, text_of_id(event_id))


def _refuse_operation(operation: Json, changes: dict[str, Change]) -> NoReturn:
    if operation is None:
        raise Fault("source", "no_operation", "the event does not say what happened to the record")
    shown = f" {operation}" if isinstance(operation, str) and _SHOWABLE.match(operation) else ""
    raise Fault("source", "unknown_operation", f"unknown operation{shown}, expected one of {', '.join(changes)}")
