"""The envelope: bytes of one event → what expressions see of it: ``record``, ``operation``, ``timestamp``, ``item``.

In: JSON text, and the ``envelope:`` of a project. Out: a ``CompleteEvent``. Knows nothing of schemas, routes or kinds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, NoReturn, TypeAlias

import orjson

from syncflow.compiler.door.shapes import NotAnEventError, compile_shape
from syncflow.compiler.door.shapes.parts import Shape
from syncflow.compiler.door.unchanged import paths_of, without
from syncflow.compiler.expressions import compile_path
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER
from syncflow.compiler.values import Fault, text_of_id
from syncflow.config.models.routes import Envelope, RecordSettings
from syncflow.errors import DataError
from syncflow.events import Change, Item, ItemPath, Json
from syncflow.frozen import value_class
from syncflow.patterns import lazy_pattern

TOMBSTONE = "null (a tombstone)"
"""The reason why an event whose whole body is null is ignored: change data capture writes one behind each delete."""

MAX_DEPTH = 100
"""Deepest nesting of an event."""

_DIGITS = bytes(ord("0") if chr(code).isdigit() and code < 128 else ord(" ") for code in range(256))
_LONG_NUMBER = b"0" * 19
_SHOWABLE = lazy_pattern(r"[A-Za-z_-]{1,20}\Z")
_CHANGES: dict[str, Change] = {"create": "create", "update": "update", "delete": "delete"}


class Opened(NamedTuple):
    """An event out of its envelope: what expressions see, the operation not yet known to be one, and the event's own id."""

    root: dict[str, Json]
    event_id: str | None
    fault: Fault | None = None
    """The first part that could not be read; it is null in ``root``, for rules that do not need it."""
    unchanged: tuple[ItemPath, ...] = ()
    """Paths of the item that did not change; the item does not hold them."""
    now: Item | None = None
    """What their record holds at these paths now, as its source read it with the event; None where it was not read."""
    is_gone: bool = False
    """Whether the source found the record gone when it looked for these values."""


@value_class
class CompleteEvent:
    """An event whose parts are all there. ``root`` is what expressions see."""

    kind: str
    change: Change
    item: Item
    root: dict[str, Json]
    event_id: str | None
    unchanged: tuple[ItemPath, ...] = ()
    now: Item | None = None
    is_gone: bool = False


def decode(body: bytes) -> Item:
    """Read one JSON object. Raises Fault for anything else, and for what would lose digits or is nested too deep."""
    value = parse(body)
    if value is None:
        raise Fault("source", "not_an_object", "the event is null: a tombstone, which says nothing")
    check_limits(body, value)
    return value


