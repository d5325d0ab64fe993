"""All that the mock holds: its settings and its systems. In memory; each app has its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .directory import Directory
from .hubspot import Hubspot
from .salesforce import Salesforce
from .settings import Settings
from .system import System

# The vendors' clients that cannot be given a base path speak to these addresses at the root.
_ROOT = {"services": "salesforce", "crm": "hubspot", "oauth": "hubspot"}


class Mock:
    """The mocked systems under one roof."""

    def __init__(self, settings: Settings) -> None:
        self._first = settings
        self.settings = settings
        self.reset()

    def reset(self, *, settings: bool = False) -> None:
        """Forget all records, sessions and counts; with ``settings`` also what the admin endpoint changed."""
        if settings:
            self.settings = self._first
        seed = self.settings.seed
        self.salesforce = Salesforce(self.settings.salesforce, seed)
        self.hubspot = Hubspot(self.settings.hubspot, seed)
        self.directory = Directory(self.settings.directory, seed)
        self.systems: dict[str, System] = {each.name: each for each in self._all()}

    def _all(self) -> tuple[System, ...]:
        return (self.salesforce, self.hubspot, self.directory)

    def configure(self, patch: Mapping[str, Any]) -> Settings:
        """Lay ``patch`` over the settings and let every system take them over; ValueError when they are not valid."""
        self.settings = self.settings.changed(patch)
        for name, system in self.systems.items():
            system.configure(getattr(self.settings, name))
        return self.settings

    def find(self, path: str) -> tuple[System, str, str] | None:
        """The system that a path belongs to, where it is mounted, and the path behind that."""
        head, _, rest = path.lstrip("/").partition("/")
        system = self.systems.get(head.lower())
        if system is not None and rest:
            return system, f"/{head}", f"/{rest}"
        at_root = _ROOT.get(head.lower())
        return (self.systems[at_root], "", path) if at_root else None
