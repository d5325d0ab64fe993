"""What a condition tells of the one field that it asks of: where the field's values are known one by one, each is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.compiler.code.node import Node, TypeOf
from syncflow.compiler.code.nodes.leaves import Constant
from syncflow.compiler.code.scope import Narrow, Path, Scope, type_at
from syncflow.compiler.types.json import NEVER, Type
from syncflow.compiler.types.narrowing import equal_to, not_equal_to, values_of
from syncflow.events import Json

_MOST_TRIED = 32


def tried(condition: Node, scope: Scope, *, holds: bool, type_of: TypeOf | None) -> Scope:
    """Return what is left of a scope where a condition such as ``contains(['lead', 'partner'], item.type)`` holds, or does not."""
    if type_of is None or scope.language.is_jinja:
        return scope
    paths = set(_paths_in(condition))
    path = next(iter(paths)) if len(paths) == 1 else None
    values = values_of(type_at(scope.current, path)) if path else None
    if not path or not values or len(values) > _MOST_TRIED:
        return scope
    language, left = scope.language, scope
    for value in values:
        kind = type_of(condition, scope.narrowed(path, _told(equal_to, value)))
        if (language.when_true if holds else language.when_false)(kind) == NEVER:
            left = left.narrowed(path, _told(not_equal_to, value))
    return left


def _told(narrow: Callable[[Type, Json], Type], value: Json) -> Narrow:
    return lambda kind: narrow(kind, value)


def _paths_in(node: Node) -> Iterator[Path | None]:
    """Yield the paths that an expression reads from its current value; None for a part that is not a plain path."""
    if node.path is not None:
        yield node.path
    elif node.is_of_current:
        for child in node.children:
            yield from _paths_in(child)
    elif not isinstance(node, Constant):
        yield None
