"""What is suspicious about a node of a template, given the types around it. What may fail for a record that fits its schema is
said; what only looks odd is said where it is proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from syncflow.compiler.code.complaints import of_idle
from syncflow.compiler.code.findings import Finding, at
from syncflow.compiler.code.jinja import nodes
from syncflow.compiler.code.jinja.guards import Scope, path_of
from syncflow.compiler.code.nodes import Node
from syncflow.compiler.code.repeats import of_constants
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import (
    ABSENT,
    ARRAY,
    BOOLEAN,
    MISSING,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Anything,
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    Text,
    Type,
    accepts,
    is_subtype,
    may_be_absent,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import constant, in_another_case, of_value, restrict, values_of, without_null
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import did_you_mean, one_of

_STRUCTURE = union(ARRAY, OBJECT)
_NUMERIC = union(NUMBER, BOOLEAN)
_LARGEST = 10**30
"""Larger numbers are not calculated with."""


def of_name(node: nodes.Name, scope: Scope) -> Sequence[Finding]:
    """A name that nobody has given a value."""
    if scope.of(node.name) != ABSENT:
        return ()
    known = {name for member in members(scope.root) if isinstance(member, Object) for name, _ in member.properties}
    return [_unknown(node, node.name, sorted(known | set(scope.bound)), f"expressions do not see `{node.name}`")]


def of_field(node: Node, name: str, of: Type) -> Sequence[Finding]:
    """A field that nothing has, or of what has no fields."""
    given = members(without_null(of))
    objects = [member for member in given if isinstance(member, Object)]
    if any(isinstance(member, Anything) for member in given) or of == NEVER:
        return ()
    if not objects:
        message = f"`{name}` is read from what is no object, so it is never there"
        return [at(node, "SF320", message, severity="error", expected="an object", found=describe(of))]
    if any(member.property(name) != ABSENT for member in objects):
        return ()
    known = sorted({known for member in objects for known, _ in member.properties})
    return [_unknown(node, name, known, f"there is no `{name}` here")]


def _unknown(node: Node, name: str, known: Sequence[str], message: str) -> Finding:
    suggestion = did_you_mean(name, known)
    return at(node, "SF304", message, severity="error", expected=one_of(known), suggestion=suggestion)


def of_absent(node: Node, kind: Type, default: str = "''") -> Sequence[Finding]:
    """A value that may not be there, where one is needed. Of a path that leads nowhere, and of what is not checked, that has
    been told already."""
    if not may_be_absent(kind) or isinstance(node, nodes.Other) or (kind == ABSENT and path_of(node) is not None):
        return ()
    if kind == ABSENT:
        return [at(node, "SF331", "the template fails: this is never there", severity="error")]
    words = _spelled(node)
    hints = [f"give a default, {words or '(…)'} | default({default})"] if default else []
    hints += [f"write it inside {{% if {words} is defined %}}"] if words else []
    message = f"the template fails where {words or 'this'} is absent"
    return [at(node, "SF331", message, found=describe(kind), hint=", or ".join(hints))]


def _spelled(node: Node) -> str:
    """Return a path as it is written, empty for what is none."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Attribute():
            before = _spelled(node.of)
            return f"{before}.{node.name}" if before else ""
        case nodes.Entry(key=nodes.Constant(value=str() | int() as key)):
            before = _spelled(node.of)
            return f"{before}[{key!r}]" if before else ""
    return ""


def of_insert(node: Node, kind: Type) -> Sequence[Finding]:
    """A value that cannot be written as text, or that nobody wants to see written so."""
    if kind == NEVER:
        return ()
    if restrict(kind, _STRUCTURE) != NEVER:
        return [_no_text(node, kind, "a list or an object cannot be inserted as text")]
    if isinstance(node, nodes.Constant) or not may_be_null(kind) or (kind == NULL and isinstance(node, nodes.Filter)):
        return ()
    hint = f"give a default: {{{{ {_spelled(node) or '(…)'} | default('') }}}}"
    return [at(node, "SF330", 'where this is null, the text says "None"', found=describe(kind), hint=hint)]


def _no_text(node: Node, kind: Type, message: str) -> Finding:
    always = all(is_subtype(member, _STRUCTURE) for member in members(kind))
    hint = "use join, or to_json | default('')"
    expected = "text, a number, true or false"
    if always:
        return at(node, "SF332", message, severity="error", expected=expected, found=describe(kind), hint=hint)
    return at(node, "SF332", f"this may fail: {message}", expected=expected, found=describe(kind), hint=hint)


def of_kinds_in_test(node: nodes.Test, kinds: Sequence[Type]) -> Sequence[Finding]:
    """A test that calculates or compares, with what it fails on."""
    if NEVER in kinds or _test_fits(node.name, *kinds):
        return ()
    found = " and ".join(map(describe, kinds))
    return [at(node, "SF323", f"the test {node.name} fails where a value does not fit", found=found)]


