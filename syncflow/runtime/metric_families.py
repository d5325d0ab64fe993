"""A run's counts as Prometheus's families. No label holds a value of a record: vendors' codes are shown only where they look like codes."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

import syncflow
from syncflow.runtime.desk.gauges import Gauges
from syncflow.runtime.desk.masking import OTHER, plain_code
from syncflow.runtime.measures import Measures
from syncflow.runtime.metric_names import METRICS
from syncflow.runtime.observe import Latencies, RouteTally, SystemTally, Tally, WorkerTally
from syncflow.runtime.run_name import NAMELESS, RunName
from syncflow.sources.base import Lag, ReportKind

DELIVERY_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
WAIT_BOUNDS = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)
WRITE_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

ROUTE_COUNTS = ("read", "ignored", "kept", "delivered", "already_done", "superseded", "unchanged", "dead", "retried")
SYSTEM_COUNTS = ("requests", "refused_for_rate")
SYSTEM_STATES = ("in_flight", "waiting", "retrying", "referring", "jobs", "paused_seconds")
EVENT_COUNTS = ("read", "ignored", "duplicate", "dead", "routed")

_MOST_CODES = 200


class RunCollector:
    """Turns the counts into Prometheus's families whenever they are asked for.

    ``measures``: how long things took; ``now``: wall seconds. ``gauges``: what the journal held when it was last asked, None where that is
    not known.
    """

    def __init__(
        self,
        tally: Callable[[], Tally],
        *,
        measures: Measures | None = None,
        gauges: Callable[[], Gauges | None] = lambda: None,
        now: Callable[[], float] = lambda: 0.0,
        name: RunName = NAMELESS,
    ) -> None:
        self._tally = tally
        self._measures = measures
        self._gauges = gauges
        self._now = now
        self._name = name

    def collect(self) -> Iterator[Metric]:
        tally = self._tally()
        build = _family("syncflow_build_info")
        build.add_metric([syncflow.__version__, platform.python_version()], 1.0)
        yield build
        if self._name.run:
            named = _family("syncflow_run_info")
            named.add_metric([*self._name], 1.0)
            yield named
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
        reports = _family("syncflow_source_reports")
        for kind in sorted(
            get_args(ReportKind)
        ):  # those that did not come are 0: a counter that begins at 1 has not increased
            reports.add_metric([kind], tally.source_report_counts.get(kind, 0))
        yield reports
        yield from _lag_families(tally.source_lags)
        yield from _route_families(tally.routes)
        yield from _system_families(tally.systems, now=self._now())
        paused = _family("syncflow_paused")
        for what, name in tally.pauses:
            paused.add_metric([what, name], 1.0)
        yield paused
        if tally.worker is not None:
            yield from _worker_families(tally.worker)
        if self._measures is not None:
            yield from _measured_families(self._measures)
        gauges = self._gauges()
        if gauges is not None:
            yield from _journal_families(gauges, systems=tally.systems, now=self._now())


def _worker_families(worker: WorkerTally) -> Iterator[Metric]:
    workers = _family("syncflow_workers")
    for state in ("working", "waiting"):
        workers.add_metric([state], getattr(worker, state))
    shares = _family("syncflow_worker_share")
    for share in worker.holds:
        shares.add_metric([share], 1.0)
    yield from (workers, shares)
    yield _single("syncflow_shares_unheld", worker.unheld)
    yield _single("syncflow_worker_takeovers", worker.takeovers)
    yield _single("syncflow_worker_claims_lost", worker.lost)
    yield _single("syncflow_worker_silent_seconds", worker.silent_seconds)


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
    slots = _family("syncflow_slot_lag_bytes")
    for slot, lag in lags.items():
        if lag.slot_bytes is not None:
            slots.add_metric([slot], lag.slot_bytes)
    yield slots


def _route_families(routes: dict[str, RouteTally]) -> Iterator[Metric]:
    deliveries = _family("syncflow_deliveries")
    latency = _family("syncflow_delivery_seconds")
    unreadable, adopted = _family("syncflow_unreadable"), _family("syncflow_adopted")
    for name, route in routes.items():
        for state in ROUTE_COUNTS:
            deliveries.add_metric([name, state], getattr(route, state))
        _add_latencies(latency, [name], route.latencies, bounds=DELIVERY_BOUNDS)
        adopted.add_metric([name], route.adopted)
        for field, count in route.unreadable.items():
            unreadable.add_metric([name, field], count)
    yield from (deliveries, latency, unreadable, adopted)


def _system_families(systems: dict[str, SystemTally], *, now: float) -> Iterator[Metric]:
    for count in (*SYSTEM_COUNTS, *SYSTEM_STATES):
        family = _family(f"syncflow_system_{count}")
        for name, system in systems.items():
            family.add_metric([name], getattr(system, count))
        yield family
    referring = _family("syncflow_system_referring_seconds")
    for name, system in systems.items():
        referring.add_metric([name], max(0.0, now - system.referring_since) if system.referring_since else 0.0)
    yield referring
    limits = _family("syncflow_system_limit_requests")
    for name, system in systems.items():
        for window in system.windows:
            limits.add_metric([name, f"{window.per_seconds:g}", window.only], window.count)
    yield limits
    yield from _wait_families(systems)
    stopped, parked = _family("syncflow_system_stopped"), _family("syncflow_system_parked")
    for name, system in systems.items():
        stopped.add_metric([name], float(bool(system.stopped)))
        parked.add_metric([name], float(system.parked))
    yield from (stopped, parked)


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


def _measured_families(measures: Measures) -> Iterator[Metric]:
    """How long requests, waits for limits and writes to the journal took."""
    requests, waits = _family("syncflow_request_seconds"), _family("syncflow_limiter_wait_seconds")
    for name, system in measures.systems.items():
        for (operation, outcome), latencies in system.requests.items():
            _add_latencies(requests, [name, operation, outcome], latencies, bounds=REQUEST_BOUNDS)
        for cause, latencies in system.waits.items():
            _add_latencies(waits, [name, cause], latencies, bounds=WAIT_BOUNDS)
    writes = _family("syncflow_journal_commit_seconds")
    for call, latencies in measures.writes.items():
        _add_latencies(writes, [call], latencies, bounds=WRITE_BOUNDS)
    yield from (requests, waits, writes)


def _add_latencies(family: Any, labels: list[str], latencies: Latencies, *, bounds: tuple[float, ...]) -> None:
    counts = [*map(float, latencies.buckets(bounds)), float(latencies.count)]
    named = [*map(str, bounds), "+Inf"]
    family.add_metric(labels, list(zip(named, counts, strict=True)), sum_value=latencies.sum)


def _journal_families(gauges: Gauges, *, systems: Mapping[str, SystemTally], now: float) -> Iterator[Metric]:
    """What the journal holds, of earlier runs too."""
    oldest = _family("syncflow_oldest_open_seconds")
    for name in sorted({*systems, *gauges.oldest_open}):
        since = gauges.oldest_open.get(name)
        oldest.add_metric([name], 0.0 if since is None else max(0.0, now - since))
    letters = _family("syncflow_dead_letters_open")
    for (route, code), count in _letters_by_code(gauges.dead_letters).items():
        letters.add_metric([route, code], count)
    yield from (oldest, letters, _single("syncflow_journal_bytes", gauges.disk_bytes))


def _letters_by_code(letters: Mapping[tuple[str, str], int]) -> Counter[tuple[str, str]]:
    """Count what does not look like a code, and what is one too many, as ``other``."""
    found: Counter[tuple[str, str]] = Counter()
    for (route, code), count in letters.items():
        is_shown = plain_code(code) == code and ((route, code) in found or len(found) < _MOST_CODES)
        found[route, code if is_shown else OTHER] += count
    return found
