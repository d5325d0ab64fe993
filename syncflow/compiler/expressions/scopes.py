"""What expressions see of an event, as types: of any event of a kind, and of those that a route lets through to a system.

In: the models of a project. Out: types of the root. A delete is not checked against the schema (its id and key are enough), so
nothing here is true of one.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.compiler.expressions.infer import assume
from syncflow.compiler.expressions.nodes import Node
from syncflow.compiler.expressions.parse import parse
from syncflow.compiler.expressions.scope import at_path
from syncflow.compiler.functions import FUNCTIONS, Function
from syncflow.compiler.languages.base import is_jinja
from syncflow.compiler.types.declared import from_schema
from syncflow.compiler.types.json import (
    ANY,
    NEVER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Absent,
    Null,
    Text,
    Type,
    closed_object,
    members,
    union,
)
from syncflow.compiler.types.narrowing import restrict
from syncflow.config.models.routes import RouteSettings, SystemNames
from syncflow.config.models.schema import SchemaNode

UNCHECKED = OBJECT
"""The root of an event of which nothing is known: a delete, one of another shape, one that has not passed its door."""


def root_of(kind: str, schema: SchemaNode | None, *, with_deletes: bool = False, any_operation: bool = False) -> Type:
    """Return the type of the root of an event that has passed its door; of any kind of record where ``kind`` is empty.

    With ``any_operation``: of an event that has not passed it, whose word for its operation is not yet understood.
    """
    changes = {"create", "update", "delete"} if with_deletes else {"create", "update"}
    return closed_object(
        record=Text(values=frozenset({kind})) if kind else TEXT,
        operation=TEXT if any_operation else Text(values=frozenset(changes)),
        timestamp=union(TEXT, NUMBER, NULL),
        item=ANY if schema is None else from_schema(schema),
    )


def of_leg(route: RouteSettings, system: str, root: Type, *, functions: Mapping[str, Function] = FUNCTIONS) -> Type:
    """Return what is left of ``root`` of the events that a route lets through to a system; NEVER where there are none.

    Raises:
        ExpressionError: a rule of the route cannot be compiled.
    """
    if route.when is not None and not is_jinja(route.when):
        root = narrowed_by(route.when, root, functions, holds=True)
    if route.by is not None and not is_jinja(route.by):
        root = _looked_up(parse(route.by, functions), route, system, root)
    return root


def narrowed_by(rule: str, root: Type, functions: Mapping[str, Function], *, holds: bool) -> Type:
    """Return what is left of ``root`` where a rule holds, or does not.

    Raises:
        ExpressionError: the rule cannot be compiled.
    """
    return assume(parse(rule, functions), root, holds=holds, functions=functions)


def _looked_up(by: Node, route: RouteSettings, system: str, root: Type) -> Type:
    path = by.path
    return root if path is None else at_path(root, path, lambda kind: values_sent(route, system, kind))


def values_sent(route: RouteSettings, system: str, kind: Type) -> Type:
    """Return what is left of the type of a route's ``by`` where the table sends the record to ``system``."""
    by_default = _names(route.default, system)
    ours = frozenset(value for value, target in route.table.items() if _names(target, system))
    kept = (
        _member_sent(member, ours, frozenset(route.table) - ours, by_default=by_default) for member in members(kind)
    )
    return union(*kept)


def _member_sent(kind: Type, ours: frozenset[str], theirs: frozenset[str], *, by_default: bool) -> Type:
    if isinstance(kind, Null | Absent):
        return kind if by_default else NEVER
    if not isinstance(kind, Text):
        return kind
    if not by_default:
        return restrict(kind, Text(values=ours)) if ours else NEVER
    if kind.values is None:
        return kind
    left = kind.values - theirs
    return restrict(kind, Text(values=left)) if left else NEVER


def _names(target: SystemNames | None, system: str) -> bool:
    return target == system if isinstance(target, str) else target is not None and system in target
