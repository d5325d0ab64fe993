"""Arrays and objects: picking, merging, ordering. In: values already read. Out: new values; what goes in is never changed."""

from __future__ import annotations

from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.kinds import TEXT_KIND
from syncflow.compiler.functions.parameters import anything, array, integer, table, text
from syncflow.compiler.functions.rules import constant_text
from syncflow.compiler.types.json import (
    ANY,
    ARRAY,
    OBJECT,
    TEXT,
    Array,
    Integer,
    Object,
    Type,
    closed_object,
    may_be_absent,
    members,
    nullable,
    optional,
    union,
)
from syncflow.compiler.types.narrowing import without_null
from syncflow.events import Json

GROUP = Group("structure", "Arrays and objects")


def _elements(kind: Type) -> Type:
    """Return the type of the elements of arrays."""
    return union(*(member.items for member in members(kind) if isinstance(member, Array)))


def _same_elements(kind: Type, *_: Type) -> Type:
    return Array(_elements(kind))


def _an_element(kind: Type, *_: Type) -> Type:
    return nullable(_elements(kind))


def _end(kind: Type) -> Type:
    sure = all(isinstance(member, Array) and member.min_length > 0 for member in members(kind))
    return _elements(kind) if sure else nullable(_elements(kind))


@GROUP.function(
    "first",
    "Take the first element of an array; null where it is empty.",
    array(),
    returns=_end,
    examples=[([1, 2, 3], 1), ([], None)],
)
def _first(values: list[Json]) -> Json:
    return values[0] if values else None


@GROUP.function(
    "last",
    "Take the last element of an array; null where it is empty.",
    array(),
    returns=_end,
    examples=[([1, 2, 3], 3), ([], None)],
)
def _last(values: list[Json]) -> Json:
    return values[-1] if values else None


@GROUP.function(
    "at",
    "Take the element at a place, counted from 0 (from the end where negative); null where there is none.",
    array(),
    integer("index"),
    returns=_an_element,
    examples=[(["a", "b"], 1, "b"), (["a", "b"], -1, "b"), (["a"], 5, None)],
)
def _at(values: list[Json], index: int) -> Json:
    return values[index] if -len(values) <= index < len(values) else None


@GROUP.function(
    "index_of",
    "Find the place of the first equal element, counted from 0; null where there is none.",
    array(),
    anything("value"),
    returns=nullable(Integer(0)),
    examples=[(["a", "b"], "b", 1), (["a"], "x", None), ([1], True, None)],
)
def _index_of(values: list[Json], value: Json) -> int | None:
    wanted = identity(value)
    return next((index for index, entry in enumerate(values) if identity(entry) == wanted), None)


def identity(value: Json) -> object:
    """Return something hashable that is equal for equal JSON values only: true is not 1, but 1.0 is 1."""
    if isinstance(value, list):
        return ("array", *map(identity, value))
    if isinstance(value, dict):
        return ("object", frozenset((name, identity(entry)) for name, entry in value.items()))
    return (isinstance(value, bool), value)


@GROUP.function(
    "unique",
    "Drop the elements that were there before; the first of each stays.",
    array(),
    returns=_same_elements,
    examples=[([1, "a", 1, 1.0, True, "a"], [1, "a", True])],
)
def _unique(values: list[Json]) -> list[Json]:
    firsts: dict[object, Json] = {}
    for value in values:
        firsts.setdefault(identity(value), value)
    return list(firsts.values())


@GROUP.function(
    "compact",
    "Drop the elements that are null.",
    array(),
    returns=lambda kind: Array(without_null(_elements(kind))),
    examples=[([1, None, "", False], [1, "", False])],
)
def _compact(values: list[Json]) -> list[Json]:
    return [value for value in values if value is not None]


@GROUP.function(
    "sort",
    "Order an array of numbers, or one of texts (by code point); null where it holds anything else, or both.",
    array(),
    returns=lambda kind: nullable(_same_elements(kind)),
    examples=[([3, 1, 2.5], [1, 2.5, 3]), (["b", "a"], ["a", "b"]), ([1, "a"], None)],
)
def _sort(values: list[Json]) -> list[Json] | None:
    if all(isinstance(value, str) for value in values):
        return sorted(values, key=str)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return sorted(values)  # type: ignore[type-var]  # numbers, as just seen
    return None


@GROUP.function(
    "reverse",
    "Turn an array, or text, round.",
    anything("value"),
    returns=nullable(union(TEXT, ARRAY)),
    examples=[([1, 2], [2, 1]), ("abc", "cba"), (5, None)],
)
def _reverse(value: Json) -> Json:
    return value[::-1] if isinstance(value, str | list) else None


@GROUP.function(
    "flatten",
    "Put the elements of arrays within an array in their place, one level deep.",
    array(),
    returns=lambda kind: Array(_flat(_elements(kind))),
    examples=[([1, [2, [3]], []], [1, 2, [3]])],
)
def _flatten(values: list[Json]) -> list[Json]:
    return [entry for value in values for entry in (value if isinstance(value, list) else [value])]


def _flat(kind: Type) -> Type:
    return union(*(member.items if isinstance(member, Array) else member for member in members(kind)))


@GROUP.function(
    "concat",
    "Put arrays one after another.",
    array("array"),
    returns=lambda *kinds: Array(union(*map(_elements, kinds))),
    variadic=True,
    examples=[([1], [2, 3], [], [1, 2, 3])],
)
def _concat(*arrays: list[Json]) -> list[Json]:
    return [value for values in arrays for value in values]


def _objects(kind: Type) -> list[Object]:
    return [member for member in members(kind) if isinstance(member, Object)]


