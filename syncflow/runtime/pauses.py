"""What people have paused: a system, or a route. Pure.

A pause is a row of the journal, so that it lasts over restarts. A run reads the rows every second and obeys them (``runtime/systems.py``):

    paused system   its dispatcher ends: what is under way is finished and settled, all else waits in the journal
    paused route    the system's dispatcher begins anew, and reads from the journal all but what must wait: deliveries of the route, and
                    later ones of other routes to the same record, so that the record's order is kept
    resumed         a dispatcher reads from the journal what waits, the oldest first

Events of what is paused are read, planned and journaled as ever. A job that is open over there is left to itself, and gone on with later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

What = Literal["system", "route"]


@dataclass(frozen=True, slots=True)
class Pause:
    """One system or route to which nothing is sent. ``at``: wall seconds."""

    what: What
    name: str
    by: str
    why: str = ""
    at: float = 0.0

    @property
    def words(self) -> str:
        """Who paused it, and why."""
        return f"paused by {self.by}" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Pauses:
    """All pauses of a project at one moment."""

    systems: Mapping[str, Pause] = field(default_factory=dict)
    routes: Mapping[str, Pause] = field(default_factory=dict)

    @staticmethod
    def of(pauses: Iterable[Pause]) -> Pauses:
        """Return them by what they are about."""
        found = tuple(pauses)
        return Pauses(
            {each.name: each for each in found if each.what == "system"},
            {each.name: each for each in found if each.what == "route"},
        )

    @property
    def named(self) -> frozenset[tuple[What, str]]:
        """What is paused, without who and why."""
        return frozenset((each.what, each.name) for each in (*self.systems.values(), *self.routes.values()))

    def withheld(self, system: str, routes: Collection[str]) -> frozenset[str] | None:
        """Return which of the routes to a system are paused; None where nothing is sent to it at all."""
        paused = frozenset(name for name in routes if name in self.routes)
        return None if system in self.systems or (paused and len(paused) == len(routes)) else paused

    def words(self, system: str, routes: Collection[str]) -> str:
        """Say why a system is sent nothing, or not all; empty where it is."""
        if system in self.systems:
            return self.systems[system].words
        return "; ".join(f"{name} {self.routes[name].words}" for name in sorted(routes) if name in self.routes)


NOTHING_PAUSED = Pauses()
