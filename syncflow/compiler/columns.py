"""What a project wants of rows: which columns its expressions read, and of which type a column's cells are by the schema.

In: a loaded ``Project``. Out: ``Columns``, for sources whose events are rows (CSV). An expression reads ``item.email``; the envelope says
which column that is:

    item: "@"                       the column ``email``
    item: "{email: Mail}"           the column ``Mail``
    item: data                      all of it is in the column ``data``, as JSON text

Where ``item`` is anything else, or the events are taken out of the rows (``each``), nothing is known of columns.

Rows of which a source makes events itself (a query's, those of a file that is compared) are items as they are. For these ``compared`` says
which columns make a row another one: those that the schema declares or an expression reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Literal, TypeAlias

from syncflow.compiler.checks.places import Place, compiled, expressions_of, plain_path
from syncflow.compiler.expressions import nodes
from syncflow.compiler.expressions.nodes import Node
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.reads import reads_of
from syncflow.compiler.functions import FUNCTIONS
from syncflow.compiler.functions.own import library_of
from syncflow.compiler.languages.base import ExpressionError, is_jinja
from syncflow.compiler.types.alternatives import alternatives
from syncflow.config.documents import Document
from syncflow.config.models.schema import SchemaNode
from syncflow.config.models.source_passes import PassSettings
from syncflow.config.project import Project
from syncflow.frozen import value_class

CellKind: TypeAlias = Literal["text", "moment", "decimal", "integer", "number", "boolean", "array", "object"]
"""``moment``: text with a format of dates and times."""

_PARTS = ("record", "operation", "timestamp", "item", "id", "unchanged")
_MOMENTS = {"date", "date-time", "date-time-zoned", "date-time-local", "time"}


@value_class
class CellType:
    """What a cell is by the schema: how its text is read, and what an empty one is."""

    kind: CellKind = "text"
    is_nullable: bool = True
    is_required: bool = False
    takes_blank: bool = True
    """Whether the empty text fits, so that a quoted empty cell may be one."""
    element: CellType | None = None
    """The elements of an array."""


@value_class
class ColumnReader:
    """Who reads a column: an expression, as a person finds it."""

    column: str
    place: str
    """The file and the place in it: ``mappings/crm_contact.yaml:7 (Email)``."""
    is_vital: bool = False
    """Whether a row without this column is no event: its id, its kind, its operation."""


@value_class
class Columns:
    """What a project wants of rows; nothing where it is not known."""

    readers: tuple[ColumnReader, ...] = ()
    types: Mapping[str, CellType] = field(default_factory=dict)
    """By column; others are text."""
    id: str = ""
    """The column that identifies a record, where one column does, for every kind of record alike."""
    compared: tuple[str, ...] | None = None
    """The columns in which rows may differ so that it matters, sorted; None: any."""


def columns_of(project: Project, at: tuple[str, ...] = ("source",)) -> Columns:
    """Return what a project without errors wants of the rows of the source at a place of its file."""
    settings = project.routes.model.all_sources.get(at)
    rows = None if settings is None else settings.rows
    if rows is not None:
        return _columns_of_rows(project, at, rows)
    envelope = project.routes.model.envelope_of(at[-1])
    if envelope is not project.routes.model.envelope:
        routes = project.routes.model.model_copy(update={"envelope": envelope})
        project = replace(project, routes=replace(project.routes, model=routes))
    if envelope.each is not None:
        return Columns()
    if envelope.shape is not None and envelope.shape != "row":
        return Columns()
    columns = _Item() if envelope.shape else _columns_of_paths(envelope.item)
    if columns is None:
        return Columns()
    kinds = _kinds(project)
    return Columns(
        readers=tuple(dict.fromkeys(_readers(project, kinds, columns))),
        types=_types(project, kinds, columns),
        id=_id_column(project, kinds, columns),
    )


def _columns_of_rows(project: Project, at: tuple[str, ...], rows: PassSettings) -> Columns:
    """Return what is wanted of rows that are items: their kind is told by the source."""
    known = tuple(project.routes.model.records)
    kinds = (rows.record,) if rows.record in known else known
    if project.routes.model.envelope_of(at[-1]).model_fields_set:
        return Columns()
    item, own = _Item(), project.routes
    settings = (*at, project.routes.model.all_sources[at].kind)
    wanted = [(name, "key") for name in rows.key_columns]
    wanted += [(rows.timestamp, "timestamp")] if rows.timestamp is not None else []
    readers = [
        ColumnReader(name, _named(own, (*settings, setting), setting), is_vital=True) for name, setting in wanted
    ]
    readers += _readers_of_items(project, kinds, item)
    return Columns(
        readers=tuple(dict.fromkeys(readers)),
        types=_types(project, kinds, item),
        id=_id_column(project, kinds, item),
        compared=_compared(project, kinds, timestamp=rows.timestamp),
    )


def _compared(project: Project, kinds: tuple[str, ...], *, timestamp: str | None) -> tuple[str, ...] | None:
    """Return the columns that the schemas declare or an expression reads; None where one of them may see any column."""
    found: set[str] = set()
    for kind in kinds:
        schema = project.schemas[kind].model
        is_open = schema.additional_properties is True and schema.any_of is None and schema.ref is None
        if not is_open or schema.enum is not None or "const" in schema.model_fields_set:
            return None
        found |= set(schema.properties) | set(schema.required)
    for place in expressions_of(project):
        if place.use != "foreign" and (not place.kind or place.kind in kinds):
            columns = _read_columns(project, place.text)
            if columns is None:
                return None
            found |= columns
    return tuple(sorted(found - {_TIME} | ({timestamp} if timestamp and _TIME in found else set())))


_TIME = "\0timestamp"
"""Stands for the event's time among columns."""


