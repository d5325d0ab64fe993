"""JMESPath's own functions: what they take, what they return, and the code that does it.

In: the types of arguments. Out: types. Unlike the functions of our library these fail on arguments of another kind, so
an argument that is not proven to fit is worth a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Final

from syncflow.compiler.code import results, runtime
from syncflow.compiler.functions.unreadable import noting
from syncflow.compiler.types.json import ANY, ARRAY, BOOLEAN, NUMBER, OBJECT, TEXT, Array, Type, union
from syncflow.frozen import frozen_value


@frozen_value
class BuiltIn:
    """``parameters`` has None where a reference (``&name``) belongs."""

    name: str
    parameters: tuple[Type | None, ...]
    returns: Callable[..., Type] = field(repr=False)
    """Types of the arguments → type of the result. A reference is given as what it makes of the array's elements."""
    call: Callable[..., Any] = field(repr=False)
    variadic: bool = False

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

_TABLE: Final = (
    BuiltIn("abs", (NUMBER,), results.absolute, runtime.absolute),
    BuiltIn("avg", (_NUMBERS,), results.average, runtime.average),
    BuiltIn("ceil", (NUMBER,), results.whole, runtime.ceiling),
    BuiltIn("contains", (union(TEXT, ARRAY), ANY), _BOOLEAN, runtime.contains),
    BuiltIn("ends_with", (TEXT, TEXT), _BOOLEAN, runtime.ends_with),
    BuiltIn("floor", (NUMBER,), results.whole, runtime.floor),
    BuiltIn("join", (TEXT, _TEXTS), results.joined, runtime.join),
    BuiltIn("keys", (OBJECT,), results.keys, runtime.keys),
    BuiltIn("length", (union(TEXT, ARRAY, OBJECT),), results.length, runtime.length),
    BuiltIn("map", (None, ARRAY), results.mapped, runtime.map_),
    BuiltIn("max", (_SORTABLE,), results.one_element, runtime.largest),
    BuiltIn("max_by", (ARRAY, None), results.one_element, runtime.largest_by),
    BuiltIn("merge", (OBJECT,), results.merged, runtime.merge, variadic=True),
    BuiltIn("min", (_SORTABLE,), results.one_element, runtime.smallest),
    BuiltIn("min_by", (ARRAY, None), results.one_element, runtime.smallest_by),
    BuiltIn("not_null", (ANY,), results.first_given, runtime.not_null, variadic=True),
    BuiltIn("reverse", (union(TEXT, ARRAY),), results.reordered, runtime.reverse),
    BuiltIn("sort", (_SORTABLE,), results.reordered, runtime.sort),
    BuiltIn("sort_by", (ARRAY, None), results.reordered, runtime.sort_by),
    BuiltIn("starts_with", (TEXT, TEXT), _BOOLEAN, runtime.starts_with),
    BuiltIn("sum", (_NUMBERS,), results.total, runtime.total),
    BuiltIn("to_array", (ANY,), results.as_array, runtime.to_array),
    BuiltIn("to_number", (ANY,), results.as_number, noting("to_number", runtime.to_number)),
    BuiltIn("to_string", (ANY,), results.as_text, runtime.to_string),
    BuiltIn("type", (ANY,), results.kind, runtime.kind_of),
    BuiltIn("values", (OBJECT,), results.values, runtime.values),
)

BUILT_INS: Final[Mapping[str, BuiltIn]] = {built_in.name: built_in for built_in in _TABLE}
