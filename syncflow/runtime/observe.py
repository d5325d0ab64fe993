"""What a run counts. Plain numbers, written by the tasks of one loop, read at any time; no personal data, no event's content."""

from __future__ import annotations

import bisect
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from syncflow.compiler.wire.system import Window
from syncflow.sources.base import Lag, Report

log = logging.getLogger("syncflow")

_BOUNDS = tuple(0.001 * 1.15**step for step in range(140))
"""Upper bounds of latency buckets in seconds: 1 ms to days, each 15 % wider, so that a percentile is right within 15 %."""


ANSWERED = frozenset({"accepted", "handshake"})
"""How requests to a source end that were not refused."""


class Latencies:
    """Seconds, in buckets: bounded memory however long the run."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self.count = 0
        self.sum = 0.0

    def add(self, seconds: float, *, times: int = 1) -> None:
        """Note what took so long, ``times`` times."""
        self._counts[bisect.bisect_left(_BOUNDS, seconds)] += times
        self.count += times
        self.sum += seconds * times

    def percentile(self, share: float) -> float | None:
        """Return an upper bound of this share of all, or None if there is none."""
        wanted = share * self.count
        reached = 0
        for bound, count in zip((*_BOUNDS, _BOUNDS[-1]), self._counts, strict=True):
            reached += count
            if count and reached >= wanted:
                return bound
        return None

    def buckets(self, bounds: tuple[float, ...]) -> list[int]:
        """Return how many were at most each of these bounds."""
        return [sum(self._counts[: bisect.bisect_right(_BOUNDS, bound)]) for bound in bounds]


@dataclass(slots=True)
class RouteTally:
    """Counts of one route's deliveries."""

    read: int = 0
    ignored: int = 0
    kept: int = 0
    delivered: int = 0
    already_done: int = 0
    superseded: int = 0
    unchanged: int = 0
    dead: int = 0
    retried: int = 0
    adopted: int = 0
    """Of those delivered: records that were there already under no key, and got ours."""
    unreadable: dict[str, int] = field(default_factory=dict)
    """How many records had a value that a conversion could not read, by field."""
    latencies: Latencies = field(default_factory=Latencies)


@dataclass(slots=True)
class SystemTally:
    """Counts of one system, and how it stands."""

    requests: int = 0
    refused_for_rate: int = 0
    in_flight: int = 0
    waiting: int = 0
    retrying: int = 0
    jobs: int = 0
    """Jobs that are open."""
    referring: int = 0
    """Deliveries that wait for other records to be there first (``after``), or stand behind one that does."""
    referring_since: float = 0.0
    """When the event was read of the one that was the first to wait so, in wall seconds; 0 where none waits."""
    paused_seconds: float = 0.0
    wait_seconds: float = 0.0
    """How much longer nothing that is ready can be sent."""
    waits_until: float = 0.0
    """The same in wall seconds; 0 where it does not wait."""
    wait_by: str = ""
    """By whose word it waits: ``Retry-After``, a line of the adapter, ``window 60/60s only: deletion``, ``breaker``, ``pace``."""
    pace: float = 0.0
    """Requests a second that refusals taught; 0 where nothing was refused."""
    used: tuple[float, ...] = ()
    """The share of each of ``windows`` that is used."""
    stopped: str = ""
    parked: bool = False
    """Whether everything that it is sent fails: it is only probed."""
    unreachable: str = ""
    """Why the last request got no answer that says anything of a record; empty once one did."""
    paused: str = ""
    """By whom the system, or some of its routes, were paused, and why; empty where nothing is."""
    silent: bool = False
    """Whether nothing at all is sent to it because of that."""
    held_back: int = 0
    """Where it is silent: how many deliveries wait in the journal, as far as they were counted."""
    windows: tuple[Window, ...] = ()
    """Its limits: this many requests within this many seconds."""

    def show_silence(self) -> None:
        """Note that nothing is sent to it: what it did before is not true any more."""
        self.in_flight = self.retrying = self.jobs = self.referring = 0
        self.paused_seconds = self.wait_seconds = self.waits_until = self.referring_since = 0.0
        self.stopped = self.unreachable = self.wait_by = ""
        self.parked, self.silent, self.waiting = False, True, self.held_back


@dataclass(slots=True)
class WorkerTally:
    """How a worker stands among those that share its journal."""

    holds: tuple[str, ...] = ()
    """Its shares, by their names: ``reading``, ``system crm``."""
    working: int = 0
    """Workers that are alive and have something to do or may have, this one included."""
    waiting: int = 0
    """Workers that are alive and hold nothing: they have another version of the project, or are ending."""
    unheld: int = 0
    """Shares that no living worker holds."""
    takeovers: int = 0
    """Shares that it took from workers that did not let go: killed, or silent for too long."""
    lost: int = 0
    """Its shares that others took: what it wrote after that was refused."""
    silent_seconds: float = 0.0
    """Since its claims were last renewed; they end after ten seconds."""


