"""Checks of rules by the values that events can have: a rule that is never true, or always, and kinds of record that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from syncflow.compiler.checks.expressions import leads_nowhere
from syncflow.compiler.checks.inference import diagnostic_of
from syncflow.compiler.code import nodes
from syncflow.compiler.code.emitter import Emitted, Emitter
from syncflow.compiler.code.guards import path_of
from syncflow.compiler.code.parse import parse, walk
from syncflow.compiler.code.scopes import narrowed_by, root_of
from syncflow.compiler.code.truth import when_false, when_true
from syncflow.compiler.functions import FUNCTIONS, Library
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError, is_jinja
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import NEVER, Type
from syncflow.config.diagnostics import Diagnostic, one_of
from syncflow.config.models.routes import RouteSettings
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten_part

_NEARLY = 0.84
"""How alike two words are of which one is surely a slip: `contact` and `contacts`, `created` and `create`."""


def check_rules(project: Project) -> Iterator[Diagnostic]:
    """Yield the rules of routes, and those that ignore events, that have one answer only."""
    for index, route in enumerate(project.routes.model.routes):
        kind = kind_of_route(project, route)
        if route.when is not None and kind in project.schemas:
            root = root_of(kind, project.schemas[kind].model, with_deletes=True)
            yield from _of_route(project, index, route, root)
    for index, rule in enumerate(project.routes.model.ignore):
        if not is_jinja(rule):
            yield from _ignoring(project, index, rule)


def _of_route(project: Project, index: int, route: RouteSettings, root: Type) -> Iterator[Diagnostic]:
    if route.when is None or is_jinja(route.when) or is_constant(route.when, true=True):
        return
    place, functions = ("routes", index, "when"), library_of(project)
    if always(route.when, root, functions, answer=False):
        message = "this rule is never true, so the route takes no event"
        hint = "correct the rule, or take the route out"
        yield project.routes.report("SF414", message, *place, severity="warning", hint=hint)
    elif always(route.when, root, functions, answer=True):
        message = "this rule is always true, so the route takes every event"
        hint = "correct the rule, or take `when` out"
        yield project.routes.report("SF418", message, *place, severity="warning", hint=hint)


def _ignoring(project: Project, index: int, rule: str) -> Iterator[Diagnostic]:
    place, settings = ("ignore", index), project.routes.model
    misspelt = list(_misspelt_words(project, index, rule))
    yield from misspelt
    if misspelt or is_constant(rule, true=False):
        return
    root = root_of("", None, with_deletes=True, any_operation=True)
    emitted = _emitted(rule, root, FUNCTIONS)
    if emitted is None or any(leads_nowhere(root, read) for read in emitted.reads):
        return  # which another check says
    found = list(emitted.findings)
    yield from (diagnostic_of(project.routes, place, finding) for finding in found)
    ignored = [kind for kind in settings.records if always(rule, _before_the_door(kind), FUNCTIONS, answer=True)]
    routed = {kind_of_route(project, route) for route in settings.routes}
    if found or not routed.intersection(ignored):
        return
    words = "every event" if len(ignored) == len(settings.records) else f"every event of {', '.join(ignored)}"
    yield project.routes.report(
        "SF419",
        f"this rule ignores {words}",
        *place,
        severity="warning",
        hint="correct the rule, or take it out; an event that is ignored is read and goes nowhere",
    )


def _before_the_door(kind: str) -> Type:
    return root_of(kind, None, with_deletes=True, any_operation=True)


def _misspelt_words(project: Project, index: int, rule: str) -> Iterator[Diagnostic]:
    """Yield comparisons of ``record`` or ``operation`` with a word that is nearly one that they have."""
    try:
        tree = parse(rule, FUNCTIONS)
    except ExpressionError:
        return
    settings = project.routes.model
    known = {
        "record": list(settings.records),
        "operation": [
            "create",
            "update",
            "delete",
            *(word for envelope in settings.envelopes.values() for word in envelope.operations),
        ],
    }
    for node in walk(tree):
        if isinstance(node, nodes.Comparison):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                name = (path_of(one) or ("",))[0]
                if path_of(one) == (name,) and name in known and isinstance(other, nodes.Constant):
                    everything = node is tree and node.operator == "!=" and name == "record"
                    yield from _misspelt(project, index, other, known[name], everything=everything)


def _misspelt(
    project: Project, index: int, word: nodes.Constant, known: list[str], *, everything: bool
) -> Iterator[Diagnostic]:
    value = word.value if isinstance(word.value, str) else ""
    close = difflib.get_close_matches(value, known, n=1, cutoff=_NEARLY)
    if value in known or not (close or everything):
        return
    span = project.routes.span("ignore", index)
    yield Diagnostic(
        "SF404",
        span.at(word.offset, word.length),
        f"no event says `{value}` here" + (", so this rule ignores every event" if everything else ""),
        severity="warning",
        expected=one_of(known),
        suggestion=close[0] if close else "",
        path=f"ignore[{index}]",
        replaced=rewritten_part(span, word.offset, word.length, f"'{close[0]}'") if close else None,
    )


def always(text: str, root: Type, functions: Library, *, answer: bool) -> bool:
    """Whether a rule has this answer for every event of a type, and nothing in it is worth a finding of its own."""
    emitted = _emitted(text, root, functions)
    if emitted is None or emitted.findings:
        return False
    others = when_false(emitted.type) if answer else when_true(emitted.type)
    return others == NEVER or narrowed_by(text, root, functions, holds=not answer) == NEVER


def is_constant(text: str, *, true: bool) -> bool:
    """Whether a rule is written as the constant true or false: then that is meant."""
    return text.strip() == ("`true`" if true else "`false`")


def _emitted(text: str, root: Type, functions: Library) -> Emitted | None:
    try:
        return Emitter(root, functions=functions).expression(text)
    except ExpressionError:
        return None
