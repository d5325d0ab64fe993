"""Checks of a system's settings beside its adapter: limits that the adapter's own are tighter than."""

from __future__ import annotations

import math
from collections.abc import Iterator

from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import SystemSettings
from syncflow.config.project import Project
from syncflow.config.replacements import rewritten
from syncflow.config.scalars import Rate
from syncflow.patterns import lazy_pattern


def check_systems(project: Project) -> Iterator[Diagnostic]:
    """Yield settings of systems that change nothing."""
    for name, settings in project.routes.model.systems.items():
        adapter = project.adapters[settings.adapter].model
        yield from _wider_limits(project, name, settings, adapter)
        yield from _larger_batches(project, name, settings, adapter)
        yield from _hosts_that_are_none(project, name, settings)
        yield from _hosts_of_others(project, name, settings)


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
    """Return whether a window of the adapter never lets through what a rate would hold back."""
    if requests is None or per is None:
        return False
    return requests * math.ceil(rate.per_seconds / per) < rate.count


def _larger_batches(
    project: Project, name: str, settings: SystemSettings, adapter: AdapterFile
) -> Iterator[Diagnostic]:
    most = max(operation.batch.records for _, _, operation in adapter.all_operations())
    if settings.batch.records is not None and settings.batch.records > most:
        yield _changes_nothing(project, name, ("batch", "records"), f"the adapter puts at most {most} in a request")


def _hosts_that_are_none(project: Project, name: str, settings: SystemSettings) -> Iterator[Diagnostic]:
    """Yield allowed hosts that are written as addresses: they match no host, so requests to the host that is meant are refused."""
    for index, host in enumerate(settings.allow_hosts):
        bare = _NAME_OF_HOST.sub("", host).partition("/")[0]
        if bare != host:
            yield project.routes.report(
                "SF514",
                f"no host is called `{host}`",
                *("systems", name, "allow_hosts", index),
                expected="the name of a host alone, without scheme, port and path",
                suggestion=bare,
            )


_NAME_OF_HOST = lazy_pattern(r"^\w+://|:\d+(?=/|$)")
"""What an address has beside the name of its host."""


def _hosts_of_others(project: Project, name: str, settings: SystemSettings) -> Iterator[Diagnostic]:
    """Yield patterns of hosts that let strangers in: `*example.com` takes notexample.com, which anyone can buy."""
    for index, host in enumerate(settings.allow_hosts):
        if host.startswith("*") and len(host) > 1 and not host.startswith("*."):
            bare = host.lstrip("*")
            place = ("systems", name, "allow_hosts", index)
            yield project.routes.report(
                "SF514",
                f"`{host}` allows hosts of others: not{bare} ends like this, too",
                *place,
                severity="warning",
                expected=f"*.{bare}",
                hint=f"write *.{bare}, and {bare} beside it if that host is meant, too",
                replaced=rewritten(project.routes.span(*place), f'"*.{bare}"'),
            )


def _changes_nothing(project: Project, name: str, path: tuple[str, ...], why: str) -> Diagnostic:
    return project.routes.report(
        "SF518",
        f"this changes nothing: {why}",
        *("systems", name, *path),
        severity="warning",
        hint="a system can tighten what its adapter says, and never widen it",
    )
