"""The metrics of a run: their names, what they count, and their labels, in one place for ``/metrics`` and for the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class MetricName:
    """``name`` as Prometheus's client takes it; a counter is exposed with ``_total`` behind it."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    @property
    def exposed(self) -> str:
        """The name under which it is asked for."""
        return f"{self.name}_total" if self.type == "counter" else self.name


def _counter(name: str, text: str, *labels: str) -> MetricName:
    return MetricName(name=name, type="counter", help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> MetricName:
    return MetricName(name=name, type="gauge", help=text, labels=labels)


METRICS: dict[str, MetricName] = {
    metric.name: metric
    for metric in (
        _counter("syncflow_events", "Events by what became of them.", "state"),
        _gauge("syncflow_deliveries_open", "Deliveries that are not settled."),
        _counter("syncflow_dead_letters", "Dead letters of this run."),
        _counter("syncflow_deliveries", "Deliveries by route and state.", "route", "state"),
        MetricName(
            name="syncflow_delivery_seconds", type="histogram", help="From read to delivered.", labels=("route",)
        ),
        _counter(
            "syncflow_unreadable", "Values that a conversion could not read, by route and field.", "route", "field"
        ),
        _counter(
            "syncflow_source_requests",
            "Requests to a webhook: accepted, handshake, or why they were refused.",
            "outcome",
        ),
        _gauge(
            "syncflow_source_lag_events", "Events that are there and not read yet, where a source knows.", "partition"
        ),
        _gauge(
            "syncflow_source_lag_bytes", "Bytes that are there and not read yet, where a source knows.", "partition"
        ),
        _gauge("syncflow_source_lag_seconds", "How old the event is that was read last.", "partition"),
        _counter("syncflow_system_requests", "Requests that a system was sent.", "system"),
        _counter(
            "syncflow_system_refused_for_rate", "Requests that a system refused because they were too many.", "system"
        ),
        _gauge("syncflow_system_in_flight", "Requests of a system that wait for an answer now.", "system"),
        _gauge("syncflow_system_waiting", "Deliveries of a system that wait to be sent now.", "system"),
        _gauge("syncflow_system_retrying", "Deliveries of a system that wait to be tried again now.", "system"),
        _gauge("syncflow_system_paused_seconds", "Seconds for which nothing is sent to a system.", "system"),
        _gauge(
            "syncflow_system_limit_requests",
            "Most requests of a system within so many seconds; only says of which group, all where it is empty.",
            "system",
            "seconds",
            "only",
        ),
        _gauge(
            "syncflow_system_wait_seconds",
            "Seconds until a system may be sent to again; cause says by whose word it waits.",
            "system",
            "cause",
        ),
        _gauge("syncflow_system_limit_used", "Share of a limit that is used now.", "system", "seconds", "only"),
        _gauge("syncflow_system_pace", "Requests a second that refusals taught; 0 for none.", "system"),
        _gauge("syncflow_system_stopped", "1 where a system was stopped.", "system"),
    )
}
