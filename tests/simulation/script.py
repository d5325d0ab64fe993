"""The events of a seed, and what they imply: an independent, simple-minded reading of the design's meanings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

SYSTEMS = {
    "lead": ("salesforce",),
    "prospect": ("salesforce",),
    "customer": ("hubspot",),
    "vendor": ("hubspot",),
    "partner": ("salesforce", "hubspot"),
}


@dataclass(frozen=True)
class Script:
    """``events[i]`` is number i + 1; ``ordered`` says whether they arrive in the order of their timestamps."""

    events: list[dict[str, Any]]
    by_timestamp: bool
    shared_handles: bool = False
    """Whether records contend for the same handles."""

    @property
    def invalid(self) -> set[int]:
        return {n for n, event in enumerate(self.events, 1) if event["item"].get("contact_type") == "alien"}

    @property
    def records(self) -> list[str]:
        return sorted({event["item"]["id"] for event in self.events if event["record"] in {"contacts", "profiles"}})

    @property
    def contacts(self) -> set[int]:
        return {n for n, event in enumerate(self.events, 1) if event["record"] == "contacts"}

    @property
    def profiles(self) -> set[int]:
        return {n for n, event in enumerate(self.events, 1) if event["record"] == "profiles"}


def write_script(random: Random) -> Script:
    """Draw events of a few records: creates, updates, deletes, changes of type, refused and invalid ones."""
    by_timestamp = random.random() < 0.4
    records = [f"R{i}" for i in range(random.randint(2, 12))]
    shared = random.random() < 0.3
    partial = random.choice((0.0, 0.0, 0.3))
    events = []
    for number in range(1, random.randint(10, 90) + 1):
        if random.random() < partial:
            events.append(_partial(random, number))
            continue
        item: dict[str, Any] = {
            "id": random.choice(records),
            "name": f"n{number}",
            "email": "",
            "phone": "refuse" if random.random() < 0.04 else None,
            "contact_type": "alien" if random.random() < 0.03 else random.choice(list(SYSTEMS)),
        }
        item["email"] = f"{item['id']}.{random.choice((1, 1, 1, 2, 3))}@sim.test"
        item["handle"] = (
            random.choice(("x", "X", "y", "z")) if shared else f"{item['id']}-{random.choice((1, 1, 2, 3))}"
        )
        operation = random.choices(("create", "update", "delete"), (5, 5, 2))[0]
        at = 1_600_000_000 + (number if not by_timestamp else number + random.randint(-6, 6))
        events.append({"record": "contacts", "operation": operation, "timestamp": at, "item": item})
    return Script(events, by_timestamp, shared)


def doubtful(script: Script, random: Random) -> Script:
    """Return a script with many a version that is refused right after another one, and a record that then wants the same handle."""
    events = list(script.events)
    places = [index for index, event in enumerate(events) if event["record"] == "contacts"]
    records = sorted({events[index]["item"]["id"] for index in places})
    if len(records) < 2:
        return script
    for number, place in enumerate(zip(places[::4], places[1::4], places[2::4], strict=False)):
        first, second = random.sample(records, 2)
        same = {"handle": f"d{number}", "contact_type": random.choice(("lead", "prospect"))}
        changes: list[dict[str, Any]] = [
            {"id": first, "phone": None},
            {"id": first, "phone": "refuse"},
            {"id": second, "phone": None},
        ]
        for index, change in zip(place, changes, strict=True):
            item = events[index]["item"] | same | change | {"email": f"{change['id']}.1@sim.test"}
            events[index] = events[index] | {"operation": "update", "item": item}
    return Script(events, script.by_timestamp, shared_handles=True)


def _partial(random: Random, number: int) -> dict[str, Any]:
    """Draw a change of some fields of a profile, which may come late; a delete comes in time."""
    item: dict[str, Any] = {"id": f"P{random.randint(1, 3)}"}
    operation = random.choices(("update", "delete"), (8, 1))[0]
    if operation == "update":
        for name in random.sample("abc", random.randint(1, 3)):
            item[name] = random.choice((f"n{number}", f"n{number}", None))
    at = 1_600_000_000 + number + (random.randint(-12, 0) if operation == "update" else 0)
    return {"record": "profiles", "operation": operation, "timestamp": at, "item": item}


def profiles(script: Script) -> dict[str, dict[str, str | None]]:
    """Return the profiles as the events imply them: the newest value of each field since the last delete."""
    found: dict[str, dict[str, str | None]] = {}
    for number in sorted(script.profiles, key=lambda n: (script.events[n - 1]["timestamp"], n)):
        event = script.events[number - 1]
        if event["operation"] == "delete":
            found.pop(event["item"]["id"], None)
        else:
            found.setdefault(event["item"]["id"], {}).update(event["item"])
    return found


@dataclass
class Implied:
    """What may be held at the end for one record in one system: any of these events' payloads; None means gone."""

    allowed: set[int | None] = field(default_factory=lambda: {None})
    ever: set[int | None] = field(default_factory=lambda: {None})
    """All that it may have looked like since the last delete."""


PEOPLE = {
    "lead": ("directory",),
    "prospect": ("archive",),
    "customer": ("directory",),
    "vendor": ("archive",),
    "partner": ("directory", "archive"),
}


def implied(script: Script, systems: Mapping[str, tuple[str, ...]] = SYSTEMS) -> dict[tuple[str, str], Implied]:
    """Return, for every (system, record), what it may look like in the end."""
    state: dict[tuple[str, str], Implied] = {}
    for number in _in_order(script):
        event = script.events[number - 1]
        record, kind = event["item"]["id"], event["item"]["contact_type"]
        if event["operation"] == "delete":
            for (_, name), entry in state.items():
                if name == record:
                    # Arriving late, a delete gives way to a newer version; if that is then refused, what was before stays.
                    entry.allowed, entry.ever = {None}, entry.ever | {None} if script.by_timestamp else {None}
        elif number not in script.invalid:
            for system in systems[kind]:
                entry = state.setdefault((system, record), Implied())
                # A refused version leaves what was there, and what that was depends on how many it superseded while it waited.
                refused = event["item"]["phone"] == "refuse"
                entry.allowed = set(entry.ever) if refused else {number}
                if refused and system == "archive":  # the old handle may have been deleted before
                    entry.allowed = entry.allowed | {None}
                entry.ever |= entry.allowed
    return state


def members(script: Script) -> dict[str, int]:
    """Return the mailing list as the events imply it: address → the event that the member's data are from."""
    found: dict[str, tuple[str, int]] = {}
    for number in _in_order(script):
        item = script.events[number - 1]["item"]
        if script.events[number - 1]["operation"] == "delete":
            found.pop(item["id"], None)
        elif item["contact_type"] == "customer":
            found[item["id"]] = (item["email"], number)
    return dict(found.values())


def _in_order(script: Script) -> list[int]:
    numbers = sorted(script.contacts)
    if not script.by_timestamp:
        return numbers
    return sorted(numbers, key=lambda n: (script.events[n - 1]["timestamp"], n))


def order_of(script: Script) -> dict[int, int]:
    """Return each event's place in the order of versions."""
    return {number: place for place, number in enumerate(_in_order(script))}
