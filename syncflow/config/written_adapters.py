"""Adapters written in ``routes.yaml`` itself: ``adapter:`` with a mapping instead of a name.

They are taken out of the tree before it is read, and the system names them by its own name from there on.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

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
        place = system.entries["adapter"].key
        systems = _with(
            systems, name, _with(system, "adapter", ScalarNode(place.file, name, "", place.start, place.end))
        )
    return Apart(_with(node, "systems", systems), adapters, diagnostics)


def _written(system: Node) -> MappingNode | None:
    adapter = (
        system.entries["adapter"].value if isinstance(system, MappingNode) and "adapter" in system.entries else None
    )
    return adapter if isinstance(adapter, MappingNode) else None


def _with(node: MappingNode, name: str, value: Node) -> MappingNode:
    key = node.entries[name].key if name in node.entries else ScalarNode(node.file, name)
    return MappingNode(node.file, node.start, node.end, {**node.entries, name: Entry(key, value)})
