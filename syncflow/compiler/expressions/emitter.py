"""The way in: expressions of one mapping (or one router) → one Python function.

An ``Emitter`` is for one function. Expressions are added one after the other, with what inference found; then the
function is written once, so that what they have in common is computed once.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import field, replace
from functools import partial
from typing import Any

from syncflow.compiler.expressions import defaults_and_tables, ir
from syncflow.compiler.expressions.body import Slot, roots_of, write_result, write_slots
from syncflow.compiler.expressions.constant_types import of_constant
from syncflow.compiler.expressions.error_places import NO_FILE, FieldError, Spot, Teller, careful, careful_later, teller
from syncflow.compiler.expressions.findings import Finding
from syncflow.compiler.expressions.infer import infer
from syncflow.compiler.expressions.ir import Place, Pool, Value, Variable
from syncflow.compiler.expressions.jinja.template import compile_template
from syncflow.compiler.expressions.lower import Lowering
from syncflow.compiler.expressions.lower import Spot as Start
from syncflow.compiler.expressions.naming import Names, identifier
from syncflow.compiler.expressions.nodes import OPERATORS, Node, Operators
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.placing import fill_places
from syncflow.compiler.expressions.printing import print_module
from syncflow.compiler.expressions.reads import calls_of, reads_of
from syncflow.compiler.expressions.tidying import drop_unread_names
from syncflow.compiler.expressions.write import Writer
from syncflow.compiler.functions import FUNCTIONS, Function, Library
from syncflow.compiler.languages.base import Call, ExpressionError, Read, is_jinja
from syncflow.compiler.types.json import BOOLEAN, MISSING, Missing, Type, may_be_null
from syncflow.events import Json
from syncflow.frozen import value_class

PlaceOf = Callable[[int, int], Place]
"""offset and length in an expression's text → where that stands in its file."""


Steps = tuple[str | int | None, ...]


@value_class
class Emitted:
    """A value made of an expression: give it to ``field`` or ``function``, or make a larger one of it."""

    value: Value
    type: Type
    findings: Sequence[Finding] = ()
    reads: Sequence[Read] = ()
    calls: Sequence[Call] = ()


@value_class
class Generated:
    """A function in three forms: as a tree, as text for people, and to be called."""

    module: ast.Module = field(repr=False)
    call: Callable[[Any], Any] = field(repr=False)
    """root → result. Raises FieldError, without personal data, where a value cannot be made."""
    bare: Callable[[Any], Any] = field(repr=False)
    """The function itself: raises ``code.FAILURES``, whose words may quote the data."""
    tell: Callable[[Exception], FieldError] = field(repr=False)
    """Makes of what ``bare`` raised what ``call`` raises."""

    @property
    def source(self) -> str:
        """The text, for a person: it is made when somebody asks, for most code is never read."""
        try:
            return print_module(self.module)
        except RecursionError:
            return "# nested too deep to be printed"


def _library_with(functions: Mapping[str, Function] | None) -> Library:
    """Return the library with functions besides its own, by the names that they are given; a library is taken as it is, for it is known
    by identity."""
    if isinstance(functions, Library):
        return functions
    given = [replace(function, name=name) for name, function in (functions or {}).items()]
    return Library([*FUNCTIONS.values(), *given]) if given else FUNCTIONS


