"""How a run stands while it goes on: each system's speed against its limit, and what waits. Pure, but for the memory of ``Speeds``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow.cli.console import counted, span

if TYPE_CHECKING:
    from syncflow.compiler.wire.system import Window
    from syncflow.runtime.observe import RouteTally, SystemTally, Tally


@dataclass(frozen=True, slots=True)
class Standing:
    """How one system stands, in a person's words."""

    name: str
    speed: str
    limits: tuple[str, ...]
    in_flight: int
    waiting: int
    referring: int
    """Of these, the ones that wait for other records (``after``)."""
    retrying: int
    delivered: int
    dead: int
    trouble: str
    jobs: int = 0
    """Open ones; what they carry neither waits nor is in flight."""


@dataclass(frozen=True, slots=True)
class Standings:
    summary: str
    systems: tuple[Standing, ...]


def standings(tally: Tally, systems: Mapping[str, str], speeds: Speeds, *, now: float) -> Standings:
    """Return how a run stands; ``systems`` tells each route's system, ``now`` is monotonic."""
    return Standings(
        summary(tally),
        tuple(
            _standing(
                name, system, [tally.routes[route] for route in tally.routes if systems.get(route) == name], speeds, now
            )
            for name, system in sorted(tally.systems.items())
        ),
    )


def _standing(name: str, system: SystemTally, routes: Sequence[RouteTally], speeds: Speeds, now: float) -> Standing:
    speed = speeds.look(name, system.requests, now)
    return Standing(
        name=name,
        speed="" if speed is None else f"{speed:.1f}",
        limits=tuple(map(_limit, system.windows)),
        in_flight=system.in_flight,
        jobs=system.jobs,
        waiting=system.waiting,
        referring=system.referring,
        retrying=system.retrying,
        delivered=sum(route.delivered + route.already_done for route in routes),
        dead=sum(route.dead for route in routes),
        trouble=_trouble(system),
    )


def _limit(window: Window) -> str:
    names = {1: "s", 60: "min", 3_600: "h", 86_400: "day"}
    per = names.get(int(window.per_seconds), f"{window.per_seconds:g} s")
    return f"{window.count:,}/{per}" + (f" {window.only}" if window.only else "")


def _trouble(system: SystemTally) -> str:
    if system.paused:
        return system.paused
    if system.stopped:
        return f"stopped: {system.stopped}"
    if system.wait_seconds >= 1:
        return f"waits {span(system.wait_seconds)}: {system.wait_by}"
    return f"paused for {span(system.paused_seconds)}" if system.paused_seconds > 0 else ""


def lines(shown: Standings) -> Iterator[str]:
    """Yield the run in one line, and a line for each system."""
    yield shown.summary
    for each in shown.systems:
        waits = f"{each.in_flight} in flight  {each.waiting:,} waiting  {each.retrying:,} retrying  {each.dead:,} dead"
        waits += f"  {each.referring:,} wait for other records" if each.referring else ""
        waits += f"  {counted(each.jobs, 'job')} open" if each.jobs else ""
        limits = ", ".join(each.limits) or "none"
        speed = f"{each.speed} requests/s of {limits}" if each.speed else f"limit {limits}"
        yield f"  {each.name}: {speed}  {waits}" + (f"  {each.trouble}" if each.trouble else "")


def summary(tally: Tally) -> str:
    """Return a run's counts in one line."""
    return "  ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts(tally).items())


def counts(tally: Tally) -> dict[str, int]:
    """Return a run's counts in few numbers."""
    routes = tally.routes.values()
    unchanged, adopted = (sum(getattr(route, name) for route in routes) for name in ("unchanged", "adopted"))
    return {
        "read": tally.read,
        "ignored": tally.ignored,
        "delivered": sum(route.delivered + route.already_done for route in routes),
        "superseded": sum(route.superseded for route in routes),
        **({"unchanged": unchanged} if unchanged else {}),
        **({"adopted": adopted} if adopted else {}),
        "open": tally.open,
        "dead_letters": tally.dead_letters,
    }


@dataclass(slots=True)
class Speeds:
    """Requests per second of each system, over the last few looks."""

    span_seconds: float = 3.0
    _looks: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, system: str, requests: int, now: float) -> float | None:
        """Note a count and return the speed; None before there is a second to tell it from."""
        looks = self._looks.setdefault(system, [])
        looks.append((now, requests))
        while len(looks) > 2 and now - looks[1][0] > self.span_seconds:
            looks.pop(0)
        (then, before) = looks[0]
        elapsed = now - then
        return max(0, requests - before) / elapsed if elapsed >= 1.0 else None
