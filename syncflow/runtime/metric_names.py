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


def _histogram(name: str, text: str, *labels: str) -> MetricName:
    return MetricName(name=name, type="histogram", help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> MetricName:
    return MetricName(name=name, type="gauge", help=text, labels=labels)


METRICS: dict[str, MetricName] = {
    metric.name: metric
    for metric in (
        _counter("syncflow_events", "Events by what became of them.", "state"),
        _gauge("syncflow_build_info", "1; its labels say which syncflow runs, on which Python.", "version", "python"),
        _gauge(
            "syncflow_run_info",
            "1; its labels name the run, as `status` and each line of a log of JSON do, and the worker: SYNCFLOW_WORKER, else machine and "
            "process.",
            "run",
            "worker",
        ),
        _gauge("syncflow_deliveries_open", "Deliveries that are not settled."),
        _counter("syncflow_dead_letters", "Dead letters of this run."),
        _counter("syncflow_deliveries", "Deliveries by route and state.", "route", "state"),
        _counter("syncflow_adopted", "Records that had been there already and were adopted, by route.", "route"),
        _histogram("syncflow_delivery_seconds", "From read to delivered.", "route"),
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
        _gauge(
            "syncflow_slot_lag_bytes",
            "Bytes of its log that a server keeps for a replication slot, read or not.",
            "slot",
        ),
        _counter(
            "syncflow_source_reports",
            "What a source had to say, by kind: guarded, failed, missed, lost, behind and others.",
            "kind",
        ),
        _counter("syncflow_system_requests", "Requests that a system was sent.", "system"),
        _counter(
            "syncflow_system_refused_for_rate", "Requests that a system refused because they were too many.", "system"
        ),
        _gauge("syncflow_system_in_flight", "Requests of a system that wait for an answer now.", "system"),
        _gauge("syncflow_system_waiting", "Deliveries of a system that wait to be sent now.", "system"),
        _gauge("syncflow_system_retrying", "Deliveries of a system that wait to be tried again now.", "system"),
        _gauge(
            "syncflow_system_referring",
            "Deliveries of a system that wait for other records to be there first (after), or stand behind one that does.",
            "system",
        ),
        _gauge(
            "syncflow_system_referring_seconds",
            "How long ago the event was read that was the first to wait for other records; 0 where none waits.",
            "system",
        ),
        _gauge("syncflow_system_jobs", "Jobs of a system that are open now.", "system"),
        _gauge("syncflow_system_paused_seconds", "Seconds for which nothing is sent to a system.", "system"),
        _gauge(
            "syncflow_system_limit_requests",
            "Highest number of requests of a system within that number of seconds; `only` names the group, empty means all.",
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
        _gauge(
            "syncflow_system_parked",
            "1 while everything that a system is sent fails, so that it is only probed.",
            "system",
        ),
        _gauge(
            "syncflow_paused",
            "1 while a person has paused a system or a route: what says which of the two.",
            "what",
            "name",
        ),
        _histogram(
            "syncflow_request_seconds",
            "From the start of a request to the end of its answer, by the operation for whose sake it was sent (sign-ins and look-ups "
            "too) and by how it ended: 2xx to 5xx, 429, broken, no_answer, not_sent.",
            "system",
            "operation",
            "outcome",
        ),
        _histogram(
            "syncflow_limiter_wait_seconds",
            "Waits for limits, by cause: window, pause, pace or in_flight. What need not wait is not counted.",
            "system",
            "cause",
        ),
        _histogram(
            "syncflow_journal_commit_seconds",
            "Writes to the journal until they are durable: commit is a chunk of events, settle a group of outcomes.",
            "write",
        ),
        _gauge("syncflow_journal_bytes", "Bytes of the disk that the journal takes."),
        _gauge(
            "syncflow_oldest_open_seconds",
            "Age of the oldest delivery of a system that is not settled, of earlier runs too; 0 where none is open.",
            "system",
        ),
        _gauge(
            "syncflow_workers",
            "Workers that share the journal and are alive: working, or waiting (another version of the project, or ending).",
            "state",
        ),
        _gauge(
            "syncflow_worker_share",
            "1 for each share that this worker holds: reading, or system and its name.",
            "share",
        ),
        _gauge("syncflow_shares_unheld", "Shares that no living worker holds."),
        _counter(
            "syncflow_worker_takeovers",
            "Shares that this worker took from one that did not let go: killed, or silent for too long.",
        ),
        _counter(
            "syncflow_worker_claims_lost",
            "Shares of this worker that another took; what it wrote after that was refused.",
        ),
        _gauge("syncflow_worker_silent_seconds", "Since this worker renewed its claims, which end after ten seconds."),
        _gauge(
            "syncflow_dead_letters_open",
            "Dead letters of all runs that are not yet redriven or dropped.",
            "route",
            "code",
        ),
    )
}
