"""``syncflow plan``: what is planned is what the run then does, whatever the journal and the events."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from syncflow.adapters.jobs import PLACEHOLDER
from syncflow.compiler.changed import Changed
from syncflow.compiler.program import Program
from syncflow.events import Delivery
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.preview.planner import Ahead, look_ahead
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.preview.steps import Step
from syncflow.testing import ListSource, VirtualClock, run_virtually
from tests.runtime.test_presence_fuzz import answers_of
from tests.runtime.vendor import Vendor, live, to_a, vendor_program

SEEDS = 200
SENT = ("create", "change", "key_change", "unknown", "unchanged", "delete")


def planned(events: list[dict[str, Any]], path: Path, program: Program) -> tuple[Ahead, list[Step]]:
    """Plan events against a journal, which may not be there yet."""
    steps: list[Step] = []

    async def main(seeds: Seeds) -> Ahead:
        return await look_ahead(program, ListSource(events), seeds, clock=VirtualClock(), take=steps.append)

    if not path.exists():
        return run_virtually(main(Seeds(None, activation_of(program)))), steps
    with reading(path) as database:
        return run_virtually(main(Seeds(database, activation_of(program)))), steps


def history(random: Random, *, own_keys: bool) -> list[dict[str, Any]]:
    """Up to a dozen events of four records and four keys, or with a key for each record that never changes."""
    events = []
    for _ in range(random.randint(1, 12)):
        kind = random.choice(("one", "one", "two", "none"))
        id_ = random.choice("ABCD")
        item = {
            "id": id_,
            "contact_type": kind,
            "key": (f"k{id_}" if own_keys else random.choice(("k1", "k2", "K3", "k4")))
            + ("-two" if kind == "two" else ""),
            "name": f"n{random.randint(0, 2)}",
            "phone": f"p{random.randint(0, 1)}",
        }
        operation = random.choice(("create", "update", "update", "update", "delete"))
        events.append(
            {"record": "contacts", "operation": operation, "item": item, "timestamp": 1e9 + random.randint(0, 20)}
        )
    return events


def program_of(random: Random) -> Program:
    def to(name: str) -> Any:
        sends_changes = random.random() < 0.5
        return to_a(
            name,
            on_leave=random.choice(("keep", "delete")),
            on_key_change=random.choice(("update", "delete_old", "dead_letter")),
            changed=Changed() if sends_changes else None,
            remembers=sends_changes,
        )

    one, two = to("one"), to("two")
    return vendor_program(
        types={"one": [one], "two": [two]},
        version=random.choice(("arrival", "timestamp")),
        unrouted=random.choice(("ignore", "dead_letter")),
    )


class Did(NamedTuple):
    """What a run did: states by event, route and operation, and its dead letters by route and code."""

    states: dict[tuple[int, str, str], list[str]]
    letters: Counter[tuple[str, str]]


def did(path: Path, before: Did | None = None) -> Did:
    """Return what runs did with a journal, since ``before``."""
    states: dict[tuple[int, str, str], list[str]] = {}
    letters: Counter[tuple[str, str]] = Counter()
    if path.exists():
        with reading(path) as journal:
            sql = "SELECT event, route, operation, state FROM deliveries WHERE state != 'dead' ORDER BY id"
            for *place, state in journal.execute(sql):
                states.setdefault((place[0], place[1], place[2]), []).append(state)
            letters.update(map(tuple, journal.execute("SELECT route, code FROM dead_letters").fetchall()))
    if before is None:
        return Did(states, letters)
    done = ("delivered", "already_done", "superseded", "unchanged")
    old = {place for place, found in before.states.items() if all(state in done for state in found)}
    return Did({place: found for place, found in states.items() if place not in old}, letters - before.letters)


def agrees(step: Step, state: str) -> bool:
    """Whether a run did with a delivery what was planned; a lane may let the last of its deliveries carry several."""
    if step.effect == "gone":
        return state == "already_done"
    if step.effect == "overtaken":
        return state == "superseded"
    if step.effect == "unchanged" and not step.is_sent:
        return state == "unchanged"
    return state in {"delivered", "superseded"} or (step.delivery.operation == "delete" and state == "already_done")


def carried_out(vendor: Vendor, steps: list[Step]) -> tuple[dict[str, Any], list[str]]:
    """What the vendor holds once the steps are carried out in order, and in what a step was not as it said."""
    vendor, wrong = deepcopy(vendor), list[str]()
    vendor.answers = lambda _delivery, _attempt: "ok"
    for step in steps:
        if step.is_sent:
            each = with_id(vendor, step.delivery)
            wrong += unlike(vendor, replace(step, delivery=each))
            vendor._one(each)
    return {held.key: (held.owner, held.fields) for held in vendor.held.values()}, wrong


def with_id(vendor: Vendor, delivery: Delivery) -> Delivery:
    """Give a delivery the id that its record has by now."""
    if delivery.vendor_id != PLACEHOLDER:
        return delivery
    keys = {delivery.key.value.lower(), *delivery.frees}
    found = [id_ for id_, held in vendor.held.items() if held.owner == delivery.record.id and held.key in keys]
    return replace(delivery, vendor_id=found[0] if found else None)


def unlike(vendor: Vendor, step: Step) -> list[str]:
    """In what a step's effect is another than it says."""
    delivery = step.delivery
    id_ = delivery.vendor_id or vendor._find(delivery.key.value)
    held = vendor.held.get(id_ or "")
    words = f"{step.effect} {delivery.record.id} {delivery.key.value} {step.fields}: {held}"
    if step.effect in {"create", "delete"}:
        return [] if (held is None) == (step.effect == "create") else [words]
    if step.effect == "unknown":
        return []
    if held is None:
        return [words]
    differ = {name for name, value in delivery.payload.items() if name != "Ext" and held.fields.get(name) != value}
    return [] if step.unknown or differ == set(step.fields) else [f"{words}, not {differ}"]


