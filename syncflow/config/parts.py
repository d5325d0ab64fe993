"""What a project is loaded from, and the checked parts that it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document, MergedObject
from syncflow.config.files import Known
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.schema import SchemaNode
from syncflow.config.nodes import MappingNode


@dataclass(frozen=True)
class Inputs:
    """What a project is loaded from."""

    path: Path = Path("routes.yaml")
    profile: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    offline: bool = False
    settings: Mapping[str, Any] | None = field(default=None, repr=False)
    """Stands for the file at ``path`` where given."""
    changes: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    trees: Mapping[Path, MappingNode] = field(default_factory=dict, repr=False)
    """Files that were read before and are not read again."""
    noted: tuple[Diagnostic, ...] = field(default=(), repr=False)
    """What reading those files came to."""
    known: Known = field(default_factory=Known, repr=False, compare=False)
    """What those files were checked to be; shared by loads with one environment."""
    other_profiles: bool = True
    """Whether the shape of the profiles that are not used is checked as well."""

    def changed(self, changes: Mapping[str, Any]) -> Inputs:
        return replace(self, changes=(*self.changes, changes))


@dataclass(frozen=True)
class Parts:
    """The checked parts of a project."""

    profile: str | None
    routes: Document[RoutesFile]
    schemas: Mapping[str, Document[SchemaNode]]
    mappings: Mapping[Path, Document[MappingFile]]
    adapters: Mapping[str, Document[AdapterFile]]
    objects: Mapping[tuple[str, str], MergedObject]
    secrets: frozenset[str] = field(repr=False)
    inputs: Inputs = field(repr=False)
