"""What a replay would send for records, beside what was sent for them last. Pure: sends nothing, marks nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import orjson

from syncflow.compiler.program import Program
from syncflow.events import Ignored, Item, Json, Raw, Record, Refused, Routed
from syncflow.runtime.desk.replayable import Replayable


@dataclass(frozen=True, slots=True)
class Change:
    """One record at one route. ``route`` is empty where the event does not come to routes any more."""

    event: int
    record: Record
    route: str
    before: Item | None
    """What was sent last; None if nothing is known of it."""
    after: Item | None
    """What would be sent; None if nothing would be."""
    why: str = ""
    """Why nothing would be sent."""
    dead: bool = False
    """Whether it would be a dead letter."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a payload; None where the field is left out."""

    field: str
    before: tuple[Json] | None
    after: tuple[Json] | None


def preview(
    program: Program,
    rows: Iterable[Replayable],
    *,
    route: str = "",
    earlier: Callable[[Replayable], Iterable[Raw]] = lambda _: (),
) -> Iterator[Change]:
    """Yield what the program makes of each record's newest event; with ``route`` only there, where it goes there at all.

    ``earlier`` tells the events before one, for what it leaves out as unchanged.
    """
    for row in rows:
        for change in _changes(program, row, earlier(row)):
            if not route or change.route == route:
                yield change


def differences(change: Change) -> list[Difference]:
    """Return the fields in which the two payloads differ, in the order of the new one; empty where they are alike."""
    before, after = change.before or {}, change.after or {}
    names = [*after, *(name for name in before if name not in after)]
    found = [Difference(name, _field(before, name), _field(after, name)) for name in names]
    return [entry for entry in found if entry.before != entry.after]


def _field(payload: Item, name: str) -> tuple[Json] | None:
    return (payload[name],) if name in payload else None


def _changes(program: Program, row: Replayable, earlier: Iterable[Raw]) -> Iterator[Change]:
    fate = program.fate(row.raw, earlier)
    record = Record(row.kind, row.record)
    if isinstance(fate, Routed):
        yield from _routed(program, row, record, fate)
    elif isinstance(fate, Ignored):
        yield Change(row.event, record, "", None, None, f"ignored ({fate.rule})")
    else:
        yield _refused(row, record, fate)


def _routed(program: Program, row: Replayable, record: Record, fate: Routed) -> Iterator[Change]:
    today = {old: name for name, plan in program.routes.items() for old in plan.was}
    sent = {today.get(name, name): orjson.loads(payload) for name, payload in row.sent.items()}
    for match in fate.matches:
        if match.operation is None:
            yield Change(
                row.event, record, match.route, sent.get(match.route), None, "the route ignores this operation"
            )
        else:
            after = orjson.loads(orjson.dumps(match.payload))
            yield Change(row.event, record, match.route, sent.get(match.route), after)
    for failure in fate.failures:
        yield _refused(row, record, failure)
    taken = {match.route for match in fate.matches} | {failure.route for failure in fate.failures}
    for name in sorted({today.get(name, name) for name in row.present} - taken):
        if name in program.routes:
            kept = program.routes[name].on_leave == "keep"
            why = (
                "it left the route and stays there (on_leave: keep)" if kept else "it left the route: a delete is sent"
            )
            yield Change(row.event, record, name, sent.get(name), None, why)
    if not taken:
        dead = program.unrouted == "dead_letter"
        yield Change(row.event, record, "", None, None, "no route takes it", dead=dead)


def _refused(row: Replayable, record: Record, refused: Refused) -> Change:
    return Change(row.event, record, refused.route, None, None, f"{refused.stage}: {refused.reason}", dead=True)
