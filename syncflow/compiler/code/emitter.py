"""The way in: expressions of one mapping (or one router) → one Python function.

An ``Emitter`` is for one function. Expressions are added one after the other, with what inference found; then the
function is written once, so that what they have in common is computed once.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncflow.compiler.code import values
from syncflow.compiler.code.failing import NO_FILE, careful
from syncflow.compiler.code.findings import Finding
from syncflow.compiler.code.infer import infer
from syncflow.compiler.code.lower import Lowering, Scope
from syncflow.compiler.code.naming import Names, identifier
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.parse import parse
from syncflow.compiler.code.placing import fill_places, put_at
from syncflow.compiler.code.printing import print_module
from syncflow.compiler.code.tidying import drop_unread_names
from syncflow.compiler.code.values import Place, Pool, Value, Variable
from syncflow.compiler.code.widening import of_constant
from syncflow.compiler.code.write import Writer
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.types import ABSENT, Object, Type
from syncflow.events import Json

PlaceOf = Callable[[int, int], Place | None]
"""offset and length in an expression's text → where that stands in its file."""


def _on_one_line(offset: int, length: int) -> Place:
    return Place(1, offset, 1, offset + length)


@dataclass(frozen=True, slots=True)
class Emitted:
    """A value made of an expression: give it to ``field`` or ``function``, or make a larger one of it."""

    value: Value
    type: Type
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """A function in three forms: as a tree, as text for people, and to be called."""

    module: ast.Module = field(repr=False)
    source: str
    call: Callable[[Any], Any] = field(repr=False)
    """root → result. Raises DataError, without personal data, where a value cannot be made."""


class Emitter:
    """Builds one function of the root, whose values are of the type ``scope``."""

    def __init__(self, scope: Type, *, functions: Mapping[str, Function] | None = None, file: str = NO_FILE) -> None:
        self.functions = {**FUNCTIONS, **functions} if functions else FUNCTIONS
        self.pool = Pool()
        self.root = Variable("root", type=scope)
        self._scope = scope
        self._file = file
        self._fields: dict[str, Emitted] = {}

    def expression(self, text: str, *, place: PlaceOf = _on_one_line) -> Emitted:
        """Compile a JMESPath expression over the root.

        Raises:
            ExpressionError: the text is no expression, is too long or too deep, or calls what does not exist.
        """
        node = parse(text, self.functions)
        try:
            inferred = infer(node, self._scope, self.functions)
            lowering = Lowering(self.pool, inferred.types, self.functions, _placing(place))
            value = lowering.value(node, Scope(self.root))
        except RecursionError:
            raise ExpressionError("the expression is nested too deep", hint="split it over several fields") from None
        return Emitted(value, inferred.type, inferred.findings)

    def constant(self, value: Json) -> Emitted:
        """Return a constant."""
        kind = of_constant(value)
        return Emitted(self.pool.one(values.Constant(value, type=kind)), kind)

    def field(self, name: str, value: Emitted | str, *, place: PlaceOf = _on_one_line) -> Emitted:
        """Put a value, or the value of an expression, under ``name`` in the object that the function returns."""
        emitted = self.expression(value, place=place) if isinstance(value, str) else value
        self._fields[name] = emitted
        return emitted

    def function(self, name: str, result: Emitted | None = None) -> Generated:
        """Write the function: it returns ``result``, or else an object of the fields."""
        value = self._record() if result is None else result.value
        try:
            module, namespace, called = self._written(name, value)
            source = print_module(module)
            code = compile(module, self._file, "exec")
        except RecursionError:
            raise ExpressionError("the expression is nested too deep", hint="split it over several fields") from None
        exec(code, namespace)  # noqa: S102  # built node by node; text of files is in it as constants only
        return Generated(module, source, careful(namespace[called], self._file))

    def _record(self) -> Value:
        kinds = {name: emitted.type for name, emitted in self._fields.items()}
        return values.Record(
            tuple(self._fields),
            tuple(emitted.value for emitted in self._fields.values()),
            type=Object(tuple(sorted(kinds.items())), ABSENT),
        )

    def _written(self, name: str, value: Value) -> tuple[ast.Module, dict[str, Any], str]:
        names = Names()
        called = names.fresh(identifier(name))
        writer = Writer(self.root, [value], names)
        returned = ast.Return(writer.result(value))
        put_at(returned, value.place)
        parameters = ast.arguments([], [ast.arg(writer.parameter)], None, [], [], None, [])
        body: list[ast.stmt] = [*writer.statements, returned]
        drop_unread_names(body)
        definition = ast.FunctionDef(called, parameters, body, [])
        module = ast.Module([*writer.constants, definition], [])
        fill_places(module)
        return module, writer.namespace, called


def _placing(place: PlaceOf) -> Callable[[Node], Place | None]:
    return lambda node: place(node.offset, max(node.length, 1))


def compile_path(text: str, scope: Type, *, functions: Mapping[str, Function] | None = None) -> Callable[[Any], Json]:
    """Compile one expression into a function of the root.

    Raises:
        ExpressionError: as for ``Emitter.expression``.
    """
    emitter = Emitter(scope, functions=functions)
    return emitter.function("expression", emitter.expression(text)).call
