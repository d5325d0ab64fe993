"""Checks of envelopes: names that nothing comes with, and unknown kinds of record and operations.

What an event holds is not known before one is read; what its source puts beside it is, and so are constants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.scopes import UNCHECKED
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.single_expressions import ExpressionError, Read, compile_expression
from syncflow.compiler.types.narrowing import values_of
from syncflow.config.beside import BESIDE
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.models.routes import Envelope
from syncflow.config.project import Project
from syncflow.config.replacements import quoted, rewritten, rewritten_part

_PARTS = ("each", "record", "operation", "timestamp", "item", "id", "unchanged")
_CHANGES = ("create", "update", "delete")
_Place = tuple[str, ...]


def check_envelopes(project: Project) -> Iterator[Diagnostic]:
    """Yield what the envelopes of a project read that is never there, and unknown words in them."""
    kinds = tuple(project.routes.model.records)
    for at, envelope in project.routes.model.envelopes.items():
        yield from _names_beside(project, at, envelope)
        yield from _calls_meant(project, at, envelope)
        yield from _words(project, (*at, "record"), envelope.record, kinds, "kind of record")
        operations = (*_CHANGES, *envelope.operations)
        yield from _words(project, (*at, "operation"), envelope.operation, operations, "operation")


def _names_beside(project: Project, at: _Place, envelope: Envelope) -> Iterator[Diagnostic]:
    """Yield names under ``source`` that no source of these events gives."""
    sources = project.routes.model.all_sources
    named = {name: source for name, source in sources.items() if at == ("envelope",) or name == at[:2]}
    known = [BESIDE.get(source.kind) for source in named.values()]
    if not known or None in known:
        return
    names = frozenset().union(*(each for each in known if each is not None))
    for part in _PARTS:
        text = getattr(envelope, part)
        for read in () if text is None or part not in envelope.model_fields_set else _reads(text):
            if len(read.steps) == 2 and read.steps[0] == "source" and read.steps[1] not in names:
                yield _not_beside(project, (*at, part), text, read, sorted(names))


def _reads(text: str) -> tuple[Read, ...]:
    try:
        return () if is_jinja(text) else compile_expression(text, functions=FUNCTIONS).reads
    except ExpressionError:
        return ()  # which another check says


def _not_beside(project: Project, place: _Place, text: str, read: Read, names: list[str]) -> Diagnostic:
    name, span = str(read.steps[1]), project.routes.span(*place)
    close, is_there = did_you_mean(name, names), text.startswith(name, read.offset)
    return Diagnostic(
        "SF304",
        span.at(read.offset, len(name) if is_there else 1),
        f"nothing called `{name}` comes with these events",
        severity="warning",
        expected=one_of(names),
        suggestion=close,
        path=".".join(place),
        replaced=rewritten_part(span, read.offset, len(name), close) if close and is_there else None,
    )


def _calls_meant(project: Project, at: _Place, envelope: Envelope) -> Iterator[Diagnostic]:
    """Yield names of functions that are not called: they read a field of the event that is called so."""
    for part in _PARTS:
        text = getattr(envelope, part)
        if part in envelope.model_fields_set and text in _OF_THE_WORLD:
            yield project.routes.report(
                "SF325",
                f"this reads a field of the event that is called `{text}`; it does not call the function",
                *at,
                part,
                severity="warning",
                hint=f"write {text}()",
                replaced=rewritten(project.routes.span(*at, part), f"{text}()"),
            )


_OF_THE_WORLD = ("now", "today", "uuid")
"""Functions without arguments, whose names are hardly those of fields."""


def _words(project: Project, place: _Place, text: str, known: Collection[str], what: str) -> Iterator[Diagnostic]:
    """Yield constants that are no known word, and the bare word where its text was meant."""
    routes = project.routes
    if text in known and text != place[-1] and "envelope" in place:
        instead = quoted(f"'{text}'")
        yield routes.report(
            "SF325",
            f"this reads a field of the event that is called `{text}`; it does not say that the {what} is {text}",
            *place,
            severity="warning",
            hint=f"text stands in single quotes: {instead}",
            replaced=rewritten(routes.span(*place), instead),
        )
        return
    for value in _constants(text):
        if value not in known:
            close = did_you_mean(value, known) if isinstance(value, str) else ""
            yield routes.report(
                "SF404",
                f"{value!r} is no {what}: such an event becomes a dead letter"
                if isinstance(value, str)
                else f"this is no {what}",
                *place,
                severity="warning",
                expected=one_of(list(known)),
                suggestion=close,
                replaced=rewritten(routes.span(*place), quoted(f"'{close}'"))
                if close and text == f"'{value}'"
                else None,
            )


def _constants(text: str) -> tuple[object, ...]:
    """Return the values of an expression that can have a few only; none where they are not known."""
    if is_jinja(text):
        return ()
    try:
        return values_of(Emitter(UNCHECKED, functions=FUNCTIONS).expression(text).type) or ()
    except ExpressionError:
        return ()
