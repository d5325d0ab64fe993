"""Checks of ``ignore:``: rules that take every event, and words in them that are nearly those which events have.

A rule may well name what no schema knows: kinds, operations and values that are there to be ignored. So only a word that is nearly a
known one is reported, and what the envelope never lets through.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syncflow.compiler.checks.expressions import leads_nowhere
from syncflow.compiler.checks.inference import diagnostic_of
from syncflow.compiler.checks.one_answer import always, emitted_of, is_constant
from syncflow.compiler.checks.places import at_path, root_type, texts_of
from syncflow.compiler.expressions import nodes
from syncflow.compiler.expressions.nodes import walk
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.languages.base import ExpressionError, Read, is_jinja
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.types.json import ANY, Object, Type, members
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten_part

_NEARLY = 0.84
"""How alike two words are of which one is surely a slip: `contact` and `contacts`, `created` and `create`."""
_NEARLY_A_NAME = 0.75
"""The same of the names of a record's properties, of which there are few: `tpye` and `type`."""
_SHORTEST_NAME = 4
_CHANGES = ("create", "update", "delete")


def check_ignoring(project: Project) -> Iterator[Diagnostic]:
    """Yield what is wrong with the rules that put events aside."""
    rules = project.routes.model.ignore
    for index, rule in enumerate(rules):
        if is_jinja(rule):
            continue  # which another check says
        yield from _ignoring(project, index, rule)
        if rule.strip() in [other.strip() for other in rules[:index]]:
            message = "this changes nothing: the same rule stands above"
            place = ("ignore", index)
            yield project.routes.report("SF518", message, *place, severity="warning", hint="take it out")


def _ignoring(project: Project, index: int, rule: str) -> Iterator[Diagnostic]:
    misspelt = list(_misspelt_words(project, index, rule))
    yield from misspelt
    if misspelt or is_constant(rule, true=False):
        return
    place, settings = ("ignore", index), project.routes.model
    root = _before_the_door("")
    emitted = emitted_of(rule, root, FUNCTIONS)
    if emitted is None or any(leads_nowhere(root, read) for read in emitted.reads):
        return  # which another check says
    found = [
        *(diagnostic_of(project.routes, place, finding) for finding in emitted.findings),
        *_misspelt_paths(project, index, rule, emitted.reads),
    ]
    yield from found
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


# -- words -------------------------------------------------------------------------------------------------------------------


class _Known(NamedTuple):
    """The words that a path can have, and what the envelope makes of others before any rule sees them."""

    words: tuple[str, ...]
    renamed: dict[str, str]

    def meant_by(self, word: str) -> str:
        """Return the word that another one is surely a slip of; empty where there is none."""
        if word in self.renamed:
            return self.renamed[word]
        folded = {name.casefold(): name for name in self.words}
        close = difflib.get_close_matches(word.casefold().strip(), folded, n=1, cutoff=_NEARLY)
        return folded[close[0]] if close and word not in self.words else ""


def _misspelt_words(project: Project, index: int, rule: str) -> Iterator[Diagnostic]:
    """Yield comparisons with a word that is nearly one of those which events have at that place."""
    try:
        tree = parse(rule, FUNCTIONS)
    except ExpressionError:
        return
    for node in walk(tree):
        if isinstance(node, nodes.Comparison):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                path = one.path
                if path and isinstance(other, nodes.Constant) and isinstance(other.value, str):
                    everything = node is tree and node.operator == "!=" and path == ("record",)
                    yield from _misspelt(project, index, other, _known(project, path), everything=everything)


def _known(project: Project, path: tuple[str, ...]) -> _Known:
    settings = project.routes.model
    if path == ("record",):
        return _Known(tuple(settings.records), {})
    if path == ("operation",):
        said = {word: change for each in settings.envelopes.values() for word, change in each.operations.items()}
        return _Known(_CHANGES, {word: change for word, change in said.items() if word != change})
    found = [at_path(root_type(project, kind), path) for kind in project.schemas]
    listed = [texts_of(kind) for kind in found if kind is not None and kind != ANY]
    return _Known(tuple(sorted({word for words in listed for word in words or ()})) if None not in listed else (), {})


def _misspelt(
    project: Project, index: int, word: nodes.Constant, known: _Known, *, everything: bool
) -> Iterator[Diagnostic]:
    value = str(word.value)
    close = known.meant_by(value)
    if value in known.words or not (close or everything):
        return
    span = project.routes.span("ignore", index)
    yield Diagnostic(
        "SF404",
        span.at(word.offset, word.length),
        f"no event says `{value}` here{', for the envelope makes another word of it' if value in known.renamed else ''}"
        + (", so this rule ignores every event" if everything else ""),
        severity="warning",
        expected=one_of(known.words),
        suggestion=close,
        path=f"ignore[{index}]",
        replaced=rewritten_part(span, word.offset, word.length, f"'{close}'") if close else None,
    )


# -- paths -------------------------------------------------------------------------------------------------------------------


def _misspelt_paths(project: Project, index: int, rule: str, reads: Sequence[Read]) -> Iterator[Diagnostic]:
    """Yield paths that no schema knows, and that are nearly one which a schema knows."""
    roots, span = [root_type(project, kind) for kind in project.schemas], project.routes.span("ignore", index)
    for read in reads:
        slip = _first_unknown(roots, read)
        name = str(read.steps[-1])
        close = slip.meant_by(name) if slip is not None and slip.number == len(read.steps) - 1 else ""
        if slip is None or not close or not rule.startswith(name, read.offset):
            continue
        yield Diagnostic(
            "SF304",
            span.at(read.offset, len(name)),
            f"no schema has `{'.'.join(str(step) for step in read.steps)}`",
            severity="warning",
            expected=one_of(slip.words),
            suggestion=close,
            path=f"ignore[{index}]",
            replaced=rewritten_part(span, read.offset, len(name), close),
        )


class _Unknown(NamedTuple):
    """A step of a path that no schema knows, and those that they know there."""

    number: int
    words: tuple[str, ...]

    def meant_by(self, word: str) -> str:
        return did_you_mean(word, self.words, least=_NEARLY_A_NAME) if len(word) >= _SHORTEST_NAME else ""


def _first_unknown(roots: Sequence[Type], read: Read) -> _Unknown | None:
    kinds = list(roots)
    for number, step in enumerate(read.steps):
        objects = [member for kind in kinds for member in members(kind) if isinstance(member, Object)]
        known = sorted({name for entry in objects for name, _ in entry.properties})
        if not isinstance(step, str) or not known:
            return None
        if step not in known:
            return _Unknown(number, tuple(known))
        kinds = [entry.property(step) for entry in objects if step in dict(entry.properties)]
    return None
