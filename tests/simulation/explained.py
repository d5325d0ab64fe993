"""What a journal must say of each delivery: that it was made by the program of its time, and that what is there is its payload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.simulation.curse import Curse
from tests.simulation.programs import GONE, has_gone, text_of
from tests.simulation.script import Script
from tests.simulation.world import World

OPEN_STATES = "('waiting', 'sending', 'retrying')"


def ledger(database: Any, world: World, *, project: Path, version: str) -> list[str]:
    """Every delivered entry is booked once, with the text of the program that made it; others only where it is not known."""
    rows = database.execute(
        "SELECT d.read_at, d.id, d.record, e.offset, d.fingerprint, d.state, d.code FROM deliveries d "
        "JOIN events e ON e.seq = d.event WHERE d.system = 'ledger'"
    ).fetchall()
    wanted: dict[str, tuple[str, str]] = {}
    unknown: dict[str, tuple[str, str]] = {}
    for at, number, record, offset, fingerprint, state, code in rows:
        text = text_of(fingerprint, project, version).replace("m", "mn") + str(offset)
        if state == "delivered":
            wanted[f"{int(at * 1e6):x}-{number:x}"] = (record, text)
        elif code == "program_changed":  # given up while it was retried: it may have taken effect
            unknown[f"{int(at * 1e6):x}-{number:x}"] = (record, text)
    extra = {
        key: entry for key, entry in world.entries.items() if wanted.get(key) != entry and unknown.get(key) != entry
    }
    lacking = set(wanted) - set(world.entries)
    if extra or lacking:
        return [f"the ledger has {len(extra)} entries too many and lacks {len(lacking)}"]
    return []


def explained(database: Any, script: Script, world: World, *, project: Path, version: str, may_go: bool) -> list[str]:
    """Each event has the deliveries that the program of its time makes, and members hold the fields of theirs."""
    return [
        *(_routes_of_their_time(database, script, project=project, version=version) if may_go else ()),
        *_members_of_their_time(database, world, project=project, version=version),
    ]


def _routes_of_their_time(database: Any, script: Script, *, project: Path, version: str) -> list[str]:
    """A vendor's event was booked exactly if the program that planned it first has that route."""
    first: dict[int, str] = {}
    booked: set[tuple[int, str]] = set()
    for number, fingerprint, route in database.execute(
        "SELECT e.offset, d.fingerprint, d.route FROM deliveries d JOIN events e ON e.seq = d.event ORDER BY d.id"
    ):
        first.setdefault(number, fingerprint)
        if route == GONE:
            booked.add((number, fingerprint))
    found = []
    for number, fingerprint in first.items():
        event = script.events[number - 1]
        if event["operation"] == "delete" or event["item"].get("contact_type") != "vendor":
            continue
        is_booked = (number, fingerprint) in booked
        if is_booked is has_gone(fingerprint, project, version):
            found.append(
                f"event {number} was {'' if is_booked else 'not '}sent by the route {GONE}, against its program"
            )
    return found


def _members_of_their_time(database: Any, world: World, *, project: Path, version: str) -> list[str]:
    """A member was made by the mapping of a program that delivered its event."""
    made: dict[str, set[str]] = {}
    for offset, fingerprint in database.execute(
        "SELECT e.offset, d.fingerprint FROM deliveries d JOIN events e ON e.seq = d.event "
        "WHERE d.system = 'mailing' AND d.state = 'delivered'"
    ):
        made.setdefault(f"n{offset}", set()).add(text_of(fingerprint, project, version))
    return [
        f"the member {address} was made by {row['made_by']}, its deliveries by {sorted(made.get(row['name'], ()))}"
        for address, row in world.held["mailing"].items()
        if row["made_by"] not in made.get(row["name"], ())
    ]


def curse_kept_its_place(database: Any, curse: Curse) -> list[str]:
    """Of a record that fails for ever, nothing but its own deliveries may be left."""
    rows = database.execute(
        f"SELECT DISTINCT system, record FROM deliveries WHERE state IN {OPEN_STATES}"  # a constant
    )
    others = [f"{record} in {system}" for system, record in rows if not curse.concerns(system, record)]
    return [f"{curse.record} fails for ever in {curse.system}, and keeps back {', '.join(others)}"] if others else []
