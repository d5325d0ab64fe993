"""Why an event goes where it goes: every rule, route and field of a project, with the values that decided, for one event.

In: a checked project, its program, one raw event. Out: values for a person to read. What is said to become of the event is what
the program's own ``check`` and ``route`` return; the rest is worked out beside them, from the same expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from syncflow.compiler.build import doors
from syncflow.compiler.door.envelope import compile_envelope, parse
from syncflow.compiler.door.misfits import Misfit
from syncflow.compiler.door.schema import RecordValidator
from syncflow.compiler.door.shapes import NotAnEventError
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.origins import Evaluation, Origin, evaluate, origins
from syncflow.compiler.program import Program
from syncflow.compiler.routing.legs import WrittenRoute, written_routes
from syncflow.compiler.values import Fault, is_true, text_of
from syncflow.config.project import Project
from syncflow.events import Accepted, Ignored, Json, Match, Raw, Record, Refused, Routed
from syncflow.frozen import value_class

MOST_MISFITS = 50


@value_class
class Rule:
    """A rule, what it read, and whether it holds."""

    evaluation: Evaluation
    holds: bool


@value_class
class LegStory:
    """What one way to a system made of the event: its match, or why it failed."""

    name: str
    system: str
    mapping: str
    match: Match | None
    failure: str
    fields: tuple[Origin, ...]


@value_class
class RouteStory:
    """One route, the values its rules read, and its verdict in words; ``legs`` are the ways it took."""

    name: str
    line: int
    when: Rule | None
    by: Evaluation | None
    verdict: str
    legs: tuple[LegStory, ...] = ()


@value_class
class Story:
    """All of one event. ``root`` is what expressions see, None where it could not be opened."""

    raw: Raw
    fate: Ignored | Refused | Routed
    root: Mapping[str, Json] | None = None
    ignore: tuple[Rule, ...] = ()
    misfits: Sequence[Misfit] = ()
    routes: tuple[RouteStory, ...] = field(default=())


class Narrator:
    """Explains events of one project."""

    def __init__(self, project: Project, program: Program) -> None:
        self._project = project
        self._program = program
        self._settings = project.routes.model
        self._doors: Mapping[str, RecordValidator] = doors(project)
        self._routes = written_routes(project)
        self._functions = library_of(project)

    def explain(self, raw: Raw, *, earlier: Callable[[Record], Iterable[Raw]] = lambda _: ()) -> Story:
        """Return all that decides over an event. ``earlier`` tells the events of a record before it, newest first."""
        checked = self._program.check(raw)
        fate = self._program.fate(raw, earlier(checked.event.record) if isinstance(checked, Accepted) else ())
        envelope = self._settings.envelope_of(raw.position.partition)
        try:
            opened = compile_envelope(envelope, self._settings.records)
            root = opened(parse(raw.body), raw.meta).root if not raw.broken else None
        except (Fault, NotAnEventError):
            root = None
        if root is None:
            return Story(raw, fate)
        rules = tuple(self._rule(text, root) for text in self._project.routes.model.ignore)
        routes = tuple(self._route(route, fate) for route in self._routes) if isinstance(fate, Routed) else ()
        return Story(raw, fate, root, rules, self._misfits(root), routes)

    def _misfits(self, root: Mapping[str, Json]) -> Sequence[Misfit]:
        door, item = self._doors.get(str(root["record"])), root["item"]
        if door is None or not isinstance(item, dict) or root["operation"] == "delete":
            return ()
        return door.misfits(item, most=MOST_MISFITS)

    def _route(self, route: WrittenRoute, fate: Routed) -> RouteStory:
        event, settings = fate.accepted.event, route.settings
        line = self._project.routes.span("routes", route.index).line
        if event.record.kind != route.kind:
            return RouteStory(route.name, line, None, None, f"no: it is for {route.kind}")
        when = None if settings.when is None else self._rule(settings.when, event.root)
        by = None if settings.by is None else evaluate(settings.by, event.root, functions=self._functions)
        legs = tuple(self._legs(route, fate))
        return RouteStory(route.name, line, when, by, _verdict(route, fate, when, by, legs), legs)

    def _legs(self, route: WrittenRoute, fate: Routed) -> Sequence[LegStory]:
        matches = {match.route: match for match in fate.matches}
        failures = {each.route: f"{each.reason} ({each.code})" for each in fate.failures if each.stage == "mapping"}
        return [
            self._leg(route, system, fate, matches.get(name), failures.get(name, ""))
            for system, name in route.legs.items()
            if name in matches or name in failures
        ]

    def _leg(self, route: WrittenRoute, system: str, fate: Routed, match: Match | None, failure: str) -> LegStory:
        event, mapping = fate.accepted.event, route.mappings[system]
        found = origins(mapping.model, event.root, functions=self._functions)
        sends = event.change != "delete" and (match is None or match.operation not in {None, "delete"})
        fields = tuple(origin for origin in found if sends or origin.field in mapping.model.key_names)
        return LegStory(route.legs[system], system, mapping.name, match, failure, fields)

    def _rule(self, text: str, root: Mapping[str, Json]) -> Rule:
        found = evaluate(text, root, functions=self._functions)
        return Rule(found, not found.error and is_true(found.value))


def _verdict(
    route: WrittenRoute, fate: Routed, when: Rule | None, by: Evaluation | None, legs: Sequence[LegStory]
) -> str:
    for failure in fate.failures:
        if failure.route == route.name and failure.stage == "route":
            return f"fails: {failure.reason}"
    if legs:
        return "yes"
    if when is not None and not when.holds:
        return f"no: {when.evaluation.error or 'the rule does not hold'}"
    return f"no: {by.error or f'the table does not name {_named(by.value)}'}" if by is not None else "no"


def _named(value: Json) -> str:
    text = text_of(value) if value is not None else None
    return "null" if value is None else "no text" if text is None else text
