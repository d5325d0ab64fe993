"""Checks of settings that contradict each other: waits longer than what they wait for, names given twice, tables that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from syncflow.compiler.routing.router import systems_of
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.models.routes import RetrySettings
from syncflow.config.project import Project

_Path = tuple[str | int, ...]


def check_contradictions(project: Project) -> Iterator[Diagnostic]:
    """Yield settings of ``routes.yaml`` that cannot be meant together."""
    yield from _waits(project)
    yield from _batches(project)
    yield from _former_names(project)
    yield from _tables(project)


class _Wait(NamedTuple):
    """How long something waits: the name of its setting, seconds, and whether it is written at this place."""

    name: str
    seconds: float
    is_written: bool


def _waits(project: Project) -> Iterator[Diagnostic]:
    """Yield waits that are longer than the longest one, or than a delivery is tried for."""
    root = project.routes.model.retry
    yield from _longer(project, ("retry",), _waits_of(root, None))
    for name, system in project.routes.model.systems.items():
        waits = _waits_of(system.retry, root)
        if any(wait.is_written for wait in waits):
            yield from _longer(project, ("systems", name, "retry"), waits)


def _waits_of(retry: RetrySettings, root: RetrySettings | None) -> list[_Wait]:
    """Return the first and the longest wait and the age; what a system leaves out is as the project says."""
    found = []
    for name in ("first", "most", "age"):
        is_written = name in retry.model_fields_set
        given = retry if is_written or root is None else root
        found.append(_Wait(name, getattr(given, name), is_written))
    return found


def _longer(project: Project, place: _Path, waits: list[_Wait]) -> Iterator[Diagnostic]:
    """Yield the first wait where another bound is shorter, else the longest one where a delivery is given up before."""
    first, most, age = waits
    is_global = place == ("retry",)
    shorter = [wait for wait in (most, age) if first.seconds > wait.seconds]
    shorter = [wait for wait in shorter if is_global or first.is_written or wait.is_written]
    if shorter:
        low, high = first, min(shorter, key=lambda wait: wait.seconds)
        words = "the first wait is the shortest one"
    elif most.is_written and most.seconds > age.seconds:
        low, high, words = most, age, "no wait is longer than a delivery is tried for"
    else:
        return
    yield project.routes.report(
        "SF209",
        f"`{low.name}` ({low.seconds:g} s) is above `{high.name}` ({high.seconds:g} s)",
        *(*place, low.name if low.is_written else high.name),
        severity="warning",
        hint=f"{words}; write `{low.name}: {high.seconds:g}s` or less",
    )


def _batches(project: Project) -> Iterator[Diagnostic]:
    """Yield batches that wait for others until their first delivery is given up."""
    root = project.routes.model.retry
    for name, system in project.routes.model.systems.items():
        age = _waits_of(system.retry, root)[-1]
        if "age" in system.batch.model_fields_set and system.batch.age >= age.seconds:
            yield project.routes.report(
                "SF209",
                f"a batch waits for others ({system.batch.age:g} s) until its first delivery is given up (`retry: age`, {age.seconds:g} s)",
                *("systems", name, "batch", "age"),
                severity="warning",
                hint="give it a few seconds, or raise `age` of `retry`",
            )


def _former_names(project: Project) -> Iterator[Diagnostic]:
    """Yield former names that something has today, or that two claim: what the journal knows under such a name has two heirs."""
    model = project.routes.model
    named = {route.name: ("routes", index) for index, route in enumerate(model.routes) if route.name is not None}
    groups: list[list[tuple[_Path, str, str | tuple[str, ...]]]] = [
        [(("records", name), name, record.was) for name, record in model.records.items()],
        [(("systems", name), name, system.was) for name, system in model.systems.items()],
        [(place, name, model.routes[place[1]].was) for name, place in named.items()],
    ]
    for group in groups:
        today, claimed = {name for _, name, _ in group}, dict[str, str]()
        for place, name, was in group:
            for former in (was,) if isinstance(was, str) else was:
                heir = former if former in today else claimed.get(former)
                if heir is not None and former != name:
                    yield _two_heirs(project, place, former, heir, name)
                claimed[former] = name


def _two_heirs(project: Project, place: _Path, former: str, heir: str, name: str) -> Diagnostic:
    why = f"`{former}` is here, too" if heir == former else f"`{heir}` claims it, too"
    return project.routes.report(
        "SF209",
        f"what the journal knows of `{former}` cannot go on as `{name}`: {why}",
        *(*place, "was"),
        expected="a name that nothing has now",
        hint="take it out of one of the two" if heir != former else "take it out, or correct the name",
    )


def _tables(project: Project) -> Iterator[Diagnostic]:
    """Yield entries of a route's table that name no system, or one of them twice."""
    for index, route in enumerate(project.routes.model.routes):
        entries: list[tuple[_Path, object]] = [(("table", value), given) for value, given in route.table.items()]
        entries += [] if route.default is None else [(("default",), route.default)]
        for path, given in entries:
            systems = systems_of(given)  # type: ignore[arg-type]  # what a table holds
            place = ("routes", index, *path)
            if not systems:
                yield project.routes.report(
                    "SF407",
                    "this leads to no system, so such a record becomes a dead letter",
                    *place,
                    severity="warning",
                    expected="a system, or a list of some",
                    hint='name a system; to send such records nowhere, ignore them: `ignore: ["…"]`',
                )
            for position, system in enumerate(systems):
                if system in systems[:position]:
                    yield project.routes.report(
                        "SF619",
                        f"`{system}` is listed twice",
                        *(*place, position),
                        severity="warning",
                        hint="take it out, or name the one that is meant",
                    )
