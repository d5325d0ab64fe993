"""Where a project holds expressions, and what each of them sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.functions import FUNCTIONS, Library
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.routing.legs import kind_of_route
from syncflow.compiler.single_expressions import Expression, ExpressionError, compile_expression
from syncflow.compiler.types.declared import from_schema
from syncflow.compiler.types.json import (
    ANY,
    LOWER_CASE,
    NULL,
    NUMBER,
    TEXT,
    UPPER_CASE,
    Boolean,
    Integer,
    Number,
    Object,
    Text,
    Type,
    accepts,
    closed_object,
    members,
    union,
)
from syncflow.compiler.types.narrowing import values_of, without_null
from syncflow.compiler.values import text_of
from syncflow.config.documents import Document
from syncflow.config.models.mapping import Constant, MappingFile, OwnKey, Recipe, expression_path
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project

if TYPE_CHECKING:
    from syncflow.config.models.handshakes import WebhookHandshake

Use = Literal["value", "rule", "foreign"]
"""value: gives a value · rule: is true or false, or is looked up · foreign: reads an event of another shape."""


class Place(NamedTuple):
    """An expression in a file. ``kind`` is the kind of record it reads, empty where it may be any."""

    document: Document[Any]
    path: tuple[str | int, ...]
    text: str
    kind: str
    use: Use = "value"
    is_inner: bool = False
    """Whether it is evaluated once the event has passed its door: then it may call the project's own functions."""

    def functions(self, project: Project) -> Library:
        """Return what it may call."""
        return library_of(project) if self.is_inner else FUNCTIONS


def expressions_of(project: Project) -> Iterator[Place]:
    """Yield every expression of a project but those of adapters, which see other things."""
    routes = project.routes
    for at, envelope in routes.model.envelopes.items():
        for name in ("each", "record", "operation", "timestamp", "item", "id", "unchanged"):
            text = getattr(envelope, name)
            if text is not None and name in envelope.model_fields_set:
                yield Place(routes, (*at, name), text, "", "foreign")
    for at, source in routes.model.all_sources.items():
        if source.webhook is not None and source.webhook.handshake is not None:
            yield from _of_handshake(routes, source.webhook.handshake, (*at, "webhook", "handshake"))
    for kind, record in routes.model.records.items():
        yield Place(routes, ("records", kind, "id"), record.id, kind)
    for index, rule in enumerate(routes.model.ignore):
        yield Place(routes, ("ignore", index), rule, "", "rule")
    for index, route in enumerate(routes.model.routes):
        kind = kind_of_route(project, route)
        for name, text in (("when", route.when), ("by", route.by)):
            if text is not None:
                yield Place(routes, ("routes", index, name), text, kind, "rule", is_inner=True)
        for other, after in route.after.items():
            yield Place(routes, ("routes", index, "after", other, "id"), after.id, kind, is_inner=True)
    for mapping in project.mappings.values():
        yield from _of_mapping(mapping)


def _of_handshake(routes: Document[RoutesFile], handshake: WebhookHandshake, at: tuple[str, ...]) -> Iterator[Place]:
    if handshake.preset is not None:
        return
    for name in ("when", "answer", "token_at"):
        text = getattr(handshake, name)
        if text is not None:
            yield Place(routes, (*at, name), text, "", "foreign")
    for name, text in handshake.answer_headers.items():
        yield Place(routes, (*at, "answer_headers", name), text, "", "foreign")


def _of_mapping(mapping: Document[MappingFile]) -> Iterator[Place]:
    for name, form in mapping.model.fields.items():
        if isinstance(form, Recipe):
            yield Place(mapping, expression_path(name, form), form.source, mapping.model.source, is_inner=True)
        elif not isinstance(form, Constant):
            yield Place(mapping, ("fields", name), form, mapping.model.source, is_inner=True)
    if isinstance(mapping.model.key, OwnKey):
        yield Place(mapping, ("key", "value"), mapping.model.key.value, mapping.model.source, is_inner=True)


def compiled(project: Project, text: str) -> Expression | None:
    """Return a compiled expression, or None where it is wrong (which another check says)."""
    try:
        return compile_expression(text, functions=library_of(project))
    except ExpressionError:
        return None


def root_type(project: Project, kind: str) -> Type:
    """Return the type of what expressions see of an event of this kind; of any kind where it is empty."""
    document = project.schemas.get(kind)
    item = ANY if document is None else from_schema(document.model)
    return closed_object(
        record=TEXT,
        operation=Text(values=frozenset({"create", "update", "delete"})),
        timestamp=union(TEXT, NUMBER, NULL),
        item=item,
    )


def plain_path(project: Project, text: str) -> tuple[str, ...] | None:
    """Return the names of an expression that is nothing but a path, such as ``item.type`` or ``item."Customer No"``."""
    try:
        return None if is_jinja(text) else parse(text, library_of(project)).path or None
    except ExpressionError:
        return None  # which another check says


def at_path(kind: Type, names: tuple[str, ...]) -> Type | None:
    """Return the type at a path through objects, None where it cannot be told."""
    for name in names:
        inner = [member.property(name) for member in members(kind) if isinstance(member, Object)]
        if not inner:
            return None
        kind = union(*inner)
    return kind


def listed_values(project: Project, kind: str, text: str) -> frozenset[str] | None:
    """Return the complete list of texts that a plain path can give, None where there is no list."""
    names = plain_path(project, text)
    found = None if names is None else at_path(root_type(project, kind), names)
    return None if found is None else texts_of(found) or None


def texts_of(kind: Type) -> frozenset[str] | None:
    """Return the texts by which a table knows the values of a type, null aside; None where they are not all known, or one
    has no text."""
    values = values_of(without_null(kind))
    texts = None if values is None else [text_of(value) for value in values]
    return None if texts is None or None in texts else frozenset(text for text in texts if text is not None)


def may_be_written(kind: Type, text: str) -> bool:
    """Whether a value of a type may be the one that a table knows by a text."""
    return any(_written_as(member, text) for member in members(without_null(kind)))


def is_only_cased(kind: Type) -> bool:
    """Whether a type is text of which nothing is known but that a function has made its letters small, or large."""
    kept, cased = members(without_null(kind)), (LOWER_CASE, UPPER_CASE)
    return bool(kept) and all(isinstance(member, Text) and member.pattern in cased for member in kept)


def _written_as(kind: Type, text: str) -> bool:
    match kind:
        case Text():
            return accepts(kind, text)
        case Boolean():
            return text in {"true", "false"} and accepts(kind, text == "true")
        case Integer() | Number():
            number = _number(text)
            return number is not None and accepts(kind, number)
    return True


def _number(text: str) -> float | int | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def object_fields(project: Project, mapping: Document[MappingFile]) -> tuple[dict[str, ObjectField], bool] | None:
    """Return the fields of a mapping's target, and whether it takes others; None where the target is unknown."""
    adapter, _, name = mapping.model.target.partition("/")
    merged = project.objects.get((adapter, name))
    return None if merged is None else (merged.model.fields, merged.model.open)
