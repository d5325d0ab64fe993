"""Checks of a system's settings beside its adapter: secrets that are written out, limits that the adapter's own are tighter than."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator
from urllib.parse import urlsplit

from syncflow.compiler.wire.secrets import SHORTEST_SECRET
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import SystemSettings
from syncflow.config.nodes import ScalarNode, scalars
from syncflow.config.project import Project
from syncflow.config.scalars import Rate, Unset

_NOBODYS = ("localhost", "test", "example", "invalid")
"""Names at the end of hosts that are not of the world outside: RFC 2606."""


def check_systems(project: Project) -> Iterator[Diagnostic]:
    """Yield settings of systems that give a secret away, or change nothing."""
    written = {path: scalar for path, scalar in scalars(project.routes.node) if path[0] == "systems"}
    for name, settings in project.routes.model.systems.items():
        adapter = project.adapters[settings.adapter].model
        if not _is_at_home(settings.base_url or adapter.base_url):
            yield from _open_secrets(project, name, adapter, written)
            yield from _short_secrets(project, name, adapter, written)
        yield from _wider_limits(project, name, settings, adapter)
        yield from _larger_batches(project, name, settings, adapter)


def _is_at_home(address: str) -> bool:
    """Tell whether an address is this machine's or nobody's, as those of mocks and tests are."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rpartition(".")[2] in _NOBODYS


def _open_secrets(
    project: Project, name: str, adapter: AdapterFile, written: dict[tuple[str | int, ...], ScalarNode]
) -> Iterator[Diagnostic]:
    for setting in _secrets(adapter):
        scalar = written.get(("systems", name, "auth", setting))
        if scalar is not None and not scalar.variables and scalar.value not in (None, ""):
            variable = f"{name}_{setting}".upper().replace("-", "_")
            yield project.routes.report(
                "SF517",
                f"{setting} is a secret, and stands here for everyone who reads this file",
                *("systems", name, "auth", setting),
                severity="warning",
                hint=f"write ${{{variable}}}, or ${{file:/run/secrets/{variable.lower()}}}",
            )


def _short_secrets(
    project: Project, name: str, adapter: AdapterFile, written: dict[tuple[str | int, ...], ScalarNode]
) -> Iterator[Diagnostic]:
    for setting in _secrets(adapter):
        scalar = written.get(("systems", name, "auth", setting))
        text = "" if scalar is None or isinstance(scalar.value, Unset) or scalar.value is None else str(scalar.value)
        if 0 < len(text) < SHORTEST_SECRET:
            yield project.routes.report(
                "SF519",
                f"{setting} is shorter than {SHORTEST_SECRET} characters, so it is not hidden where a system's words are shown",
                *("systems", name, "auth", setting),
                severity="warning",
                hint="use a longer secret; so short a text is part of many others",
            )


def _secrets(adapter: AdapterFile) -> list[str]:
    """Return the settings of an adapter's ways to sign in that are secret."""
    return sorted({name for way in adapter.auth.values() for name, kind in way.settings.items() if kind == "secret"})


def _wider_limits(project: Project, name: str, settings: SystemSettings, adapter: AdapterFile) -> Iterator[Diagnostic]:
    own = settings.limits.requests
    rates = own if own == () or isinstance(own[0], tuple) else (own,)
    for rate in rates:
        tighter = next(
            (limit for limit in adapter.limits if not limit.only and _implies(limit.requests, limit.per, rate)), None
        )
        if tighter is not None:
            said = f"{tighter.requests} in {tighter.per:g} s"
            yield _changes_nothing(project, name, ("limits", "requests"), f"the adapter allows {said}, which is less")
    least = min((limit.in_flight for limit in adapter.limits if limit.in_flight is not None), default=None)
    if least is not None and settings.limits.in_flight is not None and settings.limits.in_flight > least:
        said = f"the adapter allows {least} at once, which is less"
        yield _changes_nothing(project, name, ("limits", "in_flight"), said)


def _implies(requests: int | None, per: float | None, rate: Rate) -> bool:
    """Tell whether a window of the adapter never lets through what a rate would hold back."""
    if requests is None or per is None:
        return False
    return requests * math.ceil(rate.per_seconds / per) < rate.count


def _larger_batches(
    project: Project, name: str, settings: SystemSettings, adapter: AdapterFile
) -> Iterator[Diagnostic]:
    most = max(operation.batch.records for operation in adapter.operations.values())
    if settings.batch.records is not None and settings.batch.records > most:
        yield _changes_nothing(project, name, ("batch", "records"), f"the adapter puts at most {most} in a request")


def _changes_nothing(project: Project, name: str, path: tuple[str, ...], why: str) -> Diagnostic:
    return project.routes.report(
        "SF518",
        f"this changes nothing: {why}",
        *("systems", name, *path),
        severity="warning",
        hint="a system can tighten what its adapter says, and never widen it",
    )
