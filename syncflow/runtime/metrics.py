"""Serve a run's counts to whoever watches it: /metrics for Prometheus, /healthz and /readyz for an orchestrator.

A few lines of HTTP of our own: three fixed answers need no framework, and a run that is not asked for metrics loads nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from syncflow.errors import UnavailableError
from syncflow.runtime.metric_names import METRICS
from syncflow.runtime.observe import RouteTally, SystemTally, Tally
from syncflow.sources.base import Lag

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
ROUTE_COUNTS = ("read", "ignored", "kept", "delivered", "already_done", "superseded", "unchanged", "dead", "retried")
SYSTEM_COUNTS = ("requests", "refused_for_rate")
SYSTEM_STATES = ("in_flight", "waiting", "retrying", "paused_seconds")
EVENT_COUNTS = ("read", "ignored", "duplicate", "dead", "routed")

_MOST_REQUEST_BYTES = 8_192
_PATIENCE_SECONDS = 5.0


class MetricsServer:
    """``tally`` is called for every look; ``ready`` says whether events are being taken."""

    def __init__(self, *, tally: Callable[[], Tally], ready: Callable[[], bool]) -> None:
        self._tally = tally
        self._ready = ready
        self._server: asyncio.Server | None = None
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(tally))
        self.port = 0

    async def open(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, which ``port`` then holds.

        Raises:
            UnavailableError: the address cannot be listened on.
        """
        try:
            self._server = await asyncio.start_server(self._answer, host, port, limit=_MOST_REQUEST_BYTES)
        except OSError as error:
            raise UnavailableError(
                f"metrics cannot be served on {host}:{port}: {error.strerror or error}", hint="choose another port"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening; safe to repeat."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._reply(head))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # whoever asked has gone, or sent no request: there is nobody to tell
        finally:
            writer.close()

    def _reply(self, head: bytes) -> bytes:
        method, path, *_ = [*head.split(b" ", 2), b"", b""]
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", b"only GET\n")
        reply = self._found(path)
        return reply if method == b"GET" else reply[: reply.index(b"\r\n\r\n") + 4]

    def _found(self, path: bytes) -> bytes:
        match path.split(b"?")[0]:
            case b"/metrics":
                return _response(
                    "200 OK", generate_latest(self._registry), kind="text/plain; version=0.0.4; charset=utf-8"
                )
            case b"/healthz":
                return _response("200 OK", b"alive\n")
            case b"/readyz":
                return (
                    _response("200 OK", b"ready\n")
                    if self._ready()
                    else _response("503 Service Unavailable", b"not ready\n")
                )
        return _response("404 Not Found", b"there are /metrics, /healthz and /readyz\n")


def _response(status: str, body: bytes, *, kind: str = "text/plain; charset=utf-8") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii") + body


class _Collector:
    """Turns the counts into Prometheus's families whenever they are asked for."""

    def __init__(self, tally: Callable[[], Tally]) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        tally = self._tally()
        events = _family("syncflow_events")
        for state in EVENT_COUNTS:
            events.add_metric([state], getattr(tally, state))
        yield events
        yield _single("syncflow_deliveries_open", tally.open)
        yield _single("syncflow_dead_letters", tally.dead_letters)
        requests = _family("syncflow_source_requests")
        for outcome, count in sorted(tally.source_requests.items()):
            requests.add_metric([outcome], count)
        yield requests
        yield from _lag_families(tally.source_lags)
        yield from _route_families(tally.routes)
        yield from _system_families(tally.systems)


def _family(name: str) -> Any:
    """A family of the catalogue, without values yet."""
    metric = METRICS[name]
    families = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    return families[metric.type](name, metric.help, labels=metric.labels)


def _single(name: str, value: float) -> Metric:
    family: Metric = _family(name)
    family.add_metric([], value)  # type: ignore[attr-defined]  # every family that the catalogue names has it
    return family


def _lag_families(lags: Mapping[str, Lag]) -> Iterator[Metric]:
    for unit in ("events", "bytes", "seconds"):
        family = _family(f"syncflow_source_lag_{unit}")
        for partition, lag in lags.items():
            value = getattr(lag, unit)
            if value is not None:
                family.add_metric([partition], value)
        yield family


def _route_families(routes: dict[str, RouteTally]) -> Iterator[Metric]:
    deliveries = _family("syncflow_deliveries")
    latency = _family("syncflow_delivery_seconds")
    unreadable = _family("syncflow_unreadable")
    for name, route in routes.items():
        for state in ROUTE_COUNTS:
            deliveries.add_metric([name, state], getattr(route, state))
        counts = [*map(float, route.latencies.buckets(BOUNDS)), float(route.latencies.count)]
        bounds = [*map(str, BOUNDS), "+Inf"]
        latency.add_metric([name], list(zip(bounds, counts, strict=True)), sum_value=route.latencies.sum)
        for field, count in route.unreadable.items():
            unreadable.add_metric([name, field], count)
    yield from (deliveries, latency, unreadable)


def _system_families(systems: dict[str, SystemTally]) -> Iterator[Metric]:
    for count in (*SYSTEM_COUNTS, *SYSTEM_STATES):
        family = _family(f"syncflow_system_{count}")
        for name, system in systems.items():
            family.add_metric([name], getattr(system, count))
        yield family
    limits = _family("syncflow_system_limit_requests")
    for name, system in systems.items():
        for window in system.windows:
            limits.add_metric([name, f"{window.per_seconds:g}", window.only], window.count)
    yield limits
    yield from _wait_families(systems)
    stopped = _family("syncflow_system_stopped")
    for name, system in systems.items():
        stopped.add_metric([name], float(bool(system.stopped)))
    yield stopped


def _wait_families(systems: dict[str, SystemTally]) -> Iterator[Metric]:
    """Who waits and by whose word, how much of each window is used, and the pace that refusals taught."""
    waits = _family("syncflow_system_wait_seconds")
    used = _family("syncflow_system_limit_used")
    pace = _family("syncflow_system_pace")
    for name, system in systems.items():
        if system.wait_seconds:
            waits.add_metric([name, system.wait_by], system.wait_seconds)
        for window, share in zip(system.windows, system.used, strict=False):
            used.add_metric([name, f"{window.per_seconds:g}", window.only], share)
        pace.add_metric([name], system.pace)
    yield from (waits, used, pace)
