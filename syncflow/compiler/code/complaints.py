"""What is suspicious about a node, given the types around it. Types prove; what is merely possible is said only where it
would fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncflow.compiler.code import nodes
from syncflow.compiler.code.built_ins import BUILT_INS, BuiltIn
from syncflow.compiler.code.findings import Finding, at
from syncflow.compiler.code.slips import in_another_order
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.kinds import Kind
from syncflow.compiler.types.json import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    MISSING,
    NEVER,
    NUMBER,
    OBJECT,
    TEXT,
    Anything,
    Object,
    Text,
    Type,
    is_subtype,
    members,
    union,
)
from syncflow.compiler.types.narrowing import constant, in_another_case, restrict, without_null
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import did_you_mean, one_of


def of_name(node: nodes.Name, scope: Type) -> Sequence[Finding]:
    """A field that nothing has, or of what has no fields."""
    if any(isinstance(member, Anything) for member in members(scope)):
        return ()
    objects = [member for member in members(scope) if isinstance(member, Object)]
    if not objects:
        return _no_object(node, scope)
    known = sorted({name for member in objects for name, _ in member.properties})
    if any(member.property(node.name) != ABSENT for member in objects):
        return () if node.name in known or not known else [_not_described(node, known)]
    message = f"there is no `{node.name}` here, so this is always null"
    suggestion = did_you_mean(node.name, known)
    return [at(node, "SF304", message, severity="error", expected=one_of(known), suggestion=suggestion)]


def _not_described(node: nodes.Name, known: Sequence[str]) -> Finding:
    message, suggestion = f"the schema has no `{node.name}` here", did_you_mean(node.name, known)
    words, hint = (suggestion,) if suggestion else (), "add it to the schema if records have it"
    return at(node, "SF304", message, expected=one_of(known), suggestion=suggestion, hint=hint, words=words)


def _no_object(node: nodes.Name, scope: Type) -> Sequence[Finding]:
    message = f"`{node.name}` is read from what is no object, so this is always null"
    if node.name in FUNCTIONS or node.name in BUILT_INS:
        hint = f"as a function it is written {node.name}(…)"
    else:
        hint = "is a step too many, or a [] missing?"
    if is_subtype(scope, BOOLEAN):
        hint = "is a step too many? `!` takes no more than the name next to it: write !(a.b), not !a.b"
    return [at(node, "SF320", message, severity="error", expected="an object", found=describe(scope), hint=hint)]


def of_index(node: nodes.Index | nodes.Slice, scope: Type) -> Sequence[Finding]:
    """An element of what is no array."""
    if restrict(scope, ARRAY) != NEVER:
        return ()
    message = "an element is taken of what is no array, so this is always null"
    return [at(node, "SF320", message, severity="error", expected="an array", found=describe(scope))]


def of_projection(node: nodes.Projection, source: Type) -> Sequence[Finding]:
    """A projection over what has no elements."""
    if source == NEVER or restrict(source, OBJECT if node.of_values else ARRAY) != NEVER:
        return ()
    expected = "an object" if node.of_values else "an array"
    message = f"this is a list of what is no {expected.split()[1]}, so it is always null"
    return [at(node.source, "SF320", message, severity="error", expected=expected, found=describe(source))]


def of_comparison(node: nodes.Comparison, left: Type, right: Type) -> Sequence[Finding]:
    """A comparison that has one answer only."""
    if NEVER in {left, right}:
        return ()
    if node.operator in {"==", "!="}:
        return _always(node, left, right) if are_disjoint(left, right) else ()
    if any(restrict(left, kind) != NEVER and restrict(right, kind) != NEVER for kind in (NUMBER, TEXT)):
        return ()
    message = f"{node.operator} is always null here: only two numbers or two texts have an order"
    return [at(node, "SF321", message, found=f"{describe(left)} {node.operator} {describe(right)}")]


def _always(node: nodes.Comparison, left: Type, right: Type) -> Sequence[Finding]:
    answer = "false" if node.operator == "==" else "true"
    message = f"this comparison is always {answer}"
    for one, other in ((left, right), (right, left)):
        value = constant(other)
        if isinstance(value, str):
            known = [name for member in members(one) if isinstance(member, Text) for name in member.values or ()]
            expected = describe(one)
            suggestion = did_you_mean(value, known) or ("" if known else in_another_case(value, one))
            meant = suggestion and "'" + suggestion.replace("\\", "\\\\").replace("'", "\\'") + "'"
            side = node.right if other is right else node.left
            words = (meant,) if meant else ()
            return [
                at(
                    node,
                    "SF321",
                    message,
                    expected=expected,
                    found=describe(other),
                    suggestion=suggestion,
                    words=words,
                    instead_of=side,
                )
            ]
    return [at(node, "SF321", message, found=f"{describe(left)} {node.operator} {describe(right)}")]


def are_disjoint(left: Type, right: Type) -> bool:
    """Return whether no value of one type surely equals one of the other."""
    return restrict(left, right) == NEVER and restrict(right, left) == NEVER


def of_call(node: nodes.Call, given: Sequence[Type], functions: Mapping[str, Function]) -> Sequence[Finding]:
    """Arguments that do not fit their function."""
    plain = [kind for argument, kind in zip(node.arguments, given, strict=True) if not _is_reference(argument)]
    if NEVER in plain:
        return ()
    words = in_another_order(node, given, functions)
    found = _of_arguments(node, given, functions, words)
    return found[:1] if words else found


def _of_arguments(
    node: nodes.Call, given: Sequence[Type], functions: Mapping[str, Function], words: Words
) -> list[Finding]:
    built_in = BUILT_INS.get(node.name)
    if built_in is not None:
        return [found for i, kind in enumerate(given) for found in _of_built_in(node, i, kind, built_in, words)]
    return [found for i, kind in enumerate(given) for found in _of_ours(node, i, kind, functions[node.name], words)]


Words = tuple[str | nodes.Node, ...]


def _of_built_in(node: nodes.Call, position: int, given: Type, built_in: BuiltIn, words: Words) -> Sequence[Finding]:
    expected, argument, what = built_in.parameter(position), node.arguments[position], f"{node.name}()"
    idle = of_idle(argument, what, FUNCTIONS.get(node.name), position, given)
    if isinstance(argument, nodes.Reference):
        return _of_key(what, argument, given) if node.name != "map" else ()
    if expected is None or is_subtype(given, expected):
        return idle
    if restrict(given, expected) == NEVER:
        message = f"{what} fails: this argument never fits"
        return [_never_fits(node, argument, message, expected, given, words)]
    hint = "give a default: value || …" if is_subtype(without_null(given), expected) else ""
    message = f"{what} fails where this argument does not fit"
    return [at(argument, "SF323", message, expected=describe(expected), found=describe(given), hint=hint)]


def _of_key(what: str, argument: nodes.Reference, key: Type) -> Sequence[Finding]:
    """What elements are ordered by must be all numbers or all texts."""
    if is_subtype(key, NUMBER) or is_subtype(key, TEXT):
        return ()
    message = f"{what} fails where what it orders by is not all numbers or all text"
    filled = without_null(key)
    hint = "give a default: value || …" if is_subtype(filled, NUMBER) or is_subtype(filled, TEXT) else ""
    return [at(argument.expression, "SF323", message, expected="numbers or text", found=describe(key), hint=hint)]


def _is_reference(argument: nodes.Node) -> bool:
    return isinstance(argument, nodes.Reference)


def _of_ours(node: nodes.Call, position: int, given: Type, function: Function, words: Words) -> Sequence[Finding]:
    parameter = function.parameter(position)
    if parameter is None:
        return ()
    argument, kind = node.arguments[position], parameter.kind
    value = constant(given)
    if value is not MISSING and (complaint := function.complaint(position, value)):
        return [at(argument, "SF324", f"{node.name}(): {complaint}", severity="error")]
    if _may_fit(given, kind, optional=parameter.optional):
        return of_idle(argument, f"{node.name}()", function, position, given)
    message = f"{node.name}() is always null: this argument never fits"
    return [_never_fits(node, argument, message, kind.accepts, given, words)]


def of_idle(
    argument: nodes.Node, what: str, function: Function | None, position: int, given: Type
) -> Sequence[Finding]:
    """A constant with which every call does nothing, or gives the same."""
    value = constant(given)
    said = "" if function is None or value is MISSING else function.idleness(position, value)
    return [at(argument, "SF353", f"{what} has no use here: {said}")] if said else ()


def _never_fits(
    node: nodes.Call, argument: nodes.Node, message: str, expected: Type, given: Type, words: Words
) -> Finding:
    return at(
        argument,
        "SF322",
        message,
        severity="error",
        expected=describe(expected),
        found=describe(given),
        hint="the arguments are the wrong way round: write {instead}" if words else "",
        words=words,
        instead_of=node,
    )


def _may_fit(given: Type, kind: Kind, *, optional: bool) -> bool:
    if kind.takes_null or restrict(given, kind.accepts) != NEVER:
        return True
    return optional and without_null(given) == union()
