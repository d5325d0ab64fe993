"""From the settings of a project and the variables OTEL_* to traces of a run, or to none."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import syncflow
from syncflow.clock import Clock, SystemClock
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.traces import TraceSettings
from syncflow.config.trace_settings import HINT, are_wanted, has_traces
from syncflow.runtime.observe import warn
from syncflow.runtime.run_name import RunName

if TYPE_CHECKING:
    from syncflow.runtime.traces.spans import Traces

SAMPLE = 0.05
"""The share that is traced by default."""


@asynccontextmanager
async def tracing(
    routes: RoutesFile,
    *,
    name: RunName,
    project: str,
    environment: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> AsyncIterator[Traces | None]:
    """Give the traces of a run, None where none is wanted; at the end wait a moment for the collector.

    Variables alone do not make a run fail: they are often set for a whole machine.
    """
    if not are_wanted(routes, environment):
        yield None
        return
    if not has_traces():
        warn("traces.off", reason="packages are not installed", hint=HINT)
        yield None
        return
    # Lazily: these load OpenTelemetry.
    from syncflow.runtime.traces.collector import Chance, Collector  # noqa: PLC0415
    from syncflow.runtime.traces.spans import Traces  # noqa: PLC0415

    settings = routes.traces or TraceSettings()
    decided = settings.sample is None and environment.get("OTEL_TRACES_SAMPLER")
    collector = Collector(
        url=None if settings.to is None else _whole(settings.to),
        headers=settings.headers,
        sampler=None if decided else Chance(SAMPLE if settings.sample is None else settings.sample),
        about=_about(name, project, environment),
    )
    tracer = collector.provider.get_tracer("syncflow", syncflow.__version__)
    try:
        yield Traces(tracer, clock=clock or SystemClock(), propagate=frozenset(settings.propagate))
    finally:
        collector.close()


def _whole(url: str) -> str:
    """Return the address of a collector with its path: that of OTLP where it has none."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1/traces"


def _about(name: RunName, project: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the resource's attributes; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME come before them."""
    given = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    named = "service.name" in given or environment.get("OTEL_SERVICE_NAME")
    found = {
        "service.version": syncflow.__version__,
        "service.instance.id": name.worker,
        "syncflow.run": name.run,
        "syncflow.project": project,
    }
    return found if named else {"service.name": "syncflow", **found}
