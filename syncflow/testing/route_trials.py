"""The tests of routes: events through the whole program, one after another, up to the requests that would be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from syncflow.adapters.rendering import rendered
from syncflow.compiler.functions.ambient import surrounded_by
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.origins import evaluate
from syncflow.compiler.program import Program
from syncflow.compiler.routing.legs import WrittenRoute, written_routes
from syncflow.compiler.values import text_of
from syncflow.config.diagnostics import one_of
from syncflow.config.models.trials import ErrorExpectation, RouteExpectation, RouteTest
from syncflow.config.project import Project
from syncflow.errors import DataError
from syncflow.events import Delivery, Event, Json, Raw, Routed
from syncflow.runtime.preview.samples import Rehearsal, rehearse_in_turn
from syncflow.testing.compare import NOTHING, Mismatch, compare
from syncflow.testing.coverage import Mark, entry_mark, field_mark, route_mark
from syncflow.testing.event_inputs import ambient, completed, moment, raw
from syncflow.testing.expectations import Asked, Letter, check_error, check_requests
from syncflow.testing.mapping_trials import entries_of
from syncflow.testing.slips import meant, slips_of_event, unknown_fields


class RouteTrials:
    """Runs the tests of a project's routes. Events pass the envelope, the rules and the door as in a run."""

    def __init__(self, project: Project, program: Program) -> None:
        self._project = project
        self._program = program
        self._routes = written_routes(project)
        self._fields = {
            name: list(route.mappings[system].model.fields)
            for route in self._routes
            for system, name in route.legs.items()
        }

    def trial(self, test: RouteTest, index: int | None = None) -> Callable[[set[Mark]], Iterator[Mismatch]]:
        """Return what runs a test; ``index`` is the route that it stands at, None for one of the whole file."""
        kinds = [route.kind for route in self._routes if index in {None, route.index}]
        return lambda exercised: self._with_slips(test, kinds[0] if kinds else "", exercised)

    def _with_slips(self, test: RouteTest, kind: str, exercised: set[Mark]) -> Iterator[Mismatch]:
        found = list(self._run(test, kind, exercised))
        yield from found
        if found and self._is_usual and isinstance(test.given, dict):
            named = test.given.get("record", kind)
            if isinstance(named, str) and named in self._project.schemas:
                yield from slips_of_event(test.given, self._project.schemas[named].model)

    @property
    def _is_usual(self) -> bool:
        return not self._project.routes.model.envelope.model_fields_set - {"operations", "each"}

    def _run(self, test: RouteTest, kind: str, exercised: set[Mark]) -> Iterator[Mismatch]:
        self._check_names(test.expect)
        raws = self._raws(test, kind)
        with surrounded_by(ambient(test)):
            *before, last = rehearse_in_turn(self._program, raws, now=moment(test))
            requests = None if test.expect.requests is None else self._requests(last)
            for rehearsal in (*before, last):
                exercised.update(self._exercised(rehearsal))
        exercised.update(self._named_fields(test))
        for number, rehearsal in enumerate(before):
            yield from (_spoilt(number, letter) for letter in _letters(rehearsal))
        yield from self._compare(test, last, requests)

    def _raws(self, test: RouteTest, kind: str) -> list[Raw]:
        given: Sequence[Json] = test.given if isinstance(test.given, list) else [test.given]
        if not given:
            raise DataError("given: an event is expected, or a list of events")
        events = [completed(event, kind=kind, test=test) if self._is_usual else event for event in given]
        return [raw(event, number) for number, event in enumerate(events, 1)]

    def _check_names(self, expect: RouteExpectation) -> None:
        routes, systems = list(self._program.routes), list(self._program.systems)
        error = expect.error.route if isinstance(expect.error, ErrorExpectation) else None
        for route in (*(expect.routes or ()), *expect.operations, *expect.payloads, *filter(None, (error,))):
            if route not in routes:
                raise DataError(f"expect: there is no route {route}; expected {one_of(routes)}{meant(route, routes)}")
        for request in expect.requests or ():
            if request.system is not None and request.system not in systems:
                words = (
                    f"there is no system {request.system}; expected {one_of(systems)}{meant(request.system, systems)}"
                )
                raise DataError(f"expect: {words}")

    def _requests(self, rehearsal: Rehearsal) -> list[Asked]:
        systems = self._program.systems
        return [
            Asked(batch.system, request)
            for batch in rehearsal.batches
            for request in rendered(systems[batch.system], batch)
        ]

    def _compare(self, test: RouteTest, last: Rehearsal, requests: Sequence[Asked] | None) -> Iterator[Mismatch]:
        expect, sent = test.expect, _sent(last)
        yield from check_error(expect.error, _letters(last), _became(last))
        if expect.ignored and last.events[0].event.state != "ignored":
            yield Mismatch(("ignored",), "an event that is ignored", _became(last))
        if expect.routes is not None and sorted(expect.routes) != sorted(sent):
            yield Mismatch(("routes",), _listed(expect.routes), _listed(sent))
        yield from self._compare_deliveries(test, sent)
        if expect.requests is not None:
            yield from check_requests(expect.requests, requests or (), exactly=test.exactly)

    def _compare_deliveries(self, test: RouteTest, sent: dict[str, Delivery]) -> Iterator[Mismatch]:
        expect = test.expect
        for route, operation in expect.operations.items():
            found = sent[route].operation if route in sent else NOTHING
            if found != operation:
                yield Mismatch(("operations", route), operation, found)
        for route, payload in expect.payloads.items():
            if route in sent:
                path = ("payloads", route)
                unknown = (
                    list(unknown_fields(payload, self._fields[route], path=path)) if isinstance(payload, dict) else []
                )
                yield from unknown
                strange = {mismatch.path[-1] for mismatch in unknown}
                known = {name: value for name, value in payload.items() if name not in strange} if strange else payload
                yield from compare(known, sent[route].payload, exactly=test.exactly, path=path)
            else:
                yield Mismatch(("payloads", route), "a payload", NOTHING)

    def _exercised(self, rehearsal: Rehearsal) -> Iterator[Mark]:
        yield from (route_mark(name) for name in _sent(rehearsal))
        fate = rehearsal.events[0].fate
        if isinstance(fate, Routed):
            taken = {match.route for match in fate.matches}
            for route in self._routes:
                yield from _entries(self._project, route, fate.accepted.event, taken)

    def _named_fields(self, test: RouteTest) -> Iterator[Mark]:
        for route in self._routes:
            for system, name in route.legs.items():
                payload = test.expect.payloads.get(name)
                for field in payload if isinstance(payload, dict) else ():
                    yield field_mark(route.mappings[system], field)


