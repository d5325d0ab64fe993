"""Guards of routes: how much of what is there a run may delete or change without a person's word (``guard:`` of a route).

    steps of a plan ──▶ ``Guarding`` ──▶ ``Tripped``: the guard, how many records, of how many

Counted are records, not deliveries, and only those that the journal knew to be there before: what a run itself creates is not at stake.
A run that is about to begin plans what it would do, and sends nothing of a route whose guard trips; see ``routes_to_hold``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from syncflow.clock import Clock
from syncflow.compiler.build import guards
from syncflow.compiler.program import Program
from syncflow.config.journal_place import place_of
from syncflow.config.models.routes import RouteGuard
from syncflow.config.project import Project
from syncflow.events import Record
from syncflow.frozen import value_class
from syncflow.runtime.journal.homes import is_there, writing
from syncflow.runtime.preview.looking import ahead_of, seeds_of
from syncflow.runtime.preview.reading import PlanSource, plan_source
from syncflow.runtime.preview.seeds import Seeds
from syncflow.runtime.preview.steps import Step
from syncflow.sources.base import NothingToRead


@value_class
class Tripped:
    """A guard that stops a route. ``share``: the most that it allows, of 1; ``there``: records that the route had there before."""

    route: str
    guard: Literal["delete", "change"]
    share: float
    count: int
    there: int

    @property
    def words(self) -> str:
        done = "deleted" if self.guard == "delete" else "changed"
        allowed = f"guard: {{{self.guard}: {100 * self.share:g}%}}"
        return f"{self.count:,} of its {self.there:,} records there would be {done}, more than `{allowed}` allows"


class Guarding:
    """Counts the steps of a plan. ``guards``: by route."""

    def __init__(self, guards: Mapping[str, RouteGuard], seeds: Seeds) -> None:
        self._guards = guards
        self._there = {route: seeds.held(route) for route in guards}
        self._new: dict[str, set[Record]] = {route: set() for route in guards}
        self._deleted: dict[str, set[Record]] = {route: set() for route in guards}
        self._changed: dict[str, set[Record]] = {route: set() for route in guards}

    def take(self, step: Step) -> None:
        """Count a step; in the order of the plan."""
        route, record = step.delivery.route, step.delivery.record
        if route not in self._guards or not step.is_sent:
            return
        if step.effect == "create":
            self._new[route].add(record)
        elif record in self._new[route]:
            return
        elif step.effect == "delete":
            self._deleted[route].add(record)
        elif step.effect in {"change", "key_change"} or (
            step.effect == "unknown" and step.delivery.operation != "delete"
        ):
            self._changed[route].add(record)

    def tripped(self) -> list[Tripped]:
        """Return the guards that stop their routes, in the order of the routes."""
        found = []
        for route, guard in self._guards.items():
            there = self._there[route]
            asked: tuple[tuple[Literal["delete", "change"], float | None, set[Record]], ...] = (
                ("delete", guard.delete, self._deleted[route]),
                ("change", guard.change, self._changed[route]),
            )
            for name, share, records in asked:
                count = len(records)
                if share is not None and count >= guard.at_least and there and count > share * there:
                    found.append(Tripped(route, name, share, count, there))
        return found


async def routes_to_hold(
    project: Project, program: Program, *, clock: Clock, limit: int | None, from_start: bool, drain: bool
) -> dict[str, str]:
    """Plan what a run would do, and return the routes that a guard stops, with its words; sends nothing.

    Raises:
        SyncflowError: the source or the journal cannot be read.
    """
    wanted = guards(project)
    if not wanted:
        return {}
    place = place_of(project.routes.model.journal, project.path)
    if is_there(place):
        with writing(
            place
        ):  # the run would bring a journal of an earlier version up to date; what is planned must find it so
            pass
    with plan_source(project, clock=clock) as found, seeds_of(project, program) as seeds:
        source = PlanSource(NothingToRead(), (), 0, is_exact=True) if drain else found
        guarding = Guarding(wanted, seeds)
        await ahead_of(
            project,
            program,
            source.source,
            seeds,
            clock=clock,
            most=limit,
            from_start=from_start,
            take=guarding.take,
        )
        return {each.route: each.words for each in reversed(guarding.tripped())}
