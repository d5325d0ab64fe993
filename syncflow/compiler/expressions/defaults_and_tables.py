"""What a mapping does with a value besides computing it: a default for null, a table, leaving a field out.

In: values and what the mapping declares. Out: values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from syncflow.compiler.expressions import ir
from syncflow.compiler.expressions.constant_types import of_constant, union_of
from syncflow.compiler.expressions.ir import Callee, Pool, Value
from syncflow.compiler.functions.unreadable import is_nothing, note
from syncflow.compiler.types.json import (
    BOOLEAN,
    MISSING,
    NULL,
    TEXT,
    Missing,
    Object,
    Type,
    is_subtype,
    may_be_absent,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import values_of, without_null
from syncflow.compiler.values import text_of
from syncflow.events import Json

Table = Mapping[str, Json]


def defaulted(pool: Pool, value: Value, kind: Type, default: Json) -> tuple[Value, Type]:
    """Return ``default`` where the value is null."""
    if not may_be_null(kind) or default is None:
        return value, kind
    result = union(without_null(kind), of_constant(default))
    test = pool.one(ir.IsNull(value, type=BOOLEAN, place=value.place))
    return pool.one(ir.Choice(test, _constant(pool, default), value, type=result, place=value.place)), result


def looked_up(pool: Pool, value: Value, kind: Type, table: Table, default: Json | Missing) -> tuple[Value, Type]:
    """Return what a table has for the text of a value. Null is the default, or null; a value that is not in the table is
    the default, or unreadable."""
    result = _type_of_entry(kind, table, default)
    held = pool.one(ir.Constant(dict(table), type=of_constant(dict(table))))
    other = _constant(pool, None if default is MISSING else default)
    if is_subtype(kind, union(TEXT, NULL)) and (default is not MISSING or _covers(kind, table)):
        found: Value = ir.Method(held, "get", (value, other), type=result, place=value.place)
    else:
        callee = ENTRY if default is MISSING else Callee("entry_or", entry_or, raises=False)
        arguments = (held, value) if default is MISSING else (held, value, other)
        found = ir.Call(callee, arguments, type=result, place=value.place)
    return pool.one(found), result


def _covers(kind: Type, table: Table) -> bool:
    listed = values_of(without_null(kind))
    return listed is not None and all(isinstance(value, str) and value in table for value in listed)


def _type_of_entry(kind: Type, table: Table, default: Json | Missing) -> Type:
    listed = values_of(without_null(kind))
    names = table if listed is None else {text_of(value) for value in listed}
    kinds = [of_constant(table[name]) for name in names if name is not None and name in table]
    misses = listed is None or not all(name in table for name in names)
    if may_be_null(kind) or misses:
        kinds.append(NULL if default is MISSING else of_constant(default))
    return union_of(kinds)


def entry(table: Table, value: Json) -> Json:
    """Return the entry of a table, null for null, and for what is not in it: that is unreadable."""
    name = text_of(value)
    if name is not None and name in table:
        return table[name]
    if not is_nothing(value):
        note("table", value)
    return None


ENTRY: Final = Callee("entry", entry, raises=False)


def entry_or(table: Table, value: Json, default: Json) -> Json:
    """Return the entry of a table, the default for null and for what is not in it."""
    name = text_of(value)
    return default if name is None else table.get(name, default)


def present(pool: Pool, root: Value, paths: Sequence[tuple[str | int | None, ...]]) -> Value | None:
    """Return the value that tells whether all paths lead somewhere; None where the types prove that they do."""
    tests = [_is_there(pool, root, path) for path in paths if _may_lead_nowhere(root.type, path)]
    result: Value | None = None
    for test in tests:
        joint = test if result is None else ir.Both(result, test, plain=True, type=BOOLEAN)
        result = pool.one(joint)
    return result


def _is_there(pool: Pool, root: Value, path: Sequence[str | int | None]) -> Value:
    callee = Callee("is_there", is_there, raises=False)
    return pool.one(ir.Call(callee, (root, _constant(pool, list(path))), type=BOOLEAN))


def _may_lead_nowhere(kind: Type, path: Sequence[str | int | None]) -> bool:
    for step in path:
        if not isinstance(step, str):
            return False
        objects = [member for member in members(kind) if isinstance(member, Object)]
        if len(objects) < len(members(kind)) or any(may_be_absent(entry.property(step)) for entry in objects):
            return True
        kind = union(*(entry.property(step) for entry in objects))
    return False


def is_there(root: Any, path: Sequence[str | int | None]) -> bool:
    """Return whether a path leads anywhere. Behind a null, and within an array, it counts as there."""
    for step in path:
        if not isinstance(step, str) or not isinstance(root, dict):
            return True
        if step not in root:
            return False
        root = root[step]
    return True


def _constant(pool: Pool, value: Json) -> Value:
    return pool.one(ir.Constant(value, type=of_constant(value)))
