"""Jinja's own filters and forms as calls: what they take, what they return, and the code that does it.

Names with a blank are forms of the grammar, such as ``of[1:2]``: nobody can call them by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from syncflow.compiler.expressions import results, texts
from syncflow.compiler.expressions.built_ins import BuiltIn, called
from syncflow.compiler.expressions.jinja import runtime
from syncflow.compiler.expressions.jinja.library import FILTERS, filter_of
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    ARRAY,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Array,
    Integer,
    Type,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.narrowing import of_value

COUNT: Final = Integer(0, None)
_MAYBE: Final = union(ANY, ABSENT)
_COUNTED: Final = union(ARRAY, OBJECT, TEXT)
_SCALAR: Final = union(NUMBER, TEXT)
_BOUND: Final = union(Integer(), NULL)
_STEP: Final = union(Integer(None, -1), Integer(1, None), NULL)
_RETURNS: Final[Mapping[str, Type]] = {"float": _SCALAR, "int": _SCALAR, "urlencode": TEXT}

SLICE: Final = "a slice"
RANGE: Final = "range of"
NEGATIVE: Final = "negative of"
POSITIVE: Final = "positive of"
OBJECT_OF: Final = "object of"


def _joined_list(kind: Type, separator: Type = NEVER) -> Type:
    """Return the type of the text that ``join`` makes of a list: how long it gets, and of which pieces it is made."""
    arrays = [member for member in members(kind) if isinstance(member, Array)]
    if not arrays or len(arrays) != len(members(kind)) or not is_subtype(separator, TEXT):
        return TEXT
    written = [Array(texts.written(array.items), array.min_length, array.max_length) for array in arrays]
    return results.joined(of_value("") if separator == NEVER else separator, union(*written))


def _sliced(kind: Type, *bounds: Type) -> Type:
    return union(*(results.sliced(member, NEVER) for member in members(kind)))


def _always(kind: Type) -> Any:
    return lambda *_: kind


def _of_library(name: str) -> BuiltIn:
    returns = _always(_RETURNS.get(name, _MAYBE))
    return BuiltIn(
        name, (ANY,), returns, filter_of(name), variadic=True, is_checked=False, may_fail=True, of_functions=True
    )


_TABLE: Final = (
    BuiltIn("count", (_COUNTED,), _always(COUNT), len, plain=called(len)),
    BuiltIn("items", (OBJECT,), _always(Array(Array(ANY, 2, 2))), runtime.items, may_fail=True, takes_absent=True),
    BuiltIn("join", (ARRAY, ANY), _joined_list, runtime.join, fewest=1, may_fail=True),
    BuiltIn("length", (_COUNTED,), _always(COUNT), len, plain=called(len)),
    BuiltIn(NEGATIVE, (NUMBER,), _always(_SCALAR), runtime.negative, may_fail=True),
    BuiltIn(OBJECT_OF, (ANY,), _always(OBJECT), runtime.object_of, variadic=True, fewest=0, may_fail=True),
    BuiltIn(POSITIVE, (NUMBER,), _always(_SCALAR), runtime.positive, may_fail=True),
    BuiltIn(
        RANGE,
        (Integer(),),
        _always(Array(Integer(), 0, runtime.MOST_RANGE)),
        runtime.range_of,
        variadic=True,
        may_fail=True,
    ),
    BuiltIn(SLICE, (union(ARRAY, TEXT), _BOUND, _BOUND, _STEP), _sliced, runtime.sliced),
)

JINJA_BUILT_INS: Final[Mapping[str, BuiltIn]] = {
    **{name: _of_library(name) for name in sorted(FILTERS)},
    **{built_in.name: built_in for built_in in _TABLE},
}
