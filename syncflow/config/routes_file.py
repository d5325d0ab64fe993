"""A routes file that is none: there is no such file, or it is of another kind. Each is told in one message, with the next step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from syncflow.config.diagnostics import Diagnostic, FileText, Span
from syncflow.config.nodes import MappingNode

_NAME = "routes.yaml"
_OWN_KEYS = frozenset({"routes", "systems", "records", "profiles"})
_OTHERS = (
    ("a mapping", ("target", "fields")),
    ("an adapter", ("operations",)),
    ("an adapter", ("adapter",)),
    ("an object of a system", ("object",)),
    ("a schema", ("properties",)),
)
"""Kinds of file by the keys that all have at their top."""
_EVENTS = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".gz", ".zst"})
_FOLDERS = 3


def another_kind(path: Path, tree: MappingNode | None, *, name: str) -> Diagnostic | None:
    """Return what to say of a file that is plainly something else than a routes file; ``tree`` is None before it is read."""
    if tree is None:
        if path.suffix.lower() not in _EVENTS or not path.is_file():
            return None
        hint = "events are given by --events, the routes file by its place or by --routes"
        return _diagnostic(Span(name, 0, 0, 0, 0, FileText(name, "")), "a file of events", hint)
    if _OWN_KEYS & tree.entries.keys():
        return None
    for kind, keys in _OTHERS:
        if all(key in tree.entries for key in keys):
            return _diagnostic(tree.entries[keys[0]].key.span, kind, _name_it(path.parent))
    return None


def _diagnostic(span: Span, kind: str, hint: str) -> Diagnostic:
    return Diagnostic("SF117", span, f"this is {kind}, and a routes file is needed", hint=hint)


def with_next_step(diagnostics: Sequence[Diagnostic], path: Path) -> list[Diagnostic]:
    """Return the diagnostics of a routes file that cannot be read; where there is none, with where one is."""
    return [
        replace(each, hint=_name_it(path.parent))
        if each.code == "SF101" and not (each.hint or each.suggestion)
        else each
        for each in diagnostics
    ]


def _name_it(folder: Path) -> str:
    found = _projects_near(folder)
    if found:
        return f"name the project's routes file: {' or '.join(found)}"
    return "name the project's routes file, or begin a project: syncflow init my-project"


def _projects_near(folder: Path) -> list[str]:
    """Return routes files in a folder, in the folders in it and in the one above it."""
    try:
        below = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
        near = [folder, *below[:1000], folder / ".."]
        found = [os.path.normpath(place / _NAME) for place in near if (place / _NAME).is_file()]
    except (OSError, ValueError):
        return []
    return [path for path in found if path.isprintable()][:_FOLDERS]
