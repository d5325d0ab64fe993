"""What a call is always answered: questions with one answer, and functions that make nothing of what they are given.

In: a call and the types around it. Out: findings, each of which says what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from syncflow.compiler.expressions.findings import Finding, at
from syncflow.compiler.expressions.language import Language
from syncflow.compiler.expressions.node import Node
from syncflow.compiler.expressions.nodes.comparing import never_among
from syncflow.compiler.expressions.nodes.leaves import Constant, SelectList
from syncflow.compiler.functions import Function
from syncflow.compiler.types.json import (
    LOWER_CASE,
    MISSING,
    NEVER,
    NULL,
    TEXT,
    UPPER_CASE,
    Array,
    Text,
    Type,
    accepts,
    longest,
    members,
)
from syncflow.compiler.types.narrowing import constant, restrict, without_null
from syncflow.compiler.types.samples import samples_of
from syncflow.compiler.types.words import describe

if TYPE_CHECKING:
    from syncflow.compiler.expressions.nodes.calls import Call

_ASKING: Final = {"contains", "starts_with", "ends_with"}
"""Functions that ask something of their first argument, and return true or false."""


def of_asking(node: Call, given: Sequence[Type], language: Language) -> Sequence[Finding]:  # noqa: PLR0911  # one line a question
    """``contains`` and its like where the answer is always false."""
    if node.name not in _ASKING or len(given) != 2 or NEVER in given:
        return ()
    subject, wanted = without_null(given[0]), without_null(given[1])
    what = language.called(node.name)
    first, second = node.arguments
    is_turned = isinstance(first, Constant) and isinstance(first.value, str) and not isinstance(second, Constant)
    if node.name != "contains" and is_turned:
        return [_turned(node, f"{what} asks its first argument: this asks a constant", language)]
    if _of_another_case(subject, wanted):
        return [_never_in_that_case(node, subject, wanted, language)]
    if node.name != "contains" or NEVER in {subject, wanted}:
        return ()
    if _may_hold(subject, wanted):
        entries = first.elements if isinstance(first, SelectList) else ()
        texts = [entry for entry in entries if isinstance(entry, Constant) and isinstance(entry.value, str)]
        return list(never_among(texts, wanted, language))
    message = f"{what} is always false here: the first argument never holds the second"
    if _may_hold(wanted, subject):
        message = f"{what} is always false here: text holds no list; the list is the first argument"
        return [_turned(node, message, language)]
    return [at(node, "SF321", message, found=f"contains({describe(subject)}, {describe(wanted)})")]


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


def _never_in_that_case(node: Call, subject: Type, wanted: Type, language: Language) -> Finding:
    part = str(constant(wanted))
    is_lower = any(isinstance(member, Text) and member.pattern == LOWER_CASE for member in members(subject))
    close = part.lower() if is_lower else part.upper()
    message = f"{language.called(node.name)} is always false here: the text has no such letters"
    second, expected, words = node.arguments[1], describe(subject), (language.written(close),)
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


def _turned(node: Call, message: str, language: Language) -> Finding:
    first, second = node.arguments
    words: tuple[str | Node, ...] = (f"{node.name}(", second, ", ", first, ")")
    if language.is_jinja:
        words = (second, f" | {node.name}(", first, ")")
    return at(node, "SF321", message, hint="write {instead}", words=words, instead_of=node)


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
