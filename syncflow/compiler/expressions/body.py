"""The body of a function that returns an object: a field a line, and those that may be left out behind an ``if``."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from syncflow.compiler.expressions.ir import Value
from syncflow.compiler.expressions.placing import put_at
from syncflow.compiler.expressions.write import Writer
from syncflow.frozen import value_class


@value_class
class Slot:
    """A field: left out where one of ``conditions``, booleans of Python's, is false."""

    name: str
    value: Value
    conditions: tuple[Value, ...] = ()


def roots_of(slots: Sequence[Slot]) -> list[Value]:
    """Return all values that the slots need."""
    return [value for slot in slots for value in (*slot.conditions, slot.value)]


def write_result(writer: Writer, value: Value) -> list[ast.stmt]:
    """Return the body of a function that returns one value."""
    returned = ast.Return(writer.result(value))
    put_at(returned, value.place)
    return [*writer.statements, returned]


def write_slots(writer: Writer, slots: Sequence[Slot]) -> list[ast.stmt]:
    """Return the statements of the function's body."""
    first_optional = next((i for i, slot in enumerate(slots) if slot.conditions), len(slots))
    always, others = slots[:first_optional], slots[first_optional:]
    made = ast.Dict([ast.Constant(slot.name) for slot in always], [writer.result(slot.value) for slot in always])
    if not others:
        return [*writer.statements, ast.Return(made)]
    name = writer.names.fresh("payload")
    writer.statements.append(ast.Assign([ast.Name(name, ast.Store())], made))
    for slot in others:
        _put(writer, name, slot)
    return [*writer.statements, ast.Return(ast.Name(name, ast.Load()))]


def _put(writer: Writer, payload: str, slot: Slot) -> None:
    tests = [writer.result(condition) for condition in slot.conditions]
    code = writer.conditional(slot.value) if tests else writer.result(slot.value)
    target = ast.Subscript(ast.Name(payload, ast.Load()), ast.Constant(slot.name), ast.Store())
    statement: ast.stmt = ast.Assign([target], code)
    put_at(statement, slot.value.place)
    if tests:
        statement = ast.If(tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests), [statement], [])
        put_at(statement, slot.value.place)
    writer.statements.append(statement)
