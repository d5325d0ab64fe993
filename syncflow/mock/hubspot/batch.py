"""Batches of up to 100 records. Without a trace id on every input a create or upsert is all or nothing; with them it is 207.

Results come back shuffled: the vendor promises no order, and a client that counts on one should fail here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot
from .problems import ABSENT, Problem, RefusedError, not_unique, some_absent, wrong_input
from .reading import objects, text, texts
from .records import ObjectType, Record, now_text
from .shapes import read, written
from .transaction import Transaction

Input = dict[str, Any]

_MOST = 100
routes = Routes()


@dataclass(slots=True)
class _Tally:
    """The results and the refused inputs of a batch, as they come."""

    results: list[dict[str, Any] | None] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


@routes.on("POST", "/objects/{name}/batch/upsert")
def upsert(portal: Hubspot, call: Call, name: str) -> Answer:
    """Create or change contacts by a unique property."""
    kind = portal.object_type(name)
    inputs = _inputs(portal, call)
    for each in inputs:
        by = each.get("idProperty")
        if by is not None and not kind.is_unique(by):
            raise RefusedError(not_unique(kind.type_id, by))
    _refuse_twice(kind, inputs)
    return _write(portal, kind, inputs, _upsert_one, status=200)


@routes.on("POST", "/objects/{name}/batch/create")
def create(portal: Hubspot, call: Call, name: str) -> Answer:
    """Create records."""
    return _write(portal, portal.object_type(name), _inputs(portal, call), _create_one, status=201)


@routes.on("POST", "/objects/{name}/batch/update")
def update(portal: Hubspot, call: Call, name: str) -> Answer:
    """Change records by id or by a unique custom property."""
    kind = portal.object_type(name)
    inputs = _inputs(portal, call)
    for each in inputs:
        by = each.get("idProperty")
        if by is not None and (by == "email" or not kind.is_unique(by)):
            raise RefusedError(not_unique(kind.type_id, by))
    _refuse_twice(kind, inputs)
    return _write(portal, kind, inputs, _update_one, status=200)


@routes.on("POST", "/objects/{name}/batch/read")
def read_batch(portal: Hubspot, call: Call, name: str) -> Answer:
    """Read records by id or by a unique property."""
    kind = portal.object_type(name)
    inputs, body = _inputs(portal, call), portal.body(call)
    by = text(body.get("idProperty"), "idProperty")
    if by is not None and by != "hs_object_id" and not kind.is_unique(by):
        raise RefusedError(not_unique(kind.type_id, by))
    asked = [*texts(body.get("properties") or [], "properties"), *([by] if by else [])]
    ids = dict.fromkeys(str(each.get("id", "")) for each in inputs)
    found = {each: kind.find(each, by) for each in ids}
    tally = _Tally([read(kind, record, asked) for record in found.values() if record is not None])
    missing = [each for each, record in found.items() if record is None]
    if missing:
        tally.errors.append(some_absent(kind.kind).listed({"ids": missing}))
    return _answer(portal, tally, 200)


@routes.on("POST", "/objects/{name}/batch/archive")
def archive(portal: Hubspot, call: Call, name: str) -> Answer:
    """Archive records by id; unknown ids are passed over."""
    kind = portal.object_type(name)
    for each in _inputs(portal, call):
        record = kind.records.get(str(each.get("id", "")))
        if record is not None:
            kind.archive(record)
    return Answer(204)


def _inputs(portal: Hubspot, call: Call) -> list[Input]:
    inputs = objects(portal.body(call).get("inputs"), "inputs")
    for each, name in product(inputs, ("id", "idProperty", "objectWriteTraceId")):
        text(each.get(name), name)
    if len(inputs) > _MOST:
        raise RefusedError(wrong_input(f"The maximum number of inputs supported in a batch request is {_MOST}."))
    return inputs


def _refuse_twice(kind: ObjectType, inputs: list[Input]) -> None:
    times = Counter(str(each.get("id", "")).strip().lower() for each in inputs)
    twice = [each for each, count in times.items() if count > 1]
    if twice:
        text = f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique"
        raise RefusedError(wrong_input(text, {"ids": twice}))


def _write(
    portal: Hubspot,
    kind: ObjectType,
    inputs: list[Input],
    one: Callable[[ObjectType, Input], dict[str, Any] | Problem | None],
    *,
    status: int,
) -> Answer:
    traces = [each.get("objectWriteTraceId") for each in inputs]
    traced = all(traces) and len(set(traces)) == len(traces)
    tally = _Tally()
    kind.check_lock()
    absent: list[Input] = []
    with Transaction(kind):
        for each in inputs:
            outcome = one(kind, each)
            if outcome is ABSENT:
                absent.append(each)
            elif not isinstance(outcome, Problem):
                tally.results.append(_traced(each, outcome))
            elif traced:
                tally.errors.append(outcome.listed({"objectWriteTraceId": [each["objectWriteTraceId"]]}))
            else:
                raise RefusedError(outcome)
    tally.errors.extend(_absences(kind, absent, traced=traced))
    return _answer(portal, tally, status)


def _absences(kind: ObjectType, absent: list[Input], *, traced: bool) -> list[dict[str, Any]]:
    """One error for each record that is not there when they can be told apart, else one for all."""
    problem = some_absent(kind.kind)
    if traced:
        return [
            problem.listed({"ids": [str(each.get("id", ""))], "objectWriteTraceId": [each["objectWriteTraceId"]]})
            for each in absent
        ]
    return [problem.listed({"ids": [str(each.get("id", "")) for each in absent]})] if absent else []


def _upsert_one(kind: ObjectType, sent: Input) -> dict[str, Any] | Problem | None:
    key, by = str(sent.get("id", "")).strip(), sent.get("idProperty")
    record = kind.find(key, by) if key else None
    if record is None and by is None:
        return ABSENT
    properties = _properties(sent)
    if by is not None and not properties.get(by):
        properties = {**properties, by: key}
    kept = kind.check(properties, record)
    if isinstance(kept, Problem):
        return kept
    new = record is None
    record = _put(kind, record, kept)
    return {**written(kind, record, kept, whole=True), "new": new}


def _create_one(kind: ObjectType, sent: Input) -> dict[str, Any] | Problem | None:
    kept = kind.check(_properties(sent), None)
    return kept if isinstance(kept, Problem) else written(kind, kind.create(kept), kept, whole=True)


def _update_one(kind: ObjectType, sent: Input) -> dict[str, Any] | Problem | None:
    key = str(sent.get("id", ""))
    if key in kind.merged:
        return None  # the vendor passes over records that went into another
    record = kind.find(key, sent.get("idProperty"))
    if record is None:
        return ABSENT
    kept = kind.check(_properties(sent), record)
    return kept if isinstance(kept, Problem) else written(kind, _put(kind, record, kept), kept, whole=False)


def _put(kind: ObjectType, record: Record | None, kept: dict[str, str]) -> Record:
    if record is None:
        return kind.create(kept)
    kind.update(record, kept)
    return record


def _properties(sent: Input) -> dict[str, Any]:
    properties = sent.get("properties")
    if not isinstance(properties, dict):
        raise RefusedError(wrong_input("Some required fields were not set: [properties]"))
    return properties


def _traced(sent: Input, result: dict[str, Any] | None) -> dict[str, Any] | None:
    trace = sent.get("objectWriteTraceId")
    return result if trace is None or result is None else {**result, "objectWriteTraceId": trace}


def _answer(portal: Hubspot, tally: _Tally, status: int) -> Answer:
    results = portal.desk.faults.left_out([each for each in tally.results if each is not None])
    portal.desk.random.shuffle(results)
    now = now_text()
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if tally.errors:
        body |= {"numErrors": len(tally.errors), "errors": tally.errors}
    return json_answer(207 if tally.errors else status, body)
