"""One system's deliveries on their way into its lanes: those just committed, and pages of those that wait in the journal.

At most ``window`` of them are in memory; the rest is read page by page in order of id, so that a delivery that had to wait in the journal
is never overtaken in its lane. Where a few long lanes fill the window and their heads have all failed, more is read, up to
``MOST_WINDOWS``: other records must not wait for one that always fails, and only their success tells that the fault is its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from syncflow.clock import Clock
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Delivery, Outcome, Verdict
from syncflow.runtime.delivery.assignment import NO_STRAYS, PreviousHolderRequests
from syncflow.runtime.delivery.ends import GUARDED, Ended, Ends
from syncflow.runtime.delivery.lanes import Lanes
from syncflow.runtime.journal.base import DeliveryState, Journal, Superseded, Waiting

MOST_WINDOWS = 4
"""How many windows of deliveries may be in memory where a few long lanes stand."""
MOST_OF_PAGE = 2500
"""How many are read at once: on their way from the journal they are in memory several times."""


class Pages:
    """``keep`` holds on to a write that is under way. ``only``: the routes whose deliveries are read; None: all."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        lanes: Lanes,
        ends: Ends,
        journal: Journal,
        clock: Clock,
        keep: Callable[[asyncio.Task[None]], None],
        backlog: bool,
        window: int,
        only: frozenset[str] | None,
        withheld: frozenset[str] = frozenset(),
        at_once: bool = False,
        strays: PreviousHolderRequests = NO_STRAYS,
        guarded: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``withheld``: the routes whose deliveries stay in the journal. ``at_once``: what an earlier run left is tried although its time
        has not come. ``strays``: what another worker may be sending.
        ``guarded``: routes whose deliveries are given up, with the reason."""
        self._strays = strays
        self._waits_until = float("-inf")
        self.backlog = backlog
        """Whether deliveries may wait in the journal that are not in memory."""
        self._plan = plan
        self._lanes = lanes
        self._ends = ends
        self._journal = journal
        self._clock = clock
        self._keep = keep
        self._window = window
        self._only = only
        self._withheld = withheld
        self._at_once = at_once
        self._guarded = guarded
        self._skipped = False
        self._loaded = 0

    def look(self) -> None:
        """Others may have committed deliveries of this system: read them from the journal."""
        self.backlog = self._skipped = True

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Take deliveries that were just committed, in order of id; those beyond the window stay in the journal."""
        if self._withheld:  # the journal knows which of them must wait
            self.look()
            return
        # A page that was being read meanwhile may hold some of them already.
        deliveries = [delivery for delivery in deliveries if delivery.id > self._loaded]
        if not deliveries:
            return
        if self.backlog or self._held + len(deliveries) > self._window:
            self.backlog = self._skipped = True
            return
        self._loaded = deliveries[-1].id
        asked = {(delivery.object, delivery.operation) for delivery in deliveries}
        unknown = any(action not in self._plan.operations_of(name) for name, action in asked)
        if unknown or (self._guarded and any(delivery.route in self._guarded for delivery in deliveries)):
            refused = self._refused((delivery, DeliveryState.WAITING) for delivery in deliveries)
            deliveries = [delivery for delivery in deliveries if delivery.id not in refused]
            self._keep(asyncio.create_task(self._give_up(refused.values())))
        self._add([(delivery, None) for delivery in deliveries])

    @property
    def is_due(self) -> bool:
        """Whether there is something to load, and room for it."""
        return (
            self.backlog
            and self._clock.monotonic() >= self._waits_until
            and (self._held <= self._window * 3 // 4 or self._stands)
        )

    @property
    def _stands(self) -> bool:
        """Whether a few long lanes fill the window, whose heads have all failed before, or all in it wait for what is not."""
        lanes = self._lanes
        if self._held >= MOST_WINDOWS * self._window:
            return False
        return lanes.is_deadlocked or (lanes.records <= self._window // 2 and self._ends.all_failed)

    @property
    def is_full(self) -> bool:
        """Whether there is something to load, and no room for it."""
        return self.backlog and self._clock.monotonic() >= self._waits_until and not self.is_due

    @property
    def _held(self) -> int:
        """How many are in memory; those that wait for other records do not count, for these may come later."""
        return len(self._lanes) - self._lanes.parked

    async def load(self) -> None:
        """Load from the journal when a quarter of the window is free."""
        while self.is_due:
            most = min(max(self._window - self._held, self._window // 4, 1), MOST_OF_PAGE)
            self._skipped = False
            rows = await self._journal.page(
                self._plan.name, after=self._loaded, most=most, routes=self._only, withheld=self._withheld
            )
            self.backlog = len(rows) == most or self._skipped
            if not rows:
                continue
            if self._waits_for_strays(rows):
                return
            self._loaded = rows[-1].delivery.id
            refused = self._refused((row.delivery, row.state) for row in rows)
            waits = [(row.delivery, self._wait_of(row)) for row in rows]
            self._add([(delivery, wait) for delivery, wait in waits if delivery.id not in refused])
            await self._give_up(refused.values())

    async def _give_up(self, refused: Collection[Ended]) -> None:
        await self._ends.give_up(refused)
        for delivery, _ in refused:
            self._lanes.stir(delivery.record, now=self._clock.monotonic())

    def _wait_of(self, row: Waiting) -> float | None:
        strays = self._strays.wait_seconds(row.delivery.id, self._clock.monotonic())
        if self._at_once:
            return strays or None
        return max(row.wait_seconds(self._clock.now()), strays)

    @property
    def wake_at(self) -> float:
        """When something can be loaded that cannot be yet (monotonic seconds); infinite where nothing waits so."""
        return self._waits_until if self.backlog and self._waits_until > self._clock.monotonic() else float("inf")

    def _waits_for_strays(self, rows: Sequence[Waiting]) -> bool:
        """Whether one of these must not be repeated and may be under way: what follows it in its lane must wait until it is not."""
        now = self._clock.monotonic()
        for row in rows:
            if row.state is DeliveryState.SENDING and self._strays.wait_seconds(row.delivery.id, now):
                self.backlog, self._waits_until = True, self._strays.until
                return True
        return False

    def _refused(self, deliveries: Iterable[tuple[Delivery, DeliveryState]]) -> dict[int, Ended]:
        return {
            delivery.id: (delivery, outcome)
            for delivery, state in deliveries
            if (outcome := self._refusal(delivery, state))
        }

    def _refusal(self, delivery: Delivery, state: DeliveryState) -> Outcome | None:
        """Why a delivery must not be sent: an earlier run ended while it was, and twice would do harm; or nobody knows how any more."""
        operation = self._plan.operations_of(delivery.object).get(delivery.operation)
        if state is DeliveryState.SENDING and (operation is None or operation.repeat == "unsafe"):
            return Outcome(Verdict.IN_DOUBT, code="in_doubt", message="the run ended while it was being sent")
        if delivery.route in self._guarded:
            return Outcome(Verdict.REJECTED, code=GUARDED, message=self._guarded[delivery.route])
        if operation is not None:
            return None
        words = f"the adapter {self._plan.adapter} of {self._plan.name} has no operation `{delivery.operation}`"
        return Outcome(Verdict.REJECTED, code="program_changed", message=words)

    def _add(self, deliveries: Sequence[tuple[Delivery, float | None]]) -> None:
        now = self._clock.monotonic()
        superseded: list[Superseded] = [
            entry
            for delivery, wait in deliveries
            if (entry := self._lanes.add(delivery, now=now, due=now + wait if wait and wait > 0 else None))
        ]
        if superseded:
            by_id = {delivery.id: delivery for delivery, _ in deliveries}
            self._keep(asyncio.create_task(self._ends.supersede([(by_id[entry.by], entry) for entry in superseded])))
