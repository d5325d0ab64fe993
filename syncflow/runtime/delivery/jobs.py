"""The jobs of one system: how many records may begin one, those under way, and those that an earlier run left."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from syncflow.adapters.adopting import plan_of
from syncflow.clock import Clock
from syncflow.compiler.values import is_true
from syncflow.compiler.wire.expression_input import payload_as_sent, root_of
from syncflow.compiler.wire.system import OperationPlan, SystemPlan
from syncflow.errors import BugError, DataError, UnavailableError
from syncflow.events import Action, Delivery, Job, Outcome, Verdict
from syncflow.runtime.delivery.condition import Condition
from syncflow.runtime.delivery.ends import Ends
from syncflow.runtime.delivery.job_course import Course, JobRequests, Surroundings
from syncflow.runtime.delivery.lanes import Group, Lanes
from syncflow.runtime.delivery.limits import GateClosedError, Limiter
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.journal.base import Journal, OpenJob
from syncflow.runtime.observe import note

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import SystemTraces

REFUSED_SECONDS = 900.0
"""How long no job is begun of an operation that has requests too, after one was refused."""

_Place = tuple[str, Action]


@runtime_checkable
class DoesJobs(Protocol):
    """A system that jobs can be done with."""

    @property
    def jobs(self) -> JobRequests:
        """What sends the requests of a job."""
        ...


class JobRoom:
    """Which deliveries may go by a job, and how many of them a job may take now."""

    def __init__(self, plan: SystemPlan, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock
        self.open = 0
        """How many jobs are under way."""
        self._alone: set[int] = set()
        self._most: dict[_Place, int] = {}
        self._refused_until: dict[_Place, float] = {}

    @property
    def records(self) -> int:
        """How many records may be in jobs at once."""
        plans = [self._plan.operations, *self._plan.own_operations.values()]
        jobs = [each.job for operations in plans for each in operations.values() if each.job is not None]
        return max((job.records * job.at_once for job in jobs if job.least), default=0)

    def takes(self, delivery: Delivery) -> bool:
        """Whether a delivery may go by a job of its operation."""
        operation = self._plan.operations_of(delivery.object)[delivery.operation]
        job = operation.job
        if job is None or not job.least:
            return False
        if not operation.steps:
            return True
        if plan_of(self._plan, delivery) is not None:
            return False  # it is looked for first
        if delivery.id in self._alone or self._is_refused((delivery.object, delivery.operation)):
            return False
        return job.when is None or self._fits(operation, delivery)

    def most(self, group: Group) -> int:
        """Return how many records of a group a job that is begun now may take; 0 where none may be begun."""
        job = self._plan.operations_of(group.object)[group.operation].job
        if job is None or self.open >= job.at_once:
            return 0
        return min(job.records, self._most.get((group.object, group.operation), job.records))

    def split(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """Let records go by request from now on, or in smaller jobs where there is no other way."""
        if self._plan.operations_of(job.object)[job.operation].steps:
            self._alone.update(delivery.id for delivery in deliveries)
        else:
            self._most[job.object, job.operation] = max(1, len(deliveries) // 2)

    def went_well(self, job: Job) -> None:
        """Let jobs grow again."""
        place = (job.object, job.operation)
        if place in self._most:
            self._most[place] *= 2

    def refuse(self, job: Job) -> bool:
        """Begin no more jobs of an operation for a while; return whether its records can go by request meanwhile."""
        if not self._plan.operations_of(job.object)[job.operation].steps:
            return False
        self._refused_until[job.object, job.operation] = self._clock.monotonic() + REFUSED_SECONDS
        return True

    def _is_refused(self, place: _Place) -> bool:
        return bool(self._refused_until) and self._refused_until.get(place, 0.0) > self._clock.monotonic()

    def _fits(self, operation: OperationPlan, delivery: Delivery) -> bool:
        wire, job = self._plan.details, operation.job
        if wire is None or job is None or job.when is None:
            return True
        payload = payload_as_sent(delivery.payload, clear=wire.clear, text_values=wire.text_values)
        try:
            return is_true(job.when(root_of(delivery, dict(wire.options), payload=payload)))
        except DataError:
            return False


class Jobs:
    """See the module. Each job is a task; ``changed`` is called when one has ended, for there may be room for another."""

    def __init__(
        self,
        plan: SystemPlan,
        *,
        room: JobRoom,
        requests: JobRequests | None,
        lanes: Lanes,
        ends: Ends,
        condition: Condition,
        limiter: Limiter,
        journal: Journal,
        retries: Retries,
        clock: Clock,
        ids: Callable[[], str],
        changed: Callable[[], None],
        traces: SystemTraces | None = None,
    ) -> None:
        self._traces = traces
        self._plan = plan
        self._room = room
        self._lanes = lanes
        self._ends = ends
        self._condition = condition
        self._limiter = limiter
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._changed = changed
        self._ending = asyncio.Event()
        self._courses: set[Course] = set()
        self._around = None if requests is None else Surroundings(
            requests=requests,
            condition=condition,
            ends=ends,
            journal=journal,
            retries=retries,
            clock=clock,
            ending=self._ending,
            split=room.split,
            refused=room.refuse,
        )  # fmt: skip

    def begin(self, tasks: asyncio.TaskGroup, group: Group, deliveries: Sequence[Delivery]) -> None:
        """Begin a job with deliveries that were cut from the lanes."""
        job = Job(
            id=self._ids(),
            system=self._plan.name,
            object=group.object,
            operation=group.operation,
            key_name=group.key_name,
            stage="starting",
            begun_at=self._clock.now(),
            members=tuple(delivery.id for delivery in deliveries),
        )
        self._carry(tasks, job, deliveries, resumed=False)

    async def resume(self, tasks: asyncio.TaskGroup) -> None:
        """Go on with the jobs that an earlier run left. Called before anything is read into the lanes."""
        if self._around is None:
            return
        for each in await self._journal.jobs(self._plan.name):
            operation = self._plan.operations_of(each.job.object).get(each.job.operation)
            if operation is None or operation.job is None:
                await self._abandon(each, operation)
                continue
            for delivery in each.deliveries:
                self._lanes.hold(delivery)
            note("job.goes_on", system=self._plan.name, job=each.job.id, stage=each.job.stage)
            self._carry(tasks, each.job, each.deliveries, resumed=True)

    @property
    def held_up(self) -> int:
        """How many records are in jobs that get no answer now: a run that is at its end need not wait for these."""
        return sum(course.held_up for course in self._courses)

    def close(self) -> None:
        """Send nothing more; jobs stay in the journal."""
        self._ending.set()

    async def _abandon(self, left: OpenJob, operation: OperationPlan | None) -> None:
        """Leave a job that today's adapter cannot ask after: its records go again, or are in doubt where that would do harm."""
        if operation is not None and operation.repeat == "unsafe" and left.deliveries:
            for delivery in left.deliveries:
                self._lanes.hold(delivery)
            message = "it was sent by a job, and the adapter has none any more"
            outcome = Outcome(Verdict.IN_DOUBT, code="program_changed", message=message)
            await self._ends.settle([(delivery, outcome) for delivery in left.deliveries], batch_id=left.job.id)
        await self._journal.end_job(left.job)

    def _carry(self, tasks: asyncio.TaskGroup, job: Job, deliveries: Sequence[Delivery], *, resumed: bool) -> None:
        if self._around is None:
            raise BugError(f"no job can be done with {self._plan.name}")
        operation = self._plan.operations_of(job.object)[job.operation]
        course = Course(job, deliveries, operation, self._around, resumed=resumed)
        self._room.open += 1
        # Its requests count for its operation, and are promised nothing: it waits for each as it comes.
        context = contextvars.copy_context()
        context.run(self._limiter.admit, (), job.operation)
        tasks.create_task(self._run(course, deliveries, resumed=resumed), context=context)

    async def _run(self, course: Course, deliveries: Sequence[Delivery], *, resumed: bool) -> None:
        self._courses.add(course)
        part = None
        try:
            if self._traces is not None:
                part = await self._traces.job(course.job, deliveries, self._journal, resumed=resumed)
            await course.run()
        except GateClosedError:
            pass
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # a bulkhead
            self._condition.fail(error, during="a job was carried on")
        finally:
            if part is not None:
                part.end(failed="" if course.went_well else f"it stands at {course.job.stage}")
            self._courses.discard(course)
            self._room.open -= 1
            self._changed()
        if course.went_well:
            self._room.went_well(course.job)