def parse(body: bytes) -> Item | None:
    """Read one JSON object, or the null of a tombstone, regardless of its limits. Raises Fault for anything else."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Fault("source", "not_json", f"not JSON: {_plain(error)}") from None
    if value is not None and not isinstance(value, dict):
        raise Fault("source", "not_an_object", "the event is not a JSON object")
    return value


def check_limits(body: bytes, value: Item) -> None:
    """Raise Fault for an event that is nested too deep, or whose integers the decoder had to round."""
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_depth(value)
    if _LONG_NUMBER in body.translate(_DIGITS):  # three times as fast as a regular expression
        _check_integers(body)


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


Opener: TypeAlias = "Callable[[Item | None, Item | None], Opened]"
"""Given the decoded body (None: a tombstone) and what came beside it. Raises Fault, and NotAnEventError for what is to be ignored."""


def compile_envelope(settings: Envelope, records: Mapping[str, RecordSettings]) -> Opener:
    """Return the opener of decoded events. This raises ExpressionError."""
    if settings.shape is not None:
        return _of_shape(compile_shape(settings, records))
    opener = _of_parts(settings)
    has_own_items = settings.item == "item" and settings.unchanged is None

    def unless_nothing(body: Item | None, meta: Item | None) -> Opened:
        if body is None:
            raise NotAnEventError(TOMBSTONE)
        opened = opener(body, meta)
        if meta is not None and has_own_items and meta.get("names_unchanged") is True:
            return _told_by_source(opened, body)
        return opened

    return unless_nothing


def _of_shape(shape: Shape) -> Opener:
    def read(body: Item | None, meta: Item | None) -> Opened:
        root, event_id, unchanged = shape(body, meta or {})
        return Opened(root, event_id, unchanged=unchanged)

    return read


def _of_parts(settings: Envelope) -> Callable[[Item, Item | None], Opened]:
    if not settings.model_fields_set - {"operations", "each"}:
        changes = settings.operations
        return lambda body, _meta: _opened(
            body.get("record"), body.get("operation"), body.get("timestamp"), body.get("item"), None, changes
        )
    return _by_expressions(settings)


def _by_expressions(settings: Envelope) -> Callable[[Item, Item | None], Opened]:
    texts = {name: getattr(settings, name) for name in ("record", "operation", "timestamp", "item", "id")}
    parts = {name: compile_path(text, UNCHECKED) for name, text in texts.items() if text is not None}
    unchanged = None if settings.unchanged is None else compile_path(settings.unchanged, UNCHECKED)

    def read(body: Item, meta: Item | None) -> Opened:
        if meta is not None:
            body = body | {"source": meta}
        found: dict[str, Json] = dict.fromkeys(texts)
        fault = None
        for name, part in parts.items():
            try:
                found[name] = part(body)
            except DataError as error:
                fault = fault or Fault("source", "envelope", f"envelope.{name}: {error.message}")
        record, operation, timestamp, item, event_id = found.values()
        opened = _opened(record, operation, timestamp, item, event_id, settings.operations)._replace(fault=fault)
        return opened if unchanged is None else _told_unchanged(opened, unchanged, body)

    return read


def _told_unchanged(opened: Opened, unchanged: Callable[[Item], Json], body: Item) -> Opened:
    """Take out of the item what the event names as unchanged."""
    try:
        paths = paths_of(unchanged(body))
    except DataError as error:
        return opened._replace(
            fault=opened.fault or Fault("source", "envelope", f"envelope.unchanged: {error.message}")
        )
    except Fault as fault:
        return opened._replace(fault=opened.fault or fault)
    item = opened.root["item"]
    if not paths or not isinstance(item, dict):
        return opened
    return opened._replace(root=opened.root | {"item": without(item, paths)}, unchanged=paths)


def _told_by_source(opened: Opened, body: Item) -> Opened:
    """Take note of what a source itself leaves out of its items (``sources.postgres.raws``), and of what is there now."""
    paths, now = paths_of(body.get("unchanged")), body.get("now")
    return opened._replace(
        unchanged=paths, now=now if isinstance(now, dict) else None, is_gone="now" in body and now is None
    )


def _opened(
    record: Json, operation: Json, timestamp: Json, item: Json, event_id: Json, changes: Mapping[str, Change]
) -> Opened:
    if isinstance(operation, str) and changes:
        operation = changes.get(operation, operation)
    root: dict[str, Json] = {"record": record, "operation": operation, "timestamp": timestamp, "item": item}
    return Opened(root, text_of_id(event_id))


def complete(opened: Opened, changes: Mapping[str, Change]) -> CompleteEvent:
    """Return the event with all its parts. Raises Fault for one that says too little, or what nobody knows."""
    if opened.fault is not None:
        raise opened.fault
    root = opened.root
    record, operation, item = root["record"], root["operation"], root["item"]
    if not isinstance(record, str) or not record:
        raise Fault("source", "no_record", "the event does not say which kind of record changed")
    change = _CHANGES.get(operation) if isinstance(operation, str) else None
    if change is None:
        _refuse_operation(operation, [*_CHANGES, *changes])
    if item is None and change == "delete":
        item = root["item"] = {}
    if not isinstance(item, dict):
        raise Fault("source", "no_item", "the event has no item, or one that is not an object")
    if change == "delete" or not opened.unchanged:
        return CompleteEvent(record, change, item, root, opened.event_id)
    return CompleteEvent(record, change, item, root, opened.event_id, opened.unchanged, opened.now, opened.is_gone)


def _refuse_operation(operation: Json, known: Iterable[str]) -> NoReturn:
    if operation is None:
        raise Fault("source", "no_operation", "the event does not say what happened to the record")
    shown = f" {operation}" if isinstance(operation, str) and _SHOWABLE.match(operation) else ""
    raise Fault("source", "unknown_operation", f"unknown operation{shown}, expected one of {', '.join(known)}")
