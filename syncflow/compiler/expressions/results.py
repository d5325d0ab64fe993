"""What JMESPath's own functions return, from the types of what they are given.

In: types as they are, fitting or not. Out: the type of the result where the call does not fail: never too narrow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from syncflow.compiler.expressions.constant_types import union_of
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    ARRAY,
    LARGEST_INTEGER,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    SMALLEST_INTEGER,
    TEXT,
    Absent,
    Anything,
    Array,
    Boolean,
    Integer,
    Null,
    Number,
    Object,
    Text,
    Type,
    is_subtype,
    longest,
    may_be_null,
    members,
    shortest,
    union,
)
from syncflow.compiler.types.narrowing import (
    absent_as_null,
    constant,
    of_value,
    restrict,
    values_of,
    without_absent,
    without_null,
)
from syncflow.events import Json


def arrays(kind: Type) -> list[Array]:
    """Return the arrays among the values of a type."""
    return [member for member in members(restrict(kind, ARRAY)) if isinstance(member, Array)]


def objects(kind: Type) -> list[Object]:
    """Return the objects among the values of a type."""
    return [member for member in members(restrict(kind, OBJECT)) if isinstance(member, Object)]


def element_of(kind: Type) -> Type:
    """Return the type of the elements of those values that are arrays."""
    return union(*(array.items for array in arrays(kind)))


def _numbers(kind: Type) -> list[Integer | Number]:
    return [member for member in members(restrict(kind, NUMBER)) if isinstance(member, Integer | Number)]


def absolute(kind: Type) -> Type:
    return union(*map(_absolute, _numbers(kind)))


def _absolute(kind: Integer | Number) -> Type:
    most = None if kind.least is None or kind.most is None else max(abs(kind.least), abs(kind.most))
    if isinstance(kind, Integer) and kind.least is not None and kind.least > SMALLEST_INTEGER:
        return Integer(0, None if most is None else int(most))
    return Number(0, most)


def whole(kind: Type) -> Type:
    return union(*map(_whole, _numbers(kind)))


def _whole(kind: Integer | Number) -> Type:
    if isinstance(kind, Integer):
        return kind
    if kind.least is None or kind.most is None or kind.least < SMALLEST_INTEGER or kind.most >= LARGEST_INTEGER:
        return NUMBER
    return Integer(int(kind.least) - 1, int(kind.most) + 1)


_SMALL = 2**31
"""Of numbers no larger than this no array is so long that a number cannot hold their sum."""


def average(kind: Type) -> Type:
    element = element_of(kind)
    some = NEVER if element == NEVER else NUMBER
    never_null = is_subtype(element, union(Integer(), Number(-_SMALL, _SMALL))) and not _may_be_empty(kind)
    return some if never_null else union(some, NULL)


def total(kind: Type) -> Type:
    element = element_of(kind)
    some = Integer() if is_subtype(element, Integer()) else NUMBER
    return some if is_subtype(element, Number(-_SMALL, _SMALL)) else union(some, NULL)


def _may_be_empty(kind: Type) -> bool:
    return any(array.min_length == 0 for array in arrays(kind))


def one_element(kind: Type, _: Type = NEVER) -> Type:
    found = element_of(kind)
    return union(found, NULL) if _may_be_empty(kind) else found


def reordered(kind: Type, _: Type = NEVER) -> Type:
    texts = [
        Text(min_length=shortest(member), max_length=longest(member))
        for member in members(restrict(kind, TEXT))
        if isinstance(member, Text)
    ]
    return union(*texts, *arrays(kind))


def joined(separator: Type, texts: Type) -> Type:
    between, each = longest(restrict(separator, TEXT)), longest(restrict(element_of(texts), TEXT))
    counts = [array.max_length for array in arrays(texts)]
    pieces = _pieces(separator, element_of(texts))
    if between is None or each is None or None in counts:
        return Text(joined=pieces)
    most = max((count for count in counts if count is not None), default=0)
    return Text(max_length=most * each + max(most - 1, 0) * between, joined=pieces)


def _pieces(separator: Type, element: Type) -> tuple[str, tuple[str, ...]] | None:
    """Return of which pieces a text is made, where separator and pieces are known and can be told from one another."""
    between, listed = constant(separator), [member.values for member in members(element) if isinstance(member, Text)]
    if not (isinstance(between, str) and between) or len(listed) != len(members(element)):
        return None
    pieces = frozenset[str]().union(*(values or frozenset() for values in listed))
    known = None not in listed and not any(between in piece for piece in pieces)
    return (between, tuple(sorted(pieces))) if known else None


def keys(kind: Type) -> Type:
    return union(*map(_keys, objects(kind)))


def _keys(kind: Object) -> Type:
    if kind.rest != ABSENT:
        return Array(TEXT)
    names = frozenset(name for name, _ in kind.properties)
    return Array(Text(values=names) if names else NEVER, 0, len(names))


def values(kind: Type) -> Type:
    return union(*(Array(value_of(entry)) for entry in objects(kind)))


def value_of(kind: Object) -> Type:
    """Return the type of all values of an object."""
    return without_absent(union_of([kind.rest, *(entry for _, entry in kind.properties)]))


def length(kind: Type) -> Type:
    found = restrict(kind, union(TEXT, ARRAY, OBJECT))
    bounds = [longest(member) if isinstance(member, Text | Array) else None for member in members(found)]
    most = None if None in bounds else max((bound for bound in bounds if bound is not None), default=0)
    least = min((shortest(member) if isinstance(member, Text | Array) else 0 for member in members(found)), default=0)
    return Integer(least, most)


def mapped(result: Type, elements: Type) -> Type:
    return union(*(Array(result, array.min_length, array.max_length) for array in arrays(elements)))


def merged(*kinds: Type) -> Type:
    whole: Object = Object((), ABSENT)
    for kind in kinds:
        found = objects(kind)
        if len(found) != 1:
            return OBJECT
        whole = _laid_over(whole, found[0])
    return whole


def _laid_over(below: Object, above: Object) -> Object:
    names = sorted({name for name, _ in below.properties} | {name for name, _ in above.properties})
    known = ((name, _first_there(above.property(name), below.property(name))) for name in names)
    return Object(tuple(known), union(below.rest, above.rest))


def _first_there(kind: Type, otherwise: Type) -> Type:
    if without_absent(kind) == kind:
        return kind
    return union(without_absent(kind), otherwise)


def first_given(*kinds: Type) -> Type:
    taken: list[Type] = []
    for kind in map(absent_as_null, kinds):
        taken.append(without_null(kind))
        if not may_be_null(kind):
            return union(*taken)
    return union(*taken, NULL)


def as_array(kind: Type) -> Type:
    others = union(*(member for member in members(kind) if not isinstance(member, Array)))
    alone = [Array(others, 1, 1)] if others != NEVER else []
    return union(*arrays(kind), *alone)


def as_number(kind: Type) -> Type:
    read = [NUMBER] if restrict(kind, TEXT) != NEVER else []
    return union(*_numbers(kind), *read, *([] if is_subtype(kind, NUMBER) else [NULL]))


def as_text(kind: Type) -> Type:
    return union(*map(_as_text, members(kind)))


def _as_text(kind: Type) -> Type:
    match kind:
        case Text():
            return kind
        case Null() | Absent():
            return Text(values=frozenset({"null"}))
        case Boolean() | Integer() | Number():
            return Text(min_length=1, max_length=longest(kind))
        case _:
            return TEXT


_KINDS = (
    (Null, "null"),
    (Absent, "null"),
    (Boolean, "boolean"),
    (Integer, "number"),
    (Number, "number"),
    (Text, "string"),
    (Array, "array"),
    (Object, "object"),
)


def kind(given: Type) -> Type:
    some = {word for member in members(given) for shape, word in _KINDS if isinstance(member, shape)}
    if any(isinstance(member, Anything) for member in members(given)):
        some = {word for _, word in _KINDS}
    return Text(values=frozenset(some)) if some else NEVER


def sliced(kind: Type, missing: Type) -> Type:
    """Return what a slice of values of a type is: of arrays, and of texts too where anything else fails (``missing`` is NEVER)."""
    match kind:
        case Anything():
            return union(Array(ANY) if missing is NULL else ANY, missing)
        case Array():
            return Array(kind.items, 0, kind.max_length)
        case Text() if missing is NEVER:
            return Text(max_length=longest(kind))
    return missing


def joined_one_by_one(separator: Type, texts: Sequence[Type]) -> Type | None:
    """Return the type of texts that are joined one by one; None where they are not all text."""
    if not all(isinstance(kind, Text) for kind in (separator, *texts)):
        return None
    pieces = [*texts, *[separator] * (len(texts) - 1)]
    lengths = [longest(kind) for kind in pieces]
    most = None if None in lengths else sum(length or 0 for length in lengths)
    least = sum(shortest(kind) for kind in pieces if isinstance(kind, Text))
    made = joined(separator, Array(union(*texts), len(texts), len(texts)))
    return Text(min_length=least, max_length=most, joined=made.joined if isinstance(made, Text) else None)


_MOST_COMPUTED = 64


def computed(call: Callable[..., Json], given: Sequence[Type], listed: Sequence[list[Json] | None]) -> Type | None:
    """Return the exact type of a call whose arguments have few values, all known; None where they are not.

    ``listed``: the lists of constants among the arguments, as they are written.
    """
    found = [(value,) if value is not None else values_of(kind) for value, kind in zip(listed, given, strict=True)]
    known = [some for some in found if some is not None]
    if len(known) < len(found) or math.prod(map(len, known)) > _MOST_COMPUTED:
        return None
    return union(*(of_value(call(*chosen)) for chosen in itertools.product(*known)))
