"""Which values of a project must never be shown."""

from __future__ import annotations

from collections.abc import Mapping

from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import RoutesFile
from syncflow.config.nodes import Path, is_nothing, scalars
from syncflow.config.scalars import Unset


def secret_values(routes: Document[RoutesFile], adapters: Mapping[str, Document[AdapterFile]]) -> frozenset[str]:
    """Return the texts to be masked: settings that an adapter calls secret, secrets of sources, and what files of secrets held."""
    return frozenset(
        str(scalar.value)
        for path, scalar in scalars(routes.node)
        if path[0] != "profiles" and not is_nothing(scalar.value) and not isinstance(scalar.value, Unset)
        if any(name.startswith("file:") for name in scalar.variables) or _is_secret(path, routes, adapters)
    )


def _is_secret(path: Path, routes: Document[RoutesFile], adapters: Mapping[str, Document[AdapterFile]]) -> bool:
    if path[0] == "source":
        return path[-1] == "secret"
    if len(path) < 4 or path[0] != "systems" or path[2] != "auth":
        return False
    system = routes.model.systems.get(str(path[1]))
    adapter = adapters.get(system.adapter) if system else None
    kinds = (
        {kind for way in adapter.model.auth.values() for name, kind in way.settings.items() if name == path[3]}
        if adapter
        else set()
    )
    return kinds != {"text"} and path[3] != "use"
