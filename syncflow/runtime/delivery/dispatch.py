"""One system's deliveries, sent: pages from the journal into lanes, batches out of lanes, outcomes into the journal.

    Pages ──▶ Lanes ──▶ Dispatcher ──batch──▶ Attempts ──outcomes──▶ Ends
              ▲   │                              │
              Heads (unsure ones are decided)    └──signals──▶ Condition

A dispatcher is one task and the sends it starts: it says when a batch goes. All else is said beside it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence

from syncflow.compiler.wire.system import OperationPlan
from syncflow.errors import UnavailableError
from syncflow.events import Action, Batch, Delivery
from syncflow.runtime.delivery.assignment import Assignment
from syncflow.runtime.delivery.attempts import Attempts
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.ends import Ends
from syncflow.runtime.delivery.heads import Heads
from syncflow.runtime.delivery.jobs import DoesJobs, JobRoom, Jobs
from syncflow.runtime.delivery.lanes import Group, Lanes
from syncflow.runtime.delivery.limits import Passed, Wait
from syncflow.runtime.delivery.pages import Pages
from syncflow.runtime.delivery.refusals import PATIENCE_AT_END_SECONDS
from syncflow.runtime.delivery.stands import StandingKeeper
from syncflow.runtime.first_of import first_of
from syncflow.runtime.observe import SystemTally
from syncflow.runtime.standing import Standing


def request_groups(operation: OperationPlan, *, by_job: bool = False) -> tuple[str, ...]:
    """Return the groups of limits of the requests that an operation may cause at once; ``by_job``: the one that starts a job."""
    if by_job and operation.job is not None:
        return (operation.job.start.request.group,)
    return tuple(step.request.group for step in operation.steps) or ("",)


def _lanes(given: Assignment, job_room: JobRoom) -> Lanes:
    routes = given.routes  # the function below lives as long as the lanes
    return Lanes(
        given.plan,
        compared=lambda delivery: routes[delivery.route].compared(delivery.key),
        may_go_by_job=job_room.takes,
        job_room=job_room.most,
    )


class Dispatcher:
    """See the module; ``Assignment`` says what it is given."""

    def __init__(self, given: Assignment) -> None:
        self.plan = given.plan
        self._system = given.system
        self._limiter = given.limiter
        self._clock = given.clock
        self._batch_ids = given.batch_ids
        self._on_change = given.changed
        self._bugs = given.bugs
        self._journal = given.journal
        self._traces = given.traces
        self._news = asyncio.Event()
        self._flush = self._ended = False
        self._at_once = given.at_once
        self._is_partial = bool(given.withheld) or given.only is not None
        self._closing = False
        self._free = asyncio.Semaphore(max(1, given.plan.in_flight))
        self._unsettled = asyncio.Semaphore(2 * max(1, given.plan.in_flight))  # what a kill may cause to be sent again
        self._writes: set[asyncio.Task[None]] = set()
        self._sending = 0
        self._groups_of: dict[tuple[str, Action, bool], tuple[str, ...]] = {}
        self._job_room = JobRoom(given.plan, given.clock)
        self._lanes = _lanes(given, self._job_room)
        self._condition = self._make_condition(given)
        self._attempts = self._make_attempts(given)
        self._ends = self._make_ends(given)
        self._pages = self._make_pages(given)
        self._heads = self._make_heads(given)
        self._jobs = self._make_jobs(given)

    # -- what it is made of ----------------------------------------------------------------------------------------------------

    def _make_condition(self, given: Assignment) -> Condition:
        return Condition(
            given.plan,
            limiter=given.limiter,
            retries=given.retries,
            stands=StandingKeeper(
                given.plan.name, journal=given.journal, clock=given.clock, keep=self._keep, before=given.standing
            ),
            clock=given.clock,
            tally=given.tally,
            bugs=given.bugs,
            changed=self._changed,
        )

    def _make_attempts(self, given: Assignment) -> Attempts:
        return Attempts(
            given.plan,
            system=given.system,
            condition=self._condition,
            journal=given.journal,
            retries=given.retries,
            clock=given.clock,
            batch_ids=given.batch_ids,
        )

    def _make_ends(self, given: Assignment) -> Ends:
        return Ends(
            given.plan,
            routes=given.routes,
            lanes=self._lanes,
            condition=self._condition,
            journal=given.journal,
            settler=given.settler,
            stop_after=given.stop_after,
            retries=given.retries,
            clock=given.clock,
            tally=given.tally,
            changed=self._changed,
        )

    def _make_pages(self, given: Assignment) -> Pages:
        return Pages(
            given.plan,
            lanes=self._lanes,
            ends=self._ends,
            journal=given.journal,
            clock=given.clock,
            keep=self._keep,
            backlog=given.backlog,
            window=given.window + self._job_room.records,
            only=given.only,
            withheld=given.withheld,
            at_once=given.at_once,
            strays=given.strays,
            guarded=given.held,
        )

    def _make_heads(self, given: Assignment) -> Heads:
        return Heads(
            given.plan,
            routes=given.routes,
            lanes=self._lanes,
            ends=self._ends,
            journal=given.journal,
            clock=given.clock,
            by_time=given.by_time,
            ended=lambda: self._ended,
            back_at=lambda: self._condition.back_at,
            withheld=given.withheld,
        )

    def _make_jobs(self, given: Assignment) -> Jobs:
        return Jobs(
            given.plan,
            room=self._job_room,
            requests=given.system.jobs if isinstance(given.system, DoesJobs) else None,
            lanes=self._lanes,
            ends=self._ends,
            condition=self._condition,
            limiter=given.limiter,
            journal=given.journal,
            retries=given.retries,
            clock=given.clock,
            ids=given.batch_ids,
            changed=self._changed,
            traces=given.traces,
        )

    # -- what the engine says and asks -----------------------------------------------------------------------------------------

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        """Take deliveries that were just committed, in order of id; those beyond the window stay in the journal."""
        try:
            self._pages.accept(deliveries)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._condition.fail(error, during="deliveries were put in order")
        self._news.set()

    def look(self) -> None:
        """Another worker may have committed deliveries of this system: read them from the journal."""
        self._pages.look()
        self._news.set()

    def stay_stopped(self, reason: str, *, by: str) -> None:
        """Send nothing: the system has stopped already, where another worker held it."""
        self._condition.stop(reason, by=by)

    def may_bury(self) -> bool:
        """Count a dead letter of this system that no delivery made, unless the system stops by it or has stopped."""
        return self._ends.may_bury()

    def flush(self, *, ended: bool = True) -> None:
        """Nothing more is coming: do not wait for batches to fill. ``ended``: the source has ended, so that no record comes any more that
        others wait for; a run that was stopped or limited leaves these."""
        self._flush = True
        if ended and not self._ended:
            self._ended = True
            self._lanes.stir(now=self._clock.monotonic())
        self._news.set()

    def close(self) -> None:
        """Start no further request; requests in flight finish."""
        self._closing = True
        self._limiter.close()
        self._jobs.close()
        self._news.set()

    @property
    def stopped(self) -> str:
        """Why nothing is sent any more; empty while something is."""
        return self._condition.stopped

    @property
    def idle(self) -> bool:
        """Whether nothing of this system is open, in memory or in the journal."""
        return not (len(self._lanes) or self._pages.backlog)

    @property
    def waits_for_paused(self) -> bool:
        """Whether all that is open waits for other records, which nothing brings while their routes send nothing."""
        return self._is_partial and self._ended and self._lanes.only_wait_for_others and not self._pages.backlog

    @property
    def _stands_for_good(self) -> bool:
        """Whether all that is open waits for each other: circles are seen one record at a time, and some go through keys and routes."""
        if not self._ended or self._is_partial or self._sending or self._job_room.open:
            return False
        return self._lanes.is_deadlocked and (not self._pages.backlog or self._pages.is_full)

    @property
    def is_busy(self) -> bool:
        """Whether something is being sent, or can be before long: what waits for its time or for a pause is not."""
        if self.stopped:
            return False
        if self._lanes.in_flight > self._ends.held + self._jobs.held_up or self._pages.is_due or self._lanes.has_unsure:
            return True
        if self._flush and self._release_at <= self._clock.monotonic() + PATIENCE_AT_END_SECONDS:
            return True
        return any(wait is None or wait.is_short for wait in self._waits())

    @property
    def standing(self) -> Standing | None:
        """How the system stands; None where it goes on."""
        return self._condition.standing

    def show(self, tally: SystemTally) -> None:
        """Write down how the system stands."""
        tally.waiting = len(self._lanes) - self._lanes.in_flight
        tally.retrying = self._lanes.retrying
        tally.jobs = self._job_room.open
        tally.referring, tally.referring_since = self._lanes.parked, self._lanes.parked_since
        self._condition.show(tally, wait=self._condition.waits([] if self.stopped else self._waits()))

    # -- the task -----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until closed; returns when every send under way has been settled.

        Raises:
            UnavailableError: the journal failed. Any other exception stops this system only.
        """
        try:
            async with asyncio.TaskGroup() as sends:
                await self._resume(sends)
                while not self._closing:
                    self._news.clear()  # first: what is said while a page is read must wake the wait below
                    try:
                        await self._turn(sends)
                    except UnavailableError:
                        raise
                    except Exception as error:  # noqa: BLE001  # a bulkhead
                        self._condition.fail(error, during="batches were made")
                        await self._news.wait()  # it has stopped: were the same to fail at once again, it would spin
        finally:
            await asyncio.gather(*self._writes, return_exceptions=True)
            await self._close_system()

    async def _resume(self, sends: asyncio.TaskGroup) -> None:
        """Go on with the jobs of an earlier run; where that cannot be done nothing is sent, for it might be sent twice."""
        try:
            await self._jobs.resume(sends)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._condition.fail(error, during="jobs of an earlier run were gone on with")

    async def _turn(self, sends: asyncio.TaskGroup) -> None:
        """Start one batch, or wait until something changes."""
        if not self.stopped:
            await self._pages.load()
            await self._heads.decide()
            await self._release_held()
            if self._pages.is_due:  # what waits for other records has made room
                return
            if self._stands_for_good and self._lanes.break_wait(now=self._clock.monotonic()):
                return
        probing = self._condition.breaker.is_open and self._sending
        if self.stopped or probing or not self._lanes.is_ready(self._clock.monotonic(), flush=self._flush):
            await self._wait(for_news=bool(probing))
        elif await self._room():
            self._start(sends)

    async def _release_held(self) -> None:
        """Give up refusals that were held back once nothing else can say whose fault they are; asked after a page was loaded."""
        if self._ends.held and self._clock.monotonic() >= self._release_at:
            await self._ends.release()

    @property
    def _release_at(self) -> float:
        """When the refusals that are held back are given up (monotonic seconds); infinite where none is."""
        return self._ends.release_at(
            idle=not (self._sending or self._job_room.open), ended=self._flush, at_once=self._at_once
        )

    async def _close_system(self) -> None:
        try:
            await self._system.close()
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._bugs.tell(error, during="a system was closed", system=self.plan.name)

    def _changed(self) -> None:
        """Wake the task, for which there may be room now, and tell the engine."""
        self._news.set()
        self._on_change()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._writes.add(task)
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        """A write that failed has ended the run already: it is the journal that failed."""
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()
        self._on_change()

    # -- when a batch may go ---------------------------------------------------------------------------------------------------

    async def _wait(self, *, for_news: bool = False) -> None:
        """Wait for news, or for a batch to ripen or a retry to fall due."""
        wake = float("inf")
        if not (self.stopped or for_news):
            ripens = self._lanes.wake_at()
            wake = min(self._release_at, self._pages.wake_at)
            wake = wake if ripens is None else min(ripens, wake)
        nap = self._clock.sleep(max(0.0, wake - self._clock.monotonic())) if wake < float("inf") else None
        await first_of(self._news.wait(), nap)

    async def _room(self) -> bool:
        """Wait until a request of some batch could start immediately, so that a batch keeps filling until then."""
        await self._unsettled.acquire()
        await self._free.acquire()
        while not (self._closing or self.stopped):
            self._news.clear()
            await self._release_held()
            waits = self._waits()
            if None in waits:
                return True
            known = [wait for wait in waits if wait is not None]
            if not known:
                break
            self._condition.tell_full(known)
            times = [wait.seconds for wait in known if wait.seconds is not None]
            if self._ends.held:
                times.append(max(0.0, self._release_at - self._clock.monotonic()))
            since = self._clock.monotonic()
            await first_of(self._news.wait(), self._limiter.until_news(min(times, default=None)))
            self._limiter.waited(min(known, key=lambda wait: wait.seconds or 0.0), since=since)
        self._release()
        return False

    def _waits(self) -> list[Wait | None]:
        """Return for each group that is ready why no batch of it may start now, or None."""
        ripe = self._lanes.ripe(self._clock.monotonic(), flush=self._flush)
        return [self._limiter.wait(self._needs(group)) for group in ripe]

    def _needs(self, group: Group) -> tuple[str, ...]:
        """Return the groups of the requests that a batch of an operation may cause."""
        by_job = self._lanes.goes_by_job(group)
        groups = self._groups_of.get((group.object, group.operation, by_job))
        if groups is None:
            groups = request_groups(self.plan.operations_of(group.object)[group.operation], by_job=by_job)
            self._groups_of[group.object, group.operation, by_job] = groups
        return groups

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
                    may=lambda group: self._limiter.wait(self._needs(group)) is None,
                )
        except BaseException:
            self._release()
            raise
        if cut is None:
            self._release()
        elif cut[0].by_job:
            self._release()  # it takes a place in flight for each of its requests, not for as long as it lasts
            self._jobs.begin(sends, *cut)
        else:
            self._sending += 1
            # The promise is made now, for the task starts later; it counts requests in a context of its own.
            context = contextvars.copy_context()
            operation = cut[0].operation
            needs = request_groups(self.plan.operations_of(cut[0].object)[operation])
            passed = context.run(self._limiter.admit, needs, operation)
            sends.create_task(self._send(passed, *cut), context=context)

    # -- one batch ----------------------------------------------------------------------------------------------------------

    async def _send(self, passed: Passed, group: Group, deliveries: tuple[Delivery, ...]) -> None:
        try:
            await self._send_and_settle(passed, group, deliveries)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._condition.fail(error, during="an answer was settled")
        finally:
            self._sending -= 1
            self._unsettled.release()
            self._news.set()

    async def _send_and_settle(self, passed: Passed, group: Group, deliveries: tuple[Delivery, ...]) -> None:
        if self._condition.breaker.is_open and len(deliveries) > 1:
            deliveries = self._probe_of(deliveries)
        batch = Batch(self._batch_ids(), self.plan.name, group.object, group.operation, group.key_name, deliveries)
        part, outcomes = None, None
        try:
            if self._traces is not None:
                part = await self._traces.batch(batch, self._journal)
            outcomes = await self._attempts.attempt(batch, passed)
        finally:
            self._limiter.withdraw(passed)
            self._free.release()
            if part is not None and outcomes is None:
                part.end(failed="it was broken off")
        await self._ends.put_back([delivery for delivery in deliveries if delivery.id not in outcomes])
        ended = [(delivery, outcomes[delivery.id]) for delivery in deliveries if delivery.id in outcomes]
        await self._ends.settle(ended, batch_id=batch.id)
        if part is not None:
            part.end(outcomes)

    def _probe_of(self, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
        """Choose the one that failed least often: a record that always fails must not keep its system parked."""
        probe = min(deliveries, key=lambda delivery: self._condition.breaker.times(delivery.id))
        for delivery in deliveries:
            if delivery is not probe:
                self._lanes.retry(delivery, due=self._clock.monotonic())
        return (probe,)
