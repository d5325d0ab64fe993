"""The systems of a run: each has a gate that outlives a change of the program, and a dispatcher that does not.

In: a program to send by (``start``), deliveries that were committed (``hand_out``), what people paused (``obey``). Between the end of one
program (``close``) and the start of the next nothing is sent; the engine sees to it that nothing is committed meanwhile. What a system's
dispatcher does not take waits in the journal, and is read by the next one.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from syncflow.clock import Clock
from syncflow.compiler.program import Program
from syncflow.compiler.wire.system import SystemPlan
from syncflow.events import Delivery
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.changed_program import activation_of
from syncflow.runtime.chosen_routes import chosen_routes
from syncflow.runtime.delivery.assignment import NO_STRAYS, Assignment
from syncflow.runtime.delivery.dispatch import Dispatcher
from syncflow.runtime.delivery.ledger import Ledger
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.delivery.stop_after import StopAfter
from syncflow.runtime.held import Connect, Connected, Held
from syncflow.runtime.journal.base import Activated, Journal, Opened
from syncflow.runtime.journal.usage import Usage
from syncflow.runtime.measures import Measures
from syncflow.runtime.observe import Tally, note, warn
from syncflow.runtime.pauses import NOTHING_PAUSED, Pauses
from syncflow.runtime.standing import Standing

if TYPE_CHECKING:  # it loads OpenTelemetry
    from syncflow.runtime.traces.spans import Traces


class Systems:
    """``changed`` is called whenever deliveries were settled or a system stopped. ``only``: names of routes that send; empty: all."""

    def __init__(
        self,
        program: Program,
        *,
        connect: Connect,
        journal: Journal,
        settler: Settler,
        clock: Clock,
        random: Random,
        tally: Tally,
        bugs: Bugs,
        changed: Callable[[], None],
        only: Sequence[str],
        window: int,
        at_once: bool = False,
        measures: Measures | None = None,
        traces: Traces | None = None,
        counts_for_others: bool = False,
        held: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``at_once``: what an earlier run left is tried although its time has not come. ``counts_for_others``: other workers may send to
        systems for which this one makes deliveries."""
        self.only = chosen_routes(program, only) if only else None
        """The routes that send; None: all."""
        self._only_names = only
        self._held = held
        """Routes that send nothing, with the guard that says so."""
        self._connect = connect
        self._journal = journal
        self._settler = settler
        self._clock = clock
        self._random = random
        self._tally = tally
        self._bugs = bugs
        self._changed = changed
        self._window = window
        self._at_once = at_once
        self._measures = measures
        self._traces = traces
        self._batch_ids = _batch_ids()
        self._program = program
        self._counts_for_others = counts_for_others
        self._counted: dict[str, StopAfter] = {}
        """The dead letters of systems that other workers send to, made before a delivery was."""
        self._refused: set[str] = set()
        """Those of them that have had too many."""
        self._flush = self._ended = False
        self._dispatchers: dict[str, Dispatcher] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._limiters: dict[str, Limiter] = {}
        self._usage: dict[str, Usage] = {}
        """The requests of earlier runs, until a limiter has counted them."""
        self._standings: dict[str, Standing] = {}
        """How the systems stood when the last run ended, until each has a dispatcher."""
        self._mine: dict[str, Held | None] = {}
        """The systems to send to, paused or not; of a worker, by which claim."""
        self.pauses = NOTHING_PAUSED
        self._withheld: dict[str, frozenset[str]] = {}
        """The paused routes of every dispatcher."""
        self._turning: dict[str, asyncio.Task[None]] = {}
        """What ends or begins the dispatcher of a system because of a pause."""
        self._beginning: set[str] = set()
        self._closing = False

    # -- what is asked of them -------------------------------------------------------------------------------------------------

    def recall(self, opened: Opened) -> None:
        """Know what earlier runs used, and how the systems stood."""
        self._usage = dict(opened.usage)
        self._standings = dict(opened.standings)

    def hand_out(self, deliveries: Sequence[Delivery]) -> None:
        """Give committed deliveries to the systems that they are for."""
        for name, dispatcher in self._dispatchers.items():
            mine = [delivery for delivery in deliveries if delivery.system == name]
            if self.only is not None:
                mine = [delivery for delivery in mine if delivery.route in self.only]
            if mine:
                dispatcher.accept(mine)

    def flush(self, *, ended: bool = True) -> None:
        """Nothing more is coming: no batch waits to fill, of dispatchers that start later too. ``ended``: the source has ended."""
        self._flush, self._ended = True, ended
        for dispatcher in self._dispatchers.values():
            dispatcher.flush(ended=ended)

    def may_bury(self, name: str) -> bool:
        """Count a dead letter of a system that no delivery made, unless the system stops by it or has stopped."""
        dispatcher = self._dispatchers.get(name)
        if dispatcher is not None:
            return dispatcher.may_bury()
        return not (self._counts_for_others or name in self._mine) or self._may_bury_for(name)

    def _may_bury_for(self, name: str) -> bool:
        """Count a dead letter of a system that another worker sends to, or nobody: none sees here what fails before a delivery is made."""
        counted = self._counted.get(name)
        if counted is None:
            counted = self._counted[name] = StopAfter(
                self._program.systems[name].stop_after or self._program.stop_after
            )
        if counted.dead(at=self._clock.monotonic()):
            return True
        if name not in self._refused:
            self._refused.add(name)
            warn("system.events_kept", system=name, reason=counted.reason)
        return False

    def stopped_routes(self) -> frozenset[str]:
        """Return the routes that lead to systems that stopped."""
        stopped = {name for name, dispatcher in self._dispatchers.items() if dispatcher.stopped} | self._refused
        return (
            frozenset(route.name for route in self._program.routes.values() if route.system in stopped)
            if stopped
            else frozenset()
        )

    @property
    def nothing_moves(self) -> bool:
        """Whether no delivery is open but those of systems that stopped, and what is paused."""
        return not self._turning and all(
            dispatcher.idle or dispatcher.stopped or dispatcher.waits_for_paused
            for dispatcher in self._dispatchers.values()
        )

    @property
    def is_busy(self) -> bool:
        """Whether something is being sent, or can be before long."""
        return bool(self._turning) or any(dispatcher.is_busy for dispatcher in self._dispatchers.values())

    @property
    def stopped(self) -> tuple[str, ...]:
        """Which systems stopped, each with its reason."""
        return tuple(f"{name}: {d.stopped}" for name, d in self._dispatchers.items() if d.stopped)

    def show(self) -> None:
        """Write down in the tally how every system stands now."""
        self._tally.pauses = tuple(sorted(self.pauses.named))
        for name in self._mine:
            self._tally.system(name).paused = self.pauses.words(name, self._routes_of(name))
            if name not in self._dispatchers and name not in self._turning:
                self._tally.system(name).show_silence()
        for name, dispatcher in self._dispatchers.items():
            dispatcher.show(self._tally.system(name))

    # -- programs come and go --------------------------------------------------------------------------------------------------

    def connected(self, program: Program) -> Mapping[str, Connected]:
        """Connect every system of a program; nothing is sent yet.

        Raises:
            UnavailableError: one of them cannot be connected.
            ProjectError: a route that is to send is not there.
        """
        if self._only_names:
            chosen_routes(program, self._only_names)
        return {name: self._connected(plan) for name, plan in program.systems.items()}

    def _connected(self, plan: SystemPlan, held: Held | None = None) -> Connected:
        journal = held.journal if held else self._journal
        ledger = Ledger(plan.name, plan.windows, self._clock, journal.note_usage, plan.timeout_seconds)
        measures = self._measures.system(plan.name) if self._measures is not None else None
        limiter = Limiter(
            plan.windows,
            in_flight=plan.in_flight,
            clock=self._clock,
            ledger=ledger,
            measures=measures,
            traces=None if self._traces is None else self._traces.system(plan.name),
            is_ours=held.is_ours if held else None,
        )
        return Connected(plan, limiter, self._connect(plan, limiter))

    def begin(self, program: Program) -> None:
        """Know the routes of a program; nothing is sent yet."""
        self._dispatchers.clear()
        self._counted.clear()
        self._refused.clear()
        self._mine.clear()
        self._withheld.clear()
        self._program, self._closing = program, False
        self.only = chosen_routes(program, self._only_names) if self._only_names else None

    @staticmethod
    def tell(activated: Activated) -> None:
        """Log what it came to that a program took over the journal."""
        if activated != Activated():
            counts = {name: count for name, count in asdict(activated).items() if count}
            warn("program.takes_over", **counts, reason="the project changed since the journal was last used")

    async def start(
        self, program: Program, connected: Mapping[str, Connected], *, group: asyncio.TaskGroup, backlog: bool
    ) -> None:
        """Give every system of the program its dispatcher; first let the program take over the journal."""
        self.begin(program)
        activated = await self._journal.activate(activation_of(program), at=self._clock.now())
        self.tell(activated)
        self._tally.abandoned += activated.dead_letters
        self._tally.open -= activated.dead_letters
        self._take_over_names(program)
        self.pauses = Pauses.of(await self._journal.pauses())
        sending = None if self.only is None else {program.routes[name].system for name in self.only}
        for name, system in connected.items():
            if sending is not None and name not in sending:
                await system.client.close()
                continue
            self._mine[name] = None
            if self._wanted(name) is None:
                await system.client.close()
                self._changed()
            else:
                await self._send_to(name, system, group=group, backlog=backlog)

    def _take_over_names(self, program: Program) -> None:
        """Know a system that was renamed by its name of today: its limits and waits go on."""
        for name, former in activation_of(program).was.get("system", {}).items():
            for old in former:
                if old in program.systems:
                    continue
                known: tuple[dict[str, Any], ...] = (self._usage, self._standings, self._limiters)
                for by_name in known:
                    if old in by_name:
                        by_name.setdefault(name, by_name.pop(old))

    async def _send_to(self, name: str, system: Connected, *, group: asyncio.TaskGroup, backlog: bool) -> None:
        """Give a system its dispatcher, with the limits and waits of before."""
        held = self._mine[name]
        before = self._limiters.get(name)
        if before:
            system.limiter.follow(before)
        else:
            system.limiter.recall(held.usage if held else self._usage.pop(name, None))
        self._beginning.add(name)
        try:
            await system.limiter.ledger.open()
        except BaseException:
            await system.client.close()
            raise
        finally:
            self._beginning.discard(name)
        self._limiters[name] = system.limiter
        if self._closing or name not in self._mine:  # it was to end while it was about to begin
            await system.limiter.ledger.close()
            await system.client.close()
            return
        self._withheld[name] = self._wanted(name) or frozenset()
        self._counted.pop(name, None)
        self._refused.discard(name)
        dispatcher = self._dispatchers[name] = self._dispatcher(name, system, backlog=backlog)
        running = dispatcher.run() if held is None else held.guarded(dispatcher.run)
        self._tasks[name] = group.create_task(running, name=f"dispatch {name}")

    # -- what people paused ----------------------------------------------------------------------------------------------------

    def obey(self, pauses: Pauses, *, group: asyncio.TaskGroup) -> None:
        """Send nothing of what is paused, and send again what is not any more; what is under way ends first."""
        for what, name in sorted(pauses.named - self.pauses.named):
            note("pause.begun", what=what, name=name)
        for what, name in sorted(self.pauses.named - pauses.named):
            note("pause.over", what=what, name=name)
        self.pauses = pauses
        if self._closing:
            return  # the next program begins by it
        for name, held in self._mine.items():
            if (
                name not in self._turning
                and name not in self._beginning
                and self._withheld.get(name) != self._wanted(name)
            ):
                turn = partial(self._turn, name, group)
                self._turning[name] = group.create_task(held.guarded(turn) if held else turn(), name=f"pause {name}")

    def paused_systems(self) -> frozenset[str]:
        """Return the systems that would be sent to here, were it not for a pause."""
        return frozenset(name for name in self._mine if self._wanted(name) is None)

    def _routes_of(self, name: str) -> list[str]:
        routes = (route.name for route in self._program.routes.values() if route.system == name)
        return [route for route in routes if self.only is None or route in self.only]

    def _wanted(self, name: str) -> frozenset[str] | None:
        """Return the routes of a system that are to be withheld; None where all are."""
        return self.pauses.withheld(name, self._routes_of(name))

    async def _turn(self, name: str, group: asyncio.TaskGroup) -> None:
        """End the dispatcher of a system, and begin another where something may be sent, until it is as people want it."""
        try:
            while name in self._mine and not self._closing and self._withheld.get(name) != self._wanted(name):
                await self._let_end(name)
                if self._wanted(name) is not None and name in self._mine and not self._closing:
                    system = self._connected(self._program.systems[name], self._mine[name])
                    await self._send_to(name, system, group=group, backlog=True)
        finally:
            del self._turning[name]
            self._changed()

    async def _let_end(self, name: str) -> None:
        if name not in self._dispatchers:
            return
        dispatcher = self._dispatchers.pop(name)
        dispatcher.close()
        await asyncio.gather(self._tasks[name], return_exceptions=True)
        del self._tasks[name], self._withheld[name]
        if name in self._mine:
            await self._limiters[name].ledger.close()
            self._remember({name: dispatcher})

    def _remember(self, dispatchers: Mapping[str, Dispatcher]) -> None:
        """Keep how systems stand, for the dispatchers that come after these."""
        self._standings |= {name: now for name, each in dispatchers.items() if (now := each.standing)}

    # -- one system of a worker ------------------------------------------------------------------------------------------------

    async def add(self, program: Program, name: str, held: Held, *, group: asyncio.TaskGroup) -> None:
        """Send to a system from now on, by a claim.

        Raises:
            UnavailableError: it cannot be connected, or the claim has passed on.
        """
        self.pauses = Pauses.of(await held.journal.pauses())
        self._mine[name] = held
        if held.standing is not None:
            self._standings[name] = held.standing
        if self._wanted(name) is None:
            self._changed()
            return
        system = self._connected(program.systems[name], held)
        await self._send_to(name, system, group=group, backlog=True)
        if held.stays_stopped and held.standing is not None and name in self._dispatchers:
            self._dispatchers[name].stay_stopped(held.standing.reason, by=held.standing.by)

    async def drop(self, name: str, *, at_once: bool) -> None:
        """Send no more to a system: let what is under way end and be settled, or leave all ``at_once``: it is another worker's."""
        self._mine.pop(name, None)
        dispatcher, task, turning = self._dispatchers.get(name), self._tasks.get(name), self._turning.get(name)
        if dispatcher is not None:
            dispatcher.close()
        if at_once and task is not None:
            task.cancel()
        try:
            await asyncio.gather(*(each for each in (task, turning) if each is not None), return_exceptions=True)
            if not at_once and name in self._limiters:
                await self._limiters[name].ledger.close()
        finally:
            known: tuple[dict[str, Any], ...] = (self._dispatchers, self._tasks, self._limiters, self._standings)
            for each in (*known, self._withheld):
                each.pop(name, None)
            self._changed()

    def look(self) -> None:
        """Other workers may have committed deliveries: read those of the systems that are held from the journal."""
        for dispatcher in self._dispatchers.values():
            dispatcher.look()

    def _dispatcher(self, name: str, system: Connected, *, backlog: bool) -> Dispatcher:
        program, held = self._program, self._mine[name]
        dispatcher = Dispatcher(
            Assignment(
                strays=held.strays if held else NO_STRAYS,
                plan=system.plan,
                routes=program.routes,
                system=system.client,
                limiter=system.limiter,
                journal=held.journal if held else self._journal,
                settler=held.settler if held else self._settler,
                stop_after=StopAfter(system.plan.stop_after or program.stop_after),
                retries=Retries(system.plan.retry or program.retry, self._random),
                clock=self._clock,
                tally=self._tally,
                batch_ids=self._batch_ids,
                bugs=self._bugs,
                changed=self._changed,
                backlog=backlog,
                standing=self._standings.pop(name, None),
                only=self.only,
                withheld=self._withheld[name],
                held=self._held,
                window=self._window,
                at_once=self._at_once,
                traces=system.limiter.traces,
                by_time={kind for kind, record in program.records.items() if record.version == "timestamp"},
            )
        )
        if self._flush:
            dispatcher.flush(ended=self._ended)
        return dispatcher

    async def close(self) -> None:
        """Let every request under way end and be settled. How the systems stood can still be asked."""
        self._closing = True
        for dispatcher in self._dispatchers.values():
            dispatcher.close()
        await asyncio.gather(*self._turning.values())
        await asyncio.gather(*self._tasks.values())
        for name in self._dispatchers:
            await self._limiters[name].ledger.close()
        self._remember(self._dispatchers)
        self.show()
        self._tasks.clear()


def _batch_ids() -> Callable[[], str]:
    """Ids that are unique over runs: a random start and a number."""
    run = secrets.token_hex(4)
    numbers = itertools.count(1)
    return lambda: f"{run}-{next(numbers)}"
