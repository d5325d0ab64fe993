"""Checks of ``deliveries | map(attribute='key.value')`` in adapters: the path is text to Jinja, which looks for it as late as in a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncflow.compiler.types.json import Absent, Object, Type
from syncflow.compiler.wire.visible_names import RECORD
from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.nodes import dotted, scalars
from syncflow.patterns import lazy_pattern

_MAPPED: Final = lazy_pattern(r"\bdeliveries\s*\|\s*map\(\s*attribute\s*=\s*(['\"])(?P<path>[^'\"]*)\1")
_OF_THE_SYSTEM: Final = frozenset({"options", "auth", "token", "steps", "next", "batch"})
"""Roots whose fields hang on the adapter, and are rarely asked of each record."""


def check_mapped(adapter: Document[AdapterFile]) -> Iterator[Diagnostic]:
    """Yield paths that no record of a request has."""
    for path, scalar in scalars(adapter.node):
        if not isinstance(scalar.value, str) or path[0] in {"description", "tests"}:
            continue
        for found in _MAPPED.finditer(scalar.value):
            wrong = _unknown(found["path"])
            if wrong is not None:
                name, known = wrong
                close = did_you_mean(name, known)
                hint = f"did you mean {close}?" if close else f"there is {', '.join(sorted(known))}"
                place = scalar.span.at(found.start("path"), len(found["path"]))
                message = f"no record of a request has {found['path']}: nothing there is called {name}"
                yield Diagnostic("SF501", place, message, hint=hint, path=dotted(path))


def _unknown(path: str) -> tuple[str, list[str]] | None:
    """Return the first name of a path that is not there, and the names that are."""
    kind: Type = RECORD
    for name in path.split("."):
        if not isinstance(kind, Object) or not isinstance(kind.rest, Absent):
            return None
        if kind is RECORD and name in _OF_THE_SYSTEM:
            return None
        known = dict(kind.properties)
        if name not in known:
            return name, list(known)
        kind = known[name]
    return None