def _read_columns(project: Project, text: str) -> set[str] | None:
    """Return the columns of an item that an expression reads; None where it sees the item, or more, as a whole."""
    expression = compiled(project, text)
    if expression is None or (not is_jinja(text) and _sees_root(_parsed_with(project, text))):
        return None
    found: set[str] = set()
    steps = [read.steps for read in expression.reads]
    for here, following in zip(steps, [*steps[1:], ()], strict=True):
        if here == ("item",):
            column = following[1] if len(following) == 2 and following[0] == "item" else None
            if not isinstance(column, str):
                return None
            found.add(column)
        elif here == ("timestamp",):
            found.add(_TIME)
    return found


def _parsed_with(project: Project, text: str) -> Node | None:
    try:
        return parse(text, library_of(project))
    except ExpressionError:
        return None


def _sees_root(node: Node | None) -> bool:
    """Return whether an expression reads the event as a whole; an unparsed one may."""
    match node:
        case None | nodes.Current():
            return True
        case nodes.Chain():
            return _sees_root(node.steps[0])
        case nodes.Projection():
            return _sees_root(node.source)
        case nodes.Reference():
            return False
    return any(map(_sees_root, node.children))


@value_class
class _Item:
    """Where the parts of an item stand: as columns of their own names, as columns by other names, or together in one."""

    whole: str = ""
    named: Mapping[str, Node] | None = None

    def of(self, steps: tuple[str | int | None, ...]) -> tuple[str, ...]:
        """Return the columns that a path below ``item`` is read from."""
        if self.whole:
            return (self.whole,)
        name = steps[0] if steps else None
        if not isinstance(name, str):
            return ()
        if self.named is None:
            return (name,)
        return _columns(self.named[name]) if name in self.named else ()

    def column(self, name: str) -> str:
        """Return the one column that holds a property as it is, empty where none does."""
        if self.named is None:
            return "" if self.whole else name
        node = self.named.get(name)
        return node.name if isinstance(node, nodes.Name) else ""


def _columns_of_paths(text: str) -> _Item | None:
    node = _parsed(text)
    match node:
        case nodes.Current():
            return _Item()
        case nodes.Name():
            return _Item(whole=node.name)
        case nodes.SelectObject():
            return _Item(named=dict(zip(node.names, node.elements, strict=True)))
    return None


def _parsed(text: str) -> Node | None:
    try:
        return None if is_jinja(text) else parse(text, FUNCTIONS)
    except ExpressionError:
        return None


def _columns(node: Node) -> tuple[str, ...]:
    found = (read.steps[0] for read in reads_of(node) if read.steps)
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str)))


def _kinds(project: Project) -> tuple[str, ...]:
    """Return the kinds of record that rows may be of: the one that the envelope names, or all."""
    known = tuple(project.routes.model.records)
    named = _constant(project.routes.model.envelope.record)
    return (named,) if named in known else known


def _constant(text: str) -> str | None:
    node = _parsed(text)
    return node.value if isinstance(node, nodes.Constant) and isinstance(node.value, str) else None


def _readers(project: Project, kinds: tuple[str, ...], item: _Item) -> Iterator[ColumnReader]:
    envelope = project.routes.model.envelope
    for part in _PARTS if envelope.shape is None else ():
        text = getattr(envelope, part)
        node = None if text is None or (part == "item" and not item.whole) else _parsed(text)
        where = _named(project.routes, ("envelope", part), f"envelope.{part}")
        for column in () if node is None else _columns(node):
            yield ColumnReader(column, where, is_vital=part in {"record", "operation", "item"})
    yield from _readers_of_items(project, kinds, item)


