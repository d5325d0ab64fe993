"""A check of the folders of a project: mappings, schemas and objects that nothing uses.

Used is what was read, what another profile names, and what another ``routes.yaml`` in the same folder names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from syncflow.config.diagnostics import Diagnostic, FileText, Span
from syncflow.config.files import resolved
from syncflow.config.named_files import own_object_files
from syncflow.config.nodes import MappingNode, Node, ScalarNode, SequenceNode
from syncflow.config.project import Project
from syncflow.config.regular_files import read_regular
from syncflow.config.yaml import MAX_BYTES, read_file

_FOLDERS = {
    "mappings": "name it in a route, or remove the file",
    "schemas": "name it in `records:`, or remove the file",
    "objects": "an object is used where a mapping has it as target, and its file is named adapter_Object.yaml",
}


def check_unused_files(project: Project) -> Iterator[Diagnostic]:
    """Yield the files that stand in the project's folders as if they were part of it."""
    directory = project.path.parent
    unread = [(folder, path) for folder in _FOLDERS for path in _files_in(directory / folder, project)]
    named = frozenset(_named(project, directory)) if unread else frozenset()
    for folder, path in unread:
        if path not in named:
            hint = _FOLDERS[folder]
            yield Diagnostic("SF416", _first_line(path), "nothing uses this file", severity="warning", hint=hint)


def _files_in(folder: Path, project: Project) -> Iterator[Path]:
    """Yield the YAML files of a folder that were not read."""
    for path in sorted(folder.rglob("*.y*ml")):
        if path not in project.inputs.trees and path.suffix in {".yaml", ".yml"} and path.is_file():
            yield path


def _named(project: Project, directory: Path) -> Iterator[Path]:
    for routes in _routes_files(project, directory):
        for text in _texts(routes):
            if text.endswith((".yaml", ".yml")):
                path = resolved(directory, text)
                yield path
                yield from () if path in project.inputs.trees else _objects_of(path, directory)


def _routes_files(project: Project, directory: Path) -> Iterator[MappingNode]:
    for path in {project.path, *directory.glob("*.yaml"), *directory.glob("*.yml")}:
        tree = project.inputs.trees.get(path) or read_file(path, name=path.name)[0]
        if tree is not None and "routes" in tree.entries:
            yield tree


def _objects_of(path: Path, directory: Path) -> Iterator[Path]:
    """Yield the object files of a mapping's target, if the path is that of a mapping."""
    tree = read_file(path, name=path.name)[0] if path.is_file() else None
    target = tree.entries["target"].value if tree is not None and "target" in tree.entries else None
    if isinstance(target, ScalarNode):
        yield from (resolved(directory, name) for name in own_object_files(*str(target.value).partition("/")[::2]))


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node, ScalarNode):
        yield str(node.value)
    elif isinstance(node, MappingNode):
        for entry in node.entries.values():
            yield from _texts(entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _texts(item)


def _first_line(path: Path) -> Span:
    """Return the first line that says something, so that a comment above it can allow the file."""
    try:
        said_by_link = path.resolve().suffix not in {".yaml", ".yml"}  # a file of the system: its lines are not quoted
        file = FileText(path.as_posix(), "" if said_by_link else read_regular(path, most=MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError):
        file = FileText(path.as_posix(), "")
    said = (number for number, line in enumerate(file.lines, 1) if line.strip() and not line.lstrip().startswith("#"))
    number = next(said, 1)
    return Span(file.name, number, 1, number, len(file.line(number)) + 1, file)
