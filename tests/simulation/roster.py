"""Records that refer to others (``after``): teams and their staff, the vendor that keeps them, and what must hold of them.

A member of the staff names a team and a boss; routes make a person, a badge and a link of it. The vendor takes whatever comes, and notices
what names something that is not there and should be. Only some seeds have any of it (``RELATED_SHARE``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import httpx
import orjson

from tests.simulation.script import Script

Reply = tuple[int, Any, dict[str, str]]
Place = tuple[str, str]
"""An object and the key of one of its records."""

RELATED_SHARE = 0.25
"""Of the seeds."""
OBJECTS = ("teams", "staff", "badges", "links")
ROUTES = {"teams": "teams", "staff": "staff", "badge": "badges", "link": "links"}
REFERS = {
    "staff": {"team": "teams", "boss": "staff"},
    "badges": {"team": "teams"},
    "links": {"team": "teams", "who": "staff"},
}
"""Object → the fields that name a record, and the object of that one."""


def related(script: Script, random: Random) -> Script:
    """Return a script in which many events are of teams and staff, who often come before those that they name."""
    events = list(script.events)
    share = random.choice((0.3, 0.6, 0.9))
    teams = [f"T{number}" for number in range(random.randint(1, 4))]
    staff = [f"S{number}" for number in range(random.randint(1, 6))]
    deletes = random.choice((0, 0, 1))
    for place in range(len(events)):
        if random.random() < share:
            events[place] = _event(random, place + 1, teams=teams, staff=staff, deletes=deletes)
    return replace(script, events=events)


def _event(random: Random, number: int, *, teams: list[str], staff: list[str], deletes: int) -> dict[str, Any]:
    is_team = random.random() < 0.3
    item: dict[str, Any] = {"id": random.choice(teams if is_team else staff), "name": f"n{number}"}
    item["phone"] = "refuse" if random.random() < 0.04 else None
    if not is_team:
        item["team"] = random.choice((*teams, None))
        item["boss"] = random.choice((*staff, None, None, None))
    operation = random.choices(("create", "update", "delete"), (5, 5, deletes))[0]
    kind = "teams" if is_team else "staff"
    return {"record": kind, "operation": operation, "timestamp": 1_600_000_000 + number, "item": item}


@dataclass
class Roster:
    """``watches``: whether what names something that is not there is noticed."""

    held: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in OBJECTS})
    violations: list[str] = field(default_factory=list)
    effects: int = 0
    watches: bool = True
    early: list[tuple[Place, str]] = field(default_factory=list)
    """What was sent before a place that it refers to was filled, in words."""
    _maybe: set[Place] = field(default_factory=set)
    """What was sent and perhaps did not arrive: for the engine it is perhaps there."""
    _deleted_by: dict[Place, int] = field(default_factory=dict)
    _newest: dict[Place, int] = field(default_factory=dict)

    def unanswered(self, request: httpx.Request) -> None:
        """Note that a request had no effect, and no answer that says so."""
        self._maybe.add(_place(request))

    def answer(self, request: httpx.Request) -> Reply:
        place, delivery = _place(request), int(request.headers["X-Delivery"])
        held = self.held[place[0]]
        if request.method == "DELETE":
            if held.pop(place[1], None) is None:
                return 404, {}, {}
            self._deleted_by[place] = delivery
            return 204, "", {}
        fields = orjson.loads(request.content)
        if fields.get("phone") == "refuse":
            return 422, {"code": "RULE", "message": "a customer's rule"}, {}
        self._look(place, fields, delivery)
        self.effects += 1
        held[place[1]] = fields
        return 200, {}, {}

    def _look(self, place: Place, fields: dict[str, Any], delivery: int) -> None:
        number = int(fields["name"][1:])
        if number < self._newest.get(place, 0):
            self.violations.append(f"event {number} overwrote a newer version of {place}")
        self._newest[place] = max(number, self._newest.get(place, 0))
        for name, kind in REFERS.get(place[0], {}).items():
            other = (kind, fields.get(name) or "")
            if other[1] and other != place and self.watches and not self._was_there(other, delivery):
                self.early.append((other, f"event {number} of {place} was sent before {other}, which it refers to"))

    def _was_there(self, other: Place, delivery: int) -> bool:
        """Whether a record is there as anything, or may be for the engine, or was until a later delivery took it away."""
        places = [other] if other[0] == "teams" else [(name, other[1]) for name in OBJECTS[1:]]
        return any(
            key in self.held[name] or (name, key) in self._maybe or self._deleted_by.get((name, key), 0) > delivery
            for name, key in places
        )


def _place(request: httpx.Request) -> Place:
    _, place, key = request.url.path.split("/")
    return place, key


def unlike(script: Script, roster: Roster, database: Any) -> Iterator[str]:
    """Return what does not hold at the end: a record that is not as its last event, or was given up for no reason."""
    letters = database.execute(
        "SELECT e.record, e.offset, l.route, l.code, l.reason FROM dead_letters l JOIN events e ON e.seq = l.event "
        "WHERE l.system = 'roster'"
    ).fetchall()
    given_up = {(ROUTES[route], record) for record, _, route, _, _ in letters}
    gone = {record for _, record in given_up}
    # Of what was given up the engine may have to take it that it is there: a run died before, and nobody knows what it had sent.
    yield from [*roster.violations, *(words for (_, record), words in roster.early if record not in gone)][:3]
    events = [event for event in script.events if event["record"] in {"teams", "staff"}]
    last = {event["item"]["id"]: event for event in events}
    refused = {event["item"]["id"] for event in events if event["item"].get("phone") == "refuse"}
    for record, event in last.items():
        wanted = None if event["operation"] == "delete" else event["item"]["name"]
        for name in ("teams",) if event["record"] == "teams" else ("staff", "badges", "links"):
            found = roster.held[name].get(record, {}).get("name")
            if found != wanted and (name, record) not in given_up and record not in refused:
                yield f"{name} holds {found} of {record}, the events imply {wanted}"
    yield from _given_up_for_no_reason(events, letters, steady=_steady(events) - gone)


def _steady(events: Collection[dict[str, Any]]) -> set[str]:
    """Return the records that come and stay: none of their events deletes them or is refused."""
    shaky = {e["item"]["id"] for e in events if e["operation"] == "delete" or e["item"].get("phone") == "refuse"}
    return {event["item"]["id"] for event in events} - shaky


def _given_up_for_no_reason(events: Collection[dict[str, Any]], letters: Any, *, steady: set[str]) -> Iterator[str]:
    """A record may be missing only if it does not come and stay, or waits for the one that names it."""
    names: dict[str, set[str]] = {}
    for event in events:
        names.setdefault(event["item"]["id"], set()).update(
            other for other in (event["item"].get("team"), event["item"].get("boss")) if other
        )
    for record, number, route, code, reason in letters:
        if code != "missing_record":
            continue
        if route == "badge":
            yield f"the badge of event {number} of {record} was given up, though it may go without: {reason}"
        other = reason.removeprefix("it refers to ").split(",")[0].split()[1]
        if other in steady and record not in _reached(other, names):
            yield f"event {number} of {record} was given up by {route} for no reason: {reason}"


def _reached(record: str, names: dict[str, set[str]]) -> set[str]:
    """Return all that a record names, and what that names in turn."""
    found: set[str] = set()
    ahead = [record]
    while ahead:
        for other in names.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found
