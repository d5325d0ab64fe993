"""Records that are there already under no key of ours (``adopt``): looked for before they are created, and never two made of one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.adapters.lookup_turns import LookupTurns, turns
from syncflow.adapters.rendering import rendered
from syncflow.adapters.scripted import Asked, Reply, scripted
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Batch, BatchResult, Delivery, Record, Verdict
from syncflow.runtime.delivery.jobs import JobRoom
from syncflow.testing import VirtualClock, run_virtually
from tests.adapters import kit
from tests.adapters.kit import batch, delivery, plan, written

ADAPTER = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
operations:
  upsert:
    repeat: safe
    batch: {records: 100}
    request: {put: /people, json: {each: "merge(payload, {id: vendor_id})"}}
    answer: &each {results: {each: "@", match: ext, with: key.value, ok: ok, vendor_id: id, code: code}}
  update:
    repeat: safe
    batch: {records: 100}
    request: {patch: /people, json: {each: "merge(payload, {id: vendor_id})"}}
    answer: *each
  create:
    repeat: unsafe
    batch: {records: 100}
    request: {post: /people, json: {each: payload}}
    answer: *each
  delete: {repeat: safe, request: {delete: "/people/{{ key.value }}"}}
outcomes:
  - {code: there, then: adopt, vendor_id: element.there}
  - {code: busy, then: retry}
find:
  batch: {records: 3}
  request: {post: /find, json: {by: field, of: values, give: fields}}
  each: found
  id: id
  id_field: id
  unfit: locked
"""


class People:
    """An API in memory: people by id, with what each has; ``asked`` are the requests, as (method, body)."""

    def __init__(self, *there: dict[str, Any]) -> None:
        self.rows: dict[str, dict[str, Any]] = {f"V{n}": {"ext": None, **row} for n, row in enumerate(there, start=1)}
        self.asked: list[tuple[str, Any]] = []
        self.unique: tuple[str, ...] = ()
        self.hidden: set[str] = set()
        """Rows that a search does not show yet."""

    def answer(self, asked: Asked) -> Reply:
        body = orjson.loads(asked.text)
        self.asked.append((asked.method, body))
        told = self._found(body) if asked.path.endswith("/find") else [self._write(asked.method, one) for one in body]
        return Reply(200, orjson.dumps(told).decode(), {"content-type": "application/json"})

    def _found(self, body: Mapping[str, Any]) -> Any:
        assert 0 < len(body["of"]) <= 3
        rows = [{"id": number, **row} for number, row in self.rows.items()]
        wanted = {value.lower() for value in body["of"]}
        shown = {*body["give"], "id", "locked"}
        hits = [row for row in rows if str(row.get(body["by"]) or "").lower() in wanted]
        hits = [row for row in hits if body["by"] == "id" or row["id"] not in self.hidden]
        return {"found": [{name: row.get(name) for name in shown} for row in hits]}

    def _write(self, method: str, sent: dict[str, Any]) -> dict[str, Any]:
        number = sent.pop("id", None)
        if method != "PATCH":
            number = next((n for n, row in self.rows.items() if str(row["ext"]).lower() == sent["ext"].lower()), None)
        if method == "PATCH":
            assert number in self.rows
        if number is None:
            there = [n for n, row in self.rows.items() if any(row.get(name) == sent.get(name) for name in self.unique)]
            if there:
                return {"ext": sent["ext"], "ok": False, "code": "there", "there": there}
            number = f"V{len(self.rows) + 1}"
        self.rows[number] = {**self.rows.get(number, {}), **sent}
        return {"ext": sent["ext"], "ok": True, "id": number}

    @property
    def keys(self) -> list[str]:
        return sorted(str(row["ext"]) for row in self.rows.values() if row["ext"])

    @property
    def looked(self) -> list[str]:
        return [body["by"] for method, body in self.asked if method == "POST" and isinstance(body, dict)]


def adopting(directory: Path, *fields: str, only_on_create: frozenset[str] = frozenset()) -> SystemPlan:
    return kit.adopting(plan(written(ADAPTER, directory)), fields or ("mail",), only_on_create=only_on_create)


