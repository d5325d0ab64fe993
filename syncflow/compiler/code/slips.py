"""Slips of people who think in another language: a constant beside ``||``, arguments the wrong way round, a bound that is never
reached. Each finding says what to write instead.

In: a node and the types around it. Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Final

from syncflow.compiler.code import nodes
from syncflow.compiler.code.built_ins import BUILT_INS
from syncflow.compiler.code.findings import Finding, at
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.functions import Function
from syncflow.compiler.functions.kinds import Kind
from syncflow.compiler.types.json import (
    BOOLEAN,
    LOWER_CASE,
    MISSING,
    NEVER,
    NULL,
    NUMBER,
    TEXT,
    UPPER_CASE,
    Array,
    Boolean,
    Integer,
    Number,
    Text,
    Type,
    accepts,
    is_subtype,
    longest,
    members,
    union,
)
from syncflow.compiler.types.narrowing import constant, in_another_case, restrict, without_null
from syncflow.compiler.types.samples import samples_of
from syncflow.compiler.types.words import describe
from syncflow.compiler.values import text_of
from syncflow.config.diagnostics import did_you_mean, one_of

_ASKING: Final = {"contains", "starts_with", "ends_with"}
"""Functions that ask something of their first argument, and return true or false."""


def of_or(node: nodes.Or, left: Type, right: Type) -> Sequence[Finding]:
    """A constant that makes the whole ``||`` true, where a comparison was meant; ``|| true``, which makes false true as well."""
    value = constant(right)
    if not isinstance(node.right, nodes.Constant) or value is MISSING or NEVER in {left, right}:
        return ()
    if value is True and _admits_false(left) and not is_subtype(left, union(BOOLEAN, NULL)):
        return ()
    if value is True and _admits_false(left) and not _compares(node.left):
        return [_false_made_true(node)]
    compared = _first_comparison(node.left)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if compared is None or not (is_number or (isinstance(value, str) and value)) or not is_subtype(left, _OR_LEFT):
        return ()
    written = f"`{text_of(value)}`" if is_number else _quoted(str(value))
    message = (
        f"the {'number' if is_number else 'text'} {written} is compared with nothing here, and always counts as true"
    )
    path = _other_side(compared)
    words: tuple[str | Node, ...] = () if path is None else (path, f" {compared.operator} {written}")
    return [at(node.right, "SF326", message, hint="write {instead}" if words else "compare each value", words=words)]


_OR_LEFT: Final = union(BOOLEAN, NULL, TEXT, NUMBER)


def _false_made_true(node: nodes.Or) -> Finding:
    message = "this makes false true: `||` goes on after false as it does after null"
    words = ("default(", node.left, ", `true`)")
    return at(node, "SF327", message, hint="write {instead}, which keeps false", words=words, instead_of=node)


def _admits_false(kind: Type) -> bool:
    return restrict(kind, Boolean(only=False)) != NEVER


def _compares(node: Node) -> bool:
    return isinstance(node, nodes.Comparison | nodes.Not)


def _first_comparison(node: Node) -> nodes.Comparison | None:
    """Return the comparison that a row of ``||`` begins with."""
    while isinstance(node, nodes.Or):
        node = node.left
    return node if isinstance(node, nodes.Comparison) and node.operator in {"==", "!="} else None


def _other_side(compared: nodes.Comparison) -> Node | None:
    for one, other in ((compared.left, compared.right), (compared.right, compared.left)):
        if isinstance(other, nodes.Constant) and not isinstance(one, nodes.Constant):
            return one
    return None


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def of_asking(node: nodes.Call, given: Sequence[Type]) -> Sequence[Finding]:
    """``contains`` and its like where the answer is always false."""
    if node.name not in _ASKING or len(given) != 2 or NEVER in given:
        return ()
    subject, wanted = without_null(given[0]), without_null(given[1])
    first, second = node.arguments
    turned = (
        isinstance(first, nodes.Constant) and isinstance(first.value, str) and not isinstance(second, nodes.Constant)
    )
    if node.name != "contains" and turned:
        return [_turned(node, f"{node.name}() asks its first argument: this asks a constant")]
    if _of_another_case(subject, wanted):
        return [_never_in_that_case(node, subject, wanted)]
    return _of_contains(node, subject, wanted) if node.name == "contains" and NEVER not in {subject, wanted} else ()


def _of_contains(node: nodes.Call, subject: Type, wanted: Type) -> Sequence[Finding]:
    if _may_hold(subject, wanted):
        return _of_entries(node.arguments[0], wanted)
    message = "contains() is always false here: the first argument never holds the second"
    if _may_hold(wanted, subject):
        return [_turned(node, "contains() is always false here: text holds no list; the list is the first argument")]
    return [at(node, "SF321", message, found=f"contains({describe(subject)}, {describe(wanted)})")]


def _of_entries(listed: Node, wanted: Type) -> Sequence[Finding]:
    """Texts of a list that are none of the values looked for."""
    known = sorted(value for member in members(wanted) if isinstance(member, Text) for value in member.values or ())
    if not isinstance(listed, nodes.SelectList):
        return ()
    found, expected = [], one_of(known) if known else describe(wanted)
    for entry in listed.elements:
        if isinstance(entry, nodes.Constant) and isinstance(entry.value, str) and not accepts(wanted, entry.value):
            close = did_you_mean(entry.value, known) if known else in_another_case(entry.value, wanted)
            words = (_quoted(close),) if close else ()
            message = f"no value is ever {_quoted(entry.value)}"
            found.append(at(entry, "SF321", message, expected=expected, suggestion=close, words=words))
    return found


def _of_another_case(subject: Type, wanted: Type) -> bool:
    """Whether text that is all small (or all large) letters is asked for a part with letters of the other case."""
    part, texts = constant(wanted), [member for member in members(subject) if isinstance(member, Text)]
    return (
        isinstance(part, str)
        and any(text.pattern in _CASES for text in texts)
        and all(_lacks(member, part) for member in members(subject))
    )


_CASES: Final = (LOWER_CASE, UPPER_CASE)


def _lacks(kind: Type, part: str) -> bool:
    if not isinstance(kind, Text):
        return False
    if kind.values is not None:
        return not any(part in value for value in kind.values)
    return kind.pattern in _CASES and not accepts(Text(pattern=kind.pattern), part)


def _never_in_that_case(node: nodes.Call, subject: Type, wanted: Type) -> Finding:
    part = str(constant(wanted))
    is_lower = any(isinstance(member, Text) and member.pattern == LOWER_CASE for member in members(subject))
    close = part.lower() if is_lower else part.upper()
    message = f"{node.name}() is always false here: the text has no such letters"
    second, expected, words = node.arguments[1], describe(subject), (_quoted(close),)
    return at(second, "SF321", message, expected=expected, found=describe(wanted), suggestion=close, words=words)


def _may_hold(subject: Type, wanted: Type) -> bool:
    for member in members(subject):
        if isinstance(member, Text) and restrict(wanted, TEXT) != NEVER:
            return True
        if isinstance(member, Array) and restrict(wanted, member.items) != NEVER:
            return True
        if not isinstance(member, Text | Array):
            return True
    return False


def _turned(node: nodes.Call, message: str) -> Finding:
    first, second = node.arguments
    words = (f"{node.name}(", second, ", ", first, ")")
    return at(node, "SF321", message, hint="write {instead}", words=words, instead_of=node)


def in_another_order(
    node: nodes.Call, given: Sequence[Type], functions: Mapping[str, Function]
) -> tuple[str | Node, ...]:
    """Return the call with its arguments in the order in which all of them fit; empty where there is no such one."""
    if not 2 <= len(given) <= 3 or any(isinstance(argument, nodes.Reference) for argument in node.arguments):
        return ()
    wanted = _parameters(node, functions)
    for order in permutations(range(len(given))):
        fits = (kind is None or _fits(given[place], kind) for place, kind in zip(order, wanted, strict=True))
        if order != tuple(range(len(given))) and all(fits):
            listed = [piece for place in order for piece in (", ", node.arguments[place])]
            return (f"{node.name}(", *listed[1:], ")")
    return ()


def _fits(given: Type, kind: Type | Kind) -> bool:
    accepted = kind.accepts if isinstance(kind, Kind) else kind
    return is_subtype(without_null(given), accepted) and without_null(given) != NEVER


def _parameters(node: nodes.Call, functions: Mapping[str, Function]) -> list[Type | Kind | None]:
    places = range(len(node.arguments))
    built_in = BUILT_INS.get(node.name)
    if built_in is not None:
        return [built_in.parameter(place) for place in places]
    found = [functions[node.name].parameter(place) for place in places]
    return [None if parameter is None else parameter.kind for parameter in found]


def of_result(node: Node, given: Sequence[Type], result: Type, function: Function | None) -> Sequence[Finding]:
    """A function of ours that can make nothing of any value of its argument's format, or always makes empty text."""
    if function is None or not function.deterministic or not given:
        return ()
    if any(without_null(kind) == NEVER for kind in given):
        return ()
    subject = without_null(given[0])
    if result == NULL and constant(subject) is MISSING:
        return [_always_null(node, function, subject)]
    if is_empty_text(result) and not is_empty_text(subject) and constant(subject) is MISSING:
        return [
            at(node, "SF353", f"{function.name}() has no use here: its result is always empty", found=describe(subject))
        ]
    tried = list(_tried(subject, given[1:]))
    if not function.unreadable or not tried or any(function.call(*arguments) is not None for arguments in tried):
        return ()
    return [_always_null(node, function, subject)]


