"""Unchanged paths: an event may leave out what did not change. What a field mixes with it comes from the record's earlier events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.build import build
from syncflow.compiler.program import Program
from syncflow.config.project import load_project
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.replay import preview
from syncflow.runtime.desk.replayable import events_before, replayable
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, ListSource, VirtualClock, run_virtually

ROUTES = """
version: 1
source: {{stdin: {{}}}}
envelope: {envelope}
records:
  people: {{schema: person.yaml{more}}}
systems:
  crm:
    adapter:
      adapter: crm
      base_url: "https://crm.example"
      objects: {{person: {{keys: [ref]}}}}
      operations:
        upsert: {{repeat: safe, request: {{post: /people, json: payload}}, answer: {{}}}}
        delete: {{repeat: safe, request: {{delete: "/people/{{{{ key.value }}}}"}}}}
routes:
  - {{to: crm, mapping: mapping.yaml{rule}}}
"""
SCHEMA = """
type: object
required: [id, first, last, bio]
properties:
  id: {type: string, minLength: 1}
  first: {type: string}
  last: {type: string}
  bio: {type: string}
  kind: {type: string}
"""
MAPPING = """
source: people
target: crm/person
key: ref
fields:
  ref: item.id
  name: "{{ item.first }} {{ item.last }}"
  bio: upper(item.bio)