@dataclass(slots=True)
class Tally:
    """All counts of a run."""

    read: int = 0
    read_bytes: int = 0
    ignored: int = 0
    duplicate: int = 0
    dead: int = 0
    routed: int = 0
    failed: int = 0
    """Dead letters made before a delivery was: an event may fail on one route and be taken by another."""
    open: int = 0
    """Deliveries that are not settled, those of earlier runs included."""
    postponed: int = 0
    """Events that are kept to be mapped again, because their systems have stopped; at the end of a run they count as open."""
    withheld: int = 0
    """At the end of a run of some routes only: open deliveries of the others, which are not counted as open."""
    carried_over: int = 0
    """Deliveries that an earlier run left open."""
    redriven: int = 0
    """Dead letters and journaled events that were sent again because a person asked for it."""
    set_aside: int = 0
    """RunOptions to send something again that this program cannot carry out; the journal keeps them, with the reason."""
    abandoned: int = 0
    """Deliveries of routes or systems that are gone: dead letters program_changed."""
    source_reports: deque[Report] = field(default_factory=lambda: deque(maxlen=100))
    """What the source had to say of itself, the last hundred."""
    source_report_counts: dict[str, int] = field(default_factory=dict)
    """How much the source had to say of itself, by kind."""
    source_requests: Mapping[str, int] = field(default_factory=dict)
    source_lags: Mapping[str, Lag] = field(default_factory=dict)
    """How many requests of others to the source ended how."""
    pauses: tuple[tuple[str, str], ...] = ()
    """What people paused: system or route, and its name."""
    held: dict[str, str] = field(default_factory=dict)
    """Routes that sent nothing, with the guard that held them."""
    routes: dict[str, RouteTally] = field(default_factory=dict)
    systems: dict[str, SystemTally] = field(default_factory=dict)
    worker: WorkerTally | None = None
    """None of a run that has its journal for itself."""

    def route(self, name: str) -> RouteTally:
        found = self.routes.get(name)
        if found is None:
            found = self.routes[name] = RouteTally()
        return found

    def system(self, name: str) -> SystemTally:
        return self.systems.setdefault(name, SystemTally())

    @property
    def event_bytes(self) -> float:
        """The mean size of the events read; 0 before the first."""
        return self.read_bytes / self.read if self.read else 0.0

    @property
    def dead_letters(self) -> int:
        return self.failed + self.abandoned + sum(route.dead for route in self.routes.values())

    @property
    def accounted(self) -> bool:
        """Whether every event that was read has an end or a delivery."""
        return self.read == self.ignored + self.duplicate + self.dead + self.routed

    @property
    def unread(self) -> bool:
        """Whether something of the source was not read, and will not be by itself."""
        return any(report.kind in {"missed", "left", "guarded", "failed"} for report in self.source_reports)

    def as_json(self) -> Mapping[str, Any]:
        """Return everything as JSON values; latencies as p50 and p95 in seconds."""
        routes = {
            name: {key: value for key, value in _fields(tally).items() if key != "latencies"}
            | {"p50_seconds": tally.latencies.percentile(0.5), "p95_seconds": tally.latencies.percentile(0.95)}
            for name, tally in sorted(self.routes.items())
        }
        events = {key: getattr(self, key) for key in ("read", "ignored", "duplicate", "dead", "routed")}
        return {
            "events": events,
            "open": self.open,
            "postponed": self.postponed,
            "withheld": self.withheld,
            "carried_over": self.carried_over,
            "redriven": self.redriven,
            "set_aside": self.set_aside,
            "dead_letters": self.dead_letters,
            "accounted": self.accounted,
            "held": dict(self.held),
            "source": [asdict(report) for report in self.source_reports],
            "source_requests": dict(sorted(self.source_requests.items())),
            "source_lags": {name: asdict(lag) for name, lag in sorted(self.source_lags.items())},
            "pauses": [{"what": what, "name": name} for what, name in self.pauses],
            "routes": routes,
            "systems": {name: asdict(tally) for name, tally in sorted(self.systems.items())},
        }


def _fields(tally: RouteTally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in RouteTally.__slots__}


def note(event: str, /, **fields: object) -> None:
    """Log a constant name with fields: ``delivery.dead system=crm code=…``."""
    log.info(event, extra={"fields": fields})


def warn(event: str, /, **fields: object) -> None:
    """The same, for what a person should see."""
    log.warning(event, extra={"fields": fields})
