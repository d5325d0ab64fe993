"""Python's type hints, read as what a parameter takes and what a function gives."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from syncflow.compiler.functions.kinds import (
    ANYTHING_KIND,
    ARRAY_KIND,
    BOOLEAN_KIND,
    INTEGER_KIND,
    MISFIT,
    NUMBER_KIND,
    OBJECT_KIND,
    TEXT_KIND,
    Kind,
)
from syncflow.compiler.types.json import (
    ABSENT,
    ANY,
    ARRAY,
    BOOLEAN,
    INTEGER,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Array,
    Object,
    Type,
    union,
)
from syncflow.compiler.types.narrowing import of_value
from syncflow.compiler.types.words import describe
from syncflow.events import Json

TAKEN = "str, int, float, bool, None, list[…], dict[str, …], Literal[…], Any, or some of them with |"


class HintError(Exception):
    """A hint says nothing that a JSON value could be; the text says why."""


_KINDS: dict[Any, Kind] = {
    str: TEXT_KIND,
    int: INTEGER_KIND,
    float: NUMBER_KIND,
    bool: BOOLEAN_KIND,
    list: ARRAY_KIND,
    dict: OBJECT_KIND,
    Any: ANYTHING_KIND,
    object: ANYTHING_KIND,
    Json: ANYTHING_KIND,
}
_TYPES: dict[Any, Type] = {
    str: TEXT,
    int: INTEGER,
    float: NUMBER,
    bool: BOOLEAN,
    type(None): NULL,
    None: NULL,
    list: ARRAY,
    dict: OBJECT,
    Any: ANY,
    object: ANY,
    Json: ANY,
}
_INSTEAD = {
    "datetime": "take and give text (str), such as 2026-07-15T10:00:00Z",
    "date": "take and give text (str), such as 2026-07-15",
    "time": "take and give text (str), such as 10:00:00",
    "Decimal": "take and give text (str) or a float",
    "bytes": "take and give text (str)",
    "tuple": "take and give a list",
    "set": "take and give a list",
}


def type_of(hint: Any) -> Type:
    """Return the type of the values that a hint stands for.

    Raises:
        HintError: values of JSON are not like this.
    """
    parts = get_args(hint)
    if _is_known(hint, _TYPES):
        return _TYPES[hint]
    origin = get_origin(hint)
    if origin is Literal:
        return union(*map(_literal, parts))
    if origin in {Union, types.UnionType}:
        return union(*map(type_of, parts))
    if origin is list:
        return Array(type_of(parts[0]))
    if origin is dict and parts[0] is str:
        return Object((), union(type_of(parts[1]), ABSENT))
    raise HintError(_refusal(hint))


def kind_of(hint: Any) -> Kind:
    """Return what a parameter with this hint takes.

    Raises:
        HintError: values of JSON are not like this.
    """
    if _is_known(hint, _KINDS):
        return _KINDS[hint]
    accepts, origin, parts = type_of(hint), get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _either([kind_of(part) for part in parts if part is not type(None)], null=type(None) in parts)
    if origin is list:
        return Kind(describe(accepts), _array_of(kind_of(parts[0])), _reads_list(kind_of(parts[0]).read))
    if origin is dict:
        inner = kind_of(parts[1])
        return Kind(describe(accepts), Object((), union(inner.accepts, ABSENT)), _reads_dict(inner.read))
    return Kind(describe(accepts), accepts, _reads_one_of(parts))


def _is_known(hint: Any, table: dict[Any, Any]) -> bool:
    try:
        return hint in table
    except TypeError:  # not hashable, so none of ours
        return False


def _literal(value: Any) -> Type:
    if value is None or isinstance(value, str | int | bool):
        return of_value(value)
    raise HintError(f"Literal takes texts and numbers here, not {value!r}")


def _refusal(hint: Any) -> str:
    name = getattr(hint, "__name__", str(hint))
    instead = _INSTEAD.get(name, f"expected {TAKEN}")
    return f"values of JSON are never {name}: {instead}" if name in _INSTEAD else f"{name} is not understood: {instead}"


def _array_of(inner: Kind) -> Type:
    return Array(inner.accepts)


def _either(kinds: Sequence[Kind], *, null: bool) -> Kind:
    accepts = union(*(kind.accepts for kind in kinds), *((NULL, ABSENT) if null else ()))
    names = [*(kind.name for kind in kinds), *(["null"] if null else [])]
    return Kind(" or ".join(names), accepts, _reads_first(_strict_first(kinds), null=null), takes_null=null)


def _strict_first(kinds: Sequence[Kind]) -> list[Callable[[Json], Any]]:
    """Text reads numbers and booleans too, so it comes last."""
    return [kind.read for kind in sorted(kinds, key=lambda kind: kind is TEXT_KIND)]


def _reads_first(readers: Iterable[Callable[[Json], Any]], *, null: bool) -> Callable[[Json], Any]:
    known = tuple(readers)

    def read(value: Json) -> Any:
        if value is None and null:
            return None
        return next((found for reader in known if (found := reader(value)) is not MISFIT), MISFIT)

    return read


def _reads_list(reader: Callable[[Json], Any]) -> Callable[[Json], Any]:
    def read(value: Json) -> Any:
        if not isinstance(value, list):
            return MISFIT
        found = [reader(entry) for entry in value]
        return MISFIT if MISFIT in found else found

    return read


def _reads_dict(reader: Callable[[Json], Any]) -> Callable[[Json], Any]:
    def read(value: Json) -> Any:
        if not isinstance(value, dict):
            return MISFIT
        found = {name: reader(entry) for name, entry in value.items()}
        return MISFIT if MISFIT in found.values() else found

    return read


def _reads_one_of(values: Sequence[Any]) -> Callable[[Json], Any]:
    def read(value: Json) -> Any:
        return next((one for one in values if type(one) is type(value) and one == value), MISFIT)

    return read
