"""Requests and answer readers as compiled with the program: one function for many records, and what fails fails alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncflow.adapters.prepare import prepare
from syncflow.compiler.wire.expression_input import request_root, root_of
from syncflow.compiler.wire.plans import Root, StepPlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.errors import DataError
from tests.adapters.kit import delivery, plan, written

ADAPTER = """
adapter: small
base_url: https://small.test
options: {region: {default: eu}}
headers: {X-Region: "{{ options.region }}", X-Plain: plain}
objects: {Contact: {}}
operations:
  upsert:
    repeat: safe
    batch: {records: 10}
    request:
      post: /people/{{ object }}
      query: {ids: "{% for one in deliveries %}{{ one.key.value }};{% endfor %}", fixed: "1"}
      json:
        kind: object
        constant: {value: [1, "x"]}
        people: {each: {id: key.value, at: position, all: "merge(payload, {of: record.id})"}}
    answer:
      results: {each: "@", match: "join('-', ids)", ok: ok, vendor_id: id, code: code, message: "join(', ', details)"}
  delete:
    repeat: safe
    request: {delete: "/people/{{ vendor_id }}"}
"""


def _system(directory: Path) -> SystemPlan:
    return plan(written(ADAPTER, directory))


def _step(system: SystemPlan, action: Any) -> StepPlan:
    return system.operations[action].steps[0]


def _root(system: SystemPlan, *, alone: bool, count: int = 2) -> Root:
    assert system.details is not None
    options = dict(system.details.options)
    shared: Root = {"options": options, "auth": {}, "token": {}, "object": "Contact", "operation": "upsert"}
    shared |= {"batch": {"id": "b1"}, "key": {"name": "ext"}}
    deliveries = [delivery(number, payload={"n": number}) for number in range(1, count + 1)]
    records = [
        {**shared, **root_of(one, options, payload=one.payload), "position": position}
        for position, one in enumerate(deliveries)
    ]
    return request_root(shared, records, alone=alone)


def test_one_function_makes_the_body_of_all_records(tmp_path: Path) -> None:
    system = _system(tmp_path)
    body = _step(system, "upsert").request.body
    assert body is not None
    assert body(_root(system, alone=False)) == {
        "kind": "Contact",
        "constant": [1, "x"],
        "people": [
            {"id": "K1", "at": 0, "all": {"n": 1, "of": "R1"}},
            {"id": "K2", "at": 1, "all": {"n": 2, "of": "R2"}},
        ],
    }


def test_a_request_is_made_of_its_own_and_the_adapters_texts(tmp_path: Path) -> None:
    system = _system(tmp_path)
    assert system.details is not None
    request = _step(system, "upsert").request
    made = prepare(system.details, request, _root(system, alone=False), base_url="https://small.test")
    assert made.url == "https://small.test/people/Contact?ids=K1%3BK2%3B&fixed=1"
    assert dict(made.headers) == {"Content-Type": "application/json", "X-Region": "eu", "X-Plain": "plain"}


def test_an_id_that_is_not_known_makes_no_request(tmp_path: Path) -> None:
    system = _system(tmp_path)
    with pytest.raises(DataError, match="'vendor_id' is not there"):
        _step(system, "delete").request.url(_root(system, alone=True, count=1))


def test_what_cannot_be_read_of_an_element_takes_nothing_else_with_it(tmp_path: Path) -> None:
    results = _step(_system(tmp_path), "upsert").answer.results
    assert results is not None
    elements: list[Any] = [{"ids": ["a", "b"], "ok": True, "id": "1"}, {"ok": False, "code": "BAD"}, 5]
    assert results.subjects(elements, {}) == [
        {"match": "a-b", "ok": True, "vendor_id": "1"},
        {"match": None, "ok": False, "vendor_id": None},
        {"match": None, "ok": None, "vendor_id": None},
    ]
    assert results.complaints(elements[1:], {}) == [{"code": "BAD", "message": None}, {"code": None, "message": None}]
