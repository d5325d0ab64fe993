"""Frozen values, cheap to declare and to make.

A dataclass writes and compiles its methods when it is declared, four to six of them. A command imports hundreds of such classes and
uses few of their methods, so here each method is written at its first call. From then on it is the method that a dataclass would have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, field
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def value_class(cls: type[T], /) -> type[T]: ...
@overload
def value_class(*, eq: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_class(cls: type[T] | None = None, /, *, eq: bool = True) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a frozen dataclass with slots whose frozenness the type checker sees to.

    A dataclass that freezes itself at run time sets every field through ``object.__setattr__``: with a dozen fields that makes it three
    times as slow to create, and several of these are created for every event. It also takes six times as long to declare, which hundreds of
    them make felt at every start of a command. With ``eq=False`` values are equal only to themselves.
    """
    if cls is None:
        return lambda declared: _declared(declared, eq=eq)
    return _declared(cls, eq=eq)


def _declared(cls: type[T], *, eq: bool) -> type[T]:
    own = vars(cls)
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else it would be made of its signature, which takes as long as all the rest
    made = dataclass(slots=True, init=False, repr=False, eq=False)(cls)
    methods = ("__init__", "__eq__", "__hash__") if eq else ("__init__",)
    for name in methods:
        if own.get(name) is None:  # a class that says what is equal has None for a hash, unless it says that too
            setattr(made, name, _written_at_first_call(made, name))
    if "__repr__" not in own:
        made.__repr__ = _shown  # type: ignore[method-assign]  # the class is being made
    return made


def _written_at_first_call(cls: type, name: str) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        written = _WRITERS[name](cls)
        written.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, written)
        return written(self, *arguments, **named)

    method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return method


def _init(cls: type) -> Callable[..., Any]:
    known: dict[str, Any] = {"_Unset": _UNSET}
    parameters: list[str] = []
    lines: list[str] = []
    fields = dataclasses.fields(cls)
    for each in sorted(fields, key=lambda each: bool(each.kw_only)):
        if each.kw_only and "*" not in parameters:
            parameters.append("*")
        parameters.append(f"{each.name}{_default(each, known)}")
    for each in fields:
        value = each.name
        if each.default_factory is not MISSING:
            value = f"_make_{each.name}() if {each.name} is _Unset else {each.name}"
        lines.append(f"self.{each.name} = {value}")
    return _function("__init__", ["self", *parameters], lines or ["pass"], known)


def _default(each: Field[Any], known: dict[str, Any]) -> str:
    """Return how a parameter's default is written, with its value put among the ``known`` names."""
    if each.default is not MISSING:
        known[f"_default_{each.name}"] = each.default
        return f"=_default_{each.name}"
    if each.default_factory is not MISSING:
        known[f"_make_{each.name}"] = each.default_factory
        return "=_Unset"
    return ""


def _eq(cls: type) -> Callable[..., Any]:
    names = [each.name for each in dataclasses.fields(cls) if each.compare]
    lines = [
        "if other.__class__ is self.__class__:",
        f" return {_tuple('self', names)} == {_tuple('other', names)}",
        "return NotImplemented",
    ]
    return _function("__eq__", ["self", "other"], lines, {})


def _hash(cls: type) -> Callable[..., Any]:
    names = [each.name for each in dataclasses.fields(cls) if (each.compare if each.hash is None else each.hash)]
    return _function("__hash__", ["self"], [f"return hash({_tuple('self', names)})"], {})


_WRITERS: dict[str, Callable[[type], Callable[..., Any]]] = {"__init__": _init, "__eq__": _eq, "__hash__": _hash}
_UNSET = object()
"""Stands for a value that is made anew for each instance."""


def _tuple(owner: str, names: list[str]) -> str:
    return f"({''.join(f'{owner}.{name},' for name in names)})"


def _function(name: str, parameters: list[str], lines: list[str], known: dict[str, Any]) -> Callable[..., Any]:
    body = "\n ".join(lines)
    exec(f"def {name}({', '.join(parameters)}):\n {body}", known)  # noqa: S102  # of names of fields alone
    written: Callable[..., Any] = known[name]
    return written


@recursive_repr()
def _shown(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(_shown_fields(self))})"


def _shown_fields(value: Any) -> Iterator[str]:
    for each in dataclasses.fields(value):
        if each.repr:
            yield f"{each.name}={getattr(value, each.name)!r}"
