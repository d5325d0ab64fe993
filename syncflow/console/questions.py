"""What the console says of a project as a whole: out of what the journal and a run counted. Pure.

A number never stands alone: each has a link to the page that lists what it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from syncflow.console.words import segment
from syncflow.runtime.journal.base import OPEN
from syncflow.runtime.observe import SystemTally, Tally
from syncflow.runtime.pauses import What

Row = Mapping[str, Any]
RunState = Literal["running", "ended", "stopped", "failed", "killed", "never"]
Level = Literal["act", "wait", "know"]
Condition = Literal["flows", "idle", "waiting", "parked", "stopped", "paused"]


@dataclass(frozen=True, slots=True)
class Run:
    """The run that goes on, or the last one."""

    state: RunState
    since: float | None = None
    until: float | None = None
    why: str = ""
    """Why it ended before its work was done."""
    name: str = ""
    """What it is called in the log, on /metrics and in exports; empty for one of an earlier version."""
    worker: str = ""
    """Which worker it is, or was: a process of a machine, or SYNCFLOW_WORKER."""


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One of several workers that share the journal."""

    name: str
    since: float
    holds: Sequence[str] = ()
    """``reading``, and the systems that it sends to."""
    waits: str = ""
    """Why it holds nothing; empty where it works."""
    silent_seconds: float | None = None
    """Since when its claims have ended; None where it lives."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a system, and the share of it that is used now."""

    requests: int
    per_seconds: float
    only: str = ""
    used: float = 0.0


@dataclass(frozen=True, slots=True)
class SystemView:
    """How a system stands."""

    name: str
    condition: Condition
    reason: str = ""
    by: str = ""
    since: float | None = None
    until: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """Deliveries by state."""
    oldest_at: float | None = None
    next_try_at: float | None = None
    referring: Sequence[Row] = ()
    """Who waits for which records that are not there yet, the oldest first."""
    routes: Sequence[str] = ()
    adapter: str = ""
    paused_routes: Sequence[str] = ()
    is_live: bool = False
    """Whether the rest is known: only in a run."""
    limits: Sequence[Limit] = ()
    in_flight: int = 0
    requests: int = 0
    refused_for_rate: int = 0
    pace: float = 0.0

    @property
    def open(self) -> int:
        return sum(self.counts.get(state, 0) for state in OPEN)


