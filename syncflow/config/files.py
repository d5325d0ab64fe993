"""Find and read the files of a project, each once.

A path is relative to the file that names it; ``.yml`` and ``.yaml`` are one ending; adapters are found in the project first and in
the package after.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document
from syncflow.config.nodes import MappingNode, ScalarNode
from syncflow.config.validation import read_model
from syncflow.config.variables import Expansion
from syncflow.config.yaml import read_file

M = TypeVar("M", bound=BaseModel)
_ENDINGS = {".yaml": ".yml", ".yml": ".yaml"}


def resolved(directory: Path, name: str) -> Path:
    """Return the normal form of a path relative to a directory, with the ending that exists."""
    path = Path(os.path.normpath(directory / name))
    other = path.with_suffix(_ENDINGS[path.suffix]) if path.suffix in _ENDINGS else path
    return other if not path.exists() and other.exists() else path


class Files:
    """The files read so far. ``trees`` may be handed to a later load, which then sees the same texts."""

    def __init__(
        self, environment: Mapping[str, str], *, offline: bool, trees: dict[Path, MappingNode] | None = None
    ) -> None:
        self.environment = environment
        self.offline = offline
        self.trees: dict[Path, MappingNode] = dict(trees or {})
        self.diagnostics: list[Diagnostic] = []
        self.from_variables: list[ScalarNode] = []
        self.package = Path(str(resources.files("syncflow.adapters")))

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
        return path.as_posix()

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
        tree = self.tree(path)
        if tree is None:
            return None
        node = self.expanded(tree, path.parent) if "${" in tree.file.text else tree
        read, diagnostics = read_model(model, node)
        self.diagnostics += diagnostics
        return Document(path, self.shown(path), read, node) if read is not None else None

    def exists(self, path: Path) -> bool:
        return path in self.trees or path.is_file()

    def beside(self, path: Path, name: str) -> str:
        """Return how ``name`` should have been written if a file beside ``path`` has a name like it; empty if none."""
        try:
            near = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
        except OSError:
            return self._beside_directory(path, name)
        found = did_you_mean(path.name, near)
        return (Path(name).parent / found).as_posix() if found else ""

    def _beside_directory(self, path: Path, name: str) -> str:
        try:
            near = sorted(entry.name for entry in path.parent.parent.iterdir() if (entry / path.name).is_file())
        except OSError:
            return ""
        found = did_you_mean(path.parent.name, near)
        return (Path(name).parent.parent / found / path.name).as_posix() if found else ""

    def adapter_names(self, project_directory: Path) -> list[str]:
        """Return the adapters that could be named."""
        folders = (project_directory / "adapters", self.package)
        found = {
            entry.stem
            for folder in folders
            if folder.is_dir()
            for entry in folder.iterdir()
            if entry.suffix in _ENDINGS
        }
        return sorted(found)

    def adapter_path(self, project_directory: Path, name: str) -> Path | None:
        """Return an adapter's file: the project's own first, then the package's."""
        for folder in (project_directory / "adapters", self.package):
            path = resolved(folder, f"{name}.yaml")
            if self.exists(path):
                return path
        return None
