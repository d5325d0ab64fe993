"""Adapters that a system of ``routes.yaml`` has for itself: ``adapter:`` with a mapping instead of a name, or ``sql:``.

Those written out are taken out of the tree before it is read; a database gets one that stands for it. The system names its adapter by its
own name from there on.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeGuard

from syncflow.config.database_systems import database_adapter
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.nodes import Entry, MappingNode, Node, ScalarNode
from syncflow.config.validation import read_model


class Apart(NamedTuple):
    """The tree without its adapters, these by the name of their system (None: broken), and what is wrong with them."""

    node: MappingNode
    adapters: dict[str, Document[AdapterFile] | None]
    diagnostics: list[Diagnostic]


def apart(node: MappingNode, path: Path) -> Apart:
    """Take the adapters that a tree of ``routes.yaml`` holds out of it."""
    adapters: dict[str, Document[AdapterFile] | None] = {}
    diagnostics: list[Diagnostic] = []
    systems = node.entries["systems"].value if "systems" in node.entries else None
    if not isinstance(systems, MappingNode):
        return Apart(node, adapters, diagnostics)
    for name, entry in systems.entries.items():
        if _is_database(entry.value):
            adapters[name], found = _of_database(name, entry.value, path)
            diagnostics += found
            systems = _with(systems, name, _named(entry.value, name, entry.value.entries["sql"].key))
            continue
        written = _written(entry.value)
        if written is None:
            continue
        named = (
            _with(written, "adapter", ScalarNode(written.file, name)) if "adapter" not in written.entries else written
        )
        model, found = read_model(AdapterFile, named)
        diagnostics += found
        adapters[name] = None if model is None else Document(path, node.file.name, model, named)
        system = entry.value
        assert isinstance(system, MappingNode)
        systems = _with(systems, name, _named(system, name, system.entries["adapter"].key))
    return Apart(_with(node, "systems", systems), adapters, diagnostics)


def _is_database(system: Node) -> TypeGuard[MappingNode]:
    return isinstance(system, MappingNode) and "sql" in system.entries


def _of_database(name: str, system: MappingNode, path: Path) -> tuple[Document[AdapterFile] | None, list[Diagnostic]]:
    """Return the adapter that stands for a database; its places are those of ``sql:``."""
    sql = system.entries["sql"].value
    document: Document[AdapterFile] = Document(path, sql.file.name, database_adapter(name), sql)
    if "adapter" not in system.entries:
        return document, []
    place = system.entries["adapter"].key.span
    hint = "keep `adapter` for an API, `sql` for a database"
    message = f"`{name}` has `adapter` and `sql`, which exclude each other"
    return document, [Diagnostic("SF205", place, message, hint=hint, path=f"systems.{name}.adapter")]


def _named(system: MappingNode, name: str, place: ScalarNode) -> MappingNode:
    return _with(system, "adapter", ScalarNode(place.file, name, "", place.start, place.end))


def _written(system: Node) -> MappingNode | None:
    adapter = (
        system.entries["adapter"].value if isinstance(system, MappingNode) and "adapter" in system.entries else None
    )
    return adapter if isinstance(adapter, MappingNode) else None


def _with(node: MappingNode, name: str, value: Node) -> MappingNode:
    key = node.entries[name].key if name in node.entries else ScalarNode(node.file, name)
    return MappingNode(node.file, node.start, node.end, {**node.entries, name: Entry(key, value)})
