"""One system's deliveries, sent: pages from the journal into lanes, batches out of lanes, outcomes into the journal.

A dispatcher is one task and the sends it starts. It keeps at most ``window`` deliveries in memory and pages the rest from the journal in
order of id, so that a delivery that had to wait in the journal is never overtaken in its lane.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from syncflow.clock import Clock
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.requests import OperationPlan, SystemPlan
from syncflow.errors import UnavailableError
from syncflow.events import Action, Batch, BatchResult, Delivery, Outcome, Signal, Verdict
from syncflow.runtime.bulkheads import CODE, Bugs
from syncflow.runtime.delivery.bisect import Bisection, bisect
from syncflow.runtime.delivery.breaker import Breaker
from syncflow.runtime.delivery.lanes import Group, Lanes
from syncflow.runtime.delivery.limits import GateClosedError, Limiter, Passed, Wait
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler, settlement
from syncflow.runtime.delivery.stands import Stands
from syncflow.runtime.delivery.turn import Go, NothingThere, Overtaken, StillThere, Turn, decide
from syncflow.runtime.journal.base import DeliveryState, Journal, Settlement, Superseded, TurnFacts
from syncflow.runtime.observe import SystemTally, Tally, note, warn
from syncflow.runtime.standing import Standing, State
from syncflow.runtime.wait import first_of

BREAKER = "breaker"
WINDOW = 10_000
"""Most deliveries of one system in memory."""


_TOLD_SECONDS = 10.0
"""Waits for windows that are shorter belong to a steady use of a limit, and are not told."""


LOOK = 500
"""Most deliveries whose turn is decided with one look at the journal."""


def request_groups(operation: OperationPlan) -> tuple[str, ...]:
    """Return the groups of limits of the requests that an operation may cause."""
    return tuple(step.request.group for step in operation.steps) or ("",)


class System(Protocol):
    """What sends a batch: the adapter engine, or a fake in a test."""

    async def send(self, batch: Batch) -> BatchResult:
        """Send one batch; never raises for what the other side does."""
        ...

    async def close(self) -> None: ...


class Dispatcher:
    """See the module. ``changed`` is called whenever deliveries were settled or the system stopped.

    ``by_time`` names the kinds of record whose versions are ordered by event time.
    """

    def __init__(
        self,
        plan: SystemPlan,
        *,
        routes: Mapping[str, RoutePlan],
        system: System,
        limiter: Limiter,
        journal: Journal,
        settler: Settler,
        retries: Retries,
        clock: Clock,
        tally: Tally,
        batch_ids: Callable[[], str],
        changed: Callable[[], None],
        backlog: bool,
        bugs: Bugs,
        standing: Standing | None = None,
        window: int = WINDOW,
        only: frozenset[str] | None = None,
        by_time: Container[str] = (),
    ) -> None:
        """``only``: the routes whose deliveries are read from the journal; None: all."""
        self.plan = plan
        self.stopped = ""
        self._unreachable = ""
        self._routes = routes
        self._system = system
        self._limiter = limiter
        self._journal = journal
        self._settler = settler
        self._retries = retries
        self._clock = clock
        self._tally = tally
        self._batch_ids = batch_ids
        self._changed = changed
        self._window = window
        self._only = only
        self._by_time = by_time
        self._lanes = Lanes(plan, compared=self._compared)
        self._backlog = backlog
        self._skipped = False
        self._loaded = 0
        self._news = asyncio.Event()
        self._flush = False
        self._closing = False
        self._free = asyncio.Semaphore(max(1, plan.in_flight))
        self._unsettled = asyncio.Semaphore(2 * max(1, plan.in_flight))  # what a kill may cause to be sent again
        self._writes: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._sending = 0
        self._breaker = Breaker()
        self._back_at = 0.0
        self._bugs = bugs
        self._groups_of: dict[Action, tuple[str, ...]] = {}
        self._stands = Stands(plan.name, journal=journal, clock=clock, keep=self._keep, before=standing)
        # A wait that the other side asked for is kept over restarts; the breaker's own is not: a restart may try at once.
        if standing is not None and standing.by != BREAKER and (left := standing.left_seconds(clock.now())):
            limiter.pause(left)

    def _compared(self, delivery: Delivery) -> str:
        return self._routes[delivery.route].normalise_key(delivery.key.value)

    # -- what the engine says -----------------------------------------------------------------------------------------------

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Take deliveries that were just committed, in order of id; those beyond the window stay in the journal."""
        try:
            self._accept(deliveries)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._fail(error, during="deliveries were put in order")

    def _accept(self, deliveries: Sequence[Delivery]) -> None:
        # A page that was being read meanwhile may hold some of them already.
        deliveries = [delivery for delivery in deliveries if delivery.id > self._loaded]
        if not deliveries:
            return
        if self._backlog or len(self._lanes) + len(deliveries) > self._window:
            self._backlog = self._skipped = True
        else:
            self._loaded = deliveries[-1].id
            if {delivery.operation for delivery in deliveries} - self.plan.operations.keys():
                refused = self._refused((delivery, DeliveryState.WAITING) for delivery in deliveries)
                deliveries = [delivery for delivery in deliveries if delivery.id not in refused]
                self._keep(asyncio.create_task(self._give_up(refused.values())))
            self._add([(delivery, None) for delivery in deliveries])
        self._news.set()

    @property
    def idle(self) -> bool:
        """Whether nothing of this system is open, in memory or in the journal."""
        return not (len(self._lanes) or self._backlog)

    @property
    def standing(self) -> Standing | None:
        """How the system stands; None where it goes on."""
        return self._stands.now

    def flush(self) -> None:
        """Nothing more is coming: do not wait for batches to fill."""
        self._flush = True
        self._news.set()

    def close(self) -> None:
        """Start no further request; what is under way ends."""
        self._closing = True
        self._limiter.close()
        self._news.set()

    def show(self, tally: SystemTally) -> None:
        """Write down how the system stands."""
        tally.requests = self._limiter.requests
        tally.in_flight = self._limiter.in_flight
        tally.waiting = len(self._lanes) - self._lanes.in_flight
        tally.retrying = self._lanes.retrying
        tally.paused_seconds = self._limiter.paused_seconds()
        tally.stopped = self.stopped
        tally.unreachable = self._unreachable
        tally.windows = tuple(self.plan.windows)
        tally.used = tuple(share for _, share in self._limiter.shares())
        tally.pace = self._limiter.pace or 0.0
        tally.wait_seconds, tally.wait_by = self._waits()
        tally.waits_until = self._clock.now() + tally.wait_seconds if tally.wait_seconds else 0.0

    # -- the task -----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until closed; returns when every send under way has been settled.

        Raises:
            UnavailableError: the journal failed. Any other exception stops this system only.
        """
        try:
            async with asyncio.TaskGroup() as sends:
                while not self._closing:
                    self._news.clear()  # first: what is said while a page is read must wake the wait below
                    try:
                        await self._turn(sends)
                    except UnavailableError:
                        raise
                    except Exception as error:  # noqa: BLE001  # a bulkhead
                        self._fail(error, during="batches were made")
                        await self._news.wait()  # it has stopped: were the same to fail at once again, it would spin
        finally:
            await asyncio.gather(*self._writes, return_exceptions=True)
            await self._close_system()

    async def _turn(self, sends: asyncio.TaskGroup) -> None:
        """Start one batch, or wait until something changes."""
        if not self.stopped:
            await self._page()
            await self._decide()
        probing = self._breaker.is_open and self._sending
        if self.stopped or probing or not self._lanes.is_ready(self._clock.monotonic(), flush=self._flush):
            await self._wait(for_news=bool(probing))
        elif await self._room():
            self._start(sends)

    async def _close_system(self) -> None:
        try:
            await self._system.close()
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="a system was closed", system=self.plan.name)

    def _fail(self, error: Exception, *, during: str) -> None:
        """Stop this system for an exception that nobody foresaw; its deliveries stay open, and other systems go on."""
        self._stop(f"{CODE}: {self._bugs.tell(error, during=during, system=self.plan.name)}", by=CODE)

    def _stop(self, reason: str, *, by: str) -> None:
        if self.stopped:
            return
        self.stopped = reason
        self._stands.change("stopped", reason=reason, by=by)
        warn("system.stopped", system=self.plan.name, reason=reason)
        self._news.set()
        self._changed()

    async def _page(self) -> None:
        """Load from the journal when a quarter of the window is free."""
        while self._backlog and len(self._lanes) <= self._window * 3 // 4:
            most = self._window - len(self._lanes)
            self._skipped = False
            rows = await self._journal.page(self.plan.name, after=self._loaded, most=most, routes=self._only)
            self._backlog = len(rows) == most or self._skipped
            if not rows:
                continue
            self._loaded = rows[-1].delivery.id
            refused = self._refused((row.delivery, row.state) for row in rows)
            now = self._clock.now()
            self._add([(row.delivery, row.wait_seconds(now)) for row in rows if row.delivery.id not in refused])
            await self._give_up(refused.values())

    # -- deliveries whose turn has to be decided ------------------------------------------------------------------------------

    async def _decide(self) -> None:
        """Decide the form of heads that could not be known when they were planned: one look at the journal for many."""
        while heads := self._lanes.take_unsure(self._clock.monotonic(), most=LOOK):
            compared = {delivery.id: self._lanes.compared(delivery) for delivery in heads}
            found = await self._journal.turn_facts(heads, compared=compared)
            turns = [self._turn_of(head, facts) for head, facts in zip(heads, found, strict=True)]
            await self._end(list(zip(heads, turns, strict=True)))
            now = self._clock.monotonic()
            for turn in turns:
                if isinstance(turn, Go):
                    self._lanes.decided(turn.delivery, now=now)

    def _turn_of(self, delivery: Delivery, facts: TurnFacts) -> Turn:
        can_update = "update" in self.plan.operations
        by_time = delivery.record.kind in self._by_time
        return decide(delivery, facts, self._routes[delivery.route], by_time=by_time, can_update=can_update)

    async def _end(self, turns: Sequence[tuple[Delivery, Turn]]) -> None:
        """Settle those that are not to be sent."""
        now = self._clock.now()
        superseded = [Superseded(delivery.id, turn.by) for delivery, turn in turns if isinstance(turn, Overtaken)]
        outcomes = [
            (delivery, outcome)
            for delivery, turn in turns
            if (outcome := _unsent(delivery, turn, self._routes[delivery.route])) is not None
        ]
        settlements = [self._settlement(delivery, outcome, batch_id="", now=now) for delivery, outcome in outcomes]
        if not (superseded or settlements):
            return
        await self._settler.settle(settlements, superseded=superseded)
        for entry in settlements:
            self._count(entry)
        for delivery, turn in turns:
            if not isinstance(turn, Go):
                if isinstance(turn, Overtaken):
                    self._tally.route(delivery.route).superseded += 1
                    self._tally.open -= 1
                self._lanes.settled(delivery, now=self._clock.monotonic())
        self._news.set()  # there is room for another page
        self._changed()

    def _settlement(self, delivery: Delivery, outcome: Outcome, *, batch_id: str, now: float) -> Settlement:
        route = self._routes[delivery.route]
        return settlement(
            delivery,
            outcome,
            retries=self._retries,
            batch_id=batch_id,
            now=now,
            compared=route.normalise_key(delivery.key.value),
            remembers=route.remembers,
            back_at=self._back_at,
        )

    # -- paging -------------------------------------------------------------------------------------------------------------

    def _refused(self, deliveries: Iterable[tuple[Delivery, DeliveryState]]) -> dict[int, tuple[Delivery, Outcome]]:
        return {
            delivery.id: (delivery, outcome)
            for delivery, state in deliveries
            if (outcome := self._refusal(delivery, state))
        }

    def _refusal(self, delivery: Delivery, state: DeliveryState) -> Outcome | None:
        """Why a delivery must not be sent: an earlier run ended while it was, and twice would do harm; or nobody knows how any more."""
        known = delivery.operation in self.plan.operations
        if state is DeliveryState.SENDING and (not known or self._is_unsafe(delivery.operation)):
            return Outcome(Verdict.IN_DOUBT, code="in_doubt", message="the run ended while it was being sent")
        if known:
            return None
        words = f"the adapter {self.plan.adapter} of {self.plan.name} has no operation `{delivery.operation}`"
        return Outcome(Verdict.REJECTED, code="program_changed", message=words)

    async def _give_up(self, refused: Iterable[tuple[Delivery, Outcome]]) -> None:
        now = self._clock.now()
        settlements = [self._settlement(d, outcome, batch_id="", now=now) for d, outcome in refused]
        await self._settler.settle(settlements)
        for entry in settlements:
            self._count(entry)

    def _add(self, deliveries: Sequence[tuple[Delivery, float | None]]) -> None:
        now = self._clock.monotonic()
        superseded = [
            entry
            for delivery, wait in deliveries
            if (entry := self._lanes.add(delivery, now=now, due=now + wait if wait and wait > 0 else None))
        ]
        if superseded:
            by_id = {delivery.id: delivery for delivery, _ in deliveries}
            for entry in superseded:
                self._tally.route(by_id[entry.by].route).superseded += 1
            self._tally.open -= len(superseded)
            self._keep(asyncio.create_task(self._settler.settle([], superseded=superseded)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._writes.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        """A write that failed has ended the run already: it is the journal that failed."""
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()
        self._changed()

    async def _wait(self, *, for_news: bool = False) -> None:
        """Wait for news, or for a batch to ripen or a retry to fall due."""
        wake = self._lanes.wake_at() if not (self.stopped or for_news) else None
        nap = self._clock.sleep(max(0.0, wake - self._clock.monotonic())) if wake is not None else None
        await first_of(self._news.wait(), nap)

    async def _room(self) -> bool:
        """Wait until a request of some batch could start immediately, so that a batch keeps filling until then."""
        await self._unsettled.acquire()
        await self._free.acquire()
        while not (self._closing or self.stopped):
            self._news.clear()
            groups = self._lanes.ripe(self._clock.monotonic(), flush=self._flush)
            waits = [self._limiter.wait(self._needs(group.operation)) for group in groups]
            if None in waits:
                return True
            known = [wait for wait in waits if wait is not None]
            if not known:
                break
            self._tell(known)
            times = [wait.seconds for wait in known if wait.seconds is not None]
            await first_of(self._news.wait(), self._limiter.until_news(min(times, default=None)))
        self._release()
        return False

    def _needs(self, action: Action) -> tuple[str, ...]:
        """The groups of the requests that a batch of an operation may cause."""
        groups = self._groups_of.get(action)
        if groups is None:
            groups = self._groups_of[action] = request_groups(self.plan.operations[action])
        return groups

    def _waits(self) -> tuple[float, str]:
        """How much longer nothing that is ready can be sent, and by whose word."""
        if self._limiter.paused_seconds():
            return self._limiter.paused_seconds(), (self._stands.now.by if self._stands.now else "") or "a refusal"
        if self.stopped:
            return 0.0, ""
        ripe = self._lanes.ripe(self._clock.monotonic(), flush=self._flush)
        waits = [self._limiter.wait(self._needs(group.operation)) for group in ripe]
        known = [(wait.seconds, wait.by) for wait in waits if wait is not None and wait.seconds is not None]
        return min(known) if known and len(known) == len(waits) else (0.0, "")

    def _tell(self, waits: Sequence[Wait]) -> None:
        """Say once that nothing goes for a while because windows are full."""
        soonest = min(waits, key=lambda wait: wait.seconds if wait.seconds is not None else 0.0)
        if soonest.seconds is None or soonest.seconds < _TOLD_SECONDS or not soonest.by.startswith("window "):
            return
        if self._stands.change("waiting", reason="all its requests are used", by=soonest.by, seconds=soonest.seconds):
            note("system.waits", system=self.plan.name, by=soonest.by, seconds=round(soonest.seconds, 1))

    def _release(self) -> None:
        self._free.release()
        self._unsettled.release()

    def _start(self, sends: asyncio.TaskGroup) -> None:
        cut = None
        try:
            if not self.stopped:
                cut = self._lanes.cut(
                    self._clock.monotonic(),
                    flush=self._flush,
                    may=lambda group: self._limiter.wait(self._needs(group.operation)) is None,
                )
        except BaseException:
            self._release()
            raise
        if cut is None:
            self._release()
        else:
            self._sending += 1
            # The promise is made now, for the task starts later; it counts requests in a context of its own.
            context = contextvars.copy_context()
            passed = context.run(self._limiter.admit, self._needs(cut[0].operation))
            sends.create_task(self._send(passed, *cut), context=context)

    # -- one batch ----------------------------------------------------------------------------------------------------------

    async def _send(self, passed: Passed, group: Group, deliveries: tuple[Delivery, ...]) -> None:
        try:
            await self._send_and_settle(passed, group, deliveries)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._fail(error, during="an answer was settled")
        finally:
            self._sending -= 1
            self._unsettled.release()
            self._news.set()

    async def _send_and_settle(self, passed: Passed, group: Group, deliveries: tuple[Delivery, ...]) -> None:
        if self._breaker.is_open and len(deliveries) > 1:
            deliveries = self._probe_of(deliveries)
        batch = Batch(self._batch_ids(), self.plan.name, group.object, group.operation, group.key_name, deliveries)
        try:
            outcomes = await self._attempt(batch, passed)
        finally:
            self._limiter.withdraw(passed)
            self._free.release()
        now = self._clock.now()
        settlements = [
            self._settlement(delivery, outcomes[delivery.id], batch_id=batch.id, now=now)
            for delivery in deliveries
            if delivery.id in outcomes
        ]
        await self._put_back(group.operation, [delivery for delivery in deliveries if delivery.id not in outcomes])
        await self._settle(settlements)

    def _probe_of(self, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
        """Choose the one that failed least often: a record that always fails must not keep its system parked."""
        probe = min(deliveries, key=lambda delivery: self._breaker.times(delivery.id))
        for delivery in deliveries:
            if delivery is not probe:
                self._lanes.retry(delivery, due=self._clock.monotonic())
        return (probe,)

    async def _attempt(self, batch: Batch, passed: Passed) -> dict[int, Outcome]:
        """Send a batch, halving it where asked; a delivery without an outcome stays open as it was."""
        if self._is_unsafe(batch.operation):
            await self._journal.sending(batch.deliveries, batch_id=batch.id)
        result = await self._ask(batch, passed)
        if _is_failure(result):
            return await self._failed(batch, result, passed)
        if result.signal and result.signal.kind == "split" and len(batch.deliveries) > 1:
            found = await self._bisect(batch, result.signal, passed)
            signal = Signal("stop", reason=found.stop) if found.stop else found.signal
            outcomes = found.outcomes
        else:
            signal = result.signal
            outcomes = {d.id: outcome for d, outcome in zip(batch.deliveries, result.outcomes, strict=True)}
        if signal and signal.kind in {"stop", "closed"}:
            outcomes = {number: outcome for number, outcome in outcomes.items() if outcome.verdict is not Verdict.RETRY}
        self._heed(signal, outcomes)
        return outcomes

    async def _failed(self, batch: Batch, result: BatchResult, passed: Passed) -> dict[int, Outcome]:
        """Judge a request that failed as a whole: a fault of its records where others succeed meanwhile, else one of everything."""
        numbers = [delivery.id for delivery in batch.deliveries]
        own = {number for number in numbers if self._breaker.is_own(number)}
        self._breaker.failed(numbers, at=self._clock.monotonic())
        outcomes = dict(zip(numbers, result.outcomes, strict=True))
        if own and len(numbers) > 1 and all(outcome.verdict is Verdict.RETRY for outcome in result.outcomes):
            found = await self._bisect(batch, Signal("split", reason="the batch fails"), passed, failing=True)
            if found.signal is not None:
                self._heed(found.signal, found.outcomes)
                return {n: o for n, o in found.outcomes.items() if o.verdict is not Verdict.RETRY}
            outcomes |= found.outcomes
            own = {n for n, outcome in found.outcomes.items() if n in own and outcome.verdict is Verdict.RETRY}
        elif self._breaker.is_open:
            self._park(result.outcomes[0])
        return {number: self._charged(number, outcome, own=number in own) for number, outcome in outcomes.items()}

    def _charged(self, number: int, outcome: Outcome, *, own: bool) -> Outcome:
        """Let a failure count against a record only where it is its own. What is not waits by the breaker, or as often as it failed."""
        if outcome.verdict is not Verdict.RETRY or own:
            return outcome if outcome.counts else replace(outcome, counts=True)
        wait = outcome.wait_seconds
        if not self._breaker.is_open:
            wait = max(wait or 0.0, self._retries.wait_seconds(max(1, self._breaker.times(number))))
        return replace(outcome, counts=False, wait_seconds=wait)

    def _came_through(self, started: float) -> None:
        if self._breaker.succeeded(started=started):
            self._back_at = self._clock.now()
            note("system.back", system=self.plan.name)

    async def _ask(self, batch: Batch, passed: Passed) -> BatchResult:
        """Send a batch; where the gate closes before it has passed, say what is known of it."""
        before = passed.requests
        started = self._clock.monotonic()
        try:
            result = await self._system.send(batch)
        except GateClosedError:
            outcome = Outcome(Verdict.RETRY, counts=False)
            if passed.requests > before and self._is_unsafe(batch.operation):
                message = "the run ended between two of its requests"
                outcome = Outcome(Verdict.IN_DOUBT, code="in_doubt", message=message)
            return BatchResult((outcome,) * len(batch.deliveries), Signal("closed"))
        except UnavailableError:  # the journal: a request could not be noted
            raise
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._fail(error, during="a batch was sent")
            return self._unknown(batch, sent=passed.requests > before)
        if _is_success(result):
            self._came_through(started)
        return result

    def _unknown(self, batch: Batch, *, sent: bool) -> BatchResult:
        """Say of a batch whose sending met an unforeseen exception that it stays open, or is in doubt where that would repeat it."""
        outcome = Outcome(Verdict.RETRY, code=CODE, message=self.stopped, counts=False)
        if sent and self._is_unsafe(batch.operation):
            outcome = Outcome(Verdict.IN_DOUBT, code=CODE, message=self.stopped)
        return BatchResult((outcome,) * len(batch.deliveries), Signal("stop", reason=self.stopped))

    def _is_unsafe(self, operation: Action) -> bool:
        return self.plan.operations[operation].repeat == "unsafe"

    async def _bisect(self, batch: Batch, signal: Signal, passed: Passed, *, failing: bool = False) -> Bisection:
        """Look for the record at fault; ``failing``: of a batch that gets no answer, so that parts which get none are halved too."""
        search = bisect(batch.deliveries, reason=signal.reason or "the batch was refused")
        part = next(search)
        while True:
            result = await self._ask(
                Batch(self._batch_ids(), batch.system, batch.object, batch.operation, batch.key_name, part), passed
            )
            if failing and len(part) > 1 and _is_failure(result):
                result = replace(result, signal=Signal("split"))
            try:
                part = search.send(result)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # a generator's return value is untyped here

    def _heed(self, signal: Signal | None, outcomes: dict[int, Outcome]) -> None:
        """Do what an answer says of the whole system; slow down while the host is dead."""
        if signal and signal.kind == "closed":
            return
        if signal and signal.kind == "stop":
            self._stop(signal.reason or "its configuration was refused", by=signal.by)
        elif signal and signal.kind in {"throttle", "park"}:
            self._unreachable = ""
            self._tally.system(self.plan.name).refused_for_rate += signal.refused
            self._failures += signal.refused
            seconds = signal.wait_seconds or self._probe_seconds()
            if signal.kind == "throttle" and signal.refused:
                # Where neither the answer nor the adapter asked for a wait, the pace says how long.
                seconds = self._limiter.slow_down(asked_seconds=signal.wait_seconds or None)
            self._limiter.pause(seconds)
            state: State = "waiting" if signal.kind == "throttle" else "parked"
            seconds = self._limiter.paused_seconds()
            self._stands.change(state, reason=signal.reason, by=signal.by, seconds=seconds)
            note(
                "system.paused",
                system=self.plan.name,
                seconds=round(self._limiter.paused_seconds(), 1),
                reason=signal.reason,
            )
        else:
            self._failures, self._unreachable = 0, ""
            self._limiter.taken()
            if not self._limiter.paused_seconds():
                self._stands.go_on()

    def _park(self, outcome: Outcome) -> None:
        if self._limiter.paused_seconds():
            return  # requests that were under way together fail together: that is one failure
        self._failures += 1
        self._limiter.pause(max(outcome.wait_seconds or 0.0, self._probe_seconds()))
        # What the other side said may tell of a record; without a status it said nothing, and the words are ours.
        reason = outcome.message if outcome.status is None else f"status {outcome.status}"
        say = note if self._unreachable else warn
        self._unreachable = reason or outcome.code
        seconds = round(self._limiter.paused_seconds(), 1)
        self._stands.change("parked", reason=self._unreachable, by=BREAKER, seconds=self._limiter.paused_seconds())
        say("system.unreachable", system=self.plan.name, reason=self._unreachable, seconds=seconds)

    def _probe_seconds(self) -> float:
        """Growing waits before a dead host is tried again; never none at all."""
        return max(0.05, self._retries.wait_seconds(min(self._failures, 16)))

    async def _put_back(self, operation: Action, deliveries: Sequence[Delivery]) -> None:
        """None of these took effect: they wait again, in the journal too."""
        if deliveries and self._is_unsafe(operation):
            await self._journal.unsent(deliveries)
        for delivery in deliveries:
            self._lanes.retry(delivery, due=self._clock.monotonic())

    async def _settle(self, settlements: Sequence[Settlement]) -> None:
        await self._settler.settle(settlements)
        now = self._clock.monotonic()
        for entry in settlements:
            self._count(entry)
            if entry.state is DeliveryState.RETRYING:
                self._again(entry, now)
            else:
                self._breaker.forget(entry.delivery.id)
                self._lanes.settled(entry.delivery, now=now, vendor_id=entry.outcome.vendor_id)
        self._news.set()
        self._changed()

    def _again(self, entry: Settlement, now: float) -> None:
        delivery = replace(entry.delivery, attempts=entry.attempts)
        self._lanes.retry(delivery, due=now + max(0.0, (entry.due_at or entry.at) - entry.at))

    def _count(self, entry: Settlement) -> None:
        route = self._tally.route(entry.delivery.route)
        if entry.state is DeliveryState.RETRYING:
            route.retried += 1
            return
        self._tally.open -= 1
        if entry.state is DeliveryState.DEAD:
            route.dead += 1
            note("delivery.dead", route=entry.delivery.route, delivery=entry.delivery.id, code=entry.outcome.code)
        elif entry.state is DeliveryState.ALREADY_DONE:
            route.already_done += 1
        else:
            route.delivered += 1
            route.latencies.add(max(0.0, entry.at - entry.delivery.read_at))


def _unsent(delivery: Delivery, turn: Turn, route: RoutePlan) -> Outcome | None:
    """Return how a delivery ends without a request; None where it is sent, or where a newer one carried its effect."""
    if isinstance(turn, Go | Overtaken):
        return None
    if isinstance(turn, NothingThere):
        return Outcome(Verdict.ALREADY_DONE, message="nothing of the record is there")
    if isinstance(turn, StillThere):
        words = f"the record is still there under another value of {delivery.key.name}"
        if route.on_key_change == "update" and not turn.known:
            words += ", and its id there is not known (on_key_change: update)"
        else:
            words += f": its delete failed (on_key_change: {route.on_key_change})"
        return Outcome(Verdict.REJECTED, code="key_changed", message=words)
    words = f"another record of {delivery.record.kind} holds this value of {delivery.key.name} in {route.system}"
    return Outcome(Verdict.REJECTED, code="key_taken", message=words)


_NO_ANSWER = frozenset({Verdict.RETRY, Verdict.IN_DOUBT})


def _is_failure(result: BatchResult) -> bool:
    """Whether no record of a request has an answer of its own."""
    return result.signal is None and all(outcome.verdict in _NO_ANSWER for outcome in result.outcomes)


def _is_success(result: BatchResult) -> bool:
    """Whether the other side answered about a record: it works."""
    if result.signal is not None:
        return result.signal.kind == "split"
    return any(outcome.verdict not in _NO_ANSWER for outcome in result.outcomes)
