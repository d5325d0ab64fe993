"""A library: the functions that expressions of one project may call, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from syncflow.compiler.functions.function import Function


class Library(Mapping[str, Function]):
    """Functions by name. Frozen, and known by identity, so that what was compiled with it can be kept."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {function.name: function for function in functions}

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    @cached_property
    def forgiving(self) -> Library:
        """The same functions, but those that may fail give null instead: for where a default stands by."""
        if not any(function.may_fail for function in self.values()):
            return self
        return Library(function.forgiving() for function in self.values())
