"""The intake: decode → envelope → ignore rules → schema. Whatever the bytes: accepted, ignored or refused.

In: a ``RoutesFile`` and the doors of its kinds of record. Out: a function of one ``Raw``.

It has two ways, and what both accept is the same (a test holds them together). Nearly every event is as it should be, and a
door's fast path tells so at once; everything it does not know, and everything that fails, goes the careful way from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orjson import loads

from syncflow.compiler.door.envelope import CompleteEvent, check_limits, compile_envelope, complete, parse
from syncflow.compiler.door.ignoring import Rule, compile_rules, ignoring, ignoring_late
from syncflow.compiler.door.schema import RecordValidator
from syncflow.compiler.door.shapes import NotAnEventError
from syncflow.compiler.door.timestamps import compile_clock
from syncflow.compiler.door.unchanged import Earlier, completed, is_excused
from syncflow.compiler.expressions import FAILURES, Emitter, compile_path
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.values import Fault, text_of_id
from syncflow.config.models.routes import RecordSettings, RoutesFile
from syncflow.errors import DataError
from syncflow.events import Accepted, Event, Ignored, Item, ItemPath, Json, Raw, Record, Refused
from syncflow.frozen import value_class

GONE = "an update of a record that is gone by now; the change that says so follows"
"""The reason why an event is ignored that leaves values out which are nowhere any more."""

ROOT = ("record", "operation", "timestamp", "item")
"""What expressions see of an event."""

_MANY = 1000

new_tuple = tuple.__new__  # twice as fast as a NamedTuple's own


@value_class
class _Kind:
    """What is known of one kind of record."""

    settings: RecordSettings
    door: RecordValidator
    id: Callable[[Any], Json]
    clock: Callable[[Json], float]


def compile_intake(
    routes: RoutesFile, doors: Mapping[str, RecordValidator]
) -> Callable[[Raw], Accepted | Ignored | Refused]:
    """Compile what happens to an event before it is routed.

    Raises:
        ExpressionError: an expression of the envelope, of a rule or of an id.
        ValueError: a time zone that does not exist.
    """
    if not any(settings.envelope for settings in routes.sources.values()):
        return _of_one_envelope(routes, doors)
    usual = _of_one_envelope(routes, doors)
    own = {
        name: _of_one_envelope(routes.model_copy(update={"envelope": settings.envelope}), doors)
        for name, settings in routes.sources.items()
        if settings.envelope is not None
    }
    return lambda raw: own.get(raw.position.partition.partition("/")[0], usual)(raw)


def _of_one_envelope(
    routes: RoutesFile, doors: Mapping[str, RecordValidator]
) -> Callable[[Raw], Accepted | Ignored | Refused]:
    rules = compile_rules(routes)
    careful = _careful(routes, doors, rules)
    everyday = _everyday(routes, doors)
    if not everyday:
        return careful

    def check(raw: Raw) -> Accepted | Ignored | Refused:
        try:
            root = loads(raw.body)
            read = everyday[root["record"]]
            event = None if raw.broken or raw.event_id else read(root)
            rule = None if event is None or not rules else ignoring(rules, event.root)
        except (*FAILURES, Fault):
            return careful(raw)
        if event is None:
            return careful(raw)
        return Accepted(raw, event) if rule is None else Ignored(raw, rule)

    return check


def _everyday(routes: RoutesFile, doors: Mapping[str, RecordValidator]) -> dict[Any, Callable[[Any], Event | None]]:
    """Return, by kind of record, what reads events that are as they nearly always are, and None of others."""
    settings = routes.envelope
    if settings.model_fields_set - {"operations", "each"} or settings.operations.keys() & {"create", "update"}:
        return {}
    return {name: _reader(name, record, doors[name]) for name, record in routes.records.items()}


def _reader(name: str, settings: RecordSettings, door: RecordValidator) -> Callable[[Any], Event | None]:
    fits, clock = door.fits_a_whole_event, compile_clock(settings.timezone)
    emitter = Emitter(door.root)
    id_of = emitter.function("id", emitter.expression(settings.id)).bare
    is_timed = settings.version == "timestamp"

    def read(root: Any) -> Event | None:
        if not fits(root):
            return None
        if len(root) != len(ROOT):
            if "unchanged" in root:  # it may say so of values that it leaves out
                return None
            root = {part: root.get(part) for part in ROOT}
        record_id, timestamp = id_of(root), root["timestamp"]
        if record_id.__class__ is not str:
            record_id = text_of_id(record_id)
        if not record_id or (is_timed and timestamp is None):
            return None
        seconds = None if timestamp is None else clock(timestamp)
        return Event(new_tuple(Record, (name, record_id)), root["operation"], root, seconds)

    return read


def _careful(
    routes: RoutesFile, doors: Mapping[str, RecordValidator], rules: Sequence[Rule]
) -> Callable[[Raw], Accepted | Ignored | Refused]:
    """Return the intake of any event, step by step, which finds the words for what is wrong."""
    opening = compile_opening(routes, rules)
    kinds = {
        name: _Kind(settings, doors[name], compile_path(settings.id, UNCHECKED), compile_clock(settings.timezone))
        for name, settings in routes.records.items()
    }

    def check(raw: Raw) -> Accepted | Ignored | Refused:
        record, event_id = None, raw.event_id
        try:
            letter = opening(raw)
            event_id = letter.event_id or event_id
            kind = _kind(kinds, letter)
            if kind.door.one_form is not None:
                kind.door.one_form(letter.item)
            record = Record(letter.kind, _record_id(kind, letter))
            return Accepted(raw, _event(kind, letter, record, event_id=event_id or None))
        except NotAnEventError as error:
            return Ignored(raw, str(error))
        except Fault as fault:
            return Refused(raw, fault.stage, fault.code, fault.reason, record=record, event_id=event_id)

    return check


def compile_opening(routes: RoutesFile, rules: Sequence[Rule] | None = None) -> Callable[[Raw], CompleteEvent]:
    """Return what reads an event without looking at a schema: decode, envelope, ignore rules.

    It raises NotAnEventError for an event that is ignored, Fault for one that cannot be read. This raises ExpressionError.
    """
    envelope = compile_envelope(routes.envelope, routes.records)
    asked = compile_rules(routes) if rules is None else rules

    def read(raw: Raw) -> CompleteEvent:
        if raw.broken:
            raise Fault("source", "unreadable", raw.broken)
        value = parse(raw.body)
        opened = envelope(value, raw.meta)
        rule = ignoring([each for each in asked if not each.needs(opened.unchanged)], opened.root)
        if rule is not None:
            raise NotAnEventError(rule)
        if value is not None:
            check_limits(raw.body, value)
        return complete(opened, routes.envelope.operations)

    return read


@value_class
class Completion:
    """How an event that leaves unchanged paths out gets their values from earlier events of its record."""

    told: Callable[[Raw], Earlier | None]
    """What an earlier event says of its record; None where it cannot be read."""
    complete: Callable[[Accepted, Iterable[Earlier]], Accepted | Ignored | Refused]
    """(event, what earlier ones said, newest first) → the event with the newest values. What none of them told is taken from what its
    source read with it; its ``unchanged`` are then the paths that are not known at all. It is ignored by a rule that reads such values, or
    where its record is gone; refused where the whole does not fit the schema."""


def compile_completion(routes: RoutesFile, doors: Mapping[str, RecordValidator]) -> Completion | None:
    """Compile what completes events; None where no envelope of the project can name unchanged paths. This raises ExpressionError."""
    is_named = any(
        envelope.shape == "debezium" or envelope.unchanged is not None for envelope in routes.envelopes.values()
    )
    if not is_named and not any(source.postgres is not None for source in routes.all_sources.values()):
        return None
    opening = _compile_rereading(routes)
    return Completion(_compile_told(routes, doors, opening), _compile_complete(routes, doors, opening))


def _compile_rereading(routes: RoutesFile) -> Callable[[Raw], CompleteEvent]:
    """Return what reads an event that was not ignored, by the envelope of its source."""
    usual = compile_opening(routes, ())
    own = {
        name: compile_opening(routes.model_copy(update={"envelope": settings.envelope}), ())
        for name, settings in routes.sources.items()
        if settings.envelope is not None
    }
    return lambda raw: own.get(raw.position.partition.partition("/")[0], usual)(raw)


def _compile_told(
    routes: RoutesFile, doors: Mapping[str, RecordValidator], opening: Callable[[Raw], CompleteEvent]
) -> Callable[[Raw], Earlier | None]:
    def told(raw: Raw) -> Earlier | None:
        try:
            letter = opening(raw)
        except (Fault, NotAnEventError):
            return None
        door = doors.get(letter.kind)
        if door is not None and door.one_form is not None:
            door.one_form(letter.item)
        settings = routes.records.get(letter.kind)
        is_whole = settings is not None and settings.items == "whole"
        return Earlier(letter.item, letter.unchanged, is_whole, letter.change == "delete")

    return told


def _compile_complete(
    routes: RoutesFile, doors: Mapping[str, RecordValidator], opening: Callable[[Raw], CompleteEvent]
) -> Callable[[Accepted, Iterable[Earlier]], Accepted | Ignored | Refused]:
    rules = compile_rules(routes)

    def complete(accepted: Accepted, earlier: Iterable[Earlier]) -> Accepted | Ignored | Refused:
        event, raw = accepted.event, accepted.raw
        item = event.root["item"]
        assert isinstance(item, dict), "it has passed the intake"
        item, missing = completed(item, event.unchanged, earlier)
        if missing:
            letter = opening(raw)
            if letter.is_gone:
                return Ignored(raw, GONE)
            if letter.now is not None:
                item, missing = completed(item, missing, [Earlier(letter.now, (), whole=False, is_delete=False)])
        root = {**event.root, "item": item}
        try:
            if rule := ignoring_late(rules, root, event.unchanged, missing):
                return Ignored(raw, rule)
            _check_item(doors[event.record.kind], item, missing)
        except Fault as fault:
            return Refused(raw, fault.stage, fault.code, fault.reason, record=event.record)
        return Accepted(raw, replace(event, root=root, unchanged=missing))

    return complete


def _kind(kinds: Mapping[str, _Kind], letter: CompleteEvent) -> _Kind:
    kind = kinds.get(letter.kind)
    if kind is None:
        raise Fault("schema", "unknown_record", f"no such kind of record; there is {', '.join(kinds)}")
    return kind


def _record_id(kind: _Kind, letter: CompleteEvent) -> str:
    root = letter.root if letter.now is None else letter.root | {"item": letter.item | letter.now}
    try:
        found = text_of_id(kind.id(root))
    except DataError as error:
        raise Fault("schema", "no_id", f"the record's id ({kind.settings.id}): {error.message}") from None
    if found is None:
        raise Fault(
            "schema", "no_id", f"the record has no id: {kind.settings.id} is absent, empty, or neither text nor integer"
        )
    return found


def _event(kind: _Kind, letter: CompleteEvent, record: Record, *, event_id: str | None) -> Event:
    if letter.change != "delete":
        _check_item(kind.door, letter.item, letter.unchanged)
    return Event(record, letter.change, letter.root, _timestamp(kind, letter), event_id, letter.unchanged)


def _check_item(door: RecordValidator, item: Item, unchanged: Sequence[ItemPath] = ()) -> None:
    misfits = door.misfits(item)
    if misfits and unchanged:
        misfits = [each for each in door.misfits(item, most=_MANY) if not is_excused(each.path, unchanged)][:5]
    if misfits:
        reason = "; ".join(f"item.{misfit.path} {misfit.message}".replace("item. ", "item ") for misfit in misfits)
        raise Fault("schema", misfits[0].code, reason)


def _timestamp(kind: _Kind, letter: CompleteEvent) -> float | None:
    value = letter.root["timestamp"]
    if value is None:
        if kind.settings.version == "timestamp":
            raise Fault("schema", "no_timestamp", "the event has no timestamp, and records here are ordered by it")
        return None
    try:
        return kind.clock(value)
    except (ValueError, OverflowError):
        raise Fault("schema", "timestamp", "the timestamp is neither ISO 8601 nor a number since the epoch") from None
