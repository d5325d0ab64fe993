"""``send: changed``: a route sends the fields that differ from what it last delivered, and nothing where none does.

The law: what the journal calls delivered or unchanged is what the other side holds, whatever was refused, lost or killed before.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncflow.compiler.changed import Changed, changed_of
from syncflow.compiler.program import Program
from syncflow.config.journal_place import Place
from syncflow.config.models.schema import ObjectField
from syncflow.events import Record
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.journal.homes import reading
from syncflow.runtime.journal.sent import Seal
from syncflow.runtime.journal.sqlite.database import connect
from tests.runtime.test_presence_fuzz import answers_of
from tests.runtime.vendor import Vendor, live, to_a, vendor_program


def sending_changes(changed: Changed | None = None, **more: Any) -> Program:
    route = to_a("one", changed=changed or Changed(), remembers=True, **more.pop("route", {}))
    return vendor_program(types={"one": [route]}, unrouted="ignore", **more)


PLAN = sending_changes()
ALL = vendor_program(types={"one": [to_a("one")]}, unrouted="ignore")


def change(record: str, operation: str = "update", *, at: float = 0, **item: Any) -> dict[str, Any]:
    item = {"id": record, "contact_type": "one", "key": record.lower(), **item}
    return {"record": "contacts", "operation": operation, "item": item, "timestamp": 1e9 + at}


def payloads(vendor: Vendor) -> list[dict[str, Any]]:
    return [delivery.payload for delivery in vendor.sent]


def states(path: Path) -> list[str]:
    with closing(connect(path, read_only=True)) as journal:
        return [state for (state,) in journal.execute("SELECT state FROM deliveries ORDER BY id")]


def test_what_is_there_already_is_not_sent(tmp_path: Path) -> None:
    vendor = Vendor()
    events = [change("A", "create", name="Ada", phone="1"), change("A", name="Ada", phone="1")]
    ending = live(events, tmp_path / "j.db", vendor=vendor, program=PLAN)
    assert payloads(vendor) == [{"Ext": "a", "Name": "Ada", "Phone": "1"}]
    assert states(tmp_path / "j.db") == ["delivered", "unchanged"]
    with closing(connect(tmp_path / "j.db", read_only=True)) as journal:
        tried = journal.execute("SELECT attempts FROM deliveries ORDER BY id").fetchall()
    assert tried == [(1,), (0,)], "what is not sent is no attempt"
    assert ending
    assert (ending.clean, ending.tally.routes["one"].delivered, ending.tally.routes["one"].unchanged) == (True, 1, 1)


def test_only_the_fields_that_changed_are_sent_with_the_key(tmp_path: Path) -> None:
    vendor = Vendor()
    events = [
        change("A", "create", name="Ada", phone="1"),
        change("A", name="Ada", phone="2"),
        change("A", name="Eva", phone="2"),
    ]
    live(events, tmp_path / "j.db", vendor=vendor, program=PLAN)
    assert payloads(vendor)[1:] == [{"Ext": "a", "Phone": "2"}, {"Ext": "a", "Name": "Eva"}]
    assert vendor.held["id1"].fields == {"Ext": "a", "Name": "Eva", "Phone": "2"}


def test_it_is_known_over_a_restart(tmp_path: Path) -> None:
    vendor, path = Vendor(), tmp_path / "j.db"
    first = [change("A", "create", name="Ada")]
    live(first, path, vendor=vendor, program=PLAN)
    live([*first, change("A", name="Ada"), change("A", name="Eva")], path, vendor=vendor, program=PLAN)
    assert [payload["Name"] for payload in payloads(vendor)] == ["Ada", "Eva"]


def test_a_field_that_is_cleared_is_a_change(tmp_path: Path) -> None:
    vendor = Vendor()
    events = [change("A", "create", name="Ada"), change("A", name=None), change("A", name=None)]
    live(events, tmp_path / "j.db", vendor=vendor, program=PLAN)
    assert [payload["Name"] for payload in payloads(vendor)] == ["Ada", None]


def test_what_was_refused_is_not_there(tmp_path: Path) -> None:
    """The old value is there still; the new one is sent again when it comes again."""
    vendor = Vendor(lambda d, _: "refuse" if d.payload.get("Name") == "bad" else "ok")
    names = ["good", "bad", "good", "bad"]
    live([change("A", name=name) for name in names], tmp_path / "j.db", vendor=vendor, program=PLAN)
    assert states(tmp_path / "j.db") == ["delivered", "dead", "unchanged", "dead"]


@pytest.mark.parametrize("answers", [("doubt",), ("lost", "refuse")], ids=["no answer", "no answer, then refused"])
def test_what_is_in_doubt_is_sent_again(answers: tuple[str, ...], tmp_path: Path) -> None:
    vendor = Vendor(lambda d, attempt: answers[attempt] if d.payload.get("Name") == "new" else "ok")
    live(
        [change("A", name=name, phone="1") for name in ("old", "new", "old")],
        tmp_path / "j.db",
        vendor=vendor,
        program=PLAN,
    )
    assert states(tmp_path / "j.db") == ["delivered", "dead", "delivered"]
    assert payloads(vendor)[-1] == {"Ext": "a", "Name": "old"}
    assert vendor.names() == {"a": "old"}


def test_a_run_that_died_after_it_sent_leaves_nothing_assumed(tmp_path: Path) -> None:
    """The first run died after the new name was written; the change back must be sent although it is what was last confirmed."""
    for call in range(2, 12):
        path, vendor = tmp_path / f"{call}.db", Vendor()
        first = [change("A", name="old")]
        live(first, path, vendor=vendor, program=PLAN)
        live([*first, change("A", name="new")], path, vendor=vendor, program=PLAN, kill=(call, False))
        live([*first, change("A", name="new"), change("A", name="old")], path, vendor=vendor, program=PLAN)
        assert vendor.names() == {"a": "old"}, call


def test_a_new_life_is_sent_whole(tmp_path: Path) -> None:
    vendor = Vendor()
    events = [change("A", "create", name="Ada"), change("A", "delete"), change("A", "create", name="Ada")]
    live(events, tmp_path / "j.db", vendor=vendor, program=PLAN)
    assert [(d.operation, d.payload.get("Name")) for d in vendor.sent] == [
        ("upsert", "Ada"),
        ("delete", None),
        ("upsert", "Ada"),
    ]


def test_a_new_key_is_sent_although_nothing_else_changed(tmp_path: Path) -> None:
    vendor = Vendor()
    events = [change("A", "create", name="Ada"), change("A", key="b", name="Ada"), change("A", key="b", name="Ada")]
    live(events, tmp_path / "j.db", vendor=vendor, program=PLAN)
    assert vendor.names() == {"b": "Ada"}
    assert len(vendor.sent) == 2


def test_required_fields_go_along_with_any_change(tmp_path: Path) -> None:
    """A record that is gone over there can be made again."""
    vendor = Vendor()
    events = [change("A", "create", name="Ada", phone="1", city="X"), change("A", name="Ada", phone="2", city="X")]
    live(events, tmp_path / "j.db", vendor=vendor, program=sending_changes(Changed(frozenset({"Name"}))))
    assert payloads(vendor)[1] == {"Ext": "a", "Name": "Ada", "Phone": "2"}


def test_an_operation_that_replaces_the_record_sends_all_or_nothing(tmp_path: Path) -> None:
    vendor = Vendor()
    plan = PLAN.systems["a"]
    operations = {name: replace(operation, replaces=True) for name, operation in plan.operations.items()}
    replacing = replace(PLAN, systems={"a": replace(plan, operations=operations)})
    whole: dict[str, Any] = {"name": "Ada", "phone": "1"}
    events = [change("A", **whole), change("A", **whole), change("A", **(whole | {"phone": "2"}))]
    live(events, tmp_path / "j.db", vendor=vendor, program=replacing)
    assert payloads(vendor) == [{"Ext": "a", "Name": "Ada", "Phone": number} for number in ("1", "2")]


def test_a_late_item_does_not_pass_what_was_found_unchanged(tmp_path: Path) -> None:
    """By event time: name=old (1), then name=old again (3), then name=late (2). The newest word, that of 3, stands."""
    vendor = Vendor()
    program = sending_changes(whole=False, version="timestamp")
    events = [change("A", at=1, name="old"), change("A", at=3, name="old"), change("A", at=2, name="late")]
    live(events, tmp_path / "j.db", vendor=vendor, program=program, chunk=1, pause_seconds=5)
    assert vendor.names() == {"a": "old"}
    assert states(tmp_path / "j.db") == ["delivered", "unchanged", "superseded"]


def test_what_was_sent_while_the_route_did_not_remember_is_not_known(tmp_path: Path) -> None:
    vendor, path = Vendor(), tmp_path / "j.db"
    events = [change("A", name="1"), change("A", name="2"), change("A", name="1")]
    for count, program in ((1, PLAN), (2, replace(ALL, fingerprint="g")), (3, PLAN)):
        live(events[:count], path, vendor=vendor, program=program)
    assert vendor.names() == {"a": "1"}


def test_a_person_who_asks_for_it_again_gets_all_of_it(tmp_path: Path) -> None:
    vendor, path = Vendor(), tmp_path / "j.db"
    events = [change("A", name="Ada", phone="1")]
    live(events, path, vendor=vendor, program=PLAN)
    vendor.held["id1"].fields["Phone"] = "changed over there"
    assert operator_actions.replay(path, [1]) == 1
    live(events, path, vendor=vendor, program=PLAN)
    assert vendor.held["id1"].fields["Phone"] == "1"


def test_values_are_compared_as_the_other_side_compares_them() -> None:
    changed = changed_of(
        {
            "email": ObjectField(type="email", case_sensitive=False, trim=True),
            "age": ObjectField(type="integer"),
            "at": ObjectField(type="date-time"),
            "name": ObjectField(required=True),
        }
    )
    assert changed.always == {"name"}
    first: dict[str, Any] = {
        "email": " ADA@x.com",
        "age": 3.0,
        "at": "2024-01-01T12:00:00+02:00",
        "name": "Ada ",
        "other": [1],
    }
    again: dict[str, Any] = {
        "email": "ada@x.com",
        "age": "3",
        "at": "2024-01-01T10:00:00Z",
        "name": "Ada",
        "other": [1],
    }
    assert {name for name in first if changed.comparable(first)[name] != changed.comparable(again)[name]} == {"name"}
    odd: dict[str, Any] = {"email": None, "age": "3 years", "at": "soon", "name": None}
    assert changed.comparable(odd) == odd
    assert changed.comparable({"at": "2024-01-01T10:00:00"}) == {"at": "2024-01-01T10:00:00"}, "its zone is not known"


COMPARED = changed_of(
    {
        "n": ObjectField(type="number"),
        "at": ObjectField(type="date-time"),
        "name": ObjectField(trim=True, case_sensitive=False),
    }
)
JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.integers(-5, 5), max_size=2)
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
)


@given(
    name=st.sampled_from(["n", "at", "name"]), value=JSON | NUMBERS | st.datetimes(timezones=st.timezones()).map(str)
)
def test_any_value_can_be_remembered(name: str, value: Any) -> None:
    value = value if not isinstance(value, int) or abs(value) < 2**63 else str(value)  # the payload itself is JSON
    Seal(b"k").digest(Record("contacts", "A"), name, COMPARED.comparable({name: value})[name])


@given(one=NUMBERS, other=NUMBERS)
@example(one="12345678901234567.89", other="12345678901234567.90")
@example(one=1e20, other="100000000000000000001")
def test_numbers_are_the_same_only_where_all_their_digits_are(one: Any, other: Any) -> None:
    same = COMPARED.comparable({"n": one}) == COMPARED.comparable({"n": other})
    assert not same or Decimal(str(one)) == Decimal(str(other))


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("name", "mcdonald", "McDonald"),
        ("n", "nan", None),
        ("n", "1_000", "1000"),
        ("n", True, 1),
        ("at", "2024-01-01T00:00:00.1234567Z", "2024-01-01T00:00:00.1234568Z"),
        ("at", "0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+11:00"),
    ],
)
def test_what_differs_there_is_a_change(name: str, one: Any, other: Any) -> None:
    """Case is kept where keys are found without it, and no digit is dropped."""
    seal, record = Seal(b"k"), Record("contacts", "A")
    found = [seal.digest(record, name, COMPARED.comparable({name: value})[name]) for value in (one, other)]
    assert found[0] != found[1]


# -- any history -------------------------------------------------------------------------------------------------------------------


def history(random: Random) -> list[dict[str, Any]]:
    """Up to twenty events of two records whose few values come again and again."""
    events = []
    for _ in range(random.randint(2, 20)):
        record = random.choice("AB")
        operation = random.choice(("create", "update", "update", "update", "update", "delete"))
        key = record.lower() + random.choice(("", "", "", "2"))
        values = {"name": random.choice("xxy"), "phone": random.choice(("1", "1", None))}
        events.append(change(record, operation, at=random.randint(0, 20), key=key, **values))
    return events


def lived(seed: int, path: Place, counts: Counter[str]) -> list[str]:
    random = Random(seed)
    program = sending_changes(
        route={"on_key_change": random.choice(("update", "delete_old"))},
        version=random.choice(("arrival", "timestamp")),
    )
    vendor = Vendor(answers_of(random, random.choice((0.0, 0.2, 0.5))), tells_ids=random.random() < 0.7)
    events = history(random)
    cuts = sorted(random.randint(1, len(events)) for _ in range(random.choice((0, 1, 2))))
    for upto in [*cuts, len(events)]:
        kill = (random.randint(2, 12), random.random() < 0.5) if random.random() < 0.4 else None
        pace: dict[str, Any] = {"chunk": random.choice((1, 3, 500)), "pause_seconds": random.choice((0.0, 0.03, 1.0))}
        live(events[:upto], path, vendor=vendor, program=program, kill=kill, **pace)
    live(events, path, vendor=vendor, program=program)
    if random.random() < 0.3:
        operator_actions.redrive(path, Letters(), how=random.choice(("as_sent", "remap")))
        live(events, path, vendor=vendor, program=program)
    with reading(path) as journal:
        counts.update(state for (state,) in journal.execute("SELECT state FROM deliveries"))
        return [*vendor.violations, *(problem for record in "AB" for problem in differences(journal, vendor, record))]


def differences(journal: Any, vendor: Vendor, record: str) -> list[str]:
    """What the last delivery that is called delivered or unchanged carries must be there, unless a later one ended in doubt."""
    rows = journal.execute(
        "SELECT id, state, operation, payload, code FROM deliveries WHERE record = ? AND state != 'superseded' ORDER BY id DESC",
        (record,),
    ).fetchall()
    for number, state, operation, payload, code in rows:
        if state == "dead" and code != "BAD":
            return []  # it may or may not be there
        if state in {"delivered", "unchanged", "already_done"}:
            if operation == "delete":
                return []
            wanted = orjson.loads(payload)
            held = [each.fields for each in vendor.held.values() if each.owner == record]
            return [] if wanted in held else [f"delivery {number} ({state}) of {record} says {wanted}, there is {held}"]
    return []


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_what_is_called_unchanged_is_there(first: int, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    found = {seed: lived(seed, tmp_path / f"{seed}.db", counts) for seed in range(first, first + 50)}
    assert {seed: problems for seed, problems in found.items() if problems} == {}
    assert counts["unchanged"] > 10