def _test_fits(name: str, of: Type, *others: Type) -> bool:
    if name in {"even", "odd", "divisibleby"}:
        divisor = others[0] if others else Integer(2, 2)
        return is_subtype(of, NUMBER) and is_subtype(divisor, NUMBER) and not accepts(divisor, 0)
    operator = _COMPARING.get(name)
    return operator is None or len(others) != 1 or can_compare(operator, of, others[0])


_COMPARING: Final[Mapping[str, nodes.Comparator]] = {
    "ge": ">=",
    "gt": ">",
    "greaterthan": ">",
    "in": "in",
    "le": "<=",
    "lessthan": "<",
    "lt": "<",
}


def of_other(node: Node) -> Sequence[Finding]:
    """What we have no word for."""
    if not node.length:
        return ()
    hint = "plain values and filters can be checked; `syncflow functions` lists them"
    return [at(node, "SF335", "this part is not checked: only records can show whether it works", hint=hint)]


def of_test(node: Node, *, may_hold: bool, may_fail: bool) -> Sequence[Finding]:
    """A condition with one answer only."""
    if (may_hold and may_fail) or isinstance(node, nodes.Comparison):
        return ()
    return [at(node, "SF333", f"this condition is always {'true' if may_hold else 'false'}")]


def of_loop(node: nodes.For, kind: Type) -> Sequence[Finding]:
    """A loop over what has no elements."""
    if kind == NEVER or is_subtype(kind, union(_STRUCTURE, TEXT)):
        return ()
    found = describe(kind)
    if restrict(kind, union(_STRUCTURE, TEXT)) == NEVER:
        message = "for fails: this has no elements"
        return [at(node.source, "SF334", message, severity="error", expected="a list", found=found)]
    hint = "write the loop inside {% if … %}"
    return [at(node.source, "SF334", "for fails where this is no list", expected="a list", found=found, hint=hint)]


def of_filter(node: nodes.Filter, given: Sequence[Type], function: Function) -> Sequence[Finding]:
    """Arguments that do not fit their function."""
    if NEVER in given:
        return ()
    each = [found for position, kind in enumerate(given) for found in _of_argument(node, position, kind, function)]
    return each or of_constants(node.arguments, node.name, function, given)


def _of_argument(node: nodes.Filter, position: int, given: Type, function: Function) -> Sequence[Finding]:
    parameter, argument = function.parameter(position), node.arguments[position]
    if parameter is None:
        return ()
    value = constant(given)
    if value is not MISSING and (complaint := function.complaint(position, value)):
        return [at(argument, "SF324", f"{node.name}: {complaint}", severity="error")]
    accepted = parameter.kind.accepts
    may_be_left_out = parameter.optional and without_null(given) == NEVER
    if parameter.kind.takes_null or may_be_left_out or restrict(given, accepted) != NEVER:
        return of_idle(argument, node.name, function, position, given)
    message = f"{node.name} is always null: this argument never fits"
    return [at(argument, "SF322", message, severity="error", expected=describe(accepted), found=describe(given))]


def of_built_in(node: nodes.Filter, given: Sequence[Type]) -> Sequence[Finding]:
    """One of Jinja's own filters on values for which it may fail."""
    kind = given[0]
    takes = {"join": ARRAY, "length": union(_STRUCTURE, TEXT), "count": union(_STRUCTURE, TEXT), "items": OBJECT}
    if node.name not in takes:
        return of_other(node)
    expected = takes[node.name]
    if kind == NEVER or is_subtype(kind, expected):
        return _of_joined(node, kind, given[1:]) if node.name == "join" else ()
    message = f"{node.name} fails where its value does not fit"
    return [at(node, "SF323", message, expected=describe(expected), found=describe(kind))]


def _of_joined(node: nodes.Filter, kind: Type, separator: Sequence[Type]) -> Sequence[Finding]:
    """Elements, or what stands between them, that are no text."""
    elements = union(*(array.items for array in members(kind) if isinstance(array, Array)))
    written = union(elements, *separator)
    if restrict(written, _STRUCTURE) != NEVER:
        expected = "a list of text, numbers, true or false"
        message = "join fails where an element is a list or an object"
        return [
            at(node, "SF332", message, expected=expected, found=describe(kind), hint="take a field of each, or to_json")
        ]
    if not may_be_null(written):
        return ()
    hint = "leave nulls out: … | compact | join(', ')" if may_be_null(elements) else "give the separator a default"
    return [at(node, "SF330", 'where an element is null, the text says "None"', found=describe(kind), hint=hint)]


def never_equal(left: Type, right: Type) -> bool:
    """Return whether no value of one type equals one of the other; to Python true is 1."""
    if restrict(left, _NUMERIC) != NEVER and restrict(right, _NUMERIC) != NEVER and _has_boolean(left, right):
        return False
    return restrict(left, right) == NEVER and restrict(right, left) == NEVER


def _has_boolean(*kinds: Type) -> bool:
    return any(isinstance(member, Boolean | Anything) for kind in kinds for member in members(kind))


