"""Associations between records: the default one, and those with a type of their own, singly and in batches.

Every pair has the plain association of its objects; a labelled one adds its type, and stands from both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot
from .problems import Problem, RefusedError, absent, wrong_input
from .reading import objects, text
from .records import ObjectType, now_text

Type = tuple[str, int]
"""(category, number)"""

_TYPES = {("contacts", "companies"): 279, ("companies", "contacts"): 280}
_ANY = 449
_MOST = 2_000
_CATEGORIES = ("HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED")
routes = Routes()


@routes.on("PUT", "/objects/{name}/{record_id}/associations/default/{other}/{other_id}")
def associate(portal: Hubspot, call: Call, name: str, record_id: str, other: str, other_id: str) -> Answer:
    """Associate two records in the default way."""
    kinds = (portal.object_type(name), portal.object_type(other))
    for kind, each in zip(kinds, (record_id, other_id), strict=True):
        if kind.find(each) is None:
            raise RefusedError(absent(each))
    return _answer(200, [_associated(portal, kinds, record_id, other_id)])


@routes.on("POST", "/associations/{name}/{other}/batch/associate/default")
def associate_many(portal: Hubspot, call: Call, name: str, other: str) -> Answer:
    """Associate pairs of records in the default way."""
    kinds = (portal.object_type(name), portal.object_type(other))
    pairs = [(_id(each, "from"), _id(each, "to")) for each in _inputs(portal, call)]
    good, bad = _parted(kinds, pairs)
    return _answer(200, [_associated(portal, kinds, *pair) for pair in good], bad)


@routes.on("POST", "/associations/{name}/{other}/batch/create")
def create(portal: Hubspot, call: Call, name: str, other: str) -> Answer:
    """Associate pairs of records by types."""
    kinds = (portal.object_type(name), portal.object_type(other))
    inputs = _inputs(portal, call)
    typed = {(_id(each, "from"), _id(each, "to")): _types(each) for each in inputs}
    good, bad = _parted(kinds, typed)
    for pair in good:
        _put(portal, kinds, *pair, types=typed[pair])
    results = [
        {"fromObjectTypeId": kinds[0].type_id, "fromObjectId": int(one), "toObjectTypeId": kinds[1].type_id}
        | {"toObjectId": int(two), "labels": []}
        for one, two in good
    ]
    return _answer(201, results, bad)


@routes.on("POST", "/associations/{name}/{other}/batch/read")
def read(portal: Hubspot, call: Call, name: str, other: str) -> Answer:
    """Read with what records are associated; one without any is an error beside the others."""
    kinds = (portal.object_type(name), portal.object_type(other))
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for each in _inputs(portal, call):
        record_id = text(each.get("id"), "id") or ""
        found = _of(portal, kinds, record_id)
        if found:
            results.append({"from": {"id": record_id}, "to": [_told(number, types) for number, types in found]})
        else:
            words = f"No {kinds[1].kind.lower()} is associated with {kinds[0].kind.lower()} {record_id}."
            error = Problem(404, "OBJECT_NOT_FOUND", words).listed({"fromObjectId": [record_id]})
            errors.append({**error, "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"})
    portal.desk.random.shuffle(results)
    return _answer(200, results, errors)


@routes.on("POST", "/associations/{name}/{other}/batch/archive")
def archive(portal: Hubspot, call: Call, name: str, other: str) -> Answer:
    """Take every association of pairs away; one that is not there is as good as gone."""
    kinds = (portal.object_type(name), portal.object_type(other))
    for each in _inputs(portal, call):
        for to in objects(each.get("to"), "to"):
            _drop(portal, kinds, _id(each, "from"), text(to.get("id"), "id") or "")
    return Answer(204)


@routes.on("POST", "/associations/{name}/{other}/batch/labels/archive")
def archive_labels(portal: Hubspot, call: Call, name: str, other: str) -> Answer:
    """Take types of associations away; without the plain one nothing of a pair is left."""
    kinds = (portal.object_type(name), portal.object_type(other))
    plain = _TYPES.get((kinds[0].name, kinds[1].name), _ANY)
    for each in _inputs(portal, call):
        one, two, types = _id(each, "from"), _id(each, "to"), _types(each)
        if any(number == plain for _, number in types):
            _drop(portal, kinds, one, two)
            continue
        for held in _both(portal, kinds, one, two):
            held.difference_update(types)
    return Answer(204)


def _inputs(portal: Hubspot, call: Call) -> list[dict[str, Any]]:
    inputs = objects(portal.body(call).get("inputs"), "inputs")
    if len(inputs) > _MOST:
        raise RefusedError(wrong_input(f"The maximum number of inputs supported in a batch request is {_MOST}."))
    return inputs


def _id(sent: dict[str, Any], name: str) -> str:
    side = sent.get(name)
    found = text(side.get("id"), "id") if isinstance(side, dict) else None
    if not found:
        raise RefusedError(wrong_input(f"Some required fields were not set: [{name}.id]"))
    return found


def _types(sent: dict[str, Any]) -> set[Type]:
    found = set()
    for each in objects(sent.get("types"), "types"):
        category, number = each.get("associationCategory"), each.get("associationTypeId")
        if category not in _CATEGORIES or type(number) is not int:
            raise RefusedError(wrong_input("Invalid input JSON: associationCategory and associationTypeId are needed"))
        found.add((category, number))
    if not found:
        raise RefusedError(wrong_input("Some required fields were not set: [types]"))
    return found


def _parted(
    kinds: tuple[ObjectType, ObjectType], pairs: Iterable[tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    good, bad = [], []
    for pair in pairs:
        missing = [each for kind, each in zip(kinds, pair, strict=True) if kind.find(each) is None]
        if missing:
            context = {"fromObjectId": [pair[0]], "toObjectId": [pair[1]]}
            bad.append(Problem(404, "OBJECT_NOT_FOUND", f"No record with the id {missing[0]}").listed(context))
        else:
            good.append(pair)
    return good, bad


def _associated(portal: Hubspot, kinds: tuple[ObjectType, ObjectType], one: str, two: str) -> dict[str, Any]:
    _put(portal, kinds, one, two, types=set())
    number = _TYPES.get((kinds[0].name, kinds[1].name), _ANY)
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
    return {"from": {"id": one}, "to": {"id": two}, "associationSpec": spec}


def _put(portal: Hubspot, kinds: tuple[ObjectType, ObjectType], one: str, two: str, *, types: set[Type]) -> None:
    for (here, there), (a, b) in (((kinds[0], kinds[1]), (one, two)), ((kinds[1], kinds[0]), (two, one))):
        held = portal.associations.setdefault((here.name, there.name), {}).setdefault(a, {}).setdefault(b, set())
        held |= types | {("HUBSPOT_DEFINED", _TYPES.get((here.name, there.name), _ANY))}


def _both(portal: Hubspot, kinds: tuple[ObjectType, ObjectType], one: str, two: str) -> list[set[Type]]:
    sides = ((kinds[0].name, kinds[1].name, one, two), (kinds[1].name, kinds[0].name, two, one))
    found = (portal.associations.get((here, there), {}).get(a, {}).get(b) for here, there, a, b in sides)
    return [held for held in found if held is not None]


def _drop(portal: Hubspot, kinds: tuple[ObjectType, ObjectType], one: str, two: str) -> None:
    portal.associations.get((kinds[0].name, kinds[1].name), {}).get(one, {}).pop(two, None)
    portal.associations.get((kinds[1].name, kinds[0].name), {}).get(two, {}).pop(one, None)


def _of(portal: Hubspot, kinds: tuple[ObjectType, ObjectType], record_id: str) -> list[tuple[str, set[Type]]]:
    """Whom a record is associated with; what was archived is associated with nobody."""
    if kinds[0].find(record_id) is None:
        return []
    found = portal.associations.get((kinds[0].name, kinds[1].name), {}).get(record_id, {})
    return [(other, types) for other, types in found.items() if kinds[1].find(other) is not None]


def _told(record_id: str, types: set[Type]) -> dict[str, Any]:
    listed = [{"category": category, "typeId": number, "label": None} for category, number in sorted(types)]
    return {"toObjectId": int(record_id), "associationTypes": listed}


def _answer(status: int, results: list[dict[str, Any]], errors: list[dict[str, Any]] | None = None) -> Answer:
    now = now_text()
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return json_answer(207 if errors else status, body)
