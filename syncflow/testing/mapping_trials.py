"""The tests of a mapping: an event through the door and the mapping, whatever the routes say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from pydantic import ValidationError

from syncflow.compiler.build import doors, transform_of
from syncflow.compiler.door.intake import compile_intake
from syncflow.compiler.functions import Library
from syncflow.compiler.functions.ambient import surrounded_by
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.mapping.transform import Transform
from syncflow.compiler.origins import origins
from syncflow.compiler.routing.router import payload_of
from syncflow.compiler.values import Fault
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import Envelope
from syncflow.config.models.trials import ErrorExpectation, MappingTest
from syncflow.config.project import Project
from syncflow.errors import DataError
from syncflow.events import Event, Ignored, Item, Json, Refused
from syncflow.testing.compare import Mismatch, compare
from syncflow.testing.coverage import Mark, entry_mark, field_mark
from syncflow.testing.event_inputs import ambient, completed, raw
from syncflow.testing.expectations import Letter, check_error, check_unreadable
from syncflow.testing.slips import slips_of_event, unknown_fields

_Mapping = Document[MappingFile]


class MappingTrials:
    """Runs the tests of a project's mappings. Events are written in the usual envelope, and no rule ignores them."""

    def __init__(self, project: Project) -> None:
        settings = project.routes.model.model_copy(update={"envelope": Envelope(), "sources": {}, "ignore": ()})
        self._functions = library_of(project)
        self._schemas = project.schemas
        self._check = compile_intake(settings, doors(project))
        self._transform = cache(lambda path: transform_of(project, project.mappings[path].model))

    def trial(self, document: _Mapping, test: MappingTest) -> Callable[[set[Mark]], Iterator[Mismatch]]:
        """Return what runs a test."""
        return lambda exercised: self._with_slips(document, test, exercised)

    def _with_slips(self, document: _Mapping, test: MappingTest, exercised: set[Mark]) -> Iterator[Mismatch]:
        found = list(self._run(document, test, exercised))
        yield from found
        if found:
            yield from slips_of_event(test.given, self._schemas[document.model.source].model)

    def _run(self, document: _Mapping, test: MappingTest, exercised: set[Mark]) -> Iterator[Mismatch]:
        transform = self._transform(document.path)
        with surrounded_by(ambient(test)):
            event = self._event(document, test)
            came = event if isinstance(event, Letter) else _made(transform, event)
        if isinstance(event, Event):
            with surrounded_by(ambient(test)):  # from the start again: to look must not take ids from what is tested
                exercised.update(entries_of(document, event, functions=self._functions))
        error = _expected_error(document, test)
        if error is not None or isinstance(came, Letter):
            yield from check_error(error, [came] if isinstance(came, Letter) else [], "a payload")
            return
        unknown = list(unknown_fields(_expected_fields(test), document.model.fields))
        yield from unknown
        strange = {mismatch.path[0] for mismatch in unknown}
        expected = {name: value for name, value in _expected_fields(test).items() if name not in strange}
        exercised.update(field_mark(document, name) for name in (came if test.exactly else expected))
        told = {
            name: said
            for name, value in expected.items()
            if (said := _says_unreadable(value, came.get(name))) is not None
        }
        if told:
            assert isinstance(event, Event)
            with surrounded_by(ambient(test)):
                met = {} if transform.unread is None else transform.unread.met(event.root)
            yield from check_unreadable(told, came, met)
        rest = {name: value for name, value in expected.items() if name not in told}
        yield from compare(
            rest, {name: value for name, value in came.items() if name not in told}, exactly=test.exactly
        )

    def _event(self, document: _Mapping, test: MappingTest) -> Event | Letter:
        checked = self._check(raw(completed(test.given, kind=document.model.source, test=test), 1))
        if isinstance(checked, Refused):
            return Letter(checked.stage, checked.code, checked.reason)
        assert not isinstance(checked, Ignored)  # there are no rules
        if checked.event.record.kind != document.model.source:
            raise DataError(f"given: this mapping reads {document.model.source}, not {checked.event.record.kind}")
        return checked.event


def _made(transform: Transform, event: Event) -> Item | Letter:
    if event.change == "delete":
        return {}
    try:
        return payload_of(transform, event, transform.key(event.root))
    except Fault as fault:
        return Letter(fault.stage, fault.code, fault.reason)


def entries_of(document: _Mapping, event: Event, *, functions: Library) -> Iterator[Mark]:
    """Yield the entries of a mapping's tables that an event is looked up in."""
    for origin in origins(document.model, event.root, functions=functions):
        if origin.how == "table":
            yield entry_mark(document.name, origin.field, origin.entry)
        elif origin.how == "default":
            yield entry_mark(document.name, origin.field, None)


def _says_unreadable(expected: Json, found: Json) -> bool | None:
    """Return what ``{unreadable: …}`` says of a field; None where a value is expected, which may be an object with that name."""
    if not isinstance(expected, dict) or set(expected) != {"unreadable"} or isinstance(found, dict):
        return None
    said = expected["unreadable"]
    return said if isinstance(said, bool) else None


def _expected_fields(test: MappingTest) -> dict[str, Json]:
    if not isinstance(test.expect, dict):
        raise DataError("expect: fields of the payload are expected, or {error: CODE}")
    return test.expect


def _expected_error(document: _Mapping, test: MappingTest) -> str | ErrorExpectation | None:
    """``{error: …}`` means a dead letter, unless the mapping has a field of that name."""
    expected = _expected_fields(test)
    if set(expected) != {"error"} or "error" in document.model.fields:
        return None
    error = expected["error"]
    try:
        return error if isinstance(error, str) else ErrorExpectation.model_validate(error)
    except ValidationError:
        raise DataError("expect.error: a code is expected, or some of {stage, code, reason}") from None
