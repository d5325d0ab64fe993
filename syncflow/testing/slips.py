"""Names in a test that nothing has, with the name that was probably meant.

In: what a test gives and expects, and the names that there are. Out: mismatches that say so. A name of ``expect`` is always wrong where the
mapping has no such field; one of ``given`` is told of only where the test fails, for a record may hold more than its schema says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from syncflow.config.diagnostics import did_you_mean
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Json
from syncflow.testing.compare import Mismatch, Path

_EVENT = ("record", "operation", "timestamp", "item")
_NEARLY = 0.7
_DEEPEST = 8


def unknown_fields(names: Iterable[str], known: Iterable[str], *, path: Path = ()) -> Iterator[Mismatch]:
    """Yield the fields of a payload that a mapping does not make."""
    fields = list(known)
    for name in names:
        if name not in fields:
            yield Mismatch((*path, name), "a field of the mapping", f"no field `{name}`{meant(name, fields)}")


def slips_of_event(given: Json, schema: SchemaNode) -> Iterator[Mismatch]:
    """Yield the names of an event in the usual envelope that are nearly names which it should have."""
    if not isinstance(given, dict):
        return
    yield from _slips(given, _EVENT, ())
    yield from _slips_of_item(given.get("item"), schema, schema, ("item",))


def _slips_of_item(value: Json, node: SchemaNode, root: SchemaNode, path: Path) -> Iterator[Mismatch]:
    if node.ref is not None:
        node = root.defs.get(node.ref.removeprefix("#/$defs/"), node)
    if isinstance(value, list) and node.items is not None and len(path) < _DEEPEST:
        for number, entry in enumerate(value):
            yield from _slips_of_item(entry, node.items, root, (*path, number))
    if not isinstance(value, dict) or len(path) >= _DEEPEST:
        return
    yield from _slips(value, node.properties, path)
    for name, inner in value.items():
        if name in node.properties:
            yield from _slips_of_item(inner, node.properties[name], root, (*path, name))


def _slips(value: Mapping[str, Json], known: Iterable[str], path: Path) -> Iterator[Mismatch]:
    free = [name for name in known if name not in value]
    for name in value:
        if name not in known and (close := did_you_mean(name, free, least=_NEARLY)):
            yield Mismatch(
                (*path, name), "a name of the schema" if path else "a part of an event", _no(name, close), "given"
            )


def _no(name: str, close: str) -> str:
    return f"no `{name}`; did you mean `{close}`?"


def meant(name: str, known: Iterable[str]) -> str:
    """Return the words for the name that was probably meant; empty where none is near."""
    close = did_you_mean(name, known)
    return f"; did you mean `{close}`?" if close else ""
