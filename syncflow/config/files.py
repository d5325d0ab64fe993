"""Find and read the files of a project, each once.

A path is relative to the file that names it; ``.yml`` and ``.yaml`` are one ending; adapters are found in the project first, then in
syncflow, then in other packages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document, MergedObject
from syncflow.config.models.adapter import TextRules
from syncflow.config.models.packages import folders_of_adapters, shown_in_package
from syncflow.config.models.schema import ObjectFile
from syncflow.config.nodes import MappingNode, ScalarNode
from syncflow.config.shipped import package_of_adapters
from syncflow.config.validation import read_model
from syncflow.config.variables import Expansion
from syncflow.config.yaml import read_file

M = TypeVar("M", bound=BaseModel)
_ENDINGS = {".yaml": ".yml", ".yml": ".yaml"}


class ReadDocument(NamedTuple):
    """A file that was read as a model: None with its problems where it is none."""

    document: Document[Any] | None
    diagnostics: list[Diagnostic]
    from_variables: list[ScalarNode]


class ReadObject(NamedTuple):
    """An object as files describe it together: None with its problems where they do not."""

    merged: MergedObject | None
    diagnostics: list[Diagnostic]
    documents: tuple[Document[ObjectFile], ...]


class Known:
    """What files were checked to be before. Holds for one environment, since variables stand in files."""

    def __init__(self) -> None:
        self.documents: dict[tuple[type[BaseModel], Path], ReadDocument] = {}
        self.objects: dict[tuple[TextRules, tuple[int, ...]], ReadObject] = {}
        """By the adapter's rules and the files; these are held with it, so that their numbers stay theirs."""


def resolved(directory: Path, name: str) -> Path:
    """Return the normal form of a path relative to a directory, with the ending that exists."""
    path = Path(os.path.normpath(directory / name))
    other = path.with_suffix(_ENDINGS[path.suffix]) if path.suffix in _ENDINGS else path
    return other if not is_file(path) and is_file(other) else path


def is_file(path: Path) -> bool:
    """Whether a file is there; a path that no system could have (too long, with a null character) leads nowhere."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def names_in(directory: Path) -> list[str]:
    """Return the names of what a directory holds; none where it cannot be looked into."""
    try:
        return sorted(entry.name for entry in directory.iterdir())
    except (OSError, ValueError):
        return []


class Files:
    """The files read so far. ``trees`` may be handed to a later load, which then sees the same texts."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        offline: bool,
        trees: dict[Path, MappingNode] | None = None,
        known: Known | None = None,
    ) -> None:
        self.environment = environment
        self.offline = offline
        self.trees: dict[Path, MappingNode] = dict(trees or {})
        self.known = known or Known()
        self.diagnostics: list[Diagnostic] = []
        self.from_variables: list[ScalarNode] = []
        self.package = package_of_adapters()

    def tree(self, path: Path) -> MappingNode | None:
        """Return the tree of a file, or None with its problems noted."""
        if path not in self.trees:
            node, _, diagnostics = read_file(path, name=self.shown(path))
            self.diagnostics += diagnostics
            if node is None:
                return None
            self.trees[path] = node
        return self.trees[path]

    def shown(self, path: Path) -> str:
        """Return a path as messages show it; the package's own files without the machine's directories."""
        if path.is_relative_to(self.package):
            return (Path("syncflow/adapters") / path.relative_to(self.package)).as_posix()
        return shown_in_package(path) or path.as_posix()

    def expanded(self, node: MappingNode, directory: Path) -> MappingNode:
        """Return the tree with variables replaced."""
        expansion = Expansion(self.environment, directory, self.offline)
        result = expansion.expand(node)
        self.diagnostics += expansion.diagnostics
        self.from_variables += expansion.changed
        assert isinstance(result, MappingNode)
        return result

    def document(self, model: type[M], path: Path) -> Document[M] | None:
        """Read a file as a model, or note what is wrong with it."""
        known = self.known.documents.get((model, path))
        if known is None:
            known = self.known.documents[model, path] = self._read(model, path)
        self.diagnostics += known.diagnostics
        self.from_variables += known.from_variables
        return known.document

    def _read(self, model: type[M], path: Path) -> ReadDocument:
        alone = Files(self.environment, offline=self.offline, trees=self.trees)
        tree = alone.tree(path)
        self.trees = alone.trees
        if tree is None:
            return ReadDocument(None, alone.diagnostics, [])
        node = alone.expanded(tree, path.parent) if "${" in tree.file.text else tree
        read, diagnostics = read_model(model, node)
        document = Document(path, self.shown(path), read, node) if read is not None else None
        return ReadDocument(document, [*alone.diagnostics, *diagnostics], alone.from_variables)

    def exists(self, path: Path) -> bool:
        return path in self.trees or is_file(path)

    def beside(self, path: Path, name: str) -> str:
        """Return how ``name`` should have been written: a file beside it, or of the same name in a folder nearby; empty if none."""
        found = did_you_mean(path.name, [near for near in names_in(path.parent) if is_file(path.parent / near)])
        if found:
            return (Path(name).parent / found).as_posix()
        above = path.parent.parent
        folder = did_you_mean(path.parent.name, [near for near in names_in(above) if is_file(above / near / path.name)])
        return (Path(name).parent.parent / folder / path.name).as_posix() if folder else ""

    def adapter_names(self, project_directory: Path) -> list[str]:
        """Return the adapters that could be named."""
        folders = (project_directory / "adapters", self.package, *folders_of_adapters())
        found = [Path(name) for folder in folders for name in names_in(folder)]
        return sorted({name.stem for name in found if name.suffix in _ENDINGS})

    def adapter_path(self, project_directory: Path, name: str) -> Path | None:
        """Return an adapter's file: the project's own first, then syncflow's, then one that another package brings."""
        folders = (project_directory / "adapters", self.package)
        return self._adapter_in(folders, name) or self._adapter_in(folders_of_adapters(), name)

    def _adapter_in(self, folders: Iterable[Path], name: str) -> Path | None:
        return next(filter(self.exists, (resolved(folder, f"{name}.yaml") for folder in folders)), None)