def person(number: int, **payload: Any) -> Delivery:
    operation = payload.pop("operation", "upsert")
    more = {name: payload.pop(name) for name in ("vendor_id", "route") if name in payload}
    return delivery(
        number, key=f"K{number}", operation=operation, payload={"ext": f"K{number}", "mail": None, **payload}, **more
    )


async def _send(system: SystemPlan, people: People, batches: Sequence[Batch]) -> list[BatchResult]:
    async with open_client(transport=scripted(people.answer)) as http:
        client = SystemClient(system, http=http, gate=OpenGate(), clock=VirtualClock())
        return list(await asyncio.gather(*(client.send(each) for each in batches)))


def send(system: SystemPlan, people: People, *deliveries: Delivery) -> list[tuple[str, str]]:
    """Send one batch; return what became of each delivery, as (verdict, code)."""
    [result] = run_virtually(_send(system, people, [batch(deliveries)]))
    assert result.signal is None
    assert all("@" not in outcome.message for outcome in result.outcomes), "nothing personal is told"
    return [(outcome.verdict.value, outcome.code) for outcome in result.outcomes]


def test_what_is_found_gets_our_key_and_is_not_made_again(tmp_path: Path) -> None:
    people = People({"mail": "Ada@x.org", "note": "theirs"})
    outcomes = send(adopting(tmp_path), people, person(1, mail="ada@x.org"), person(2, mail="bob@x.org"))
    assert outcomes == [("delivered", "adopted"), ("delivered", "")]
    assert people.rows == {
        "V1": {"ext": "K1", "mail": "ada@x.org", "note": "theirs"},
        "V2": {"ext": "K2", "mail": "bob@x.org"},
    }


def test_who_is_known_there_is_not_looked_for(tmp_path: Path) -> None:
    people = People({"ext": "K1", "mail": "other@x.org"})
    assert send(adopting(tmp_path), people, person(1, mail="ada@x.org", vendor_id="V1")) == [("delivered", "")]
    assert people.looked == []