def _picked(kind: Type, *names: Type) -> Type:
    known = [constant_text(name) for name in names]
    picked = {
        name: union(*(optional(entry.property(name)) for entry in _objects(kind))) for name in known if name is not None
    }
    picked = {name: _as_there(kind, name, entry) for name, entry in picked.items()}
    return closed_object(**picked) if None not in known else OBJECT


def _as_there(kind: Type, name: str, entry: Type) -> Type:
    """A property that is surely there in the object is there in what is picked."""
    sure = all(not may_be_absent(member.property(name)) for member in _objects(kind))
    return union(*(member.property(name) for member in _objects(kind))) if sure else entry


@GROUP.function(
    "pick",
    "Keep only these properties of an object.",
    table(),
    text("name"),
    returns=_picked,
    variadic=True,
    examples=[({"a": 1, "b": 2, "c": 3}, "a", "c", "x", {"a": 1, "c": 3})],
)
def _pick(holder: dict[str, Json], *names: str) -> dict[str, Json]:
    return {name: entry for name, entry in holder.items() if name in names}


@GROUP.function(
    "omit",
    "Drop these properties of an object.",
    table(),
    text("name"),
    returns=OBJECT,
    variadic=True,
    examples=[({"a": 1, "b": 2}, "b", {"a": 1})],
)
def _omit(holder: dict[str, Json], *names: str) -> dict[str, Json]:
    return {name: entry for name, entry in holder.items() if name not in names}


@GROUP.function(
    "merge",
    "Put the properties of objects together; the later object wins.",
    table("object"),
    returns=OBJECT,
    variadic=True,
    examples=[({"a": 1, "b": 1}, {"b": 2}, {"a": 1, "b": 2})],
)
def _merge(*holders: dict[str, Json]) -> dict[str, Json]:
    return {name: entry for holder in holders for name, entry in holder.items()}


@GROUP.function(
    "without_nulls",
    "Drop the properties that are null.",
    table(),
    returns=OBJECT,
    examples=[({"a": None, "b": 0}, {"b": 0})],
)
def _without_nulls(holder: dict[str, Json]) -> dict[str, Json]:
    return {name: entry for name, entry in holder.items() if entry is not None}


@GROUP.function(
    "entries",
    "Make an array of the properties of an object: {key, value} each.",
    table(),
    returns=Array(closed_object(key=TEXT, value=ANY)),
    examples=[({"a": 1}, [{"key": "a", "value": 1}])],
)
def _entries(holder: dict[str, Json]) -> list[Json]:
    return [{"key": name, "value": entry} for name, entry in holder.items()]


def _with_parent_type(kind: Type, parent: Type) -> Type:
    return Array(closed_object(index=Integer(0), element=_elements(kind), parent=parent))


@GROUP.function(
    "with_parent",
    "Put beside each element of an array its place and another value, which a projection then sees: {index, element, parent}.",
    array(),
    anything("parent", "What each element shall see: the whole record (`@`), a table."),
    returns=_with_parent_type,
    examples=[
        (
            ["a", "b"],
            {"id": 7},
            [{"index": 0, "element": "a", "parent": {"id": 7}}, {"index": 1, "element": "b", "parent": {"id": 7}}],
        ),
        ([], None, []),
    ],
)
def _with_parent(values: list[Json], parent: Json) -> list[Json]:
    return [{"index": index, "element": entry, "parent": parent} for index, entry in enumerate(values)]


@GROUP.function(
    "rename_keys",
    "Give the properties of an object the names that a table has for them; others keep theirs, or are left out with 'drop'.",
    table(),
    table("table", "Old name → new name."),
    text("others", "keep, or drop.", default="keep"),
    returns=OBJECT,
    examples=[
        ({"color": "red", "size": 5}, {"color": "cf_12"}, {"cf_12": "red", "size": 5}),
        ({"color": "red", "size": 5}, {"color": 12}, "drop", {"12": "red"}),
    ],
)
def _rename_keys(holder: dict[str, Json], names: dict[str, Json], others: str) -> dict[str, Json]:
    kept = {name: names.get(name, "" if others == "drop" else name) for name in holder}
    texts = {name: TEXT_KIND.read(new) for name, new in kept.items()}
    return {new: holder[name] for name, new in texts.items() if isinstance(new, str) and new}


@GROUP.function(
    "from_entries",
    "Make an object of an array of {key, value}; elements without a key of text are left out.",
    array("entries"),
    returns=OBJECT,
    examples=[([{"key": "a", "value": 1}, {"key": 2}], {"a": 1})],
)
def _from_entries(entries: list[Json]) -> dict[str, Json]:
    pairs = ((entry.get("key"), entry.get("value")) for entry in entries if isinstance(entry, dict))
    return {key: value for key, value in pairs if isinstance(key, str)}


@GROUP.function(
    "flatten_keys",
    "Make one level of nested objects: the names joined by a separator. Arrays stay as they are.",
    table(),
    text("separator", default="."),
    returns=OBJECT,
    examples=[({"a": {"b": 1, "c": {}}, "d": [1]}, {"a.b": 1, "d": [1]}), ({"a": {"b": 1}}, "_", {"a_b": 1})],
)
def _flatten_keys(holder: dict[str, Json], separator: str) -> dict[str, Json]:
    flat: dict[str, Json] = {}
    waiting: list[tuple[str, Json]] = list(reversed(holder.items()))
    while waiting:
        name, entry = waiting.pop()
        if isinstance(entry, dict):
            waiting += [(f"{name}{separator}{inner}", value) for inner, value in reversed(entry.items())]
        else:
            flat[name] = entry
    return flat