@dataclass(frozen=True, slots=True)
class RouteView:
    """One route: where it leads, and what became of its deliveries."""

    name: str
    kind: str = ""
    system: str = ""
    object: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    """Open dead letters, those that never became a delivery included."""
    pause: Row | None = None
    """Who paused it, why and since when; None where it sends."""
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """Field → how many values could not be read."""

    @property
    def open(self) -> int:
        return sum(self.counts.get(state, 0) for state in OPEN)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to know or do; the most urgent first."""

    level: Level
    words: str
    link: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """A project on one page."""

    run: Run
    events: Mapping[str, int]
    deliveries: Mapping[str, int]
    dead_letters: int
    marked: int
    sources: Sequence[Row]
    source_requests: Mapping[str, int]
    systems: Sequence[SystemView]
    routes: Sequence[RouteView]
    workers: Sequence[WorkerView] = ()
    advice: Sequence[Advice] = ()

    @property
    def open(self) -> int:
        return sum(self.deliveries.get(state, 0) for state in OPEN)


def overview(totals: Row, places: Sequence[Row], tally: Tally | None, *, now: float) -> Overview:
    """Return the overview; ``tally`` are the counts of the run that the console is part of, None beside one or without one."""
    found = Overview(
        run=_run(totals),
        events=totals["events"],
        deliveries=_by_state(totals["deliveries"]),
        dead_letters=sum(row["count"] for row in totals["dead_letters"]),
        marked=totals["marked"],
        sources=totals["source_lags"],
        source_requests=totals["source_requests"],
        systems=systems(totals, places, tally),
        routes=routes(totals, places),
        workers=[_worker(row) for row in totals.get("workers", ())],
    )
    return Overview(
        **{name: getattr(found, name) for name in found.__slots__} | {"advice": tuple(_advice(found, totals, now))}
    )


def systems(totals: Row, places: Sequence[Row], tally: Tally | None) -> list[SystemView]:
    """Return how every system stands, in order of their names."""
    live = {} if tally is None else tally.systems
    named = {row["system"] for row in (*places, *totals["deliveries"], *totals["queues"], *totals["standings"])} | set(
        live
    )
    return [_system(name, totals, places, live.get(name)) for name in sorted(named) if name]


def _system(name: str, totals: Row, places: Sequence[Row], live: SystemTally | None) -> SystemView:
    counts = _by_state(row for row in totals["deliveries"] if row["system"] == name)
    queue: Row = next((row for row in totals["queues"] if row["system"] == name), {})
    stands = next((row for row in totals["standings"] if row["system"] == name), None)
    mine = [row for row in places if row["system"] == name]
    is_open = any(counts.get(state, 0) for state in OPEN)
    idle: Condition = "flows" if is_open and totals["running"] else "idle"
    pause = _pause_of(totals, "system", name)
    if pause is not None:
        stands = {"state": "paused", "reason": pause["why"], "by": pause["by"], "since": pause["at"], "until": None}
    return SystemView(
        name=name,
        condition=stands["state"] if stands else idle,
        reason=stands["reason"] if stands else "",
        by=stands["by"] if stands else "",
        since=stands["since"] if stands else None,
        until=stands["until"] if stands else None,
        counts=counts,
        oldest_at=queue.get("oldest_at"),
        next_try_at=queue.get("next_try_at"),
        referring=[row for row in totals.get("referring", ()) if row["system"] == name],
        routes=sorted(row["route"] for row in mine),
        adapter=mine[0]["adapter"] if mine else "",
        paused_routes=sorted(row["route"] for row in mine if _pause_of(totals, "route", row["route"])),
        **_live(live),
    )


def _pause_of(totals: Row, what: What, name: str) -> Row | None:
    return next((row for row in totals["pauses"] if (row["what"], row["name"]) == (what, name)), None)


def _live(live: SystemTally | None) -> dict[str, Any]:
    if live is None:
        return {}
    used = [*live.used, *[0.0] * len(live.windows)]
    return {
        "is_live": True,
        "limits": tuple(
            Limit(window.count, window.per_seconds, window.only, min(1.0, share))
            for window, share in zip(live.windows, used, strict=False)
        ),
        "in_flight": live.in_flight,
        "requests": live.requests,
        "refused_for_rate": live.refused_for_rate,
        "pace": live.pace,
    }


def routes(totals: Row, places: Sequence[Row]) -> list[RouteView]:
    """Return every route that the journal knows, in order of their names."""
    leads = {row["route"]: row for row in places}
    named = {row["route"] for row in (*totals["deliveries"], *totals["unreadable"])} | set(leads)
    return [_route(name, leads.get(name, {}), totals) for name in sorted(named) if name]


def _route(name: str, place: Row, totals: Row) -> RouteView:
    mine = [row for row in totals["deliveries"] if row["route"] == name]
    return RouteView(
        name=name,
        kind=place.get("kind", ""),
        system=place.get("system") or (mine[0]["system"] if mine else ""),
        object=place.get("object", ""),
        counts=_by_state(mine),
        pause=_pause_of(totals, "route", name),
        dead_letters=sum(row["count"] for row in totals["dead_letters"] if row["route"] == name),
        unreadable={row["field"]: row["count"] for row in totals["unreadable"] if row["route"] == name},
    )


def _by_state(rows: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + row["count"]
    return counts


def _run(totals: Row) -> Run:
    last = totals["last_run"]
    if last is None:
        return Run("never")
    named = {"name": last.get("run", ""), "worker": last.get("worker", "")}
    if totals["running"] and last["ended_at"] is None:
        return Run("running", last["started_at"], **named)
    if last["ended_at"] is None:
        return Run("killed", last["started_at"], **named)
    ending = last["ending"] or {"how": "done" if last["finished"] else "error", "reason": ""}
    states: dict[str, RunState] = {"done": "ended", "stopped": "stopped", "error": "failed"}
    state = states.get(ending["how"], "ended")
    return Run(state, last["started_at"], last["ended_at"], ending.get("reason", ""), **named)


def _worker(row: Row) -> WorkerView:
    shares = [share.removeprefix("system ") for share in row["holds"]]
    held = sorted(shares, key=lambda share: (share != "reading", share))
    return WorkerView(row["name"].partition(",")[0], row["since"], held, row["waits"], row["silent"])


def _advice(found: Overview, totals: Row, now: float) -> Iterator[Advice]:
    """Yield what a person could do next, what needs them first; that nothing has to be done is said too."""
    said = [
        *_about_systems(found),
        *_about_routes(found),
        *_about_run(found),
        *_about_letters(found, totals),
        *_about_sources(found, now),
    ]
    yield from sorted(said, key=lambda advice: advice.level != "act")
    if not said:
        yield Advice("know", "Nothing has to be done: everything that was read is delivered or explained.")


def _about_systems(found: Overview) -> Iterator[Advice]:
    for system in found.systems:
        link = f"/systems/{system.name}"
        why = f": {system.reason}" if system.reason else ""
        if system.condition == "stopped":
            yield Advice(
                "act",
                f"{system.name} has stopped{why}. Its {system.open:,} open deliveries wait; mend the cause, then start a run.",
                link,
            )
        elif system.condition == "paused":
            yield Advice(
                "wait",
                f"{system.name} is paused by {system.by}{why}. Its {system.open:,} open deliveries wait until it is resumed.",
                link,
                f"syncflow resume {system.name}",
            )
        elif system.condition == "parked":
            yield Advice(
                "wait", f"{system.name} is parked{why}. It is tried again by itself; nothing is lost meanwhile.", link
            )
        elif system.condition == "waiting":
            yield Advice(
                "wait", f"{system.name} waits{f' (by {system.by})' if system.by else ''}; it goes on by itself.", link
            )
        if system.referring:
            yield Advice("wait", f"In {system.name} records wait for others that are not there yet (after).", link)


def _about_routes(found: Overview) -> Iterator[Advice]:
    for route in found.routes:
        if route.pause is not None:
            why = f": {route.pause['why']}" if route.pause["why"] else ""
            yield Advice(
                "wait",
                f"The route {route.name} is paused by {route.pause['by']}{why}. Its {route.open:,} open deliveries wait.",
                f"/routes/{segment(route.name)}",
                f"syncflow resume --route {route.name}",
            )


def _about_run(found: Overview) -> Iterator[Advice]:
    run = found.run
    if run.state == "never":
        yield Advice("act", "Nothing has been run yet.", command="syncflow run")
    elif run.state == "killed":
        yield Advice(
            "act", "The last run was killed. The next one goes on where the journal ends.", command="syncflow run"
        )
    elif run.state == "failed":
        yield Advice(
            "act", f"The last run ended with an error{f': {run.why}' if run.why else ''}.", command="syncflow run"
        )
    elif run.state != "running" and found.open:
        yield Advice(
            "act",
            f"No run is going on, and {found.open:,} deliveries are open.",
            "/deliveries?state=waiting",
            "syncflow run --drain",
        )


def _about_letters(found: Overview, totals: Row) -> Iterator[Advice]:
    if found.dead_letters:
        top = max(totals["dead_letters"], key=lambda row: row["count"])
        noun = "dead letter" if found.dead_letters == 1 else "dead letters"
        yield Advice(
            "act",
            f"{found.dead_letters:,} {noun}, most often {top['code']}: look at the cause, mend it, then redrive.",
            "/dead-letters",
        )
    for row in totals["set_aside"]:
        yield Advice(
            "act", f"{row['count']:,} marked to be sent again, and set aside: {row['reason']}.", "/dead-letters"
        )
    if found.marked and found.run.state != "running":
        yield Advice(
            "act", f"{found.marked:,} marked to be sent again: the next run sends them.", command="syncflow run --drain"
        )
    for route in found.routes:
        if route.unreadable:
            many = sum(route.unreadable.values())
            yield Advice(
                "know",
                f"{many:,} values of {route.name} could not be read ({', '.join(sorted(route.unreadable))}).",
                f"/routes/{route.name}",
            )


_LATE_SECONDS = 300.0


def _about_sources(found: Overview, now: float) -> Iterator[Advice]:
    for lag in found.sources:
        if (lag["seconds"] or 0) >= _LATE_SECONDS and now - lag["at"] < _LATE_SECONDS:
            yield Advice("know", f"The source {lag['partition']} is {lag['seconds'] / 60:,.0f} minutes behind.")