def test_a_route_that_does_not_adopt_looks_for_nothing(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"})
    assert send(adopting(tmp_path), people, person(1, mail="ada@x.org", route="others")) == [("delivered", "")]
    assert (people.looked, people.keys, len(people.rows)) == ([], ["K1"], 2)


def test_a_record_without_the_value_is_made(tmp_path: Path) -> None:
    people = People({"mail": None})
    assert send(adopting(tmp_path), people, person(1), person(2, mail="")) == [("delivered", ""), ("delivered", "")]
    assert (people.looked, len(people.rows)) == ([], 3)


@pytest.mark.parametrize(
    ("there", "code"),
    [
        ([{"mail": "ada@x.org"}, {"mail": "ADA@x.org"}], "several"),
        ([{"mail": "ada@x.org", "ext": "K9"}], "key_taken"),
        ([{"mail": "ada@x.org", "locked": "it is locked"}], "unfit"),
    ],
)
def test_what_cannot_be_adopted_is_a_dead_letter_and_nothing_is_written(
    there: list[dict[str, Any]], code: str, tmp_path: Path
) -> None:
    people = People(*there)
    before = dict(people.rows)
    outcomes = send(adopting(tmp_path), people, person(1, mail="ada@x.org"), person(2, mail="bob@x.org"))
    assert outcomes == [("rejected", code), ("delivered", "")]
    assert {number: row for number, row in people.rows.items() if number in before} == before


def test_what_has_our_key_already_is_ours_whatever_else_has_the_value(tmp_path: Path) -> None:
    """So a kill after the update, and before its outcome was journaled, makes nothing of it."""
    people = People({"mail": "ada@x.org"}, {"mail": "ada@x.org", "ext": "k1"})
    assert send(adopting(tmp_path), people, person(1, mail="ada@x.org", note="n")) == [("delivered", "")]
    assert people.rows["V1"]["ext"] is None
    assert people.rows["V2"]["note"] == "n"


def test_a_record_that_has_our_key_elsewhere_is_the_record_although_a_stranger_has_the_value(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"}, {"mail": "old@x.org", "ext": "K1"})
    assert send(adopting(tmp_path), people, person(1, mail="ada@x.org")) == [("delivered", "")]
    assert (people.rows["V1"]["ext"], people.rows["V2"]["mail"]) == (None, "ada@x.org")
    assert people.looked == ["mail", "ext"]


def test_fields_are_looked_by_in_turn_and_the_first_that_finds_something_counts(tmp_path: Path) -> None:
    people = People({"phone": "1"}, {"mail": "ada@x.org", "phone": "9"}, {"phone": "2"})
    system = adopting(tmp_path, "mail", "phone")
    outcomes = send(system, people, person(1, mail="ada@x.org", phone="1"), person(2, mail="bob@x.org", phone="2"))
    assert outcomes == [("delivered", "adopted"), ("delivered", "adopted")]
    assert {number: row["ext"] for number, row in people.rows.items()} == {"V1": None, "V2": "K1", "V3": "K2"}


def test_a_request_asks_for_no_more_values_than_the_adapter_says(tmp_path: Path) -> None:
    people = People(*({"mail": f"p{number}@x.org"} for number in range(1, 8)))
    outcomes = send(adopting(tmp_path), people, *(person(number, mail=f"p{number}@x.org") for number in range(1, 8)))
    assert outcomes == [("delivered", "adopted")] * 7
    assert [len(body["of"]) for _, body in people.asked if isinstance(body, dict)] == [3, 3, 1, 3, 3, 1]


def test_two_records_of_a_batch_with_one_value_go_in_turn(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"})
    outcomes = send(adopting(tmp_path), people, person(1, mail="ada@x.org"), person(2, mail="ADA@x.org"))
    assert outcomes == [("delivered", "adopted"), ("rejected", "key_taken")]
    assert people.keys == ["K1"]


def test_two_batches_with_one_value_go_in_turn(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"})
    batches = [batch([person(number, mail="ada@x.org")]) for number in (1, 2)]
    first, second = run_virtually(_send(adopting(tmp_path), people, batches))
    assert (first.outcomes[0].code, second.outcomes[0].code) == ("adopted", "key_taken")
    assert (people.keys, len(people.rows)) == (["K1"], 1)


def test_two_records_find_one_by_different_fields_and_it_is_the_first_ones(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org", "phone": "1"})
    system = adopting(tmp_path, "mail", "phone")
    outcomes = send(system, people, person(1, mail="ada@x.org"), person(2, phone="1"))
    assert outcomes == [("delivered", "adopted"), ("rejected", "key_taken")]
    assert people.keys == ["K1"]


@pytest.mark.parametrize("operation", ["upsert", "create"])
def test_what_came_to_be_there_meanwhile_is_read_out_of_the_conflict(operation: str, tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"})
    people.unique, people.hidden = ("mail",), {"V1"}
    outcomes = send(adopting(tmp_path), people, person(1, operation=operation, mail="ada@x.org"))
    assert outcomes == [("delivered", "adopted")]
    assert people.rows == {"V1": {"ext": "K1", "mail": "ada@x.org"}}
    assert people.looked == ["mail", "id", "ext"]


def test_a_conflict_by_a_field_that_is_not_named_adopts_nothing(tmp_path: Path) -> None:
    people = People({"mail": "old@x.org", "badge": "7"})
    people.unique = ("badge",)
    assert send(adopting(tmp_path), people, person(1, mail="ada@x.org", badge="7")) == [("rejected", "there")]
    assert people.keys == []


def test_a_conflict_of_a_mapping_that_does_not_adopt_stays_one(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"})
    people.unique = ("mail",)
    assert send(adopting(tmp_path), people, person(1, mail="ada@x.org", route="others")) == [("rejected", "there")]


def test_what_may_be_given_on_create_only_is_left_as_it_is_there(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org", "since": "1999"})
    system = adopting(tmp_path, only_on_create=frozenset({"since"}))
    send(system, people, person(1, mail="ada@x.org", since="2026"), person(2, mail="bob@x.org", since="2026"))
    assert [row["since"] for row in people.rows.values()] == ["1999", "2026"]


class _Faulty(People):
    def __init__(self, *there: dict[str, Any], status: int, body: str, at: str) -> None:
        super().__init__(*there)
        self._fault = Reply(status, body, {"content-type": "application/json"})
        self._at = at

    def answer(self, asked: Asked) -> Reply:
        return self._fault if asked.method == self._at else super().answer(asked)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (500, "", Verdict.RETRY),
        (200, "", Verdict.RETRY),
        (200, '{"found": {}}', Verdict.RETRY),
        (200, '{"found": [{"id": "V1", "mail": "ada@x.org"}]}', Verdict.RETRY),
        (200, '{"found": [{"ext": null, "mail": "ada@x.org"}]}', Verdict.RETRY),
        (404, "{}", Verdict.REJECTED),
    ],
)
def test_where_it_cannot_be_told_what_is_there_nothing_is_made(
    status: int, body: str, verdict: Verdict, tmp_path: Path
) -> None:
    people = _Faulty({"mail": "ada@x.org"}, status=status, body=body, at="POST")
    [result] = run_virtually(_send(adopting(tmp_path), people, [batch([person(1, mail="ada@x.org")])]))
    assert result.outcomes[0].verdict is verdict
    assert result.outcomes[0].rule.startswith("small.yaml:")
    assert people.keys == []


def test_a_status_that_says_that_nothing_was_found_makes_it(tmp_path: Path) -> None:
    text = ADAPTER.replace("  id_field: id\n", "  id_field: id\n  missing: [404]\n")
    system = kit.adopting(plan(written(text, tmp_path)), ["mail"])
    people = _Faulty(status=404, body="{}", at="POST")
    assert send(system, people, person(1, mail="ada@x.org")) == [("delivered", "")]


def test_an_update_that_fails_lets_the_record_go(tmp_path: Path) -> None:
    people = _Faulty({"mail": "ada@x.org"}, status=422, body="{}", at="PATCH")
    system = adopting(tmp_path)

    async def main() -> list[Verdict]:
        async with open_client(transport=scripted(people.answer)) as http:
            client = SystemClient(system, http=http, gate=OpenGate(), clock=VirtualClock())
            first = await client.send(batch([person(1, mail="ada@x.org")]))
            people._at = ""
            second = await client.send(batch([person(2, mail="ada@x.org")]))
            return [first.outcomes[0].verdict, second.outcomes[0].verdict]

    assert run_virtually(main()) == [Verdict.REJECTED, Verdict.DELIVERED]
    assert people.keys == ["K2"]


def test_a_batch_of_which_something_took_effect_is_not_halved(tmp_path: Path) -> None:
    """The update is refused as a whole: who was made stays made, and who was to be adopted is tried again."""
    there = [{"mail": "a@x.org"}, {"mail": "b@x.org"}]
    people = _Faulty(*there, status=400, body="{}", at="PATCH")
    batches = [batch([person(1, mail="a@x.org"), person(2, mail="b@x.org"), person(3, mail="c@x.org")])]
    [result] = run_virtually(_send(adopting(tmp_path), people, batches))
    assert result.signal is None
    assert [outcome.verdict.value for outcome in result.outcomes] == ["retry", "retry", "delivered"]
    assert not any(outcome.counts for outcome in result.outcomes[:2])


MAILS = st.sampled_from([None, "a@x.org", "b@x.org", "c@x.org"])


@given(
    there=st.lists(st.tuples(MAILS, st.sampled_from([None, "K1", "K2", "K9"])), max_size=4),
    ours=st.lists(MAILS, min_size=1, max_size=5),
    rounds=st.integers(1, 3),
)
def test_whatever_is_there_no_key_is_there_twice_and_no_other_is_written_over(
    there: list[tuple[str | None, str | None]], ours: list[str | None], rounds: int, tmp_path_factory: Any
) -> None:
    """Sent again and again, as after kills: each record is there once, or has a dead letter; what has another key stays."""
    keys = [key for _, key in there if key]
    if len(keys) != len(set(keys)):
        return
    people = People(*({"mail": mail, "ext": key} for mail, key in there))
    system = adopting(tmp_path_factory.mktemp("any"))
    strangers = {number: row for number, row in people.rows.items() if row["ext"] == "K9"}
    deliveries = [person(number, mail=mail) for number, mail in enumerate(ours, start=1)]
    for _ in range(rounds):
        outcomes = send(system, people, *deliveries)
    assert len(people.keys) == len(set(people.keys))
    assert {number: people.rows[number] for number in strangers} == strangers
    for one, (verdict, _) in zip(deliveries, outcomes, strict=True):
        assert (one.key.value in people.keys) or verdict == "rejected"
    unkeyed = [mail for mail, key in there if key is None and mail]
    alone = {mail for mail in unkeyed if [m for m, _ in there].count(mail) == 1 and ours.count(mail) == 1}
    adopted = [row for row in people.rows.values() if row["ext"] and row["mail"] in alone]
    for mail in alone:
        key = f"K{ours.index(mail) + 1}"
        if key not in keys:
            assert [row["ext"] for row in adopted if row["mail"] == mail] == [key]


def test_names_that_are_held_are_waited_for_all_at_once() -> None:
    told: list[str] = []
    claims = LookupTurns()

    async def one(name: str, wanted: set[str]) -> None:
        async with claims.of(wanted):
            told.append(f"{name} in")
            await asyncio.sleep(1)
            told.append(f"{name} out")

    async def main() -> None:
        async with asyncio.TaskGroup() as group, AsyncExitStack():
            group.create_task(one("a", {"1", "2"}))
            group.create_task(one("b", {"2", "3"}))
            group.create_task(one("c", {"3"}))

    run_virtually(main())
    assert told.index("b in") > told.index("a out")
    assert told.index("b in") > told.index("c out") or told.index("c in") > told.index("b out")


def test_turns_keep_the_order_of_those_who_want_one_name() -> None:
    wanted = [("a", {1}), ("b", {1, 2}), ("c", {2}), ("d", {3}), ("e", set[int]())]
    assert [going for going, _ in turns(wanted)] == [["a", "d", "e"], ["b"], ["c"]]


def test_a_record_is_its_own_over_two_routes(tmp_path: Path) -> None:
    people = People({"mail": "ada@x.org"})
    system = adopting(tmp_path)
    system = replace(system, adopts={**system.adopts, "others": system.adopts["contacts"]})
    first, second = person(1, mail="ada@x.org"), person(1, mail="ada@x.org", route="others")
    results = run_virtually(_send(system, people, [batch([first]), batch([replace(second, id=2)])]))
    assert [result.outcomes[0].verdict for result in results] == [Verdict.DELIVERED] * 2
    assert first.record == Record("contacts", "R1")
    assert len(people.rows) == 1


def test_dry_run_shows_what_is_looked_for_and_then_what_is_created(tmp_path: Path) -> None:
    system = adopting(tmp_path, "mail", "phone")
    sent = batch([person(1, mail="ada@x.org"), person(2, mail="bob@x.org", phone="2"), person(3, vendor_id="V3")])
    shown = [(each.step, each.method, each.deliveries) for each in rendered(system, sent)]
    assert shown == [("find by mail", "POST", (1, 2)), ("find by phone", "POST", (2,)), ("", "PUT", (1, 2, 3))]


def test_a_record_that_is_looked_for_first_goes_by_no_job() -> None:
    salesforce = plan(kit.shipped("salesforce"), auth={"access_token": "t"}, batch={"bulk_from": 2})
    room = JobRoom(kit.adopting(salesforce, ["Email"], key="External_Id__c"), VirtualClock())
    assert not room.takes(person(1))
    assert room.takes(person(1, route="others"))
    assert room.takes(person(1, vendor_id="003"))