def _entries(project: Project, route: WrittenRoute, event: Event, taken: set[str]) -> Iterator[Mark]:
    """Yield the entries of a route's table, and of its mappings' tables, that an event is looked up in."""
    functions = library_of(project)
    legs = [system for system, name in route.legs.items() if name in taken]
    if legs and route.settings.by is not None:
        entry = text_of(evaluate(route.settings.by, event.root, functions=functions).value)
        yield entry_mark(project.routes.name, route.name, entry if entry in route.settings.table else None)
    for system in legs if event.change != "delete" else ():
        yield from entries_of(route.mappings[system], event, functions=functions)


def _sent(rehearsal: Rehearsal) -> dict[str, Delivery]:
    """Return the deliveries that would be sent, by route."""
    return {
        delivery.route: delivery
        for event in rehearsal.events
        for delivery in event.deliveries
        if delivery.id not in rehearsal.superseded
    }


def _letters(rehearsal: Rehearsal) -> list[Letter]:
    return [
        Letter(letter.stage, letter.code, letter.reason, letter.route)
        for event in rehearsal.events
        for letter in event.dead_letters
    ]


def _became(rehearsal: Rehearsal) -> str:
    """Say what became of the event."""
    event, sent = rehearsal.events[0].event, _sent(rehearsal)
    if event.state == "routed":
        return f"it was routed to {_listed(list(sent))}" if sent else "it is older than what was sent before"
    return {"ignored": f"it was ignored ({event.note})", "duplicate": "it repeats an event"}.get(
        event.state, "it is dead"
    )


def _spoilt(number: int, letter: Letter) -> Mismatch:
    return Mismatch((), f"event {number + 1} of given to be delivered", letter.words)


def _listed(routes: Sequence[str] | dict[str, Delivery]) -> str:
    return ", ".join(sorted(routes)) or "none"
