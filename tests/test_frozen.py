"""A frozen value behaves as the dataclass that it stands for, and writes no method before its first call."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from syncflow.frozen import value_class


@value_class
class Point:
    """Where something is."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    note: str = field(default="", repr=False)
    line: int = field(default=0, kw_only=True)


@value_class
class Named(Point):
    """A point with a name."""

    name: str = "origin"


@dataclass(slots=True, unsafe_hash=True)
class Plain:
    """The same fields, by the standard library."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    note: str = field(default="", repr=False)
    line: int = field(default=0, kw_only=True)


@value_class(eq=False)
class Single:
    """Equal only to itself."""

    x: int


@value_class
class Own:
    """With methods of its own."""

    x: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return "own"


@value_class
class Empty:
    """Without fields."""


ARGUMENTS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 5), {}),
    ((1,), {"y": 3, "line": 9}),
    ((1, 2, ["a"], "n"), {}),
    ((), {"x": 4}),
]


@pytest.mark.parametrize(("given", "named"), ARGUMENTS)
def test_it_holds_and_shows_and_compares_what_a_dataclass_does(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, plain = Point(*given, **named), Plain(*given, **named)
    assert [getattr(ours, each.name) for each in fields(ours)] == [getattr(plain, each.name) for each in fields(plain)]
    assert repr(ours) == repr(plain).replace("Plain", "Point")
    assert hash(ours) == hash(plain)
    assert (ours == Point(1)) == (plain == Plain(1))
    assert ours.__eq__(plain) is NotImplemented
    assert Point.__match_args__ == Plain.__match_args__


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Point, "Point.__init__() missing 1 required positional argument: 'x'"),
        (lambda: Point(1, z=2), "Point.__init__() got an unexpected keyword argument 'z'"),  # type: ignore[call-arg]
        (lambda: Empty(1), "Empty.__init__() takes 1 positional argument but 2 were given"),  # type: ignore[call-arg]
    ],
)
def test_wrong_arguments_are_named(make: Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError) as caught:
        make()
    assert str(caught.value) == words


def test_defaults_that_are_made_are_made_anew() -> None:
    assert Point(1).tags is not Point(1).tags


def test_it_has_slots_only() -> None:
    assert not hasattr(Point(1), "__dict__")


def test_a_class_inherits_fields_and_writes_methods_of_its_own() -> None:
    named = Named(1, name="here", line=4)
    assert repr(named) == "Named(x=1, y=2, tags=[], line=4, name='here')"
    assert named == Named(1, name="here", line=4)
    assert named != Named(1, line=4)
    assert named != Point(1, line=4)


def test_it_is_copied_replaced_and_pickled() -> None:
    point = Point(1, tags=["a"])
    assert replace(point, y=7) == Point(1, 7)
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point


def test_equal_only_to_itself_where_that_is_asked_for() -> None:
    one = Single(1)
    assert one == one
    assert one != Single(1)
    assert len({one, Single(1)}) == 2


def test_methods_of_the_class_stay() -> None:
    assert (repr(Own(1)), hash(Own(1)), Own(1) == Own(2)) == ("own", 7, True)


def test_a_class_that_says_what_is_equal_keeps_a_hash_of_its_fields() -> None:
    @value_class
    class Lenient:  # noqa: PLW1641  # the hash is made of its fields
        x: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Lenient)

    assert hash(Lenient(1)) == hash((1,))


def test_a_value_that_holds_itself_is_shown() -> None:
    point = Point(1)
    point.tags.append(point)  # type: ignore[arg-type]  # only here
    assert repr(point) == "Point(x=1, y=2, tags=[...], line=0)"


def test_no_method_is_written_before_it_is_called() -> None:
    @value_class
    class Fresh:
        x: int

    declared = Fresh.__init__, Fresh.__eq__, Fresh.__hash__
    Fresh(1)
    assert Fresh.__init__ is not declared[0]
    assert (Fresh.__eq__, Fresh.__hash__) == declared[1:]
    assert Fresh(1) == Fresh(1)
    assert len({Fresh(1), Fresh(1)}) == 1
    assert Fresh.__eq__ is not declared[1]
    assert Fresh.__hash__ is not declared[2]