def _readers_of_items(project: Project, kinds: tuple[str, ...], item: _Item) -> Iterator[ColumnReader]:
    for place in expressions_of(project):
        if place.use != "foreign" and (not place.kind or place.kind in kinds) and _is_evaluated(project, place):
            yield from _of_place(project, place, item)
    for kind in kinds:
        document = project.schemas[kind]
        for name in () if _only_deletes(project) else document.model.required:
            for column in item.of((name,)):
                yield ColumnReader(column, _named(document, ("required",), "required"))


def _named(document: Document[Any], path: tuple[str | int, ...], words: str) -> str:
    line = document.span(*path).line
    return f"{document.name}:{line} ({words})" if line else f"{document.name} ({words})"


def _only_deletes(project: Project) -> bool:
    """Return whether every row is a delete: then no item is checked, and no field but the key is made."""
    envelope = project.routes.model.envelope
    word = _constant(envelope.operation)
    return word is not None and envelope.operations.get(word, word) == "delete"


def _is_evaluated(project: Project, place: Place) -> bool:
    """Return whether a missing column matters to an expression.

    Of partial items only keys have to be there, and the same of deletes: an absent path leaves its field out.
    """
    if place.path[0] != "fields" or place.path[1] in place.document.model.keys:
        return True
    return project.routes.model.records[place.kind].items == "whole" and not _only_deletes(project)


def _of_place(project: Project, place: Place, item: _Item) -> Iterator[ColumnReader]:
    expression = compiled(project, place.text)
    path = place.path[:2] if place.path[0] == "fields" else place.path
    words = str(path[1]) if path[0] == "fields" else ".".join(map(str, path))
    is_id = path[0] == "records"
    for read in () if expression is None else expression.reads:
        if read.steps[0] == "item" and len(read.steps) > 1:
            for column in item.of(read.steps[1:]):
                yield ColumnReader(column, _named(place.document, place.path, words), is_vital=is_id)


def _id_column(project: Project, kinds: tuple[str, ...], item: _Item) -> str:
    found = {_column_of_path(project, project.routes.model.records[kind].id, item) for kind in kinds}
    return found.pop() if len(found) == 1 else ""


def _column_of_path(project: Project, text: str, item: _Item) -> str:
    path = plain_path(project, text)
    return item.column(path[1]) if path is not None and len(path) == 2 and path[0] == "item" else ""


def _types(project: Project, kinds: tuple[str, ...], item: _Item) -> dict[str, CellType]:
    """Return the type of each column that a schema knows; where two schemas differ, it is text as it stands."""
    if item.whole:
        return {item.whole: CellType("object")}
    found: dict[str, CellType] = {}
    for kind in kinds:
        schema = project.schemas[kind].model
        for name, node in schema.properties.items():
            column = item.column(name)
            if column:
                declared = cell_type(node, root=schema, is_required=name in schema.required)
                found[column] = declared if found.get(column, declared) == declared else CellType()
    return found


def cell_type(node: SchemaNode, *, root: SchemaNode, is_required: bool = False) -> CellType:
    """Return how the cells of a property are read."""
    forms = tuple(alternatives(node, root))
    types = {kind for one in forms for kind in _types_of(one)}
    texts = [one for one in forms if "string" in _types_of(one)]
    element = next((one.items for one in forms if one.items is not None), None)
    return CellType(
        kind=_kind(types, texts),
        is_nullable=not types or "null" in types,
        is_required=is_required,
        takes_blank=not types or any(_takes_blank(one) for one in texts),
        element=None if element is None else cell_type(element, root=root),
    )


_JSON_TYPES: Mapping[type, str] = {
    type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
}  # fmt: skip


def _types_of(node: SchemaNode) -> tuple[str, ...]:
    if node.type is not None:
        return (node.type,) if isinstance(node.type, str) else node.type
    listed = [*(node.enum or ()), *([node.const] if "const" in node.model_fields_set else [])]
    if listed:
        return tuple(_JSON_TYPES[type(value)] for value in listed)
    if node.properties:
        return ("object",)
    return ("string",) if node.format or node.pattern else ()


def _kind(types: set[str], texts: list[SchemaNode]) -> CellKind:
    if texts:
        formats = {one.format for one in texts}
        return "decimal" if formats == {"decimal"} else "moment" if formats <= _MOMENTS else "text"
    named = types - {"null"}
    if named == {"integer", "number"}:
        return "number"
    match tuple(named):
        case ("integer" | "number" | "boolean" | "array" | "object" as only,):
            return only
    return "text"


def _takes_blank(node: SchemaNode) -> bool:
    listed = [*(node.enum or ()), *([node.const] if "const" in node.model_fields_set else [])]
    if listed:
        return "" in listed
    return not (node.format or node.pattern or node.min_length)