class Emitter:
    """Builds one function of the root, whose values are of the type ``scope``."""

    def __init__(
        self,
        scope: Type,
        *,
        functions: Mapping[str, Function] | None = None,
        file: str = NO_FILE,
        operators: Operators = OPERATORS,
    ) -> None:
        self.functions = _library_with(functions)
        self._operators = operators
        self.pool = Pool()
        self.root = Variable("root", type=scope)
        self._file = file
        self._slots: dict[str, Slot] = {}
        self._fields: dict[Spot, str] = {}
        self._texts = 0

    def expression(
        self, text: str, *, place: PlaceOf | None = None, field: str = "", over: Value | None = None
    ) -> Emitted:
        """Compile an expression over the root, JMESPath or Jinja, for the field that an error shall name.

        ``over``: what JMESPath reads in place of the root; Jinja reads a variable there too, and else the root.

        Raises:
            ExpressionError: the text is no expression, is too long or too deep, or calls what does not exist.
        """
        if is_jinja(text):
            return self.template(text, place=place, field=field, over=over if isinstance(over, Variable) else None)
        node = parse(text, self.functions, self._operators)
        start = Start(self.root) if over is None else Start(over, 1)
        try:
            inferred = infer(node, start.current.type, self.functions)
            lowering = Lowering(self.pool, inferred.types, self.functions, place=self._placing(place, field))
            value = lowering.value(node, start)
        except RecursionError:
            raise ExpressionError("the expression is nested too deep", hint="split it over several fields") from None
        return Emitted(value, inferred.type, inferred.findings, reads_of(node), calls_of(node))

    def template(
        self,
        text: str,
        *,
        place: PlaceOf | None = None,
        field: str = "",
        escape: Callable[[str], str] | None = None,
        over: Variable | None = None,
        is_sent: bool = False,
    ) -> Emitted:
        """Compile text with inserts over the root, or ``over`` a variable; each insert passes through ``escape``. ``is_sent``: see
        ``compile_template``.

        Raises:
            ExpressionError: as for ``expression``.
        """
        made = compile_template(
            text,
            pool=self.pool,
            root=over or self.root,
            functions=self.functions,
            place=self._placing(place, field),
            escape=escape,
            is_sent=is_sent,
            operators=self._operators,
        )
        return Emitted(made.value, made.type, made.findings, made.reads, made.calls)

    def _placing(self, place: PlaceOf | None, field: str) -> Callable[[Node], Place]:
        """Return where nodes stand; an expression of no file has a line for itself."""
        self._texts += 1
        line = self._texts

        def at(node: Node) -> Place:
            length = max(node.length, 1)
            there = (
                Place(line, node.offset, line, node.offset + length) if place is None else place(node.offset, length)
            )
            self._fields.setdefault(there[:2], field)
            return there

        return at

    def constant(self, value: Json) -> Emitted:
        """Return a constant."""
        kind = of_constant(value)
        return Emitted(self.pool.one(ir.Constant(value, type=kind)), kind)

    def defaulted(self, emitted: Emitted, default: Json) -> Emitted:
        """Return a value with ``default`` in place of null."""
        value, kind = defaults_and_tables.defaulted(self.pool, emitted.value, emitted.type, default)
        return replace(emitted, value=value, type=kind)

    def looked_up(self, emitted: Emitted, table: Mapping[str, Json], default: Json | Missing = MISSING) -> Emitted:
        """Return what a table has for the text of a value: for null the default, or null; for what is not in the table
        the default, or an error."""
        value, kind = defaults_and_tables.looked_up(self.pool, emitted.value, emitted.type, table, default)
        return replace(emitted, value=value, type=kind)

    def field(
        self,
        name: str,
        value: Emitted | str,
        *,
        place: PlaceOf | None = None,
        omit_null: bool = False,
        needs: Sequence[Steps] = (),
    ) -> Emitted:
        """Put a value, or the value of an expression, under ``name`` in the object that the function returns.

        It is left out where it is null (``omit_null``), and where one of the paths of ``needs`` leads nowhere.
        """
        emitted = self.expression(value, place=place, field=name) if isinstance(value, str) else value
        there = defaults_and_tables.present(self.pool, self.root, needs)
        conditions = [] if there is None else [there]
        if omit_null and may_be_null(emitted.type):
            conditions.append(self.pool.one(ir.IsNull(emitted.value, negated=True, type=BOOLEAN)))
        self._slots[name] = Slot(name, emitted.value, tuple(conditions))
        return emitted

    def function(self, name: str, result: Emitted | None = None) -> Generated:
        """Write the function: it returns ``result``, or else an object of the fields."""
        try:
            module, namespace, called = self._written(name, result)
            code = compile(module, self._file, "exec")
        except RecursionError:
            raise ExpressionError("the expression is nested too deep", hint="split it over several fields") from None
        exec(code, namespace)  # noqa: S102  # built node by node; text of files is in it as constants only
        bare = namespace[called]
        tell = teller(bare, self._file, self._fields)
        return Generated(module, careful(bare, tell), bare, tell)

    def call(self, name: str, result: Emitted | None = None) -> Callable[[Any], Any]:
        """Return what ``function(name, result).call`` is, written at its first call where that cannot go wrong.

        ``validate`` compiles the requests of every system and sends none.

        Raises:
            ExpressionError: the expression is nested too deep.
        """
        if not self.pool.is_shallow:
            return self.function(name, result).call
        later = copy(self)
        later._slots = dict(self._slots)  # what is added after this is no part of this function
        return careful_later(partial(later._bare_and_tell, name, result))

    def _bare_and_tell(self, name: str, result: Emitted | None) -> tuple[Callable[[Any], Any], Teller]:
        made = self.function(name, result)
        return made.bare, made.tell

    def _written(self, name: str, result: Emitted | None) -> tuple[ast.Module, dict[str, Any], str]:
        names = Names()
        called = names.fresh(identifier(name))
        slots = list(self._slots.values())
        writer = Writer(self.root, roots_of(slots) if result is None else [result.value], names)
        body = write_slots(writer, slots) if result is None else write_result(writer, result.value)
        drop_unread_names(body)
        parameters = ast.arguments([], [ast.arg(writer.parameter)], None, [], [], None, [])
        module = ast.Module([*writer.constants, ast.FunctionDef(called, parameters, body, [])], [])
        fill_places(module)
        return module, writer.namespace, called


def compile_path(text: str, scope: Type, *, functions: Mapping[str, Function] | None = None) -> Callable[[Any], Json]:
    """Compile one expression into a function of the root.

    Raises:
        ExpressionError: as for ``Emitter.expression``.
    """
    emitter = Emitter(scope, functions=functions)
    return emitter.function("expression", emitter.expression(text)).call
