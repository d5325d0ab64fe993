"""A language's own functions: what they take, what they return, and the code that does it. Here are JMESPath's.

In: the types of arguments. Out: types. Unlike the functions of our library these fail on arguments of another kind, so
an argument that is not proven to fit is worth a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any, Final

from syncflow.compiler.expressions import ir, results, runtime
from syncflow.compiler.expressions.ir import Callee, Place, Pool, Value
from syncflow.compiler.functions.function import Function
from syncflow.compiler.functions.unreadable import noting
from syncflow.compiler.types.json import ANY, ARRAY, BOOLEAN, NUMBER, OBJECT, TEXT, Array, Type, is_subtype, union
from syncflow.frozen import value_class

Plain = Callable[[Pool, Sequence[Value], Sequence[Type], Type, "Place | None"], "Value | None"]
"""Arguments that fit and their types, the type of the result, the place → the call as Python has it, None where it has no such."""


@value_class
class BuiltIn:
    """``parameters`` has None where a reference (``&name``) belongs. ``fewest``: how many arguments there are at least, all where it is
    None. ``exact``: of few known values the result is known. ``is_checked``: types tell whether it works; ``may_fail``: even then."""

    name: str
    parameters: tuple[Type | None, ...]
    returns: Callable[..., Type] = field(repr=False)
    """Types of the arguments → type of the result. A reference is given as what it makes of the array's elements."""
    call: Callable[..., Any] = field(repr=False)
    variadic: bool = False
    fewest: int | None = None
    exact: bool = False
    is_checked: bool = True
    may_fail: bool = False
    takes_absent: bool = False
    plain: Plain | None = field(default=None, repr=False)
    of_functions: bool = False
    """Whether ``call`` first takes the functions that may be called, and then the arguments."""

    @property
    def least(self) -> int:
        return len(self.parameters) if self.fewest is None else self.fewest

    def code(self, functions: Mapping[str, Function], named: Sequence[str]) -> Callable[..., Any]:
        """Return what code calls; the last arguments have the names ``named``."""
        call = partial(self.call, functions) if self.of_functions else self.call
        if not named:
            return call
        count = len(named)
        return lambda *given: call(*given[:-count], **dict(zip(named, given[-count:], strict=True)))

    def parameter(self, position: int) -> Type | None:
        """Return what is expected of the argument at ``position``."""
        return self.parameters[min(position, len(self.parameters) - 1)]

    @property
    def elements_from(self) -> int | None:
        """The argument whose elements a reference is evaluated on, None where the function takes no reference."""
        if None not in self.parameters:
            return None
        return 1 - self.parameters.index(None)


_NUMBERS: Final = Array(NUMBER)
_TEXTS: Final = Array(TEXT)
_SORTABLE: Final = union(_NUMBERS, _TEXTS)
_BOOLEAN: Final[Callable[..., Type]] = lambda *_: BOOLEAN  # noqa: E731  # a rule like those of ``results``


def called(function: Callable[[Any], Any]) -> Plain:
    """Return the call of a function of Python's own that does not fail."""
    callee = Callee(function.__name__, function, raises=False)
    return lambda pool, given, _, kind, place: pool.one(ir.Call(callee, tuple(given), type=kind, place=place))


def _method(name: ir.MethodName) -> Plain:
    return lambda pool, given, _, kind, place: pool.one(ir.Method(given[0], name, (given[1],), type=kind, place=place))


def _within(pool: Pool, given: Sequence[Value], kinds: Sequence[Type], kind: Type, place: Place | None) -> Value | None:
    if is_subtype(kinds[0], ARRAY) or (is_subtype(kinds[0], TEXT) and is_subtype(kinds[1], TEXT)):
        return pool.one(ir.Comparison("in", given[1], given[0], type=kind, place=place))
    return None


def _as_it_is(_: Pool, given: Sequence[Value], kinds: Sequence[Type], *__: object) -> Value | None:
    return given[0] if is_subtype(kinds[0], TEXT) else None


_TABLE: Final = (
    BuiltIn("abs", (NUMBER,), results.absolute, runtime.absolute),
    BuiltIn("avg", (_NUMBERS,), results.average, runtime.average),
    BuiltIn("ceil", (NUMBER,), results.whole, runtime.ceiling),
    BuiltIn("contains", (union(TEXT, ARRAY), ANY), _BOOLEAN, runtime.contains, exact=True, plain=_within),
    BuiltIn("ends_with", (TEXT, TEXT), _BOOLEAN, runtime.ends_with, exact=True, plain=_method("endswith")),
    BuiltIn("floor", (NUMBER,), results.whole, runtime.floor),
    BuiltIn("join", (TEXT, _TEXTS), results.joined, runtime.join, plain=_method("join")),
    BuiltIn("keys", (OBJECT,), results.keys, runtime.keys, plain=called(list)),
    BuiltIn("length", (union(TEXT, ARRAY, OBJECT),), results.length, runtime.length, exact=True, plain=called(len)),
    BuiltIn("map", (None, ARRAY), results.mapped, runtime.map_),
    BuiltIn("max", (_SORTABLE,), results.one_element, runtime.largest),
    BuiltIn("max_by", (ARRAY, None), results.one_element, runtime.largest_by),
    BuiltIn("merge", (OBJECT,), results.merged, runtime.merge, variadic=True),
    BuiltIn("min", (_SORTABLE,), results.one_element, runtime.smallest),
    BuiltIn("min_by", (ARRAY, None), results.one_element, runtime.smallest_by),
    BuiltIn("not_null", (ANY,), results.first_given, runtime.not_null, variadic=True),
    BuiltIn("reverse", (union(TEXT, ARRAY),), results.reordered, runtime.reverse, exact=True),
    BuiltIn("sort", (_SORTABLE,), results.reordered, runtime.sort),
    BuiltIn("sort_by", (ARRAY, None), results.reordered, runtime.sort_by),
    BuiltIn("starts_with", (TEXT, TEXT), _BOOLEAN, runtime.starts_with, exact=True, plain=_method("startswith")),
    BuiltIn("sum", (_NUMBERS,), results.total, runtime.total),
    BuiltIn("to_array", (ANY,), results.as_array, runtime.to_array),
    BuiltIn("to_number", (ANY,), results.as_number, noting("to_number", runtime.to_number)),
    BuiltIn("to_string", (ANY,), results.as_text, runtime.to_string, exact=True, plain=_as_it_is),
    BuiltIn("type", (ANY,), results.kind, runtime.kind_of, exact=True),
    BuiltIn("values", (OBJECT,), results.values, runtime.values),
)

BUILT_INS: Final[Mapping[str, BuiltIn]] = {built_in.name: built_in for built_in in _TABLE}
