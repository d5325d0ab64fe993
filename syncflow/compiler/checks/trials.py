"""Checks of ``tests:``: examples that can never pass, because they name what is not there or give what the door refuses.

``syncflow test`` runs them; what is decidable without that is said while the files are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from syncflow.compiler.door.timestamps import compile_clock
from syncflow.compiler.expressions import Emitter
from syncflow.compiler.expressions.scopes import root_of
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError
from syncflow.compiler.mapping.transform import emit_field
from syncflow.compiler.routing.legs import written_routes
from syncflow.compiler.types.declared import from_schema
from syncflow.compiler.types.json import ANY, MISSING, Array, Object, Text, Type, accepts, may_be_absent, members
from syncflow.compiler.types.narrowing import values_of, without_absent, without_null
from syncflow.compiler.types.words import describe
from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.trials import ErrorExpectation, MappingTest, RouteTest, Surroundings
from syncflow.config.project import Project
from syncflow.events import Json

_CHANGES = ("create", "update", "delete")
_EVENT = ("record", "operation", "timestamp", "item")
_Path = tuple[str | int, ...]


class _At(NamedTuple):
    """A test: its file and its place there."""

    document: Document[Any]
    path: _Path

    def report(self, message: str, *path: str | int, at_key: bool = False, **words: str) -> Diagnostic:
        return self.document.report("SF360", message, *self.path, *path, at_key=at_key, severity="warning", **words)


def check_trials(project: Project) -> Iterator[Diagnostic]:
    """Yield what keeps a test of a mapping or a route from ever passing."""
    for mapping in project.mappings.values():
        for number, test in enumerate(mapping.model.tests):
            yield from _of_mapping(project, _At(mapping, ("tests", number)), mapping.model, test)
    routes = project.routes.model
    for index, route in enumerate(routes.routes):
        for number, example in enumerate(route.tests):
            yield from _of_route(project, _At(project.routes, ("routes", index, "tests", number)), example, index)
    for number, example in enumerate(routes.tests):
        yield from _of_route(project, _At(project.routes, ("tests", number)), example, None)


def _of_mapping(project: Project, at: _At, mapping: MappingFile, test: MappingTest) -> Iterator[Diagnostic]:
    yield from _of_time(at, test)
    if not isinstance(test.expect, dict):
        yield at.report("a test of a mapping expects fields of the payload, or {error: CODE}", "expect")
        return
    is_error = set(test.expect) == {"error"} and "error" not in mapping.fields
    yield from _of_event(project, at, ("given",), test.given, mapping.source, fits=not is_error)
    if is_error:
        return
    for name, value in test.expect.items():
        if name not in mapping.fields:
            yield _unknown(at, ("expect", name), name, list(mapping.fields), "the mapping makes no field")
        elif _is_number(value) and _is_text(project, mapping, name):
            yield at.report(f"`{name}` is text, never a number", "expect", name, hint=f'put it in quotes: "{value}"')
        elif isinstance(value, str) and (known := _texts(project, mapping, name)) and value not in known:
            yield at.report(
                f"`{name}` is never {value!r}",
                *("expect", name),
                expected=one_of(known),
                suggestion=did_you_mean(value, known),
            )


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(project: Project, mapping: MappingFile, name: str) -> bool:
    made = members(without_null(_type_of(project, mapping, name)))
    return bool(made) and all(isinstance(member, Text) for member in made)


def _texts(project: Project, mapping: MappingFile, name: str) -> list[str]:
    """Return every text that a field can have, where all are known."""
    return sorted(value for value in values_of(_type_of(project, mapping, name)) or () if isinstance(value, str))


def _type_of(project: Project, mapping: MappingFile, name: str) -> Type:
    """Return the type of what a field is made of; any where it is wrong, which another check says."""
    root = root_of(mapping.source, project.schemas[mapping.source].model)
    try:
        return emit_field(Emitter(root, functions=library_of(project)), name, mapping.fields[name]).type
    except ExpressionError:
        return ANY


def _of_route(project: Project, at: _At, test: RouteTest, index: int | None) -> Iterator[Diagnostic]:
    yield from _of_time(at, test)
    routes = written_routes(project)
    legs = {name: route.mappings[system].model for route in routes for system, name in route.legs.items()}
    expect = test.expect
    error = expect.error.route if isinstance(expect.error, ErrorExpectation) else None
    named: list[tuple[_Path, str]] = [(("routes", number), name) for number, name in enumerate(expect.routes or ())]
    named += [((word, name), name) for word in ("operations", "payloads") for name in getattr(expect, word)]
    named += [(("error", "route"), error)] if error is not None else []
    for path, name in named:
        if name not in legs:
            yield _unknown(
                at,
                ("expect", *path),
                name,
                list(legs),
                "there is no route",
                at_key=path[0] in ("operations", "payloads"),
            )
    for name, payload in expect.payloads.items():
        for field in payload if isinstance(payload, dict) and name in legs else ():
            if field not in legs[name].fields:
                yield _unknown(
                    at,
                    ("expect", "payloads", name, field),
                    field,
                    list(legs[name].fields),
                    "the mapping makes no field",
                )
    for number, request in enumerate(expect.requests or ()):
        if request.system is not None and request.system not in project.routes.model.systems:
            place = ("expect", "requests", number, "system")
            yield _unknown(
                at, place, request.system, list(project.routes.model.systems), "there is no system", at_key=False
            )
    yield from _contradiction(at, test)
    if _is_usual(project):
        kinds = [route.kind for route in routes if index in {None, route.index}]
        events = test.given if isinstance(test.given, list) else [test.given]
        for number, event in enumerate(events):
            at_event: _Path = ("given", number) if isinstance(test.given, list) else ("given",)
            is_last = number == len(events) - 1
            fits = not is_last or (expect.error is None and not expect.ignored)
            yield from _of_event(project, at, at_event, event, kinds[0] if kinds else "", fits=fits)


def _is_usual(project: Project) -> bool:
    settings = project.routes.model
    return not settings.sources and not settings.envelope.model_fields_set - {"operations"}


def _contradiction(at: _At, test: RouteTest) -> Iterator[Diagnostic]:
    """Yield what is expected of an event that is said to be ignored."""
    expect = test.expect
    if expect.ignored:
        for word in ("routes", "operations", "payloads", "requests", "error"):
            if getattr(expect, word):
                hint = "an event that is ignored goes nowhere"
                yield at.report("this contradicts `ignored: true`", "expect", word, at_key=True, hint=hint)


def _of_time(at: _At, test: Surroundings) -> Iterator[Diagnostic]:
    if "now" not in test.model_fields_set:
        return
    try:
        compile_clock("UTC")(test.now)
    except (ValueError, OverflowError):
        yield at.report("this is no time", "now", expected="a time such as 2026-01-01T00:00:00Z")


def _unknown(at: _At, path: _Path, name: str, known: list[str], what: str, *, at_key: bool = True) -> Diagnostic:
    return at.report(
        f"{what} `{name}`", *path, at_key=at_key, expected=one_of(known), suggestion=did_you_mean(name, known)
    )


# -- what is given -----------------------------------------------------------------------------------------------------------


def _of_event(project: Project, at: _At, path: _Path, event: Json, kind: str, *, fits: bool) -> Iterator[Diagnostic]:
    """Yield what is wrong with an event in the usual envelope; with its item only where it is meant to pass the door."""
    if not isinstance(event, dict):
        return
    for name in event:
        if name not in _EVENT and (close := did_you_mean(name, [word for word in _EVENT if word not in event])):
            yield at.report(f"an event has no `{name}`", *path, name, at_key=True, suggestion=close)
    record, operation = event.get("record", kind), event.get("operation", "create")
    if not fits:
        return
    if record not in project.schemas:
        known = list(project.schemas)
        yield at.report(
            "no such kind of record",
            *path,
            "record",
            expected=one_of(known),
            suggestion=did_you_mean(str(record), known),
        )
        return
    words = (*_CHANGES, *project.routes.model.envelope.operations)
    if operation not in words:
        close = did_you_mean(str(operation), words)
        yield at.report("no such operation", *path, "operation", expected=one_of(words), suggestion=close)
    elif operation != "delete" and "item" in event:
        yield from _of_item(project, at, (*path, "item"), event["item"], str(record))


def _of_item(project: Project, at: _At, path: _Path, item: Json, kind: str) -> Iterator[Diagnostic]:
    schema = project.schemas[kind].model
    is_partial = project.routes.model.records[kind].items == "partial"
    if schema.ref is None and schema.any_of is None:
        yield from _misfits(at, path, item, from_schema(schema), whole=not is_partial)


def _misfits(at: _At, path: _Path, value: Any, kind: Type, *, whole: bool) -> Iterator[Diagnostic]:
    """Yield the innermost values that a schema refuses, and the properties that it misses."""
    if accepts(kind, value) and whole:
        return
    objects = [member for member in members(kind) if isinstance(member, Object)]
    arrays = [member for member in members(kind) if isinstance(member, Array)]
    if isinstance(value, dict) and len(objects) == 1:
        yield from _of_object(at, path, value, objects[0], whole=whole)
    elif isinstance(value, list) and len(arrays) == 1 and accepts(Array(arrays[0].items), value) is False:
        for number, entry in enumerate(value):
            yield from _misfits(at, (*path, number), entry, arrays[0].items, whole=True)
    elif not accepts(kind, value):
        yield at.report("the schema refuses this value", *path, expected=describe(without_absent(kind)))


def _of_object(at: _At, path: _Path, value: dict[str, Any], kind: Object, *, whole: bool) -> Iterator[Diagnostic]:
    known = [name for name, _ in kind.properties]
    for name, entry in value.items():
        of = kind.property(name)
        if name not in known and not accepts(of, entry):
            close = did_you_mean(name, [free for free in known if free not in value])
            message = f"the schema has no `{name}`"
            yield at.report(message, *path, name, at_key=True, expected=one_of(known), suggestion=close)
        else:
            yield from _misfits(at, (*path, name), entry, of, whole=True)
    for name, of in kind.properties if whole else ():
        if name not in value and not may_be_absent(of) and not accepts(of, MISSING):
            yield at.report(f"the schema requires `{name}`", *path, at_key=True, hint=f"add `{name}:` to the item")
