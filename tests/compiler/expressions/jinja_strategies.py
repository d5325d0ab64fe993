"""Random templates of the grammar that straight code is written for, and a little beyond it; and random records for them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from syncflow.compiler.types.json import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    TEXT,
    Array,
    Integer,
    Text,
    Type,
    closed_object,
    nullable,
    optional,
    union,
)

_WORDS = st.sampled_from(["", "a", "B c", "lead", "x-1", "é", "0", "12", "None"])
_NUMBERS = st.integers(-3, 3) | st.sampled_from([0.0, 1.5, -2.0, 10**20, 1e300, 2**62])
JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)

_ITEM_TYPE = closed_object(
    name=Text(max_length=20),
    kind=Text(values=frozenset({"lead", "customer", ""})),
    email=nullable(TEXT),
    phone=optional(TEXT),
    note=optional(nullable(TEXT)),
    number=Integer(-3, 3),
    ratio=NUMBER,
    active=BOOLEAN,
    any=optional(ANY),
    mixed=union(TEXT, Integer(), NULL),
    tags=Array(Text(max_length=5), 0, 3),
    rows=optional(Array(closed_object(x=Integer(), y=optional(TEXT)))),
    inner=optional(closed_object(deep=optional(TEXT))),
)
SCOPE: Type = closed_object(record=TEXT, item=_ITEM_TYPE)
"""The type of ``records``."""

_DEEP = st.fixed_dictionaries({}, optional={"deep": _WORDS})
_ROWS = st.lists(st.fixed_dictionaries({"x": st.integers(-3, 3)}, optional={"y": _WORDS}), max_size=3)
_ITEM = st.fixed_dictionaries(
    {
        "name": _WORDS,
        "kind": st.sampled_from(["lead", "customer", ""]),
        "email": st.none() | _WORDS,
        "number": st.integers(-3, 3),
        "ratio": st.sampled_from([0.0, 1.5, 1e300, 3, -2.0]),
        "active": st.booleans(),
        "mixed": st.none() | _WORDS | st.integers(-3, 3),
        "tags": st.lists(st.sampled_from(["a", "b", ""]), max_size=3),
    },
    optional={
        "phone": _WORDS,
        "note": st.none() | _WORDS,
        "any": JSON,
        "rows": _ROWS,
        "inner": _DEEP,
    },
)
RECORDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"record": st.just("contacts"), "item": _ITEM})
"""Records of the type ``SCOPE``."""

OTHER_RECORDS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["item", "record", "a"]), JSON | _ITEM, max_size=3
)

_PATHS = [
    *(f"item.{name}" for name, _ in _ITEM_TYPE.properties),
    *("item['name']", "item.inner.deep", "item.any.a", "item.any.b.c", "item.rows[0].x", "item.tags[1]"),
    *("item.tags[item.number]", "item.any[0]", "item['no']", "item.nothing", "nobody", "record"),
    *("today()", "today('Europe/Berlin')"),
    *("v", "w", "v", "each", "each.x", "each.y", "loop.index", "loop.last", "loop.length"),
]
_CONSTANTS = ["'a'", "'lead'", "''", "'q\"'", "0", "1", "2.5", "true", "none", "-1", "'{'", "5000000000"]
_OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "~", "+", "-", "*", "/", "//", "%"]
_TESTS = [
    *("defined", "undefined", "none", "not none", "string", "number", "mapping", "boolean", "true", "even", "iterable"),
    *("sequence", "upper", "eq('lead')", "in(['a', 'lead'])", "gt(1)", "divisibleby(2)", "integer", "float"),
]
_FILTERS = [
    *("lower", "upper", "trim", "default('x')", "default(item.name)", "truncate(3)", "first_name", "length", "count"),
    *("string", "join('-')", "join", "first", "is_blank", "coalesce(item.email, 'z')", "to_json", "add(1)"),
    *("when('a', item.phone)", "null_if(item.note)"),
    *("replace('a', 'bb')", "list", "int", "contains('a')", "split('-')", "sort", "is_in(item.tags)", "concat([1])"),
    *("dictsort", "dictsort(by='value')", "map('upper')", "map(attribute='x')", "select('defined')", "select", "list"),
    *("reject('none')", "selectattr('x')", "selectattr('x', 'gt', 1)", "rejectattr('y')", "max", "min", "urlencode"),
    *("int(2)", "int(default=3)", "float", "items", "map('truncate', 1)", "max(attribute='x')"),
]
_WORDS_BETWEEN = [" ", "a\n", "{", "'", '"\\', "%", "ü ", "\r\n", "  x  ", "{# c #}", "{% raw %}{{{% endraw %}"]


class _Writer:
    """Writes one random template; the deeper, the simpler."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def _one(self, choices: Sequence[str]) -> str:
        return self._random.choice(choices)

    def expression(self, depth: int) -> str:
        if depth <= 0 or self._random.random() < 0.35:
            return self._one(_PATHS if self._random.random() < 0.8 else _CONSTANTS)

        def part() -> str:
            return self.expression(depth - 1)

        match self._random.randrange(13):
            case 0 | 1:
                return f"{part()} | {self._one(_FILTERS)}"
            case 2 | 3 | 4:
                return f"({part()} {self._one(_OPERATORS)} {part()})"
            case 5:
                return f"({part()} is {self._one(_TESTS)})"
            case 6:
                return f"({part()} if {part()} else {part()})"
            case 7:
                return f"(not {part()})"
            case 8:
                return f"({part()} in [{part()}, {part()}])"
            case 9:
                return f"({part()} < {part()} <= {part()})"
            case 10:
                return f"({part()})[{self._one(['1:', ':2', '-1:', '::2', '1:2', '::-1', 'item.number:', '::0'])}]"
            case 11:
                return self._one(
                    [f"[{part()}, {part()}]", f"({part()}, {part()})", f"{{'a': {part()}, 'b': {part()}}}"]
                )
        return self._one([f"({part()} if {part()})", f"({part()}).a", f"({part()})[{part()}]", f"(-{part()})"])

    def block(self, depth: int) -> str:
        return "".join(self._statement(depth) for _ in range(self._random.randint(1, 3)))

    def _tag(self, words: str) -> str:
        opening, closing = self._one(["{%", "{%", "{%-", "{%+"]), self._one(["%}", "%}", "-%}"])
        return f"{opening} {words} {closing}"

    def _statement(self, depth: int) -> str:
        end_if, end_for = self._tag("endif"), self._tag("endfor")
        kind = self._random.randrange(10 if depth > 0 else 6)
        if kind < 3:
            return f"{{{{{self._one(['', '', '-'])} {self.expression(depth + 1)} {self._one(['', '', '-'])}}}}}"
        if kind == 3:
            return self._one(_WORDS_BETWEEN)
        if kind < 6:
            return self._tag(f"set {self._one('vw')} = {self.expression(depth)}")
        head = self._tag(f"if {self.expression(depth)}") + self.block(depth - 1)
        if kind == 6:
            return head + end_if
        if kind == 7:
            return f"{head}{self._tag(f'elif {self.expression(1)}')}{self.block(0)}{self._tag('else')}{self.block(0)}{end_if}"
        return self._loop(depth, end_for)

    def _loop(self, depth: int, end: str) -> str:
        body = self.block(depth - 1)
        match self._random.randrange(8):
            case 5:
                return f"{self._tag(f'for each in {self.expression(1)} if {self.expression(1)}')}{body}{end}"
            case 6:
                head = self._tag("for w, (v, k) in item.rows | map('dictsort')")
                return f"{head}{body}{end}"
            case 7:
                return f"{self._tag('set v, w = item.tags')}{body}"
            case 0:
                return f"{self._tag('set v')}{body}{self._tag('endset')}"
            case 1:
                return f"{self._tag('for k, v in item.any | items')}{body}{end}"
            case 2:
                return f"{self._tag('for each in item.tags')}{body}{self._tag('else')}{self.block(0)}{end}"
            case 3:
                return f"{self._tag('for each in item.rows')}{body}{end}"
        return f"{self._tag(f'for each in {self.expression(1)}')}{body}{end}"


def _template(random: Random) -> str:
    return _Writer(random).block(random.randint(0, 2))


TEMPLATES = st.builds(_template, st.randoms(use_true_random=False, note_method_calls=False))
