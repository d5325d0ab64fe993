"""Checks of expressions by themselves: do they compile, are rules rules, and are the paths they read known."""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncflow.compiler.checks.places import Place, expressions_of, root_type
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.single_expressions import Expression, ExpressionError, Read, compile_expression
from syncflow.compiler.types.json import ABSENT, ANY, Object, Type, members, union
from syncflow.config.diagnostics import Diagnostic, Replacement, did_you_mean, one_of
from syncflow.config.nodes import dotted
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten_part


def check_expressions(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with each expression of a project."""
    for place in expressions_of(project):
        try:
            expression = compile_expression(place.text, functions=place.functions(project))
        except ExpressionError as error:
            if not place.document.is_unset(*place.path):  # of a reference that is wrong itself
                yield from_error(place, error)
            continue
        if place.use == "rule" and expression.language == "jinja":
            yield _rule_in_jinja(place)
        elif place.use != "foreign":
            yield from _unknown_paths(project, place, expression)


def from_error(place: Place, error: ExpressionError) -> Diagnostic:
    """Return the diagnostic of an expression that cannot be compiled, at the very character."""
    whole = place.document.span(*place.path)
    words = error.words or (error.suggestion and (error.offset, error.length, error.suggestion)) or None
    return Diagnostic(
        error.code,
        whole.at(error.offset, error.length),
        error.message,
        hint="" if error.suggestion else error.hint,
        suggestion=error.suggestion,
        path=dotted(place.path),
        replaced=rewritten_part(whole, *words) if words else None,
    )


def _rule_in_jinja(place: Place) -> Diagnostic:
    return place.document.report(
        "SF305",
        "a rule is written in JMESPath, this is Jinja",
        *place.path,
        expected="a JMESPath expression, such as item.type == 'lead'",
    )


def _unknown_paths(project: Project, place: Place, expression: Expression) -> Iterator[Diagnostic]:
    root, seen = root_type(project, place.kind), set()
    for read in sorted(expression.reads, key=lambda read: len(read.steps)):
        found = _first_unknown(root, read)
        if found is not None and read.steps[: found[0] + 1] not in seen:
            seen.add(read.steps[: found[0] + 1])
            yield _unknown_path(place, read, *found)


def leads_nowhere(kind: Type, read: Read) -> bool:
    """Return whether a path has an unknown step."""
    return _first_unknown(kind, read) is not None


def _first_unknown(kind: Type, read: Read) -> tuple[int, list[str], bool] | None:
    """Return the first step that leads nowhere: its number, the names known there, and whether others may be there."""
    for number, step in enumerate(read.steps):
        objects = [member for member in members(kind) if isinstance(member, Object)]
        if not isinstance(step, str) or ANY in members(kind) or not objects:
            return None
        known = [name for entry in objects for name, _ in entry.properties]
        if step not in known and (known or all(entry.rest == ABSENT for entry in objects)):
            is_open = any(entry.rest != ABSENT for entry in objects)
            return number, known, is_open
        kind = union(*(entry.property(step) for entry in objects))
    return None


def _unknown_path(place: Place, read: Read, number: int, known: list[str], is_open: bool) -> Diagnostic:  # noqa: FBT001
    name = str(read.steps[number])
    path = ".".join(str(step) for step in read.steps[: number + 1])
    at_root = number == 0
    return Diagnostic(
        code="SF304",
        span=place.document.span(*place.path).at(read.offset, _length(place, read, number)),
        message=f"expressions do not see `{name}`" if at_root else f"the schema of {place.kind} has no `{path}`",
        severity="warning" if is_open and not at_root else "error",
        expected=one_of(known),
        suggestion=did_you_mean(name, known),
        hint=_hint(place, name, at_root=at_root),
        path=dotted(place.path),
        replaced=_replaced(place, read, number, known),
    )


def _hint(place: Place, name: str, *, at_root: bool) -> str:
    if not at_root:
        return "add it to the schema if records have it"
    if place.use == "value" and place.text.strip() in {name, f'"{name}"'}:
        return f"write {{value: {name}}} if the text itself is meant"
    if name in _LITERALS and not is_jinja(place.text):
        return f"as a value it is written `{_LITERALS[name]}`, in backticks"
    meant_as_text = f'"{name}"' in place.text or re.search(rf"[=<>|&,]\s*{re.escape(name)}(?![\w.\[])", place.text)
    return f"text stands in single quotes: '{name}'" if meant_as_text and not is_jinja(place.text) else ""


_LITERALS = {
    **{name: name for name in ("null", "true", "false")},
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    **dict.fromkeys(("None", "nil", "undefined", "NULL", "Null", "NaN"), "null"),
}
"""Constants as other languages write them, and as JSON does."""


def _replaced(place: Place, read: Read, number: int, known: list[str]) -> Replacement | None:
    """Return the path with the name that was meant, or the constant as it is written here."""
    name, span = str(read.steps[number]), place.document.span(*place.path)
    if is_jinja(place.text) and number == 0:
        meant = did_you_mean(name, known)
        return rewritten_part(span, read.offset, len(name), meant) if meant else None
    if number == 0 and name in _LITERALS and place.text.startswith(name, read.offset):
        return rewritten_part(span, read.offset, len(name), f"`{_LITERALS[name]}`")
    meant = did_you_mean(name, known)
    whole = ".".join(str(step) for step in read.steps)
    if not meant or not place.text.startswith(whole, read.offset):
        hinted = _hint(place, name, at_root=number == 0)
        quoted_name = f'"{name}"'
        if not meant and hinted.startswith("text stands in single quotes") and number == 0:
            start = place.text.find(quoted_name)
            if start >= 0:
                return rewritten_part(span, start, len(quoted_name), f"'{name}'")
            return rewritten_part(span, read.offset, len(name), f"'{name}'")
        return None
    steps = [meant if at == number else str(step) for at, step in enumerate(read.steps)]
    return rewritten_part(span, read.offset, len(whole), ".".join(steps))


def _length(place: Place, read: Read, number: int) -> int:
    """Return how many characters to mark: the name where its place is known, else the path as far as it is written out."""
    whole = ".".join(str(step) for step in read.steps)
    return len(whole) if place.text.startswith(whole, read.offset) else len(str(read.steps[number]))
