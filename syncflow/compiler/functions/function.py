"""What a function of expressions is: a typed, documented, total callable, and the decorator that makes one.

In: a plain Python function over values already read, and what is promised of it. Out: a frozen ``Function``.

Total means: ``call`` takes any JSON values and returns JSON. An argument that is null or does not fit gives null; a
parameter that may be left out takes null as left out; a parameter of the kind ``anything`` takes null as a value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias

from syncflow.compiler.functions.kinds import ANYTHING_KIND, MISFIT, Kind
from syncflow.compiler.functions.unreadable import noting
from syncflow.compiler.types.json import NULL, Type, is_subtype, longest, union
from syncflow.compiler.types.narrowing import absent_as_null, of_value, values_of, without_null
from syncflow.errors import DataError
from syncflow.events import Json
from syncflow.frozen import value_class

Rule: TypeAlias = "Callable[..., Type]"
"""Computes a result's type from the types of all parameters, in order, after reading: left-out ones have the type of
their default."""


_MOST_COMPUTED = 64


@value_class
class Parameter:
    name: str
    kind: Kind
    summary: str = ""
    optional: bool = False
    default: Json = None
    check: Callable[[Json], str] | None = field(default=None, repr=False)
    """Says what is wrong with a constant that can never work (a bad pattern, an unknown zone); empty for none."""
    idle: Callable[[Json], str] | None = field(default=None, repr=False)
    """Says of a constant with which every call does nothing, or gives the same, what it does; empty for any other."""

    @property
    def type(self) -> Type:
        """What may be given without the result being null for it."""
        return self.kind.accepts


@value_class
class Example:
    arguments: tuple[Json, ...]
    result: Json


@value_class
class Function:
    """One function of both languages. ``body`` is the function for arguments proven to be of their parameters' kind."""

    name: str
    group: str
    summary: str
    parameters: tuple[Parameter, ...]
    returns: Type | Rule
    examples: tuple[Example, ...]
    body: Callable[..., Any] = field(repr=False)
    call: Callable[..., Json] = field(repr=False)
    variadic: bool = False
    """Whether the last parameter may be given again and again (and not at all where it is optional)."""
    deterministic: bool = True
    """Whether equal arguments give equal results; then a call with constants is computed for its type."""
    may_fail: bool = False
    """Whether a call may raise DataError: only of a project's own functions, ours are total."""

    idle_together: Callable[..., str] | None = None
    """Says of the constants behind the first argument why a call with them does nothing; empty where it does something."""

    unreadable: bool = False
    """Whether it is a conversion: null from it for a value that is there means that it cannot read that (``unreadable``)."""

    def forgiving(self) -> Function:
        """Return the function with null where it would fail."""
        if not self.may_fail:
            return self
        call, promise = _or_null(self.call), self.returns
        returns = (lambda *given: union(promise(*given), NULL)) if callable(promise) else union(promise, NULL)
        return replace(self, body=call, call=call, returns=returns, may_fail=False)

    @property
    def fewest(self) -> int:
        return sum(not parameter.optional for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        return None if self.variadic else len(self.parameters)

    def parameter(self, index: int) -> Parameter | None:
        """Return the parameter that the argument at ``index`` goes to, None where there are too many."""
        if index < len(self.parameters):
            return self.parameters[index]
        return self.parameters[-1] if self.variadic else None

    def takes_null(self, index: int) -> bool:
        """Check whether null, and absent with it, is a value like any other for the argument at ``index``."""
        parameter = self.parameter(index)
        return parameter is not None and parameter.kind.takes_null

    def result(self, arguments: Sequence[Type] = ()) -> Type:
        """Return the type of the result for arguments of these types; fewer arguments than parameters leave the rest
        out."""
        return self._computed(arguments) or self._inferred(arguments)

    def _computed(self, arguments: Sequence[Type]) -> Type | None:
        """Return the exact type where the few values of all arguments are known: the function is asked for each."""
        values = [values_of(absent_as_null(argument)) for argument in arguments]
        known = [some for some in values if some is not None]
        if not self.deterministic or len(known) < len(values) or math.prod(map(len, known)) > _MOST_COMPUTED:
            return None
        return union(*(of_value(self.call(*chosen)) for chosen in itertools.product(*known)))

    def _inferred(self, arguments: Sequence[Type]) -> Type:
        seen = [self._seen(index, argument) for index, argument in enumerate(arguments)]
        if any(kind == union() for kind in seen):
            return NULL
        left_out = self.parameters[len(arguments) :] if not self.variadic else self.parameters[len(arguments) : -1]
        kind = self._promise(*seen, *(of_value(parameter.default) for parameter in left_out))
        return (
            union(kind, NULL)
            if any(self._may_misfit(index, argument) for index, argument in enumerate(arguments))
            else kind
        )

    def longest(self, arguments: Sequence[Type] = ()) -> int | None:
        """Return the most characters (elements) of the result for arguments of these types, None for no bound."""
        return longest(self.result(arguments))

    def complaint(self, index: int, argument: Json) -> str:
        """Say why the constant ``argument`` can never work at this place; empty where it can."""
        parameter = self.parameter(index)
        return parameter.check(argument) if parameter is not None and parameter.check is not None else ""

    def idleness(self, index: int, argument: Json) -> str:
        """Say why a call with the constant ``argument`` at this place does nothing; empty where it does something."""
        parameter = self.parameter(index)
        return parameter.idle(argument) if parameter is not None and parameter.idle is not None else ""

    def _promise(self, *seen: Type) -> Type:
        return self.returns(*seen) if callable(self.returns) else self.returns

    def _seen(self, index: int, argument: Type) -> Type:
        parameter = self._expected(index)
        fitting = parameter.kind.restrict(argument)
        if parameter.optional and not parameter.kind.takes_null and not is_subtype(argument, without_null(argument)):
            return union(fitting, of_value(parameter.default))
        return fitting

    def _may_misfit(self, index: int, argument: Type) -> bool:
        parameter = self._expected(index)
        given = without_null(argument) if parameter.optional else argument
        return not is_subtype(given, parameter.kind.accepts)

    def _expected(self, index: int) -> Parameter:
        parameter = self.parameter(index)
        if parameter is None:
            raise TypeError(f"{self.name} takes at most {self.most} arguments")
        return parameter


@value_class
class Group:
    """The functions of one module, in the order of their definition."""

    name: str
    title: str
    functions: list[Function] = field(default_factory=list)

    def function(
        self,
        name: str,
        summary: str,
        *parameters: Parameter,
        returns: Type | Rule,
        examples: Sequence[tuple[Any, ...]],
        variadic: bool = False,
        deterministic: bool = True,
        unreadable: int = 0,
        idle: Callable[..., str] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function. An example is its arguments and, last, the result. ``unreadable``: it is a conversion of
        its first argument, or its first few. ``idle``: see ``Function.idle_together``."""

        def register(body: Callable[..., Any]) -> Callable[..., Any]:
            shown = tuple(Example(tuple(example[:-1]), example[-1]) for example in examples)
            plain, call = body, total(body, parameters, variadic=variadic)
            if unreadable:
                plain, call = (noting(name, each, values=unreadable) for each in (plain, call))
            self.functions.append(
                Function(
                    name=name,
                    group=self.name,
                    summary=summary,
                    parameters=parameters,
                    returns=returns,
                    examples=shown,
                    body=plain,
                    call=call,
                    variadic=variadic,
                    deterministic=deterministic,
                    unreadable=unreadable > 0,
                    idle_together=idle,
                )
            )
            return body

        return register


def total(body: Callable[..., Any], parameters: tuple[Parameter, ...], *, variadic: bool) -> Callable[..., Json]:
    """Return ``body`` behind the reading of its arguments. Wrong numbers of arguments are the compiler's to refuse."""
    some_optional = any(parameter.optional for parameter in parameters)
    if not some_optional and all(parameter.kind is ANYTHING_KIND for parameter in parameters):
        return body  # whatever it is given is a value
    if len(parameters) == 1 and not variadic and not some_optional:
        return _total_of_one(body, parameters[0].kind)
    if not variadic and not some_optional:
        return _total_of_all(body, [parameter.kind.read for parameter in parameters])
    return _total_of_some(body, parameters, variadic=variadic)


def _total_of_one(body: Callable[..., Any], kind: Kind) -> Callable[..., Json]:
    read = kind.read

    def call(argument: Json) -> Json:
        value = read(argument)
        return None if value is MISFIT else body(value)

    return call


def _total_of_all(body: Callable[..., Any], readers: Sequence[Callable[[Json], Any]]) -> Callable[..., Json]:
    def call(*arguments: Json) -> Json:
        values = []
        for read, argument in zip(readers, arguments, strict=True):
            value = read(argument)
            if value is MISFIT:
                return None
            values.append(value)
        return body(*values)  # type: ignore[no-any-return]  # the declared type is tested against random JSON

    return call


def _total_of_some(
    body: Callable[..., Any], parameters: tuple[Parameter, ...], *, variadic: bool
) -> Callable[..., Json]:
    """Read what is given, and put in the defaults of what is left out."""
    defaults = [parameter.default for parameter in parameters[: -1 if variadic else None]]

    def call(*arguments: Json) -> Json:
        repeated = parameters[-1:] * (len(arguments) - len(parameters)) if variadic else ()
        values = [
            _read(parameter, argument) for parameter, argument in zip((*parameters, *repeated), arguments, strict=False)
        ]
        return None if MISFIT in values else body(*values, *defaults[len(values) :])

    return call


def _or_null(call: Callable[..., Json]) -> Callable[..., Json]:
    def forgiving(*arguments: Json) -> Json:
        try:
            return call(*arguments)
        except DataError:
            return None

    return forgiving


def _read(parameter: Parameter, argument: Json) -> Any:
    if argument is None and parameter.optional and not parameter.kind.takes_null:
        return parameter.default
    return parameter.kind.read(argument)
