"""The intake: decode → envelope → ignore rules → schema. Whatever the bytes: accepted, ignored or refused.

In: a ``RoutesFile`` and the doors of its kinds of record. Out: a function of one ``Raw``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncflow.compiler.code import compile_path
from syncflow.compiler.envelope import Letter, Opened, compile_envelope, complete, decode
from syncflow.compiler.schema import Door
from syncflow.compiler.scopes import UNCHECKED
from syncflow.compiler.timestamps import compile_clock
from syncflow.compiler.values import Fault, is_true, text_of_id
from syncflow.config.models.routes import RecordSettings, RoutesFile
from syncflow.errors import DataError
from syncflow.events import Accepted, Event, Ignored, Item, Json, Raw, Record, Refused


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of one kind of record."""

    settings: RecordSettings
    door: Door
    id: Callable[[Any], Json]
    clock: Callable[[Json], float]


def compile_intake(routes: RoutesFile, doors: Mapping[str, Door]) -> Callable[[Raw], Accepted | Ignored | Refused]:
    """Compile what happens to an event before it is routed.

    Raises:
        ExpressionError: an expression of the envelope, of a rule or of an id.
        ValueError: a time zone that does not exist.
    """
    envelope = compile_envelope(routes.envelope)
    rules = [(rule, compile_path(rule, UNCHECKED)) for rule in routes.ignore]
    kinds = {
        name: _Kind(settings, doors[name], compile_path(settings.id, UNCHECKED), compile_clock(settings.timezone))
        for name, settings in routes.records.items()
    }

    def check(raw: Raw) -> Accepted | Ignored | Refused:
        if raw.broken:
            return Refused(raw, "source", "unreadable", raw.broken)
        record = None
        try:
            opened = envelope(decode(raw.body))
            rule = _ignoring(rules, opened)
            if rule is not None:
                return Ignored(raw, rule)
            letter = complete(opened, routes.envelope.operations)
            kind = _kind(kinds, letter)
            record = Record(letter.kind, _record_id(kind, letter))
            return Accepted(raw, _event(kind, letter, record))
        except Fault as fault:
            return Refused(raw, fault.stage, fault.code, fault.reason, record=record)

    return check


def _ignoring(rules: Sequence[tuple[str, Callable[[Any], Json]]], opened: Opened) -> str | None:
    """Return the first rule that puts the event aside, whatever else the event says or leaves out."""
    for text, rule in rules:
        try:
            if is_true(rule(opened.root)):
                return text
        except DataError as error:
            raise Fault("source", "ignore_rule", f"the rule {text}: {error.message}") from None
    return None


def _kind(kinds: Mapping[str, _Kind], letter: Letter) -> _Kind:
    kind = kinds.get(letter.kind)
    if kind is None:
        raise Fault("schema", "unknown_record", f"no such kind of record; there is {', '.join(kinds)}")
    return kind


def _record_id(kind: _Kind, letter: Letter) -> str:
    try:
        found = text_of_id(kind.id(letter.root))
    except DataError as error:
        raise Fault("schema", "no_id", f"the record's id ({kind.settings.id}): {error.message}") from None
    if found is None:
        raise Fault(
            "schema", "no_id", f"the record has no id: {kind.settings.id} is absent, empty, or neither text nor integer"
        )
    return found


def _event(kind: _Kind, letter: Letter, record: Record) -> Event:
    if letter.change != "delete":
        _check_item(kind.door, letter.item)
    return Event(record, letter.change, letter.root, _timestamp(kind, letter), letter.event_id)


def _check_item(door: Door, item: Item) -> None:
    misfits = door.misfits(item)
    if misfits:
        reason = "; ".join(f"item.{misfit.path} {misfit.message}".replace("item. ", "item ") for misfit in misfits)
        raise Fault("schema", misfits[0].code, reason)


def _timestamp(kind: _Kind, letter: Letter) -> float | None:
    value = letter.root["timestamp"]
    if value is None:
        if kind.settings.version == "timestamp":
            raise Fault("schema", "no_timestamp", "the event has no timestamp, and records here are ordered by it")
        return None
    try:
        return kind.clock(value)
    except (ValueError, OverflowError):
        raise Fault("schema", "timestamp", "the timestamp is neither ISO 8601 nor a number since the epoch") from None
