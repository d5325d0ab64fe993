"""What a simulated life must have come to: journal, world and script compared. ``judge`` returns all that does not hold.

An oracle is a method that appends what it found; none changes what it looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncflow.runtime.desk.checkup import problems
from syncflow.runtime.ending import Ending
from syncflow.runtime.journal.sqlite.database import connect
from tests.simulation.explained import explained, ledger
from tests.simulation.programs import Variant
from tests.simulation.roster import unlike
from tests.simulation.script import PEOPLE, Script, implied, members, order_of, profiles
from tests.simulation.world import MOST_WHILE_DOWN, NAMES, World


@dataclass(frozen=True)
class Evidence:
    """What a seed leaves: its events, the other side, the journal's file, and what was chosen for it."""

    script: Script
    world: World
    path: Path
    project: Path
    version: str
    variants: Sequence[Variant]
    attempts: int
    settled_twice: Sequence[int]
    people_asked: bool


def judge(evidence: Evidence, ending: Ending) -> list[str]:
    """Return what does not hold at the end of the last life."""
    oracles = _Oracles(evidence)
    with closing(connect(evidence.path)) as database:
        oracles.look(database, ending)
    return oracles.violations


@dataclass
class _Oracles:
    evidence: Evidence
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.script, self.world = self.evidence.script, self.evidence.world

    def look(self, database: Any, ending: Ending) -> None:
        if ending.stopped or ending.systems_stopped:
            self.violations.append(f"it ended early: {ending.stopped} {ending.systems_stopped}")
        self.violations += self.world.violations[:3]
        self.violations += [f"delivery {number} was settled twice" for number in self.evidence.settled_twice]
        self._every_event_is_accounted_for(database)
        self._every_delivery_is_settled(database)
        self._what_was_refused_is_not_called_delivered(database)
        self._the_other_side_is_what_the_events_imply()
        self._the_mailing_list_follows_every_move()
        self._versions_took_effect_in_order()
        self._deliveries_are_of_the_program_of_their_time(database)
        self._people_are_who_they_are(database)
        self._the_newest_value_of_each_field_won()
        self.violations += unlike(self.script, self.world.roster, database)
        self._the_cursed_record_ended_by_its_own_retry()
        if self.world.asked_while_down > MOST_WHILE_DOWN * self.world.down_seconds + 60:
            self.violations.append(f"{self.world.asked_while_down} requests were sent to a host that was down")
        self._the_journal_agrees_with_itself()

    def _deliveries_are_of_the_program_of_their_time(self, database: Any) -> None:
        project, version = self.evidence.project, self.evidence.version
        self.violations += ledger(database, self.world, project=project, version=version)
        may_go = "gone" in self.evidence.variants
        self.violations += explained(database, self.script, self.world, project=project, version=version, may_go=may_go)

    def _is_cursed(self, system: str, record: str) -> bool:
        return self.world.curse is not None and self.world.curse.concerns(system, record)

    def _every_event_is_accounted_for(self, database: Any) -> None:
        states = dict(database.execute("SELECT offset, state FROM events").fetchall())
        seen = database.execute("SELECT count(*) FROM events").fetchone()[0]
        missing = set(range(1, len(self.script.events) + 1)) - set(states)
        if missing or seen != len(states):
            self.violations.append(f"events lost: {sorted(missing)}, journaled {seen} for {len(states)} positions")
        for number in self.script.invalid:
            event = self.script.events[number - 1]
            if event["operation"] != "delete" and states.get(number) != "dead":
                self.violations.append(f"event {number} does not fit the schema and is {states.get(number)}")

    def _the_journal_agrees_with_itself(self) -> None:
        self.violations += [f"the journal disagrees with itself: {problem}" for problem in problems(self.evidence.path)]

    def _every_delivery_is_settled(self, database: Any) -> None:
        still = database.execute("SELECT id, state FROM deliveries WHERE settled_at IS NULL").fetchall()
        if still:
            self.violations.append(f"deliveries not settled: {still}")
        for number, code, system in database.execute(
            "SELECT e.offset, d.code, d.system FROM dead_letters d JOIN events e ON e.seq = d.event WHERE d.stage = 'delivery'"
        ):
            if code == "key_taken" and self.script.shared_handles:
                continue
            if code == "missing_record":
                continue  # the roster says whether that is right
            if code == "key_changed" and self._was_refused_before(number):
                continue  # its first write got no answer, and what superseded that was refused: it is perhaps there under another key
            if code == "program_changed" and system == "ledger" and "gone" in self.evidence.variants:
                continue
            if self._is_cursed(system, self.script.events[number - 1]["item"]["id"]):
                continue
            if self.script.events[number - 1]["item"].get("phone") != "refuse":
                self.violations.append(f"event {number} is a dead letter of {system} for no reason: {code}")

    def _was_refused_before(self, number: int) -> bool:
        """Whether a version of the record that came to be written before an event was refused."""
        order, events = order_of(self.script), self.script.events
        return any(
            event["item"]["id"] == events[number - 1]["item"]["id"]
            and event["item"].get("phone") == "refuse"
            and order[other] < order[number]
            for other, event in enumerate(events, 1)
            if other in order
        )

    def _what_was_refused_is_not_called_delivered(self, database: Any) -> None:
        refused = self.world.refused.union(*(directory.refused for directory in self.world.directories.values()))
        for system, number, state in database.execute(
            "SELECT d.system, e.offset, d.state FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.operation = 'upsert'"
        ):
            if (system, number) in refused and state not in {"dead", "superseded"}:
                self.violations.append(f"{system} refused event {number}, and its delivery is {state}")

    def _the_other_side_is_what_the_events_imply(self) -> None:
        state = implied(self.script)
        for (system, record), entry in state.items():
            if self._is_cursed(system, record):
                continue
            row = self.world.held[system].get(record)
            found = int(row[NAMES[system]].removeprefix("n")) if row else None
            if found not in entry.allowed:
                self.violations.append(
                    f"{system} holds event {found} of {record}, the events imply {sorted(map(str, entry.allowed))}"
                )
        for system in ("salesforce", "hubspot"):
            rows = self.world.held[system]
            self.violations += [
                f"{system} holds {record} for no reason" for record in rows if (system, record) not in state
            ]

    def _the_mailing_list_follows_every_move(self) -> None:
        found = {address: int(row["name"].removeprefix("n")) for address, row in self.world.held["mailing"].items()}
        wanted = members(self.script)
        for addresses in (found, wanted):
            for address in [each for each in addresses if self._is_cursed("mailing", each.split(".")[0])]:
                del addresses[address]
        if found != wanted:
            self.violations.append(f"the mailing list is {found}, the events imply {wanted}")

    def _people_are_who_they_are(self, database: Any) -> None:
        """Nobody is written over or taken away for another; who has no dead letter is as the events imply."""
        given_up = {
            (system, record)
            for system, record in database.execute(
                "SELECT l.system, e.record FROM dead_letters l JOIN events e ON e.seq = l.event WHERE l.code != 'RULE'"
            )
        }
        state = implied(self.script, PEOPLE)
        for name, directory in self.world.directories.items():
            self.violations += directory.violations[:3]
            found: dict[str, list[int]] = {}
            for held in directory.people.values():
                found.setdefault(held["ref"], []).append(int(held["name"][1:]))
            for (system, record), entry in state.items():
                if system != name or (system, record) in given_up:
                    continue
                there = found.get(record, [])
                if len(there) > 1 or (there[0] if there else None) not in entry.allowed:
                    allowed = sorted(map(str, entry.allowed))
                    self.violations.append(f"{name} holds events {there} of {record}, the events imply {allowed}")

    def _the_newest_value_of_each_field_won(self) -> None:
        implied_profiles, held = profiles(self.script), self.world.profiles.held
        for record in sorted(implied_profiles.keys() | held.keys()):
            if not self._is_cursed("profile", record) and held.get(record) != implied_profiles.get(record):
                self.violations.append(
                    f"the profile {record} is {held.get(record)}, the events imply {implied_profiles.get(record)}"
                )

    def _versions_took_effect_in_order(self) -> None:
        order = order_of(self.script)
        last: dict[tuple[str, str], int] = {}
        for effect in self.world.effects:
            place = (effect.system, effect.record)
            if effect.event is None:
                continue
            if order[effect.event] < last.get(place, -1):
                self.violations.append(
                    f"event {effect.event} overwrote a newer version of {effect.record} in {effect.system}"
                )
            last[place] = max(order[effect.event], last.get(place, -1))

    def _the_cursed_record_ended_by_its_own_retry(self) -> None:
        curse = self.world.curse
        if curse is None or self.evidence.people_asked:
            return
        if often := curse.tried_too_often(self.evidence.attempts):
            self.violations.append(
                f"{curse.record} was tried too often in {curse.system} while others succeeded: {often}"
            )
