"""Arguments that do not fit their function. What is merely possible is said only where it would fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

from syncflow.compiler.expressions.built_ins import BuiltIn
from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.language import Language
from syncflow.compiler.expressions.node import STRUCTURE, Node, not_checked
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.functions.kinds import Kind
from syncflow.compiler.types.json import (
    ANY,
    MISSING,
    NEVER,
    NUMBER,
    TEXT,
    Array,
    Type,
    is_subtype,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import constant, restrict, without_null
from syncflow.compiler.types.words import describe

if TYPE_CHECKING:
    from syncflow.compiler.expressions.nodes.calls import Call

Words = tuple[str | Node, ...]


def of_call(node: Call, function: BuiltIn | Function, given: Sequence[Type], language: Language) -> Sequence[Finding]:
    """What is wrong with the arguments of a call."""
    if isinstance(function, BuiltIn) and language.is_jinja:
        return list(_of_jinja(node, function, given))
    wanted = [_wanted(function, position) for position in range(len(given))]
    if NEVER in [kind for kind, want in zip(given, wanted, strict=True) if want is not None]:
        return ()
    words = () if language.is_jinja else _in_another_order(node, given, wanted)
    found: list[Finding] = []
    for position, kind in enumerate(given):
        if isinstance(function, BuiltIn):
            found.extend(_of_built_in(node, position, kind, function, words))
        else:
            found.extend(_of_ours(node, position, kind, function, words, language))
    return found[:1] if words else found


def _wanted(function: BuiltIn | Function, position: int) -> Type | Kind | None:
    """Return what an argument has to be, None where any will do or a reference belongs."""
    parameter = function.parameter(position)
    return parameter.kind if hasattr(parameter, "kind") else parameter  # type: ignore[union-attr]


def _of_built_in(node: Call, position: int, given: Type, built_in: BuiltIn, words: Words) -> Sequence[Finding]:
    expected, argument, what = built_in.parameter(position), node.arguments[position], f"{node.name}()"
    if expected is None:
        return _of_key(what, argument, given) if node.name != "map" else ()
    if is_subtype(given, expected):
        return _of_idle(argument, what, FUNCTIONS.get(node.name), position, given)
    if restrict(given, expected) == NEVER:
        message = f"{what} fails: this argument never fits"
        return [_never_fits(node, argument, message, expected, given, words)]
    hint = "give a default: value || …" if is_subtype(without_null(given), expected) else ""
    message = f"{what} fails where this argument does not fit"
    return [at(argument, "SF323", message, expected=describe(expected), found=describe(given), hint=hint)]


def _of_key(what: str, argument: Node, key: Type) -> Sequence[Finding]:
    """What elements are ordered by must be all numbers or all texts."""
    if is_subtype(key, NUMBER) or is_subtype(key, TEXT):
        return ()
    message = f"{what} fails where what it orders by is not all numbers or all text"
    filled = without_null(key)
    hint = "give a default: value || …" if is_subtype(filled, NUMBER) or is_subtype(filled, TEXT) else ""
    expected, place = "numbers or text", argument.children[0]
    return [at(place, "SF323", message, expected=expected, found=describe(key), hint=hint)]


def _of_ours(
    node: Call, position: int, given: Type, function: Function, words: Words, language: Language
) -> Sequence[Finding]:
    parameter, argument, what = function.parameter(position), node.arguments[position], language.called(node.name)
    if parameter is None:
        return ()
    value = constant(given)
    if value is not MISSING and (complaint := function.complaint(position, value)):
        return [at(argument, "SF324", f"{what}: {complaint}", severity="error")]
    may_be_left_out = parameter.optional and without_null(given) == NEVER
    if parameter.kind.takes_null or may_be_left_out or restrict(given, parameter.kind.accepts) != NEVER:
        return _of_idle(argument, what, function, position, given)
    message = f"{what} is always null: this argument never fits"
    return [_never_fits(node, argument, message, parameter.kind.accepts, given, words)]


def _of_idle(argument: Node, what: str, function: Function | None, position: int, given: Type) -> Sequence[Finding]:
    """A constant with which every call does nothing, or gives the same."""
    value = constant(given)
    said = "" if function is None or value is MISSING else function.idleness(position, value)
    return [at(argument, "SF353", f"{what} has no use here: {said}")] if said else ()


def _never_fits(node: Call, argument: Node, message: str, expected: Type, given: Type, words: Words) -> Finding:
    return at(
        argument,
        "SF322",
        message,
        severity="error",
        expected=describe(expected),
        found=describe(given),
        hint="the arguments are the wrong way round: write {instead}" if words else "",
        words=words,
        instead_of=node if words else None,
    )


def _in_another_order(node: Call, given: Sequence[Type], wanted: Sequence[Type | Kind | None]) -> Words:
    """Return the call with its arguments in the order in which all of them fit; empty where there is no such one."""
    if not 2 <= len(given) <= 3 or None in wanted:
        return ()
    for order in permutations(range(len(given))):
        fits = (_fits(given[place], kind) for place, kind in zip(order, wanted, strict=True))
        if order != tuple(range(len(given))) and all(fits):
            listed = [piece for place in order for piece in (", ", node.arguments[place])]
            return (f"{node.name}(", *listed[1:], ")")
    return ()


def _fits(given: Type, kind: Type | Kind | None) -> bool:
    accepted = kind.accepts if isinstance(kind, Kind) else kind or ANY
    return is_subtype(without_null(given), accepted) and without_null(given) != NEVER


def _of_jinja(node: Call, built_in: BuiltIn, given: Sequence[Type]) -> Iterator[Finding]:
    """One of Jinja's own filters on values for which it may fail."""
    if not built_in.is_checked and node.length:
        yield not_checked(node)
    for position, kind in enumerate(given):
        expected = built_in.parameter(position)
        if expected is not None and kind != NEVER and not is_subtype(kind, expected):
            message = f"{node.name} fails where {'its value' if position == 0 else 'an argument'} does not fit"
            hint = "give it a default: … | default(…)" if is_subtype(without_null(kind), expected) else ""
            yield at(node, "SF323", message, expected=describe(expected), found=describe(kind), hint=hint)
            return
    if node.name == "join":
        yield from _of_joined(node, *given)


def _of_joined(node: Call, kind: Type, *separator: Type) -> Sequence[Finding]:
    """Elements, or what stands between them, that are no text."""
    elements = union(*(array.items for array in members(kind) if isinstance(array, Array)))
    written = union(elements, *separator)
    if restrict(written, STRUCTURE) != NEVER:
        expected = "a list of text, numbers, true or false"
        message, hint = "join fails where an element is a list or an object", "take a field of each, or to_json"
        return [at(node, "SF332", message, expected=expected, found=describe(kind), hint=hint)]
    if not may_be_null(written):
        return ()
    hint = "leave nulls out: … | compact | join(', ')" if may_be_null(elements) else "give the separator a default"
    return [at(node, "SF330", 'where an element is null, the text says "None"', found=describe(kind), hint=hint)]
