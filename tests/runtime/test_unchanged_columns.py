"""Columns that an update of a database did not send: earlier events tell them; what the row holds now serves only where none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from syncflow.compiler.build import build
from syncflow.compiler.program import Program
from syncflow.config.project import load_project
from syncflow.events import Item, Position, Raw
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.database import connect
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.testing import FakeSystems, VirtualClock, run_virtually
from tests.runtime.test_unchanged import MAPPING, ROUTES, SCHEMA

SOURCE = 'source: {{postgres: {{url: "postgresql://sync@db/shop", tables: {{public.people: people}}}}}}'
PERSON = {"id": "A", "first": "Ada", "last": "Lee", "bio": "first"}
UNKNOWN = object()


def program(folder: Path, *, ignore: str = "", more: str = "", mapping: str = MAPPING) -> Program:
    routes = ROUTES.replace("source: {{stdin: {{}}}}", SOURCE).replace("envelope: {envelope}", ignore)
    (folder / "routes.yaml").write_text(routes.format(rule="", more=more), "utf-8")
    (folder / "person.yaml").write_text(SCHEMA, "utf-8")
    (folder / "mapping.yaml").write_text(mapping, "utf-8")
    return build(load_project(folder / "routes.yaml", environment={}))


def change(operation: str = "update", *, now: Any = UNKNOWN, **item: Any) -> dict[str, Any]:
    """Return a change; with ``now``, one that leaves out what the row now holds there, or None where it is gone."""
    event: dict[str, Any] = {"record": "people", "operation": operation, "timestamp": None, "item": PERSON | item}
    if now is UNKNOWN:
        return event
    left = {name: value for name, value in event["item"].items() if name not in (now or {"bio": ""})}
    return event | {"item": left, "unchanged": list(now or {"bio": ""}), "now": now}


class Rows:
    """A source of changes as ``postgres`` hands them out."""

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        self._events = events
        self._next = 0

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        known = acknowledged.get("slot:s")
        self._next = known.offset if known else 0

    async def read(self, *, most: int) -> Sequence[Raw]:
        events = self._events[self._next : self._next + most]
        raws = []
        for number, event in enumerate(events, start=self._next + 1):
            meta: Item = {"table": "public.people"} | ({"names_unchanged": True} if "now" in event else {})
            raws.append(Raw(Position("slot:s", number), orjson.dumps(event), meta=meta))
        self._next += len(events)
        return raws

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...


class Life:
    """One project whose events come run by run."""

    def __init__(self, folder: Path, made: Program) -> None:
        self.path, self._program, self._systems = folder / "j.db", made, FakeSystems()
        self._events: list[Mapping[str, Any]] = []

    def live(self, *events: Mapping[str, Any]) -> Ending:
        self._events += events
        clock = VirtualClock()
        engine = Engine(
            self._program,
            source=Rows(self._events),
            journal=SqliteJournal(self.path, inline=True, now=clock.now),
            systems=self._systems,
            clock=clock,
            wait_seconds=1000,
        )
        return run_virtually(engine.run())

    @property
    def sent(self) -> list[Any]:
        batches = self._systems.by_name["crm"].batches if self._systems.by_name else []
        return [delivery.payload for batch in batches for delivery in batch.deliveries]

    def reasons(self) -> list[str]:
        with closing(connect(self.path, read_only=True)) as journal:
            return [
                f"{stage} {code}: {reason}"
                for stage, code, reason in journal.execute("SELECT stage, code, reason FROM dead_letters ORDER BY id")
            ]


def test_no_newer_value_slips_into_an_older_event(tmp_path: Path) -> None:
    mapping = MAPPING.replace("upper(item.bio)", '"{{ item.last }}: {{ item.bio }}"')
    life = Life(tmp_path, program(tmp_path, mapping=mapping))
    for event in (change(), change(last="Kay", now={"bio": "second"}), change(last="Kay", bio="second")):
        life.live(event)
    assert [each["bio"] for each in life.sent] == ["Lee: first", "Kay: first", "Kay: second"]


def test_a_value_that_is_there_already_is_not_sent_again(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(change())
    life.live(change(first="Eve", now={"bio": "first"}))
    assert life.sent[-1] == {"ref": "A", "name": "Eve Lee"}


def test_where_no_event_is_known_the_value_is_that_of_the_row_now(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(change(now={"bio": "now", "last": "Kay"}))
    assert life.sent == [{"ref": "A", "name": "Ada Kay", "bio": "NOW"}]
    assert life.reasons() == []


def test_where_nothing_is_known_and_the_row_is_gone_the_update_is_ignored(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    ending = life.live(change(now=None))
    assert (life.sent, life.reasons(), ending.tally.ignored) == ([], [], 1)


def test_an_update_of_a_known_row_that_is_gone_by_now_is_delivered(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(change())
    life.live(change(first="Eve", now=None))
    assert life.sent[-1] == {"ref": "A", "name": "Eve Lee"}


def test_an_update_after_a_delete_takes_nothing_from_before_it(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(change(), change("delete"), change("create", now={"bio": "new"}))
    assert life.sent[-1]["bio"] == "NEW"


def test_a_rule_that_ignores_sees_the_value_that_did_not_change(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, ignore='ignore: ["item.bio == `null`", "item.bio == \'secret\'"]'))
    life.live(change())
    life.live(change(first="Eve", now={"bio": "secret"}))
    assert [each["name"] for each in life.sent] == ["Ada Lee", "Eve Lee"]
    ending = life.live(change(id="B", now={"bio": "secret"}))
    assert (len(life.sent), ending.tally.ignored) == (2, 1)


def test_a_rule_that_reads_what_is_not_known_refuses_the_event(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, ignore='ignore: ["item.bio == `null`"]'))
    life.live(change(now={}) | {"unchanged": ["bio"], "item": {"id": "A", "first": "Ada", "last": "Lee"}})
    assert life.reasons() == [
        "source unchanged: ignore reads item.bio, which the event leaves out as unchanged,"
        " and no earlier event in the journal tells it"
    ]


def test_a_record_is_known_by_what_the_row_holds_where_its_id_was_not_sent(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path, more=", id: item.bio"))
    life.live(change(bio="k"))
    life.live(change(first="Eve", now={"bio": "k"}))
    assert [each["name"] for each in life.sent] == ["Ada Lee", "Eve Lee"]
    assert life.reasons() == []


def test_a_column_may_be_called_anything(tmp_path: Path) -> None:
    odd = 'a."b" \\ c'
    schema = SCHEMA + f"  {orjson.dumps(odd).decode()}: {{type: string}}\n"
    mapping = MAPPING + f"  odd: {orjson.dumps(f'item.{orjson.dumps(odd).decode()}').decode()}\n"
    made = program(tmp_path, mapping=mapping)
    (tmp_path / "person.yaml").write_text(schema, "utf-8")
    life = Life(tmp_path, build(load_project(tmp_path / "routes.yaml", environment={})))
    assert made.completion is not None
    event = change(now={odd: "newer"})
    event["unchanged"] = ['"a.\\"b\\" \\\\ c"']
    life.live(change(**{odd: "older"}))
    life.live(event)
    assert life.sent[0]["odd"] == "older"
    assert life.sent[-1].get("odd", "older") == "older"


def test_an_event_that_holds_such_a_key_is_whole_unless_its_source_says_so_beside_it(tmp_path: Path) -> None:
    life = Life(tmp_path, program(tmp_path))
    life.live(change() | {"unchanged": ["bio"]})
    assert life.sent == [{"ref": "A", "name": "Ada Lee", "bio": "FIRST"}]
