"""Frozen values, cheap to declare and to make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def frozen_value(cls: type[T], /) -> type[T]: ...
@overload
def frozen_value(*, eq: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen_value(cls: type[T] | None = None, /, *, eq: bool = True) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a frozen dataclass with slots whose frozenness the type checker sees to.

    A dataclass that freezes itself at run time sets every field through ``object.__setattr__``: with a dozen fields that makes it three
    times as slow to create, and several of these are created for every event. It also takes twice as long to declare, which hundreds of
    them make felt at every start of a command. With ``eq=False`` values are equal only to themselves.
    """
    make = dataclass(slots=True, eq=eq, unsafe_hash=eq)
    return make if cls is None else make(cls)
