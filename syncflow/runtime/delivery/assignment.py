"""What a dispatcher is given: one system of one program, what it shares with the others of a run, and how it begins."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow.clock import Clock
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.delivery.attempts import System
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.delivery.stop_after import StopAfter
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.observe import Tally
from syncflow.runtime.standing import Standing

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import SystemTraces

WINDOW = 10_000
"""Most deliveries of one system in memory."""


@dataclass(frozen=True, slots=True)
class PreviousHolderRequests:
    """Requests of a worker that held a system before and did not let go: some of its deliveries may be under way there."""

    last: int = 0
    """No delivery above this number is."""
    until: float = 0.0
    """None is under way after this (monotonic seconds)."""

    def wait_seconds(self, delivery: int, now: float) -> float:
        """Return how much longer a delivery must not be sent; 0 where it may."""
        return max(0.0, self.until - now) if delivery <= self.last else 0.0


NO_STRAYS = PreviousHolderRequests()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One system, to be sent to by one program."""

    plan: SystemPlan
    routes: Mapping[str, RoutePlan]
    system: System
    limiter: Limiter
    stop_after: StopAfter
    retries: Retries
    by_time: Container[str] = ()
    """The kinds of record whose versions are ordered by event time."""

    journal: Journal
    settler: Settler
    clock: Clock
    tally: Tally
    batch_ids: Callable[[], str]
    bugs: Bugs
    changed: Callable[[], None]
    """Called whenever deliveries were settled or the system stopped."""

    backlog: bool
    """Whether the journal may hold open deliveries of earlier runs."""
    strays: PreviousHolderRequests = NO_STRAYS
    """What a former holder of the system may still be sending."""
    standing: Standing | None = None
    """How the system stood before."""
    only: frozenset[str] | None = None
    """The routes whose deliveries are read from the journal; None: all."""
    withheld: frozenset[str] = frozenset()
    """The routes that people paused."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Routes that send nothing in this run: their deliveries are given up, for the reason that stands there."""
    window: int = WINDOW
    at_once: bool = False
    """Whether what an earlier run left is tried although its time has not come."""
    traces: SystemTraces | None = None
    """What traces its batches; None where none is wanted."""
