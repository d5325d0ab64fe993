"""Values to compute: what both languages are lowered to, and what code is written from.

A value is a small graph: its parts are values. Equal values are one object (``Pool``), so that what two fields need is
computed once. ``type`` is a fact wherever the value is computed; ``place`` is where the file asked for it first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, fields
from typing import Any, Literal, NamedTuple, TypeVar, cast

from syncflow.compiler.types.json import ANY, Type
from syncflow.events import Json
from syncflow.frozen import value_class


class Place(NamedTuple):
    """A stretch of a file: lines counted from 1, columns from 0."""

    line: int
    column: int
    end_line: int
    end_column: int


@value_class(eq=False)
class Value:
    type: Type = field(default=ANY, kw_only=True)
    place: Place | None = field(default=None, kw_only=True, repr=False)

    @property
    def parts(self) -> Iterator[Value]:
        """Yield the values it is computed from, in the order of evaluation."""
        for name in _names_of(type(self)):
            held = getattr(self, name)
            if isinstance(held, Value):
                yield held
            elif isinstance(held, tuple):
                yield from (part for part in held if isinstance(part, Value))


@value_class(eq=False)
class Variable(Value):
    """A parameter of the function, or what a ``Collected`` or ``Lambda`` goes through."""

    name: str
    source: Value | None = None
    """What it is an element of: two runs through one source share their variable."""
    depth: int = 0
    """How many other variables are in sight."""

    @property
    def parts(self) -> Iterator[Value]:
        return iter(())


@value_class(eq=False)
class Constant(Value):
    value: Json


@value_class(eq=False)
class Field(Value):
    """A field of an object; null where there is none."""

    of: Value
    name: str


@value_class(eq=False)
class Element(Value):
    """An element of an array; null where there is none."""

    of: Value
    position: int


@value_class(eq=False)
class Part(Value):
    """A slice of an array; null of anything else."""

    of: Value
    start: int | None
    stop: int | None
    step: int | None


@value_class
class Callee:
    """A function that code may call. ``raises``: on some arguments; ``repeatable``: equal arguments, equal result."""

    name: str
    function: Callable[..., Any] = field(repr=False)
    raises: bool = True
    repeatable: bool = True


@value_class(eq=False)
class Call(Value):
    callee: Callee
    arguments: tuple[Value, ...]


MethodName = Literal["startswith", "endswith", "join", "get", "lower", "upper", "strip", "partition"]


@value_class(eq=False)
class Method(Value):
    """A method of Python's own type, of a value proven to be of it: ``text.startswith(prefix)``."""

    of: Value
    name: MethodName
    arguments: tuple[Value, ...]


@value_class(eq=False)
class Member(Value):
    """One member of a tuple that a call or a method returns; ``name`` is for people."""

    of: Value
    position: int
    name: str


@value_class(eq=False)
class Lambda(Value):
    variable: Variable
    body: Value

    @property
    def parts(self) -> Iterator[Value]:
        return iter((self.body,))


@value_class(eq=False)
class IsNull(Value):
    """Whether a value is null; ``negated``: is not."""

    of: Value
    negated: bool = False


@value_class(eq=False)
class Choice(Value):
    """``then`` where ``test``, a boolean of Python's, is true."""

    test: Value
    then: Value
    otherwise: Value


@value_class(eq=False)
class Either(Value):
    """``left`` where it counts as true, else ``right``. ``plain``: Python's truth of ``left`` is ours."""

    left: Value
    right: Value
    plain: bool


@value_class(eq=False)
class Both(Value):
    """``left`` where it counts as false, else ``right``."""

    left: Value
    right: Value
    plain: bool


@value_class(eq=False)
class Truth(Value):
    """Whether a value counts as true; ``negated``: as false."""

    of: Value
    plain: bool
    negated: bool = False


@value_class(eq=False)
class Comparison(Value):
    """Python's own comparison of two values proven to have one."""

    operator: Literal["==", "!=", "<", "<=", ">", ">=", "in"]
    left: Value
    right: Value


@value_class(eq=False)
class Listing(Value):
    """A new array of these elements."""

    elements: tuple[Value, ...]


@value_class(eq=False)
class Record(Value):
    """A new object."""

    names: tuple[str, ...]
    elements: tuple[Value, ...]


@value_class(eq=False)
class Collected(Value):
    """The results of those elements of an array that meet the conditions; null where the source is none.

    ``of_values``: of the values of an object. ``proven``: the source is what it should be.
    """

    variable: Variable
    source: Value
    conditions: tuple[Value, ...]
    result: Value
    of_values: bool
    proven: bool

    @property
    def parts(self) -> Iterator[Value]:
        return iter((self.source, *self.conditions, self.result))


@value_class(eq=False)
class Then(Value):
    """``result``, after ``first`` was computed: it may fail even if ``result`` does not need it."""

    first: Value
    result: Value


@value_class(eq=False)
class Joined(Value):
    """One text of these texts, each proven to be text."""

    texts: tuple[Value, ...]


ValueT = TypeVar("ValueT", bound=Value)


_FEW = 60
"""This many values, each within the next, are written as code with a small part of the stack that Python allows."""


class Pool:
    """Makes equal values one. Equal means: of one class, of one type, of the same parts."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Value] = {}
        self._unrepeatable = 0

    @property
    def is_shallow(self) -> bool:
        """Whether there are too few values here for any of them to be nested too deep for code."""
        known = self._known
        return len(known) + self._unrepeatable <= _FEW and not any(
            isinstance(value, Constant) and isinstance(value.value, list | dict) for value in known.values()
        )

    def one(self, value: ValueT) -> ValueT:
        """Return the value that is kept for all that equal ``value``; what is not repeatable stays on its own."""
        if isinstance(value, Call) and not value.callee.repeatable:
            self._unrepeatable += 1
            return value
        return cast("ValueT", self._known.setdefault(_key(value), value))


def _key(value: Value) -> tuple[object, ...]:
    if isinstance(value, Constant):
        return Constant, repr(value.value)
    return type(value), *(getattr(value, name) for name in _names_of(type(value)) if name != "place")


def _names_of(kind: type[Value]) -> tuple[str, ...]:
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = tuple(entry.name for entry in fields(kind))
    return found


_NAMES: dict[type[Value], tuple[str, ...]] = {}
"""Class of value → the names of its fields."""
