"""Running a parsed query over the records, using an index where the condition allows it, and answering in pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .entity import Entity, Record
from .fields import Field
from .ids import new_id, normal_id
from .org import Salesforce
from .problems import RefusedError, refuse
from .rows import column, row_url, version_path
from .soql import Compared, Condition, Joined, Query, parse

Test = Callable[[Record], bool]

_PAGE = 2000
_SMALLEST_PAGE = 200
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
routes = Routes()


@routes.on("GET", "/query")
def query(org: Salesforce, call: Call) -> Answer:
    """Query records by SOQL."""
    return _query(org, call, deleted=False)


@routes.on("GET", "/queryAll")
def query_all(org: Salesforce, call: Call) -> Answer:
    """Query records by SOQL, deleted ones included."""
    return _query(org, call, deleted=True)


@routes.on("GET", "/query/{cursor}")
def query_more(org: Salesforce, call: Call, cursor: str) -> Answer:
    """Read the next page of a query."""
    name, _, start = cursor.rpartition("-")
    rows = org.cursors.get(name)
    if rows is None or not start.isdecimal():
        raise refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, rows, name, int(start))


def _query(org: Salesforce, call: Call, *, deleted: bool) -> Answer:
    text = call.query.get("q", "").strip()
    if not text:
        raise refuse(400, "MALFORMED_QUERY", "A query string has to be specified")
    wanted = parse(text)
    entity = _entity(org, wanted.object)
    found = _found(entity, wanted, deleted=deleted)
    if wanted.counting:
        return json_answer(200, {"totalSize": len(found), "done": True, "records": []})
    rows = _rows(call, entity, wanted, found)
    name = new_id("01g", len(org.cursors) + 1)
    if len(rows) > _page_size(call):
        org.cursors[name] = rows
    return _page(call, rows, name, 0)


def _entity(org: Salesforce, name: str) -> Entity:
    try:
        return org.entity(name)
    except RefusedError:
        text = f"\nFROM {name}\n     ^\nERROR at Row:1:Column:1\nsObject type '{name}' is not supported."
        raise refuse(400, "INVALID_TYPE", text) from None


def _found(entity: Entity, wanted: Query, *, deleted: bool) -> list[Record]:
    test = _test(entity, wanted.where) if wanted.where else None
    ids = _candidates(entity, wanted.where) if wanted.where else None
    live = entity.records.values() if ids is None else [entity.records[each] for each in dict.fromkeys(ids)]
    pool: Iterable[Record] = (
        [*live, *({**each, "IsDeleted": True} for each in entity.deleted.values())] if deleted else live
    )
    found = list(pool) if test is None else [record for record in pool if test(record)]
    for name, descending in reversed(wanted.order):
        by = column(entity, name).name
        found.sort(key=lambda record: _sortable(entity.value(record, by)), reverse=descending)
    end = None if wanted.limit is None else wanted.offset + wanted.limit
    return found[wanted.offset : end]


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (2, value.lower()) if isinstance(value, str) else (1, value)


def _rows(call: Call, entity: Entity, wanted: Query, found: list[Record]) -> list[dict[str, Any]]:
    names = (
        list(entity.fields)
        if wanted.fields == ["*"]
        else [column(entity, _bare(entity, each)).name for each in wanted.fields]
    )
    return [
        {"attributes": {"type": entity.name, "url": row_url(call, entity, record["Id"])}, **entity.whole(record, names)}
        for record in found
    ]


def _bare(entity: Entity, name: str) -> str:
    """A field may be written with the name of its object before it."""
    head, _, rest = name.partition(".")
    return rest if rest and head.lower() == entity.name.lower() else name


def _page_size(call: Call) -> int:
    asked = _BATCH.search(call.headers.get("sforce-query-options", ""))
    return max(_SMALLEST_PAGE, min(_PAGE, int(asked[1]))) if asked else _PAGE


def _page(call: Call, rows: list[dict[str, Any]], name: str, start: int) -> Answer:
    end = start + _page_size(call)
    page: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
    if end < len(rows):
        page["nextRecordsUrl"] = f"{version_path(call)}/query/{name}-{end}"
    return json_answer(200, page)


# conditions -------------------------------------------------------------------------------------------------------------


def _candidates(entity: Entity, where: Condition) -> list[str] | None:
    """The ids that an index gives for a condition, or None when every record must be looked at."""
    if isinstance(where, Joined):
        if where.by != "and":
            return None
        return next((ids for part in where.parts if (ids := _candidates(entity, part)) is not None), None)
    found = column(entity, _bare(entity, where.field))
    if where.op not in {"=", "in"} or not (found.lookup or found.type == "id"):
        return None
    values = where.value if where.op == "in" else (where.value,)
    if not all(isinstance(value, str) for value in values):
        return None
    return [each for value in values for each in entity.lookup(found, value)]


def _test(entity: Entity, where: Condition) -> Test:
    if isinstance(where, Compared):
        return _compared(entity, where)
    parts = [_test(entity, part) for part in where.parts]
    if where.by == "not":
        return lambda record: not parts[0](record)
    every = all if where.by == "and" else any
    return lambda record: every(part(record) for part in parts)


def _compared(entity: Entity, where: Compared) -> Test:
    field = column(entity, _bare(entity, where.field))
    name, against = field.name, _operand(field, where.value)
    compare = _comparison(where.op, against)
    return lambda record: compare(_folded(entity.value(record, name)))


def _operand(field: Field, value: Any) -> Any:
    """The value of a condition in the form in which records keep it, without regard to case."""
    if isinstance(value, tuple):
        return frozenset(_operand(field, each) for each in value)
    if isinstance(value, str) and field.type in {"id", "reference"}:
        value = normal_id(value) or value
    elif isinstance(value, str) and field.type in {"date", "datetime"}:
        value = field.check(value)
    elif (
        value is not None
        and field.type in {"string", "email", "phone", "textarea", "picklist", "url"}
        and not isinstance(value, str)
    ):
        text = (
            f"\n{field.name} = {value}\n^\nERROR at Row:1:Column:1\nvalue of filter criterion for field "
            f"'{field.name}' must be of type string and should be enclosed in quotes"
        )
        raise refuse(400, "INVALID_FIELD", text)
    return _folded(value)


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _comparison(op: str, against: Any) -> Callable[[Any], bool]:
    if op == "in":
        return lambda value: value in against
    if op == "like":
        pattern = re.compile(re.escape(str(against)).replace("%", ".*").replace("_", "."), re.DOTALL)
        return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None
    ordered: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: value == against,
        "!=": lambda value: value != against,
        "<>": lambda value: value != against,
        "<": lambda value: value is not None and value < against,
        ">": lambda value: value is not None and value > against,
        "<=": lambda value: value is not None and value <= against,
        ">=": lambda value: value is not None and value >= against,
    }
    return ordered[op]
