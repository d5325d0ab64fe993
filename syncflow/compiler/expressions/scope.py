"""What names mean at a place of an expression, as types, and what is left of that where a guard held: after ``type == 'lead' && …``
the field ``type`` is ``'lead'``. Never too narrow: what a condition says that no construct can read is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from syncflow.compiler.expressions.language import Language
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    NEVER,
    NULL,
    Absent,
    Anything,
    Object,
    Type,
    may_be_null,
    members,
    union,
)
from syncflow.compiler.types.narrowing import absent_as_null, without_absent
from syncflow.frozen import value_class

Narrow = Callable[[Type], Type]
Path = tuple[str, ...]


@value_class
class Scope:
    """``current`` is what ``@`` is: at first the root. ``bound``: what a template has given values to. A current value of the type
    NEVER: the place is never reached."""

    current: Type
    language: Language
    bound: Mapping[str, Type] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool:
        return self.current != NEVER

    def of(self, name: str) -> Type:
        """Return the type of what a template has bound, or else of a field of the root."""
        if not self.is_reached:
            return NEVER
        return self.bound[name] if name in self.bound else self.field(name)

    def field(self, name: str) -> Type:
        """Return the type of a field of the current value."""
        return field_of(self.current, name, self.language.missing)

    def at(self, current: Type) -> Scope:
        return Scope(current, self.language, self.bound)

    def nowhere(self) -> Scope:
        return Scope(NEVER, self.language, self.bound)

    def bind(self, kinds: Mapping[str, Type]) -> Scope:
        """Return the scope after names got values."""
        return Scope(self.current, self.language, {**self.bound, **kinds})

    def narrowed(self, path: Path | None, narrow: Narrow) -> Scope:
        """Return what is left where the value at a path is of the narrowed type."""
        if path is None:
            return self
        if not path or path[0] not in self.bound:
            return self.at(at_path(self.current, path, narrow, self.language.missing))
        kind = at_path(self.bound[path[0]], path[1:], narrow, self.language.missing)
        return self.nowhere() if kind == NEVER else self.bind({path[0]: kind})


def either(one: Scope, other: Scope) -> Scope:
    """Return the scope of a place that is reached in two ways. A name that only one of them binds has the root's value on the
    other."""
    if not one.is_reached or not other.is_reached:
        return one if one.is_reached else other
    names = {*one.bound, *other.bound}
    bound = {name: union(one.of(name), other.of(name)) for name in names}
    return Scope(union(one.current, other.current), one.language, bound)


def field_of(kind: Type, name: str, missing: Type = NULL) -> Type:
    """Return the type of the field ``name`` of values of a type, ``missing`` where they have none."""
    return union(*(_field(member, name, missing) for member in members(without_absent(kind))))


def _field(kind: Type, name: str, missing: Type) -> Type:
    if isinstance(kind, Object):
        return _read(kind.property(name), missing)
    return union(ANY, missing) if isinstance(kind, Anything) else missing


def _read(kind: Type, missing: Type) -> Type:
    return kind if missing is ABSENT else absent_as_null(kind)


def type_at(kind: Type, path: Path) -> Type:
    """Return the type of what stands at a path, null where nothing does."""
    for name in path:
        kind = field_of(kind, name)
    return kind


def at_path(kind: Type, path: Sequence[str], narrow: Narrow, missing: Type = NULL) -> Type:
    """Return what is left of ``kind`` where the value at ``path``, ``missing`` where there is none, is of the narrowed type."""
    if not path:
        return narrow(_read(kind, missing))
    return union(*(_member_at_path(member, path, narrow, missing) for member in members(kind)))


def _member_at_path(kind: Type, path: Sequence[str], narrow: Narrow, missing: Type) -> Type:
    """What has no fields has none at the path; and where absent is no null, what is absent has no fields: reading one fails."""
    if isinstance(kind, Object):
        return _object_at_path(kind, path, narrow, missing)
    if isinstance(kind, Anything):
        return kind
    fails = missing is ABSENT and (isinstance(kind, Absent) or len(path) > 1)
    return NEVER if fails or narrow(missing) == NEVER else kind


def _object_at_path(kind: Object, path: Sequence[str], narrow: Narrow, missing: Type) -> Type:
    name, *below = path
    before = kind.property(name)
    after = at_path(_read(before, missing), below, narrow, missing)
    if after == NEVER:
        return NEVER
    if missing is NULL and ABSENT in members(before) and may_be_null(after):
        after = union(after, ABSENT)
    others = [entry for entry in kind.properties if entry[0] != name]
    return Object(tuple(sorted([*others, (name, after)])), kind.rest)