"""
NAMED = "{unchanged: unchanged}"
BOOK = "a long text"


def program(folder: Path, *, envelope: str = NAMED, mapping: str = MAPPING, rule: str = "", more: str = "") -> Program:
    (folder / "routes.yaml").write_text(ROUTES.format(envelope=envelope, rule=rule, more=more), "utf-8")
    (folder / "person.yaml").write_text(SCHEMA, "utf-8")
    (folder / "mapping.yaml").write_text(mapping, "utf-8")
    return build(load_project(folder / "routes.yaml", environment={}))


def event(*unchanged: str, operation: str = "update", record: str = "A", **item: str) -> dict[str, Any]:
    whole = {"id": record, "first": "Ada", "last": "Lee", "bio": BOOK} | item
    left = {name: value for name, value in whole.items() if name not in unchanged}
    root = {"record": "people", "operation": operation, "timestamp": None, "item": left}
    return root | ({"unchanged": list(unchanged)} if unchanged else {})


class Life:
    """One project whose events come run by run, each run going on where the one before it ended."""

    def __init__(
        self, folder: Path, made: Program, *, systems: FakeSystems | None = None, journal: Path | None = None
    ) -> None:
        self.path, self.program, self.systems = journal or folder / "j.db", made, systems or FakeSystems()
        self.path.parent.mkdir(exist_ok=True)
        self._events: list[Mapping[str, Any]] = []

    def live(self, *events: Mapping[str, Any]) -> Ending:
        self._events += events
        clock = VirtualClock()
        journal = SqliteJournal(self.path, inline=True, now=clock.now)
        engine = Engine(
            self.program,
            source=ListSource(self._events),
            journal=journal,
            systems=self.systems,
            clock=clock,
            wait_seconds=1000,
        )
        return run_virtually(engine.run())

    @property
    def sent(self) -> list[Any]:
        """The payloads of all requests."""
        batches = self.systems.by_name["crm"].batches if self.systems.by_name else []
        return [delivery.payload for batch in batches for delivery in batch.deliveries]

    def reasons(self) -> list[str]:
        with closing(connect(self.path, read_only=True)) as journal:
            return [
                f"{stage} {code}: {reason}"
                for stage, code, reason in journal.execute("SELECT stage, code, reason FROM dead_letters ORDER BY id")
            ]


WHOLE = {"ref": "A", "name": "Ada Lee", "bio": "A LONG TEXT"}


def test_a_field_of_an_unchanged_path_is_left_out_where_it_is_there_already(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event())
    life.live(event("bio", first="Eve"))
    life.live(event("bio", first="Ida"))
    assert life.sent == [WHOLE, {"ref": "A", "name": "Eve Lee"}, {"ref": "A", "name": "Ida Lee"}]
    assert life.reasons() == []


def test_a_field_that_mixes_takes_the_last_journaled_item_for_what_did_not_change(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event(last="Old"))
    life.live(event(last="New"))
    for number in range(45):  # further back than one page of the journal
        life.live(event("last", "bio", first=f"N{number}"))
    assert life.sent[2:] == [{"ref": "A", "name": f"N{number} New"} for number in range(45)]
    assert life.reasons() == []


def test_within_one_chunk_too_what_is_known_comes_from_the_event_before(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event(last="New"), event("last", "bio", first="Eve"), event("last", first="Ida", bio="b"))
    assert life.sent[-1] == {"ref": "A", "name": "Ida New", "bio": "B"}
    assert life.systems.by_name["crm"].held["person", "A"] == {"ref": "A", "name": "Ida New", "bio": "B"}


def test_a_value_that_never_arrived_there_is_sent_with_the_next_event_that_leaves_it_out(tmp_path: Path) -> None:
    def refuse_first(batch: Batch, number: int) -> BatchResult | None:
        return BatchResult((Outcome(Verdict.REJECTED, code="BAD"),)) if number == 1 else None

    life = Life(tmp_path, program(tmp_path), systems=FakeSystems(refuse_first))
    life.live(event())
    life.live(event(bio="new"))
    life.live(event("bio", first="Eve"))
    assert life.sent[1:] == [WHOLE | {"bio": "NEW"}, {"ref": "A", "name": "Eve Lee", "bio": "NEW"}]


def test_a_value_of_an_event_whose_mapping_failed_is_sent_with_the_next_one(tmp_path: Path) -> None:
    mapping = MAPPING.replace('"{{ item.first }} {{ item.last }}"', "to_integer(item.first)").replace("name:", "age:")
    life = Life(tmp_path, program(tmp_path, mapping=mapping + "unreadable: dead_letter\n"))
    life.live(event(first="1"))
    life.live(event(first="x", bio="new"))
    life.live(event("bio", first="2"))
    assert life.sent == [{"ref": "A", "age": 1, "bio": "A LONG TEXT"}, {"ref": "A", "age": 2, "bio": "NEW"}]


def test_without_an_earlier_event_a_field_of_its_own_is_left_out_and_one_that_mixes_is_a_dead_letter(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event("bio"))
    life.live(event("last", "bio", record="B"))
    assert life.sent == [{"ref": "A", "name": "Ada Lee"}]
    assert life.reasons() == [
        "mapping unchanged: name: reads item.last, which the event leaves out as unchanged,"
        " and no earlier event in the journal tells it"
    ]


def test_an_event_that_leaves_out_what_identifies_its_record_is_a_dead_letter(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event("id", operation="create"))
    assert life.reasons() == [
        "schema no_id: the record has no id: item.id is absent, empty, or neither text nor integer"
    ]


def test_a_rule_that_reads_an_unchanged_path_is_decided_by_the_last_journaled_item(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, rule=", when: item.kind == 'lead'"))
    life.live(event(kind="lead"))
    life.live(event("kind", first="Eve"))
    life.live(event("kind", record="B"))
    assert [each["name"] for each in life.sent] == ["Ada Lee", "Eve Lee"]
    assert life.reasons() == [
        "route unchanged: when reads item.kind, which the event leaves out as unchanged,"
        " and no earlier event in the journal tells it"
    ]


def test_a_record_that_comes_to_a_route_later_gets_all_its_fields(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, rule=", when: item.kind == 'lead'"))
    life.live(event(kind="none"), event("bio", kind="lead"))
    assert life.sent == [WHOLE]


def test_nothing_is_taken_from_before_a_delete(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event(), event(operation="delete"), event("bio", first="Eve"))
    assert life.sent[-1] == {"ref": "A", "name": "Eve Lee"}


def test_what_does_not_fit_together_with_the_earlier_values_is_a_dead_letter_of_the_schema(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    broken = event()
    broken["item"]["bio"] = 5
    life.live(broken)
    life.live(event("bio", first="Eve"))
    assert life.sent == []
    assert life.reasons() == ["schema type: item.bio expected text, found a number"] * 2


def test_a_path_that_is_named_and_told_none_the_less_counts_as_not_told(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event())
    told = event("bio", first="Eve")
    told["item"]["bio"] = "stale"
    told["unchanged"] = ["item.bio"]
    life.live(told)
    assert life.sent[-1] == {"ref": "A", "name": "Eve Lee"}


@pytest.mark.parametrize(
    ("unchanged", "words"),
    [
        ("bio", "expected a list of paths, found text"),
        ([1], "expected paths as text, found a number among them"),
        (["tags[0]"], "expected paths of properties, as bio or address.street"),
        ([""], "expected paths of properties, as bio or address.street"),
    ],
)
def test_a_list_of_paths_that_is_none_is_a_dead_letter(tmp_path: Path, unchanged: Any, words: str) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event() | {"unchanged": unchanged})
    assert life.reasons() == [f"source envelope: envelope.unchanged: {words}"]


def change(op: str, **row: str) -> dict[str, Any]:
    return {
        "op": op,
        "ts_ms": 1,
        "source": {"table": "people"},
        "after": {"id": "A", "first": "Ada", "last": "Lee"} | row,
    }


def test_the_placeholder_of_debezium_is_an_unchanged_column(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, envelope="debezium"))
    life.live(change("c", bio=BOOK))
    life.live(change("u", bio="__debezium_unavailable_value", first="Eve"))
    assert life.sent == [WHOLE, {"ref": "A", "name": "Eve Lee"}]


def test_a_replay_sends_the_whole_record_again(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event())
    life.live(event("bio", first="Eve"))
    life.program = program(tmp_path, mapping=MAPPING + "  note: item.bio\n")
    shown = [
        change.after
        for change in preview(life.program, replayable(life.path), earlier=partial(events_before, life.path))
    ]
    assert operator_actions.replay(life.path, [2]) == 1
    life.live()
    whole = {"ref": "A", "name": "Eve Lee", "bio": "A LONG TEXT", "note": BOOK}
    assert life.sent[-1] == whole
    assert shown == [whole]


def test_a_redriven_event_is_completed_by_those_before_it(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(event("last", "bio", first="Eve"))
    assert len(life.reasons()) == 1
    life.live(event(last="Later"))
    assert operator_actions.redrive(life.path, Letters(), how="remap") == 1
    life.live()
    assert life.sent == [WHOLE | {"name": "Ada Later"}], "what came later is not taken for what was before"


def test_a_delivery_without_some_fields_never_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    def park(batch: Batch, number: int) -> BatchResult | None:
        return BatchResult((Outcome(Verdict.RETRY, code="503", wait_seconds=50),)) if number == 1 else None

    life = Life(tmp_path, program(tmp_path), systems=FakeSystems(park))
    life.live(event())
    life.live(event("bio", first="Eve"), event("bio", "last", first="Ida"))
    assert life.systems.by_name["crm"].held["person", "A"]["name"] == "Ida Lee"
    with closing(connect(life.path, read_only=True)) as journal:
        rows = journal.execute("SELECT payload, whole FROM deliveries ORDER BY id").fetchall()
    assert [(json.loads(payload), bool(whole)) for payload, whole in rows] == [
        (WHOLE, True),
        ({"ref": "A", "name": "Eve Lee"}, False),
        (WHOLE | {"name": "Ida Lee"}, True),
    ]


def test_partial_items_take_what_they_mix_from_the_journal_and_leave_out_what_nothing_tells(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, more=", items: partial"))
    life.live(event("last", "bio", record="B"))
    life.live(event())
    life.live(event("last", "bio", first="Eve"))
    assert life.reasons() == []
    assert life.sent == [{"ref": "B"}, WHOLE, {"ref": "A", "name": "Eve Lee"}]


def test_a_program_whose_envelope_names_none_asks_the_journal_for_nothing(tmp_path: Path) -> None:
    assert program(tmp_path, envelope="{}").completion is None