def of_comparison(node: nodes.Comparison, left: Type, right: Type) -> Sequence[Finding]:
    """A comparison with one answer only, or one that fails."""
    if NEVER in {left, right}:
        return ()
    found = f"{describe(left)} {node.operator} {describe(right)}"
    if node.operator in {"==", "!="}:
        return _always(node, left, right) if never_equal(left, right) else ()
    if can_compare(node.operator, left, right):
        return _of_membership(node, left, right) if node.operator in {"in", "not in"} else ()
    return [at(node, "SF323", f"{node.operator} fails where the two values do not fit together", found=found)]


def _of_membership(node: nodes.Comparison, left: Type, right: Type) -> Sequence[Finding]:
    """Entries of a list that the value before ``in`` never is; text that it is never a part of."""
    if isinstance(node.right, nodes.Listing):
        entries = [entry for entry in node.right.elements if isinstance(entry, nodes.Constant)]
        return [_no_such_value(entry, left) for entry in entries if never_equal(left, of_value(entry.value))]
    text, known = constant(right), values_of(left)
    if not isinstance(text, str) or known is None or len(known) < 2:
        return ()
    parts = [value for value in known if isinstance(value, str) and value in text]
    if parts and (len(parts) < len(known) and text not in known):
        return ()
    if text in known:
        message, instead = "`in` looks for a part of this text here, and compares nothing", f"[{text!r}]"
        return [at(node.right, "SF321", message, hint="write {instead}", words=(instead,))]
    message = f"`in` looks for a part of this text here, which {'every' if parts else 'no'} value is"
    hint = "a list stands in brackets: ['one', 'other']"
    return [at(node.right, "SF321", message, expected=describe(left), found=describe(right), hint=hint)]


def _no_such_value(entry: nodes.Constant, kind: Type) -> Finding:
    texts = sorted(value for member in members(kind) if isinstance(member, Text) for value in member.values or ())
    close = ""
    if isinstance(entry.value, str):
        close = did_you_mean(entry.value, texts) if texts else in_another_case(entry.value, kind)
    message = f"no value is ever {entry.value!r}"
    words = (repr(close),) if close else ()
    expected = one_of(texts) if texts else describe(kind)
    return at(entry, "SF321", message, expected=expected, suggestion=close, words=words)


def can_compare(operator: nodes.Comparator, left: Type, right: Type) -> bool:
    """Return whether a comparison fails for no values of two types."""
    if operator in {"==", "!="}:
        return True
    if operator in {"in", "not in"}:
        if is_subtype(right, ARRAY):
            return True
        scalar = union(NUMBER, BOOLEAN, TEXT)
        return is_subtype(left, TEXT if not is_subtype(right, OBJECT) else scalar) and is_subtype(
            right, union(TEXT, OBJECT)
        )
    return any(is_subtype(left, kind) and is_subtype(right, kind) for kind in (_NUMERIC, TEXT))


def _always(node: nodes.Comparison, left: Type, right: Type) -> Sequence[Finding]:
    message = f"this comparison is always {'false' if node.operator == '==' else 'true'}"
    for one, other in ((left, right), (right, left)):
        value = constant(other)
        if value is not MISSING and isinstance(value, str):
            known = [name for member in members(one) if isinstance(member, Text) for name in member.values or ()]
            suggestion = did_you_mean(value, known) or ("" if known else in_another_case(value, one))
            return [at(node, "SF321", message, expected=describe(one), found=describe(other), suggestion=suggestion)]
    return [at(node, "SF321", message, found=f"{describe(left)} {node.operator} {describe(right)}")]


def of_arithmetic(node: nodes.Arithmetic, left: Type, right: Type) -> Sequence[Finding]:
    """A calculation with what is no number, or too large, or a division by zero."""
    if node.operator == "+" and is_subtype(left, ARRAY) and is_subtype(right, ARRAY):
        return ()
    found = f"{describe(left)} {node.operator} {describe(right)}"
    if not is_subtype(left, NUMBER) or not is_subtype(right, NUMBER):
        return [_no_numbers(node, found, sure=any(restrict(kind, NUMBER) == NEVER for kind in (left, right)))]
    if node.operator in {"/", "//", "%"} and accepts(right, 0):
        return [at(node, "SF323", f"{node.operator} fails where the divisor is 0", found=found)]
    if any(_may_be_huge(member) for kind in (left, right) for member in members(kind)):
        return [at(node, "SF323", f"{node.operator} fails where a number is too large", found=found)]
    return ()


def _no_numbers(node: nodes.Arithmetic, found: str, *, sure: bool) -> Finding:
    if sure and node.operator != "+":
        message = f"{node.operator} fails: it takes two numbers"
        return at(node, "SF322", message, severity="error", expected="two numbers", found=found)
    message = f"{node.operator} fails where a value is no number"
    return at(node, "SF323", message, expected="two numbers", found=found)


def _may_be_huge(kind: Type) -> bool:
    if isinstance(kind, Integer) or not isinstance(kind, Number):
        return False
    return kind.least is None or kind.most is None or max(abs(kind.least), abs(kind.most)) > _LARGEST
