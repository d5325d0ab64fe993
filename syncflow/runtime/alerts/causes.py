"""What is wrong now: causes, each with a name that stays while it lasts. In our words and names of the project; nothing of a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from syncflow.config.models.alerts import AlertCause, AlertSettings
from syncflow.runtime.desk.gauges import Gauges
from syncflow.runtime.desk.masking import plain_code
from syncflow.runtime.observe import Tally


@dataclass(frozen=True, slots=True)
class Cause:
    """``subject`` names the system, route or partition. ``count`` is told again before its time where it grew."""

    kind: AlertCause | Literal["test"]
    subject: str
    words: str
    count: int = 0
    passes: bool = True
    """Whether there is something that can be over: a guard that stopped a pass is an event."""


def causes(
    tally: Tally, gauges: Gauges | None, settings: AlertSettings, *, parked_since: Mapping[str, float], now: float
) -> list[Cause]:
    """Return what is wrong, of the kinds that a receiver wants.

    ``gauges``: what the journal held when it was last asked; ``parked_since``: system → when it was first seen to be parked, by the
    clock of ``now``.
    """
    found = [*_of_systems(tally, settings, parked_since, now), *_of_source(tally, settings), *_of_letters(gauges)]
    return [cause for cause in found if cause.kind in settings.causes]


def _of_systems(
    tally: Tally, settings: AlertSettings, parked_since: Mapping[str, float], now: float
) -> Iterator[Cause]:
    for name, system in sorted(tally.systems.items()):
        if system.stopped:
            yield Cause("stopped", name, f"{name} is stopped: {system.stopped}. Its deliveries stay open.")
        elif system.parked and now - parked_since.get(name, now) >= settings.parked:
            why = f" ({system.unreachable})" if system.unreachable else ""
            yield Cause("parked", name, f"{name} does not answer{why}; it is only probed. Its deliveries wait.")


def _of_source(tally: Tally, settings: AlertSettings) -> Iterator[Cause]:
    for partition, lag in sorted(tally.source_lags.items()):
        if lag.seconds is not None and lag.seconds >= settings.lag:
            yield Cause("lag", partition, f"the source {partition} is {lag.seconds:,.0f} s behind")
    if guarded := tally.source_report_counts.get("guarded", 0):
        told = next((report.words for report in reversed(tally.source_reports) if report.kind == "guarded"), "")
        yield Cause("guard", "source", f"a guard stopped a pass: {told}", count=guarded, passes=False)
    for route, words in tally.held.items():
        yield Cause(
            "guard", route, f"a guard held the route {route}, which sent nothing: {words}", count=1, passes=False
        )


def _of_letters(gauges: Gauges | None) -> Iterator[Cause]:
    routes: dict[str, dict[str, int]] = {}
    for (route, code), count in ({} if gauges is None else gauges.dead_letters).items():
        codes = routes.setdefault(route, {})
        codes[plain_code(code)] = codes.get(plain_code(code), 0) + count
    for route, codes in sorted(routes.items()):
        count = sum(codes.values())
        named = ", ".join(f"{code} {number:,}" for code, number in sorted(codes.items(), key=lambda each: -each[1])[:5])
        letters = "1 open dead letter" if count == 1 else f"{count:,} open dead letters"
        of = f" of {route}" if route else ""
        yield Cause(
            "dead_letters", route, f"{letters}{of}: {named}. `syncflow dlq list --reasons` says why.", count=count
        )


def ended(error: str) -> Cause:
    """Return the cause of a run that ended with an error."""
    return Cause("error", "run", f"the run ended with an error: {error}", passes=False)
