"""Random expressions of the whole grammar, random JSON, random types and values of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from syncflow.compiler.functions import FUNCTIONS, JMESPATH_BUILT_INS
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    BOOLEAN,
    NULL,
    TEXT,
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    Text,
    Type,
    nullable,
    optional,
    union,
)

NAMES = ["a", "b", "c", "items", "na-me", "class", "ü", 'q"uote', "", "element", "lower", "root"]
TEXTS = ["", "a", "b", "abc", "1", "-2.5", "true", "ADA@example.com", "Ada Lovelace", "2024-01-31", "ß", "{}", "'"]

SCALARS: SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2, 3, 0.0, 1.0, -0.5, 2.5, 1e300, -(2**63), 2**63 - 1]),
    st.integers(-5, 5),
    st.sampled_from(TEXTS),
    st.text(max_size=3),
)
JSON: SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
        st.lists(st.dictionaries(st.sampled_from(NAMES[:4]), inner, max_size=3), max_size=3),
    ),
    max_leaves=12,
)


def _quoted(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else json.dumps(name)


_IDENTIFIERS = st.sampled_from(NAMES).map(_quoted)
_LITERALS = st.one_of(
    JSON.map(lambda value: "`" + json.dumps(value).replace("`", "\\`") + "`"),
    st.sampled_from(TEXTS).map(lambda text: "'" + text.replace("'", "\\'") + "'"),
)
_INDEXES = st.integers(-3, 3).map(lambda index: f"[{index}]")
_BOUNDS = st.one_of(st.just(""), st.integers(-4, 4).map(str))
_STEPS = st.one_of(st.just(""), st.sampled_from([":", ":1", ":2", ":-1", ":-2"]))
_SLICES = st.tuples(_BOUNDS, _BOUNDS, _STEPS).map(lambda parts: f"[{parts[0]}:{parts[1]}{parts[2]}]")
_OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_OURS = sorted(name for name, function in FUNCTIONS.items() if function.deterministic)
_NO_REFERENCE = {
    "abs": 1, "avg": 1, "ceil": 1, "contains": 2, "ends_with": 2, "floor": 1, "join": 2, "keys": 1, "length": 1, "max": 1,
    "merge": 2, "min": 1, "not_null": 3, "reverse": 1, "sort": 1, "starts_with": 2, "sum": 1, "to_array": 1,
    "to_number": 1, "to_string": 1, "type": 1, "values": 1,
}  # fmt: skip


def extended(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    """Draw an expression that is made of one, two or three others."""
    pair = st.tuples(inner, inner)
    entries = st.lists(st.tuples(_IDENTIFIERS, inner), min_size=1, max_size=3)
    some = st.lists(inner, min_size=1, max_size=3).map(", ".join)
    after_dot = st.one_of(_IDENTIFIERS, some.map(lambda parts: f"[{parts}]"), st.just("*"))
    return st.one_of(
        st.tuples(inner, after_dot).map(lambda parts: f"{parts[0]}.{parts[1]}"),
        st.tuples(inner, st.one_of(_INDEXES, _SLICES, st.sampled_from(["[*]", "[]"]))).map("".join),
        pair.map(lambda parts: f"{parts[0]}[?{parts[1]}]"),
        pair.map(lambda parts: f"{parts[0]} | {parts[1]}"),
        pair.map(lambda parts: f"{parts[0]} || {parts[1]}"),
        pair.map(lambda parts: f"{parts[0]} && {parts[1]}"),
        inner.map(lambda part: f"!{part}"),
        inner.map(lambda part: f"({part})"),
        st.tuples(inner, _OPERATORS, inner).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}"),
        some.map(lambda parts: f"[{parts}]"),
        entries.map(lambda named: "{" + ", ".join(f"{name}: {value}" for name, value in named) + "}"),
        pair.map(lambda parts: f"{parts[0]} | {{a: {parts[1]}, b: @}}"),
        st.sampled_from(sorted(_NO_REFERENCE)).flatmap(
            lambda name: st.lists(inner, min_size=_NO_REFERENCE[name], max_size=_NO_REFERENCE[name]).map(
                lambda arguments: f"{name}({', '.join(arguments)})"
            )
        ),
        st.tuples(st.sampled_from(["sort_by", "min_by", "max_by"]), pair).map(
            lambda call: f"{call[0]}({call[1][0]}, &{call[1][1]})"
        ),
        pair.map(lambda parts: f"map(&{parts[0]}, {parts[1]})"),
        st.sampled_from([name for name in _OURS if name not in JMESPATH_BUILT_INS]).flatmap(
            lambda name: _our_call(name, inner)
        ),
    )


def _our_call(name: str, inner: SearchStrategy[str]) -> SearchStrategy[str]:
    fewest, most = FUNCTIONS[name].fewest, FUNCTIONS[name].most
    arguments = st.lists(inner, min_size=fewest, max_size=fewest + 1 if most is None else most)
    return arguments.map(lambda parts: f"{name}({', '.join(parts)})")


EXPRESSIONS: SearchStrategy[str] = st.recursive(
    st.one_of(_IDENTIFIERS, _LITERALS, st.sampled_from(["@", "*", "[*]", "[]"]), _INDEXES, _SLICES),
    extended,
    max_leaves=8,
)

_LEAVES: SearchStrategy[Type] = st.one_of(
    st.sampled_from(
        [NULL, BOOLEAN, Boolean(only=True), ANY, TEXT, Text(format="email"), Text(min_length=1, max_length=3)]
    ),
    st.sampled_from([Integer(), Integer(0, 5), Number(), Number(-1, 1)]),
    st.sets(st.sampled_from(TEXTS), min_size=1, max_size=3).map(lambda values: Text(values=frozenset(values))),
)


def _wider(inner: SearchStrategy[Type]) -> SearchStrategy[Type]:
    properties = st.dictionaries(
        st.sampled_from(NAMES), st.one_of(inner, inner.map(optional), inner.map(nullable)), max_size=4
    )
    return st.one_of(
        st.tuples(inner, st.integers(0, 2)).map(lambda parts: Array(parts[0], parts[1])),
        st.tuples(properties, st.sampled_from([ABSENT, union(ANY, ABSENT)])).map(
            lambda parts: Object(tuple(sorted(parts[0].items())), parts[1])
        ),
        st.tuples(inner, inner).map(lambda parts: union(*parts)),
    )


TYPES: SearchStrategy[Type] = st.recursive(_LEAVES, _wider, max_leaves=8)
OBJECT_TYPES: SearchStrategy[Type] = st.dictionaries(
    st.sampled_from(NAMES[:6]), st.one_of(TYPES, TYPES.map(optional)), min_size=1, max_size=4
).map(lambda properties: Object(tuple(sorted(properties.items())), ABSENT))


def values_of(kind: Type) -> SearchStrategy[Any]:
    """Draw values of a type, absent left out."""
    match kind:
        case Boolean(only=only):
            return st.booleans() if only is None else st.just(only)
        case Integer(least=least, most=most):
            return st.one_of(
                st.integers(-100 if least is None else least, 100 if most is None else most),
                st.just(float(least or 0)),
            )
        case Number(least=least, most=most):
            return st.one_of(
                st.floats(-1e6 if least is None else least, 1e6 if most is None else most),
                st.integers(-1 if least is None else int(least), 1 if most is None else int(most)),
            )
        case Text():
            return _texts(kind)
        case Array():
            return st.lists(values_of(kind.items), min_size=kind.min_length, max_size=kind.min_length + 3)
        case Object():
            return _objects(kind)
    if kind == NULL:
        return st.none()
    if kind == ANY:
        return JSON
    return st.one_of([values_of(member) for member in getattr(kind, "members", ()) if member != ABSENT])


def _texts(kind: Text) -> SearchStrategy[str]:
    if kind.values is not None:
        return st.sampled_from(sorted(kind.values))
    if kind.format is not None:
        return st.sampled_from(["ada@example.com", "b@c.de"])
    return st.text(min_size=kind.min_length, max_size=kind.max_length or 5)


def _objects(kind: Object) -> SearchStrategy[dict[str, Any]]:
    required = {name: entry for name, entry in kind.properties if ABSENT not in getattr(entry, "members", (entry,))}
    others = {name: entry for name, entry in kind.properties if name not in required and entry != ABSENT}
    known = st.fixed_dictionaries(
        {name: values_of(entry) for name, entry in required.items()},
        optional={name: values_of(entry) for name, entry in others.items()},
    )
    if kind.rest == ABSENT:
        return known
    names = [name for name in NAMES if name not in dict(kind.properties)]
    return st.tuples(st.dictionaries(st.sampled_from(names), JSON, max_size=2), known).map(
        lambda parts: {**parts[0], **parts[1]}
    )


_PATHS = st.sampled_from(["a", "b", "c", "a.b", "b.c", "a[0]", "b[0].c", "@.a", "items", "a.items"])
_PLAIN = st.sampled_from(["`1`", "'a'", "''", "`true`", "`false`", "`null`", "`0`", "'abc'", "`[]`", "`{}`", "`1.0`"])
_TAKERS = st.sampled_from(
    ["lower", "length", "to_string", "type", "abs", "to_array", "sort", "keys", "ceil", "max", "first_name"]
)


def _guard(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda parts: f"({parts[0]} && {parts[1]})"),
        pair.map(lambda parts: f"({parts[0]} || {parts[1]})"),
        inner.map(lambda part: f"!({part})"),
        st.tuples(_PATHS, _OPERATORS, st.one_of(_PLAIN, inner)).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(_PATHS, inner, inner).map(lambda parts: f"{parts[0]}[?{parts[1]}].[{parts[2]}]"),
        st.tuples(_TAKERS, inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        pair.map(lambda parts: f"sort_by(to_array({parts[0]}), &{parts[1]})"),
        st.tuples(_PATHS, inner).map(lambda parts: f"{parts[0]} | {parts[1]}"),
    )


GUARDED: SearchStrategy[str] = st.recursive(st.one_of(_PATHS, _PATHS, _PLAIN), _guard, max_leaves=9)
"""Expressions in which guards say much about few paths."""
