"""Search: groups of filters, any of which may hold, each holding when all its filters do. It lags behind writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .portal import Hubspot
from .problems import RefusedError, wrong_input
from .reading import objects, texts, whole, whole_list
from .records import ObjectType, Record
from .shapes import read

_MOST_GROUPS, _MOST_FILTERS, _MOST_IN_ALL, _MOST_ON_PAGE, _MOST_FOUND = 5, 6, 18, 200, 10_000
_SEARCHED = ("email", "firstname", "lastname", "phone", "company", "name", "domain")
routes = Routes()


@routes.on("POST", "/objects/{name}/search")
def search(portal: Hubspot, call: Call, name: str) -> Answer:
    """Search records."""
    kind, body = portal.object_type(name), portal.body(call)
    limit, start = whole(body.get("limit") or 10, "limit"), whole(body.get("after") or 0, "after")
    groups = [
        objects(group.get("filters", []), "filters")
        for group in objects(body.get("filterGroups") or [], "filterGroups")
    ]
    _check(groups, limit, start)
    tests = [[_test(kind, each) for each in group] for group in groups]
    settled = time.monotonic() - portal.settings.search_delay_ms / 1000
    found = [
        record
        for record in kind.records.values()
        if record.written <= settled and _matches(record, tests) and _mentions(record, str(body.get("query") or ""))
    ]
    _sort(kind, found, whole_list(body.get("sorts") or [], "sorts"))
    page = found[start : start + limit]
    answer: dict[str, Any] = {
        "total": len(found),
        "results": [read(kind, each, texts(body.get("properties") or [], "properties")) for each in page],
    }
    if start + limit < len(found):
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return json_answer(200, answer)


def _check(groups: list[list[dict[str, Any]]], limit: int, start: int) -> None:
    sizes = [len(group) for group in groups]
    if len(groups) > _MOST_GROUPS or max(sizes, default=0) > _MOST_FILTERS or sum(sizes) > _MOST_IN_ALL:
        raise RefusedError(
            wrong_input(f"At most {_MOST_GROUPS} groups of {_MOST_FILTERS} filters, {_MOST_IN_ALL} in all.")
        )
    if not 0 < limit <= _MOST_ON_PAGE:
        raise RefusedError(wrong_input(f"limit must be between 1 and {_MOST_ON_PAGE}."))
    if start + limit > _MOST_FOUND:
        raise RefusedError(wrong_input(f"Search answers at most {_MOST_FOUND} results."))


def _matches(record: Record, tests: list[list[Callable[[Record], bool]]]) -> bool:
    return not tests or any(all(test(record) for test in group) for group in tests)


def _mentions(record: Record, query: str) -> bool:
    words = query.lower().split()
    text = " ".join(record.values.get(name, "") for name in _SEARCHED).lower()
    return all(word in text for word in words)


def _test(kind: ObjectType, sent: dict[str, Any]) -> Callable[[Record], bool]:
    name, operator = str(sent.get("propertyName", "")), str(sent.get("operator", ""))
    if name not in kind.properties:
        raise RefusedError(wrong_input(f'Property "{name}" does not exist'))
    compare = _comparison(operator, sent)
    return lambda record: compare((kind.value(record, name) or "").lower())


def _comparison(operator: str, sent: dict[str, Any]) -> Callable[[str], bool]:
    wanted = str(sent.get("value", "")).lower()
    highest = str(sent.get("highValue", "")).lower()
    several = {str(each).lower() for each in texts(sent.get("values") or [], "values")}
    token = wanted.strip("*")
    known: dict[str, Callable[[str], bool]] = {
        "EQ": lambda value: value == wanted,
        "NEQ": lambda value: value != wanted,
        "LT": lambda value: bool(value) and _order(value) < _order(wanted),
        "LTE": lambda value: bool(value) and _order(value) <= _order(wanted),
        "GT": lambda value: bool(value) and _order(value) > _order(wanted),
        "GTE": lambda value: bool(value) and _order(value) >= _order(wanted),
        "BETWEEN": lambda value: bool(value) and _order(wanted) <= _order(value) <= _order(highest),
        "IN": lambda value: value in several,
        "NOT_IN": lambda value: value not in several,
        "HAS_PROPERTY": bool,
        "NOT_HAS_PROPERTY": lambda value: not value,
        "CONTAINS_TOKEN": lambda value: token in value,
        "NOT_CONTAINS_TOKEN": lambda value: token not in value,
    }
    if operator not in known:
        raise RefusedError(wrong_input(f"{operator!r} is not an operator of search."))
    return known[operator]


def _order(value: str) -> tuple[int, float, str]:
    """Numbers by size, before all else by letters."""
    try:
        return (0, float(value), "")
    except ValueError:
        return (1, 0.0, value)


def _sort(kind: ObjectType, found: list[Record], sorts: list[Any]) -> None:
    if not sorts:
        return
    first = sorts[0]
    if not isinstance(first, (str, dict)):
        raise RefusedError(wrong_input("sorts must be a list of property names or objects."))
    name, direction = (first, "") if isinstance(first, str) else (first.get("propertyName"), first.get("direction"))
    found.sort(key=lambda record: _order(kind.value(record, str(name)) or ""), reverse=direction == "DESCENDING")
