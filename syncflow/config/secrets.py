"""Which values of a project must never be shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.receivers import RECEIVERS, is_secret_of_a_receiver
from syncflow.config.models.routes import RoutesFile
from syncflow.config.nodes import Path, ScalarNode, is_nothing, scalars
from syncflow.config.scalars import Unset

_SECRETS_OF_SOURCES = frozenset({"secret", "token", "bearer", "basic", "password", "url"})
_SECRETS_OF_OBJECTS = frozenset({"access_key", "secret_key", "options"})
"""Their address holds none."""


def secret_values(
    routes: Document[RoutesFile], adapters: Mapping[str, Document[AdapterFile]], from_variables: Iterable[ScalarNode]
) -> frozenset[str]:
    """Return the texts to be masked: settings that an adapter calls secret, secrets of sources, and what files of secrets held.

    Where such a text is made with variables, what they gave is one too. Settings of a sign-in that the adapter does not describe are
    taken for secret.
    """
    found = set(_of_files(from_variables))
    for path, scalar in scalars(routes.node):
        if path[0] != "profiles" and not isinstance(scalar.value, Unset) and _is_secret(path, routes, adapters):
            found |= {str(scalar.value), *scalar.variables.values()} if not is_nothing(scalar.value) else set()
    return frozenset(found - {""})


def _of_files(from_variables: Iterable[ScalarNode]) -> Iterator[str]:
    for scalar in from_variables:
        yield from (value for name, value in scalar.variables.items() if name.startswith("file:"))


def _is_secret(path: Path, routes: Document[RoutesFile], adapters: Mapping[str, Document[AdapterFile]]) -> bool:
    if path[0] in {"source", "sources"}:
        inner = path[1:] if path[0] == "source" else path[2:]
        if inner and inner[0] == "objects":
            return not _SECRETS_OF_OBJECTS.isdisjoint(inner)
        return not _SECRETS_OF_SOURCES.isdisjoint(path) or inner[:2] == ("nats", "servers")
    if path[0] in RECEIVERS:
        return is_secret_of_a_receiver(path)
    if path == ("journal", "url") or (len(path) == 4 and path[0] == "systems" and path[2:] == ("sql", "url")):
        return True
    if len(path) < 4 or path[0] != "systems" or path[2] != "auth" or path[3] == "use":
        return False
    system = routes.model.systems.get(str(path[1]))
    adapter = adapters.get(system.adapter) if system else None
    ways = adapter.model.auth.values() if adapter else ()
    return {way.settings[str(path[3])] for way in ways if path[3] in way.settings} != {"text"}