def compared(seed: int, path: Path) -> list[str]:
    """Plan, then run: return where they differ."""
    random = Random(seed)
    program = program_of(random)
    vendor = Vendor()
    is_smooth, is_killed = random.random() < 0.6, random.random() < 0.2
    # What a killed run left open is sent while new events are planned: who gets a key then is a matter of time.
    is_smooth, own_keys = is_smooth and not is_killed, is_killed
    before: list[dict[str, Any]] = []
    if random.random() < 0.8:
        before = history(random, own_keys=own_keys)
        vendor.answers = (lambda _delivery, _attempt: "ok") if is_smooth else answers_of(random, 0.4)
        kill = (random.randint(3, 12), random.random() < 0.5) if is_killed else None
        live(before, path, vendor=vendor, program=program, kill=kill)
    vendor.answers = lambda _delivery, _attempt: "ok"
    events = [*before, *history(random, own_keys=own_keys)]
    known = did(path)
    ahead, steps = planned(events, path, program)
    after, wrong = carried_out(vendor, steps)
    live(events, path, vendor=vendor, program=program, chunk=random.choice((1, 3, 500)))
    done = did(path, known)
    problems, forgiven = unlike_the_run(steps, done)
    held = {held.key: (held.owner, held.fields) for held in vendor.held.values()}
    if held != after:
        problems.append(f"there is {held}, planned was {after}")
    dead = Counter({("", code): count for code, count in ahead.counts.dead.items()})
    for name, route in ahead.counts.routes.items():
        dead.update({(name, code): count for code, count in route.dead.items()})
    if dead - forgiven != done.letters:
        problems.append(f"dead letters: {done.letters}, planned were {dead}")
    return problems + (wrong if is_smooth else [])


def unlike_the_run(steps: list[Step], done: Did) -> tuple[list[str], Counter[tuple[str, str]]]:
    """In what a run did something else than the steps say, and which dead letters the last delivery of a lane carried."""
    left = {place: list(states) for place, states in done.states.items()}
    problems, carried = [], Counter[tuple[str, str]]()
    for step in steps:
        event, route = step.delivery.event, step.delivery.route
        places = [(event, route, operation) for operation in (step.delivery.operation, "upsert", "update")]
        states = next((left[place] for place in places if left.get(place)), [])
        if step.effect == "dead" and step.outcome is not None:
            if states and states[0] == "superseded":
                states.pop(0)
                carried[route, step.outcome.code] += 1
        elif not states or not agrees(step, states.pop(0)):
            problems.append(f"{step.effect} {places[0]}: {left.get(places[0])}")
    return problems + [f"not planned: {place} {states}" for place, states in left.items() if states], carried


@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_a_run_does_what_was_planned(first: int, tmp_path: Path) -> None:
    found = {seed: compared(seed, tmp_path / f"{seed}.db") for seed in range(first, first + 50)}
    assert {seed: problems for seed, problems in found.items() if problems} == {}