def is_empty_text(kind: Type) -> bool:
    """Whether the values of a type, null aside, are empty text and nothing else."""
    kept = without_null(kind)
    return isinstance(kept, Text) and longest(kept) == 0


def _tried(subject: Type, others: Sequence[Type]) -> Iterator[tuple[object, ...]]:
    """Yield arguments to try: samples of the first, whose format is known, with the others where they are constants."""
    constants = [constant(kind) for kind in others]
    if MISSING in constants:
        return
    for sample in samples_of(subject):
        yield (sample, *constants)


def _always_null(node: Node, function: Function, subject: Type) -> Finding:
    message, hint = f"{function.name}() is always null here", _HINTS.get(function.name, "")
    return at(node, "SF328", message, found=describe(subject), hint=hint)


_HINTS: Final = {
    "parse_date": "the schema's format is that of the text: a date or date-time is taken as it is, or by date(…)",
    "parse_datetime": "the schema's format is that of the text: a date-time is taken as it is, or by datetime(…)",
}


def of_order(node: nodes.Comparison, left: Type, right: Type) -> Sequence[Finding]:
    """An order of numbers that has one answer only, by the bounds of both sides."""
    answer = ordered_by_bounds(node.operator, left, right)
    if answer is None or NEVER in {left, right}:
        return ()
    filled = all(without_null(kind) == kind for kind in (left, right))
    if answer and not filled:
        return ()  # asks whether there is a value
    message = f"this comparison is {'always true' if answer else 'never true'}"
    return [at(node, "SF321", message, found=f"{describe(left)} {node.operator} {describe(right)}")]


def ordered_by_bounds(operator: str, left: Type, right: Type) -> bool | None:
    """Return the answer that an order of two numbers always has, null aside; None where it may be either."""
    one, other = bounds_of(left), bounds_of(right)
    if one is None or other is None:
        return None
    if operator in {"<", "<="}:
        one, other = other, one
    strict = operator in {"<", ">"}
    (least, most), (their_least, their_most) = one, other
    if least is not None and their_most is not None and (least > their_most if strict else least >= their_most):
        return True
    if most is not None and their_least is not None and (most <= their_least if strict else most < their_least):
        return False
    return None


def bounds_of(kind: Type) -> tuple[float | None, float | None] | None:
    """Return the least and the greatest number of a type, null aside; None where it holds anything but numbers."""
    given = members(without_null(kind))
    numbers = [member for member in given if isinstance(member, Integer | Number)]
    if not numbers or len(numbers) != len(given):
        return None
    least = [member.least for member in numbers if member.least is not None]
    most = [member.most for member in numbers if member.most is not None]
    return (
        min(least) if len(least) == len(numbers) else None,
        max(most) if len(most) == len(numbers) else None,
    )
