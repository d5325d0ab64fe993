"""Values → the statements and expressions of one Python function.

Code is written in the order in which it runs. What is needed more than once gets a name where it is first needed: by a
statement while everything runs in any case (a ``Region`` that is straight), by ``:=`` within what runs only sometimes.
Constants are constants of the tree, never text that is parsed.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from syncflow.compiler.expressions import ir, runtime
from syncflow.compiler.expressions.analysis import comes_first, count_uses, is_read, may_raise, reachable
from syncflow.compiler.expressions.ir import Callee, Value, Variable
from syncflow.compiler.expressions.naming import Names, wish_for
from syncflow.compiler.expressions.placing import put_at
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.types.json import Array, Object, may_be_absent, members
from syncflow.events import Json

_COMPARISONS: Final[dict[str, Callable[[], ast.cmpop]]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "in": ast.In,
}
_FIELD: Final = Callee("field_of", runtime.field, raises=False)
_ELEMENT: Final = Callee("element_at", runtime.element, raises=False)
_PART: Final = Callee("part_of", runtime.part, raises=False)
_TRUTHY: Final = Callee("truthy", runtime.truthy, raises=False)


_MOST_LISTS: Final = 16


class Region:
    """A stretch of code whose names are in sight. ``straight``: it runs in any case."""

    def __init__(self, outer: Region | None = None) -> None:
        self.straight = outer is None
        self._outer = outer
        self._names: dict[Value, str] = {}

    def name_of(self, value: Value) -> str | None:
        region: Region | None = self
        while region is not None:
            if value in region._names:
                return region._names[value]
            region = region._outer
        return None

    def know(self, value: Value, name: str) -> None:
        self._names[value] = name


class Writer:
    """Writes the code of one function. ``namespace`` gathers what the code calls, by name."""

    def __init__(self, parameter: Variable, results: Sequence[Value], names: Names, *, called: str = "") -> None:
        """``called``: the parameter's name, where something else has given it one."""
        self.names = names
        self.namespace: dict[str, Any] = {}
        self.statements: list[ast.stmt] = []
        self.constants: list[ast.stmt] = []
        self._callees: dict[tuple[str, Callable[..., Any]], str] = {}
        self._constants: dict[str, str] = {}
        self._variables: dict[Variable, str] = {}
        self._lists = 0
        self._parameter = parameter
        self._uses: Counter[Value] = count_uses(results)
        self._top = Region()
        self._reserve(results)
        self.parameter = called or self.names.fresh(parameter.name)
        self._top.know(parameter, self.parameter)

    def _reserve(self, results: Sequence[Value]) -> None:
        """Let functions have their own names, before locals want them."""
        called = [value.callee for value in reachable(results) if isinstance(value, ir.Call)]
        for callee in (_FIELD, _ELEMENT, _PART, _TRUTHY, *called):
            self._name_of_callee(callee)

    def _name_of_callee(self, callee: Callee) -> str:
        key = callee.name, callee.function
        if key not in self._callees:
            self._callees[key] = self.names.fresh(callee.name)
        return self._callees[key]

    def result(self, value: Value) -> ast.expr:
        """Write a value that is computed in any case; its statements come before."""
        return self.write(value, self._top)

    def conditional(self, value: Value) -> ast.expr:
        """Write a value for the body of an ``if``."""
        return self._sometimes(value, self._top)

    def write(self, value: Value, region: Region) -> ast.expr:
        """Write a value where it is needed."""
        name = region.name_of(value)
        if name is not None:
            return _load(name)
        if self._uses[value] > 1 and not isinstance(value, Variable | ir.Constant | ir.Lambda):
            return self.named(value, region)
        return self._placed(value, region)

    def named(self, value: Value, region: Region) -> ast.expr:
        """Write a value so that it has a name from here on."""
        known = region.name_of(value)
        if known is not None:
            return _load(known)
        if isinstance(value, Variable | ir.Constant):
            return self._placed(value, region)
        if self._uses[value] > 1 and is_read(value, self._parameter):
            region = self._top
        return self._with_name(value, self._placed(value, region), region)

    def _with_name(self, value: Value, code: ast.expr, region: Region) -> ast.expr:
        """Give the code of a value a name that is known from here on."""
        name = self.names.fresh(wish_for(value))
        region.know(value, name)
        if not region.straight:
            return ast.NamedExpr(_store(name), code)
        statement = ast.Assign([_store(name)], code)
        put_at(statement, value.place)
        self.statements.append(statement)
        return _load(name)

    def _placed(self, value: Value, region: Region) -> ast.expr:
        code = self._form(value, region)
        put_at(code, value.place)
        return code

    def _form(self, value: Value, region: Region) -> ast.expr:  # noqa: PLR0911, PLR0912  # one line a shape
        match value:
            case ir.Variable():
                return _load(region.name_of(value) or value.name)
            case ir.Constant():
                return self._constant(value.value)
            case ir.Field():
                return self._field(value, region)
            case ir.Element():
                return self._element(value, region)
            case ir.Part():
                return self._part(value, region)
            case ir.Call():
                return self._call(value.callee, *(self.write(part, region) for part in value.arguments))
            case ir.Method():
                return _method(self.write(value.of, region), value.name, *self._written(value.arguments, region))
            case ir.Member():
                return ast.Subscript(self.write(value.of, region), ast.Constant(value.position), ast.Load())
            case ir.Lambda():
                return self._lambda(value, region)
            case ir.IsNull():
                operator = ast.IsNot() if value.negated else ast.Is()
                return ast.Compare(self.write(value.of, region), [operator], [ast.Constant(None)])
            case ir.Choice():
                test = self.write(value.test, region)
                return ast.IfExp(test, self._sometimes(value.then, region), self._sometimes(value.otherwise, region))
            case ir.Either() | ir.Both():
                return self._logic(value, region)
            case ir.Truth():
                return self._truth(value, region)
            case ir.Comparison():
                left = self.write(value.left, region)
                return ast.Compare(left, [_COMPARISONS[value.operator]()], [self.write(value.right, region)])
            case ir.Listing():
                return ast.List(self._written(value.elements, region), ast.Load())
            case ir.Record():
                return ast.Dict([ast.Constant(name) for name in value.names], self._written(value.elements, region))
            case ir.Collected():
                return self._collected(value, region)
            case ir.Then():
                return self._then(value, region)
            case ir.Joined():
                return self._joined(value, region)
        raise TypeError(type(value).__name__)

    def _written(self, parts: Sequence[Value], region: Region) -> list[ast.expr]:
        return [self.write(part, region) for part in parts]

    def _sometimes(self, value: Value, region: Region) -> ast.expr:
        """Write what does not run in any case: its names are not known after it."""
        return self.write(value, Region(region))

    def _constant(self, value: Json) -> ast.expr:
        if not isinstance(value, list | dict):
            return ast.Constant(value)
        key = repr(value)
        if key not in self._constants:
            self._constants[key] = self.names.fresh("constant")
            self.constants.append(ast.Assign([_store(self._constants[key])], display(value)))
        return _load(self._constants[key])

    def _call(self, callee: Callee, *arguments: ast.expr) -> ast.expr:
        name = self._name_of_callee(callee)
        self.namespace[name] = callee.function
        return ast.Call(_load(name), list(arguments), [])

    def _field(self, value: ir.Field, region: Region) -> ast.expr:
        of, name = self.write(value.of, region), ast.Constant(value.name)
        kinds = [kind for kind in members(value.of.type) if isinstance(kind, Object)]
        if not kinds or len(kinds) < len(members(value.of.type)):
            return self._call(_FIELD, of, name)
        if any(may_be_absent(kind.property(value.name)) for kind in kinds):
            return _method(of, "get", name)
        return ast.Subscript(of, name, ast.Load())

    def _element(self, value: ir.Element, region: Region) -> ast.expr:
        of, position = self.write(value.of, region), ast.Constant(value.position)
        needed = value.position + 1 if value.position >= 0 else -value.position
        kinds = members(value.of.type)
        if kinds and all(isinstance(kind, Array) and kind.min_length >= needed for kind in kinds):
            return ast.Subscript(of, position, ast.Load())
        return self._call(_ELEMENT, of, position)

    def _part(self, value: ir.Part, region: Region) -> ast.expr:
        of = self.write(value.of, region)
        bounds = [value.start, value.stop, value.step]
        kinds = members(value.of.type)
        if kinds and all(isinstance(kind, Array) for kind in kinds):
            return ast.Subscript(of, ast.Slice(*map(_bound, bounds)), ast.Load())
        return self._call(_PART, of, *map(ast.Constant, bounds))

    def _lambda(self, value: ir.Lambda, region: Region) -> ast.expr:
        inner = Region(region)
        name = self._variable(value.variable, inner)
        parameters = ast.arguments([], [ast.arg(name)], None, [], [], None, [])
        return ast.Lambda(parameters, self.write(value.body, inner))

    def _variable(self, variable: Variable, region: Region) -> str:
        if variable not in self._variables:
            self._variables[variable] = self.names.fresh(variable.name)
        region.know(variable, self._variables[variable])
        return self._variables[variable]

    def _logic(self, value: ir.Either | ir.Both, region: Region) -> ast.expr:
        is_either = isinstance(value, ir.Either)
        if value.plain:
            left = self.write(value.left, region)
            return ast.BoolOp(ast.Or() if is_either else ast.And(), [left, self._sometimes(value.right, region)])
        test = self._call(_TRUTHY, self.named(value.left, region))
        left = self.named(value.left, region)
        right = self._sometimes(value.right, region)
        return ast.IfExp(test, left, right) if is_either else ast.IfExp(test, right, left)

    def _truth(self, value: ir.Truth, region: Region) -> ast.expr:
        of = self.write(value.of, region)
        answer = of if value.plain else self._call(_TRUTHY, of)
        return ast.UnaryOp(ast.Not(), answer) if value.negated else answer

    def _collected(self, value: ir.Collected, region: Region) -> ast.expr:
        is_all = not value.conditions and value.result is value.variable
        if value.proven and is_all and not value.of_values:
            return self.write(value.source, region)
        source = self.write(value.source, region) if value.proven else self.named(value.source, region)
        if value.proven and not _names_something(source):
            return self._listing(value, source, region)
        if region.name_of(value.source) is None:
            source = self._with_name(value.source, source, region)
        test = _call("isinstance", source, _load("dict" if value.of_values else "list"))
        listing = self._listing(value, self.named(value.source, region), region)
        return ast.IfExp(test, listing, ast.Constant(None))

    def _listing(self, value: ir.Collected, source: ast.expr, region: Region) -> ast.expr:
        inner = Region(region)
        name = self._variable(value.variable, inner)
        with self._within_a_list():
            conditions = self._written(value.conditions, inner)
            result = self.write(value.result, inner)
        through = _method(source, "values") if value.of_values else source
        return ast.ListComp(result, [ast.comprehension(_store(name), through, conditions, 0)])

    @contextmanager
    def _within_a_list(self) -> Iterator[None]:
        """Count lists that are made within each other: Python 3.12 and 3.13 end with a crash where there are over twenty."""
        self._lists += 1
        if self._lists > _MOST_LISTS:
            raise ExpressionError("the expression is nested too deep", hint="split it over several fields")
        try:
            yield
        finally:
            self._lists -= 1

    def _then(self, value: ir.Then, region: Region) -> ast.expr:
        first, result = value.first, value.result
        is_needed = self._uses[first] > 1 or may_raise(first)
        if not is_needed or region.name_of(first) is not None or comes_first(first, result):
            return self.write(result, region)
        before = self.named(first, region)
        if isinstance(before, ast.Name):
            return self.write(result, region)
        both = ast.Tuple([before, self.write(result, region)], ast.Load())
        return ast.Subscript(both, ast.Constant(1), ast.Load())

    def _joined(self, value: ir.Joined, region: Region) -> ast.expr:
        parts = [self.named(text, region) for text in value.texts]
        if all(isinstance(part, ast.Name | ast.Constant) for part in parts):
            inserts = [part if isinstance(part, ast.Constant) else ast.FormattedValue(part, -1) for part in parts]
            return ast.JoinedStr(list(inserts))
        return _method(ast.Constant(""), "join", ast.List(parts, ast.Load()))


def display(value: Json) -> ast.expr:
    """Return a constant as it is written in Python."""
    if isinstance(value, list):
        return ast.List([display(entry) for entry in value], ast.Load())
    if isinstance(value, dict):
        return ast.Dict([ast.Constant(name) for name in value], [display(entry) for entry in value.values()])
    return ast.Constant(value)


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_load(name), list(arguments), [])


def _method(of: ast.expr, name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(of, name, ast.Load()), list(arguments), [])


def _bound(position: int | None) -> ast.expr | None:
    return None if position is None else ast.Constant(position)


def _names_something(code: ast.expr) -> bool:
    """Return whether ``:=`` is in it, which Python takes nowhere in what a comprehension goes through."""
    return any(isinstance(node, ast.NamedExpr) for node in ast.walk(code))
